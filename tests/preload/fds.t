#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A program that has closed every descriptor and uses 3..64 for files, pipes
and sockets of its own, while every profile of it is taken: no byte of them
changes, and no descriptor is anybody else's (hazards E3, H2, I1)."""
import atexit
import os
import subprocess
import sys

sys.path.insert(0, os.path.abspath("tests/helpers"))
from server_run import BUILD, Server, done, is_, ok

KINDS = ["heap", "allocs", "peak", "goroutine?debug=2", "threadcreate", "mutex",
         "block", "heap?seconds=1", "profile?seconds=1&hz=1000"]
server = Server(render="preprof-render")
target = subprocess.Popen(
    [BUILD + "/tests/programs/stress", "fds"], stdin=subprocess.PIPE,
    stdout=subprocess.PIPE, text=True, cwd=server.directory,
    env=dict(server.environment, LD_PRELOAD=BUILD + "/libpreprof.so",
             PREPROF_MODE="exact"))
atexit.register(target.kill)
is_(target.stdout.readline(), "ready\n", "descriptors 3 to 64 are the program's")


def descriptors():
    directory = f"/proc/{target.pid}/fd"
    return {fd: os.readlink(f"{directory}/{fd}") for fd in os.listdir(directory)}


def command(*arguments):
    return subprocess.run(arguments, capture_output=True, timeout=20,
                          env=server.environment).returncode


before = descriptors()
pid = str(target.pid)
for kind in KINDS:
    status = server.get(f"/pid/{pid}/debug/pprof/{kind}").status
    is_(status, 200, kind)
for mode in "off", "sample=1", "exact":
    is_(command(BUILD + "/preprof-ctl", pid, mode), 0, "ctl " + mode)
is_(command(BUILD + "/preprof-list"), 0, "list")
is_(command(BUILD + "/preprof-threads", pid), 0, "threads")
is_(command(BUILD + "/preprof-convert", pid, "-o", server.directory + "/p"), 0,
    "convert")
is_(descriptors(), before, "the same descriptors")
target.stdin.close()
said = target.stdout.read()
is_(target.wait(20), 0, "it ends well")
ok(said.startswith("did "), "not one byte of the program's changed: " + said.strip())
done()
