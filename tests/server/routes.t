#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: every status, header and text that net/http/pprof's clients rely on.
Method: one request each; what preprof-render is asked comes back as the body,
from a fake one."""
import os
import sys

sys.path.insert(0, os.path.abspath("tests/helpers"))
from server_run import SANITIZED, Server, done, is_, ok

server = Server(shim=not SANITIZED)
root = "" if not SANITIZED else f"/pid/{os.getpid()}"
pid = server.process.pid if not SANITIZED else os.getpid()

TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
PROFILE = "application/octet-stream"


def check(target, status, content_type, body=None, method="GET", fields=(), **headers):
    answer = server.get(target, *fields, method=method)
    name = f"{method} {target}"
    if not ok(answer is not None, name + ": answered"):
        return None
    wanted = {"content-type": content_type, "x-content-type-options": "nosniff",
              "content-disposition": None, "x-go-pprof": None, "allow": None,
              "location": None, "content-encoding": None, "connection": None}
    wanted.update({key.replace("_", "-"): value for key, value in headers.items()})
    got = {key: answer.headers.get(key) for key in wanted}
    is_((answer.status, got), (status, wanted), name + ": status and headers")
    ok("date" in answer.headers, name + ": Date")
    if body is not None:
        is_(answer.body, body.encode(), name + ": body")
    return answer


for kind in "heap", "allocs", "peak", "goroutine", "threadcreate", "block", "mutex":
    check(f"{root}/debug/pprof/{kind}", 200, PROFILE,
          f"kind={kind}\npid={pid}\nformat=pprof\n",
          content_disposition=f'attachment; filename="{kind}"')
    for debug, passed in ("1", 1), ("2", 2), ("-1", 1):
        check(f"{root}/debug/pprof/{kind}?debug={debug}", 200, TEXT,
              f"kind={kind}\npid={pid}\nformat=text\ndebug={passed}\n")
    check(f"{root}/debug/pprof/{kind}?seconds=5&debug=1", 400, TEXT,
          "seconds and debug params are incompatible\n" if kind != "peak" else
          '"seconds" parameter is not supported for this profile type\n', x_go_pprof="1")
    check(f"{root}/debug/pprof/{kind}?seconds=0&debug=1", 400, TEXT,
          'invalid value for "seconds" - must be a positive integer\n',
          x_go_pprof="1")
check(f"{root}/debug/pprof/heap?gc=1", 200, PROFILE,
      f"kind=heap\npid={pid}\nformat=pprof\n",
      content_disposition='attachment; filename="heap"')
# The fake preprof-render answers with what it was asked last: the end.
for window, (query, kind, name, further) in enumerate([
        ("heap?seconds=1&debug=x", "heap", "heap-delta", ""),
        ("profile?seconds=1&hz=97&debug=1", "profile", "profile", "hz=97\n")], 1):
    check(f"{root}/debug/pprof/{query}", 200, PROFILE,
          f"kind={kind}\npid={pid}\n{further}window=end\nid={window}\n",
          content_disposition=f'attachment; filename="{name}"')
check(f"{root}/debug/pprof/heap?limit=16000", 200, PROFILE,
      f"kind=heap\npid={pid}\nformat=pprof\nlimit=16000\n",
      content_disposition='attachment; filename="heap"')
for limit in "0", "-3", "x", "1.5":
    check(f"{root}/debug/pprof/allocs?limit={limit}", 400, TEXT,
          'invalid value for "limit" - must be a positive integer\n', x_go_pprof="1")
check(f"{root}/pprof/heap", 200, TEXT, f"kind=heap\npid={pid}\nformat=gperftools\n")
check(f"{root}/pprof/cmdline", 200, TEXT, f"kind=cmdline\npid={pid}\n")
check(f"{root}/pprof/symbol?0x1f+0x2e", 200, TEXT,
      f"kind=symbol\npid={pid}\nsymbols=0x1f+0x2e\n")
check(f"{root}/pprof/nosuch", 404, TEXT, "Unknown profile\n", x_go_pprof="1")
check(f"{root}/debug/pprof/cmdline", 200, TEXT, f"kind=cmdline\npid={pid}\n")
check(f"{root}/debug/pprof/symbol?0x1f+0x2e", 200, TEXT,
      f"kind=symbol\npid={pid}\nsymbols=0x1f+0x2e\n")
check(f"{root}/debug/vars", 200, "application/json; charset=utf-8",
      f"kind=vars\npid={pid}\n")
for name in "nosuch", "heap/", "../heap", "heap;id", "$(id)", \
        "%2e%2e/%2e%2e/etc/passwd", "%c0%ae", "heap%0d%0aX-Evil:%201":
    check(f"{root}/debug/pprof/{name}", 404, TEXT, "Unknown profile\n",
          x_go_pprof="1")
for target in "/nosuch", "/pid/0/debug/pprof/heap", "/%00", "//", "/..", \
        "/pid/5000107/allocate", "/debug/pprof\\heap":
    check(target, 404, TEXT, "404 page not found\n")
check("/debug/pprof?x=%0d%0aX-Evil:1&y=<b>", 301, HTML,
      '<a href="/debug/pprof/?x=%0d%0aX-Evil:1&amp;y=&lt;b&gt;">Moved '
      'Permanently</a>.\n\n', location="/debug/pprof/?x=%0d%0aX-Evil:1&y=<b>")
check("/pid/5000107", 301, HTML, location="/pid/5000107/debug/pprof/")

answer = check("/", 200, TEXT)
ok(b"/debug/pprof/" in answer.body and b"/allocate2" in answer.body, "/ tells what there is")
answer = check(f"{root}/debug/pprof/", 200, HTML)
ok(b"<tr><td>3</td><td><a href='goroutine?debug=1'>goroutine</a></td></tr>" in
   answer.body and b"<a href='profile?debug=1'>" in answer.body, "the index has its rows")
ok(answer.headers["content-security-policy"].startswith("default-src 'none';"),
   "the index has a policy")
answer = check("/pid/", 200, HTML)
ok(b"<script" not in answer.body and b"&lt;script&gt;" in answer.body and
   b"7/debug/pprof/" in answer.body, "the list is escaped")
ok("content-security-policy" in answer.headers, "the list has a policy")

# Methods
for method in "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE":
    check(f"{root}/debug/pprof/heap", 405, TEXT, "Method Not Allowed\n", method,
          allow="GET, HEAD", connection="close")
check(f"{root}/debug/pprof/symbol", 405, TEXT, method="DELETE",
      allow="GET, HEAD, POST", connection="close")
for target in "/", f"{root}/debug/pprof/heap", f"{root}/debug/pprof/heap?debug=1", \
        f"{root}/debug/pprof/", f"{root}/debug/pprof/nosuch", "/debug/pprof", "/pid/":
    get, head = server.get(target), server.get(target, method="HEAD")
    same = dict(get.headers), dict(head.headers)
    for headers in same:
        headers.pop("date")
    is_((head.status, same[1]), (get.status, same[0]), f"HEAD {target} is as GET")
client = server.client()
client.send(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n"
            b"HEAD /nosuch HTTP/1.1\r\nHost: localhost\r\n\r\n")
is_([client.answer(head_only=True).status for _ in range(2)], [200, 404],
    "HEAD has no body")

# POST /symbol
POST = f"POST {root}/debug/pprof/symbol HTTP/1.1\r\nHost: localhost\r\n"
body = "+".join(f"0x{0x7f0000000000 + 16 * i:x}" for i in range(100000))
answer = server.ask(f"{POST}Content-Type: application/x-www-form-urlencoded\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n{body}")
is_((answer.status, answer.headers["content-type"]), (200, TEXT), "POST of 1.5 MB")
is_(answer.body, f"kind=symbol\npid={pid}\nsymbols={body}\n".encode(),
    "POST arrives whole")
answer = server.ask(f"{POST}Content-Length: 15\r\n\r\n0x1\nkind=list\0\r")
is_(answer.body, f"kind=symbol\npid={pid}\nsymbols=0x1?kind=list??\n".encode(),
    "a POST cannot write lines of its own")
answer = server.ask(f"{POST}Content-Length: {(2 << 20) + 1}\r\n\r\n")
is_((answer.status, answer.body), (413, b"the body is too large\n"), "POST of 2 MiB and 1")
client = server.client()
client.send(f"{POST}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n".encode())
is_(client.answer().status, 100, "Expect: 100-continue is answered")
client.send(b"0x1")
is_(client.answer().status, 200, "and then the request is")
ok(server.alive(), "the server lives")
is_(server.stop()[0], 0, "and ends with status 0")
done()
