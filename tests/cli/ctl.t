#!/bin/sh
# Switching a live process from outside: what it counts between the switches is
# exact to the block, and every reader says what is left out (design 3.1).
build=$PWD/${BUILD:-build/release}
. ./tests/ok.sh
work=$(mktemp -d)
victim=
trap '[ -z "$victim" ] || kill -KILL "$victim"; rm -rf "$work"' EXIT
export PREPROF_DIR="$work/segments"
dumpstat=$build/tests/programs/dumpstat
cd "$work" || exit 1

show() { cat out err; }
mkfifo in out_of
# started VARIABLE=VALUE...: gates under the shim, answering on descriptor 4
started() {
    env "$@" LD_PRELOAD="$build/libpreprof.so" "$build/tests/programs/gates" \
        <in >out_of &
    victim=$!
    exec 3>in 4<out_of
}
ended() {
    exec 3>&- 4<&-
    wait "$victim"; status=$?; victim=
}
gate() { echo "$1" >&3; read -r _ <&4; }
ctl() { "$build/preprof-ctl" "$victim" "$1" >out 2>err; }
# counted ALLOCS INUSE: what gate() has
counted() {
    "$dumpstat" segments/"$victim"-* callers >out
    awk -v allocs="$1" -v inuse="$2" '
        /^gates\+/ && $3 % 1016 == 0 { a += $2; i += $2 - $4 }
        END { exit !(a == allocs && i == inuse) }' out
}

started PREPROF_MODE=off
gate 101; ctl exact
[ $? = 0 ] && [ "$(cat out)" = "process $victim: exact, was off" ]
ok $? "a dormant process is switched on"
sleep 1.1 # so that it is late
gate 31; counted 31 31
ok $? "and counts from then on"
ctl off && gate 13 && counted 31 31
ok $? "switched off, it counts no more"
ctl exact && gate 7 && counted 38 38
ok $? "and switched on again it does"
"$build/preprof-top" "$victim" >out 2>err
grep -q '^counts since 20.*Z, 1s after the start; off in between$' out
ok $? "top says since when, and that there is a gap"
"$build/preprof-doctor" "$victim" >out 2>err
grep -q 'mode exact, recording since .*; off in between' out
ok $? "so does doctor"
"$build/preprof-convert" "$victim" -f text -o out 2>err
"$build/preprof-convert" "$victim" -o p.pb.gz && gunzip <p.pb.gz |
    grep -aq 'counts since .*off in between'
ok $? "and the profile's comments"
ctl off && gate free && counted 38 0
ok $? "frees of recorded blocks are counted when off"
ctl sample=4k && [ "$(cat out)" = "process $victim: sample=4k, was off" ] &&
    gate 1009 && "$build/preprof-list" >out 2>err && grep -q 'sample=4k' out
ok $? "to sampling"
"$build/preprof-top" "$victim" >out 2>err
grep -q 'partly sampled, partly exact' out
ok $? "which the profile says as well"
ctl locks=on && [ "$(cat out)" = "process $victim: locks=on, was locks=off" ] &&
    ctl locks=off && [ "$(cat out)" = "process $victim: locks=off, was locks=on" ]
ok $? "waits on and off"
for bad in on exactly sample= sample=0 locks locks=1 ''; do
    ctl "$bad"; [ $? = 2 ] && [ "$(wc -l <err)" = 1 ] || echo "# '$bad'"
done >out
[ ! -s out ]
ok $? "modes that are none are refused"
ended
[ "$status" = 0 ]
ok $? "the program ends as it would"

started PREPROF_MODE=exact
gate 7; ctl off; gate 5
"$build/preprof-top" "$victim" >out 2>err
grep -q '; off now$' out && counted 7 7
ok $? "a process that is off says so"
kill -KILL "$victim"; dead=$victim; ended 2>/dev/null
"$build/preprof-ctl" "$dead" exact >out 2>err
[ $? = 1 ] && grep -q "process $dead is not live: killed" err
ok $? "a killed one is not switched"
"$build/preprof-ctl" 1 exact >out 2>err
[ $? = 1 ] && grep -q "process 1 has no segment" err
ok $? "nor is one without the shim"
start=$(ls segments | sed -n "s/^$dead-//p")
cp "segments/$dead-$start" "$work/damaged"
printf 'x' | dd of="$work/damaged" conv=notrunc bs=1 seek=8 2>/dev/null
cp "$work/damaged" "segments/$$-$(awk '{ print $22 }' /proc/$$/stat)"
"$build/preprof-ctl" $$ exact >out 2>err
[ $? = 1 ] && grep -q 'segment version' err &&
    cmp -s "$work/damaged" segments/$$-*
ok $? "what is no sound segment is not written to"
echo "1..$count"
