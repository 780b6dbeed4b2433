#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: preprof top -d follows a live process until it ends: in place on a
terminal and within its size, one table after the other elsewhere. Method: a
program that allocates known numbers when told to, and a terminal of ours."""
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import tempfile
import termios

sys.path.insert(0, os.path.abspath("tests/helpers"))
from server_run import BUILD, SANITIZED, done, is_, ok, skip, wait_for

if SANITIZED:
    skip("the shim runs under no sanitizer")
work = tempfile.TemporaryDirectory()
environment = dict(os.environ, PREPROF_DIR=work.name + "/segments", PREPROF_MODE="exact")
TOP = f"{BUILD}/preprof-top"


def gates():
    return subprocess.Popen(
        [f"{BUILD}/tests/programs/gates"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env=dict(environment, LD_PRELOAD=f"{BUILD}/libpreprof.so"))


def gate(process, number):
    process.stdin.write(f"{number}\n".encode())
    process.stdin.flush()
    process.stdout.readline()


def flat(text):
    """What gate() has by each table of a text."""
    return re.findall(r"^ *(\S+) .*  gate$", text, re.M)


# Elsewhere: a file
victim = gates()
gate(victim, 101)
path = work.name + "/out"
with open(path, "w") as out:
    top = subprocess.Popen([TOP, str(victim.pid), "-d", "0.1"], stdout=out,
                           stderr=subprocess.PIPE, env=environment)
wait_for(lambda: len(flat(open(path).read())) >= 2)
gate(victim, 31)
wait_for(lambda: "130.97kB" in flat(open(path).read()))
victim.stdin.close()
victim.wait(20)
is_(top.wait(20), 0, "it ends with the process")
text = open(path).read()
is_(sorted(set(flat(text))), ["100.21kB", "130.97kB"], "every table has what there was")
ok(f"gates, pid {victim.pid}: " in text and "\033" not in text, "and no escape sequence")

# A dead one is shown once
victim = gates()
gate(victim, 7)
victim.kill()
victim.wait()
top = subprocess.run([TOP, str(victim.pid), "-d", "0.1"], capture_output=True, text=True,
                     env=environment, timeout=20)
is_((top.returncode, flat(top.stdout)), (0, ["6.95kB"]), "a dead process: one table")

# A terminal of 7 lines and 50 columns
victim = gates()
gate(victim, 13)
master, slave = pty.openpty()
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 7, 50, 0, 0))
top = subprocess.Popen([TOP, str(victim.pid), "-d", "0.1"], stdout=slave,
                       stderr=subprocess.DEVNULL, env=environment)
os.close(slave)
seen = b""
while seen.count(b"\033[J") < 3:
    seen += os.read(master, 4096)
tables = [table for table in seen.split(b"\033[H") if table.endswith(b"\033[J")]
ok(len(tables) >= 2, "each table begins at the top left")
lines = tables[0].decode().removesuffix("\033[J").split("\r\n")[:-1]
ok(len(lines) <= 6 and all(line.endswith("\033[K") for line in lines),
   "it fits the terminal, and clears what was there")
ok(all(len(line) - 3 <= 50 for line in lines), "no line is longer than the terminal")
top.send_signal(signal.SIGINT)
is_(top.wait(20), -signal.SIGINT, "until it is interrupted")
victim.stdin.close()
is_(victim.wait(20), 0, "the program has not noticed")

for bad in "0", "0.01", "x", "-1", "nan", "1s", "":
    top = subprocess.run([TOP, "1", "-d", bad], capture_output=True, text=True)
    is_((top.returncode, top.stderr),
        (2, f"preprof top: -d takes seconds, 0.1 to 86400, not {bad}\n"), f"-d '{bad}'")
done()
