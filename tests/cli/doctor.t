#!/bin/sh
# preprof doctor and list: what they say of programs, processes and profiles,
# healthy ones and each kind that cannot be profiled.
build=${BUILD:-build/release}
case ${MODE:-release} in
release) ;;
*) echo "1..0 # SKIP tools/preprof runs the release build"; exit 0 ;;
esac
preprof=$PWD/tools/preprof
programs=$PWD/$build/tests/programs
. ./tests/ok.sh
work=$(mktemp -d)
pid=
trap 'rm -rf "$work"; [ -z "$pid" ] || kill "$pid" 2>/dev/null' EXIT
export PREPROF_DIR="$work/segments"
cd "$work" || exit 1

show() { cat out err; }
# doctor STATUS PATTERN NAME ARG...: its status, and a line of what it says
doctor() {
    want=$1 pattern=$2 name=$3; shift 3
    "$preprof" doctor "$@" >out 2>err
    got=$?
    [ "$got" = "$want" ] && grep -q "$pattern" out
    ok $? "$name"
}

# ---- programs ----------------------------------------------------------------
doctor 0 "^ok     $programs/primes can be profiled" "a program that fits" \
    "$programs/primes"
grep -q '^ok     primes: functions, inlined frames and lines' out
ok $? "its symbols"
grep -q "^ok     segments go to $work/segments" out
ok $? "where its segment goes"
cp "$programs/primes" stripped && strip stripped
doctor 0 '^note   stripped is stripped: no lines' "a stripped one, by a relative path" \
    ./stripped
printf '#!/bin/sh\necho\n' >script && chmod +x script
doctor 0 '^ok     ./script is a script: /bin/sh runs it' "a script" ./script

cat >one.c <<'END'
#include <stdlib.h>
int main(void) { return !malloc(1); }
END
gcc -static -o static one.c
doctor 1 '^wrong  ./static: statically linked' "a static one" ./static
doctor 1 'brings an allocator of its own (malloc)' "one with its own malloc" \
    "$programs/ownmalloc"
gcc -fsanitize=address -o sanitized one.c
doctor 1 'built with a sanitizer' "one with a sanitizer" ./sanitized
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    chmod 755 "$work"; cp "$programs/primes" privileged && chmod 4755 privileged
    mkdir -m 777 theirs
    PREPROF_DIR="$work/theirs/x" setpriv --reuid 65534 --regid 65534 \
        --clear-groups "${programs%/tests/programs}/preprof-doctor" \
        ./privileged >out 2>err
    [ $? = 1 ] && grep -q '^wrong  ./privileged: .*LD_PRELOAD' out
    ok $? "a setuid one, for another user"
else
    count=$((count + 1))
    echo "ok $count # SKIP needs root and setpriv to become another user"
fi
printf '\177ELF\1\1\1' >narrow && head -c 200 /dev/zero >>narrow && chmod +x narrow
doctor 1 '^wrong  ' "a broken one" ./narrow
PREPROF_DIR=/proc/none doctor 1 'no segment can be made in /proc/none' \
    "nowhere to make a segment" "$programs/primes"

# ---- processes ---------------------------------------------------------------
mkfifo gate
wait_for() { # wait_for FILE: until it has a line, for 10 s
    tries=0
    until [ -s "$1" ] || [ $tries -ge 100 ]; do
        tries=$((tries + 1)); sleep 0.1
    done
}
sleep 30 & pid=$!
doctor 1 "^wrong  process $pid was started without the shim" \
    "a process without the shim" "$pid"
kill "$pid"; wait "$pid" 2>/dev/null
LD_PRELOAD=${programs%/tests/programs}/libpreprof.so PREPROF_ONLY=other \
    "$programs/doze" >left_out 2>/dev/null & pid=$!
wait_for left_out
doctor 1 "^wrong  process $pid is not the one program to be recorded" \
    "a process that PREPROF_ONLY leaves out" "$pid"
kill "$pid"; wait "$pid" 2>/dev/null
doctor 1 "no process $pid" "no such process" "$pid"
LD_PRELOAD=${programs%/tests/programs}/libpreprof.so PREPROF_MODE=exact \
    "$programs/doze" >ready 2>/dev/null & pid=$!
wait_for ready
doctor 0 '^ok     mode exact, recording since 20' "a process under the shim" "$pid"
grep -q '^ok     31 allocations from 1 callsites, 30.8 KiB in use' out
ok $? "its counts"
"$preprof" list >out 2>err
grep -q "^ *$pid live   exact .* 30.8K .* 1 doze$" out
ok $? "list has it"
kill -9 "$pid"; wait "$pid" 2>/dev/null
"$preprof" list >out 2>err
grep -q "^ *$pid killed exact  *-  *30.8K " out
ok $? "list has it after kill -9"
doctor 0 ', killed, malloc of libc' "so has doctor" "$pid"
pid=

# ---- profiles ----------------------------------------------------------------
"$preprof" run --mode off -o off.preprof -- "$programs/primes" >out 2>err
doctor 1 '^wrong  nothing is recorded: the mode is off' "mode off" off.preprof
"$preprof" run -o all.preprof -- "$programs/primes" >out 2>err
doctor 0 '^ok     mode exact' "a good profile" all.preprof
! grep -q '^wrong' out
ok $? "with nothing wrong"
head -c 9000 all.preprof >short.preprof
doctor 1 '^wrong  short.preprof:' "a truncated profile" short.preprof

# ---- mistakes ----------------------------------------------------------------
"$preprof" doctor >out 2>err
[ $? = 2 ] && grep -q 'one PROG, PID or FILE' err
ok $? "doctor of nothing"
"$preprof" doctor --frob x >out 2>err
[ $? = 2 ] && grep -q 'unknown option --frob' err
ok $? "doctor with an unknown option"
"$preprof" doctor nosuch >out 2>err
[ $? = 1 ] && [ "$(cat err)" = "preprof doctor: nosuch: No such file or directory" ]
ok $? "doctor of what is not there"
"$preprof" list x >out 2>err
[ $? = 2 ] && grep -q "takes no arguments" err
ok $? "list of something"
PREPROF_DIR=$work/nowhere "$preprof" list >out 2>err
[ $? = 0 ] && grep -q 'no process of yours' err
ok $? "list of nothing"
echo "1..$count"
