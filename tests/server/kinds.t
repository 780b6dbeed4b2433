#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: a profile of each kind shows what a program did, at its function and
line, in the right number. Method: a demo program for each with a hundred events
or more; the server's profiles as Go's pprof reads them, the sources."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.abspath("tests/helpers"))
from server_run import BUILD, SANITIZED, Server, done, is_, ok, skip

if SANITIZED:
    skip("the preload runs under no sanitizer")
if not shutil.which("go"):
    skip("no go")
from pprof_raw import Profile

server = Server(render=os.path.join(BUILD, "preprof-render"))


def start(name, *arguments):
    return subprocess.Popen(
        [os.path.join(BUILD, "tests/programs", name), *arguments],
        env=dict(os.environ, PREPROF_DIR=server.environment["PREPROF_DIR"], PREPROF_MODE="exact",
                 PREPROF_LOCKS="1", LD_PRELOAD=os.path.join(BUILD, "libpreprof.so")),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def end(program):
    program.kill()
    program.communicate()


def check(program, kind, values, function, text):
    """That `values` are of `function`, in which `text` is the line."""
    source = f"tests/programs/{os.path.basename(program.args[0])}.c"
    with open(source) as lines:
        numbers = {number for number, line in enumerate(lines, 1) if text in line}
    profile = Profile(server.get(f"/pid/{program.pid}/debug/pprof/{kind}").body)
    found = [profile.cumulative(function, at) for at in range(len(values))]
    is_((found, profile.lines.get(function)), (values, numbers),
        f"{kind}: {values} in {function}, {source}:{min(numbers)}")
    return profile


orders = start("orders")
is_(orders.stdout.readline(), "ready\n", "it runs")
for order in "alloc 1009", "free 307":
    orders.stdin.write(order + "\n")
    orders.stdin.flush()
    is_(orders.stdout.readline(), "done\n", order)
for kind in "heap", "allocs":
    check(orders, kind, [1009, 1009 * 24, 702, 702 * 24], "order_blocks", "malloc(24)")
end(orders)

peaks = start("peaks", "wait")
peaks.stdout.readline()
check(peaks, "peak", [7919, 7919 * 1016], "high", "malloc(1009)")
end(peaks)

crowd = start("crowd", "150")
is_(crowd.stdout.readline(), "ready\n", "150 threads")
profile = Profile(server.get(f"/pid/{crowd.pid}/debug/pprof/goroutine").body)
is_(profile.cumulative("wait_somewhere"), 150, "goroutine: all of them wait there")
end(crowd)

threads = start("contend", "threads", "killed")
threads.wait(20)
check(threads, "threadcreate", [211], "create_posix", "pthread_create(&thread, NULL, do_nothing")
check(threads, "threadcreate", [101], "create_c11", "thrd_create(&thread, do_little")

locks = start("contend", "many", "killed")
locks.wait(20)
check(locks, "block", [101], "mutex_wait", "WAIT(mutex_wait,")
check(locks, "mutex", [101], "mutex_give", "WAIT(mutex_give,")

spin = start("spin", "1", "60")
is_(spin.stdout.readline(), "ready\n", "a busy thread")
profile = Profile(server.get(f"/pid/{spin.pid}/debug/pprof/profile?seconds=1&hz=1000").body)
with open("tests/programs/spin.c") as lines:
    number = next(at for at, line in enumerate(lines, 1) if line.startswith("SPIN(spin_four"))
ok(profile.flat("spin_four") >= 100 and profile.lines["spin_four"] == {number},
   f"profile: {profile.flat('spin_four')} samples in spin_four")
end(spin)
done()
