#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: readers other than go tool pprof get what they need: gperftools'
script, and scrapers that take a limited number of samples and subtract.
Method: the real server, render and shim; google-pprof; go tool pprof -raw."""
import atexit
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.abspath("tests/helpers"))
from server_run import BUILD, SANITIZED, Server, done, is_, ok, skip

if SANITIZED:
    skip("the preload runs without sanitizers")
os.environ["PPROF_TMPDIR"] = os.environ["TMPDIR"] = os.path.abspath(BUILD)
server = Server(shim=True, render=os.path.join(BUILD, "preprof-render"))
server.get("/allocate?hold=60&size=31MiB")
base = f"http://127.0.0.1:{server.port}"

# gperftools' and jemalloc's scripts: they ask for the profile, the command line
# and the symbols
spin = subprocess.Popen(
    [os.path.join(BUILD, "tests/programs/spin")], stdin=subprocess.PIPE,
    stdout=subprocess.DEVNULL,
    env=dict(os.environ, PREPROF_DIR=server.environment["PREPROF_DIR"],
             LD_PRELOAD=os.path.join(server.directory, "libpreprof.so")))
atexit.register(spin.kill)


def cpu_ticks():
    """What spin has had of a loaded machine, in hundredths of a second."""
    with open(f"/proc/{spin.pid}/stat") as stat:
        return sum(map(int, stat.read().rpartition(")")[2].split()[11:13]))


for reader in "google-pprof", "jeprof":
    if not shutil.which(reader):
        ok(True, f"{reader} # SKIP not installed")
        continue
    home = os.path.join(server.directory, reader)
    os.mkdir(home)

    def read(*arguments):
        return subprocess.run([reader, "--text", *arguments], timeout=60, capture_output=True,
                              text=True, check=False, env=dict(os.environ, HOME=home))

    ended = read(base + "/pprof/heap")
    row = re.search(r"^ *([0-9.]+) .* allocate_handler$", ended.stdout, re.M)
    is_((ended.returncode, row and row.group(1)), (0, "31.0"),
        f"{reader} names the handler of 31 MiB")
    before = cpu_ticks()
    ended = read("--seconds=1", f"{base}/pid/{spin.pid}/pprof/profile")
    had = cpu_ticks() - before  # and before and after the profile, too
    total = re.search(r"^Total: (\d+) samples", ended.stdout + ended.stderr, re.M)
    names = re.findall(r"^ *(\d+) .* (spin\w*|burn\w*)$", ended.stdout, re.M)
    if not ok(ended.returncode == 0 and total and int(total[1]) > 0.3 * had > 0 and names,
              f"{reader} names where CPU time goes"):
        print("# " + (ended.stdout + ended.stderr).replace("\n", "\n# "))
text = server.get("/pprof/heap").body.decode()
ok(re.match(r"heap profile: \d+: \d+ \[\d+: \d+\] @ heapprofile\n", text), "its head")
ok("\nMAPPED_LIBRARIES:\n" in text and "preprof-server\n" in text, "its mappings")


def raw(path):
    """Of a profile: its samples' values, by stack."""
    name = os.path.join(server.directory, "scrape.pb.gz")
    with open(name, "wb") as out:
        out.write(server.get(path).body)
    lines = subprocess.run(["go", "tool", "pprof", "-raw", name], capture_output=True,
                           text=True, check=True, timeout=60).stdout
    samples = re.findall(r"^ +(\d+) +(\d+) +(\d+) +(\d+): ([\d ]+)$",
                         lines[lines.index("Samples:"):lines.index("Locations")], re.M)
    places = dict(re.findall(r"^ +(\d+): (0x[0-9a-f]+) ", lines, re.M))
    return {tuple(places[i] for i in stack.split()): tuple(map(int, values))
            for *values, stack in samples}


if shutil.which("go"):
    all_of_it = raw("/debug/pprof/allocs")
    last = raw("/debug/pprof/allocs?limit=12")
    ok(len(last) <= 12 < len(all_of_it), f"limit=12: {len(last)} of {len(all_of_it)} stacks")
    for scrape in range(10):
        server.get("/allocate2")
        now = raw("/debug/pprof/allocs?limit=12")
        falls = [stack for stack, values in last.items()
                 if now.get(stack, (0, 0))[0] < values[0] or now[stack][1] < values[1]]
        if len(now) > 12 or falls:
            break
        last = now
    is_((falls, len(now) <= 12), ([], True), "10 scrapes under load: no total falls")
done()
