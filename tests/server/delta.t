#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: delta_heap, delta_block and delta_mutex show each client what came since
its last request, to the block, and what is in use as it is.
Method: a program that allocates what it is told; Go's pprof reads the
differences of clients that differ in cursor, in User-Agent or in process."""
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.abspath("tests/helpers"))
from server_run import BUILD, SANITIZED, Server, done, is_, ok, skip, wait_for

if SANITIZED:
    skip("the preload runs under no sanitizer")
if not shutil.which("go"):
    skip("no go")
from pprof_raw import Profile
from profile_proto import Proto

server = Server(shim=True, render=os.path.join(BUILD, "preprof-render"))
os.environ.update(PPROF_TMPDIR=server.directory, HOME=server.directory)


class Program:
    def __init__(self):
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "tests/programs/orders")], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(os.environ, PREPROF_DIR=server.environment["PREPROF_DIR"],
                     PREPROF_MODE="exact",
                     LD_PRELOAD=os.path.join(server.directory, "libpreprof.so")))
        self.process.stdout.readline()
        self.path = f"/pid/{self.process.pid}/debug/pprof/"

    def order(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def end(self):
        self.process.stdin.close()
        self.process.wait(20)


def get(path, agent="test/1"):
    client = server.client()
    client.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {agent}\r\n\r\n".encode())
    answer = client.answer()
    client.close()
    return answer


def blocks(path, agent="test/1"):
    """What a difference has at order_blocks(); None when it has nothing."""
    profile = Profile(get(path, agent).body)
    rows = [values for values, stack in profile.samples if "order_blocks" in stack]
    return [sum(column) for column in zip(*rows)] if rows else None


program = Program()
program.order("alloc 7919")
heap = program.path + "delta_heap"
begin = time.monotonic()
answer = get(heap)
first = Profile(answer.body)
is_((answer.status, answer.headers["content-type"], answer.headers["content-disposition"],
     answer.body[:2]),
    (200, "application/octet-stream", 'attachment; filename="heap.pprof.gz"', b"\x1f\x8b"),
    "delta_heap: godeltaprof's head")
is_((first.samples, first.types), ([], ["alloc_objects/count", "alloc_space/bytes",
                                        "inuse_objects/count", "inuse_space/bytes"]),
    "the first is empty, and a heap profile")
program.order("alloc 1009")
program.order("free 307")
now = time.time()
answer = get(heap)
took = time.monotonic() - begin
second, proto = Profile(answer.body), Proto(answer.body)
is_(blocks(heap, "other/1"), None, "the first of another User-Agent is empty")
is_(blocks(heap + "?cursor=a", "other/1"), None, "and of a cursor")
live = 7919 + 1009 - 307
rows = [values for values, stack in second.samples if "order_blocks" in stack]
is_([sum(column) for column in zip(*rows)], [1009, 1009 * 24, live, live * 24],
    "allocations since the first, in use what is in use")
duration = proto.duration_ns / 1e9
ok(0 < duration <= took, f"its duration: {duration} s of {took:.3f} s")
ok(0 <= proto.times_ns[0] / 1e9 - now <= took + 1, "its time is now")
program.order("alloc 101")
is_(blocks(heap + "?cursor=a", "third/1"), [101, 101 * 24, live + 101, (live + 101) * 24],
    "a cursor is a client whatever its User-Agent")
is_(blocks(heap, "other/1"), [101, 101 * 24, live + 101, (live + 101) * 24],
    "each client has its own place")
is_(blocks(heap), [101, 101 * 24, live + 101, (live + 101) * 24], "the first one's, too")
is_(blocks(heap), [0, 0, live + 101, (live + 101) * 24], "nothing new: in use only")
for kind in "mutex", "block":
    answers = [get(f"{program.path}delta_{kind}") for _ in range(2)]
    is_([(answer.status, answer.headers["content-disposition"], Profile(answer.body).samples)
         for answer in answers],
        [(200, f'attachment; filename="{kind}.pprof.gz"', [])] * 2, f"delta_{kind}: idle")
text = get(heap + "?debug=1&cursor=a").body.decode()
ok(text.startswith("heap profile: ") and "order_blocks" in text, "debug=1: as text")
is_(get(heap + "?seconds=1").status, 400, "seconds is not for it")

# Totals of differences are what was counted
total = 0
for count in 3, 5, 7, 11:
    program.order(f"alloc {count}")
    total += blocks(heap + "?cursor=a")[0]
is_(total, 26, "differences add up")

# Started again, found by its name
by_name = "/exe/orders/debug/pprof/delta_heap?cursor=n"
is_(blocks(by_name), None, "by name: the first is empty")
program.end()
program = Program()
program.order("alloc 13")
is_(blocks(by_name), None, "started again: empty, not negative")
program.order("alloc 17")
is_(blocks(by_name), [17, 17 * 24, 30, 30 * 24], "then what the new one allocates")

# Another preprof-render knows nothing of the clients
for child in server.children():
    os.kill(child, 9)
ok(wait_for(lambda: get("/debug/pprof/cmdline").status == 200), "preprof-render is back")
is_(blocks(by_name), None, "empty again")
program.end()
done()
