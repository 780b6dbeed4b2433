#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: /debug/pprof/profile shows where CPU time goes, as a Go program's does,
and leaves the program in peace afterwards. Method: a program that spends known
shares, judged by chi-square and by its CPU clock; Go's pprof reads the profiles;
/proc/PID/timers says what is armed."""
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.abspath("tests/helpers"))
from preloaded import cpu_s, end, start, timers
from server_run import BUILD, SANITIZED, Server, done, is_, ok, skip, wait_for

if SANITIZED:
    skip("the preload runs under no sanitizer")
if not shutil.which("go"):
    skip("no go")
from pprof_raw import Profile

CHI_SQUARE_3 = 16.27  # p = 0.001, three degrees of freedom
IN_USE = b"Could not enable CPU profiling: cpu profiling already in use\n"
SPIN = os.path.join(BUILD, "tests/programs/spin")
server = Server(shim=True, render=os.path.join(BUILD, "preprof-render"))
os.environ.update(PPROF_TMPDIR=server.directory, HOME=server.directory)


def ended_too_s(pid):
    """CPU time of a process with the threads that have ended, in ticks."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ask(pid, query):
    return server.get(f"/pid/{pid}/debug/pprof/profile?{query}")


# Two busy threads: all of their CPU time, in the shares that they spend
spin = start(server, SPIN, "2", "60")
for attempt in range(2):
    before, begin = cpu_s(spin.pid), time.monotonic()
    answer = ask(spin.pid, "seconds=2")
    took, spent = time.monotonic() - begin, cpu_s(spin.pid) - before
    is_((answer.status, answer.headers["content-type"], answer.headers["content-disposition"]),
        (200, "application/octet-stream", 'attachment; filename="profile"'), "a profile")
    profile = Profile(answer.body)
    seen = [profile.cumulative(f"spin_{name}") for name in ("four", "three", "two", "one")]
    expected = [sum(seen) * share / 10 for share in (4, 3, 2, 1)]
    chi = sum((n - e) ** 2 / e for n, e in zip(seen, expected))
    if chi < CHI_SQUARE_3 and abs(profile.total(1) / 1e9 / spent - 1) < 0.1:
        break
ok(chi < CHI_SQUARE_3, f"shares of 4:3:2:1, {seen}: chi-square {chi:.1f}")
ok(2 <= took < 3.5, f"seconds=2 takes {took:.2f} s")
ok(abs(profile.total(1) / 1e9 / spent - 1) < 0.1,
   f"{profile.total(1) / 1e9:.2f} s of CPU time seen, {spent:.2f} s spent")
is_(profile.types, ["samples/count", "cpu/nanoseconds"], "sample types")
is_((profile.period_type, profile.period), ("cpu nanoseconds", 10000000), "the period")
ok(1.9 < profile.duration_s < 3.5, f"duration {profile.duration_s} s")
ok(sum(seen) > 0.95 * profile.total(), "nothing else costs anything")
ok(0 < profile.cumulative("main") < profile.cumulative("run"), "both threads have their stacks")
is_(wait_for(lambda: timers(spin.pid) == 0, 1), True, "no timer is left")
with open("tests/programs/spin.c") as source:
    loop = 1 + next(i for i, line in enumerate(source) if line.startswith("SPIN(spin_four"))
is_(profile.lines["spin_four"], {loop}, "the leaf is on its line")

# As Go's pprof asks for it
url = f"http://localhost:{server.port}/pid/{spin.pid}/debug/pprof/profile"
top = subprocess.run(["go", "tool", "pprof", "-seconds", "1", "-top", url], text=True,
                     capture_output=True, timeout=60).stdout
ok(re.search(r"Type: cpu\n", top) and re.search(r"%  spin_four$", top, re.M), "pprof -seconds 1 -top")
listing = subprocess.run(["go", "tool", "pprof", "-seconds", "1", "-list", "spin_four", url],
                         text=True, capture_output=True, timeout=60).stdout
found = re.search(rf"^ +(\d+)m?s +\S+ +{loop}: *SPIN\(spin_four, 4\)", listing, re.M)
ok(found and int(found[1]) > 0, "pprof -list shows the line")

