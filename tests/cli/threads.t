#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""preprof threads: right about every thread of real programs, and unnoticed.

Oracles: eu-stack's program counters, gdb's functions and lines, and a program
with a thread in each call that a signal would end, which says at its end what
has returned. THREADS_CAPTURES (50) is how often that one is looked at; 1000
takes 20 s. THREADS_POSTGRES=1 adds postgres, whose initdb takes long."""
import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.abspath("tests/helpers"))
from server_run import BUILD, done, is_, ok, wait_for

PROGRAMS = os.path.join(BUILD, "tests/programs")
CAPTURES = os.environ.get("THREADS_CAPTURES", "50")
work = tempfile.mkdtemp()
atexit.register(shutil.rmtree, work, ignore_errors=True)


def start(*command, **options):
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True, **options)
    atexit.register(process.kill)
    return process


def threads(pid, *prefix):
    """Status, stdout and stderr of preprof threads."""
    ended = subprocess.run([*prefix, os.path.join(BUILD, "preprof-threads"), str(pid)],
                           capture_output=True, text=True, timeout=30, check=False)
    return ended.returncode, ended.stdout, ended.stderr


def take(pid, count="1"):
    """The summary, stacks as {tid: addresses}, cut ones as {name: why}."""
    text = subprocess.run([os.path.join(BUILD, "tests/helpers/threads_take"), str(pid), count],
                          capture_output=True, text=True, timeout=120, check=True).stdout
    stacks = {int(line.split()[1]): [int(word, 16) for word in line.split()[2:]]
              for line in text.splitlines() if line.startswith("stack ")}
    cut = dict(line.split(" ", 3)[2:] for line in text.splitlines() if line.startswith("cut "))
    return text.splitlines()[0], stacks, cut


def eu_stacks(pid):
    text = subprocess.run(["eu-stack", "-p", str(pid)], capture_output=True, text=True,
                          timeout=30, check=False).stdout
    return {int(tid): [int(pc, 16) for pc in re.findall(r"^#\d+ +(0x[0-9a-f]+)", stack, re.M)]
            for tid, stack in re.findall(r"^TID (\d+):\n((?:#.*\n)*)", text, re.M)}


def compare(pid, name, generated=False):
    """With eu-stack, whose return addresses are one more than the address of
    a call; generated code has no unwind tables, and it stops there."""
    def same(theirs, ours):
        return (len(ours) >= len(theirs) if generated else len(ours) == len(theirs)) and all(
            their - our in (0, 1) for their, our in zip(theirs, ours))

    def differences():
        theirs, ours = eu_stacks(pid), take(pid)[1]
        return [(tid, [*map(hex, stack)], [*map(hex, ours.get(tid, []))])
                for tid, stack in theirs.items() if not same(stack, ours.get(tid, []))]
    left = []

    def settled():  # threads move, come and go between the two
        left[:] = differences()
        return not left

    wait_for(settled, 10)
    is_(left[:1], [], f"{name}: as eu-stack, {len(eu_stacks(pid))} threads")


def blocks(table):
    """The table as {name: (state, lines of the stack)}, for threads by themselves."""
    found = re.findall(r"^ *\d+  (\S.{15}) .{8}  (\S+)(?:, .*)?\n((?: {10}.*\n)+)", table, re.M)
    return {name: (state.strip(), [line.split() for line in stack.splitlines()])
            for state, name, stack in found}


# ---- one start for all, as they take a while --------------------------------
STATES = {
    "read": "read", "readv": "read", "write": "write", "open": "open",
    "wait4": "wait for a child", "waitid": "wait for a child", "accept": "accept",
    "connect": "connect", "recv": "recv", "recvmsg": "recv", "recvmmsg": "recv", "send": "send",
    "flock": "file lock", "fcntl": "file lock", "mq_receive": "mq_receive",
    "mq_timedsend": "mq_send", "mutex": "futex wait", "cond": "futex wait", "sem": "futex wait",
    "pause": "pause", "sigsuspend": "sigsuspend", "sigwaitinfo": "sigwait",
    "epoll_wait": "epoll_wait", "epoll_pwait": "epoll_wait", "poll": "poll", "ppoll": "poll",
    "select": "select", "pselect": "select", "msgrcv": "msgrcv", "semop": "semop",
    "semtimedop": "semop", "nanosleep": "nanosleep", "clock_nanosleep": "nanosleep",
    "io_getevents": "io_getevents", "inotify": "read", "all_blocked": "poll", "spin": "running",
}
blocked = start(f"{PROGRAMS}/blocked")
deadlock = start(f"{PROGRAMS}/deadlock")
servers = {}
if shutil.which("redis-server"):
    servers["redis"] = start("redis-server", "--port", "0", "--unixsocket", f"{work}/redis",
                             "--save", "")
if shutil.which("nginx"):
    with open(f"{work}/nginx.conf", "w") as out:
        out.write(f"daemon off; worker_processes 1; pid {work}/pid; error_log /dev/null;\n"
                  f"events {{}} http {{ access_log off; server {{ listen unix:{work}/nginx; }} }}\n")
    servers["nginx"] = start("nginx", "-c", f"{work}/nginx.conf", "-e", "/dev/null")
if shutil.which("node"):
    servers["node"] = start("node", "-e", "setInterval(() => {}, 1e6)")
if shutil.which("java"):
    with open(f"{work}/Doze.java", "w") as out:
        out.write("public class Doze { public static void main(String[] none) throws Exception "
                  "{ Thread.sleep(1000000); } }\n")
    servers["java"] = start("java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                            f"{work}/Doze.java")

# ---- nobody notices ----------------------------------------------------------
ready = blocked.stdout.readline()
count = int(ready.split()[1])
summary, stacks, cut = take(blocked.pid, CAPTURES)
print(f"# {CAPTURES} dumps: {summary}", flush=True)
is_(len(stacks), count, f"a thread in each of {count} places")
# Which of these need be stopped for a register depends on what libc's frames save.
ok("write" in cut and set(cut) <= {"write", "send", "send_limit"} and
   set(cut.values()) == {"[truncated: stopped, its call would return a part]"},
   f"all stacks whole, but of writes cut short: {cut}")
status, table, _ = threads(blocked.pid)
is_(status, 0, "preprof threads")
found = blocks(table)
is_({name: found[name][0] for name in STATES if found[name][0] != STATES[name]}, {},
    "what each does")
is_([name for name in STATES if not any(line[0] == "do_" + name for line in found[name][1])], [],
    "where each is")
is_(found["spin"][1][0][0], "do_spin", "one that runs: its leaf")
is_(max(map(len, table.splitlines())) <= 80, True, "in 80 columns")
is_(blocked.communicate(timeout=20)[0], "end\n", "no call has returned")

# ---- deadlocks ---------------------------------------------------------------
left, right, joiner, bystander = map(int, deadlock.stdout.readline().split()[1:])
compare(deadlock.pid, "deadlock")
table = threads(deadlock.pid)[1]
mutexes = re.search(rf"^deadlock: {left} \(left\) waits for the mutex (0x[0-9a-f]+) of {right} "
                    rf"\(right\),\n  which waits for the mutex (0x[0-9a-f]+) of {left} \(left\)\n\Z",
                    table, re.M)
ok(mutexes and mutexes[1] != mutexes[2], "two mutexes, at a glance")
ok(f"joiner, for the end of {left}\n" in table, "a join")
ok(f"by]stander, for a mutex of {right}\n" in table, "one in no circle")
if shutil.which("gdb"):
    theirs = subprocess.run(["gdb", "-p", str(deadlock.pid), "-batch", "-ex",
                             "thread apply all -s bt"], capture_output=True, text=True,
                            timeout=60, check=False).stdout
    theirs = {name: re.findall(r"(\w+) \([^\n]* at \S*?(deadlock\.c:\d+)", stack)
              for name, stack in re.findall(r"^Thread .*\"(.*)\".*\n((?:#.*\n)+)", theirs, re.M)}
    is_({name: [tuple(line) for line in stack if len(line) == 2 and "deadlock.c" in line[1]]
         for name, (_, stack) in blocks(table).items()}, theirs, "functions and lines as gdb")
else:
    ok(True, "functions and lines as gdb # SKIP no gdb")
deadlock.kill()

# ---- many --------------------------------------------------------------------
crowd = start(f"{PROGRAMS}/crowd", "500")
crowd.stdout.readline()
summary, stacks, cut = take(crowd.pid, "3")
print(f"# bench: {summary}", flush=True)
is_((len(stacks), cut), (501, {}), "500 threads")
is_({len(stack) for tid, stack in stacks.items() if tid != crowd.pid} - {*range(12, 18)}, set(),
    "each to its root")
crowd.kill()

# ---- the main thread has ended -----------------------------------------------
orphan = start(f"{PROGRAMS}/orphan")
orphan.stdout.readline()
wait_for(lambda: "Z (zombie)" in open(f"/proc/{orphan.pid}/status").read())
ok(re.search(rf"^ *{orphan.pid}  ended .*\n +\[ended\]\n", threads(orphan.pid)[1], re.M),
   "a main thread that has ended")
ok(wait_for(lambda: re.search(r"^ *\d+  pause .*\n(?: {10}.*\n)* {10}stay_behind ",
                              threads(orphan.pid)[1], re.M)), "and one that stays behind")
orphan.kill()

# ---- real programs -----------------------------------------------------------
# What the main thread of each waits in when there is nothing to do: state, leaf
# (an expression: versions of libuv differ), glibc 2.41's frames for cancellation aside.
IDLE = {"redis": ("epoll_wait", "epoll_wait"), "nginx": ("epoll_wait", "epoll_wait"),
        "node": ("epoll_wait", "epoll_p?wait"), "java": ("futex wait", "__futex_abstimed_wait")}


def is_idle(pid, name, idle):
    """As the table has it, once the program has come to rest."""
    def seen():
        row = re.search(rf"^ *{pid}  (\S.{{15}}) .*\n(?: *\d+  .*\n)*"
                        r"(?: {10}__(?:internal_)?syscall_cancel.*\n)* {10}(\w+)",
                        threads(pid)[1], re.M)
        return row and (row[1].strip(), row[2])
    wait_for(lambda: (seen() or ("", ""))[0] == idle[0], 10)
    state, leaf = seen() or (None, "")
    is_((state, idle[1] if re.match(idle[1], leaf) else leaf), idle, f"{name}: what it waits in")


for name in "redis", "nginx", "node", "java":
    if name not in servers:
        ok(True, f"{name} # SKIP not installed")
        continue
    pid = servers[name].pid
    if name == "nginx":  # the worker, when it waits
        children = f"/proc/{pid}/task/{pid}/children"
        wait_for(lambda: open(children).read())
        pid = int(open(children).read().split()[0])
    if name == "java":
        wait_for(lambda: len(os.listdir(f"/proc/{pid}/task")) >= 10)
        time.sleep(0.5)
    compare(pid, name, generated=name == "java")
    is_idle(pid, name, IDLE[name])
    servers[name].terminate()
postgres = "/usr/lib/postgresql/15/bin"
if os.environ.get("THREADS_POSTGRES") and os.path.exists(postgres) and os.getuid() == 0:
    os.chmod(work, 0o755)
    os.mkdir(f"{work}/db")
    shutil.chown(f"{work}/db", "postgres", "postgres")
    as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    subprocess.run([*as_postgres, f"{postgres}/initdb", "-N", f"{work}/db"], check=True,
                   stdout=subprocess.DEVNULL, timeout=120)
    server = start(*as_postgres, f"{postgres}/postgres", "-D", f"{work}/db", "-h", "", "-k",
                   f"{work}/db")
    wait_for(lambda: len(open(f"/proc/{server.pid}/task/{server.pid}/children").read().split()) > 4)
    for child in open(f"/proc/{server.pid}/task/{server.pid}/children").read().split():
        title = "postgres " + open(f"/proc/{child}/cmdline").read().strip("\0")
        compare(int(child), title)
        is_idle(int(child), title, ("epoll_wait", "epoll_wait"))
    is_(threads(server.pid, *as_postgres)[0], 0, "preprof threads of postgres, as its own user")
    server.terminate()
    server.wait()

# ---- not permitted -----------------------------------------------------------
if os.getuid() == 0 and shutil.which("setpriv"):
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    status, table, advice = threads(os.getpid(), *nobody)
    is_(status, 1, "somebody else's process")
    ok("[not permitted: it runs as uid 0, we as 65534]" in table, "the reason, as a frame")
    ok("look at it as that user, or as root" in advice, "what to change")
    shy = start(*nobody, sys.executable, "-c", "import ctypes; ctypes.CDLL(None).prctl(4, 0); "
                "print('ready', flush=True); input()")
    shy.stdout.readline()
    status, table, advice = threads(shy.pid, *nobody)
    ok(status == 1 and re.search(r"(sleeping|running) .* python3", table) and
       "[not permitted: it is not dumpable]" in table, "one that is not dumpable: name and state")
    ok("prctl(PR_SET_DUMPABLE, 0)" in advice, "what to change")
    is_(threads(shy.pid)[0], 0, "root may")
    shy.kill()
else:
    ok(True, "not permitted # SKIP needs root and setpriv to become another user")

# ---- bad use -----------------------------------------------------------------
is_(threads(4194304)[0::2],
    (1, "preprof threads: process 4194304: there is none, or it has ended\n"), "no such process")
is_(threads("x1")[0::2], (2, "preprof threads: 'x1' is no process id\n"), "no number")
done()
