#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: a CPU profile changes nothing in the program that is profiled: not what
it makes of the signal itself, not its children, not what it becomes by exec;
and where the program is difficult, samples are lost and counted, nothing else.
Method: programs that say what they see, with a profile of 1 000 Hz and without
the shim; the kernel's list of timers."""
import atexit
import ctypes
import errno
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.abspath("tests/helpers"))
from preloaded import timers
from render_ask import Render
from server_run import BUILD, SANITIZED, done, is_, ok, skip, wait_for

if SANITIZED:
    skip("the preload runs under no sanitizer")
if not shutil.which("go"):
    skip("no go")
from pprof_raw import Profile

PROGRAMS = os.path.join(BUILD, "tests/programs")
USED = "Could not enable CPU profiling: process {} uses SIGURG and SIGWINCH itself"
work = tempfile.mkdtemp(prefix="cpu.")
atexit.register(shutil.rmtree, work, ignore_errors=True)
segments = os.path.join(work, "segments")
render = Render(segments)
window = 0


def start(*command, shim=True, limits=None, stdin=subprocess.DEVNULL):
    environment = dict(os.environ, PREPROF_DIR=segments)
    if shim:
        environment["LD_PRELOAD"] = os.path.join(BUILD, "libpreprof.so")
    return subprocess.Popen(command, env=environment, stdin=stdin, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=limits)


def state(pid):
    with open(f"/proc/{pid}/stat") as text:
        return text.read().rpartition(")")[2].split()[0]


libc = ctypes.CDLL(None)


def urge(pid):
    """A SIGURG for every thread."""
    for tid in os.listdir(f"/proc/{pid}/task"):
        libc.tgkill(pid, int(tid), signal.SIGURG)


def said_by(program, limit_s=10):
    """What it still says; and how it is put when it does not end."""
    try:
        return program.communicate(timeout=limit_s)[0]
    except subprocess.TimeoutExpired:
        program.kill()
        return program.communicate()[0] + "waits for ever"


def begin(program, hz=1000):
    """Begins a profile when the program says "ready"; the status."""
    global window
    is_(program.stdout.readline(), "ready\n", "it runs")
    window += 1
    return render.ask(kind="profile", pid=program.pid, window="begin", id=window, hz=hz)


def finish():
    status, body = render.ask(kind="profile", window="end", id=window)
    return Profile(body) if status == 200 else (status, body)


def loss(profile, text):
    found = re.search(rf"(\d+) {text}", profile.text)
    return int(found[1]) if found else 0


# What the program does with the signal itself
for what in "ask", "handle", "wait", "wait-all", "loop", "both", "fork", "large":
    command = [os.path.join(PROGRAMS, "urgent"), what]
    plain, program = start(*command, shim=False), start(*command)
    begin(program)
    said = program.stdout.read()
    status = program.wait(20)
    profile = finish()
    is_((status, "ready\n" + said), (plain.wait(20), plain.stdout.read()),
        f"{what}: the same as without the shim")
    if what in ("handle", "fork", "large"):
        ok(isinstance(profile, Profile) and profile.total() > 0, f"{what}: and a profile")
both = start(os.path.join(PROGRAMS, "urgent"), "both")
is_(both.stdout.readline(), "ready\n", "both signals in use")
time.sleep(0.1)
is_(render.ask(kind="profile", pid=both.pid, window="begin", id=9999),
    (503, USED.format(both.pid).encode()), "no signal is left: said clearly")
both.wait(20)

# exec, with timers running and signals on their way, also blocked ones
execs = 300 if os.environ.get("SOAK") else 10
said, armed = [], 0
for _ in range(execs):
    program = start(os.path.join(PROGRAMS, "urgent"), "exec")
    program.stdout.readline()
    window += 1
    render.ask(kind="profile", pid=program.pid, window="begin", id=window, hz=1000)
    armed += bool(wait_for(lambda: timers(program.pid) > 0, 0.1))
    said.append((program.stdout.read(), program.wait(20)))
    finish()
is_(said, [("pending 0\ncame 0\n", 0)] * execs, f"{execs} times exec in the middle of it")
ok(armed > execs * 0.4, f"{armed} times with timers running")

# Calls that end at every handler, whatever SA_RESTART says, are begun again.
# A reader's signal can end one, on older kernels also a tick as it begins. From
# glibc 2.41 on cancellation points have their number in a register that is gone
# by then (libpreprof.7): those return, and only that the program goes on is seen.
LIBC = tuple(map(int, os.confstr("CS_GNU_LIBC_VERSION").split()[1].split(".")))
KNOWN = LIBC < (2, 41)
program = start(os.path.join(PROGRAMS, "naps"), "short")
begin(program)
end = time.monotonic() + 1.5
while time.monotonic() < end:
    urge(program.pid)
    time.sleep(0.001)
said, profile = said_by(program), finish()
ended = {line.split()[1] for line in said.splitlines()}
is_((program.returncode, len(said.splitlines()), ended == {"0"} or not KNOWN), (0, 9, True),
    f"9 calls made shortly, and many signals: with EINTR end {ended}")
ok(profile.total() > 100, f"nor at a profile's {profile.total()} ticks")

# Every call of signal(7), and the signal, which without the shim is ignored. Of
# syscall(2) it cannot be told which call it was; what has been transferred is
# returned as after any restartable handler; the fifo that is opened is gone.
program = start(os.path.join(PROGRAMS, "blocked"), stdin=subprocess.PIPE)
is_(program.stdout.readline(), "ready 47\n", "a thread in every call")
for _ in range(20):
    urge(program.pid)
    time.sleep(0.005)
