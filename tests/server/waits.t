#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: what `go tool pprof` and people read of threads created and of waits is
what happened. Method: a program with waits in known numbers at known functions
(tests/programs/contend.c), killed and left behind, served by preprof-server."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.abspath("tests/helpers"))
from server_run import BUILD, SANITIZED, Server, done, is_, ok, skip

if SANITIZED:
    skip("the preload runs under no sanitizer")
if not shutil.which("go"):
    skip("no go")
HOLD_MS = 4
contend = os.path.join(BUILD, "tests/programs/contend")
server = Server(render="preprof-render")
os.environ.update(PPROF_TMPDIR=server.directory, HOME=server.directory)
program = subprocess.Popen(
    [contend, "killed"], stdout=subprocess.PIPE, text=True,
    env=dict(os.environ, LD_PRELOAD=os.path.join(BUILD, "libpreprof.so"),
             PREPROF_LOCKS="1", PREPROF_DIR=server.environment["PREPROF_DIR"]))
wanted = {"block": {}, "mutex": {}}
for line in program.communicate(timeout=20)[0].splitlines():
    count, kind, function = line.split()
    wanted[kind][function] = int(count)
base = f"/pid/{program.pid}/debug/pprof"


def top(kind, value):
    """{function: flat} by `go tool pprof -top`, and its head."""
    url = f"http://127.0.0.1:{server.port}{base}/{kind}"
    out = subprocess.run(
        ["go", "tool", "pprof", "-top", "-nodecount=1000", "-nodefraction=0",
         "-unit=ms" if value == "delay" else "-unit=count",
         f"-sample_index={value}", url],
        capture_output=True, text=True, timeout=60).stdout
    rows = re.findall(r"^ *([0-9.]+)(?:ms)? +[0-9.]+% +[0-9.]+% +[0-9.]+(?:ms)? +[0-9.]+%  (.+)$",
                      out, re.M)
    return {name: float(flat) for flat, name in rows}, out


for kind, functions in wanted.items():
    found, out = top(kind, "contentions")
    ok(f"Type: contentions" in out, f"{kind}: pprof takes it for contentions")
    is_({name: found.get(name) for name in functions}, functions,
        f"{kind}: every function with its number")
    delays, _ = top(kind, "delay")
    ok(all(HOLD_MS * count * 0.9 <= delays.get(name, 0) < 1000 * count
           for name, count in functions.items()), f"{kind}: delays are plausible")

text = server.get(f"{base}/block?debug=1").body.decode()
ok(text.startswith("--- contention:\ncycles/second=1000000000\n"), "block: Go's head")
waits = re.findall(r"^(\d+) (\d+) @ 0x[0-9a-f]+[^\n]*\n#\t0x[0-9a-f]+\t+(\w+)\+", text, re.M)
order = [int(delay) for delay, _, _ in waits]
is_(order, sorted(order, reverse=True), "block: the longest first")
is_({name: sum(int(count) for _, count, waiter in waits if waiter == name)
     for name in wanted["block"]}, wanted["block"],
    "block: the text has the same numbers")
ok(re.search(r"^#\t\S+\tmutex_wait\+\S+\t+\S*/contend\.c:\d+$", text, re.M),
   "block: file and line")
text = server.get(f"{base}/mutex?debug=1").body.decode()
ok(text.startswith("--- mutex:\ncycles/second=1000000000\nsampling period=1\n"), "mutex: Go's head")

# pprof reads the texts too, and finds what the other form says.
for kind in wanted:
    path = os.path.join(server.directory, kind + ".txt")
    with open(path, "wb") as out:
        out.write(server.get(f"{base}/{kind}?debug=1").body)
    raw = subprocess.run(["go", "tool", "pprof", "-raw", path], capture_output=True, text=True,
                         timeout=60).stdout
    counts = sorted(int(count) for count in re.findall(r"^ +(\d+) +\d+: ", raw, re.M))
    ok(set(wanted[kind].values()) <= set(counts), f"{kind}: pprof reads the text")

found, out = top("threadcreate", "threadcreate")
is_((found.get("play"), found.get("join_wait")), (21, 3), "threadcreate: where they were created")
text = server.get(f"{base}/threadcreate?debug=1").body.decode()
total = int(re.match(r"threadcreate profile: total (\d+)\n", text)[1])
is_(total, 21 + 3 + 1 + 1 + 1, "threadcreate: total")
is_(sum(int(n) for n in re.findall(r"^(\d+) @ ", text, re.M)), total, "threadcreate: the sum")
index = server.get(f"{base}/").body.decode()
ok(re.search(r"<td>[1-9]\d*</td><td><a href='mutex", index),
   "the index counts the samples")
done()
