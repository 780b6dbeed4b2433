#!/bin/sh
# The life of a segment (design 3.5; hazards C1-C7, C10, C11): how it ends, what
# fork, vfork, spawn and exec make of it, where it may be, who removes it.
build=$PWD/${BUILD:-build/release}
programs=$build/tests/programs
. ./tests/ok.sh
work=$(mktemp -d)
victim=
trap '[ -z "$victim" ] || kill -KILL "$victim"; rm -rf "$work"' EXIT
cp "$build/libpreprof.so" "$work" # where every user can read it
chmod 711 "$work"
shim=$work/libpreprof.so
export PREPROF_DIR="$work/segments" PREPROF_MODE=exact
ulimit -c 0
cd "$work" || exit 1

show() { ls -lR segments outputs 2>&1 | cat out err stat -; }
skip() { # skip NUMBER REASON
    for _ in $(seq "$1"); do
        count=$((count + 1)); echo "ok $count # SKIP $2"
    done
}
# shimmed COMMAND...: under the shim; a profile per process in outputs/
shimmed() {
    rm -rf outputs out err; mkdir outputs
    LD_PRELOAD=$shim PREPROF_OUT=outputs/%n.%p "$@" >out 2>err
    status=$?
}
segments() { ls -A segments 2>/dev/null | wc -l; }
stat_of() { "$programs/dumpstat" "$1" >stat; }
value() { awk -v key="$1" '$1 == key { print $2 }' stat; }
# is KEY VALUE...: whether stat says so
is() {
    while [ $# -gt 1 ]; do
        [ "$(value "$1")" = "$2" ] || return 1
        shift 2
    done
}

# ---- ends ----
for how in exit _exit _Exit quick_exit return pthread_exit threads; do
    "$programs/ends" $how; plain=$?
    LD_PRELOAD=$shim "$programs/ends" $how
    [ $? = $plain ] && [ "$(segments)" = 0 ]
    ok $? "$how: same status, no segment left"
    shimmed "$programs/ends" $how
    stat_of outputs/ends.* && "$programs/dumpstat" outputs/ends.* callers |
        grep -q "^ends+.* 31 31496 0 0$" && is state 2 &&
        [ "$status" = $plain ] && [ "$(segments)" = 0 ]
    ok $? "$how: and a whole profile where it was asked for"
done
for end in abort:134 segv:139 kill:137; do
    LD_PRELOAD=$shim PREPROF_OUT=outputs/%n "$programs/ends" "${end%:*}" 2>err
    [ $? = "${end#*:}" ] && [ "$(segments)" = 1 ] && stat_of segments/* &&
        is alloc_objects 31 alloc_space 31496 state 1
    ok $? "${end%:*}: the segment stays, and is complete"
    rm -f segments/*
done

# ---- children ----
for how in fork _Fork sysfork clone clone3; do
    shimmed "$programs/forks" $how
    parent= child=
    for file in outputs/*; do
        stat_of "$file"
        case $(value parent_pid) in 0) parent=$file ;; *) child=$file ;; esac
    done
    stat_of "$child" && is parent_pid "${parent##*.}" alloc_objects 7 \
        free_objects 0 inherited_bytes $((71 * 1016)) unknown_frees 30 &&
        stat_of "$parent" && is alloc_objects 101 free_objects 0 &&
        [ "$status" = 0 ] && [ "$(ls outputs | wc -l)" = 2 ]
    ok $? "$how: the child starts at nothing, with what it inherited"
done
for how in fork _Fork sysfork clone clone3; do
    shimmed env PREPROF_MODE=sample "$programs/forks" $how
    [ "$status" = 0 ] && [ "$(ls outputs | grep -c '^forks')" = 2 ]
    ok $? "$how, sampling: the child frees and allocates what it likes"
done
shimmed "$programs/forks" vfork
[ "$(ls outputs | wc -l)" = 1 ] && stat_of outputs/* &&
    is alloc_objects 108 free_objects 7 unknown_frees 0 && [ "$status" = 0 ]
ok $? "vfork: the child counts for its parent"
for how in spawn system; do
    shimmed "$programs/forks" $how
    stat_of outputs/forks.* && is unknown_frees 0 && [ "$status" = 0 ] &&
        [ -e outputs/true.* ] && "$programs/dumpstat" outputs/forks.* callers |
        grep -q '^forks+.* 101 102616 0 0$'
    ok $? "$how: parent and child have a profile each"
done
shimmed timeout 20 "$programs/forks" storm
[ "$status" = 0 ] && [ "$(ls outputs | grep -c '^forks')" = 51 ] &&
    [ "$(segments)" = 0 ]
ok $? "50 forks in a storm of allocations, with atfork handlers that allocate"
shimmed "$programs/forks" daemon
for _ in $(seq 500); do # a profile that is being written is "....tmp-PID"
    [ "$(ls outputs | grep -vc tmp)" = 2 ] && break; sleep 0.02
done
for file in outputs/*; do stat_of "$file"; value alloc_objects; done |
    sort -n | tr '\n' ' ' | grep -qx '7 101 ' && [ "$status" = 0 ]
ok $? "a daemon without descriptors keeps its profile, its relative path too"
LD_PRELOAD=$shim sh -c 'for i in $(seq 50); do /bin/true; done; ls / | cat' \
    >out 2>err
[ $? = 0 ] && [ "$(segments)" = 0 ]
ok $? "a script and its children leave nothing"

# ---- exec ----
shimmed "$programs/forks" exec "$programs/ends" return
[ "$status" = 5 ] && [ "$(ls outputs | wc -l)" = 1 ] &&
    stat_of outputs/ends.* && is alloc_objects 31 && [ "$(segments)" = 0 ]
ok $? "exec: the new program's profile alone"
shimmed "$programs/forks" exec "$programs/ends" kill
[ "$(segments)" = 1 ] && stat_of segments/* && is program ends alloc_objects 31
ok $? "exec: its segment takes the place of its predecessor's"
rm -f segments/*
shimmed "$programs/forks" execenv "$programs/ends" "LD_PRELOAD=$shim" \
    "PREPROF_DIR=$work/segments" PREPROF_MODE=off "PREPROF_OUT=$work/outputs/%n"
stat_of outputs/ends && is mode off alloc_objects 0 && [ "$(segments)" = 0 ]
ok $? "exec: the new environment counts"
shimmed "$programs/forks" execenv "$programs/ends"
[ "$status" = 5 ] && [ "$(segments)" = 1 ] && stat_of segments/* &&
    is program forks alloc_objects 101
ok $? "exec without the shim: the predecessor's stays as of one killed"
rm -f segments/*

# ---- nothing changes in the program ----
look='ls -l /proc/self/fd |
        sed "s/.*[0-9]:[0-9]* //; s,/proc/.*/fd,FDS,; s/pipe:.*/PIPE/"
    ls /proc/self/task | wc -l
    grep -E "^(Sig[PBIC]|Shd|Threads)" /proc/self/status
    umask; ulimit -a'
sh -c "$look" 2>&1 </dev/null | cat >plain
# the one exception: a handler for SIGURG, 23
LD_PRELOAD=$shim sh -c "$look" 2>&1 </dev/null |
    sed '/^SigCgt/s/4\(.....\)$/0\1/' >out
cmp plain out >err
ok $? "same descriptors, threads, signals and limits"

# ---- where segments may be ----
# refused NAME DIRECTORY: nothing is recorded there and the program is unharmed
refused() {
    LD_PRELOAD=$shim PREPROF_DIR=$2 "$programs/ends" kill >out 2>err
    [ $? = 137 ] && [ ! -s out ] && [ "$(cat err)" = Killed ] &&
        [ "$(find "$2"/ -type f 2>/dev/null | wc -l)" = 0 ]
    ok $? "$1: nothing recorded, nothing said, same status"
}
mkdir -m 777 open; chmod 777 open
refused "a directory that others can write to" "$work/open"
mkdir -m 700 real; ln -s real link
refused "a symbolic link" "$work/link"
: >file
refused "a file" "$work/file"
refused "a directory that cannot be made" "$work/no/such"
if [ "$(id -u)" = 0 ]; then
    mkdir -m 700 others; chown 65534 others
    refused "another's directory" "$work/others"
    # The same program, once with more rights than its caller has.
    gcc -o plain_ends "$OLDPWD/tests/programs/ends.c" -pthread \
        -Wl,--no-as-needed "$shim" -Wl,-rpath,"$work"
    cp plain_ends secure_ends; chown 65534 secure_ends; chmod 4755 secure_ends
    PREPROF_DIR=$work/others ./secure_ends kill 2>err
    [ $? = 137 ] && [ "$(find others -type f | wc -l)" = 0 ]
    ok $? "setuid: nothing is done at all"
    PREPROF_DIR=$work/others setpriv --reuid=65534 --clear-groups \
        ./plain_ends kill 2>err
    [ $? = 137 ] && [ "$(find others -type f | wc -l)" = 1 ]
    ok $? "and without the bit it would have been"
else
    skip 3 "needs root"
fi

# ---- names of profiles ----
mkdir elsewhere
(cd elsewhere && LD_PRELOAD=$shim PREPROF_OUT='%n-%%-%p-%x' \
    sh -c 'echo $$; cd /; exit 3' >../out)
[ $? = 3 ] &&
    [ -s "elsewhere/$(basename "$(readlink -f /bin/sh)")-%-$(cat out)-%x" ]
ok $? "%n %p %%, and a path relative to where it started"
LD_PRELOAD=$shim PREPROF_OUT=no/such/place "$programs/ends" return 2>err
[ $? = 5 ] && [ ! -s err ] && [ "$(segments)" = 1 ] && stat_of segments/* &&
    is state 2 alloc_objects 31
ok $? "what cannot be written stays a segment"
rm -f segments/*

# ---- pruning ----
for i in 1 2 3; do LD_PRELOAD=$shim "$programs/ends" kill; done 2>err
LD_PRELOAD=$shim "$programs/doze" >ready &
victim=$!
for _ in $(seq 100); do [ -s ready ] && break; sleep 0.02; done
: >segments/1-1; echo other >segments/name; ln -s name segments/2-2
dead=$(cd segments && for name in [0-9]*-[0-9]*; do
    [ "${#name}" -lt 5 ] || [ "${name%-*}" = $victim ] || echo "$name"; done)
# started: what a process does that starts now
started() { LD_PRELOAD=$shim /bin/true; }
started
for name in $dead; do stat -c %a "segments/$name"; done | sort | uniq -c >out
[ "$(tr -s ' ' <out)" = " 3 400" ] && [ "$(segments)" = 7 ] &&
    [ "$(stat -c %a segments/$victim-*)" = 600 ]
ok $? "the dead are marked, and stay"
started; [ "$(segments)" = 7 ]
ok $? "until a day later"
touch -d '25 hours ago' segments/*
(exec 3<segments/"$(echo "$dead" | head -n 1)" && started)
for name in $dead; do [ ! -e "segments/$name" ] || echo left; done >out
[ ! -s out ] && [ "$(segments)" = 4 ] && [ -e segments/$victim-* ]
ok $? "then they go, and nothing else does"
kill -TERM $victim; wait $victim; victim=
if unshare --pid --fork true 2>err; then
    rm ready # else it is the one of before that is ready
    LD_PRELOAD=$shim "$programs/doze" >ready &
    victim=$!
    for _ in $(seq 100); do [ -s ready ] && break; sleep 0.02; done
    LD_PRELOAD=$shim unshare --pid --fork /bin/true
    [ "$(stat -c %a segments/$victim-*)" = 600 ]
    ok $? "a process that is not gone but in another namespace is left alone"
    kill -TERM $victim; wait $victim; victim=
else
    skip 1 "needs a new pid namespace"
fi
rm -rf segments
for i in $(seq 20); do LD_PRELOAD=$shim "$programs/ends" kill; done 2>err
started
chmod 400 segments/*; touch -d '25 hours ago' segments/*
started
[ "$(segments)" = 12 ]
ok $? "8 of 20 are removed by one start"
rm -f segments/*
LD_PRELOAD=$shim "$programs/ends" kill 2>err
LD_PRELOAD=$shim PREPROF_OUT=outputs/%n "$programs/ends" kill 2>err
chmod 600 segments/* # the second has noticed that the first is dead
for name in segments/*; do # as if each had exited, and could not remove it
    printf '\002' | dd of="$name" bs=1 seek=232 conv=notrunc 2>err
    stat_of "$name" && value state
done | xargs >out
started
[ "$(cat out)" = "2 2" ] && [ "$(segments)" = 1 ] && stat_of segments/* &&
    is state 2 alloc_objects 31
ok $? "what a clean end could not remove goes at once, unless it is a profile"
rm -f segments/*

echo "1..$count"
