#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""rows_cross.py READELF LIBRARY... -- COMMAND... - another architecture's rows.

Every row of every FDE of the libraries, as READELF prints them, against what
COMMAND LIBRARY (rows_say.c, under an emulator) says of its first address and of
its last. Speaks TAP: a test for each library. Registers that the walker does
not follow, those of floating point, are left out.
"""
import re
import subprocess
import sys

COMPLAINTS = 10
REFUSED_MAX = 4 # rows of a library
NAMES = {"sp": "r31", "ra": "r30"}
ROW = re.compile(r"([0-9a-f]{16}) (\S.*)")
FDE = re.compile(r"\S+ \S+ \S+ FDE cie=([0-9a-f]+) pc=([0-9a-f]+)\.\.([0-9a-f]+)")


def name(register):
    """readelf's name as a number, or None of one that is not followed."""
    if register in NAMES:
        return NAMES[register]
    return "r" + register[1:] if register[0] == "x" else None


def said_in(columns, row):
    """A row of readelf's as rows_say.c says it."""
    cfa, *registers = row.split()
    register, offset = re.fullmatch(r"(\w+?)([+-]\d+)", cfa).groups()
    return " ".join([name(register) + offset] + sorted(
        "%s:%s" % (name(column), where)
        for column, where in zip(columns, registers)
        if name(column) and where not in ("u", "s")))


def entries(readelf, library):
    """(start, end, [(address, what is said of it)]) of each FDE. A row of None
    has its return address in a register of its own, which the walker does not
    support: glibc's rawmemchr on aarch64."""
    text = subprocess.run([readelf, "--debug-dump=frames-interp", library],
                          check=True, capture_output=True, text=True).stdout
    cies = {}
    for entry in re.split(r"\n\n+", text):
        lines = entry.strip().splitlines()
        words = lines[0].split() if lines else []
        columns = lines[1].split()[2:] if len(lines) > 1 else []
        said = [(int(row[1], 16), said_in(columns, row[2]))
                for row in map(ROW.match, lines[2:]) if row]
        if "CIE" in words:
            cies[words[0]] = "ra=30" in words, said[0][1]
        elif "FDE" in words:
            cie, start, end = FDE.match(lines[0]).groups()
            supported, first = cies[cie]
            start, end = int(start, 16), int(end, 16)
            if not said or said[0][0] != start: # it has no program
                said.insert(0, (start, first))
            yield start, end, [(address, row if supported else None)
                               for address, row in said]


def read_rows(readelf, library):
    """{address: what is said of it}, of the first and last of each row."""
    rows = {}
    for _, end, said in entries(readelf, library):
        for (address, row), (behind, _) in zip(said, said[1:] + [(end, "")]):
            if address < behind:
                rows[address] = rows[behind - 1] = row
    return rows


def main():
    split = sys.argv.index("--")
    readelf, libraries, command = (sys.argv[1], sys.argv[2:split],
                                   sys.argv[split + 1:])
    print("1..%d" % len(libraries))
    for number, library in enumerate(libraries, 1):
        rows = read_rows(readelf, library)
        run = subprocess.run(command + [library], check=True, text=True,
                             input="".join("%x\n" % a for a in rows),
                             stdout=subprocess.PIPE)
        wrong = said = 0
        for line in run.stdout.splitlines():
            address, cfa, *registers = line.split()
            ours = " ".join([cfa] + sorted(registers))
            ours = None if ours == "none" else ours
            right = rows[int(address, 16)]
            said += 1
            if ours != right:
                wrong += 1
                if wrong <= COMPLAINTS:
                    print("# %s: %s, not %s" % (address, ours, right))
        good = not wrong and said == len(rows) and said > 0
        refused = sum(row is None for row in rows.values())
        good = good and refused <= REFUSED_MAX
        print("%sok %d - %s: %d rows, %d differences, %d refused" % (
            "" if good else "not ", number, library, len(rows), wrong,
            refused), flush=True)


main()
