#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: only those are answered who may ask. Method: Hosts, origins and tokens
through servers that listen on the loopback and on all addresses."""
import base64
import os
import subprocess
import sys

sys.path.insert(0, os.path.abspath("tests/helpers"))
from server_run import Server, done, is_, ok


def status(server, host, *fields, version="1.1"):
    lines = [f"GET / HTTP/{version}"]
    lines += [f"Host: {host}"] if host is not None else []
    answer = server.ask("\r\n".join([*lines, *fields]) + "\r\n\r\n")
    return answer and answer.status


server = Server("--allow-host", "pprof.example", "--allow-host", "second.example")
port = server.port
for host, wanted in [
        ("localhost", 200), (f"localhost:{port}", 200), ("localhost:1", 200),
        ("LOCALHOST", 200), ("127.0.0.1", 200), (f"127.0.0.1:{port}", 200),
        ("pprof.example", 200), ("second.example:443", 200), ("evil.example", 403),
        ("localhost6", 403), ("localhost.", 403), ("[::1]", 403), ("::1", 403),
        ("127.1", 403), ("0x7f.1", 403), ("2130706433", 403), ("0.0.0.0", 403),
        ("127.0.0.2", 403), ("localhost:x", 403), ("localhost:80:80", 403),
        ("localhost@evil.example", 403), ("", 403), ("a" * 1025, 431)]:
    is_(status(server, host), wanted, f"Host: {host[:40]}")
is_(status(server, "evil.example", version="1.0"), 403, "HTTP/1.0 with a wrong Host")
is_(status(server, None, version="1.0"), 200, "HTTP/1.0 without a Host")
for field, wanted in [
        (f"Origin: http://localhost:{port}", 200), ("Origin: https://pprof.example", 200),
        ("Origin: http://evil.example", 403), ("Origin: null", 403),
        (f"Origin: http://evil.example:{port}", 403),
        ("Sec-Fetch-Site: same-origin", 200), ("Sec-Fetch-Site: none", 200),
        ("Sec-Fetch-Site: cross-site", 403), ("sec-fetch-site: CROSS-SITE", 403)]:
    is_(status(server, "localhost", field), wanted, field)
answer = server.ask("POST /debug/pprof/symbol HTTP/1.1\r\nHost: evil.example\r\n"
                    "Content-Length: 2000000\r\n\r\n")
is_((answer.status, answer.headers["connection"]), (403, "close"),
    "a wrong Host is refused before the body comes")
is_(answer.body, b"this Host is not ours (see --allow-host)\n", "and told why")
is_(status(server, "localhost", "Authorization: Bearer x"), 200, "no token is asked for")
log = server.log_text()
ok("Token" not in log, "none is printed")
ok(" 403: " in log and "evil" not in log, "refusals are logged")
server.stop()

# Beyond the loopback
server = Server("--bind", "0.0.0.0")
token = [line for line in server.log_text().splitlines() if line.startswith("Token: ")]
ok(len(token) == 1 and len(token[0]) == 7 + 32, "a token is made and printed")
token = token[0][7:]
basic = base64.b64encode(f"x:{token}".encode()).decode()
for field, wanted in [
        (f"Authorization: Bearer {token}", 200), (f"Authorization: Basic {basic}", 200),
        (f"authorization: basic {basic}", 200), ("X-None: 1", 401),
        ("Authorization: Bearer", 401), (f"Authorization: Bearer {token}0", 401),
        (f"Authorization: Bearer {token[:-1]}", 401), ("Authorization: Basic eDo=", 401),
        (f"Authorization: {token}", 401)]:
    is_(status(server, "127.0.0.1", field), wanted, field.replace(token, "TOKEN"))
is_(status(server, "192.168.7.7", f"Authorization: Bearer {token}"), 200,
    "bound to all addresses, each is its own")
is_(status(server, "evil.example", f"Authorization: Bearer {token}"), 403,
    "a name is not, token or not")
answer = server.get("/")
is_(answer.headers.get("www-authenticate"), 'Basic realm="preprof"', "401 asks for Basic")
ok(token.encode() not in answer.body, "and does not tell it")
server.stop()

server = Server(start=False)
for text, good in [("a-token-of-20-bytes\n", True), ("short\n", False), ("", False),
                   ("x" * 256, True), ("x" * 257, False), ("with a space in it\n", False)]:
    with open(server.directory + "/token", "w") as out:
        out.write(text)
    name = f"a token file of {len(text)} bytes"
    if good:
        server.start("--token-file", out.name)
        is_((status(server, "localhost"),
             status(server, "localhost", "Authorization: Bearer " + text.strip())),
            (401, 200), name)
        ok("Token" not in server.log_text(), name + ": is not printed")
        server.stop()
    else:
        run = subprocess.run([server.program, "--port", "0", "--token-file", out.name],
                             capture_output=True, timeout=20, check=False)
        ok(run.returncode == 1 and run.stderr.startswith(
            f"preprof-server: {out.name}: ".encode()) and run.stderr.count(b"\n") == 1,
           name + ": " + run.stderr.decode().strip()[-60:])
done()
