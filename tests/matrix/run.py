#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make matrix: real programs with and without the shim, a table in Markdown.

Each program of the row files (*.sh here) runs twice plain and once in each of
off, sample and exact, in a directory that is made anew every time under the
same name. Compared with the plain run: output, exit status, and for every
process of it what libstate.so wrote down when its main() began and in exit():
descriptors, threads, signal dispositions, umask and core limit. What the plain
runs do not agree about says nothing about the shim: it is left out, and the
row says so. Where a mode differs, plain runs again some times, because two may
have agreed by chance. Every profile of the exact run must be readable; their
allocations added up are the row's number, at least ENOUGH or the row says why.

A row file is a shell script cut into rows by lines "#: NAME | WORD: TEXT ...":
see languages.sh. Must never compare anything that it has not seen vary alike.

Usage: run.py [--shim FILE] [--output FILE] [--keep] [NAME...]
"""
import argparse
import collections
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get("BUILD", "build/release"))
SOURCES = os.path.abspath("build/sources")  # sources.sh
MODES = ["off", "sample", "exact"]
ENOUGH = 10000
TIMEOUT_S = 180
AGAIN = 5  # more plain runs where a mode seems to differ
# The one signal that the shim may catch, for CPU profiles (libpreprof(7)).
CPU_SIGNALS = {1 << (signal.SIGURG - 1), 1 << (signal.SIGWINCH - 1)}

# What every row finds. `run` is how it starts what is to be profiled.
PRELUDE = r"""
set -e
run() { LD_PRELOAD=$MATRIX_PRELOAD "$@"; }
serve() { LD_PRELOAD=$MATRIX_PRELOAD "$@" & served=$!; }
wait_until() { # wait_until COMMAND...: at most 20 s
    for _ in $(seq 400); do "$@" >/dev/null 2>&1 && return; sleep 0.05; done
    echo "never: $*"; return 1
}
finish() { # finish SIGNAL: the server's status is output
    kill -"$1" $served; wait $served && echo 0 || echo $?
}
"""

Row = collections.namedtuple("Row", "name package source few varies omits script")
Result = collections.namedtuple("Result", "status out err states")


def read_rows(path):
    rows = []
    shared, head, body = "", None, []

    def close():
        nonlocal shared
        text = "".join(body)
        if head is None:
            shared = text
            return
        words = [part.strip() for part in head.split("|")]
        options = dict(part.split(": ", 1) for part in words[1:])
        unknown = set(options) - {"package", "source", "few", "varies", "omits"}
        if unknown:
            sys.exit("%s: %s: unknown word %s" % (path, words[0], unknown))
        rows.append(Row(words[0], options.get("package", words[0]),
                        options.get("source"),
                        options.get("few"), options.get("varies", "").split(),
                        options.get("omits"), shared + text))

    with open(path) as file:
        for line in file:
            if line.startswith("#: "):
                close()
                head, body = line[3:], []
            else:
                body.append(line)
    close()
    return rows


class Machine:
    """Where rows run: directories that every user may enter. What the shim
    writes is on tmpfs, as by default."""

    def __init__(self, shim):
        self.root = tempfile.mkdtemp(prefix="preprof-matrix-")
        self.written = tempfile.mkdtemp(prefix="preprof-matrix-", dir="/dev/shm")
        os.chmod(self.root, 0o711)
        os.chmod(self.written, 0o711)
        self.shim = shutil.copy(shim, self.root)
        self.state = shutil.copy(
            os.path.join(BUILD, "tests/programs/libstate.so"), self.root)
        self.profiles = []

    @staticmethod
    def directory(root, name):
        path = os.path.join(root, name)
        shutil.rmtree(path, ignore_errors=True)
        os.mkdir(path, 0o700)
        return path

    def run(self, row, mode):
        """One run of a row in a mode, or plain when that is None."""
        work = self.directory(self.root, "work")
        states = self.directory(self.root, "states")
        os.chmod(states, 0o1777)
        segments = self.directory(self.written, "segments")
        profiles = self.directory(self.written, "out")
        os.chmod(profiles, 0o1777)
        preload = [self.state] if mode is None else [self.shim, self.state]
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:"
                    "/sbin:/usr/games", "HOME": work, "LC_ALL": "C.UTF-8",
            "TZ": "UTC", "USER": "matrix", "TERM": "dumb",
            "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1",
            "SOURCE_DATE_EPOCH": "1", "MATRIX_PRELOAD": ":".join(preload),
            "MATRIX_SOURCES": SOURCES, "STATE_OUT": states, "PREPROF_DIR": segments,
        }
        if mode is not None:
            environment["PREPROF_MODE"] = mode
        if mode == "exact":
            environment["PREPROF_OUT"] = profiles + "/%n.%p"
        with open(os.path.join(self.root, "stdout"), "wb") as out, \
                open(os.path.join(self.root, "stderr"), "wb") as err:
            child = subprocess.Popen(
                ["/bin/sh", "-c", PRELUDE + row.script, row.name],
                cwd=work, env=environment, stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, start_new_session=True)
            try:
                status = child.wait(TIMEOUT_S)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                status = "timeout"
        self.settle(states)
        try: # what a row that failed in the middle has not ended
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.profiles = [os.path.join(directory, name)
                         for directory in (profiles, segments)
                         for name in os.listdir(directory)
                         # Killed while it was written: its segment stays.
                         if ".tmp-" not in name]
        return Result(status, self.text("stdout"), self.text("stderr"),
                      self.read_states(states))

    @staticmethod
    def settle(states):
        """Children that nobody waited for may still be on their way out."""
        def runs(pid):
            try:
                with open("/proc/%s/stat" % pid) as file:
                    return file.read().rpartition(")")[2].split()[0] not in "ZX"
            except OSError:
                return False
        for _ in range(40):
            if not any(runs(pid) for pid in os.listdir(states)):
                return
            time.sleep(0.05)

    def text(self, name):
        with open(os.path.join(self.root, name), "rb") as file:
            return file.read()

    @staticmethod
    def read_states(directory):
        """The lines of all processes, as a sorted list of dictionaries."""
        states = []
        for name in os.listdir(directory):
            with open(os.path.join(directory, name), errors="replace") as file:
                for line in file:
                    when, program, *rest = line.rstrip("\n").split("\t")
                    state = dict(zip(rest[::2], rest[1::2]))
                    # Names that are made up at every run.
                    state["fds"] = re.sub(r"(/proc/)\d+|(memfd:\S+)|"
                                          r"(/tmp/[^,]*)", r"\1",
                                          state.get("fds", ""))
                    states.append((when, program, state))
        return sorted(states, key=lambda s: (s[0], s[1], sorted(s[2].items())))

    def count(self):
        """Allocations and processes of the last run, and bytes in sinks as a
        part of all. None instead when a profile cannot be read."""
        allocations = sinks = space = 0
        reader = os.path.join(BUILD, "tests/helpers/segment_totals")
        read = subprocess.run([reader] + self.profiles, capture_output=True,
                              text=True)
        for line in read.stdout.splitlines():
            *_, objects, _, sink_space, all_space = line.split()
            allocations += int(objects)
            sinks += int(sink_space)
            space += int(all_space)
        if read.returncode:
            print(read.stderr, file=sys.stderr)
            return None
        return allocations, len(self.profiles), sinks / max(space, 1)


def view(row, result, aspect):
    """One aspect of a run, in a form that two runs can be compared by."""
    if aspect in ("status", "out", "err"):
        return getattr(result, aspect)
    if aspect == "processes":
        return [(when, program) for when, program, _ in result.states]
    # In their own order, not that of what they stand with.
    values = sorted((when, program, state.get(aspect, ""))
                    for when, program, state in result.states)
    # Where not even their number is the same: what all began with.
    return (sorted({v for v in values if v[0] == "begin"})
            if "processes" in row.varies else values)


ASPECTS = ["status", "out", "err", "processes", "fds", "threads", "blocked",
           "ignored", "caught", "umask", "core"]


def kernel_difference(row, plain, shimmed):
    """Signals the kernel has caught in one and not in the other, but ours."""
    one, other = ([int(state["kernel_caught"], 16)
                   for *_, state in result.states]
                  for result in (plain, shimmed))
    return any(a ^ b not in CPU_SIGNALS | {0} for a, b in zip(one, other))


def varying(row, plains):
    """What plain runs themselves do not agree about."""
    return {a for a in ASPECTS
            if any(view(row, plains[0], a) != view(row, plain, a)
                   for plain in plains[1:])}


def compare(row, plain, shimmed, left_out):
    """What differs."""
    differs = [a for a in ASPECTS if a not in left_out
               and view(row, plain, a) != view(row, shimmed, a)]
    if not left_out & {"caught", "processes"} and not differs and \
            kernel_difference(row, plain, shimmed):
        differs.append("kernel_caught")
    return differs


def explain(row, plain, shimmed, aspect):
    """What one run has and the other has not."""
    both = [view(row, result, aspect) for result in (plain, shimmed)]
    if isinstance(both[0], bytes):
        both = [text.decode(errors="replace").splitlines() for text in both]
    if isinstance(both[0], list):
        counts = [collections.Counter(parts) for parts in both]
        both = [list((counts[i] - counts[1 - i]).elements())[:20]
                for i in range(2)]
    for name, parts in zip(("plain", "other"), both):
        print("    %s %s: %.2000s" % (name, aspect, parts), file=sys.stderr)


def version_of(package):
    names = package.split()[0]
    query = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", names],
                           capture_output=True, text=True)
    return query.stdout if query.returncode == 0 else None


def run_row(machine, row):
    """The row's cells, and whether all is well."""
    version = version_of(row.package)
    if version is None:
        return None, "not installed: " + row.package
    if row.source and not glob.glob("%s/%s_*" % (SOURCES, row.source)):
        return None, "no source: " + row.source
    plains = [machine.run(row, None) for _ in range(2)]
    plain = plains[0]
    shimmed = {mode: machine.run(row, mode) for mode in MODES}
    counted = machine.count()
    left_out = varying(row, plains) | set(row.varies)
    # Is it the shim, or did two plain runs only happen to agree?
    if any(compare(row, plain, shimmed[mode], left_out) for mode in MODES):
        plains += [machine.run(row, None) for _ in range(AGAIN)]
        left_out |= varying(row, plains)
    cells, notes, good = {}, [], True
    for mode in MODES:
        differs = compare(row, plain, shimmed[mode], left_out)
        cells[mode] = "differs: " + " ".join(differs) if differs else "same"
        for aspect in differs:
            explain(row, plain, shimmed[mode], aspect)
        good &= not differs
    surprising = left_out - set(row.varies)
    if surprising:
        for other in plains[1:]:
            for aspect in sorted(varying(row, [plain, other]) & surprising):
                explain(row, plain, other, aspect)
        notes.append("varies unexpectedly without the shim: "
                     + ", ".join(sorted(surprising)))
        good = False
    if not plain.states:
        notes.append("no process was preloaded")
        good = bool(row.few) and good
    if counted is None:
        good = False
        notes.append("a profile cannot be read")
        counted = (0, 0, 0.0)
    if counted[0] < ENOUGH and not row.few:
        good = False
        notes.append("too few allocations")
    if counted[2] > 0.001:
        notes.append("%.1f %% of bytes in sinks" % (100 * counted[2]))
        good = False
    if row.few and counted[0] < ENOUGH:
        notes.append(row.few)
    if row.varies:
        notes.append("varies by itself: " + ", ".join(row.varies))
    if row.omits:
        notes.append("without " + row.omits)
    if plain.status:
        notes.append("exit status %s" % plain.status)
    good &= plain.status != "timeout"
    if not good:
        print("    stderr: %s" % plain.err.decode(errors="replace")[-600:],
              file=sys.stderr)
    return ([row.name, version, "{:,}".format(counted[0]).replace(",", " "),
             str(counted[1])] + [cells[m] for m in MODES]
            + ["; ".join(notes)], good)


