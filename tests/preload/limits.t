#!/bin/sh
# Under every limit the program does what it does without the shim; what is
# recorded then is exact in its totals, and what could not be is a loss that the
# profile tells (hazards G1, H4; design 3.5).
build=$PWD/${BUILD:-build/release}
shim=$build/libpreprof.so
programs=$build/tests/programs
. ./tests/ok.sh
work=$(mktemp -d)
enter=
trap 'rm -rf "$work"' EXIT
export PREPROF_DIR="$work/segments" PREPROF_OUT="$work/profile" \
    PREPROF_MODE=exact
cd "$work" || exit 1

show() { cat out err stat; }
skip() { # skip NUMBER REASON
    for _ in $(seq "$1"); do
        count=$((count + 1)); echo "ok $count # SKIP $2"
    done
}
value() { awk -v key="$1" '$1 == key { print $2 }' stat; }
# limited COMMANDS PROGRAM...: runs a program after shell commands that limit
# it, with and without the shim; the same output and status? Its numbers in
# stat, when it has a profile.
limited() {
    limits=$1; shift
    rm -f profile stat
    $enter sh -c "$limits"'; export LD_PRELOAD=; exec "$@"' sh "$@" >plain 2>plain.err
    plain=$?
    $enter sh -c "$limits"'; export LD_PRELOAD=$0; exec "$@"' "$shim" "$@" >out 2>err
    status=$?
    [ ! -e profile ] || "$programs/dumpstat" profile >stat
    [ $status = $plain ] && cmp -s plain out && cmp -s plain.err err
}
# is KEY VALUE...: whether stat says so
is() {
    while [ $# -gt 1 ]; do
        [ "$(value "$1")" = "$2" ] || return 1
        shift 2
    done
}
spread_is_whole() { # of spread with 1024 stacks
    is alloc_objects 1025 free_objects 513 inuse_space 20480
}

# ---- the tables' own limits ----
limited : "$programs/spread" 14 90
[ $? = 0 ] && is alloc_objects 16385 free_objects 8193 inuse_objects 8192 \
    inuse_space 327680 nodes_used 1048576 && [ "$(value loss_TABLE_FULL)" -gt 0 ]
ok $? "1.5 million frames: exact totals, $(value loss_TABLE_FULL) charged to outer ones"

# ---- ulimit -v ----
for kib in 8000 20000 40000 100000 400000 2000000; do
    limited "ulimit -v $kib" "$programs/spread"
    ok $? "address space of $kib KiB: the same"
    if [ $kib -lt 40000 ]; then # a segment, its indexes and the owner map
        [ ! -e profile ]
        ok $? "nothing is recorded"
    else
        spread_is_whole
        ok $? "everything is recorded"
    fi
done
limited "ulimit -v 400000" "$programs/spread" 10 10 200
[ $? = 0 ] && [ $status = 0 ] && spread_is_whole
ok $? "half of an address space is left to the program"

# ---- ulimit -f, in units of 512 bytes ----
limited "ulimit -f 0" "$programs/spread"
[ $? = 0 ] && [ ! -e profile ] && [ ! -e segments/* ]
ok $? "no file may be written: no segment, no SIGXFSZ"
limited "ulimit -f 2048" "$programs/spread" 12 90
[ $? = 0 ] && is alloc_objects 4097 free_objects 2049 inuse_space 81920 &&
    [ "$(value loss_NO_ROOM)" -gt 0 ] && [ "$(wc -c <profile)" -le 1048576 ]
ok $? "files of 1 MiB: exact totals, $(value loss_NO_ROOM) extents refused"
rm -f profile
LD_PRELOAD=$shim sh -c 'ulimit -f 0; exit 3'
[ $? = 3 ] && [ ! -e profile ] && [ "$(ls segments | wc -l)" = 1 ]
ok $? "a limit that comes later: the segment stays, no SIGXFSZ"
rm -rf segments

# ---- descriptors, locked memory, the rest ----
for limit in "n 4" "l 0" "d 20000" "s 100" "m 0" "t 5"; do
    limited "ulimit -$limit" "$programs/spread"
    ok $? "ulimit -$limit: the same"
done
limited "ulimit -n 5" "$programs/spread" && spread_is_whole
ok $? "two descriptors are enough"
limited : sh -c 'ulimit -n 3; (echo child); exit 4' # fewer, and ld.so fails
[ $? = 0 ] && [ $status = 4 ] && [ "$(cat out)" = child ]
ok $? "none is left to a child: the same"

cat >lock.py <<'EOF'
import ctypes
if ctypes.CDLL(None).mlockall(1) != 0: raise SystemExit(1)
for line in open("/proc/self/status"):
    if line.startswith("VmRSS"): print(line.split()[1])
EOF
if plain=$(/usr/bin/python3 lock.py); then
    locked=$(LD_PRELOAD=$shim /usr/bin/python3 lock.py)
    [ $((locked - plain)) -lt 65536 ] # not the 256 MiB of a whole segment
    ok $? "mlockall() locks $(((locked - plain) / 1024)) MiB more"
else
    skip 1 "may not lock all memory"
fi

# Whoever is not root may lock so much: all that is mapped from then on counts.
cat >future.py <<'EOF'
import ctypes
print(ctypes.CDLL(None).mlockall(2)) # MCL_FUTURE
print(len([[str(i)] for i in range(2000)]))
EOF
if [ "$(id -u)" = 0 ]; then
    chmod 711 .
    mkdir -m 700 theirs
    chown 65534 theirs
    cp "$shim" theirs.so
    mine=$shim shim=$work/theirs.so
    for kib in 1024 4096; do
        rm -f theirs/profile
        limited "ulimit -l $kib
            export PREPROF_DIR=$work/theirs PREPROF_OUT=$work/theirs/profile" \
            setpriv --reuid=65534 --clear-groups --bounding-set=-all \
            env PYTHONMALLOC=malloc /usr/bin/python3 future.py
        ok $? "$kib KiB may be locked, and all shall be: the same, status $status"
    done
    "$programs/dumpstat" theirs/profile >stat && is status 0 &&
        [ "$(value alloc_objects)" -gt 20000 ]
    ok $? "with 4096 it is recorded: $(value alloc_objects) allocations"
    shim=$mine
else
    skip 3 "needs root"
fi

# ---- full and missing filesystems, which nobody else sees ----
if unshare --mount mount -t tmpfs none /mnt 2>err; then
    enter="unshare --mount"
    mkdir small
    small() { # small MIB: commands
        echo "mount -t tmpfs -o size=$1m,mode=700 none small
            export PREPROF_DIR=$work/small"
    }
    limited "$(small 1)" "$programs/spread"
    [ $? = 0 ] && [ ! -e profile ]
    ok $? "a tmpfs of 1 MiB: nothing is recorded"
    limited "$(small 8)" "$programs/spread" 12 90
    [ $? = 0 ] && is alloc_objects 4097 free_objects 2049 inuse_space 81920 &&
        [ "$(value loss_NO_ROOM)" -gt 0 ]
    ok $? "one of 8 MiB: exact totals, $(value loss_NO_ROOM) extents refused"
    limited "$(small 64)" env PYTHONMALLOC=malloc /usr/bin/python3 -c '
try:
    with open("small/fill", "wb", buffering=0) as fill:
        while fill.write(bytes(4096)): pass
except OSError as error: print(error)
import json, re, argparse, unittest
print(len(json.dumps(list(range(1000)))))'
    [ $? = 0 ] && grep -q "No space left" out &&
        [ "$(value loss_NO_ROOM)" -gt 0 ] && is loss_UNKNOWN_ORIGIN 0
    ok $? "one that fills up later: no SIGBUS, $(value loss_NO_ROOM) extents refused"
    limited "unset PREPROF_DIR; mount -t tmpfs -o ro none /dev/shm" \
        "$programs/spread"
    [ $? = 0 ] && [ ! -e profile ]
    ok $? "a /dev/shm that cannot be written: nothing is recorded"
    limited "mount -t tmpfs none /proc" "$programs/spread"
    [ $? = 0 ] && spread_is_whole && is program spread
    ok $? "no /proc: everything is recorded"
else
    skip 5 "cannot mount here"
fi
echo "1..$count"
