#!/bin/sh
# SPDX-License-Identifier: MIT
# How much of the CFI interpreter the committed inputs of fuzz_cfi reach, by
# gcov's count of lines: of each file, and of all together.
floor=80 # per cent

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
case $(uname -m) in
x86_64) ;;
*) echo "1..0 # SKIP the inputs are tables of x86-64"; exit 0 ;;
esac
interpreter="cfi fde expression frame guess"
walker="$interpreter arch_x86_64 fiber os rules walk walk_escape"
sources=
for part in $walker; do sources="$sources $PWD/shim/$part.c"; done
inputs="$PWD/tests/fuzz"

(cd "$work" && gcc -std=gnu11 -O0 --coverage -D_GNU_SOURCE -I"$inputs/../../shim" \
    -o fuzz_cfi "$inputs/fuzz_cfi.c" "$inputs/replay.c" $sources) &&
    "$work/fuzz_cfi" >"$work/out" && ! grep '^not ok' "$work/out"
[ $? = 0 ] || { echo "Bail out! the inputs do not run"; exit 1; }
(cd "$work" && for part in $interpreter; do
    gcov -n "fuzz_cfi-$part.gcda" | grep -A1 "/$part.c'"
done) | awk -v floor="$floor" '
    function check(name, lines, per_cent) {
        printf "%sok %d - %s: %.1f %% of %d lines, at least %d %%\n",
            per_cent < floor ? "not " : "", ++count, name, per_cent, lines,
            floor
    }
    /^File/ { name = $2; gsub(/.*\/|'\''/, "", name) }
    /^Lines/ {
        split($2, part, /[:%]/)
        check(name, $4, part[2])
        lines += $4
        reached += $4 * part[2] / 100
    }
    END {
        check("all", lines, lines ? 100 * reached / lines : 0)
        print "1..6"
    }'
