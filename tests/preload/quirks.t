#!/bin/sh
# What programs should not, or seldom do around malloc: quirks.c does it. They
# see and say the same with the shim as without, in every mode, and a process
# that runs out of memory, its own or its cgroup's, leaves a whole profile (hazards
# A7, A11, A17, B8, B9, D18, F8, F12, F15, G8, H5).
build=$PWD/${BUILD:-build/release}
programs=$build/tests/programs
shim=$build/libpreprof.so
. ./tests/ok.sh
work=$(mktemp -d)
group=
trap 'rm -rf "$work"; [ -z "$group" ] || rmdir "$group"' EXIT
cd "$work" || exit 1
export PREPROF_DIR="$work/segments"
ulimit -c 0

show() { diff plain out 2>&1 | cat - stat | head -n 20; }
# said PRELOADS COMMAND...: output, then the status; without addresses
said() {
    loaded=$1; shift
    { LD_PRELOAD=$loaded timeout 30 "$@" 2>&1; echo "status $?"; } |
        sed 's/0x[0-9a-f]*/ADDRESS/g'
}
# same NAME PRELOADS COMMAND...: of the preloads, SHIM is left out or is us, and
# has made the folder of its segments
same() {
    name=$1 preloads=$2; shift 2
    said "$(echo "$preloads" | sed s/SHIM//)" "$@" >plain
    for mode in off sample=1 exact; do
        rm -rf segments
        PREPROF_MODE=$mode said "$(echo "$preloads" | sed "s,SHIM,$shim,")" "$@" >out
        cmp -s plain out && [ -d segments ]
        ok $? "$name, $mode: the same, $(tail -n 1 out)"
    done
}

quirks=$programs/quirks
same "libc's malloc behind our back (RTLD_DEEPBIND)" SHIM "$quirks" deepbind "$programs"
same "a namespace with a libc of its own (dlmopen)" SHIM "$quirks" namespace "$programs"
same "cancelled anywhere" "SHIM:$programs/libbump.so" "$quirks" cancel
same "malloc is no cancellation point" SHIM "$quirks" deferred
same "pthread_getattr_np in eight threads" SHIM "$quirks" bounds
same "mallinfo2, malloc_info, malloc_trim" SHIM "$quirks" heap
for abuse in double invalid past; do
    same "libc's complaint of $abuse" SHIM "$quirks" $abuse
    same "libc_malloc_debug's of $abuse" libc_malloc_debug.so.0:SHIM \
        env MALLOC_CHECK_=3 "$quirks" $abuse
done
same "a user namespace" SHIM "$quirks" user
faketime=$(find /usr/lib -name libfaketime.so.1 2>/dev/null | head -n 1)
if [ -n "$faketime" ]; then
    same "faketime" "SHIM:$faketime" env FAKETIME='@2001-02-03 04:05:06' date +%F
else
    count=$((count + 1)); echo "ok $count # SKIP no libfaketime"
fi

# ---- no more memory ----
# Each dot is a block of 1 MiB, touched; the last one may be in the making.
whole() { # whole NAME MORE: whether the profile of a dead one has all its dots
    dots=$(wc -c <out)
    "$programs/dumpstat" segments/*-* >stat
    blocks=$(($(awk '$1 == "alloc_objects" { print $2 }' stat) - 31))
    [ "$(ls segments | wc -l)" = 1 ] && [ "$dots" -gt 30 ] && [ $((blocks - dots)) -ge 0 ] && [ $((blocks - dots)) -le "$2" ]
    ok $? "$1: the profile has all of $dots MiB that were allocated"
    rm -rf segments
}
rm -rf segments
(ulimit -v 400000
    PREPROF_MODE=exact LD_PRELOAD=$shim "$programs/ends" oom; exit $?) >out 2>err
[ $? = 134 ]
ok $? "out of ulimit -v: malloc fails, the program aborts"
whole "then" 0
group=/sys/fs/cgroup/memory/preprof-$$ limit=memory.limit_in_bytes
swap=memory.memsw.limit_in_bytes
[ -e /sys/fs/cgroup/memory ] || {
    group=/sys/fs/cgroup/preprof-$$ limit=memory.max swap=memory.swap.max; }
if mkdir "$group" 2>err && echo 64M 2>err >"$group/$limit"; then
    { echo 64M >"$group/$swap"; } 2>err
    PREPROF_MODE=exact sh -c 'echo $$ >"$0/cgroup.procs"; LD_PRELOAD=$1 exec "$2" oom' \
        "$group" "$shim" "$programs/ends" >out 2>err
    [ $? = 137 ]
    ok $? "out of a cgroup's memory: killed"
    whole "then" 1
else
    rmdir "$group" 2>/dev/null; group=
    for _ in 1 2; do
        count=$((count + 1)); echo "ok $count # SKIP no cgroup of ours: $(cat err)"
    done
fi
echo "1..$count"
