#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""rows.py ROWS FILE... - every unwind row of many ELF files, as TAP.

ROWS is the program of rows.c, which compares our rows and rules with libdw's.
Call sites that have no rule are found in objdump's output, and listed with the
reason: at most ESCAPES_MAX in all. A file that is not there is left out. With
ORACLE_OUT in the environment that directory's rows.md gets it as tables.
"""
import collections
import os
import re
import subprocess
import sys

ESCAPES_MAX = 200
REASONS = {
    "signal-frame": "what a signal interrupted has all registers in memory",
    "CFA-expression": "the table computes the caller's stack pointer, which "
                      "the function has put away in a slot",
    "CFA-in-another-register": "the caller's stack pointer is in a register "
                               "that is neither rsp nor rbp",
    "return-address-not-on-the-stack": "the return address is elsewhere",
    "out-of-a-rule's-range": "the frame is too large for a rule, or saves rbp "
                             "where a rule cannot say",
}


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


def write_tables(path, files, sites):
    """files: (path, FDEs, rows, differences); sites: {(path, why): [pc]}."""
    with open(path, "w") as out:
        out.write("""# The walker, compared

Written by `make oracle`, of the system that it ran on.

## Rows

Every row of every FDE: all registers, the CFA, and the rule that walks use,
against elfutils' libdw (tests/oracle/rows.c).

| file | FDEs | rows | differences |
|---|---|---|---|
""")
        for row in sorted(files, key=lambda row: -row[2]):
            out.write("| %s | %d | %d | %d |\n" % row)
        out.write("| **%d files** | **%d** | **%d** | **%d** |\n" % (
            len(files), *(sum(row[i] for row in files) for i in (1, 2, 3))))
        out.write("""
## Calls without a rule

A rule has 32 bits. Where it cannot say what a row says, the walk goes on with
all registers, and pays for it. Of all calls in these files %d return to such a
place:

""" % sum(map(len, sites.values())))
        for why in sorted({why for _, why in sites}):
            out.write("- %s: %s.\n" % (why, REASONS[why]))
        out.write("\n| file | why | the call before |\n|---|---|---|\n")
        for (file, why), pcs in sorted(sites.items()):
            out.write("| %s | %s | %s |\n" % (
                file, why, " ".join("%x" % pc for pc in sorted(pcs))))


def main():
    rows, files = sys.argv[1], []
    for path in sys.argv[2:]:
        real = os.path.realpath(path)
        if os.path.exists(real) and real not in files:
            files.append(real)
    run = subprocess.run([rows] + files, capture_output=True, text=True)
    ranges = collections.defaultdict(list)
    total = collections.Counter()
    table = []
    print("1..2")
    for line in run.stdout.splitlines():
        if line.startswith("escape "):
            _, path, start, end, row, row_end, why = line.split(" ")
            ranges[path, int(start, 16), int(end, 16)].append(
                (int(row, 16), int(row_end, 16), why))
            continue
        print(line if line.startswith("#") else "# " + line)
        read = re.fullmatch(r"(/.*): (\d+) FDEs, (\d+) rows, \d+ escapes, "
                            r"(\d+) differences", line)
        if read and int(read[2]):
            table.append((read[1], *map(int, read.groups()[1:])))
            total["FDEs"] += int(read[2])
            total["rows"] += int(read[3])
    print("# %d files: %d FDEs, %d rows" % (len(table), total["FDEs"],
                                            total["rows"]))
    print("%sok 1 - every row is as libdw has it" % (
        "not " if run.returncode or not total["rows"] else ""))

    sites = collections.defaultdict(list)
    for (path, start, end), escapes in ranges.items():
        for after in calls_in(path, start, end):
            for row, row_end, why in escapes:
                if row < after <= row_end:
                    sites[path, why].append(after)
                    print("# %s: the call before 0x%x: %s" % (path, after, why))
    for (path, why), behind in sorted(sites.items()):
        print("# %4d %s %s" % (len(behind), path, why))
    count = sum(map(len, sites.values()))
    print("%sok 2 - %d of all call sites have no rule, at most %d" % (
        "not " if count > ESCAPES_MAX else "", count, ESCAPES_MAX))
    if os.environ.get("ORACLE_OUT"):
        write_tables(os.path.join(os.environ["ORACLE_OUT"], "rows.md"), table,
                     sites)


main()
