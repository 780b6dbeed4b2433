#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Goal: /debug/pprof/trace shows when things happen: CPU samples, waits, the
heap. Method: a program that does known things for known times, with its waits
not recorded otherwise (tests/programs/moments.c); a checker of the published
format (tests/helpers/trace_check.py), which is tried on damaged traces, too."""
import bisect
import copy
import glob
import json
import os
import signal
import statistics
import sys
import threading
import time

sys.path.insert(0, os.path.abspath("tests/helpers"))
import preloaded
from preloaded import cpu_by_thread_s, cpu_s, end, timers
from server_run import BUILD, SANITIZED, Server, done, is_, ok, skip, wait_for
import trace_check

if SANITIZED:
    skip("the preload runs under no sanitizer")

HOLD_US = 30000
NAP_US = 50000
STEP_SIZE = 32 << 20
TRACING = b"Could not enable tracing: tracing is already enabled\n"
PROFILING = b"Could not enable tracing: cpu profiling already in use\n"
IN_USE = b"Could not enable CPU profiling: cpu profiling already in use\n"
server = Server(shim=True, render="preprof-render")


def start(name, *arguments):
    return preloaded.start(server, os.path.join(BUILD, "tests/programs", name), *arguments)


def ask(pid, query, kind="trace"):
    return server.get(f"/pid/{pid}/debug/pprof/{kind}?{query}")


def words(pid):
    """The header of a segment; in moments, only a trace writes there again and again."""
    path, = glob.glob(f"{server.environment['PREPROF_DIR']}/{pid}-*")
    with open(path, "rb") as segment:
        return segment.read(4096)


def is_over(pid):
    """No CPU timer, no event and no renewed lease."""
    before = words(pid)
    time.sleep(0.25)
    return timers(pid) == 0 and words(pid) == before


def checked(answer, name):
    """The trace and its CPU samples, by the format's rules."""
    try:
        trace = json.loads(answer.body)
        samples, wrong = trace_check.check(trace), None
    except (ValueError, trace_check.Wrong) as error:
        trace, samples, wrong = {"traceEvents": [], "otherData": {}, "stackFrames": {}}, {}, error
    is_(wrong, None, f"{name}: as the format demands")
    return trace, samples


def events(trace, phase, name):
    return [event for event in trace["traceEvents"]
            if event["ph"] == phase and event["name"] == name]


def stack(trace, event):
    """Function names, leaf first."""
    names, at = [], event.get("sf")
    while at is not None:
        frame = trace["stackFrames"][str(at)]
        names.append(frame["name"])
        at = frame.get("parent")
    return names


# Everything, of known length
program = start("moments")
began_us = time.monotonic_ns() / 1e3
before, begin = cpu_s(program.pid), time.monotonic()
answer = ask(program.pid, "seconds=2")
took, spent = time.monotonic() - begin, cpu_s(program.pid) - before
ended_us = time.monotonic_ns() / 1e3
is_((answer.status, answer.headers["content-type"], answer.headers["content-disposition"]),
    (200, "application/json; charset=utf-8", 'attachment; filename="trace.json"'), "a trace")
ok(2 <= took < 3.5, f"seconds=2 takes {took:.2f} s")
trace, samples = checked(answer, "moments")
threads = {event["args"]["name"]: event["tid"] for event in events(trace, "M", "thread_name")}
ok({"spinner", "napper", "holder", "waiter"} <= set(threads), f"threads have their names: {threads}")
is_([event["args"]["name"] for event in events(trace, "M", "process_name")], ["moments"],
    "and so has the process")
is_({event["pid"] for event in trace["traceEvents"]}, {program.pid}, "all of one process")
is_([trace["otherData"][key] for key in ("events lost", "short waits left out")], ["0", "0"],
    "no event is lost or left out")

spins = samples.get(threads.get("spinner"), [])
naps = samples.get(threads.get("napper"), [])
count = sum(map(len, samples.values()))
ok(0.5 < count / (spent * 100) < 1.2, f"{count} samples of {spent:.2f} s of CPU time")
here = [names for _, _, names in spins if names[:2] == ["spin_here", "spin"]]
ok(len(here) >= 0.95 * len(spins) > 0, f"{len(here)} of {len(spins)} in spin_here, called by spin")
times = [us for us, _, _ in spins]
ok(times == sorted(times) and all(began_us - 2e4 < us < ended_us for us in times),
   "at times within the trace")
