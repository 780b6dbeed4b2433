#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh - every fuzz target under libFuzzer, asan and ubsan, FUZZ_SECONDS each.
#
# Starts from tests/fuzz/corpus/NAME and never writes there: what is found on
# the way goes to a temporary directory, inputs that crash to build/fuzz/found.
# Copy such a file to the corpus and it is a test (replay.c). Arguments are
# names of targets; none means all. Run from the repository's root.
set -u
seconds=${FUZZ_SECONDS:-60}
build=build/fuzz
found=$build/found
sanitize=-fsanitize=fuzzer,address,undefined

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void)
      { return 0; }' >"$work/probe.c"
if ! clang $sanitize -o "$work/probe" "$work/probe.c" 2>"$work/probe.err"; then
    echo "tests/fuzz/run.sh: needs clang with libFuzzer (make deps-matrix):" \
        "$(head -n 1 "$work/probe.err")" >&2
    exit 1
fi

names=$*
if [ -z "$names" ]; then
    names=$(ls tests/fuzz/fuzz_*.c | sed 's,.*/fuzz_\(.*\)\.c,\1,')
fi
programs=
for name in $names; do programs="$programs $build/tests/fuzz/fuzz_$name"; done
make --no-print-directory B=$build CC=clang FUZZ_ENGINE= \
    CFLAGS="-O1 $sanitize -fno-sanitize-recover=all -fno-omit-frame-pointer" \
    $programs || exit 1

mkdir -p $found
status=0
for name in $names; do
    mkdir "$work/$name"
    log=$build/fuzz_$name.log
    if nice $build/tests/fuzz/fuzz_$name -max_total_time="$seconds" \
        -timeout=10 -print_final_stats=1 -artifact_prefix="$found/$name-" \
        "$work/$name" tests/fuzz/corpus/$name >"$log" 2>&1; then
        result=ok
    else
        result='not ok'
        status=1
    fi
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    covered=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    echo "$result - fuzz_$name: ${runs:-?} runs, ${covered:-?} edges ($log)"
    [ "$result" = ok ] || grep -m 3 -e 'ERROR: ' -e 'runtime error: ' \
        -e 'Test unit written to' "$log"
done
exit $status
