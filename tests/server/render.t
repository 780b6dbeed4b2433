#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: whatever preprof-render does, its request gets a 500 that says so, the
others their answers, and the server lives. Method: tests/programs/fake_render.c
has a fault for each pid from 5000001 on."""
import os
import re
import signal
import sys
import time

sys.path.insert(0, os.path.abspath("tests/helpers"))
from server_run import Server, done, is_, ok, wait_for

server = Server("--render-timeout", "1")
DIED = "preprof-render %s while it worked on this\n"


def profile(pid, kind="heap"):
    return server.get(f"/pid/{pid}/debug/pprof/{kind}")


def works(name):
    answer = profile(5000107)
    is_((answer.status, answer.body), (200, b"kind=heap\npid=5000107\nformat=pprof\n"),
        name + ": the next request is answered")
    is_(len(server.children()), 1, name + ": there is one child")


is_(server.children(), [], "no child before the first request")
for pid, how in [(5000001, "exited with status 3"),
                 (5000002, "exited with status 4"),
                 (5000003, "was killed by signal 11"),
                 (5000004, "gave no answer in 1 s"),
                 (5000005, "sent something that is no answer"),
                 (5000006, "answered another request"),
                 (5000007, "sent an answer that is too large"),
                 (5000012, "answered with a status that is none")]:
    answer = profile(pid)
    is_((answer.status, answer.body.decode(), answer.headers.get("x-go-pprof"),
         answer.headers["content-type"]),
        (500, DIED % how, "1", "text/plain; charset=utf-8"), how)
    works(how)
    ok(f"preprof-render {how}" in server.log_text(), how + ": is logged")

answer = profile(5000008)
is_((answer.status, answer.body), (404, b"no such??X-Evil: 1?[31m\n"),
    "an error's text becomes one printable line")
works("error text")
answer = profile(5000011)
is_((answer.status, answer.body), (200, b"kind=heap\npid=5000011\nformat=pprof\n"),
    "an answer that comes twice is used once")
wait_for(lambda: server.children() == [])
works("answered twice")
answer = server.get("/pid/5000014/debug/pprof/")
is_((answer.status, answer.body), (500, b"preprof-render answered no JSON\n"),
    "no JSON for the index")
answer = profile(5000009)
ok(answer.status == 200 and len(answer.body) == 10 << 20 and
   answer.body == bytes(i % 251 for i in range(251)) * (10485760 // 251) +
   bytes(range(10485760 % 251)), "10 MiB arrive whole")

# What the child is given
text = profile(5000013, "cmdline").body.decode()
ok("LD_PRELOAD" not in text, "no preload for the child")
is_(sorted(re.findall(r"^fd (\d+)$", text, re.M)), ["0", "1", "2"],
    "three descriptors for the child")

# Killed from outside: while idle nobody notices
before = server.children()
os.kill(before[0], signal.SIGKILL)
wait_for(lambda: server.children() == [])
works("killed while idle")

# Queue: all are answered in turn; a 500 is for the one that killed it
def together(pids):
    """The answers to requests that are all there before the first is answered."""
    clients = []
    for pid in pids:
        client = server.client()
        client.send(f"GET /pid/{pid}/debug/pprof/heap HTTP/1.1\r\n"
                    "Host: localhost\r\n\r\n".encode())
        clients.append(client)
        if pid == 5000010: # takes 200 ms, in work now
            time.sleep(0.05)
    answers = [client.answer() for client in clients]
    for client in clients:
        client.close()
    return answers


is_([answer.status for answer in together([5000010, 7, 5000001, 8, 9])],
    [200, 200, 500, 200, 200], "who waits behind a death is answered")
answers = together([5000010] + [7] * 79)
is_(sum(answer.status == 200 for answer in answers), 64, "64 requests may wait")
is_([answer.body for answer in answers if answer.status == 503],
    [b"too many requests wait for preprof-render\n"] * 16, "beyond that it is a 503")

# Nothing else waits for the child
client = server.client()
client.send(b"GET /pid/5000004/debug/pprof/heap HTTP/1.1\r\nHost: localhost\r\n\r\n")
begin = time.monotonic()
is_(server.get("/").status, 200, "/ is answered while the child hangs")
ok(time.monotonic() - begin < 0.5, "at once")
# Clients that leave are not waited for, and cost nobody their answer
client.close(reset=True)
waiting = [server.client() for _ in range(20)]
for one in waiting:
    one.send(b"GET /pid/5000107/debug/pprof/heap HTTP/1.1\r\nHost: localhost\r\n\r\n")
for one in waiting[:10]:
    one.close(reset=True)
is_([one.answer().status for one in waiting[10:]], [200] * 10, "clients that left")
works("clients that left")

# The end
child = server.children()[0]
status, seconds = server.stop()
is_(status, 0, "TERM: status 0")
ok(seconds < 2, f"TERM: in {seconds:.2f} s")
ok(not os.path.exists(f"/proc/{child}"), "TERM: the child is gone, no zombie")

server = Server()
clients = [server.client() for _ in range(50)]
for number, client in enumerate(clients):  # the first hangs, the others wait for it
    client.send(f"GET /pid/{7 if number else 5000004}/debug/pprof/heap HTTP/1.1\r\n"
                "Host: localhost\r\n\r\n".encode())
child = wait_for(server.children)[0]
status, seconds = server.stop()
ok(status == 0 and seconds < 2, f"TERM with 50 requests open: {seconds:.2f} s")
ok(not os.path.exists(f"/proc/{child}"), "and the child is gone")
for client in clients:
    client.close()

server = Server()
profile(5000015)  # answers, and then ignores that its stdin ends
child = server.children()[0]
status, seconds = server.stop()
ok(status == 0 and seconds < 2, f"a child that ignores the end: {seconds:.2f} s")
ok(not os.path.exists(f"/proc/{child}"), "and is gone as well")

server = Server()
profile(5000107)
child = server.children()[0]
server.stop(signal.SIGKILL)
ok(wait_for(lambda: not os.path.exists(f"/proc/{child}") or
            open(f"/proc/{child}/stat").read().split()[2] == "Z"),
   "KILL: the child ends by itself")

server = Server(render=None)
answer = profile(5000107)
is_((answer.status, answer.body),
    (500, b"preprof-render cannot be used: no such file or directory\n"), "no preprof-render")
is_(profile(5000107).status, 500, "no preprof-render, again")
is_(server.get("/").status, 200, "no preprof-render: the rest works")
is_(server.stop()[0], 0, "no preprof-render: the end")
done()
