#!/bin/sh
# What is there to look at: live and dead processes, families of processes, and
# how long the dead are kept (hazards C6; design 3.5 Life).
build=$PWD/${BUILD:-build/release}
. ./tests/ok.sh
work=$(mktemp -d)
victim=
trap '[ -z "$victim" ] || kill -KILL "$victim"; [ ! -s "$work/pids" ] ||
    xargs -r kill -KILL <"$work/pids" 2>/dev/null; rm -rf "$work"' EXIT
export PREPROF_DIR="$work/segments" PREPROF_MODE=exact
shim=$build/libpreprof.so
cd "$work" || exit 1
ulimit -c 0

show() { cat out err; }
skip() { # skip NUMBER REASON
    for _ in $(seq "$1"); do
        count=$((count + 1)); echo "ok $count # SKIP $2"
    done
}
list() { "$build/preprof-list" >out 2>err; }
segments() { ls -A segments 2>/dev/null | wc -l; }
killed() { # killed N: so many processes that were killed
    for _ in $(seq "$1"); do
        LD_PRELOAD=$shim "$build/tests/programs/ends" kill
    done 2>/dev/null
}

list
[ $? = 0 ] && [ ! -s out ] && grep -q 'no process of yours' err
ok $? "nothing there"

# ---- a family ----
mkfifo in out_of
LD_PRELOAD=$shim "$build/tests/programs/gates" <in >out_of &
victim=$!
exec 3>in 4<out_of
gate() { echo "$1" >&3; read -r _ <&4; }
gate 101; gate fork; gate fork
children() { pgrep -P "$victim"; }
for _ in $(seq 200); do
    list; [ "$(grep -c '6.9K .*gates' out)" = 2 ] && break; sleep 0.02
done
children >pids
# 101 blocks of 1016 bytes; 7 in each child, which began with those 101
awk -v pid="$victim" '
    NR == 1 { good = $1 == "PID" && $NF == "PROGRAM" }
    NR == 2 { good = good && $1 == pid && $2 == "live" && $3 == "exact" &&
              $5 ~ /^100\.[0-9]K$/ && $6 ~ /[KM]$/ && $7 ~ /[KM]$/ &&
              $8 ~ /\/s$/ && $9 == 1 && $10 == "gates" }
    NR == 3 || NR == 4 { good = good && $5 == "6.9K"
              good = good && /  gates \+100\..K$/ }
    NR == 5 { good = good && $1 == 3 && /processes in all/ && $5 ~ /^11[45]/ }
    END { exit !(good && NR == 5) }' out
ok $? "a parent, its children with what they inherited, and the sum"
[ "$(sed 's/+.*//' out | awk '{ print length }' | sort -n | tail -n 1)" -le 80 ]
ok $? "in 80 columns, but for what was inherited"
"$build/preprof-prune" >out 2>err
[ $? = 0 ] && [ ! -s out ] && [ "$(segments)" = 3 ]
ok $? "prune leaves the living"
xargs kill -KILL <pids
for _ in $(seq 200); do
    list; [ "$(grep -c ' killed ' out)" = 2 ] && break; sleep 0.02
done
grep -q "^ *$victim live " out && [ "$(grep -c '^.* killed .* -  *- ' out)" = 2 ]
ok $? "killed children stay below their parent"
"$build/preprof-top" "$(head -n 1 pids)" >out 2>err && grep -q gate out
ok $? "and can be looked at"
"$build/preprof-prune" >out 2>err
[ $? = 0 ] && [ "$(grep -c '^removed gates, pid .*, killed, 6.9 KiB in use$' \
    out)" = 2 ] && [ "$(segments)" = 1 ]
ok $? "until they are pruned"
: >pids
exec 3>&- 4<&-
wait "$victim"; victim=
[ "$(segments)" = 0 ]
ok $? "and a clean end leaves nothing"

# ---- a process that has become another program ----
# become PROGRAM [SETPRIV...]: forks does, in an empty environment; it waits
become() {
    program=$1; shift
    LD_PRELOAD=$work/libpreprof.so "$@" ./forks execenv "$program" <in >out_of &
    victim=$!
    exec 3>in
    for _ in $(seq 200); do
        [ "$(cat /proc/$victim/comm)" = "${program##*/}" ] && break; sleep 0.02
    done
}
left() { exec 3>&-; wait "$victim"; victim=; }
cp "$shim" "$build/tests/programs/forks" .
cat out_of >/dev/null &
become /bin/cat
list
awk -v pid="$victim" '$1 == pid { good = $2 == "execed" && $3 == "exact" &&
    $4 == "-" && $5 ~ /^100/ && $6 == "-" && $NF == "forks" }
    END { exit !good }' out
ok $? "without the shim: execed, with what was left"
"$build/preprof-ctl" "$victim" off >out 2>err
[ $? = 1 ] && grep -q "process $victim is not live: execed" err
ok $? "ctl: it cannot be switched"
"$build/preprof-top" -d 1 "$victim" >out 2>err && grep -q main out
ok $? "top: its profile, once"
"$build/preprof-prune" >out 2>err
[ $? = 0 ] && [ ! -s out ] && [ "$(segments)" = 1 ]
ok $? "prune leaves it, until it ends"
left
list; grep -q ' killed .* forks$' out && "$build/preprof-prune" >out &&
    [ "$(segments)" = 0 ]
