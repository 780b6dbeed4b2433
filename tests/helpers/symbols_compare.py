#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random pcs of an ELF file, and whether two symbolizers agree about them.

    symbols_compare.py bytes FILE COUNT > ADDRESSES
    symbols_compare.py rows FILE COUNT > ADDRESSES
    symbols_compare.py compare FILE ADDRESSES OURS THEIRS

bytes picks any byte of any function; what lies between functions is never run.
rows picks addresses where a row of the line table starts. eu-addr2line is only
right there: it asks for inlined frames at the start of the row that the pc is
in (handle_address() of 0.188 overwrites addr).

compare reads the answers of symbolize_file and of `eu-addr2line -A -a -f -i`
or `llvm-addr2line -a -f -i` and prints how many pcs there are of each kind:

    pcs    all of them
    equal  every frame is: linkage name, file and line
    named  so too, but ours has the function's ELF symbol where theirs has
           another name of it: that of DWARF, which has no linkage name, or
           that of a function with identical code
    wrong  everything else; the first ones are printed to stderr
    deep   pcs with at least one inlined frame, of all of them
    lines  pcs whose innermost frame has a line

Read next: tests/cli/symbols.t.
"""
import bisect
import collections
import functools
import random
import re
import subprocess
import sys

SEED = 7
WRONG_SHOWN = 5
WRONG_WIDTH = 200

# What compilers append to a symbol when they split, clone or nest a function.
CLONE = re.compile(r"(\.(cold|part|isra|constprop|lto_priv|llvm)|\.\d+)+$")

Frame = collections.namedtuple("Frame", "name place")


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True,
                          text=True, errors="replace").stdout.splitlines()


class Functions:
    """Functions of a file by address, as nm gives them."""

    def __init__(self, file):
        self.names = collections.defaultdict(set)
        self.sizes = {}
        for fields in map(str.split,
                          output_of("nm", "-S", "--defined-only", file)):
            if len(fields) == 4 and fields[2] in "tTiIwW":
                start, size = int(fields[0], 16), int(fields[1], 16)
                name = CLONE.sub("", fields[3].split("@")[0])
                self.names[start].add(name)
                self.sizes[start] = max(size, self.sizes.get(start, 0))
        self.starts = sorted(s for s in self.sizes if self.sizes[s] > 0)

    def bytes(self, count):
        sizes = [self.sizes[start] for start in self.starts]
        for start in random.choices(self.starts, sizes, k=count):
            yield start + random.randrange(self.sizes[start])

    def start(self, address):
        """Of the function at the address, or None."""
        i = bisect.bisect_right(self.starts, address) - 1
        if i < 0 or address >= self.starts[i] + self.sizes[self.starts[i]]:
            return None
        return self.starts[i]


def row_addresses(file):
    for line in output_of("objdump", "--dwarf=decodedline", file):
        row = re.match(r"\S+ +\d+ +(0x[0-9a-f]+)( |$)", line)
        if row:
            yield int(row[1], 16)


def pick(kind, file, count):
    random.seed(SEED)
    functions = Functions(file)
    if kind == "bytes":
        return functions.bytes(count)
    rows = sorted(set(row for row in row_addresses(file)
                      if functions.start(row) is not None))
    return random.choices(rows, k=count)


@functools.lru_cache(maxsize=None)
def frame_of(name, place):
    """addr2line's flavours differ in details."""
    name = re.split(" inlined (?:at|from) ", name)[0]
    place = re.sub(r" \(.*\)$", "", place).replace(":?", ":0")
    place = re.sub(r"^(.*?:\d+):\d+$", r"\1", place)
    # llvm: the file of the symbol table, where DWARF has none
    place = re.sub(r"^[^/]*:0$", "??:0", place)
    return Frame(CLONE.sub("", name), place)


def read_answers(path):
    """[(address, [Frame])]"""
    answers = []
    lines = []
    with open(path, errors="replace") as file:
        for line in file.read().splitlines() + ["0x0"]:
            if not line.startswith("0x"):
                lines.append(line)
                continue
            if answers:
                answers[-1][1].extend(map(frame_of, lines[::2], lines[1::2]))
            answers.append((int(line, 16), []))
            lines = []
    return answers[:-1]


def kind_of(ours, theirs, names):
    if ours == theirs:
        return "equal"
    if (len(ours) == len(theirs) and ours[:-1] == theirs[:-1] and
            ours[-1].place == theirs[-1].place and ours[-1].name in names):
        return "named"
    return "wrong"


def compare(file, addresses, ours, theirs):
    functions = Functions(file)
    with open(addresses) as lines:
        asked = [int(line, 16) for line in lines]
    count = dict.fromkeys("pcs equal named wrong deep lines".split(), 0)
    answers = [asked, read_answers(ours), read_answers(theirs)]
    if len(set(map(len, answers))) != 1:
        sys.exit(f"not as many answers as addresses: {[*map(len, answers)]}")
    for address, (at_ours, our), (at_theirs, their) in zip(*answers):
        if not address == at_ours == at_theirs:
            sys.exit(f"{address:#x}: answers are out of step")
        kind = kind_of(our, their, functions.names[functions.start(address)])
        count["pcs"] += 1
        count[kind] += 1
        count["deep"] += len(our) > 1
        count["lines"] += not our[0].place.endswith(":0")
        if kind == "wrong" and count[kind] <= WRONG_SHOWN:
            for who, answer in ("ours", our), ("theirs", their):
                text = " ".join(f"{name}@{place}" for name, place in answer)
                print(f"{address:#x} {who}: {text[:WRONG_WIDTH]}",
                      file=sys.stderr)
    print(*(f"{kind}={number}" for kind, number in count.items()))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[:1] in (["bytes"], ["rows"]) and len(arguments) == 3:
        for pc in pick(arguments[0], arguments[1], int(arguments[2])):
            print(f"{pc:#x}")
    elif arguments[:1] == ["compare"] and len(arguments) == 5:
        compare(*arguments[1:])
    else:
        sys.exit(__doc__)
