#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: seconds=N shows what happened in N seconds, to the block, and no more.
Method: a program that does what it is told while the window is open; Go's pprof
reads the difference."""
import os
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.abspath("tests/helpers"))
from server_run import BUILD, SANITIZED, Server, done, is_, ok, skip, wait_for

if SANITIZED:
    skip("the preload runs under no sanitizer")
if not shutil.which("go"):
    skip("no go")
from pprof_raw import Profile

WINDOWS_MAX = 64  # RENDER_WINDOWS_MAX
server = Server(shim=True, render=os.path.join(BUILD, "preprof-render"))
os.environ.update(PPROF_TMPDIR=server.directory, HOME=server.directory)
program = subprocess.Popen(
    [os.path.join(BUILD, "tests/programs/orders")], text=True, stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
    env=dict(os.environ, PREPROF_DIR=server.environment["PREPROF_DIR"], PREPROF_MODE="exact",
             LD_PRELOAD=os.path.join(server.directory, "libpreprof.so")))
is_(program.stdout.readline(), "ready\n", "a program")


def order(text):
    program.stdin.write(text + "\n")
    program.stdin.flush()
    program.stdout.readline()


def wait_until_open():
    """Requests are answered in order: whoever asks after a window began is
    answered after it."""
    time.sleep(0.1)
    server.get("/debug/pprof/cmdline")


def windows(*queries, meanwhile=()):
    """The answers to windows that are all open while the orders are given."""
    answers = [None] * len(queries)

    def ask(i):
        answers[i] = server.get(f"/pid/{program.pid}/debug/pprof/{queries[i]}")

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(queries))]
    for thread in threads:
        thread.start()
    wait_until_open()
    for text in meanwhile:
        order(text)
    for thread in threads:
        thread.join()
    return answers


def at(profile, function):
    """The values of the samples with this function, summed."""
    rows = [values for values, stack in profile.samples if function in stack]
    return [sum(column) for column in zip(*rows)]


for text in "alloc 7919", "free 31", "thread":
    order(text)
begin = time.monotonic()
kinds = "heap", "allocs", "goroutine", "block", "mutex", "threadcreate"
answers = windows(*(f"{kind}?seconds=1" for kind in kinds),
                  meanwhile=["alloc 1009", "free 307", "join"])
took = time.monotonic() - begin
for kind, answer in zip(kinds, answers):
    is_((answer.status, answer.headers["content-type"], answer.headers["content-disposition"]),
        (200, "application/octet-stream", f'attachment; filename="{kind}-delta"'), f"{kind}-delta")
ok(1 <= took < 4, f"six windows of 1 s side by side: {took:.2f} s")
heap, allocs, threads = (Profile(answer.body) for answer in answers[:3])
for name, profile in ("heap", heap), ("allocs", allocs):
    is_(profile.types, ["alloc_objects/count", "alloc_space/bytes", "inuse_objects/count",
                        "inuse_space/bytes"], f"{name}: types")
    is_(at(profile, "order_blocks"), [1009, 1009 * 24, 1009 - 307, (1009 - 307) * 24],
        f"{name}: every block of the window and no other")
    ok(1 <= profile.duration_s < 4, f"{name}: duration {profile.duration_s} s")
is_(at(threads, "wait_here"), [-1], "a thread that is gone counts as -1")

# What was there before may go; where nothing happens, nothing is shown
frees, = windows("heap?seconds=1", meanwhile=["free 211"])
is_(at(Profile(frees.body), "order_blocks"), [0, 0, -211, -211 * 24], "more freed than allocated")
still, = windows("heap?seconds=1&gc=1")
is_(still.status, 200, "gc=1 is no error")
still = Profile(still.body)
is_((still.samples, "Mappings\n1: 0x" in still.text and "orders" in still.text), ([], True),
    "an idle window is empty, and still a profile of the program")

# The program ends in between; a process that is not there
begun = []
thread = threading.Thread(target=lambda: begun.append(
    server.get(f"/pid/{program.pid}/debug/pprof/allocs?seconds=1")))
thread.start()
wait_until_open()
order("alloc 101")
program.stdin.close()
program.wait()
thread.join()
is_(at(Profile(begun[0].body), "order_blocks")[:1], [101], "what a program did before it ended")
answer = server.get(f"/pid/{program.pid}/debug/pprof/heap?seconds=1")
is_((answer.status, answer.headers.get("x-go-pprof")), (404, "1"), "a program that has ended")

# More than there is room for; then room again
clients = [server.client() for _ in range(WINDOWS_MAX)]
for client in clients:
    client.send(b"GET /debug/pprof/block?seconds=3600 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    time.sleep(0.002)
wait_until_open()
answer = server.get("/debug/pprof/mutex?seconds=1")
is_((answer.status, answer.body), (503, b"64 profiles are being taken: too many\n"),
    "one more than there may be")
for client in clients:
    client.close()
ok(wait_for(lambda: server.get("/debug/pprof/mutex?seconds=1").status == 200, 5),
   "clients that leave make room")

# Without preprof-render at the end
client = server.client()
client.send(b"GET /debug/pprof/heap?seconds=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
wait_until_open()
for child in server.children():
    os.kill(child, 9)
answer = client.answer()
is_((answer.status, answer.headers.get("x-go-pprof"), answer.body),
    (500, "1", b"failed to collect profile\n"), "preprof-render dies in between")
client = server.client()
client.send(b"GET /debug/pprof/heap?seconds=3600 HTTP/1.1\r\nHost: localhost\r\n\r\n")
wait_until_open()
status, seconds = server.stop()
ok(status == 0 and seconds < 2, f"the server ends while a window is open: {status}, {seconds:.2f} s")
done()
