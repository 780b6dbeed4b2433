#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: what the shim takes is what libpreprof(7) says: for itself, for a live
block, for a stack and for a frame; threads.t looks at threads. Method: resident
memory of programs that wait, less that in mode off or without the shim, of two
sizes each, so that what is fixed falls out."""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.abspath("tests/helpers"))
from server_run import BUILD, SANITIZED, done, ok, skip

if SANITIZED:
    skip("the preload runs under no sanitizer")
work = tempfile.TemporaryDirectory()


def start(mode, program, *arguments):
    environment = dict(os.environ, PREPROF_DIR=work.name)
    if mode:
        environment.update(LD_PRELOAD=f"{BUILD}/libpreprof.so", PREPROF_MODE=mode)
    return subprocess.Popen([f"{BUILD}/tests/programs/{program}", *map(str, arguments)],
                            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def spread_kib(mode, levels, depth):
    """Of spread.c, which says when it has allocated from 2^levels stacks."""
    with start(mode, "spread", levels, depth, 0, 1) as process:
        process.stdout.readline()
        with open(f"/proc/{process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1])


def blocks_kib(mode, blocks):
    """Of workers.c, one thread of which holds so many blocks of 48 bytes."""
    with start(mode, "workers", 1, blocks, 1) as process:
        return int(process.communicate()[0].split()[1])


def grows(measure, few, many):
    """Bytes that many take more than few, in mode exact alone."""
    extra = [measure("exact", *size) - measure("off", *size) for size in (few, many)]
    return 1024 * (extra[1] - extra[0])


plain, off, exact = (spread_kib(mode, 0, 1) for mode in (None, "off", "exact"))
ok(off - plain < 512, f"a program that hardly allocates takes {off - plain} KiB more in mode off")
ok(exact - plain < 1536, f"and {exact - plain} KiB in mode exact")

block = grows(blocks_kib, (100000,), (1600000,)) / 1500000
ok(5.5 < block < 6.5, f"a live block of 48 bytes takes {block:.2f} bytes, of 6")

# 2^14 stacks of which each has ten more frames to itself, then 7 * 2^13 stacks more with as few
# frames as there can be: two in descend() and two in the tree of spell().
frame = grows(spread_kib, (14, 1), (14, 11)) / (10 << 14)
ok(16 <= frame < 100, f"a frame that no other stack has takes {frame:.0f} bytes")
stack = grows(spread_kib, (13, 1), (16, 1)) / (7 << 13)
ok(100 <= stack < 500, f"a stack with four such frames takes {stack:.0f} bytes")
done()
