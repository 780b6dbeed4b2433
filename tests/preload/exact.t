#!/bin/sh
# Exact mode on a program with prime counts: every number equal, none close.
# Real programs are in programs.t.
build=${BUILD:-build/release}
shim=$PWD/$build/libpreprof.so
programs=$build/tests/programs
. ./tests/ok.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PREPROF_DIR="$work/segments" PREPROF_VERBOSE=1

show() { cat "$work/err"; }
value() { awk -v key="$1" '$1 == key { print $2 }' "$work/stat"; }
profiled() { # profiled MODE COMMAND...
    mode=$1; shift
    LD_PRELOAD=$shim PREPROF_MODE=$mode PREPROF_OUT=$work/%n.preprof \
        "$@" >"$work/out" 2>"$work/err"
    status=$?
}

profiled exact "$programs/primes"
ok "$status" "primes runs"
# 101 + 5003 + 211 calls; 1009 bytes take 1016 on glibc
[ "$(cat "$work/out")" = "mallocs 5315 inuse 102616 objects 101 left 0 identity 0" ]
ok $? "MemStats count every call to the byte"
"$programs/dumpstat" "$work/primes.preprof" >"$work/stat"
ok $? "the dump is readable"
[ "$(ls "$PREPROF_DIR" | wc -l)" = 0 ]
ok $? "a clean exit leaves no segment"
"$programs/dumpstat" "$work/primes.preprof" callers >"$work/callers"
grep -q ' 101 102616 101 102616$' "$work/callers"
ok $? "keep() has its 101 blocks"
grep -q ' 5003 200120 5003 200120$' "$work/callers"
ok $? "churn() has its 5003 pairs"

profiled exact "$programs/hole"
"$build/preprof-convert" "$work/hole.preprof" -f folded -o "$work/out" 2>"$work/err" &&
    grep -q ";main;" "$work/out"
ok $? "an executable with a hole in it: readable, and its functions have names"
profiled sample "$programs/primes"
ok "$status" "primes runs when sampled"
profiled off "$programs/primes"
"$programs/dumpstat" "$work/primes.preprof" >"$work/stat"
[ "$status" = 0 ] && [ "$(value alloc_objects)" = 0 ]
ok $? "nothing is recorded when off"

env -u LD_PRELOAD "$programs/primes" 2>"$work/err"
[ $? = 3 ] && grep -q "Function not implemented" "$work/err"
ok $? "without the shim the API says ENOSYS"

echo "1..$count"
