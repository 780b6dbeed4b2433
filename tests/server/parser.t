#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: no malformed or ambiguous request gets through, however it is cut.
Method: the requests of hazards 4.1 through sockets; each must be answered
with its status and the connection must end. tests/unit/test_http_request.c has
the same at every cut without sockets; here a few go byte by byte."""
import os
import sys
import time

sys.path.insert(0, os.path.abspath("tests/helpers"))
from server_run import Server, done, is_, ok

server = Server()
H = "Host: localhost\r\n"
SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
CASES = [
    ("bare CR", 400, "GET / HTTP/1.1\r\n" + H + "X-Abc:\rxTransfer-Encoding: chunked\r\n\r\n" + SMUGGLED),
    ("folded length", 400, "GET / HTTP/1.1\r\n" + H + " Content-Length: 46\r\n\r\n" + SMUGGLED),
    ("space before the first field", 400, "GET / HTTP/1.1\r\n Content-Length: 46\r\n" + H + "\r\n" + SMUGGLED),
    ("CR in the end", 400, "GET / HTTP/1.1\r\n" + H + "\rX" + SMUGGLED),
    ("bare LF", 400, "GET / HTTP/1.1\nHost: localhost\n\n" + SMUGGLED),
    ("bare LF, no version", 505, "GET /\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"),
    ("space before colon", 400, "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n" + SMUGGLED),
    ("TE and CL", 400, "POST /debug/pprof/symbol HTTP/1.1\r\n" + H + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED),
    ("TE", 411, "POST /debug/pprof/symbol HTTP/1.1\r\n" + H + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED),
    ("TE on GET", 411, "GET / HTTP/1.1\r\n" + H + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED),
    ("two lengths", 400, "POST /debug/pprof/symbol HTTP/1.1\r\n" + H + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
    ("length +5", 400, "POST /debug/pprof/symbol HTTP/1.1\r\n" + H + "Content-Length: +5\r\n\r\nhello"),
    ("body on GET", 413, "GET / HTTP/1.1\r\n" + H + f"Content-Length: {len(SMUGGLED)}\r\n\r\n" + SMUGGLED),
    ("body on another POST", 405, "POST / HTTP/1.1\r\n" + H + f"Content-Length: {len(SMUGGLED)}\r\n\r\n" + SMUGGLED),
    ("NUL in header", 400, "GET / HTTP/1.1\r\nHost: local\0host\r\n\r\n" + SMUGGLED),
    ("no Host", 400, "GET / HTTP/1.1\r\n\r\n" + SMUGGLED),
    ("two Hosts", 400, "GET / HTTP/1.1\r\n" + H + H + "\r\n" + SMUGGLED),
    ("PRI", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("SOURCE ICE", 405, "SOURCE / ICE/1.0\r\n\r\n" + SMUGGLED),
    ("HTTP/9.9", 505, "GET / HTTP/9.9\r\n" + H + "\r\n" + SMUGGLED),
    ("HTTP/0.9", 505, "GET /\r\n\r\n" + SMUGGLED),
    ("absolute form", 400, "GET http://localhost/ HTTP/1.1\r\n" + H + "\r\n" + SMUGGLED),
    ("asterisk form", 400, "OPTIONS * HTTP/1.1\r\n" + H + "\r\n" + SMUGGLED),
    ("Upgrade", 400, "GET / HTTP/1.1\r\n" + H + "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n" + SMUGGLED),
    ("CONNECT", 404, "CONNECT localhost:1 HTTP/1.1\r\n" + H + "\r\n" + SMUGGLED),
    ("unknown method", 400, "BREW / HTTP/1.1\r\n" + H + "\r\n" + SMUGGLED),
    ("high bits in target", 400, "GET /\xff\xfe HTTP/1.1\r\n" + H + "\r\n" + SMUGGLED),
    ("control byte in target", 400, "GET /\x01 HTTP/1.1\r\n" + H + "\r\n" + SMUGGLED),
    ("escape in header name", 400, "GET / HTTP/1.1\r\n" + H + "X\x1b[31m: 1\r\n\r\n" + SMUGGLED),
    ("TLS", 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "x" * 100),
    ("after Connection: close", 200, "GET / HTTP/1.1\r\n" + H + "Connection: close\r\n\r\n" + SMUGGLED),
    ("after HTTP/1.0", 200, "GET / HTTP/1.0\r\n\r\n" + SMUGGLED),
]


def send_cut(client, data, cuts):
    start = 0
    for cut in [*cuts, len(data)]:
        try:
            client.send(data[start:cut])
        except ConnectionError:
            return
        start = cut
        if cuts:
            time.sleep(0.0005)


for name, status, text in CASES:
    data = text.encode("latin-1")
    for cuts in (), range(1, len(data)):
        client = server.client()
        send_cut(client, data, cuts)
        answer = client.answer()
        how = name + (", byte by byte" if cuts else "")
        if not ok(answer is not None, how + ": answered"):
            continue
        is_((answer.status, answer.headers.get("connection")), (status, "close"), how)
        ok(client.ended(), how + ": and nothing else is")
        client.close()

# What is legal stays possible, wherever it is cut.
data = (f"\r\nPOST /pid/5000107/debug/pprof/symbol HTTP/1.1\r\n{H}X-Empty:\r\n"
        f"Content-Length: 3\r\n\r\n0x1{SMUGGLED}").encode()
good = True
for cut in range(1, len(data)):
    client = server.client()
    send_cut(client, data, [cut])
    answers = client.answer(), client.answer()
    good = good and all(answers) and \
        [a.status for a in answers] == [200, 404] and b"=0x1\n" in answers[0].body
    client.close()
ok(good, f"two requests, cut at each of {len(data)} places")

client = server.client()
client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
answer = client.answer()
is_(answer.headers.get("connection"), "keep-alive", "HTTP/1.0 may keep the connection")
client.send(b"GET /nosuch HTTP/1.0\r\n\r\n")
is_(client.answer().status, 404, "and use it")
ok(client.ended(), "and then it ends")

# Pipelining: in order, one at a time. The pids are above PID_MAX_LIMIT: one of
# them would be the server's own now and then, which is answered differently.
PIDS = range(5001001, 5002001)
client = server.client()
client.send(b"".join(f"GET /pid/{i}/debug/pprof/heap HTTP/1.1\r\n{H}\r\n".encode()
                     for i in PIDS))
pids = []
for _ in PIDS:
    answer = client.answer()
    if answer is None:
        break
    pids.append(answer.body.split(b"\n")[1] if answer.status == 200 else answer.body)
wrong = [(i, pid) for i, pid in zip(PIDS, pids) if pid != b"pid=%d" % i]
is_((len(pids), wrong[:1]), (1000, []), "1000 pipelined GETs")
client.close()

# Who has sent all and shut down still gets all answers.
client = server.client()
client.send(f"GET / HTTP/1.1\r\n{H}\r\nGET /nosuch HTTP/1.1\r\n{H}\r\n".encode())
client.socket.shutdown(1)
is_([client.answer().status, client.answer().status], [200, 404], "half-closed")
ok(client.ended(), "half-closed: and then it ends")
client = server.client()
client.send(b"GET / HT")
client.socket.shutdown(1)
ok(client.ended(), "half-closed in a request: it ends")

log = server.log_text()
ok("\x1b" not in log and "\x00" not in log, "the log is printable")
is_(server.stop()[0], 0, "the server ends with status 0")
done()
