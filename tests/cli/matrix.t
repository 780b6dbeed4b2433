#!/bin/sh
# tests/matrix/run.py compares what it says: a shim's doing is a difference in
# its aspect alone, a program's own is none, and fails the row until it says so.
. ./tests/ok.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A machine of two processes. What the first one catches, as it is told and as
# the kernel knows, is in plain runs the masks of a list in turn.
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=tests/matrix python3 - >"$work/out" 2>"$work/err" <<'END_OF_PYTHON'
import run

run.version_of = str

def state(masks, descriptors):
    told, _, kernel = masks.partition("/")
    return dict(dict.fromkeys(run.ASPECTS[4:], "0"), caught=told,
                kernel_caught=kernel or told, fds=descriptors)

class Machine:
    def __init__(self, plain, shim):
        self.plain, self.shim, self.runs = plain, shim, 0

    def run(self, row, mode):
        if mode is None:
            masks = self.plain[min(self.runs, len(self.plain) - 1)]
            self.runs += 1
        else:
            masks = self.shim
        states = [("end", "sh", state(masks, "1")),
                  ("end", "sh", state("5", "2"))]
        states.sort(key=lambda s: sorted(s[2].items()))
        return run.Result(0, b"", b"", states)

    def count(self):
        return run.ENOUGH, 2, 0.0

def row(name, plain, shim, varies=()):
    cells, good = run.run_row(Machine(plain, shim), run.Row(
        name, "dash", None, None, list(varies), None, ""))
    print(name, good, *cells[4:], sep="|")

row("alike", ["1"], "1")
row("the shim", ["1"], "9")
row("ours", ["1"], "1/%x" % (1 | min(run.CPU_SIGNALS)))
row("hidden", ["1"], "1/3")
row("seen at once", ["1", "9"], "1")
row("seen later", ["1", "1", "1", "9"], "9")
row("said", ["1"], "9", ["caught"])
END_OF_PYTHON
show() { cat "$work/line" "$work/err"; }
is() { # is NAME LINE
    grep "^$1|" "$work/out" >"$work/line"
    echo "$1|$2" | cmp -s - "$work/line"
    ok $? "$1: $2"
}
all() { echo "$1|$1|$1|"; }
own='varies unexpectedly without the shim: caught'
is alike "True|$(all same)"
is 'the shim' "False|$(all 'differs: caught')"
is ours "True|$(all same)"
is hidden "False|$(all 'differs: kernel_caught')"
is 'seen at once' "False|$(all same)$own"
is 'seen later' "False|$(all same)$own"
is said "True|$(all same)varies by itself: caught"
echo "1..$count"
