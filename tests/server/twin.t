#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: what a client finds on a Go server it finds on ours.
Method: the same requests to a Go program with net/http/pprof and expvar, built
here (tests/programs/twin.go), and to preprof-server; status, headers and the
shape of the body are compared. Every difference is listed below, with its
reason; one that is listed and gone fails, too."""
import atexit
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.abspath("tests/helpers"))
from profile_proto import Proto
from server_run import BUILD, SANITIZED, Server, done, is_, ok, skip, wait_for

if SANITIZED:
    skip("the preload runs without sanitizers")
if not shutil.which("go"):
    skip("no go")

P = "/debug/pprof/"
HEADS = {"status", "body", "content-type", "content-disposition"}
TEXT_HEADS = {"status", "body", "content-type"}
BEFORE_1_22 = "GET and HEAD only, as Go does since 1.22"
SINCE_1_22 = "Go refuses the POST that its own pprof sends"
SINCE_1_26 = "Go redirects with 307, which clients follow as well"
LEAK = "there is no garbage collector that could find leaks"
NOSNIFF = "nosniff on everything we send"
TRACES = "Go's trace has a format of its own, ours is the trace event format"
OURS = "Go has no such profile"
CHECKED = "our own parameter: a wrong one is told"
QUIRK = "Go sends a profile as text where debug is below zero; ours is the text"

GO = tuple(map(int, re.search(r"go(\d+)\.(\d+)", subprocess.run(
    ["go", "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout).groups()))

# request: (what differs, why)
DIFFERENCES = {
    ("GET", "/debug/vars"): ({"x-content-type-options"}, NOSNIFF),
    ("GET", "/debug/pprof"): ({"x-content-type-options"}, NOSNIFF),
    ("GET", "/debug/pprof?x=1&y=2"): ({"x-content-type-options"}, NOSNIFF),
    ("GET", P + "trace?seconds=1"): ({"body", "content-type", "content-disposition"}, TRACES),
    ("GET", P + "peak"): (HEADS | {"x-go-pprof"}, OURS),
    ("GET", P + "peak?debug=1"): ({"status", "body", "x-go-pprof"}, OURS),
    ("GET", P + "peak?seconds=1"): ({"status", "body"}, OURS),
    ("GET", P + "threads"): (HEADS | {"x-go-pprof"}, OURS),
    ("GET", P + "heap?limit=x"): (HEADS | {"x-go-pprof"}, CHECKED),
    ("GET", P + "goroutine?limit=0"): (HEADS | {"x-go-pprof"}, CHECKED),
    ("GET", P + "profile?seconds=1&limit=-1"): (HEADS | {"x-go-pprof"}, CHECKED),
    ("GET", P + "mutex?seconds=1&limit=1.5"): (HEADS | {"x-go-pprof"}, CHECKED),
}
if GO >= (1, 22):
    DIFFERENCES["POST", P + "symbol"] = ({"status", "body", "allow"}, SINCE_1_22)
    DIFFERENCES["PUT", P + "symbol"] = ({"allow"}, SINCE_1_22)
else:
    DIFFERENCES["PUT", P + "symbol"] = ({"status", "body", "allow"}, BEFORE_1_22)
    DIFFERENCES["DELETE", P] = (TEXT_HEADS | {"allow"}, BEFORE_1_22)
    DIFFERENCES["OPTIONS", P + "cmdline"] = ({"status", "body", "allow"}, BEFORE_1_22)
if GO >= (1, 26):
    for target in "/debug/pprof", "/debug/pprof?x=1&y=2":
        DIFFERENCES["GET", target] = ({"status", "body", "x-content-type-options"}, SINCE_1_26)
if GO >= (1, 27):
    DIFFERENCES["GET", P + "goroutineleak"] = (HEADS | {"x-go-pprof"}, LEAK)
for kind in "allocs", "heap", "goroutine", "threadcreate", "block", "mutex":
    if GO < (1, 22):
        for method in "POST", "PUT":
            DIFFERENCES[method, P + kind] = (HEADS | {"allow"}, BEFORE_1_22)
    if kind not in ("allocs", "heap"):
        DIFFERENCES["GET", P + kind + "?debug=-1"] = ({"body"}, QUIRK)
for kind in "heap", "block", "mutex":
    DIFFERENCES["GET", f"{P}delta_{kind}"] = (HEADS | {"x-go-pprof"}, OURS)
    DIFFERENCES["GET", f"{P}delta_{kind}?cursor=a"] = (HEADS | {"x-go-pprof"}, OURS)
    DIFFERENCES["GET", f"{P}delta_{kind}?debug=1"] = ({"status", "body", "x-go-pprof"}, OURS)
    DIFFERENCES["GET", f"{P}delta_{kind}?seconds=1"] = ({"status", "body"}, OURS)


def build_twin(directory):
    twin = os.path.join(directory, "twin")
    subprocess.run(["go", "build", "-o", twin, "tests/programs/twin.go"], check=True,
                   env=dict(os.environ, GO111MODULE="off",
                            GOCACHE=os.path.join(os.path.abspath(BUILD), "gocache")))
    # What is built without a module is as Go 1.20 until it is told.
    process = subprocess.Popen([twin], stdout=subprocess.PIPE, text=True,
                               env=dict(os.environ, GODEBUG="httpmuxgo121=0"))
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
    ("command line", rb"/[^\n]*/(twin|preprof-server)(\0[^\n]*[^\0\n])?$"),
    ("trace", rb"go 1\.\d+ trace\0"),
    ("trace events", rb"{\"displayTimeUnit\":\"ns\",\"traceEvents\":\["),
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
PORTS = twin, server.port
KINDS = "heap", "allocs", "goroutine", "threadcreate", "block", "mutex"
# Section 1.1 of what Go does: paths, methods, parameters; 1.2: every endpoint
requests = [("GET", target) for target in [
    "/debug/pprof", "/debug/pprof?x=1&y=2", P, P + "?debug=1", "/nosuch", "/debug/vars",
    P + "nosuch", P + "heap/", P + "profile/", P + "symbol/", P + "cmdline/", P + "HEAP",
    P + "goroutineleak", P + "heap?gc=1", P + "heap?gc=x", P + "allocs?gc=1", P + "heap?debug=2",
    P + "heap?debug=x", P + "heap?debug=1&debug=0", P + "heap?debug=%31", P + "heap?debug=+1",
    P + "heap?debug=%zz", P + "cmdline", P + "goroutine?debug=2",
    P + "trace?seconds=1"]]
# 1.3: seconds of profile
requests += [("GET", P + "profile?" + query) for query in [
    "seconds=1", "seconds=1&debug=1&hz=x", "seconds=1&hz=250&limit=9", "seconds=1&limit=-1"]]
# 1.4: differences
requests += [("GET", P + target) for target in [
    "nosuch?seconds=1", "nosuch?seconds=x", "heap?seconds=x&debug=1", "heap?seconds=1&gc=1",
    "heap?seconds=1&debug=0", "heap?seconds=1&debug=x", "goroutine?seconds=%2B1",
    "mutex?seconds=1&limit=9", "mutex?seconds=1&limit=1.5"]]
# 1.6: names of addresses
requests += [("GET", P + "symbol?" + query) for query in [
    "", "0", "nonsense+0x0+%30", "1", "0x1+0o1+0b1+1", "18446744073709551616"]]
requests += [("HEAD", P + name) for name in (
    "", "nosuch", "cmdline", "symbol", "heap?debug=1", "heap?seconds=x", "profile?seconds=1")]
for kind in KINDS:
    requests += [(method, P + kind) for method in ("GET", "HEAD", "POST", "PUT")]
    requests += [("GET", f"{P}{kind}?{query}") for query in [
        "debug=1", "debug=-1", "seconds=0", "seconds=x", "seconds=1.5", "seconds=-1", "seconds=",
        "seconds=1", "seconds=1&debug=1"]]
requests += [("PUT", P + "symbol"), ("DELETE", P), ("OPTIONS", P + "cmdline"),
             ("POST", P + "symbol")]
# What is ours only
requests += [("GET", P + name) for name in (
    "peak", "peak?debug=1", "peak?seconds=1", "threads", "heap?limit=x", "heap?limit=16000",
    "goroutine?limit=0", "goroutine?limit=9", "heap?cursor=a")]
requests += [("GET", f"{P}delta_{kind}{query}") for kind in ("heap", "block", "mutex")
             for query in ("", "?cursor=a", "?debug=1", "?seconds=1")]
is_(sorted(set(DIFFERENCES) - set(requests)), [], "no difference is listed of what is not asked")


def on_both(function):
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(function, PORTS))


def ask_both(request):
    return on_both(lambda port: ask(port, *request))


def is_of_cpu(request):
    return "/profile?" in request[1] or "/trace?" in request[1]


# Those that take a second wait beside each other; but only one CPU profile.
with ThreadPoolExecutor(8) as pool:
    cpu = pool.submit(lambda: {one: ask_both(one) for one in requests if is_of_cpu(one)})
    answers = dict(zip(requests, pool.map(
        lambda one: None if is_of_cpu(one) else ask_both(one), requests)))
    answers.update(cpu.result())
for (method, target), both in answers.items():
    (status, headers, body), (our_status, our_headers, our_body) = both
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

# Types, units and defaults of each kind
for target in *KINDS, "profile?seconds=1", "heap?seconds=1":
    profiles = [Proto(answer[2]) for answer in answers["GET", P + target]]
    is_(*[(profile.types, profile.period_type, profile.default_type, bool(profile.duration_ns))
          for profile in profiles[::-1]], f"{target}: Go's types and period")

# MemStats: every name Go has, and no other
names = [re.findall(r"^# (\w+) = ", answer[2].decode(), re.M)
         for answer in answers["GET", P + "heap?debug=1"]]
is_(names[1], names[0], "the names of MemStats in the text")
stats = [json.loads(answer[2]) for answer in answers["GET", "/debug/vars"]]
is_(sorted(stats[1]["memstats"]), sorted(stats[0]["memstats"]), "and in /debug/vars")
is_(set(stats[1]) - set(stats[0]), {"preprof"}, "which has one more: how much is known")


# Names of addresses, each server's own
def symbols(port, write, method="GET"):
    """Of an address in the text of its heap, as pprof asks for it."""
    text = ask(port, "GET", P + "heap?debug=1")[2].decode()
    address = int(re.search(r"^#\t(0x[0-9a-f]+)\t", text, re.M)[1], 16)
    word = write(address)
    status, _, body = ask(port, method, P + "symbol" + (f"?{word}" if method == "GET" else ""),
                          word if method == "POST" else None)
    found = re.fullmatch(r"num_symbols: 1\n(0x[0-9a-f]+) \S.*\n", body.decode())
    return status, found and int(found[1], 16) == address


for write in hex, str, oct, bin, lambda n: f"nonsense+0+{n:#x}":
    is_([symbols(port, write) for port in PORTS], [(200, True)] * 2,
        f"symbol: {write(4711)} and the like")
is_(symbols(server.port, hex, "POST"), (200, True), "symbol: POST, which Go since 1.22 refuses")


# A client that leaves ends its profile; who comes meanwhile is told
def leave(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=0.5)
    connection.request("GET", P + "profile?seconds=x")
    try:
        connection.getresponse()
        return "answered", None
    except TimeoutError:
        status, headers, body = ask(port, "GET", P + "profile?seconds=1")
    connection.close()
    again = wait_for(lambda: ask(port, "GET", P + "profile?seconds=1")[0] == 200)
    return (status, body, headers["x-go-pprof"]), again


REFUSED = (500, b"Could not enable CPU profiling: cpu profiling already in use\n", "1")
is_(on_both(leave), [(REFUSED, True)] * 2,
    "profile?seconds=x lasts, a second one is refused, and it ends when its client leaves")

# What the index of Go lists, ours lists.
rows = [re.findall(r"<a href='?(\w+)\?debug=1", answer[2].decode()) for answer in answers["GET", P]]
is_([row for row in rows[1]], sorted(rows[1]), "the index is sorted")
is_(set(rows[0]) - set(rows[1]), {"goroutineleak"} if GO >= (1, 27) else set(),
    "the index lacks nothing" + (", but leaks: " + LEAK if GO >= (1, 27) else ""))
is_(set(rows[1]) - set(rows[0]) - {"symbol"},
    {"peak", "delta_heap", "delta_block", "delta_mutex"}, "and has what is ours")
done()
