#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: any process under the shim is found and served: by its pid, by its
program's name across restarts, dead or alive, as one family when it forked, and
after it changed user (design 3.5, 5). Method: known programs, their numbers
checked against what they allocated."""
import gzip
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.parse

sys.path.insert(0, os.path.abspath("tests/helpers"))
from server_run import BUILD, SANITIZED, Server, done, is_, ok, skip, wait_for

if SANITIZED:
    skip("the shim runs under no sanitizer")
server = Server(render="preprof-render")
segments = server.environment["PREPROF_DIR"]
environment = dict(os.environ, LD_PRELOAD=f"{BUILD}/libpreprof.so",
                   PREPROF_DIR=segments, PREPROF_MODE="exact")


class Gates:
    """tests/programs/gates.c, which allocates when told to."""

    def __init__(self, program=f"{BUILD}/tests/programs/gates"):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, env=environment)
        self.pid = self.process.pid

    def gate(self, command):
        self.process.stdin.write(f"{command}\n".encode())
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def end(self, number=None):
        if number:
            self.process.send_signal(number)
        self.process.stdin.close()
        return self.process.wait(20)


def profile(path):
    """In-use objects of gate() by the text profile at a path."""
    answer = server.get(f"{path}/debug/pprof/heap?debug=1")
    if answer.status != 200:
        return answer.status, answer.body.decode()
    rows = re.findall(rb"^(\d+): \d+ \[.*\n(?:#.*\n)*?#\t\S+\tgate\+", answer.body, re.M)
    return answer.status, sum(map(int, rows))


def page():
    """The rows of /pid/ by pid, as text."""
    text = server.get("/pid/").body.decode()
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", text)
    cells = [[re.sub("<[^>]*>", "", cell) for cell in re.findall("<td.*?</td>", row)]
             for row in rows]
    return {row[0]: row[1:] for row in cells if row}


# By pid and by name
is_(profile("/exe/gates"),
    (404, "gates: no live process of that program runs under the shim\n"),
    "no such program yet")
first = Gates()
first.gate(101)
is_(profile(f"/pid/{first.pid}"), (200, 101), "by its pid")
is_(profile("/exe/gates"), (200, 101), "by its name")
second = Gates()
second.gate(7)
is_(profile("/exe/gates"), (200, 7), "the newest of that name")
second.end()
is_(profile("/exe/gates"), (200, 101), "or the older one, when that has ended")
second = Gates()
second.gate(31)
second.end(signal.SIGKILL)
is_(profile("/exe/gates"), (200, 101), "a killed one is not live")
is_(profile(f"/pid/{second.pid}"), (200, 31), "but has its profile")
for path in "", "debug/pprof/allocs", "debug/pprof/goroutine?debug=1", \
        "debug/pprof/cmdline", "debug/vars", "debug/pprof/symbol?0x1", \
        "debug/pprof/mutex", "pprof/heap":
    for base in f"/pid/{first.pid}/", "/exe/gates/":
        answer = server.get(base + path)
        is_(answer.status, 200 if path else 301, base + path)
answer = server.get("/exe/gates/debug/pprof/heap")
ok(b"gate" in gzip.decompress(answer.body), "a profile has names")
index = server.get("/exe/gates/debug/pprof/").body.decode()
links = [re.sub("^profile.*", "profile?seconds=1", link) # not for 30 s
         for link in re.findall("<a href=['\"]([^'\"]*)", index)]
ok(links and all(server.get("/exe/gates/debug/pprof/" + link).status == 200
                 for link in links), "the links of the index are relative")
cmdline = server.get("/exe/gates/debug/pprof/cmdline").body
is_(cmdline, f"{BUILD}/tests/programs/gates".encode(), "cmdline is its own")

# Names that try something
odd = server.directory + "/a b%\"<"
shutil.copy(f"{BUILD}/tests/programs/gates", odd)
other = Gates(odd)
other.gate(13)
quoted = urllib.parse.quote(os.path.basename(odd), safe="")
is_(profile("/exe/" + quoted), (200, 13), "an odd name")
answer = server.get("/exe/" + quoted)
is_((answer.status, answer.headers["location"]),
    (301, f"/exe/{quoted}/debug/pprof/"), "and where it redirects to")
ok("a b%&#34;&lt;" in server.get("/pid/").body.decode(), "it is no markup")
for path in "/exe/", "/exe//debug/pprof/heap", "/exe/..%2fx/debug/pprof/heap", \
        f"/exe/{'x' * 64}/debug/pprof/heap", "/exe/a%0akind=list/debug/pprof/heap":
    is_(server.get(path).status, 404, path)

# A family
first.gate("fork")
first.gate("fork")
wait_for(lambda: sum("6.9 KiB" in row for row in page().values()) == 2)
rows = page()
order = list(rows)
at = order.index(str(first.pid))
children = order[at + 1:at + 3]
is_(rows[order[at]][:3], ["gates", "live", "exact"], "the parent")
is_(rows[order[at]][4], "100.2 KiB", "what it has in use")
ok(all(rows[child][0] == "gates +100.2 KiB" and rows[child][4] == "6.9 KiB"
       for child in children), "its children stand below it, with what they inherited")
is_((order[at + 3], rows["3"][0], rows["3"][1]),
    ("3", "processes in all", "114.1 KiB"), "and their sum")
is_(profile(f"/pid/{children[0]}"), (200, 7), "a child has a profile of its own")
for child in children:
    os.kill(int(child), signal.SIGKILL)
wait_for(lambda: sum("killed" in row for row in page().values()) == 3)
is_(page()[children[0]][1:], ["killed", "exact", "", "6.9 KiB", "", "", "", "", "heap allocs "
    "goroutine vars"], "what is not known of the dead is left out")
is_(other.end(), 0, "programs end as they would")
is_(first.end(), 0, "all of them")
ok(str(first.pid) not in page(), "and are gone")
server.stop()

# Real ones, which start their workers before they are needed, as another user:
# only root sees both.
PREFORK = {
    "nginx": """daemon off; worker_processes 2; user nobody nogroup;
