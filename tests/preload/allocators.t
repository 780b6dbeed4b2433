#!/bin/sh
# Exact mode over other allocators, preloaded behind us or linked: the same
# counts as over glibc, in usable sizes of their own. tcmalloc allocates inside
# malloc_usable_size(), and once recursed to death that way. One that stands in
# front of us bypasses us, which is said with its name (hazards A6, A9); it may
# know itself how much is in use, by mallinfo2().
build=$PWD/${BUILD:-build/release}
shim=$build/libpreprof.so
programs=$build/tests/programs
. ./tests/ok.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PREPROF_DIR="$work/segments" PREPROF_MODE=exact

show() { cat "$work/out" "$work/stat"; }
# primes PRELOADS PROGRAM: whether it counts all that primes.c does
primes() {
    LD_PRELOAD=$1 PREPROF_OUT=$work/profile timeout 20 "$2" >"$work/out" 2>&1
    "$programs/dumpstat" "$work/profile" >"$work/stat"
    grep -qx 'mallocs 5315 inuse [1-9][0-9]* objects 101 left 0 identity 0' \
        "$work/out"
}
for name in libjemalloc.so.2 libtcmalloc_minimal.so.4 libtcmalloc.so.4 \
    libmimalloc.so.2.0; do
    library=$(find /usr/lib -name "$name" 2>/dev/null | head -n 1)
    if [ -z "$library" ]; then
        for _ in 1 2 3; do
            count=$((count + 1)); echo "ok $count # SKIP no $name here"
        done
        continue
    fi
    primes "$shim:$library" "$programs/primes"
    ok $? "$name behind us"
    cc -O2 -fno-builtin -Ishim -o "$work/linked" tests/programs/primes.c \
        -Wl,--no-as-needed "$library" >"$work/out" 2>&1 &&
        primes "$shim" "$work/linked"
    ok $? "$name linked"
    ! primes "$library:$shim" "$programs/primes" &&
        grep -qx 'mallocs 0 inuse [0-9]* objects 0 left 0 identity 0' "$work/out" &&
        grep -qx "note $library" "$work/stat" && grep -qx 'status 1' "$work/stat"
    ok $? "$name in front: it bypasses us, and is named"
done
echo "1..$count"
