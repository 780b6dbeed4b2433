#!/bin/sh
# Threads: all counts exact, whoever frees and whoever ends first, with a shard
# for each thread and with one for all; and what each costs in memory.
build=${BUILD:-build/release}
shim=$PWD/$build/libpreprof.so
programs=$build/tests/programs
. ./tests/ok.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PREPROF_DIR="$work/segments"

show() { cat "$work/out" "$work/err"; }
# workers MODE THREADS BLOCKS STACKS: leaves its resident KiB in $resident
workers() {
    mode=$1; shift
    LD_PRELOAD=$shim PREPROF_MODE=$mode PREPROF_OUT=$work/profile \
        "$programs/workers" "$@" >"$work/out" 2>"$work/err"
    status=$?
    resident=$(sed -n 's/^resident //p' "$work/out")
}
# Blocks of 37 bytes take 40. Every worker leaves one of its blocks behind.
counted() { # counted THREADS BLOCKS: of the lines of workers.c's allocate()
    "$programs/dumpstat" "$work/profile" callers >"$work/out" 2>>"$work/err"
    all=$(($1 * $2 + $1)) freed=$(($1 * $2))
    grep -q " $all $((all * 40)) $freed $((freed * 40))\$" "$work/out"
}

for threads in 2 64 256; do
    workers exact "$threads" 1999 211
    [ "$status" = 0 ] && counted "$threads" 1999
    ok $? "$threads threads, each freeing its neighbour's blocks, main gone first"
done
workers exact 10000 1 1
few=$resident
[ "$status" = 0 ] && counted 10000 1
ok $? "10 000 threads that hardly allocate"
workers off 10000 1 1
extra=$((few - resident))
[ "$extra" -lt 102400 ]
ok $? "they take less than 100 MiB in all"
[ "$extra" -lt 40000 ]
ok $? "and less than 4 KiB each"
echo "# $extra KiB"

# What belongs to blocks and stacks is there with one thread already.
workers off 1 20000 2048; one=$resident
workers exact 1 20000 2048; one=$((resident - one))
workers off 61 20000 2048; many=$resident
workers exact 61 20000 2048; many=$((resident - many))
blocks=$((60 * 20000 * 48 / 8 / 1024))     # 4 bytes for 32 of the heap
stacks=$((60 * 2 * 64))                    # 32 for each stack, in extents
[ $(((many - one - blocks - stacks) / 60)) -lt 256 ]
ok $? "a thread that allocates much takes less than 256 KiB"
echo "# $(((many - one - blocks - stacks) / 60)) KiB, $((many - one)) in all"
echo "1..$count"
