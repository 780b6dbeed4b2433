#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: a profile that is not whole says so, in every output (design 3.5).
Method: programs under limits that fill the table of frames, the segment and the
owner map; their profiles by every tool and every path of the server, and by Go's
pprof, which must still read them."""
import gzip
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.abspath("tests/helpers"))
from server_run import BUILD, SANITIZED, Server, done, is_, ok, skip, wait_for

if SANITIZED:
    skip("the shim runs under no sanitizer")
server = Server(render="preprof-render")
work = server.directory
environment = dict(os.environ, PREPROF_DIR=server.environment["PREPROF_DIR"],
                   PREPROF_MODE="exact")
SHIM = os.path.abspath(f"{BUILD}/libpreprof.so")
PROGRAMS = os.path.abspath(f"{BUILD}/tests/programs")

# Blocks that stay, each in another leaf of the owner map: libnomad.so never comes back.
FAR_APART = """
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
for _ in range(200):
    libc.malloc(1000000)
    for block in [libc.malloc(1 << 20) for _ in range(4)]:
        libc.free(block)
print("ready", flush=True)
input()
"""
SPREAD = [f"{PROGRAMS}/spread", "10", "90", "0", "1"]  # 92 000 frames
VICTIMS = {
    "allocations charged to an outer frame: table full": (
        SPREAD, SHIM, {resource.RLIMIT_AS: 40 << 20}),
    "extents refused: segment or tmpfs full": (
        SPREAD, SHIM, {resource.RLIMIT_FSIZE: 1 << 20}),
    "blocks not followed: no memory for the owner map": (
        ["/usr/bin/python3", "-c", FAR_APART], f"{SHIM}:{PROGRAMS}/libnomad.so",
        {resource.RLIMIT_AS: 1000 << 20}),
}


def tool(name, *arguments):
    """What a tool says on both channels; (status, text)."""
    said = subprocess.run([f"{BUILD}/preprof-{name}", *arguments], env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return said.returncode, said.stdout


def converted(pid, suffix):
    """(status, what convert says and writes)"""
    name = f"{work}/{pid}.{suffix}"
    status, said = tool("convert", str(pid), "-o", name)
    if status:
        return status, said
    with open(name, "rb") as file:
        content = file.read()
    return status, said + (gzip.decompress(content) if suffix == "pb.gz" else content).decode(
        errors="replace")


def path(pid, rest):
    answer = server.get(f"/pid/{pid}/{rest}")
    body = gzip.decompress(answer.body) if answer.body[:2] == b"\x1f\x8b" else answer.body
    return 0 if answer.status == 200 else answer.status, body.decode(errors="replace")


for loss, (command, preload, limits) in VICTIMS.items():
    victim = subprocess.Popen(
        command, env=dict(environment, LD_PRELOAD=preload), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: [resource.setrlimit(*limit) for limit in
                            ((number, (most, most)) for number, most in limits.items())])
    is_(victim.stdout.readline(), b"ready\n", f"a program with {loss}")
    pid = victim.pid
    said = rf"[1-9]\d* {loss}"
    outputs = {
        "convert, pprof": converted(pid, "pb.gz"), "convert, text": converted(pid, "txt"),
        "convert, folded": converted(pid, "folded"), "top": tool("top", str(pid)),
        "heap": path(pid, "debug/pprof/heap"),
        "heap as text": path(pid, "debug/pprof/heap?debug=1"),
        "peak as text": path(pid, "debug/pprof/peak?debug=1"),
        "mutex as text": path(pid, "debug/pprof/mutex?debug=1"),
        "block as text": path(pid, "debug/pprof/block?debug=1"),
        "threadcreate as text": path(pid, "debug/pprof/threadcreate?debug=1"),
        "gperftools": path(pid, "pprof/heap"),
        "doctor": tool("doctor", str(pid)),
    }
    for name, (status, text) in outputs.items():
        ok((status == 0 or name == "doctor") and re.search(said, text), f"{name} says so") or print(
            f"# {status}: {text[:300]!r}")
    status, text = path(pid, "debug/vars")
    ok(json.loads(text)["preprof"]["losses"].get(loss, 0) > 0, "vars say so")
    row = next(line for line in tool("list")[1].splitlines() if line.split()[0] == str(pid))
    ok(row.endswith("(not complete)"), "list marks it")
    page = server.get("/pid/").body.decode()
    ok(re.search(rf">{pid}</a>.*\(not complete\)", page), "/pid/ marks it")

    if shutil.which("go"):
        for file in f"{work}/{pid}.txt", f"{work}/{pid}.pb.gz":
            read = subprocess.run(["go", "tool", "pprof", "-top", file], text=True, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            ok(read.returncode == 0 and re.search(r"100% of [\d.]+[kM]?B total|Showing nodes",
                                                  read.stdout), f"pprof reads {file[-5:]}")
    os.kill(pid, signal.SIGKILL)
    victim.wait()

# One that is whole says nothing.
whole = subprocess.Popen([f"{PROGRAMS}/spread", "4", "4", "0", "1"], stdin=subprocess.PIPE,
                         env=dict(environment, LD_PRELOAD=SHIM), stdout=subprocess.PIPE)
whole.stdout.readline()
row = next(line for line in tool("list")[1].splitlines() if line.split()[0] == str(whole.pid))
is_((converted(whole.pid, "folded")[1][:7], "complete" in row,
     "\n# " in path(whole.pid, "pprof/heap")[1]), ("_start;", False, False),
    "a whole profile has no comment")
whole.kill()
whole.wait()
done()
