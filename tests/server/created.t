#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""By what each thread was created: after thousands of others whose ids and
places come again, in text and on a terminal, and where stacks may not be read."""
import atexit
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.abspath("tests/helpers"))
from render_ask import MAGIC
from server_run import BUILD, SANITIZED, Server, done, is_, ok, skip

if SANITIZED:
    skip("the preload runs under no sanitizer")
server = Server(render="preprof-render")
P = "/debug/pprof/"
PROGRAM = os.path.abspath(f"{BUILD}/tests/programs/created")
SHIM = os.path.abspath(f"{BUILD}/libpreprof.so")
COUNT = 4500  # each of two kinds: in all more than there are places
nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def start(*command, **variables):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                               env=dict(server.environment, LD_PRELOAD=SHIM, **variables))
    atexit.register(process.kill)
    return process, process.stdout.readline()


def creators(body):
    """{name: (function, line)} of goroutine?debug=2."""
    found = {}
    for block in re.sub(r"^# .*\n", "", body, flags=re.M).split("\n\n"):
        name = re.match(r"goroutine \d+ \[.*, (\S+)\]:$", block, re.M)[1]
        by = re.search(r"^created by (\S+)\n\t/.*/created\.c:(\d+) \+0x[0-9a-f]+\n?\Z", block, re.M)
        found[name] = by and (by[1], int(by[2]))
    return found


lines = open("tests/programs/created.c").read().splitlines()


def line_of(text):
    return 1 + next(i for i, line in enumerate(lines) if text in line)


EXPECTED = {
    "created": None,  # the kernel's: as Go's first goroutine
    "outer": ("create_outer", line_of("NULL, outer,")),
    "inner": ("create_inner", line_of("NULL, stay,")),
    "c11": ("create_c11", line_of("stay_c11, \"c11\"")),
}
created, line = start(PROGRAM, str(COUNT))
print(f"# a thread created and joined took {line.split()[1]} ns", flush=True)
body = server.get(f"/pid/{created.pid}{P}goroutine?debug=2").body.decode()
is_(creators(body), EXPECTED, "debug=2: function and line that created each")
body = server.get(f"/pid/{created.pid}{P}goroutine?debug=1").body.decode()
ok("create_outer" not in body and body.startswith("goroutine profile: total 4\n"),
   "debug=1: nothing of it")
directory = server.environment["PREPROF_DIR"]
table = subprocess.run([f"{BUILD}/preprof-threads", str(created.pid)], capture_output=True,
                       text=True, timeout=30, check=True,
                       env=dict(os.environ, PREPROF_DIR=directory)).stdout
for name, by in EXPECTED.items():
    if by:
        ok(f"          created by {by[0]}  created.c:{by[1]}\n" in table,
           f"preprof threads: {name}")
created.kill()

# Reading is not permitted
if os.getuid() == 0 and shutil.which("setpriv"):
    place = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    os.chown(place, 65534, 65534)
    shy, _ = start(*nobody, PROGRAM, "10", "shy", PREPROF_DIR=place)
    seen = subprocess.run([*nobody, os.path.abspath(f"{BUILD}/preprof-threads"), str(shy.pid)],
                          capture_output=True, text=True, timeout=30, check=False,
                          env=dict(os.environ, PREPROF_DIR=place))
    stack = re.search(r"^ *\d+  sleeping .*  inner\n((?: {10}.*\n)+)", seen.stdout, re.M)
    frames = [row.split("  ")[0] for row in re.sub("(?m)^ {10}", "", stack[1]).splitlines()]
    is_(frames[:6], ["[sleeping]", "[thread inner]", "[not permitted: it is not dumpable]",
                     "[created by]", "create_inner", "outer"],
        "not dumpable: name, state, reason, and the stack that created it")
    ok("prctl(PR_SET_DUMPABLE, 0)" in seen.stderr and seen.returncode == 1, "what to change")
    body = f"kind=goroutine\ndebug=2\nformat=text\npid={shy.pid}\ndir={place}\n".encode()
    answer = subprocess.run([*nobody, os.path.abspath(f"{BUILD}/preprof-render")],
                            input=struct.pack("<4I", MAGIC, 1, 0, len(body)) + body,
                            capture_output=True, timeout=30, check=False).stdout
    body = answer[16:].decode()
    ok("[not permitted: it is not dumpable](...)\n" in body and
       body.startswith("# the stacks of process "), "debug=2: the reason, and what to change")
    is_(creators(body), EXPECTED, "debug=2: what created each")
    shy.kill()
else:
    ok(True, "not permitted # SKIP needs root and setpriv")
is_(server.stop()[0], 0, "the end")
done()
