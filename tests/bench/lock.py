#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a lock and its release cost more under the shim, nanoseconds a pair: with
waits not recorded and recorded, where nobody waits. Plain, off and on in turns;
the median of the rounds' differences with the 95 % interval of run.py.

Usage: lock.py [--rounds N]
"""
import argparse
import os
import shutil
import statistics
import sys

sys.path.insert(0, os.path.abspath("tests/bench"))
from run import BUILD, SCRATCH, Printed, median_interval

LOCK = [os.path.join(BUILD, "tests/bench/lock"), "3000000"]
SHIM = os.path.join(BUILD, "libpreprof.so")


def measure(mode, locks="0"):
    return Printed(["env", "PREPROF_LOCKS=" + locks] + LOCK).measure(mode, SHIM)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    try:
        runs = [(measure("plain"), measure("off"), measure("off", "1")) for _ in range(rounds)]
    finally:
        shutil.rmtree(SCRATCH, ignore_errors=True)
    print(f"a lock and its release: {statistics.median(run[0] for run in runs):.2f} ns; "
          f"more under the shim: median of {rounds} rounds [95 % interval]")
    for at, name in (1, "waits not recorded"), (2, "waits recorded"):
        more = [run[at] - run[0] for run in runs]
        low, high = median_interval(more)
        print(f"| {name} | {statistics.median(more):.2f} [{low:.2f}-{high:.2f}] |")


if __name__ == "__main__":
    main()
