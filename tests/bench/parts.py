#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make bench-parts: what each instruction and nanosecond of a pair buys.

Instructions: callgrind on tests/bench/pair with two numbers of pairs; the
difference is that of the pairs alone, exact to the instruction on any machine.
They are attributed by source file, as inlined code keeps its own. Time: the
same program without callgrind, all modes in turn, medians.

Usage: parts.py [--rounds N] [--shim FILE]
"""
import argparse
import os
import re
import statistics
import subprocess
import tempfile

BUILD = os.environ.get("BUILD", "build/release")
PAIR = os.path.join(BUILD, "tests/bench/pair")
FORWARD = os.path.join(BUILD, "tests/programs/libforward.so")
FEW, MANY = 1000, 21000
PARTS = [
    ("allocator and program", r"malloc/|pair\.c"),
    ("forwarding", r"libforward"),
    ("walk", r"(memo|step|tracer|module|callsite|walk|spine|rules)\.[ch]"),
    ("owner map", r"owner\.[ch]"),
    ("counters", r"(shard|counter|peak)\.[ch]"),
    ("sampling", r"sample\.[ch]"),
    ("size of the block", r"real\.[ch]"),
    ("hooks: which life, mode, thread", r"."),
]


def environment(shim, mode):
    env = {k: v for k, v in os.environ.items() if not k.startswith("PREPROF_")}
    if mode == "forward":
        env["LD_PRELOAD"] = os.path.abspath(FORWARD)
    elif mode != "plain":
        env["LD_PRELOAD"] = os.path.abspath(shim)
        env["PREPROF_MODE"] = mode
    return env


def instructions(shim, mode, pairs, scratch):
    """By source file."""
    out = os.path.join(scratch, "callgrind")
    subprocess.run(["valgrind", "--tool=callgrind",
                    "--callgrind-out-file=" + out, PAIR, str(pairs)],
                   env=environment(shim, mode), check=True,
                   capture_output=True)
    text = subprocess.run(["callgrind_annotate", "--threshold=100",
                           "--show-percs=no", "--auto=no", out], check=True,
                          capture_output=True, text=True).stdout
    total = {}
    for line in text.splitlines():
        found = re.match(r"\s*([0-9,]+)\s+(\S+:\S+.*)", line)
        if found:
            place = found.group(2)
            total[place] = total.get(place, 0) + int(
                found.group(1).replace(",", ""))
    return total


def parts_of(shim, mode, scratch):
    few = instructions(shim, mode, FEW, scratch)
    many = instructions(shim, mode, MANY, scratch)
    parts = dict.fromkeys((name for name, _ in PARTS), 0.0)
    for place, count in many.items():
        name = next(n for n, pattern in PARTS if re.search(pattern, place))
        parts[name] += (count - few.get(place, 0)) / (MANY - FEW)
    return parts


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--shim", default=os.path.join(BUILD, "libpreprof.so"))
    options = parser.parse_args()
    modes = ["plain", "forward", "off", "sample", "exact"]
    times = {mode: [] for mode in modes}
    for _ in range(options.rounds):
        for mode in modes:
            out = subprocess.run([PAIR, "5000000"], check=True,
                                 env=environment(options.shim, mode),
                                 capture_output=True, text=True).stdout
            times[mode].append(float(out.split()[0]))
    with tempfile.TemporaryDirectory(prefix="preprof-parts-") as scratch:
        columns = {m: parts_of(options.shim, m, scratch) for m in modes}
    print("| | " + " | ".join(modes) + " |")
    print("|---|" + "---|" * len(modes))
    for name, _ in PARTS:
        print("| %s | %s |" % (name, " | ".join(
            "%.0f" % columns[m][name] if columns[m][name] >= 0.5 else ""
            for m in modes)))
    print("| **instructions a pair** | %s |" % " | ".join(
        "%.0f" % sum(columns[m].values()) for m in modes))
    print("| **ns a pair** | %s |" % " | ".join(
        "%.1f" % statistics.median(times[m]) for m in modes))


if __name__ == "__main__":
    main()
