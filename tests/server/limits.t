#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: no client holds the server up, whatever it sends or does not read.
Method: each kind of slow, large or rude client, the slow ones all at once and
with a clock that runs HASTE times as fast (tests/programs/libhaste.c);
meanwhile another is answered at once. Times are the server's."""
import os
import resource
import sys
import threading
import time

sys.path.insert(0, os.path.abspath("tests/helpers"))
from server_run import BUILD, Client, Server, done, is_, ok, wait_for

HASTE = 10
LATE_S = HASTE  # what a deadline may be late: a second of a busy machine's
hasty = Server(environment={
    "HASTE": str(HASTE), "LD_PRELOAD": os.path.join(BUILD, "tests/programs/libhaste.so"),
    "ASAN_OPTIONS": "verify_asan_link_order=0"})  # where the server is built so
server = Server()
H = "Host: localhost\r\n"
GET = f"GET / HTTP/1.1\r\n{H}\r\n".encode()
BIG = f"GET /pid/5000009/debug/pprof/heap HTTP/1.1\r\n{H}\r\n".encode()  # 10 MiB


class Slow(threading.Thread):
    """Runs a client beside the others; .result is what it saw, .seconds when."""

    def __init__(self, run):
        super().__init__(daemon=True)
        self.run_client, self.result, self.seconds = run, None, 0
        self.start()

    def run(self):
        begin = time.monotonic()
        client = hasty.client()
        try:
            self.result = self.run_client(client)
        except OSError as error:
            self.result = repr(error)
        self.seconds = (time.monotonic() - begin) * HASTE


def pause(seconds):
    time.sleep(seconds / HASTE)


def dribble(client):
    client.send(b"GET / HTTP/1.1\r\n" + H.encode() + b"X: ")
    try:
        while True:
            client.send(b"x")
            pause(0.1)
    except ConnectionError:
        pass
    answer = client.answer()
    return answer.status if answer else "reset"


def wait_for_answer(data):
    def run(client):
        client.send(data)
        answer = client.answer()
        return (answer.status if answer else None), client.ended()
    return run


def take(client, most, pause_s):
    """How much of 10 MiB comes in pieces of 64 KiB, pause_s before each."""
    taken = 0
    try:
        while taken < most:
            pause(pause_s)
            if not client._more():
                break
            taken, client.pending = taken + len(client.pending), b""
    except ConnectionError:
        pass
    return taken


def take_nothing(client):
    client.send(BIG)
    pause(25)  # until the server has given up
    return take(client, 10 << 20, 0) < 10 << 20


def take_slowly(client):
    client.send(BIG)
    return take(client, 10 << 20, 0.15) >= 10 << 20


head = Slow(wait_for_answer(GET[:-2]))
silent = Slow(lambda client: client.ended())
slowloris = Slow(dribble)
body = Slow(wait_for_answer(b"POST /debug/pprof/symbol HTTP/1.1\r\n" + H.encode() +
                            b"Content-Length: 10\r\n\r\n0x1"))
idle = Slow(wait_for_answer(GET))
nothing = Slow(take_nothing)
slowly = Slow(take_slowly)

# Meanwhile
begin = time.monotonic()
is_(hasty.get("/").status, 200, "answered beside the slow ones")
ok(time.monotonic() - begin < 0.5, "at once")


def flood(data, wanted, name):
    client = server.client()
    try:
        for _ in range(10):
            client.send(data)
    except ConnectionError:
        pass
    answer = client.answer()
    is_(answer and answer.status, wanted, name)
    client.close()


flood(b"GET / HTTP/1.1\r\n" + H.encode() + b"X: " + b"x" * (1 << 20), 431, "10 MB of header")
flood(b"GET /" + b"x" * (1 << 20), 414, "10 MB of target")
flood(b"GET / HTTP/1.1\r\n" + H.encode() + b"X: 1\r\n" * 100000, 431, "100 000 fields")
flood(b"\r\n" * (1 << 19), 431, "10 MB of empty lines")
flood(b"x" * (1 << 20), 400, "10 MB of nothing")

for _ in range(20):
    client = server.client(receive_buffer=4096)
    client.send(BIG)
    client.answer(head_only=True)
    client.close(reset=True)
is_(server.get("/").status, 200, "20 resets in the middle of 10 MiB")

for _ in range(3000):
    client = server.client()
    client.send(b"\x1b[31m / HTTP/1.1\r\n\r\n")
    client.answer()
    client.close()
log = server.log_text()
ok(log.count("\n") < 60, f"3000 bad requests, {log.count(chr(10))} lines of log")
ok("\x1b" not in log, "all printable")

# Few descriptors: those that get no place wait, and nothing spins
few = Server(limits=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32)))
held = [Client(few.port) for _ in range(200)]
time.sleep(0.5)
before = few.cpu_s()
time.sleep(2)
ok(few.cpu_s() - before <= 0.1, f"200 clients, 32 descriptors: {few.cpu_s() - before:.2f} s of CPU in 2 s")
for client in held[:190]:
    client.close()
last = Client(few.port)
last.send(b"GET /pid/5000107/debug/pprof/heap HTTP/1.1\r\nHost: localhost\r\n\r\n")
answer = last.answer()
is_(answer and answer.status, 200, "a later one is answered when it is its turn")
for client in held[190:]:
    client.close()
is_(few.get("/").status, 200, "and when all are gone, everybody")
is_(few.stop()[0], 0, "the end")

# Many clients: 1024 connections at most, the others wait
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
if hard >= 2048:
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    many = Server()
    held = [Client(many.port) for _ in range(1200)]
    sockets = wait_for(lambda: len(os.listdir(f"/proc/{many.process.pid}/fd")) >= 1024)
    count = len(os.listdir(f"/proc/{many.process.pid}/fd"))
    ok(1024 <= count <= 1024 + 20, f"1200 clients, {count} descriptors")
    for client in held:
        client.close()
    is_(many.get("/").status, 200, "and when they are gone, everybody")
    many.stop()

for slow, result, seconds, name in [
        (head, (408, True), 5, "half a head"), (silent, True, 5, "not a byte"),
        (slowloris, 408, 5, "a byte every 100 ms"), (body, (408, True), 30, "half a body"),
        (idle, (200, True), 30, "idle after a request"),
        (nothing, True, None, "nothing taken of 10 MiB"),
        (slowly, True, None, "all taken, slowly")]:
    slow.join(20)
    is_(slow.result, result, name)
    if seconds:
        ok(seconds <= slow.seconds <= seconds + LATE_S, f"{name}: {slow.seconds:.1f} s")
ok(slowly.seconds > 20, "for longer than a client may take nothing")
for one in server, hasty:
    is_(one.stop()[0], 0, "the end")
done()
