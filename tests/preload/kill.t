#!/bin/sh
# A process stopped or killed at any instruction of the shim leaves a segment
# that can be read, whose sums are right, and that says what had been done:
# at most the one block is missing that was being counted (hazards G2). Looks at
# every 13th instruction of three scenarios and kills 135 processes; under
# `make soak` at every one of all six, and 3000.
build=${BUILD:-build/release}
sweep=$build/tests/helpers/kill_sweep
export PREPROF_DIR="$(mktemp -d)"
trap 'rm -rf "$PREPROF_DIR"' EXIT

count=0
swept() { # swept MODE KIND SCENARIO STRIDE [COUNT]
    count=$((count + 1))
    said=$(PREPROF_MODE=$1 "$sweep" "$2" "$build/libpreprof.so" \
        "$build/tests/programs/steps" "$3" "$4" $5 2>&1)
    if [ $? = 0 ]; then echo "ok $count - $1, $2: $said"; else
        echo "not ok $count - $1, $2: $said"
    fi
    rm -f "$PREPROF_DIR"/[0-9]*
}
if [ -n "$SOAK" ]; then
    for scenario in warm stacks extent grow child; do
        swept exact look $scenario 1
        swept sample=1 look $scenario 1
        swept exact kill $scenario 79 600
    done
    export PREPROF_OUT="$PREPROF_DIR/kept"
    swept exact look exit 7
else
    swept exact look stacks 13
    swept exact look child 13
    swept sample=1 look grow 13
    for scenario in warm stacks extent; do
        swept exact kill $scenario 17 45
    done
fi
echo "1..$count"
