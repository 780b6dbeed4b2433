#!/bin/sh
# Where a process has less than it is used to, it does what it does without the
# shim, and what can be recorded is exact: chroot, a read-only root, no /proc in
# bubblewrap, a /dev/shm of 64 MiB that others fill, every resource limit, and
# readers of another user (hazards G, H). limits.t has more of limits and tmpfs.
build=$PWD/${BUILD:-build/release}
programs=$build/tests/programs
. ./tests/ok.sh
work=$(mktemp -d)
victim=
trap '[ -z "$victim" ] || kill -KILL "$victim"; rm -rf "$work"' EXIT
cd "$work" || exit 1
chmod 711 .
cp "$build/libpreprof.so" "$programs/spread" "$build"/preprof-* .
shim=$work/libpreprof.so
export PREPROF_DIR="$work/segments" PREPROF_MODE=exact

show() { cat plain out err stat; }
skip() { # skip NUMBER REASON
    for _ in $(seq "$1"); do
        count=$((count + 1)); echo "ok $count # SKIP $2"
    done
}
value() { awk -v key="$1" '$1 == key { print $2 }' stat; }
# is_whole PROFILE: the profile of spread with 1024 stacks
is_whole() {
    "$programs/dumpstat" "$1" >stat 2>&1 &&
        [ "$(value alloc_objects)" = 1025 ] &&
        [ "$(value free_objects)" = 513 ] &&
        [ "$(value inuse_space)" = 20480 ]
}
# same COMMANDS: the same output and status with and without the shim. $preload
# is what to put into the environment, and $spread the program.
same() {
    rm -f profile
    for preload in '' "LD_PRELOAD=$inside PREPROF_OUT=$profile"; do
        mv -f out plain 2>/dev/null
        eval "$1" >out 2>err
        echo "status $?" >>out
    done
    cmp -s plain out
}
inside=$shim profile=$work/profile

# ---- every limit ----
for limit in as data fsize nofile nproc stack sigpending memlock core rss; do
    bad=
    for bound in 0 1 4096 65536 1000000; do
        same 'prlimit --$limit=$bound env $preload ./spread' || bad="$bad $bound"
        case $(cat out) in *"status 0"*) ;; *) continue ;; esac
        [ ! -e profile ] || "$programs/dumpstat" profile >stat 2>&1 ||
            bad="$bad profile:$bound"
    done
    [ -z "$bad" ]
    ok $? "prlimit --$limit: the same$bad"
done

# ---- another root ----
if [ "$(id -u)" = 0 ] && unshare --mount true 2>err; then
    mkdir -p root/lib64 root/tmp
    cp spread libpreprof.so root
    for file in $(ldd spread | grep -o '/[^ ]*'); do
        mkdir -p "root$(dirname "$file")"; cp "$file" "root$file"
    done
    inside=/libpreprof.so profile=/profile
    same 'env PREPROF_DIR=/segments $preload chroot root /spread'
    ok $? "chroot: the same"
    env PREPROF_DIR=/segments PREPROF_OUT=/profile sh -c \
        'exec chroot root /lib64/ld-linux-x86-64.so.2 --preload /libpreprof.so /spread' \
        >out 2>err
    is_whole root/profile && [ -z "$(ls root/segments)" ]
    ok $? "everything is recorded there, without /proc"
    env -u PREPROF_DIR PREPROF_OUT=/no sh -c \
        'exec chroot root /lib64/ld-linux-x86-64.so.2 --preload /libpreprof.so /spread' \
        >out 2>err
    [ $? = 0 ] && [ ! -s err ] && [ ! -e root/no ]
    ok $? "and without a place for segments nothing is, and nothing is said"

    inside=$shim profile=$work/profile
    read_only='unshare --mount sh -c "mount --make-rprivate / &&
        mount -o bind,ro $work $work && cd $work && env $preload ./spread"'
    same "$read_only"
    [ $? = 0 ] && [ ! -e profile ]
    ok $? "a directory that cannot be written to: the same, nothing is recorded"

    # Two programs and others' files in 64 MiB.
    mkdir shm
    unshare --mount sh -c "mount -t tmpfs -o size=64m,mode=1777 none shm
        head -c 60000000 /dev/zero >shm/others
        for i in 1 2 3 4; do
            LD_PRELOAD=$shim PREPROF_DIR=$work/shm/segments \
                PREPROF_OUT=$work/shared.\$i ./spread & done; wait" >out 2>err
    good=0
    for i in 1 2 3 4; do
        # A profile or, where there was no room for one, none.
        [ ! -e shared.$i ] || is_whole shared.$i || good=1
    done
    kept=$(ls shared.* 2>/dev/null | wc -l)
    [ $good = 0 ] && [ ! -s err ] && [ "$kept" -gt 0 ]
    ok $? "a /dev/shm of 64 MiB that is nearly full: $kept of 4 have a profile, and it is whole"
else
    skip 5 "cannot mount here"
fi
if command -v bwrap >/dev/null && bwrap --ro-bind / / true 2>err; then
    same 'bwrap --ro-bind / / --tmpfs /dev/shm --bind "$work" "$work" \
        --tmpfs /proc --unshare-all env $preload ./spread'
    [ $? = 0 ] && is_whole profile
    ok $? "bubblewrap without /proc: the same, and everything is recorded"
else
    skip 1 "no bubblewrap here"
fi

# ---- readers ----
if [ "$(id -u)" = 0 ]; then
    as() { user=$1; shift; setpriv --reuid="$user" --regid="$user" \
        --clear-groups "$@"; }
    mkdir -m 700 theirs; chown 65533 theirs
    cat >hidden.py <<'END'
import ctypes, sys, time
ctypes.CDLL(None).prctl(4, 0) # PR_SET_DUMPABLE
print("ready", flush=True)
time.sleep(60)
END
    chmod 644 hidden.py
    LD_PRELOAD=$shim PREPROF_DIR=$work/theirs as 65533 /usr/bin/python3 \
        hidden.py >ready 2>err &
    for _ in $(seq 200); do [ -s ready ] && break; sleep 0.02; done
    victim=$(ls theirs | sed -n 's/-.*//p' | while read -r pid; do
        [ "$(cat "/proc/$pid/comm")" = python3 ] && echo "$pid"; done)
    export PREPROF_DIR="$work/theirs"
    for command in "convert $victim -o open" "top $victim" "threads $victim"; do
        timeout 10 setpriv --reuid=65532 --regid=65532 --clear-groups \
            ./preprof-$command >out 2>err
        [ $? -lt 2 ] && [ "$(wc -l <err)" = 1 ] &&
            grep -q 'denied$\|as uid 65533' err
        ok $? "to another user: $(cat err)"
    done
    timeout 20 ./preprof-convert "$victim" \
        -f folded -o folded 2>err
    ok $? "root's convert of a program that may not be dumped"
    kill -KILL "$victim"; victim=
    export PREPROF_DIR="$work/segments"
else
    skip 4 "needs root"
fi

# ---- many threads at once ----
rm -f ready
threads=${SOAK:+10000}; threads=${threads:-1000}
LD_PRELOAD=$shim PREPROF_OUT=$work/profile "$programs/crowd" $threads \
    >ready 2>err &
victim=$!
for _ in $(seq 3000); do [ -s ready ] && break; sleep 0.02; done
[ "$(ls /proc/$victim/task | wc -l)" -gt $threads ] &&
    timeout 60 ./preprof-convert $victim -f folded -o folded 2>err
ok $? "$threads threads at once, and their profile"
kill -TERM $victim; wait $victim 2>/dev/null; victim=
echo "1..$count"
