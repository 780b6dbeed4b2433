#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: CPU profiles and waits of a program that uses SIGURG itself (a signalfd
in every process), forks for each client and shares its memory; its processes as
one tree. Method: pgbench against postgres, as its own user; its answers and its
log as without the profiles, its functions in them."""
import atexit
import glob
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.abspath("tests/helpers"))
from render_ask import Render
from server_run import BUILD, SANITIZED, done, is_, ok, skip, wait_for

if SANITIZED:
    skip("the preload runs under no sanitizer")
bins = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
if not bins or not shutil.which("go"):
    skip("no postgres or no go")
from pprof_raw import Profile

work = tempfile.mkdtemp(prefix="postgres.")
atexit.register(shutil.rmtree, work, ignore_errors=True)
segments, shim = os.path.join(work, "segments"), os.path.join(work, "libpreprof.so")
shutil.copy(os.path.join(BUILD, "libpreprof.so"), shim)
shutil.copy(os.path.join(BUILD, "preprof-list"), work)
os.mkdir(segments, 0o700)
user = "postgres" if os.getuid() == 0 else None
if user:
    for path in work, segments:
        os.chown(path, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)


def start(program, *arguments, **environment):
    return subprocess.Popen(
        [os.path.join(bins[-1], program), *arguments], cwd=work, user=user,
        extra_groups=[] if user else None, group=pwd.getpwnam(user).pw_gid if user else None,
        env=dict(os.environ, PREPROF_DIR=segments, PGHOST=work, LC_ALL="C", **environment),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def run(*command):
    program = start(*command)
    said = program.communicate(timeout=60)[0]
    return program.returncode, said


def backends():
    """Clients' processes that work."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path) as line:
                if line.read().startswith("postgres: postgres postgres [local] "):
                    pid = int(path.split("/")[2])
                    if os.readlink(f"/proc/{pid}/cwd").startswith(work):
                        found.append(pid)
        except OSError:
            pass
    return found


def tree():
    """The words of each line of the list, without its head."""
    said = subprocess.run(
        [os.path.join(work, "preprof-list")], user=user, extra_groups=[] if user else None,
        text=True, cwd=work, stdout=subprocess.PIPE, env=dict(os.environ, PREPROF_DIR=segments))
    return [line.split() for line in said.stdout.splitlines()[1:]]


def is_family(lines):
    """The server, below it its children, each with what it inherited, and the sum."""
    first, *children, last = lines
    return (first[:2] == [str(server.pid), "live"] and first[-1] == "postgres" and
            all(line[1] == "live" and line[-2] == "postgres" and line[-1][0] == "+"
                for line in children) and
            {str(pid) for pid in backends()} < {line[0] for line in children} and
            last[:4] == [str(len(children) + 1), "processes", "in", "all"])


is_(run("initdb", "-D", "data", "-A", "trust", "-N")[0], 0, "initdb")
with open(os.path.join(work, "data/postgresql.conf"), "a") as conf:
    conf.write(f"listen_addresses = ''\nunix_socket_directories = '{work}'\nfsync = off\n"
               "autovacuum = off\n")
server = start("postgres", "-D", "data", LD_PRELOAD=shim, PREPROF_LOCKS="1",
               PREPROF_MODE="exact")  # a sampled server may have nothing to be inherited
atexit.register(server.send_signal, 3)
ok(wait_for(lambda: run("psql", "-d", "postgres", "-c", "select 1")[0] == 0), "postgres runs")
is_(run("pgbench", "-i", "-s", "1", "-q", "postgres")[0], 0, "a database")
bench = start("pgbench", "-c", "2", "-T", "3", "-n", "postgres")
ok(wait_for(lambda: len(backends()) == 2, 10), "two clients")
# Until those of the clients before these are gone, and these have allocated.
lines = []
ok(wait_for(lambda: lines.__setitem__(slice(None), tree()) or lines[1:] and is_family(lines), 5),
   f"one tree: {len(lines) - 1} processes, what each has inherited, their sum") or print(
       *("# " + " ".join(line) for line in lines), sep="\n")
render = Render(segments)
for number, pid in enumerate(backends(), 1):
    status, body = render.ask(kind="profile", pid=pid, window="begin", id=number, hz=1000)
    is_((status, body), (200, b"begun"), "a profile of a client's process begins")
time.sleep(1.5)
for number in 1, 2:
    status, body = render.ask(kind="profile", window="end", id=number)
    profile = Profile(body)
    total, named = profile.total(), profile.cumulative("main")
    ok(total > 50 and named > 0.95 * total,
       f"{named} of {total} samples begin in main, {profile.flat('[signal blocked]')} are blocked")
said = bench.communicate(timeout=30)[0]
ok(bench.returncode == 0 and "number of failed transactions: 0 " in said, "pgbench fails at nothing")
# One that is still there when the server ends complains of that.
wait_for(lambda: not backends(), 10)
server.send_signal(2)
log = server.communicate(timeout=20)[0]
is_(server.returncode, 0, "postgres ends as always")
is_([line for line in log.splitlines() if re.search("WARNING|ERROR|FATAL|PANIC|signal", line)
     and "starting up" not in line], [], "its log has no complaint")
done()
