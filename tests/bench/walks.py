#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make bench-walks: how the stacks of the workloads of run.py are found.

Of all allocations in exact mode: how many the memo knew, and of the others,
which the spine found, how many frames the last stack had and how many were
new. Needs a shim that counts (walk_count.h).

Usage: walks.py SHIM [NAME...]
"""
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile

import run

BUCKETS = ["new_0", "new_1", "new_2_3", "new_4_7", "new_8_15", "new_16"]


def errors_of(workload, shim):
    """What one run of it writes to stderr."""
    env = run.environment("exact", shim, getattr(workload, "preload", ()))
    if isinstance(workload, run.Redis):
        with tempfile.TemporaryFile() as errors:
            workload.serve(env, errors)
            errors.seek(0)
            return errors.read().decode()
    env.update(getattr(workload, "env", {}))
    with open(getattr(workload, "stdin", None) or os.devnull) as source:
        return subprocess.run(workload.argv, env=env, stdin=source,
                              stdout=subprocess.DEVNULL, check=True,
                              stderr=subprocess.PIPE).stderr.decode()


def counts(workload, shim):
    """The sum over all processes of one run."""
    errors = errors_of(workload, shim)
    total = collections.Counter()
    for line in re.findall(r"^preprof walks:(.*)$", errors, re.M):
        for name, count in re.findall(r"(\w+)=(\d+)", line):
            total[name] += int(count)
    if not total:
        sys.exit("walks.py: %s does not count walks" % shim)
    return total


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: walks.py SHIM [NAME...]")
    print("| workload | stacks | by memo | memo not asked | by spine: frames kept"
          " | frames new | 0 new, 1, 2-3, 4-7, 8-15, 16- | neither |"
          " all registers |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, make in run.workloads(sys.argv[2:]).items():
        c = counts(make(), sys.argv[1])
        stacks = c["asked"] + c["unasked"]
        joined = max(c["joined"], 1)
        print("| %s | %d | %.2f %% | %.2f %% | %.1f | %.1f | %s | %d | %d |" % (
            name, stacks, 100 * c["recalled"] / max(stacks, 1),
            100 * c["unasked"] / max(stacks, 1), c["kept_frames"] / joined,
            c["new_frames"] / joined,
            ", ".join("%d %%" % round(100 * c[b] / joined) for b in BUCKETS),
            stacks - c["recalled"] - c["joined"], c["escaped"]), flush=True)


if __name__ == "__main__":
    try:
        main()
    finally:
        shutil.rmtree(run.SCRATCH, ignore_errors=True)
