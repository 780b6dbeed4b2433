#!/bin/sh
# SPDX-License-Identifier: MIT
# Stacks where the next one is not what the last one lets expect: longjmp,
# fibers, signal stacks, libraries that come, go and replace each other,
# exceptions, vfork. Each as the program (detours.c) says, whole and counted.
build=${BUILD:-build/release}
programs=$build/tests/programs
. ./tests/ok.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PREPROF_DIR="$work/segments" LC_ALL=C.UTF-8

show() { cat "$work/stacks"; }
: >"$work/stacks"
LD_PRELOAD=$PWD/$build/libpreprof.so PREPROF_MODE=exact \
    PREPROF_OUT=$work/profile "$programs/detours" "$programs" >"$work/out"
ok $? "the program runs"
[ "$(cat "$work/out")" -ge 30 ]
ok $? "libraries came to lie where others had been"
"$build/preprof-convert" "$work/profile" -f folded -o "$work/folded"
ok $? "the profile is readable"
grep ';keep [0-9]*$' "$work/folded" >"$work/stacks"

# stacks BLOCKS SIZE PATTERN NAME: the blocks of all stacks that match. A block
# may take 16 bytes more than it needs.
main='_start;([^;]*;)*main'
stacks() {
    awk -v pattern="^$3;keep\$" -v blocks="$1" -v size="$2" '
        { line = $0; bytes = $NF; sub(/ [0-9]+$/, "") }
        $0 ~ pattern { sum += bytes; print line }
        END { exit sum < blocks * size || sum > blocks * (size + 16) }
    ' "$work/stacks" >>"$work/known"
    ok $? "$4"
}
stacks 61 1016 "$main;over_longjmp(;jump_out)+" "longjmp over captured frames"
stacks 61 1016 '[^;]*;fiber' "a fiber"
stacks 61 1032 "$main;on_fibers" "... and outside it"
stacks 61 1032 "$main;on_signal_stack;raise_it;raise;.*on_signal" \
    "an alternate signal stack"
stacks 61 1048 "$main;across_reloads;reload;load;.*;carry_constructor" \
    "constructors while a library is loaded"
stacks 183 1032 "$main;across_reloads;reload;carry" \
    "libraries with other frames at the same addresses"
stacks 61 1064 "$main;past_throws;catch_one" "a C++ plugin that throws"
stacks 61 1048 "$main;after_vfork" "a parent after vfork"
stacks 61 1064 "$main;with_iconv;convert" "iconv's modules"
sort "$work/known" >"$work/a"
sort "$work/stacks" | cmp -s - "$work/a"
ok $? "no other stack has any of it, and none two"
echo "1..$count"
