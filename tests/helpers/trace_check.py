# SPDX-License-Identifier: MIT
"""What the published trace event format demands of a trace, and what V8's CPU
profiles in it must be. Strict: a key that the format does not have is an error.
Nothing here is taken from our writer."""

TOP = {"traceEvents": list, "displayTimeUnit": str, "otherData": dict, "stackFrames": dict}
# phase: keys it must have, and may have besides these and `cat`
PHASES = {
    "X": ({"name", "ph", "pid", "tid", "ts", "dur"}, {"sf", "args"}),
    "i": ({"name", "ph", "pid", "tid", "ts", "s"}, {"sf", "args"}),
    "C": ({"name", "ph", "pid", "ts", "args"}, {"tid", "id"}),
    "M": ({"name", "ph", "pid", "args"}, {"tid", "ts"}),
    "P": ({"name", "ph", "pid", "tid", "ts", "id", "args"}, set()),
}
METADATA = {"process_name": str, "thread_name": str}


class Wrong(Exception):
    pass


def need(good, what, where):
    if not good:
        raise Wrong(f"{what}: {str(where)[:200]}")


def is_integer(value):
    return type(value) is int


def is_number(value):
    return type(value) in (int, float)


def check_frames(frames):
    for key, frame in frames.items():
        need(set(frame) - {"parent"} == {"name", "category"}, "keys of a frame", frame)
        need(type(frame["name"]) is str and frame["name"], "name of a frame", frame)
        need(type(frame["category"]) is str, "category of a frame", frame)
        seen = {key}
        while "parent" in frame:
            parent = str(frame["parent"])
            need(parent in frames, "parent of a frame", frame)
            need(parent not in seen, "a circle of frames", frame)
            seen.add(parent)
            frame = frames[parent]


def check_event(event, frames):
    need(event.get("ph") in PHASES, "phase", event)
    must, may = PHASES[event["ph"]]
    need(must <= set(event), "keys missing", event)
    need(set(event) <= must | may | {"cat"}, "keys unknown", event)
    need(type(event["name"]) is str and event["name"], "name", event)
    need(type(event.get("cat", "")) is str, "cat", event)
    for key in "pid", "tid":
        need(is_integer(event.get(key, 1)) and event.get(key, 1) > 0, key, event)
    for key in "ts", "dur":
        need(is_number(event.get(key, 0)) and event.get(key, 0) >= 0, key, event)
    need(type(event.get("args", {})) is dict, "args", event)
    if "sf" in event:
        need(str(event["sf"]) in frames, "sf", event)
    if event["ph"] == "i":
        need(event["s"] in ("g", "p", "t"), "scope", event)
    if event["ph"] == "C":
        need(event["args"] and all(map(is_number, event["args"].values())), "counter", event)
    if event["ph"] == "M":
        need(event["name"] in METADATA, "metadata", event)
        need(set(event["args"]) == {"name"} and
             type(event["args"]["name"]) is METADATA[event["name"]], "metadata's args", event)


def check_node(node, nodes):
    need({"id", "callFrame"} <= set(node) <= {"id", "callFrame", "parent"}, "keys of a node", node)
    need(is_integer(node["id"]) and node["id"] not in nodes, "id of a node", node)
    need(node.get("parent") is None or node["parent"] in nodes, "parent comes first", node)
    frame = node["callFrame"]
    need(set(frame) == {"functionName", "url", "scriptId", "lineNumber", "columnNumber"},
         "keys of a callFrame", node)
    need(type(frame["functionName"]) is str and frame["functionName"], "functionName", node)
    need(type(frame["url"]) is str, "url", node)
    need(is_integer(frame["lineNumber"]) and frame["lineNumber"] >= 0, "lineNumber", node)


def lasting(samples):
    """(microseconds, how many it lasts, stack) of all but those that are idle."""
    need(samples[-1][1] == ["(idle)"], "the last sample has an end", samples[-1])
    return [(at, until - at, stack) for (at, stack), (until, _) in zip(samples, samples[1:])
            if stack != ["(idle)"]]


def read_profiles(events):
    """{tid: [(microseconds, how many it lasts, [function names, leaf first])]}, as
    Perfetto and DevTools read them: each until the next."""
    starts, nodes, profiles = {}, {}, {}
    for event in events:
        if event["ph"] != "P":
            continue
        session = int(event["id"], 16), event["pid"]
        data = event["args"]["data"]
        if event["name"] == "Profile":
            need(set(data) == {"startTime"} and is_integer(data["startTime"]), "startTime", event)
            need(session not in starts, "a profile twice", event)
            starts[session], nodes[session] = data["startTime"], {}
            continue
        need(event["name"] == "ProfileChunk", "name of a P event", event)
        need(session in starts, "a chunk before its profile", event)
        need(set(data) == {"cpuProfile", "timeDeltas"}, "data of a chunk", event)
        profile = data["cpuProfile"]
        need(set(profile) == {"nodes", "samples"}, "keys of a cpuProfile", event)
        for node in profile["nodes"]:
            check_node(node, nodes[session])
            nodes[session][node["id"]] = node
        need(len(profile["samples"]) == len(data["timeDeltas"]), "samples and times", event)
        for sample, delta in zip(profile["samples"], data["timeDeltas"]):
            need(is_integer(delta) and delta >= 0, "timeDelta", event)
            need(sample in nodes[session], "node of a sample", sample)
            starts[session] += delta
            stack, node = [], nodes[session][sample]
            while node:
                stack.append(node["callFrame"]["functionName"])
                node = nodes[session].get(node.get("parent"))
            need(stack.pop() == "(root)", "stacks begin with V8's root", stack)
            profiles.setdefault(event["tid"], []).append((starts[session], stack))
    return {tid: lasting(samples) for tid, samples in profiles.items()}


def check(trace):
    """Raises Wrong, or returns the CPU samples as read_profiles()."""
    need(type(trace) is dict and set(trace) == set(TOP), "keys of the trace", trace)
    for key, kind in TOP.items():
        need(type(trace[key]) is kind, key, trace[key])
    need(trace["displayTimeUnit"] in ("ms", "ns"), "displayTimeUnit", trace["displayTimeUnit"])
    # Perfetto's reader stops at a key that it does not know.
    need(list(trace)[-1] == "stackFrames", "stackFrames is last", list(trace))
    for key, value in trace["otherData"].items():
        need(type(value) is str, "otherData is text", (key, value))
    # By these keys speedscope knows a trace that has CPU profiles.
    need({"pid", "tid", "ph", "cat"} <= set(trace["traceEvents"][0]), "first event",
         trace["traceEvents"][0])
    need(all("ts" in event for event in trace["traceEvents"]), "every event has a time", "")
    check_frames(trace["stackFrames"])
    for event in trace["traceEvents"]:
        check_event(event, trace["stackFrames"])
    return read_profiles(trace["traceEvents"])