# hz, and a second one at the same time
wait_for(lambda: timers(spin.pid) == 0, 2)
first, before = [], cpu_s(spin.pid)
other = threading.Thread(target=lambda: first.append(ask(spin.pid, "seconds=1&hz=1000")))
other.start()
wait_for(lambda: timers(spin.pid) > 0, 5)
answer = ask(spin.pid, "seconds=1")
is_((answer.status, answer.headers.get("x-go-pprof"), answer.body), (500, "1", IN_USE),
    "a second one is refused as Go does")
other.join()
spent = cpu_s(spin.pid) - before
profile = Profile(first[0].body)
is_(profile.period, 1000000, "hz=1000: the period")
ok(0.5 < profile.total() / (spent * 1000) < 1.1,
   f"hz=1000: {profile.total()} samples in {spent:.2f} s")

# Two programs at the same time; the server goes on meanwhile
second = start(server, SPIN, "1", "60")
first = []
others = [threading.Thread(target=lambda pid=pid: first.append(ask(pid, "seconds=1").status))
          for pid in (spin.pid, second.pid, server.process.pid)]
begin = time.monotonic()
for other in others:
    other.start()
is_(server.get("/").status, 200, "/ is answered meanwhile")
for other in others:
    other.join()
is_(first, [200] * 3, "three programs at the same time")
ok(time.monotonic() - begin < 3, "side by side")
end(second)

# Who leaves
for reset in False, True:
    client = server.client()
    client.send(b"GET /pid/%d/debug/pprof/profile HTTP/1.1\r\nHost: localhost\r\n\r\n" % spin.pid)
    ok(wait_for(lambda: timers(spin.pid) > 0, 5), "a client asks for 30 s")
    client.close(reset=reset)
    ok(wait_for(lambda: timers(spin.pid) == 0, 2), "it leaves: no timer within 2 s")
answer = ask(spin.pid, "seconds=1")
is_(answer.status, 200, "and the next one may ask")

# A thread that blocks the signal
blocked = start(server, os.path.join(BUILD, "tests/programs/short"), "1", "60")
before = cpu_s(blocked.pid)
profile = Profile(ask(blocked.pid, "seconds=1").body)
spent = cpu_s(blocked.pid) - before
ok(profile.flat("[signal blocked]", 1) / 1e9 > 0.6 * spent,
   f"the signal blocked: {profile.flat('[signal blocked]', 1) / 1e9:.2f} of {spent:.2f} s")
end(blocked)

# Threads too short to be found by who looks for threads
short = start(server, os.path.join(BUILD, "tests/programs/short"), "0", "60")
for attempt in range(2):
    before = ended_too_s(short.pid)
    profile = Profile(ask(short.pid, "seconds=2").body)
    spent = ended_too_s(short.pid) - before
    seen = profile.cumulative("run", 1) / 1e9
    if abs(seen / spent - 1) < 0.45:
        break
ok(abs(seen / spent - 1) < 0.45, f"threads of 20 ms: {seen:.2f} of {spent:.2f} s")
end(short)

# A program that ends meanwhile, and one that has
ending = start(server, SPIN, "1", "1.5")
answer = ask(ending.pid, "seconds=2")
ending.wait()
spent = sum(float(line.split()[1]) for line in ending.stdout) / 1e3
seen = Profile(answer.body).total(1) / 1e9
ok(0 < seen < spent + 0.1, f"of a program that ended after {spent:.2f} s, {seen:.2f} s are seen")
answer = ask(ending.pid, "seconds=1")
is_((answer.status, answer.headers.get("x-go-pprof")), (404, "1"), "a program that has ended")

# The server is killed
client = server.client()
client.send(b"GET /pid/%d/debug/pprof/profile HTTP/1.1\r\nHost: localhost\r\n\r\n" % spin.pid)
ok(wait_for(lambda: timers(spin.pid) > 0, 5), "a client asks for 30 s")
server.stop(signal.SIGKILL)
ok(wait_for(lambda: timers(spin.pid) == 0, 2), "the server is killed: no timer within 2 s")
end(spin)
done()
