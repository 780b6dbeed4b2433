#!/bin/sh
# A profile from a core file alone: complete where coredump_filter let the
# segment in, and one line that says why where not. Neither the core nor tmpfs
# grows by the holes of the sparse segment.
build=$PWD/${BUILD:-build/release}
. ./tests/ok.sh
work=$(mktemp -d)
victim=
trap '[ -z "$victim" ] || kill -KILL "$victim"; rm -rf "$work"' EXIT
export PREPROF_DIR="$work/segments"
cd "$work" || exit 1

show() { ls -ls core* segments 2>&1 | cat - out err; }
case $(cat /proc/sys/kernel/core_pattern) in
core) ;;
*)
    command -v gcore >/dev/null ||
        { echo "1..0 # SKIP no core files here, and no gcore"; exit 0; } ;;
esac
mkfifo in out_of
# started FILTER MODE: gates under the shim, which may leave a core
started() {
    (
        ulimit -c unlimited
        echo "$1" >/proc/self/coredump_filter
        # A forked child of the shell keeps the filter over exec.
        LD_PRELOAD=$build/libpreprof.so PREPROF_MODE=$2 \
            exec "$build/tests/programs/gates" <in >out_of 2>/dev/null
    ) &
    victim=$!
    exec 3>in 4<out_of
}
gate() { echo "$1" >&3; read -r _ <&4; }
# crashed: its core, as "core"
crashed() {
    rm -f core core.*
    case $(cat /proc/sys/kernel/core_pattern) in
    core) gate crash ;;
    *) gcore -o core "$victim" >/dev/null 2>&1; kill -KILL "$victim" ;;
    esac
    exec 3>&- 4<&-
    wait "$victim" 2>/dev/null; victim=
    [ -e core ] || mv core.* core
    size=$(stat -c %s core)
    segment=$(($(du -sk segments | cut -f 1)))
    rm -rf segments # the core has to do
}
# counted FILE OBJECTS: the bytes of gate() by a core, which are all in use
counted() {
    "$build/preprof-convert" "$1" -f folded -o out 2>err || return 1
    [ "$(awk '/;gate [0-9]+$/ { n += $NF } END { print n }' out)" = $(($2 * 1016)) ]
}

started 0x3b exact
gate 101; gate 31; crashed
counted core 132
ok $? "a core has the profile"
[ "$size" -lt 40000000 ] && [ "$segment" -lt 4096 ]
ok $? "and not the holes: $size bytes, $segment KiB of segment"
"$build/preprof-top" core >out 2>err && grep -q '^gates, pid .*: 1[0-9][0-9]' out
ok $? "top of a core"
head -c $((size / 8)) core >short
"$build/preprof-convert" short -o out 2>err
[ $? = 1 ] && [ "$(wc -l <err)" = 1 ] &&
    grep -Eq '^preprof-convert: short(:[0-9]+)?: ' err
ok $? "a truncated core: $(cat err)"
cp core damaged
printf '\377\377\377\377' | dd of=damaged conv=notrunc bs=1 seek=56 2>/dev/null
"$build/preprof-convert" damaged -o out 2>err
[ $? = 1 ] && [ "$(wc -l <err)" = 1 ]
ok $? "a damaged one: $(cat err)"

started 0x33 exact
gate 7; crashed
"$build/preprof-convert" core -o out 2>err
[ $? = 1 ] && grep -q '^preprof-convert: core: this core holds no segment: .*bit 3' err
ok $? "without the segment, it says what to do"

started 0x3b off
gate 7; crashed
"$build/preprof-convert" core -f folded -o out 2>err && [ ! -s out ]
ok $? "of a process that was off: an empty profile"
[ "$size" -lt 40000000 ] && [ "$segment" -lt 64 ]
ok $? "of its header alone"

if command -v gcore >/dev/null; then
    started 0x3b exact
    gate 13
    # As if there were a handler; the process goes on.
    gcore -o live "$victim" >err 2>&1 && mv live."$victim" live && gate 5 &&
        counted live 13 && [ "$(stat -c %s live)" -lt 60000000 ]
    ok $? "gdb's gcore of a live process"
    exec 3>&- 4<&-
    wait "$victim"; status=$?; victim=
    [ "$status" = 0 ]
    ok $? "which runs on"
fi
echo "1..$count"
