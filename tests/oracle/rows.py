#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""rows.py ROWS FILE... - every unwind row of many ELF files, as TAP.

ROWS is the program of rows.c, which compares our rows and rules with libdw's.
Call sites that have no rule are found in objdump's output, and listed with the
reason: at most ESCAPES_MAX in all. A file that is not there is left out.
"""
import collections
import os
import re
import subprocess
import sys

ESCAPES_MAX = 200


def calls_in(path, start, end):
    """The addresses behind the calls of a function."""
    text = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", "--start-address=%d" % start,
         "--stop-address=%d" % end, path],
        check=True, capture_output=True, text=True).stdout
    code = re.findall(r"^\s*([0-9a-f]+):\t(.*)$", text, re.M)
    behind = [int(address, 16) for address, _ in code[1:]] + [end]
    return [after for (_, what), after in zip(code, behind)
            if re.match(r"(bnd |notrack )*call", what)]


def main():
    rows, files = sys.argv[1], []
    for path in sys.argv[2:]:
        real = os.path.realpath(path)
        if os.path.exists(real) and real not in files:
            files.append(real)
    run = subprocess.run([rows] + files, capture_output=True, text=True)
    ranges = collections.defaultdict(list)
    total = collections.Counter()
    print("1..2")
    for line in run.stdout.splitlines():
        if line.startswith("escape "):
            _, path, start, end, row, row_end, why = line.split(" ")
            ranges[path, int(start, 16), int(end, 16)].append(
                (int(row, 16), int(row_end, 16), why))
            continue
        print(line if line.startswith("#") else "# " + line)
        for count, what in re.findall(r"(\d+) ([A-Za-z]+)", line):
            total[what] += int(count)
    print("# %d files: %d FDEs, %d rows" % (len(files), total["FDEs"],
                                            total["rows"]))
    print("%sok 1 - every row is as libdw has it" % (
        "not " if run.returncode or not total["rows"] else ""))

    sites = collections.Counter()
    for (path, start, end), escapes in ranges.items():
        for after in calls_in(path, start, end):
            for row, row_end, why in escapes:
                if row < after <= row_end:
                    sites[path, why] += 1
                    print("# %s: the call before 0x%x: %s" % (path, after, why))
    for (path, why), count in sorted(sites.items()):
        print("# %4d %s %s" % (count, path, why))
    count = sum(sites.values())
    print("%sok 2 - %d of all call sites have no rule, at most %d" % (
        "not " if count > ESCAPES_MAX else "", count, ESCAPES_MAX))


main()
