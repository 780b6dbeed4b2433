#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make bench-peers: other heap profilers on the same programs; make chart.

Each runs on the allocator it comes with and is divided by that allocator
without it: CPU time of all its processes, in interleaved runs, medians. Inputs
are cut to fit the slowest.

The chart runs tests/bench/sites, which says itself what each of its callsites
has in use at the end. The error of a profile is the sum of |reported - true|
over the true top 20 callsites, as a share of their sum.

Usage: peers.py [--rounds N] [--chart FILE]
"""
import argparse
import math
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile

BUILD = os.environ.get("BUILD", "build/release")
LIBRARIES = "/usr/lib/x86_64-linux-gnu/"
JEMALLOC = LIBRARIES + "libjemalloc.so.2"
TCMALLOC = LIBRARIES + "libtcmalloc.so.4"
SHIM = os.path.abspath(os.path.join(BUILD, "libpreprof.so"))
TOP = 20
COUNT_REQUESTED = ["tcmalloc HEAPPROFILE", "heaptrack"] # not usable bytes
PYTHON = """
import json
d = {"a": [1, 2, {"b": "c" * 20, "d": [3.5, None, "text"]}] * 50}
for i in range(300):
    json.loads(json.dumps(d))
"""


class Profiler:
    """How a profiler is put in front of a command, and what it leaves."""

    def __init__(self, name, preload=(), env=None, prefix=(), base=()):
        self.name, self.preload, self.prefix = name, list(preload), list(prefix)
        self.env, self.base = env or {}, list(base)

    def command(self, argv, scratch, bare=False):
        preload = self.base if bare else self.preload
        env = {k: v for k, v in os.environ.items()
               if not k.startswith("PREPROF_")}
        env.update(PYTHONMALLOC="malloc", PYTHONHASHSEED="0")
        if preload:
            env["LD_PRELOAD"] = ":".join(preload)
        if bare:
            return argv, env
        put = lambda text: text.replace("SCRATCH", scratch)
        env.update({k: put(v) for k, v in self.env.items()})
        return [put(part) for part in self.prefix] + argv, env


def ours(mode):
    return Profiler("preprof " + mode, [SHIM], {
        "PREPROF_MODE": mode, "PREPROF_OUT": "SCRATCH/preprof"})


def jemalloc(rate):
    return Profiler("jemalloc lg_prof_sample:%d" % rate, [JEMALLOC], {
        "MALLOC_CONF": "prof:true,prof_final:true,prof_prefix:SCRATCH/jeprof,"
                       "lg_prof_sample:%d" % rate}, base=[JEMALLOC])


def profilers():
    found = [ours("sample"), ours("exact")]
    if os.path.exists(JEMALLOC):
        found += [jemalloc(19), jemalloc(0)]
    if os.path.exists(TCMALLOC):
        found += [
            Profiler("tcmalloc sampling", [TCMALLOC],
                     {"TCMALLOC_SAMPLE_PARAMETER": "524288"}, base=[TCMALLOC]),
            Profiler("tcmalloc HEAPPROFILE", [TCMALLOC], {
                "HEAPPROFILE": "SCRATCH/gperf",
                "HEAP_PROFILE_ALLOCATION_INTERVAL": "0",
                "HEAP_PROFILE_INUSE_INTERVAL": "0"}, base=[TCMALLOC])]
    if subprocess.run(["which", "heaptrack"], capture_output=True).returncode == 0:
        found.append(Profiler("heaptrack", prefix=[
            "heaptrack", "-o", "SCRATCH/heaptrack"]))
    return found


def run(command):
    """CPU seconds of a command and its children, and what it printed."""
    argv, env = command
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(argv, env=env, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit("%s: exit status %d\n%s" % (argv[0], done.returncode,
                                             done.stderr))
    return (after.ru_utime + after.ru_stime - before.ru_utime -
            before.ru_stime), done.stdout


def ratio(profiler, argv, rounds):
    ratios = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="preprof-peers-") as scratch:
            bare, _ = run(profiler.command(argv, scratch, bare=True))
            with_it, _ = run(profiler.command(argv, scratch))
            ratios.append(with_it / bare)
    return statistics.median(ratios)


def print_table(rounds):
    bench = lambda name: os.path.join(BUILD, "tests/bench", name)
    programs = {"bignum": [bench("bignum"), "1"],
                "python": ["/usr/bin/python3", "-S", "-c", PYTHON],
                "sites": [bench("sites"), "300000"]}
    print("| profiler | " + " | ".join(programs) + " |")
    print("|---|" + "---|" * len(programs))
    for profiler in profilers():
        print("| %s | %s |" % (profiler.name, " | ".join(
            "%.2f" % ratio(profiler, argv, rounds)
            for argv in programs.values())), flush=True)


# ---- what each says of sites --------------------------------------------------

SITES = os.path.join(BUILD, "tests/bench/sites")


def site_symbols():
    """[(address in the file, name)], in order."""
    out = subprocess.run(["nm", "-n", SITES], check=True, capture_output=True,
                         text=True).stdout
    return [(int(line.split()[0], 16), line.split()[2])
            for line in out.splitlines() if len(line.split()) == 3]


def site_at(address, symbols):
    name = None
    for start, symbol in symbols:
        if start > address:
            break
        name = symbol
    return name


def read_addresses(path):
    """heap_v2 and gperftools' text: bytes in use by the site on the stack."""
    text, symbols, sums = open(path).read(), site_symbols(), {}
    mapping = re.search(r"^([0-9a-f]+)-\S+ r\S+ ([0-9a-f]+) .*bench/sites$", text,
                        re.M)
    base = int(mapping.group(1), 16) - int(mapping.group(2), 16)
    rate = re.match(r"heap_v2/(\d+)", text)

    def add(stack, objects, size):
        if rate and objects:
            size /= 1 - math.exp(-size / objects / int(rate.group(1)))
        for word in stack.split():
            name = site_at(int(word, 16) - base, symbols)
            if name and name.startswith("site_"):
                sums[name] = sums.get(name, 0) + size
                return

    if rate:
        for found in re.finditer(r"^@ (.*)\n  t\*: (\d+): (\d+)", text, re.M):
            add(found.group(1), int(found.group(2)), int(found.group(3)))
    else:
        for found in re.finditer(r"^ *(\d+): +(\d+) \[.*?\] @ (.*)$", text, re.M):
            add(found.group(3), int(found.group(1)), int(found.group(2)))
    return sums


