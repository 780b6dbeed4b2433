#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: /allocate and /allocate2 do what they say, to the byte, and nobody
waits for them. Method: what they answer against MemStats (which /allocate2
prints), /proc, and each other."""
import os
import re
import select
import sys
import time

sys.path.insert(0, os.path.abspath("tests/helpers"))
from server_run import SANITIZED, Server, done, is_, ok, skip, wait_for

if SANITIZED:
    skip("the preload runs under no sanitizer")
MIB = 1 << 20
USABLE = 100 * MIB + 4080  # what glibc gives for 100 MiB: whole pages, less its 16 bytes
server = Server(shim=True)
LOOK = f"See it: go tool pprof -list allocate_handler http://localhost:{server.port}/debug/pprof/heap\n"


def memstats():
    """HeapAlloc and HeapSys, and what /allocate2 added to them."""
    body = server.get("/allocate2").body.decode()
    found = re.fullmatch(r"Heap Alloc Before: (\d+), After: (\d+), Diff: (-?\d+)\n"
                         r"Heap Sys Before: (\d+), After: (\d+), Diff: (-?\d+)\n", body)
    ok(found is not None, "/allocate2 is two lines")
    alloc, alloc_after, alloc_diff, sys_, sys_after, sys_diff = map(int, found.groups())
    is_((alloc_after - alloc, sys_after - sys_), (alloc_diff, sys_diff), "After - Before is Diff")
    return alloc, sys_, alloc_diff, sys_diff


def near_first():
    """Whether HeapAlloc is what it was at first, within a client or two."""
    body = server.get("/allocate2").body.decode()
    return abs(int(body.split()[3].rstrip(",")) - alloc) < 10000


def resident():
    with open(f"/proc/{server.process.pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1]) << 10


def allocate(query):
    answer = server.get("/allocate" + query)
    is_(answer.headers["content-type"], "text/plain; charset=utf-8", f"/allocate{query}: text")
    return answer.status, answer.body.decode()


server.get("/")  # what a first request makes is made
alloc, _, alloc_diff, sys_diff = memstats()
is_(alloc_diff, USABLE, "HeapAlloc grows by the usable size of 100 MiB")
is_(sys_diff, 100 * MIB + 4096, "HeapSys by the pages of it")

before = resident()
is_(allocate("?hold=1"), (200, "Allocated 104857600 bytes and wrote to every page.\nThey are held "
                          "for 1 s; 104857600 of at most 1073741824 bytes are held now.\n" + LOOK),
    "it says what it did and where to look")
ok(resident() - before > 99 * MIB, "the pages are there")
held = memstats()[0]
ok(0 <= held - alloc - USABLE < 10000, f"HeapAlloc has {held - alloc} more")
ok(wait_for(lambda: resident() - before < MIB, 3), "after a second they are gone")
ok(near_first(), "from HeapAlloc, too")

is_(allocate("?size=7&hold=0"), (200, "Allocated 7 bytes and wrote to every page.\nThey are freed "
                                 "again; add -sample_index=alloc_space.\n" + LOOK), "hold=0")
for query, size in ("?size=1kB", 1000), ("?size=1KiB", 1024), ("?size=2MB", 2000000), \
        ("?size=2MiB", 2 * MIB), ("?size=3B&size=4", 3), ("?size=%31%32", 12):
    status, body = allocate(query + "&hold=0")
    is_((status, body.split()[1]), (200, str(size)), query)
SIZE = "size is a number of bytes above 0, or one with a unit: B kB MB GB KiB MiB GiB\n"
for value in "0", "x", "-1", "1.5MiB", "1+MiB", "1mib", "%00", "0x10":
    is_(allocate(f"?size={value}"), (400, SIZE), f"size={value}")
for value in "x", "-1", "3601", "1.5", "99999999999999999999":
    is_(allocate(f"?hold={value}"), (400, "hold is a number of seconds, 0 to 3600\n"), f"hold={value}")

# The cap, and that nobody waits for the pages
is_(allocate("?size=1073741825&hold=0"),
    (503, "1073741825 bytes are too many: 1073741824 may be held in all\n"), "above the cap alone")
is_(allocate("?size=99999999999999GB")[0], 503, "far above it")
large = server.client()
large.send(b"GET /allocate?size=600MiB&hold=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
is_(server.get("/").status, 200, "/ is answered")
ok(not select.select([large.socket], [], [], 0)[0], "while 600 MiB are being touched")
is_(allocate("?size=600MiB&hold=0"),
    (503, "629145600 bytes more are too many now: 629145600 are held, 1073741824 may be in all; "
          "the first are freed in at most 3600 s\n"), "above what is left")
is_(large.answer().status, 200, "600 MiB are there")
large.close()
ok(wait_for(lambda: server.get("/allocate?size=600MiB&hold=0").status == 200), "and when they are freed, it is possible")

# Clients that leave
for _ in range(10):
    client = server.client()
    client.send(b"GET /allocate?size=20MiB&hold=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    time.sleep(0.002)
    client.close(reset=True)
ok(wait_for(lambda: not near_first(), 0.5), "clients that left")
ok(wait_for(near_first), "what they asked for is freed as well")

client = server.client()
client.send(b"GET /allocate?size=500MiB HTTP/1.1\r\nHost: localhost\r\n\r\n")
time.sleep(0.02)
status, seconds = server.stop()
is_(status, 0, "TERM while pages are being touched")
ok(seconds < 2, f"ends in {seconds:.2f} s")
done()
