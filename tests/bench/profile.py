#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a running CPU profile costs, as a ratio: the same program under the
shim in turns with and without one. CPU time, median of the rounds' ratios with
the 95 % interval of run.py.

Usage: profile.py [--rounds N] [HZ...]
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.abspath("tests/helpers"))
sys.path.insert(0, os.path.abspath("tests/bench"))
from render_ask import Render
from run import BUILD, SCRATCH, environment, median_interval

WORKLOADS = {
    "bignum": [os.path.join(BUILD, "tests/bench/bignum"), "12"],
    "python": ["/usr/bin/python3", "-c",
               "def f(n): return n if n < 2 else f(n - 1) + f(n - 2)\nprint(f(27))"],
    # A fork takes longer than from one tick to the next.
    "fork": ["/usr/bin/python3", "-c", """
import mmap, os
pages = mmap.mmap(-1, 1 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
pages.madvise(15)  # MADV_NOHUGEPAGE
for i in range(0, len(pages), 4096):
    pages[i] = 1
for _ in range(20):
    if os.fork() == 0:
        os._exit(0)
    os.wait()
"""],
}


def measure(argv, directory, render, hz, window):
    env = dict(environment("off", os.path.join(BUILD, "libpreprof.so")), PREPROF_DIR=directory)
    child = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL)
    while hz:
        status, body = render.ask(kind="profile", pid=child.pid, window="begin", id=window, hz=hz)
        if status == 200:
            break
        if status != 404 or child.poll() is not None:
            sys.exit(f"{argv[0]}: {status} {body.decode()}")
        time.sleep(0.001)
    usage = os.wait4(child.pid, 0)[2]
    child.returncode = 0
    if hz:
        render.ask(kind="profile", window="end", id=window)
    return usage.ru_utime + usage.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("hz", nargs="*", type=int, default=[100, 1000])
    options = parser.parse_args()
    directory = os.path.join(SCRATCH, "segments")
    render, window = Render(directory), 0

    print(f"CPU time with a profile / without: median of {options.rounds} rounds [95 % interval]")
    try:
        for name, argv in WORKLOADS.items():
            runs = {hz: [] for hz in [0] + options.hz}
            for _ in range(options.rounds):
                for hz in runs:
                    window += 1
                    runs[hz].append(measure(argv, directory, render, hz, window))
            for hz in options.hz:
                ratios = [a / b for a, b in zip(runs[hz], runs[0])]
                low, high = median_interval(ratios)
                print(f"| {name} | {hz} Hz | {statistics.median(ratios):.3f} "
                      f"[{low:.3f}-{high:.3f}] |", flush=True)
        render.end()
    finally:
        shutil.rmtree(SCRATCH, ignore_errors=True)


if __name__ == "__main__":
    main()