def read_folded(text):
    sums = {}
    for line in text.splitlines():
        stack, _, size = line.rpartition(" ")
        for frame in stack.split(";"):
            name = frame.split("(")[0].strip()
            if re.fullmatch(r"site_\d\d", name):
                sums[name] = sums.get(name, 0) + int(size)
    return sums


def read_profile(profiler, scratch):
    files = sorted(os.listdir(scratch))
    if "preprof" in files:
        folded = scratch + "/folded"
        subprocess.run([os.path.join(BUILD, "preprof-convert"),
                        scratch + "/preprof", "-f", "folded", "-o", folded],
                       check=True)
        return read_folded(open(folded).read())
    heaptrack = [f for f in files if f.startswith("heaptrack")]
    if heaptrack:
        folded = scratch + "/folded"
        subprocess.run(["heaptrack_print", scratch + "/" + heaptrack[0], "-F",
                        folded, "--flamegraph-cost-type", "leaked"], check=True,
                       capture_output=True)
        return read_folded(open(folded).read())
    dumps = [f for f in files if f.endswith(".heap")]
    return read_addresses(scratch + "/" + dumps[-1])


def error_of(printed, reported, requested):
    truth = {name: int(request if requested else size) for name, size, request
             in re.findall(r"^(site_\d\d) (\d+) (\d+)$", printed, re.M)}
    top = sorted(truth, key=truth.get, reverse=True)[:TOP]
    return (sum(abs(reported.get(name, 0) - truth[name]) for name in top) /
            sum(truth[name] for name in top))


