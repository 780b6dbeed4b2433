# SPDX-License-Identifier: MIT
"""A preprof-server under test, and TAP, for tests/server/*.t.

Each Server runs in a directory of its own with the programs beside it that a
test chooses: the fake render (tests/programs/fake_render.c) unless told
otherwise, and the shim only if asked for. It listens on a free loopback port
and is ended by its pid. Everything that waits has a limit.
"""
import atexit
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(os.environ.get("BUILD", "build/release"))
MODE = os.environ.get("MODE", "release")
SANITIZED = MODE in ("asan", "ubsan", "tsan")
WAIT_S = 20  # for anything that a test expects to happen

_count = 0


def ok(good, name):
    global _count
    _count += 1
    print(f"{'ok' if good else 'not ok'} {_count} - {name}", flush=True)
    return good


def is_(got, wanted, name):
    if not ok(got == wanted, name):
        for line in f"got    {got!r}\nwanted {wanted!r}".splitlines():
            print("# " + line[:300], flush=True)


def skip(reason):
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)


def done():
    print(f"1..{_count}")


def wait_for(condition, limit_s=WAIT_S):
    """The first true value of condition(), or its last one."""
    end = time.monotonic() + limit_s
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.02)


class Answer:
    """One response: status, headers (lower-case names), body."""

    def __init__(self, head, body):
        lines = head.decode("latin-1").split("\r\n")
        self.head = head
        self.version, status = lines[0].split(" ")[:2]
        self.status = int(status)
        self.headers = {}
        for line in lines[1:]:
            name, value = line.split(": ", 1)
            self.headers[name.lower()] = value
        self.body = body


class Client:
    """A socket that speaks as much HTTP as a test wants, to a port or, when
    it is text, to a unix socket."""

    def __init__(self, port, timeout=WAIT_S, receive_buffer=0):
        local = isinstance(port, str)
        self.socket = socket.socket(socket.AF_UNIX if local else socket.AF_INET)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                   receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(port if local else ("127.0.0.1", port))
        self.pending = b""

    def send(self, data):
        self.socket.sendall(data)

    def _more(self):
        data = self.socket.recv(1 << 16)
        self.pending += data
        return data

    def answer(self, head_only=False):
        """The next response, or None when the connection ends before it."""
        try:
            while b"\r\n\r\n" not in self.pending:
                if not self._more():
                    return None
            head, self.pending = self.pending.split(b"\r\n\r\n", 1)
            answer = Answer(head, b"")
            if head_only or answer.status == 100:
                return answer
            size = int(answer.headers["content-length"])
            while len(self.pending) < size:
                if not self._more():
                    return None
            answer.body = self.pending[:size]
            self.pending = self.pending[size:]
            return answer
        except ConnectionError:
            return None

    def ended(self):
        """Whether the server closes, with nothing more to read."""
        try:
            return self.pending == b"" and self.socket.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def close(self, reset=False):
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   b"\1\0\0\0\0\0\0\0")
        self.socket.close()


class Server:
    def __init__(self, *arguments, render="tests/programs/fake_render", shim=False,
                 directory=None, environment=None, limits=None, start=True):
        self.directory = directory or tempfile.mkdtemp(prefix="preprof-server.")
        atexit.register(self.remove)
        self.program = os.path.join(self.directory, "preprof-server")
        self.log = os.path.join(self.directory, "log")
        shutil.copy(os.path.join(BUILD, "preprof-server"), self.program)
        if render:
            shutil.copy(os.path.join(BUILD, render),
                        os.path.join(self.directory, "preprof-render"))
        if shim:
            shutil.copy(os.path.join(BUILD, "libpreprof.so"), self.directory)
        self.environment = dict(os.environ, **(environment or {}))
        self.environment.setdefault("PREPROF_DIR", self.directory + "/segments")
        self.process = None
        self.port = 0
        if start:
            self.start(*arguments, limits=limits)

    def start(self, *arguments, limits=None):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [self.program, "--port", "0", *arguments], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=self.environment, preexec_fn=limits)
        found = wait_for(lambda: self.process.poll() is not None or
                         re.search(r"^Server is running on (port|socket): (.+)$",
                                   self.log_text(), re.M))
        if not isinstance(found, re.Match):
            print("Bail out! the server does not start: " + self.log_text())
            sys.exit(1)
        self.port = int(found[2]) if found[1] == "port" else found[2]

    def log_text(self):
        with open(self.log, errors="replace") as log:
            return log.read()

    def client(self, **options):
        return Client(self.port, **options)

    def ask(self, data):
        """Sends bytes and returns the answer to them."""
        if isinstance(data, str):
            data = data.encode("latin-1")
        client = self.client()
        try:
            client.send(data)
        except ConnectionError:
            pass
        answer = client.answer(head_only=data.startswith(b"HEAD"))
        client.close()
        return answer

    def get(self, target, *fields, method="GET"):
        lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *fields]
        return self.ask("\r\n".join(lines) + "\r\n\r\n")

    def alive(self):
        return self.process.poll() is None

    def children(self):
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path) as children:
            return [int(pid) for pid in children.read().split()]

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self, number=signal.SIGTERM):
        """Its exit status and the seconds it took; -SIGKILL when it hung."""
        begin = time.monotonic()
        self.process.send_signal(number)
        try:
            status = self.process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        return status, time.monotonic() - begin

    def remove(self):
        if self.process and self.alive():
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)
