#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: the server starts as asked, says where it is, and says why when it
cannot. Method: start it in every way there is; read what it printed, its
status, and /proc."""
import glob
import os
import re
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.abspath("tests/helpers"))
from server_run import SANITIZED, Server, done, is_, ok, skip, wait_for

if SANITIZED:
    skip("the preload runs under no sanitizer")
idle = Server(start=False)


def run(*arguments, **options):
    """Its status, stdout and stderr when it ends by itself."""
    ended = subprocess.run([idle.program, *arguments], stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, timeout=20, check=False,
                           env=idle.environment, **options)
    return ended.returncode, ended.stdout, ended.stderr


# What it is told wrong: one line, status 2
NUMBER = "--port takes a number, 0 to 65535, not '%s'"
for arguments, why in [
        (["--nosuch"], "there is no option --nosuch"), (["-xy"], "there is no option -x"),
        (["--port=1", "-hy"], "there is no option -h"), (["--help=1"], "there is no option --help=1"),
        (["--port"], "--port takes a value"), (["word"], "'word' is no option"),
        (["--port", "x"], NUMBER % "x"), (["--port", "65536"], NUMBER % "65536"),
        (["--port", "-1"], NUMBER % "-1"), (["--port", ""], NUMBER % ""),
        (["--root", "0"], "--root takes a number, 1 to 4194304, not '0'"),
        (["--only", "x"], "--only x needs --root"),
        (["--only", "a/b"], "--only takes the name of a program, without a path, not 'a/b'"),
        (["--ready-fd", "2"], "--ready-fd takes a number, 3 to 1048576, not '2'"),
        (["--bind", "localhost"], "--bind takes an IP address or an absolute path, not 'localhost'"),
        (["--bind", "/" + "x" * 108], f"--bind /{'x' * 108}: the path is too long for a unix socket"),
        (["--dir", "a\nb"], "--dir takes a path without newlines"),
        (["--allow-host", "x"] * 17, "--allow-host x is one too many")]:
    is_(run(*arguments), (2, "", f"preprof-server: {why}; see preprof-server --help\n"),
        repr(" ".join(arguments)[:60]))
status, out, _ = run("--help")
ok(status == 0 and out.startswith("usage: preprof-server "), "--help")
status, out, _ = run("--version")
ok(status == 0 and re.fullmatch(r"preprof-server \d+\.\d+\.\d+\n", out), "--version")

# What it cannot do: one line, status 1
busy = socket.socket()
busy.bind(("127.0.0.1", 0))
busy.listen()
port = busy.getsockname()[1]
is_(run("--port", str(port)), (1, "", f"preprof-server: 127.0.0.1:{port}: Address already in use\n"),
    "a busy port")
is_(run("--port", "0", "--bind", "192.0.2.1"),
    (1, "", "preprof-server: 192.0.2.1:0: Cannot assign requested address\n"), "a foreign address")
is_(run("--port", "0", "--root", "4194304"),
    (1, "", "preprof-server: --root 4194304: no such process\n"), "a root that is not there")

# Itself under the shim
server = Server(shim=True)
log = server.log_text().splitlines()
ok(re.fullmatch(r"Server starting at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", log[0]), log[0])
is_(log[1:], [f"Server is running on port: {server.port}",
              f"Profiling Data => http://localhost:{server.port}/debug/pprof/"], "and no more lines")
segment = os.listdir(server.environment["PREPROF_DIR"])
ok(len(segment) == 1 and segment[0].startswith(f"{server.process.pid}-"), f"its segment: {segment}")
with open(f"/proc/{server.process.pid}/environ") as text:
    variables = text.read().split("\0")
ok("PREPROF_MODE=exact" in variables, "in exact mode")
is_(sorted(os.readlink(f"/proc/{server.process.pid}/fd/{fd}") for fd in range(3))[0], "/dev/null",
    "with the stdin it was given")
is_(server.stop()[0], 0, "TERM ends it with status 0")
is_(os.listdir(server.environment["PREPROF_DIR"]), [], "and its segment")

server = Server(shim=True, environment={"PREPROF_MODE": "sample"})
with open(f"/proc/{server.process.pid}/environ") as text:
    ok("PREPROF_MODE=sample\0" in text.read(), "PREPROF_MODE is obeyed")
server.stop()

# Without it: says so, and serves what it can
server = Server()
shim = f"{server.directory}/libpreprof.so"
why = f"no profile of this server: there is no {shim}"
ok(f"preprof-server: {why}\n" in server.log_text(), "without the shim it says so")
for target, x_go_pprof in ("/debug/pprof/heap", "1"), ("/debug/pprof/", "1"), \
        ("/debug/vars", None), ("/allocate2", None):
    answer = server.get(target)
    is_((answer.status, answer.headers.get("x-go-pprof")), (503, x_go_pprof), f"{target} is a 503")
    ok(why in answer.body.decode() or target == "/allocate2", f"{target} says why")
is_(server.get("/allocate?size=1&hold=0").status, 200, "/allocate works")
is_(server.get("/pid/5000107/debug/pprof/heap").status, 200, "and so do other processes")
server.stop()
server = Server(start=False)
with open(f"{server.directory}/libpreprof.so", "w") as out:
    out.write("no ELF file")
server.start()
ok("no profile of this server: the loader did not load " in server.log_text(),
   "a shim that cannot be loaded is tried once")
server.stop()

# A unix socket
path = idle.directory + "/socket"
server = Server("--bind", path)
log = server.log_text().splitlines()
is_(log[1:3], [f"Server is running on socket: {path}",
               "Profiling Data => http://localhost/debug/pprof/"], "a unix socket")
is_(os.stat(path).st_mode & 0o777, 0o600, "for this user alone")
is_(server.get("/").status, 200, "is answered")
ok(f"curl --unix-socket {path} http://localhost/debug/pprof/heap" in server.get("/").body.decode(),
   "and tells how")
is_(server.ask("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").status, 403, "a wrong Host")
ok("preprof-server: unix: 403: " in server.log_text(), "is logged")
is_(run("--bind", path), (1, "", f"preprof-server: {path}: Address already in use\n"),
    "a second server")
is_(server.get("/").status, 200, "does not disturb the first")
server.stop(9)
ok(os.path.exists(path), "killed, it leaves the socket")
server = Server("--bind", path)
is_(server.get("/").status, 200, "which the next one replaces")
is_(server.stop()[0], 0, "TERM")
ok(not os.path.exists(path), "removes it")
with open(path, "w"):
    is_(run("--bind", path), (1, "", f"preprof-server: {path}: Address already in use\n"),
        "a file that is no socket")
    ok(os.path.exists(path), "is left alone")

# Addresses


def listens(port):
    """Local addresses of the sockets that listen on this port, as in /proc/net."""
    found = set()
    for table in glob.glob("/proc/net/tcp*"):
        with open(table) as rows:
            for fields in [row.split() for row in rows][1:]:
                address, number = fields[1].split(":")
                if fields[3] == "0A" and int(number, 16) == port:
                    found.add(address)
    return found


server = Server()
is_(listens(server.port), {"0100007F"}, "nobody asked for another: 127.0.0.1 alone")
server.stop()
for address, host in ("127.0.0.2", "127.0.0.2"), ("::1", "[::1]"), ("0.0.0.0", "localhost"), \
        ("127.0.0.1", "localhost"):
    try:
        socket.create_server((address, 0), family=socket.AF_INET6 if ":" in address else
                             socket.AF_INET).close()
    except OSError:
        continue
    server = Server("--bind", address)
    ok(f"Profiling Data => http://{host}:{server.port}/debug/pprof/\n" in server.log_text(),
       f"--bind {address} is http://{host}")
    server.stop()

# Another program at the root, as `preprof run --http` does it
program = subprocess.Popen(["sh", "-c", "read go; exec sleep 60"], stdin=subprocess.PIPE)
ready, write = os.pipe()
server = Server(start=False, shim=True)
os.set_inheritable(write, True)
server.process = subprocess.Popen(
    [server.program, "--port", "0", "--root", str(program.pid), "--ready-fd", str(write)],
    env=server.environment, stdin=subprocess.DEVNULL, stderr=open(server.log, "w"),
    pass_fds=[write])
os.close(write)
server.port = int(os.read(ready, 100))
is_(os.read(ready, 100), b"", "--ready-fd has the port, and is closed")
ok(f"Server is running on port: {server.port}\n" in server.log_text(), "when it listens")
program.stdin.write(b"go\n")
program.stdin.close()
ok(wait_for(lambda: os.readlink(f"/proc/{program.pid}/exe").endswith("/sleep")), "the program executes another")
body = server.get("/").body.decode()
ok(body.startswith(f"Hello. Here is sleep, pid {program.pid}, seen by pprof.\n"), "/ shows the program")
ok("allocate" not in body, "and no sample handlers")
for target in "/allocate", "/allocate2":
    is_(server.get(target).status, 404, f"{target} is not there")
is_(server.get("/debug/pprof/heap").body,
    f"kind=heap\npid={program.pid}\nformat=pprof\n".encode(), "/debug/pprof/ is the program's")
is_(server.get("/debug/vars").body, f"kind=vars\npid={program.pid}\n".encode(), "/debug/vars is")
own = f"/pid/{server.process.pid}/debug/pprof/heap"
is_(server.get(own + "?gc=1").body,
    f"kind=heap\npid={server.process.pid}\nformat=pprof\n".encode(), "the server is a /pid/ itself")
hanging = server.client()
hanging.send(b"GET /pid/5000004/debug/pprof/heap HTTP/1.1\r\nHost: localhost\r\n\r\n")
wait_for(server.children)
time.sleep(0.2) # it is asked by then; nothing tells
program.kill()
program.wait()
time.sleep(0.2)
ok(server.alive(), "when the program ends, an answer on its way has a second")
is_(server.stop()[0], 0, "and TERM meanwhile changes nothing")
is_(os.listdir(server.environment["PREPROF_DIR"]), [], "its segment is gone")
done()
