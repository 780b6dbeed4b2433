#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: what a client finds on a Go server it finds on ours.
Method: the same requests to a Go program with net/http/pprof and expvar, built
here (tests/programs/twin.go), and to preprof-server; status, headers and the
shape of the body are compared. Every difference is listed below, with its
reason; one that is listed and gone fails, too."""
import atexit
import http.client
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.abspath("tests/helpers"))
from server_run import BUILD, SANITIZED, Server, done, is_, ok, skip

if SANITIZED:
    skip("the preload runs without sanitizers")
if not shutil.which("go"):
    skip("no go")

P = "/debug/pprof/"
SINCE_1_22 = "Go since 1.22: GET and HEAD only; this Go may be older"
NOSNIFF = "nosniff on everything we send"
LATER = "comes with traces"

# request: (what differs, why)
DIFFERENCES = {
    ("POST", P + "heap"): ({"status", "allow", "body", "content-disposition", "content-type"},
                           SINCE_1_22),
    ("PUT", P + "symbol"): ({"status", "allow", "body"}, SINCE_1_22),
    ("DELETE", P + ""): ({"status", "allow", "body", "content-type"}, SINCE_1_22),
    ("GET", "/debug/vars"): ({"x-content-type-options"}, NOSNIFF),
    ("GET", "/debug/pprof"): ({"x-content-type-options"}, NOSNIFF),
    ("GET", "/debug/pprof?x=1&y=2"): ({"x-content-type-options"}, NOSNIFF),
}


def build_twin(directory):
    twin = os.path.join(directory, "twin")
    subprocess.run(["go", "build", "-o", twin, "tests/programs/twin.go"], check=True,
                   env=dict(os.environ, GOFLAGS="-mod=mod", GO111MODULE="off",
                            GOCACHE=os.path.join(os.path.abspath(BUILD), "gocache")))
    process = subprocess.Popen([twin], stdout=subprocess.PIPE, text=True)
    atexit.register(process.kill)
    return int(process.stdout.readline())


def ask(port, method, target, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, target, body=body, headers={"Accept-Encoding": "gzip"})
    response = connection.getresponse()
    return response.status, dict((k.lower(), v) for k, v in response.getheaders()), response.read()


HEADERS = ("content-type", "content-disposition", "x-content-type-options", "x-go-pprof",
           "location", "allow", "content-encoding")

SHAPES = [  # the first that matches is a body's shape
    ("gzip", rb"\x1f\x8b"),
    ("heap text", rb"heap profile: \d+: \d+ \[\d+: \d+\] @ heap/\d+\n"
                  rb"(?s:.*)\n# runtime.MemStats\n# Alloc = \d+\n(?s:.*)# MaxRSS = \d+\n$"),
    ("count text", rb"(goroutine|threadcreate) profile: total \d+\n"),
    ("mutex text", rb"--- mutex:\ncycles/second=\d+\nsampling period=\d+\n"),
    ("contention text", rb"--- contention:\ncycles/second=\d+\n"),
    ("stacks", rb"goroutine \d+ \["),
    ("symbols", rb"num_symbols: \d+\n"),
    ("index", rb"(?s)<html>\n<head>\n<title>/debug/pprof/</title>.*Types of profiles available:\n"
              rb"<table>\n<thead><td>Count</td><td>Profile</td></thead>\n"
              rb"(<tr><td>\d+</td><td><a href='?\w+\?debug=1'?>\w+</a></td></tr>\n)+</table>\n"
              rb"<a href=\"goroutine\?debug=2\">full goroutine stack dump</a>"),
    ("vars", rb"{\n\"cmdline\": \["),
]


def shape(body):
    for name, pattern in SHAPES:
        if re.match(pattern, body):
            return name
    return body  # to be equal as it is


server = Server(shim=True, render="preprof-render")
twin = build_twin(server.directory)
requests = [("GET", target) for target in [
    "/debug/pprof", "/debug/pprof?x=1&y=2", P, P + "?debug=1", "/nosuch", "/debug/vars",
    P + "nosuch", P + "heap/", P + "symbol/", P + "cmdline/", P + "HEAP",
    P + "heap?gc=1", P + "heap?gc=x", P + "heap?debug=-1", P + "heap?debug=x",
    P + "heap?debug=1&debug=0", P + "heap?debug=%31", P + "heap?debug=+1",
    P + "profile?seconds=1", P + "heap?seconds=1", P + "goroutine?seconds=%2B1",
    P + "symbol", P + "symbol?0", P + "symbol?nonsense+0x0+%30", P + "goroutine?debug=2"]]
for kind in "heap", "allocs", "goroutine", "threadcreate", "block", "mutex":
    requests += [("GET", P + kind), ("HEAD", P + kind)]
    requests.append(("GET", P + kind + "?debug=1"))
    for seconds in "0", "x", "1.5", "-1", "":
        requests.append(("GET", f"{P}{kind}?seconds={seconds}"))
    requests.append(("GET", f"{P}{kind}?seconds=1&debug=1"))
requests += [("POST", P + "heap"), ("PUT", P + "symbol"), ("DELETE", P), ("POST", P + "symbol")]

for method, target in requests:
    status, headers, body = ask(twin, method, target)
    our_status, our_headers, our_body = ask(server.port, method, target)
    differs = {name for name in HEADERS if headers.get(name) != our_headers.get(name)}
    if status != our_status:
        differs.add("status")
    if shape(body) != shape(our_body):
        differs.add("body")
    expected, reason = DIFFERENCES.get((method, target), (set(), ""))
    is_(differs, expected, f"{method} {target}{': ' + reason if reason else ''}")
    if differs != expected:
        print("#  Go ", status, {h: headers.get(h) for h in HEADERS}, body[:80])
        print("#  we ", our_status, {h: our_headers.get(h) for h in HEADERS}, our_body[:80])

# What the index of Go lists, ours lists.
rows = [re.findall(r"<a href='?(\w+)\?debug=1", ask(port, "GET", P)[2].decode())
        for port in (twin, server.port)]
is_([row for row in rows[1]], sorted(rows[1]), "the index is sorted")
is_(set(rows[0]) - set(rows[1]), {"trace"}, "the index lacks what " + LATER)
done()
