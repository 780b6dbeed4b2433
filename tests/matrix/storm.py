#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a process more costs under the shim, and what processes leave behind.

Two storms run plain and in each mode in turn, again and again: a shell that
forks, a shell that forks and executes /bin/true, and a build of 100 small files
by `make -j2`. Printed is a Markdown table of CPU time a process, medians, and
the number of files that are left. Usage: storm.py [--rounds N]
"""
import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile

BUILD = os.path.abspath(os.environ.get("BUILD", "build/release"))
MODES = ["plain", "off", "sample", "exact"]
PROCESSES = 200
LOOP = "i=0; while [ $i -lt %d ]; do %s; i=$((i + 1)); done"
MAKEFILE = """all: $(shell seq -f f%g.o 100)
f%.o: ; @echo 'int f$*(int x) { return x * $*; }' | gcc -x c -c -o $@ -
"""
STORMS = [  # name, command, processes
    ("fork", ["dash", "-c", LOOP % (PROCESSES, "(:)")], PROCESSES),
    ("fork and exec", ["dash", "-c", LOOP % (PROCESSES, "/bin/true")], PROCESSES),
    ("make -j2, gcc", ["make", "-B", "-j2"], 401), # sh, gcc, cc1 and as of each
]


def cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(command, mode, work):
    environment = {k: v for k, v in os.environ.items()
                   if not k.startswith(("PREPROF_", "MAKE", "MFLAGS"))}
    environment["PREPROF_DIR"] = work + "/segments"
    if mode != "plain":
        environment["LD_PRELOAD"] = BUILD + "/libpreprof.so"
        environment["PREPROF_MODE"] = mode
    before = cpu_s()
    subprocess.run(command, env=environment, check=True, cwd=work,
                   stdout=subprocess.DEVNULL)
    return cpu_s() - before


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    # On tmpfs, where segments are.
    work = tempfile.mkdtemp(prefix="preprof-storm-", dir="/dev/shm")
    with open(work + "/Makefile", "w") as file:
        file.write(MAKEFILE)
    left = 0
    print("| storm | processes | µs each | off adds | sample adds | exact adds |"
          "\n|---|--:|--:|--:|--:|--:|")
    for name, command, processes in STORMS:
        times = {mode: [] for mode in MODES}
        for _ in range(rounds):
            for mode in MODES:
                times[mode].append(run(command, mode, work) / processes * 1e6)
        added = [statistics.median(m - p for m, p in zip(times[mode],
                                                         times["plain"]))
                 for mode in MODES[1:]]
        print("| %s | %d | %.0f | %s |" % (
            name, processes, statistics.median(times["plain"]),
            " | ".join("%.0f" % a for a in added)), flush=True)
        left += len(os.listdir(work + "/segments"))
    print("\nFiles left: %d." % left)
    shutil.rmtree(work)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