said = [line for line in said_by(program).splitlines()
        if line.split()[1:2] not in (["write"], ["send"], ["send_limit"], ["open"])]
is_(said if KNOWN else said[-1:], [f"returned io_getevents {errno.EINTR}", "end"][not KNOWN:],
    "20 stray signals: no call has returned, but one by syscall()")

# What the program's own handlers end stays ended
for what in "suspend", "full":
    program = start(os.path.join(PROGRAMS, "naps"), what)
    is_(said_by(program), "ready\nreturned 20\n", f"{what}: a signal held back by a handler")
program = start(os.path.join(PROGRAMS, "naps"), "one")
program.stdout.readline()
for number, wanted in (0, "S"), (signal.SIGSTOP, "T"):
    program.send_signal(number)
    wait_for(lambda: state(program.pid) == wanted)
for number in signal.SIGURG, signal.SIGRTMIN, signal.SIGCONT:
    program.send_signal(number)
is_(said_by(program), "came 1 EINTR\n", "a signal that comes with ours ends its call")

# A small alternate stack
program = start(os.path.join(PROGRAMS, "urgent"), "stack")
begin(program)
is_((program.wait(20), program.stdout.read()), (0, "sigaltstack 0\ncame 0\n"), "8 KiB of stack")
profile = finish()
ok(profile.cumulative("main") > 0 and profile.flat("[no stack]") > 0,
   f"8 KiB: room for one handler, not for two: {profile.cumulative('main')} samples walked, "
   f"{profile.flat('[no stack]')} not")

# A stack that no signal fits
program = start(os.path.join(PROGRAMS, "urgent"), "fiber")
begin(program)
is_((program.wait(20), program.stdout.read()), (0, "swapcontext 0\ncame 0\n"),
    "a fiber of 1 KiB, and an alternate stack")
profile = finish()
ok(profile.cumulative("work_inside") > 0, f"{profile.cumulative('work_inside')} samples of it")

# Threads: many, short ones; a limit of timers
count = 100000 if os.environ.get("SOAK") else 10000
program = start(os.path.join(PROGRAMS, "short"), "0", "60", str(count))
begin(program)
said = program.stdout.read()
is_((program.wait(60), said), (0, "done\n"), f"{count} short threads")
finish()
with open("/proc/self/status") as text:
    used = int(re.search(r"SigQ:\s+(\d+)/", text.read())[1])
program = start(os.path.join(PROGRAMS, "short"), "0", "0.7", limits=lambda: resource.setrlimit(
    resource.RLIMIT_SIGPENDING, (used + 10, used + 10)))
begin(program)
program.stdout.read()
is_((program.wait(60), loss(finish(), "CPU timers refused")), (0, 0),
    "threads of 20 ms, and room for 10 timers: those of dead ones go")
program = start(os.path.join(PROGRAMS, "spin"), "6", "1", limits=lambda: resource.setrlimit(
    resource.RLIMIT_SIGPENDING, (used + 3, used + 3)))
begin(program)
time.sleep(0.7)
profile = finish()
ok(loss(profile, "CPU timers refused") > 0,
   f"ulimit -i: {profile.total()} samples, {loss(profile, 'CPU timers refused')} timers refused")
is_(program.wait(20), 0, "ulimit -i: it ends as always")

# Other people's programs
SCRIPT = """
import signal, sys, time
print("ready", flush=True)
print(signal.getsignal(signal.SIGURG), signal.getsignal(signal.SIGWINCH))
end = time.monotonic() + 0.7
while time.monotonic() < end:
    sum(range(1000))
hits = []
signal.signal(signal.SIGURG, lambda *_: hits.append(1))
signal.raise_signal(signal.SIGURG)
print(signal.signal(signal.SIGURG, signal.SIG_DFL) != signal.SIG_DFL, hits)
"""
command = ["/usr/bin/python3", "-c", SCRIPT]
plain, program = start(*command, shim=False), start(*command)
begin(program, hz=100)
said, status = program.stdout.read(), program.wait(20)
profile = finish()
is_((status, "ready\n" + said), (plain.wait(20), plain.stdout.read()), "python: the same")
ok(profile.total() > 0 and any(len(stack) > 8 for _, stack in profile.samples), "python: and a profile")

# A Go program, which has a handler for every signal there is
with open(os.path.join(work, "target.go"), "w") as source:
    source.write("""package main
// #include <stdlib.h>
import "C"
import "fmt"
func main() {
    C.free(C.malloc(10))
    fmt.Println("ready")
    sum := make(chan int)
    for i := 0; i < 3; i++ {
        go func() { n := 0; for k := 0; k < 200000000; k++ { n += k }; sum <- n }()
    }
    fmt.Println(<-sum, <-sum, <-sum)
}
""")
built = subprocess.run(["go", "build", "-o", "target", "target.go"], cwd=work, capture_output=True)
ok(built.returncode == 0, f"a Go program {built.stderr.decode()}")
command = [os.path.join(work, "target")]
plain, program = start(*command, shim=False), start(*command)
is_(begin(program), (503, USED.format(program.pid).encode()), "Go: no signal is left, said clearly")
is_(program.communicate(timeout=20)[0], plain.communicate(timeout=20)[0][len("ready\n"):],
    "Go: the same")

# The reader is killed
program = start(os.path.join(PROGRAMS, "spin"), "2", "4")
begin(program, hz=100)
ok(wait_for(lambda: timers(program.pid) >= 2, 5), "two timers")
render.process.kill()
ok(wait_for(lambda: timers(program.pid) == 0, 2), "the reader is killed: none within 2 s")
program.kill()
program.wait()
done()
