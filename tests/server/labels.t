#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: labels on samples of every kind, as Go's pprof and Go's texts have them.
Method: examples/labels.c, whose counts are prime, through `go tool pprof -tags`
and -tagfocus; the label lines of a Go program with the same labels; threads one
by one."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.abspath("tests/helpers"))
from profile_proto import Proto
from server_run import BUILD, SANITIZED, Server, done, is_, ok, skip, wait_for

if SANITIZED:
    skip("the preload runs under no sanitizer")
if not shutil.which("go"):
    skip("no go")
server = Server(render=os.path.join(BUILD, "preprof-render"))
SHIM = dict(os.environ, PREPROF_DIR=server.environment["PREPROF_DIR"], PREPROF_MODE="exact",
            PREPROF_LOCKS="1", LD_PRELOAD=os.path.join(BUILD, "libpreprof.so"))


def start(*command):
    program = subprocess.Popen(command, env=SHIM, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True)
    return program, program.stdout.readline()


def end(program):
    program.kill()
    program.communicate()


def get(program, kind):
    return server.get(f"/pid/{program.pid}/debug/pprof/{kind}").body


def pprof(body, *arguments):
    with tempfile.NamedTemporaryFile(suffix=".pb.gz") as file:
        file.write(body)
        file.flush()
        return subprocess.run(["go", "tool", "pprof", *arguments, file.name], text=True,
                              capture_output=True, check=True, timeout=60).stdout


def tags(body, *arguments):
    """{value: number} of the label handler."""
    return {value: int(float(number)) for number, value in re.findall(
        r"^ +([\d.]+) \([^)]*\): (\S+)$", pprof(body, "-tags", *arguments), re.M)}


def flat(body, function, *arguments):
    found = re.search(rf"^ *(\d+) .* {function}( \(inline\))?$", pprof(body, "-top", *arguments), re.M)
    return found and int(found[1])


# The example
example, said = start(os.path.join(BUILD, "examples/labels"), "60")
is_(said, "401 searches, 211 uploads, 101 orders\n", "the example runs")
heap = get(example, "heap")
ALLOCATED = {"/search": 401 * 3, "/upload": 211 * 5, "/order": 101 * 2}
PAGES = "-sample_index=alloc_objects", "-focus=^pages_fill$"
is_(tags(heap, *PAGES), ALLOCATED, "heap: the pages of each handler, also of its threads")
is_({one: flat(heap, "pages_fill", *PAGES, f"-tagfocus=handler={one}$") for one in ALLOCATED},
    ALLOCATED, "heap: -tagfocus")
is_(flat(heap, "pages_fill", *PAGES, "-tagignore=handler"), None, "heap: none without a label")
WAITS = "-sample_index=contentions", "-focus=^store_ask$"
is_(tags(get(example, "block"), *WAITS), {"/upload": 211, "/order": 101 * 7},
    "block: each handler's waits for the store")
CREATED = "-focus=^upload$",
is_(tags(get(example, "threadcreate"), *CREATED), {"/upload": 211},
    "threadcreate: the threads that a handler starts")
wait_for(lambda: len(tags(get(example, "goroutine"))) == 2 and
         tags(get(example, "goroutine"))["/events"] == 13)
threads = get(example, "goroutine")
is_(tags(threads), {"/events": 13, "/report": 1}, "goroutine: who works for what")
is_(sum(sample.values[0] for sample in Proto(threads).samples if not sample.labels), 2,
    "goroutine: the main thread and the store for nothing")
is_(tags(get(example, "threads"), "-tagfocus=/events"), {"/events": 13}, "threads: -tagfocus")
cpu = tags(get(example, "profile?seconds=1&hz=250"), "-sample_index=samples")
ok(list(cpu) == ["/report"] and cpu["/report"] >= 10, f"profile: what a handler computes, {cpu}")
delta = Proto(get(example, "goroutine?seconds=1"))
is_([sample.labels for sample in delta.samples if sample.values[0]], [],
    "goroutine?seconds=1: those that stay cancel each other")
end(example)

# What Go writes
LABELS = ["user", 'say "hi"', "handler", "/search?q=a\\b", "Handler", "UTF-8: äöü→", "user2", "{a: 1}"]
go = os.path.join(server.directory, "labels.go")
with open(go, "w") as source:
    source.write("""package main

import (
	"bytes"
	"context"
	"os"
	"runtime/pprof"
	"time"
)

func main() {
	var out bytes.Buffer
	go pprof.Do(context.Background(), pprof.Labels(os.Args[1:]...), func(context.Context) {
		select {}
	})
	for i := 0; i < 500 && !bytes.Contains(out.Bytes(), []byte("labels")); i++ {
		time.Sleep(10 * time.Millisecond)
		out.Reset()
		pprof.Lookup("goroutine").WriteTo(&out, 1)
	}
	os.Stdout.Write(out.Bytes())
}
""")
text = subprocess.run(["go", "run", go, *LABELS], text=True, capture_output=True, check=True,
                      timeout=100, env=dict(os.environ, GO111MODULE="off",
                                            GOCACHE=os.path.join(BUILD, "gocache"))).stdout
LINE = re.compile(r"^# labels: .*$", re.M)
wanted = LINE.findall(text)
holder, said = start(os.path.join(BUILD, "tests/programs/labels"), "hold", *LABELS)
is_(said, "ready\n", "a program sets labels, and creates threads")
SET = sorted((key, value, 0) for key, value in zip(LABELS[::2], LABELS[1::2]))
wait_for(lambda: len(LINE.findall(get(holder, "goroutine?debug=1").decode())) == 2)
text = get(holder, "goroutine?debug=1").decode()
is_(LINE.findall(text), wanted * 2, "debug=1: the line of labels is Go's")
is_(len(re.findall(r"^1 @( 0x[0-9a-f]+)+\n# labels: ", text, re.M)), 2,
    "debug=1: after the line of a count; stacks with labels are apart from those without")
is_([sorted(sample.labels) for sample in Proto(get(holder, "goroutine")).samples
     if sample.labels], [SET] * 2, "protobuf: the same")

# One by one: in the head, as Go 1.27 has them; of an heir nothing else differs
WORDS = ('{Handler: "UTF-8: äöü→", handler: "/search?q=a\\\\b", user: "say \\"hi\\"", '
         'user2: "{a: 1}"}')
blocks = get(holder, "goroutine?debug=2").decode().split("\n\n")
heads = [re.match(r"goroutine \d+ \[\w+, labels\](.*):\n", block) for block in blocks]
is_([head and head[1] for head in heads], [" " + WORDS, "", " " + WORDS, ""],
    "debug=2: the creator and its heir, in their heads")


def frames(block):
    return re.sub(r"(?m)^created by .*\n.*\n?|\A.*\n", "", block).rstrip("\n")


is_(frames(blocks[2]), frames(blocks[1]), "debug=2: no frame of ours in the heir")
table = subprocess.run([os.path.join(BUILD, "preprof-threads"), str(holder.pid)], text=True,
                       capture_output=True, check=True, timeout=30,
                       env=dict(os.environ, PREPROF_DIR=SHIM["PREPROF_DIR"])).stdout
is_(table.count(f"          under {WORDS}\n"), 2, "preprof threads: a line above the stack")
end(holder)
is_(server.stop()[0], 0, "the end")
done()