shown = sum(us for listed in samples.values() for _, us, _ in listed) / 1e6
ok(0.7 < shown / spent < 1.3, f"they last {shown:.2f} s together")
# A sample of each 10 ms that a thread ran: where it naps, nothing is shown
ok(naps and times[-1] - times[0] > 1.5e6, f"over {(times[-1] - times[0]) / 1e6:.2f} s")
napped = [b[0] - (a[0] + a[1]) for a, b in zip(naps, naps[1:]) if b[0] > a[0] + a[1]]
napped = [us for us in napped if us > NAP_US * 0.8]  # shorter ones are others' turns
ok(len(napped) > 3, f"{len(napped)} naps of {statistics.median(napped or [0]):.0f} us")
labelled = [event for event in events(trace, "i", "CPU sample")
            if event["tid"] == threads["napper"]]
is_([event["args"]["labels"] for event in labelled], [{"job": "nap"}] * len(naps),
    "each sample of a thread with a label has it")
ok(all("nap" in stack(trace, event) for event in labelled), "and its stack")
ok(not any(event["tid"] == threads["spinner"] for event in events(trace, "i", "CPU sample")),
   "one of a thread without is not said twice")

waits = [event for event in events(trace, "X", "wait") if event["tid"] == threads.get("waiter")
         and stack(trace, event)[:2] == ["wait_here", "wait_for_it"]]
durations = [event["dur"] for event in waits]
ok(len(waits) > 15, f"{len(waits)} waits in wait_here")
ok(durations and HOLD_US * 0.9 < statistics.median(durations) < HOLD_US * 1.5,
   f"of {HOLD_US} us: {statistics.median(durations or [0]):.0f}")
ok(all(began_us < event["ts"] and event["ts"] + event["dur"] < ended_us for event in waits),
   "within the trace")
ok(all(a["ts"] + a["dur"] <= b["ts"] for a, b in zip(waits, waits[1:])), "one after the other")
with open("tests/programs/moments.c") as source:
    line = 1 + next(i for i, text in enumerate(source) if "pthread_mutex_lock" in text)
ok(waits and all(event["args"]["place"].startswith("wait_here ") and
                 event["args"]["place"].endswith(f"/moments.c:{line}") for event in waits),
   f"with their place: {waits[0]['args'] if waits else None}")
is_([event["args"].get("labels") for event in waits], [{"job": "wait", "queue": '"7"'}] * len(waits),
    "and their labels")
releases = [event for event in events(trace, "i", "release")
            if event["tid"] == threads.get("holder") and stack(trace, event)[0] == "give_back"]
ok(abs(len(releases) - len(waits)) <= 1, f"{len(releases)} releases in give_back")
starts = [event["ts"] for event in waits]
places = [bisect.bisect(starts, event["ts"]) for event in releases]
ok(places and places == sorted(set(places)), "one at the most from a wait's begin to the next")

heap = [event["args"]["bytes"] for event in events(trace, "C", "heap in use")]
low, high = min(heap), max(heap)
ok(len(heap) > 10 and STEP_SIZE <= high - low < STEP_SIZE + (1 << 20) and low < 1 << 20,
   f"the heap goes from {low} to {high} bytes")
ok(all(value - low < 1 << 20 or high - value < 1 << 20 for value in heap), "and nowhere else")
rss = [event["args"]["bytes"] for event in events(trace, "C", "resident memory")]
ok(max(rss) - min(rss) > 0.9 * STEP_SIZE, "resident memory follows")

# The trace's waits are the trace's only
body = ask(program.pid, "debug=1", "block").body
ok(b"wait_here" not in body, "the block profile has none of these waits")
ok(wait_for(lambda: is_over(program.pid), 2), "nothing runs any more")

# The checker refuses what is wrong
def damaged(change):
    copied = copy.deepcopy(trace)
    try:
        change(copied)
        trace_check.check(copied)
    except trace_check.Wrong:
        return True
    return False


def first(copied, phase):
    return next(event for event in copied["traceEvents"] if event["ph"] == phase)


