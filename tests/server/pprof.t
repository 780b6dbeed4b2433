#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: the whole path, from malloc in the server to what a person reads in
`go tool pprof`. Method: the server, the shim and preprof-render as they are
shipped; what Go's pprof prints is the oracle, MemStats are the other."""
import atexit
import gzip
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, os.path.abspath("tests/helpers"))
from server_run import BUILD, SANITIZED, Server, done, is_, ok, skip, wait_for

if SANITIZED:
    skip("the preload runs under no sanitizer")
if not shutil.which("go"):
    skip("no go")
USABLE = 104861680  # of 100 MiB on glibc
server = Server(shim=True, render="preprof-render")
os.environ.update(PPROF_TMPDIR=server.directory, HOME=server.directory)
with open("server/allocate.c") as source:
    lines = source.read().splitlines()
LINE = 1 + next(i for i, line in enumerate(lines) if "= malloc(plan->size);" in line)
LINE2 = 1 + next(i for i, line in enumerate(lines) if "= malloc(size);" in line)


class Proxy(threading.Thread):
    """Hands connections on to the server and keeps the request lines."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.requests = []
        self.start()

    def run(self):
        while True:
            client = self.listener.accept()[0]
            there = socket.create_connection(("127.0.0.1", server.port))
            threading.Thread(target=self.pump, args=(client, there, True), daemon=True).start()
            threading.Thread(target=self.pump, args=(there, client, False), daemon=True).start()

    def pump(self, source, sink, asks):
        while data := source.recv(1 << 16):
            if asks:
                self.requests += re.findall(rb"^(?:GET|HEAD|POST) [^ ]*", data, re.M)
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


proxy = Proxy()
HEAP = "/debug/pprof/heap"


def pprof(*arguments, path=HEAP, asks=None):
    """What `go tool pprof` prints about a URL, which it asked for once."""
    proxy.requests.clear()
    ended = subprocess.run(["go", "tool", "pprof", "-unit=B", *arguments, proxy.url + path],
                           capture_output=True, text=True, timeout=30, check=False)
    is_((ended.returncode, proxy.requests), (0, [f"GET {path}".encode()] if asks is None else asks),
        f"go tool pprof {' '.join(arguments)} {path}: one GET")
    return ended.stdout


def totals(path):
    """Sums of the four values over all samples, as Go reads them."""
    raw = pprof("-raw", path=path).split("Samples:\n")[1].split("Locations\n")[0]
    rows = re.findall(r"^ +(\d+) +(\d+) +(\d+) +(\d+):", raw, re.M)
    return [sum(int(row[i]) for row in rows) for i in range(4)]


def flat(text, function):
    """The flat value of a function in -top, 0 when it is not there."""
    found = re.search(rf"^ *(\d+)B .* {function}(?: \(inline\))?$", text, re.M)
    return int(found[1]) if found else 0


# The README's walk
base = server.directory + "/base.pb.gz"
with open(base, "wb") as out:
    out.write(server.get(HEAP).body)
is_(gzip.open(base).read()[:1], b"\x0a", "heap is a gzipped profile")
is_(server.get("/allocate").status, 200, "/allocate")
body = server.get("/allocate2").body.decode()
is_(re.search(r"Diff: (\d+)", body)[1], str(USABLE), "/allocate2 sees the usable size")

is_(flat(pprof("-top"), "allocate_handler"), USABLE, "-top: 100 MiB under the handler")
listed = pprof("-list", "^allocate_handler$")
ok(re.search(rf"^ *{USABLE}B +{USABLE}B +{LINE}: .*= malloc\(plan->size\);$", listed, re.M),
   f"-list: at allocate.c:{LINE}")
ok(re.search(rf"^ *{USABLE}B.*allocate_handler$", pprof("-tree"), re.M), "-tree")
ok(re.search(rf"^ *{USABLE}B.*\| +allocate_handler$", pprof("-peek", "^allocate_handler$"), re.M),
   "-peek")
ok(re.search(rf"^ *{USABLE}B +allocate_handler\n +serve_begin\n", pprof("-traces"), re.M), "-traces")
ok("allocate_handler" in pprof("-svg", "-output=/dev/stdout"), "-svg")
is_(flat(pprof("-top", "-base", base), "allocate_handler"), USABLE, "-base: the difference")
is_(flat(pprof("-top", path="/debug/pprof/allocs"), "allocate2_handler"), USABLE,
    "allocs, by itself alloc_space: the Diff of /allocate2")
listed = pprof("-list", "^allocate2_handler$", path="/debug/pprof/allocs")
ok(re.search(rf"^ *{USABLE}B +{USABLE}B +{LINE2}: ", listed, re.M), f"at allocate.c:{LINE2}")
is_(flat(pprof("-top"), "allocate2_handler"), 0, "and not in use")
ok(flat(pprof("-top", path=HEAP + "?gc=1"), "allocate_handler") == USABLE, "gc=1")

# The peak is when /allocate2 had its 100 MiB, too
PEAK = "/debug/pprof/peak"
at_peak = pprof("-top", path=PEAK)
is_([flat(at_peak, "allocate_handler"), flat(at_peak, "allocate2_handler")], [USABLE, USABLE],
    "peak: both handlers have theirs")
ok(re.search(rf"^ *{USABLE}B +{USABLE}B +{LINE2}: ",
             pprof("-list", "^allocate2_handler$", path=PEAK), re.M), f"peak: at allocate.c:{LINE2}")
ok(re.search(r"^inuse_space: ", pprof("-raw", path=PEAK), re.M) or
   "inuse_objects/count inuse_space/bytes" in pprof("-raw", path=PEAK), "peak: two values")
at_peak = server.get(PEAK + "?debug=1").body.decode()
ok(re.search(rf"^1: {USABLE} \[1: {USABLE}\] @ 0x", at_peak, re.M) and "MemStats" not in at_peak,
   "peak: text")

# Its page
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
proxy.requests.clear()
tool = subprocess.run(["go", "tool", "-n", "pprof"], capture_output=True, text=True,
                      timeout=20, check=True).stdout.strip()
web = subprocess.Popen([tool, "-no_browser", f"-http=127.0.0.1:{port}", proxy.url + HEAP],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
atexit.register(web.kill)


def read_page(page):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ui/{page}", timeout=20) as answer:
            return answer.read().decode()
    except OSError:
        return None


pages = {page: wait_for(lambda: read_page(page))
         for page in ("top", "flamegraph", "peek?f=allocate_handler")}
for name, page in pages.items():
    ok(page and "allocate_handler" in page, f"-http: {name}")
is_(proxy.requests, [b"GET /debug/pprof/heap"], "-http: one GET")
web.kill()
web.wait()

# Text
text = server.get(HEAP + "?debug=1").body.decode()
head = re.match(r"heap profile: (\d+): (\d+) \[(\d+): (\d+)\] @ heap/2\n", text)
is_(re.search(r"^# HeapAlloc = (\d+)$", text, re.M)[1], head[2], "debug=1: in use is HeapAlloc")
records = re.findall(r"^(\d+): (\d+) \[(\d+): (\d+)\] @ 0x", text, re.M)
is_([sum(int(record[i]) for record in records) for i in range(3)], [int(head[i]) for i in (1, 2, 3)],
    "debug=1: the records add up")
ok(f"server/allocate.c:{LINE}\n" in text, "debug=1: has the line")
stack = re.search(rf"^1: {USABLE} \[1: {USABLE}\] @ (.*)$", text, re.M)[1].split()
found = flat(pprof("-top", path=HEAP + "?debug=1",
                   asks=[b"GET /debug/pprof/heap?debug=1", b"POST /debug/pprof/symbol"]),
             "allocate_handler")
is_(found, USABLE, "debug=1: go tool pprof reads it, with names by POST /symbol")
query = "+".join(hex(int(pc, 16) - 1) for pc in stack)
is_(server.get("/debug/pprof/symbol?" + query).body.decode().splitlines()[:2],
    ["num_symbols: 1", f"0x{int(stack[0], 16) - 1:x} allocate_handler"], "symbol")
with open(f"/proc/{server.process.pid}/cmdline", "rb") as arguments:
    is_(server.get("/debug/pprof/cmdline").body, arguments.read()[:-1], "cmdline")

# The others: empty, and valid
for kind in "goroutine", "threadcreate", "block", "mutex":
    ok("Samples:\n" in pprof("-raw", path=f"/debug/pprof/{kind}"), f"{kind}: read")
    answer = server.get(f"/debug/pprof/{kind}?debug=1")
    is_((answer.status, answer.headers["content-type"]), (200, "text/plain; charset=utf-8"),
        f"{kind}: text")
index = server.get("/debug/pprof/").body.decode()
is_(re.findall(r"<tr><td>\d+</td><td><a href='([a-z]+)\?debug=1'>\1</a></td></tr>", index),
    ["allocs", "block", "cmdline", "goroutine", "heap", "mutex", "peak", "profile", "symbol",
     "threadcreate", "trace"],
    "the index has all rows")

# Another process, which does nothing meanwhile
doze = subprocess.Popen([f"{BUILD}/tests/programs/doze"], stdout=subprocess.PIPE,
                        env=dict(server.environment, PREPROF_MODE="exact",
                                 LD_PRELOAD=os.path.join(BUILD, "libpreprof.so")))
doze.stdout.readline()
other = f"/pid/{doze.pid}"
stats = json.loads(server.get(other + "/debug/vars").body)["memstats"]
allocs, alloc_space, inuse, inuse_space = totals(other + HEAP)
is_((allocs, inuse), (stats["Mallocs"], stats["HeapObjects"]), "its objects are those of MemStats")
is_((alloc_space, inuse_space), (stats["TotalAlloc"], stats["HeapAlloc"]), "its bytes, too")
is_(flat(pprof("-top", path=other + HEAP), "main"), 31 * 1016, "31 blocks of 1009 bytes")
ok(re.search(f'<a href="{doze.pid}/debug/pprof/">{doze.pid}</a></td><td[^>]*>doze</td>'
             '<td>live</td><td>exact</td>', server.get("/pid/").body.decode()),
   "it is on the list")

# Whatever happens to preprof-render
child = server.children()[0]
os.kill(child, signal.SIGSTOP)  # so that it dies with the request in work
client = server.client()
client.send(f"GET {HEAP} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
time.sleep(0.1)
os.kill(child, signal.SIGKILL)
answer = client.answer()
is_((answer.status, answer.body),
    (500, b"preprof-render was killed by signal 9 while it worked on this\n"), "killed: a 500 says so")
is_(flat(pprof("-top"), "allocate_handler"), USABLE, "the next request works")
doze.kill()
doze.wait()
name = next(name for name in os.listdir(server.environment["PREPROF_DIR"])
            if name.startswith(f"{doze.pid}-"))
is_(flat(pprof("-top", path=other + HEAP), "main"), 31 * 1016, "a killed process leaves its profile")
with open(f"{server.environment['PREPROF_DIR']}/{name}", "r+b") as segment:
    segment.truncate(5003)
answer = server.get(other + HEAP)
ok(answer.status == 500 and name in answer.body.decode() and answer.body.count(b"\n") == 1,
   f"a damaged segment: {answer.status} {answer.body.decode().strip()}")
answer = server.get("/pid/4194304/debug/pprof/heap")
is_((answer.status, answer.headers.get("x-go-pprof")), (404, "1"),
    f"no such process: {answer.body.decode().strip()}")
ended = subprocess.run(["go", "tool", "pprof", "-top", f"{proxy.url}/pid/4194304{HEAP}"],
                       capture_output=True, text=True, timeout=30, check=False)
ok(answer.body.decode().strip() in ended.stderr, "and go tool pprof shows why")
is_(server.stop()[0], 0, "the end")
done()
