#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: what Alloy, Pyroscope and Parca demand of a profile holds in every
kind, from scrape to scrape.
Method: tests/programs/medley.cc, which allocates, fights for locks, creates
threads and loads libraries meanwhile; the bytes of ten scrapes, decoded here
(tests/helpers/profile_proto.py). And 65536 stacks for a reader of 16000."""
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.abspath("tests/helpers"))
from profile_proto import Proto
from server_run import BUILD, SANITIZED, Server, done, is_, ok, skip

if SANITIZED:
    skip("the preload runs under no sanitizer")
PYROSCOPE_SAMPLES_MAX, PYROSCOPE_SIZE_MAX = 16000, 4 << 20
SCRAPES, LIMIT = 10, 40
FEW, THREADS = 3, 9  # medley's parts and its main thread
LIMIT_FEW = f"limit={FEW}"
HEAP = ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space"]
WAITS = ["contentions", "delay"]
# kind: its sample types, and how many of them only grow
KINDS = {
    "heap": (HEAP, 2), "allocs": (HEAP, 2), "peak": (HEAP[2:], 0),
    "goroutine": (["goroutine"], 0), "threadcreate": (["threadcreate"], 1),
    "block": (WAITS, 2), "mutex": (WAITS, 2), "delta_heap": (HEAP, 0),
    "delta_block": (WAITS, 0), "delta_mutex": (WAITS, 0),
}
PROGRAMS = os.path.join(BUILD, "tests/programs")
server = Server(shim=True, render=os.path.join(BUILD, "preprof-render"))


def start(*command):
    return subprocess.Popen(
        [os.path.join(PROGRAMS, command[0]), *command[1:]], text=True,
        env=dict(os.environ, PREPROF_DIR=server.environment["PREPROF_DIR"], PREPROF_MODE="exact",
                 PREPROF_LOCKS="1", LD_PRELOAD=os.path.join(server.directory, "libpreprof.so")),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def scrape(program, target):
    """What a scraper takes of it: bytes that say they are some."""
    answer = server.get(f"/pid/{program.pid}/debug/pprof/{target}")
    if (answer.status, answer.headers["content-type"]) != (200, "application/octet-stream"):
        raise ValueError(f"{target}: {answer.status} {answer.body[:200]}")
    return Proto(answer.body)


def falls(before, after, count):
    """Where one of the first `count` values is less than before."""
    old, new = before.by_identity(), after.by_identity()
    none = [0] * len(before.types)
    found = [key for key, values in old.items()
             if any(a > b for a, b in zip(values[:count], new.get(key, none)))]
    sums = [[sum(values[i] for values in rows.values()) for i in range(count)]
            for rows in (old, new)]
    return found + [sums] * any(a > b for a, b in zip(*sums))


def negatives(profile):
    return [sample for sample in profile.samples if min(sample.values) < 0]


program = start("medley", os.path.join(PROGRAMS, "libplugin.so"))
is_(program.stdout.readline(), "ready\n", "medley runs")
cpu = []
cpu_scrape = threading.Thread(
    target=lambda: cpu.append(scrape(program, "profile?seconds=1&hz=500")))
cpu_scrape.start()
targets = [*KINDS, *(f"{kind}?cursor=few&limit={LIMIT}" for kind in KINDS)]
scrapes = {target: [] for target in targets}
for _ in range(SCRAPES):
    for target in targets:
        scrapes[target].append(scrape(program, target))
    time.sleep(0.05)
cpu_scrape.join()
few = [scrape(program, f"{target}{LIMIT_FEW}") for target in
       ("profile?seconds=1&hz=500&", "heap?seconds=1&", "goroutine?")]
is_([len(profile.samples) <= FEW for profile in few], [True] * 3,
    f"{LIMIT_FEW} of those that nobody subtracts")
is_([fault for profile in few for fault in profile.faults()], [], "and no reader refuses them")
ok(sum(sample.values[0] for sample in few[2].samples) >= THREADS,
   "goroutine: all threads are in the few")
is_(cpu[0].faults(), [], "profile: no reader refuses it")
ok(cpu[0].samples, f"profile: {len(cpu[0].samples)} stacks")
for target, profiles in scrapes.items():
    types, growing = KINDS[target.split("?")[0]]
    is_([name for name, unit in profiles[-1].types], types, f"{target}: its types")
    is_([fault for profile in profiles for fault in profile.faults()], [],
        f"{target}: no reader refuses one of {SCRAPES}")
    is_([profile for profile in profiles if negatives(profile)], [], f"{target}: none negative")
    most = max(len(profile.samples) for profile in profiles)
    ok(most > 0, f"{target}: {most} stacks")
    times = [profile.times_ns[0] for profile in profiles]
    ok(all(a < b for a, b in zip(times, times[1:])), f"{target}: each is later")
    if growing:
        is_([fall for pair in zip(profiles, profiles[1:]) for fall in falls(*pair, growing)], [],
            f"{target}: no total falls")
        ok(profiles[0].by_identity() != profiles[-1].by_identity(), f"{target}: it grew")
    if "limit" in target:
        is_([len(profile.samples) for profile in profiles if len(profile.samples) > LIMIT], [],
            f"{target}: not more than {LIMIT}")
is_(program.communicate("", timeout=30) and program.returncode, 0, "medley ends well")

# Very many stacks, half of which come after the first scrape
STACKS, PARTS, DEPTH = 1 << 16, 2, 10
spread = start("spread", "16", str(DEPTH), "0", str(PARTS))
is_(spread.stdout.readline(), "ready\n", f"{STACKS // PARTS} stacks")
target = f"heap?limit={PYROSCOPE_SAMPLES_MAX}"
before = scrape(spread, target)
for scrape_number in range(3):
    spread.stdin.write("\n")
    spread.stdin.flush()
    spread.stdout.readline()
    after = scrape(spread, target)
    is_(falls(before, after, 2), [], f"{target}: no total falls")
    before = after
whole = scrape(spread, "heap")
ok(len(whole.samples) > STACKS, f"{STACKS} stacks have {len(whole.samples)} samples")
is_(before.faults(), [], "no reader refuses it")
ok(len(before.samples) <= PYROSCOPE_SAMPLES_MAX and before.size <= PYROSCOPE_SIZE_MAX,
   f"and {target}: {len(before.samples)}, in {before.size} bytes")
is_([sum(column) for column in zip(*before.by_identity().values())],
    [sum(column) for column in zip(*whole.by_identity().values())], "with the same sums")
spread.communicate("", timeout=30)
done()