HEAD = """\
# Compatibility

Made by `make matrix`; edits will be lost. Every row is a program that ran twice
without and once with the shim in each mode. *same* means: the same output on
both channels, exit status and number of processes, and in each process, when
`main()` began and in `exit()`, the same descriptors, threads, blocked, ignored
and caught signals, umask and core limit; *core dumps* looks at the dumps
themselves. The one signal that the shim may catch
for CPU profiles (libpreprof(7)) is looked for in what the program is told.

What a program does differently from run to run even without the shim is not
compared, and its row names it, or the part of a test suite that was left out
for it. Where a mode seemed to differ, the program ran five more times without
the shim, to see whether it is the program's doing. Where the number of
processes varies, the rest is compared as the set of what processes began with,
so that a process more or less of a kind makes no difference.

*Allocations* and *processes* are those of the exact run. Each of its profiles
was read back, and altogether less than 0.1 % of bytes were without a stack. A
row with fewer than 10 000 allocations says why. The commands are in
`tests/matrix/*.sh`.

"""


STORM = """
## What a process more costs

CPU time in microseconds, medians of interleaved rounds; how many files the
processes left in the directory of segments.

"""


def system():
    def said(*argv):
        return subprocess.run(argv, capture_output=True, text=True).stdout
    release = re.search(r'PRETTY_NAME="(.*)"', open("/etc/os-release").read())
    return "%s, glibc %s, Linux %s." % (
        release.group(1), said("getconf", "GNU_LIBC_VERSION").split()[1],
        os.uname().release.split("-")[0])


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("Usage: ")[1])
    parser.add_argument("--shim", default=BUILD + "/libpreprof.so")
    parser.add_argument("--output")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    rows = [row for path in sorted(glob.glob(HERE + "/*.sh"))
            for row in read_rows(path)]
    if options.names:
        rows = [row for row in rows if row.name in options.names]
    machine = Machine(options.shim)
    lines, bad, skipped = [], [], []
    for row in rows:
        started = time.monotonic()
        cells, good = run_row(machine, row)
        if cells is None:
            print("skip %s: %s" % (row.name, good))
            skipped.append(row.name)
            continue
        print("%s %s (%.1f s)" % ("ok    " if good else "not ok",
                                  " | ".join(cells),
                                  time.monotonic() - started), flush=True)
        lines.append("| " + " | ".join(cells) + " |\n")
        if not good:
            bad.append(row.name)
    if options.output:
        with open(options.output, "w") as file:
            file.write(HEAD + system() + "\n\n| program | version | allocations"
                       " | processes | off | sample | exact | note |\n"
                       "|---|---|--:|--:|---|---|---|---|\n" + "".join(lines))
            if skipped:
                file.write("\nNot run: %s.\n" % ", ".join(skipped))
            file.write(STORM + subprocess.run(
                [HERE + "/storm.py"], stdout=subprocess.PIPE, text=True,
                check=True).stdout)
    if not options.keep:
        shutil.rmtree(machine.root)
        shutil.rmtree(machine.written)
    print("%d rows, %d not ok%s" % (len(lines), len(bad),
                                    ": " + ", ".join(bad) if bad else ""))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
