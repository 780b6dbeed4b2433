#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make bench: what a program costs under the shim, as a ratio.

Each workload runs plain, off, sample and exact in turn, again and again, so
that a change of the machine's speed hits all alike. A round gives one ratio
per mode; printed is the median over the rounds, with the 95 % confidence
interval of that median (order statistics). CPU time, not wall time.

Usage: run.py [--rounds N] [--shim FILE] [--allocators] [NAME...]
"""
import argparse
import json
import math
import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

MODES = ["off", "sample", "exact"]
BUILD = os.environ.get("BUILD", "build/release")
SCRATCH = tempfile.mkdtemp(prefix="preprof-bench-")


def environment(mode, shim, preload=()):
    env = {k: v for k, v in os.environ.items() if not k.startswith("PREPROF_")}
    objects = list(preload)
    if mode != "plain":
        objects.insert(0, os.path.abspath(shim))
        env["PREPROF_MODE"] = mode
    if objects:
        env["LD_PRELOAD"] = ":".join(objects)
    return env


class Command:
    """A program that runs to its end; costs its user + system time."""

    unit = "s"

    def __init__(self, argv, env=None, stdin=None, preload=()):
        self.argv, self.env, self.stdin = argv, env or {}, stdin
        self.preload = preload

    def measure(self, mode, shim):
        env = environment(mode, shim, self.preload)
        env.update(self.env)
        with open(self.stdin or os.devnull) as stdin:
            child = subprocess.Popen(self.argv, env=env, stdin=stdin,
                                     stdout=subprocess.DEVNULL,
                                     stderr=subprocess.PIPE)
            errors = child.stderr.read()
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            sys.exit("%s: exit status %d\n%s" % (
                self.argv[0], child.returncode, errors.decode()))
        return usage.ru_utime + usage.ru_stime


class Printed:
    """A program that prints its own figure, "N ns a ...". """

    unit = "ns"

    def __init__(self, argv, preload=()):
        self.argv, self.preload = argv, preload

    def measure(self, mode, shim):
        out = subprocess.run(self.argv,
                             env=environment(mode, shim, self.preload),
                             check=True, capture_output=True, text=True).stdout
        return float(re.search(r"([0-9.]+) ns a", out).group(1))


class Redis:
    """redis-server under redis-benchmark; costs the server's CPU a request."""

    unit = "s"
    requests = 400000

    def measure(self, mode, shim):
        return self.serve(environment(mode, shim), subprocess.DEVNULL)

    def serve(self, env, stderr):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        server = subprocess.Popen(
            ["redis-server", "--port", port, "--save", "", "--appendonly", "no",
             "--dir", SCRATCH], env=env,
            stdout=subprocess.DEVNULL, stderr=stderr)
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", int(port))) == 0:
                        break
                time.sleep(0.05)
            before = self.cpu(server.pid)
            subprocess.run(["redis-benchmark", "-p", port, "-P", "16", "-q",
                            "-n", str(self.requests), "-t", "set,get,lpush",
                            "-r", "10000"], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return self.cpu(server.pid) - before
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()

    @staticmethod
    def cpu(pid):
        with open("/proc/%d/stat" % pid) as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def scratch(name, text):
    path = os.path.join(SCRATCH, name)
    with open(path, "w") as file:
        file.write(text)
    return path


PYTHON_JSON = """
import json
d = {"a": [1, 2, {"b": "c" * 20, "d": [3.5, None, "text"]}] * 50}
for i in range(4000):
    json.loads(json.dumps(d))
"""
PERL = """
my %h;
for my $round (1 .. 6) {
    $h{$_ . "k"} = join(",", map { $_ * 3 } $_ .. $_ + 5) for 1 .. 30000;
    my @sorted = sort { $h{$a} cmp $h{$b} } keys %h;
    %h = () if $round % 2;
}
"""
SQL = """
create table t(a integer, b text, c real);
with recursive n(x) as (select 1 union all select x + 1 from n where x < 200000)
  insert into t select x, hex(randomblob(12)), x * 1.5 from n;
create index i on t(b);
select count(*), sum(c) from t where b like 'A%';
select b from t order by b limit 5;
delete from t where a % 3 = 0;
"""
XSLT = """<xsl:stylesheet version="1.0"
 xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="/"><o><xsl:for-each select="//i">
<xsl:sort select="@k"/><p><xsl:value-of select="concat(@k,'-',.)"/></p>
</xsl:for-each></o></xsl:template></xsl:stylesheet>
"""
CXX = """
#include <algorithm>
#include <functional>
#include <map>
#include <regex>
#include <string>
#include <unordered_map>
#include <vector>
int main()
{
    std::map<std::string, std::vector<std::function<int(int)>>> m;
    std::unordered_map<int, std::string> u;
    std::regex r("a(b|c)*d");
    m["x"].push_back([](int x) { return x + 1; });
    std::sort(m["x"].begin(), m["x"].end(),
              [](const auto &a, const auto &b) { return a(1) < b(1); });
    return std::regex_match(u[1], r);
}
"""


def git_repository():
    """3000 commits to one directory, made here: by fast-import, in a second."""
    path = os.path.join(SCRATCH, "repository")
    random.seed(1)
    env = dict(os.environ, GIT_CONFIG_NOSYSTEM="1", HOME=SCRATCH)
    who = "bench <bench@example.org> 1700000000 +0000"
    subprocess.run(["git", "init", "-q", path], check=True, env=env)
    branch = subprocess.run(["git", "-C", path, "symbolic-ref", "HEAD"], check=True,
                            env=env, capture_output=True, text=True).stdout.strip()
    lines = ["line %d" % i for i in range(400)]
    stream = []
    for commit in range(3000):
        for _ in range(5):
            lines[random.randrange(len(lines))] = "changed %d" % commit
        text, message = "\n".join(lines) + "\n", "commit %d" % commit
        stream.append("commit %s\ncommitter %s\ndata %d\n%s\n"
                      "M 100644 inline file%d.txt\ndata %d\n%s\n" % (
                          branch, who, len(message), message, commit % 7,
                          len(text), text))
    subprocess.run(["git", "-C", path, "fast-import", "--quiet"], check=True, env=env,
                   input="".join(stream).encode())
    return path


def cc1plus():
    return subprocess.run(["gcc", "-print-prog-name=cc1plus"], check=True,
                          capture_output=True, text=True).stdout.strip()


def preprocessed():
    source = scratch("templates.cc", CXX)
    out = os.path.join(SCRATCH, "templates.ii")
    subprocess.run(["g++", "-E", "-o", out, source], check=True)
    return out


def workloads(wanted):
    bench = lambda name: os.path.join(BUILD, "tests/bench", name)
    table = {
        "pair": lambda: Printed([bench("pair"), "8000000"]),
        "bignum": lambda: Printed([bench("bignum"), "12"]),
        "python": lambda: Command(
            ["/usr/bin/python3", "-S", "-c", PYTHON_JSON],
            {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}),
        "trees": lambda: Printed([bench("trees"), "500"]),
        "perl": lambda: Command(["perl", scratch("bench.pl", PERL)]),
        "sqlite3": lambda: Command(["sqlite3", ":memory:"],
                                   stdin=scratch("bench.sql", SQL)),
        "xsltproc": lambda: Command(
            ["xsltproc", scratch("sort.xsl", XSLT),
             scratch("in.xml", "<r>" + "".join(
                 "<i k='%d'>%d</i>" % (i * 7919 % 60000, i)
                 for i in range(60000)) + "</r>")]),
        "git": lambda: Command(["git", "-C", git_repository(), "log", "-p"],
                               {"HOME": SCRATCH}),
        "cc1plus": lambda: Command([cc1plus(), "-quiet", "-O1", preprocessed(),
                                    "-o", os.devnull]),
        "redis": lambda: Redis(),
        "larson": lambda: Printed([bench("larson"), "2", "20"]),
        "larson, 64 threads": lambda: Printed([bench("larson"), "64", "1"]),
        "larson, 256 threads": lambda: Printed([bench("larson"), "256", "1"]),
    }
    libraries = "/usr/lib/x86_64-linux-gnu/"
    for name, file in (("jemalloc", "libjemalloc.so.2"),
                       ("tcmalloc", "libtcmalloc_minimal.so.4"),
                       ("mimalloc", "libmimalloc.so.2.0")):
        if os.path.exists(libraries + file):
            table["bignum/" + name] = lambda file=file: Printed(
                [bench("bignum"), "12"], preload=[libraries + file])
    unknown = [name for name in wanted if name not in table]
    if unknown:
        sys.exit("bench: no workload %s; there are: %s" % (
            ", ".join(unknown), " ".join(table)))
    return {name: make for name, make in table.items()
            if not wanted or name in wanted}


def median_interval(values):
    """95 % confidence interval of the median, by order statistics."""
    ordered, n = sorted(values), len(values)
    tail, low = 0.0, 0
    while low < n // 2:
        tail += math.comb(n, low) / 2 ** n
        if tail > 0.025:
            break
        low += 1
    low = max(low - 1, 0)
    return ordered[low], ordered[n - 1 - low]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--shim", default=os.path.join(BUILD, "libpreprof.so"))
    parser.add_argument("--json", help="also write every figure to this file")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    figures = {}

    if not os.path.exists(options.shim):
        sys.exit("bench: %s: no such file" % options.shim)
    print("CPU time / plain: median of %d rounds [95 %% interval]" %
          options.rounds)
    print("| workload | plain | " + " | ".join(MODES) + " |")
    print("|---|---|" + "---|" * len(MODES))
    for name, make in workloads(options.names).items():
        workload = make()
        runs = {mode: [] for mode in ["plain"] + MODES}
        for _ in range(options.rounds):
            for mode in runs:
                runs[mode].append(workload.measure(mode, options.shim))
        plain = runs["plain"]
        cells = []
        for mode in MODES:
            if workload.unit == "ns" and name == "pair":
                extra = [a - b for a, b in zip(runs[mode], plain)]
                cells.append("+%.1f ns [%.1f-%.1f]" % (
                    statistics.median(extra), *median_interval(extra)))
            else:
                ratios = [a / b for a, b in zip(runs[mode], plain)]
                cells.append("%.2f [%.2f-%.2f]" % (
                    statistics.median(ratios), *median_interval(ratios)))
        print("| %s | %.3g %s | %s |" % (
            name, statistics.median(plain), workload.unit, " | ".join(cells)),
            flush=True)
        figures[name] = runs
    if options.json:
        with open(options.json, "w") as out:
            json.dump(figures, out)


if __name__ == "__main__":
    try:
        main()
    finally:
        shutil.rmtree(SCRATCH, ignore_errors=True)