ok $? "then it goes"
if [ "$(id -u)" = 0 ]; then
    cp /bin/cat "$build/preprof-list" .
    chown 65534 cat; chmod 4755 cat
    chmod 755 . libpreprof.so forks preprof-list
    mkdir -p user; chown 65533 user; chmod 700 user; chmod 666 in out_of
    cat out_of >/dev/null &
    PREPROF_DIR=$work/user become "$work/cat" \
        setpriv --reuid=65533 --clear-groups
    PREPROF_DIR=$work/user setpriv --reuid=65533 --clear-groups ./preprof-list \
        >out 2>err
    grep -q "^ *$victim execed" out
    ok $? "a setuid program, seen by its user"
    left
else
    skip 1 "needs root"
fi
rm -rf segments

# ---- a process that records nothing ----
LD_PRELOAD=$shim "$build/tests/programs/ownmalloc" wait <in >out_of &
victim=$!
exec 3>in
read -r _ <out_of
list
grep -q "^ *$victim live   none   ownmalloc: malloc is another object's: /.*/ownmalloc$" out
ok $? "one with its own malloc, and whose it is"
"$build/preprof-top" "$victim" >out 2>err && cat out err | grep -q '^nothing recorded: /.*/ownmalloc'
ok $? "top says so, too"
exec 3>&-; wait "$victim"; victim=

# ---- limits ----
killed 3
list; stat -c %a segments/* | sort -u >modes
[ "$(cat modes)" = 400 ] && [ "$(segments)" = 3 ]
ok $? "the dead are marked when somebody looks"
touch -d '23 hours ago' segments/*; list; [ "$(segments)" = 3 ]
ok $? "kept for a day"
old=$(ls segments | head -n 1)
touch -d '25 hours ago' "segments/$old"; list
[ "$(segments)" = 2 ] && [ ! -e "segments/$old" ]
ok $? "and then removed"
rm -f segments/*
killed 1
old=$(ls segments); chmod 400 "segments/$old"
touch -d '1 hour ago' "segments/$old"
killed 64
list
[ "$(segments)" = 64 ] && [ ! -e "segments/$old" ]
ok $? "64 at most, and the oldest goes"
rm -f segments/*
if unshare --mount mount -t tmpfs none /mnt 2>err; then
    mkdir small
    unshare --mount sh -c 'mount -t tmpfs -o size=16m,mode=700 none small
        for _ in 1 2 3 4 5 6 7 8; do
            LD_PRELOAD=$0 PREPROF_DIR=small "$1/tests/programs/ends" kill
        done
        PREPROF_DIR=small "$1/preprof-list" >out
        du -sk small; ls small | wc -l' "$shim" "$build" 2>err | xargs >kept
    read -r kib _ left <kept # as much as fits an eighth of it
    [ "$kib" -le 2048 ] && [ $((kib + kib / left)) -gt 2048 ]
    ok $? "an eighth of the filesystem at most: $kib KiB, $left of 8"
else
    skip 1 "cannot mount here"
fi
killed 1
dead=$(ls segments)
: >"segments/.new-1-2"; touch -d '25 hours ago' segments/.new-1-2
: >"segments/.new-1-3"; : >segments/notes
cp "segments/$dead" segments/1-1
printf '\377' | dd of="segments/$dead" bs=1 seek=44 conv=notrunc 2>/dev/null
"$build/preprof-prune" >out 2>err; list
[ ! -e segments/.new-1-2 ] && [ -e segments/.new-1-3 ] && [ -e segments/notes ] &&
    [ -e segments/1-1 ]
ok $? "births that never ended go after a day; what is not ours stays"
[ -e "segments/$dead" ] && grep -q ' elsewhere ' out
ok $? "what is another namespace's stays, and is said to be elsewhere"
rm -rf segments

if [ "$(id -u)" = 0 ]; then
    # Root sees the segments of all users, and nobody those of another.
    cp "$shim" "$build/tests/programs/doze" "$build/preprof-list" .
    chmod 755 . libpreprof.so doze preprof-list
    setpriv --reuid=65534 --clear-groups env -u PREPROF_DIR \
        LD_PRELOAD="$work/libpreprof.so" ./doze >ready &
    echo $! >pids
    for _ in $(seq 200); do [ -s ready ] && break; sleep 0.02; done
    env -u PREPROF_DIR ./preprof-list >out 2>err
    grep -q "^ *$(cat pids) live .*doze" out
    ok $? "root sees all users' processes"
    env -u PREPROF_DIR setpriv --reuid=65533 --clear-groups ./preprof-list \
        >out 2>err
    ! grep -q doze out
    ok $? "another user does not"
    kill -TERM "$(cat pids)"; : >pids
else
    skip 2 "needs root"
fi

# ---- a build ----
mkdir build segments
for i in $(seq 40); do echo "int f$i(void) { return $i; }" >"build/f$i.c"; done
echo 'int main(void) { return 0; }' >build/main.c
printf 'all: %s\n\tcc -o $@ $^\n' "$(seq -f 'f%g.o' -s ' ' 40) main.o" \
    >build/Makefile
MAKEFLAGS='' make -C build -j2 CFLAGS=-O1 >out 2>&1 && build/all && rm build/*.o
plain=$?
LD_PRELOAD=$shim MAKEFLAGS='' make -C build -j2 CFLAGS=-O1 >out 2>&1 && build/all
[ $? = $plain ] && [ "$(ls build/*.o | wc -l)" = 41 ] && [ "$(segments)" = 0 ]
ok $? "make -j2 of 41 files under the shim leaves no file behind"
echo "1..$count"
