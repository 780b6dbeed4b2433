#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: profiles of every kind at once, from a program that forks, execs, loads
libraries, throws, fights for locks and creates threads: nothing hangs, nothing
crashes, every profile is one. Method: tests/programs/medley.cc, which looks
whether its own work is right; a client per kind that asks again and again, for
ten seconds (`make soak`: a minute); Go's pprof reads the last of each kind."""
import os
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.abspath("tests/helpers"))
from server_run import BUILD, SANITIZED, Server, done, is_, ok, skip

if SANITIZED:
    skip("the preload runs under no sanitizer")
if not shutil.which("go"):
    skip("no go")
from pprof_raw import Profile

RUN_S = 60 if os.environ.get("SOAK") else 10
# What is asked for, and a function that must be in one of the last answers: a
# thread may just not be where it mostly waits.
KINDS = {
    "heap": "main", "allocs": "throw_from", "peak": "main", "heap?debug=1": "",
    "goroutine": "wait_in_vain", "goroutine?debug=2": "", "threadcreate": "make_threads",
    "block": "fight", "mutex": "fight", "profile?seconds=1&hz=500": "be_busy",
    "allocs?seconds=1": "throw_from", "delta_heap": "", "delta_block": "", "delta_mutex": "",
}
PROGRAMS = os.path.join(BUILD, "tests/programs")
server = Server(shim=True, render=os.path.join(BUILD, "preprof-render"))
program = subprocess.Popen(
    [os.path.join(PROGRAMS, "medley"), os.path.join(PROGRAMS, "libplugin.so")],
    env=dict(os.environ, PREPROF_DIR=server.environment["PREPROF_DIR"], PREPROF_MODE="exact",
             PREPROF_LOCKS="1", LD_PRELOAD=os.path.join(server.directory, "libpreprof.so")),
    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
is_(program.stdout.readline(), "ready\n", "it runs")
end = time.monotonic() + RUN_S
answers, bodies = {kind: [] for kind in KINDS}, {kind: [] for kind in KINDS}


def ask(kind):
    while time.monotonic() < end:
        answer = server.get(f"/pid/{program.pid}/debug/pprof/{kind}")
        answers[kind].append(answer.status)
        if answer.status == 200:
            bodies[kind] = [*bodies[kind][-2:], answer.body]
        time.sleep(0.1)


def has(body, function):
    """Whether it is a profile of its kind with the function in it."""
    if not function:
        return len(body) > 100
    profile = Profile(body)
    return any(function in name and values[0] > 0
               for values, stack in profile.samples for name in stack)


clients = [threading.Thread(target=ask, args=(kind,)) for kind in KINDS]
for client in clients:
    client.start()
for client in clients:
    client.join(RUN_S + 30)
ok(not any(client.is_alive() for client in clients), "every request is answered")
for kind, function in KINDS.items():
    ok(set(answers[kind]) == {200} and any([has(body, function) for body in bodies[kind]]),
       f"{kind}: {len(answers[kind])} answers, all of {set(answers[kind])}")
is_(program.poll(), None, "the program runs")
said = program.communicate("", timeout=30)[0]
is_(program.returncode, 0, "and ends as it should")
rounds = dict(line.rsplit(" ", 1) for line in said.splitlines())
ok(len(rounds) == 8 and min(map(int, rounds.values())) > RUN_S, ", ".join(said.splitlines()))
is_(server.get("/").status, 200, "the server runs")
done()