pid {here}/pid; error_log {here}/errors;
events {{}} http {{ access_log off; server {{ listen unix:{here}/web; }} }}
""",
    "apache2": """LoadModule mpm_prefork_module /usr/lib/apache2/modules/mod_mpm_prefork.so
ServerRoot {here}
DefaultRuntimeDir {here}
ServerName localhost
User nobody
Group nogroup
PidFile {here}/pid
ErrorLog {here}/errors
Listen 127.0.0.1:{port}
StartServers 2
MinSpareServers 1
MaxSpareServers 2
""",
}
ARGUMENTS = {"nginx": ["-c", "{here}/conf", "-e", "{here}/errors"],
             "apache2": ["-f", "{here}/conf", "-D", "FOREGROUND"]}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def family(pid):
    """The rows of a process, its two workers and their sum."""
    rows = page()
    at = list(rows).index(str(pid)) if str(pid) in rows else len(rows)
    return list(rows.items())[at:at + 4]


def size(text):
    number, unit = re.fullmatch(r"(-?[\d.]+) (B|[KMG]iB)", text).groups()
    return float(number) * 1024 ** "BKMG".index(unit[0])


def prefork(name, path):
    here = server.directory
    with open(here + "/conf", "w") as conf:
        conf.write(PREFORK[name].format(here=here, port=free_port()))
    process = subprocess.Popen([path, *(word.format(here=here) for word in ARGUMENTS[name])],
                               env=environment, stderr=subprocess.DEVNULL,
                               start_new_session=True)  # apache2 signals its group
    wait_for(lambda: process.poll() is not None or
             (family(process.pid)[3:] and family(process.pid)[3][0] == "3"))
    rows = family(process.pid)
    ok(len(rows) == 4 and all(row[1].startswith("live") for _, row in rows[:3]) and
       all(row[0].startswith(name + " +") for _, row in rows[1:3]) and
       rows[3][1][0] == "processes in all", f"{name}: one family") or print(f"# {rows}")
    parts, whole = [size(row[4]) for _, row in rows[:3]], size(rows[3][1][1])
    ok(abs(whole - sum(parts)) <= 0.06 * whole, f"{name}: {whole:.0f} bytes in all of {parts}")
    inherited = size(rows[1][1][0].partition("+")[2])
    ok(0 < inherited <= parts[0] * 1.5, f"{name}: {inherited:.0f} of them inherited by each")
    for pid, _ in rows[1:3]:
        with open(f"/proc/{pid}/status") as status:
            ok("\nUid:\t65534\t65534\t" in status.read(), f"{name}: {pid} is another user's")
        answer = server.get(f"/pid/{pid}/debug/pprof/heap?debug=1")
        ok(answer.status == 200 and answer.body.startswith(b"heap profile:"),
           f"{name}: a worker's profile")
    process.terminate()
    is_(process.wait(20), 0, f"{name} ends as it would")
    ok(wait_for(lambda: not {pid for pid, _ in rows[:3]} & set(page())), "and leaves nothing")


if os.getuid() == 0:
    server = Server(render="preprof-render", environment={"PREPROF_DIR": ""})
    os.chmod(server.directory, 0o755)
    shutil.copy(f"{BUILD}/libpreprof.so", server.directory)
    del environment["PREPROF_DIR"]
    environment["LD_PRELOAD"] = server.directory + "/libpreprof.so"
    for name in PREFORK:
        program = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
        if program:
            prefork(name, program)
    server.stop()
done()