damages = {
    "no dur": lambda t: first(t, "X").pop("dur"),
    "a text for ts": lambda t: first(t, "X").update(ts="1"),
    "no such frame": lambda t: first(t, "i").update(sf=10**9),
    "an unknown key": lambda t: first(t, "C").update(dur=1),
    "a counter without value": lambda t: first(t, "C").update(args={}),
    "an unknown phase": lambda t: first(t, "M").update(ph="?"),
    "a circle": lambda t: t["stackFrames"]["1"].update(parent=1),
    "one time too few": lambda t: next(
        event for event in t["traceEvents"] if event["name"] == "ProfileChunk"
    )["args"]["data"]["timeDeltas"].pop(),
    "a key more": lambda t: t.update(more=1),
}
for name, change in damages.items():
    ok(damaged(change), f"the checker sees {name}")

# Short ones; what makes no sense is a second
for query, low, high in ("seconds=0.5", 0.5, 1), ("seconds=x", 1, 2.5):
    begin = time.monotonic()
    answer = ask(program.pid, query)
    took = time.monotonic() - begin
    checked(answer, query)
    ok(answer.status == 200 and low <= took < high, f"{query} takes {took:.2f} s")
answer = server.get("/exe/moments/debug/pprof/trace?seconds=0.1")
is_(answer.status, 200, "/exe/moments")
checked(answer, "/exe/moments")

# One at a time, and no CPU profile beside it
for kind, query, refusal in (("trace", "seconds=0.2", TRACING), ("profile", "seconds=1", IN_USE)):
    wait_for(lambda: timers(program.pid) == 0, 2)
    first_one = []
    other = threading.Thread(
        target=lambda: first_one.append(ask(program.pid, "seconds=0.8").status))
    other.start()
    wait_for(lambda: timers(program.pid) > 0, 5)
    answer = ask(program.pid, query, kind)
    is_((answer.status, answer.headers.get("x-go-pprof"), answer.body), (500, "1", refusal),
        f"{kind} while a trace runs")
    other.join()
    is_(first_one, [200], "which goes on")
wait_for(lambda: timers(program.pid) == 0, 2)
other = threading.Thread(target=lambda: ask(program.pid, "seconds=1", "profile"))
other.start()
wait_for(lambda: timers(program.pid) > 0, 5)
answer = ask(program.pid, "seconds=0.1")
is_((answer.status, answer.body), (500, PROFILING), "a trace while a CPU profile runs")
other.join()

# Who leaves
for reset in False, True:
    client = server.client()
    client.send(b"GET /pid/%d/debug/pprof/trace?seconds=30 HTTP/1.1\r\nHost: localhost\r\n\r\n"
                % program.pid)
    ok(wait_for(lambda: timers(program.pid) > 0, 5), "a client asks for 30 s")
    ok(not is_over(program.pid), "a trace runs")
    client.close(reset=reset)
    ok(wait_for(lambda: is_over(program.pid), 2), "it leaves: nothing runs within 2 s")
is_(ask(program.pid, "seconds=0.1").status, 200, "and the next one may ask")
end(program)

# Many threads
spin = start("spin", "64", "60")
before = cpu_by_thread_s(spin.pid)
trace, samples = checked(ask(spin.pid, "seconds=2"), "64 threads")
after = cpu_by_thread_s(spin.pid)
ran = {tid for tid in after if after[tid] - before.get(tid, 0) > 0.03}
ok(samples and len(ran & set(samples)) >= 0.9 * len(ran),
   f"samples of {len(ran & set(samples))} of {len(ran)} threads that ran")
is_(len({event["tid"] for event in events(trace, "M", "thread_name")} & set(samples)),
    len(samples), "all have names")
is_(trace["otherData"]["events lost"], "0", "no event is lost")
end(spin)

# A program that ends meanwhile, and one that has
ending = start("moments", "0.8")
answer = ask(ending.pid, "seconds=1")
ending.wait()
ending.stdout.close()
trace, samples = checked(answer, "a program that ended")
ok(sum(map(len, samples.values())) > 0, "what it did is there")
answer = ask(ending.pid, "seconds=1")
is_((answer.status, answer.headers.get("x-go-pprof")), (404, "1"), "a program that has ended")

# The server is killed
program = start("moments")
client = server.client()
client.send(b"GET /pid/%d/debug/pprof/trace?seconds=30 HTTP/1.1\r\nHost: localhost\r\n\r\n"
            % program.pid)
ok(wait_for(lambda: timers(program.pid) > 0, 5), "a client asks for 30 s")
ok(not is_over(program.pid), "a trace runs")
server.stop(signal.SIGKILL)
ok(wait_for(lambda: is_over(program.pid), 2), "the server is killed: nothing runs within 2 s")
end(program)
done()