def measure_points(rounds):
    """[(name, overhead, error)]"""
    candidates = [ours("sample=%d" % (1 << lg)) for lg in (19, 16, 13, 10)]
    candidates += [p for p in profilers()
                   if p.name not in ("preprof sample", "tcmalloc sampling")]
    if os.path.exists(JEMALLOC):
        candidates += [jemalloc(16), jemalloc(13), jemalloc(10)]
    points = []
    for profiler in candidates:
        ratios, errors = [], []
        for _ in range(rounds):
            with tempfile.TemporaryDirectory(prefix="preprof-") as scratch:
                argv = [SITES, "1000000"]
                bare, _ = run(profiler.command(argv, scratch, bare=True))
                with_it, printed = run(profiler.command(argv, scratch))
                ratios.append(with_it / bare)
                errors.append(error_of(printed,
                                       read_profile(profiler, scratch),
                                       profiler.name in COUNT_REQUESTED))
        points.append((profiler.name, statistics.median(ratios),
                       statistics.mean(errors)))
        print("%-28s costs %6.2f, is wrong by %8.4f %%" % (
            profiler.name, points[-1][1], points[-1][2] * 100), flush=True)
    return points


# ---- the picture ---------------------------------------------------------------

WIDTH, HEIGHT, LEFT, BOTTOM = 760, 440, 70, 50
LEAST_COST, MOST_COST = 0.01, 100 # overhead - 1
LEAST_ERROR, MOST_ERROR = 1e-4, 1.0
COLORS = {"preprof": "#0b7285", "jemalloc": "#e67700", "tcmalloc": "#5c940d",
          "heaptrack": "#862e9c"}


def place(value, least, most, start, length):
    value = min(max(value, least), most)
    return start + length * math.log(value / least) / math.log(most / least)


def x_of(cost):
    return place(cost, LEAST_COST, MOST_COST, LEFT, WIDTH - LEFT - 20)


def y_of(error):
    return HEIGHT - place(error, LEAST_ERROR, MOST_ERROR, BOTTOM,
                          HEIGHT - BOTTOM - 20)


def draw(points, path):
    text = lambda x, y, words, more="": (
        '<text x="%.0f" y="%.0f" %s>%s</text>' % (x, y, more, words))
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" '
           'font-family="sans-serif" font-size="12" fill="#212529">' % (
               WIDTH, HEIGHT),
           '<rect width="100%" height="100%" fill="#fff"/>']
    for exponent in range(-2, 3):
        x = x_of(10.0 ** exponent)
        out.append('<path d="M%.0f 20V%d" stroke="#dee2e6"/>' % (
            x, HEIGHT - BOTTOM))
        out.append(text(x, HEIGHT - BOTTOM + 18, "+%g %%" % (
            10.0 ** (exponent + 2)), 'text-anchor="middle"'))
    for exponent in range(-4, 1):
        y = y_of(10.0 ** exponent)
        out.append('<path d="M%d %.0fH%d" stroke="#dee2e6"/>' % (
            LEFT, y, WIDTH - 20))
        label = "%g %%" % (10.0 ** (exponent + 2))
        out.append(text(LEFT - 8, y + 4, "none" if exponent == -4 else label,
                        'text-anchor="end"'))
    out.append(text((LEFT + WIDTH) / 2, HEIGHT - 10, "CPU time it costs",
                    'text-anchor="middle" font-weight="bold"'))
    out.append(text(0, 0, "error over the top %d callsites" % TOP,
                    'text-anchor="middle" font-weight="bold" '
                    'transform="translate(14 %d) rotate(-90)"' % (HEIGHT // 2)))
    for name, ratio, error in points:
        x, y = x_of(ratio - 1), y_of(error)
        color = COLORS[name.split()[0]]
        if error < LEAST_ERROR: # all in a row: out of each other's way
            label = 'transform="translate(%.0f %.0f) rotate(40)" ' \
                'text-anchor="end"' % (x - 4, y - 9)
        else:
            label = 'transform="translate(%.0f %.0f)" text-anchor="%s"' % (
                (x - 8, y + 14, "end") if name.startswith("preprof") else
                (x + 8, y - 6, "start"))
        out.append('<circle cx="%.1f" cy="%.1f" r="5" fill="%s"/>' % (
            x, y, color))
        out.append(text(0, 0, name, '%s fill="%s"' % (label, color)))
    out.append("</svg>\n")
    with open(path, "w") as file:
        file.write("\n".join(out))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--chart", metavar="FILE")
    options = parser.parse_args()
    if options.chart:
        draw(measure_points(options.rounds), options.chart)
    else:
        print_table(options.rounds)


if __name__ == "__main__":
    main()
