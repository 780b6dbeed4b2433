#!/bin/sh
# preprof run, convert and top as a person uses them: statuses, signals,
# children, kill -9, names of files, mistakes. Profiles are checked by go tool
# pprof where it is installed.
build=${BUILD:-build/release}
case ${MODE:-release} in
release) ;;
*) echo "1..0 # SKIP tools/preprof runs the release build"; exit 0 ;;
esac
preprof=$PWD/tools/preprof
programs=$PWD/$build/tests/programs
source=$PWD/tests/programs/primes.c
. ./tests/ok.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PREPROF_DIR="$work/segments"
cd "$work" || exit 1

show() { cat out err; }
# says STATUS LINE COMMAND...: exit status and first line of stderr
says() {
    want=$1 line=$2; shift 2
    "$@" >out 2>err </dev/null
    got=$?
    [ "$got" = "$want" ] && [ "$(head -n 1 err)" = "$line" ]
    ok $? "$line"
}

"$preprof" run -o a.preprof -- "$programs/primes" >out 2>err
[ $? = 0 ] && [ "$(cat out)" = \
    "mallocs 5315 inuse 102616 objects 101 left 0 identity 0" ]
ok $? "the program's output is its own"
grep -q '^preprof: primes, pid [0-9]*: 5316 allocations, 4.0 KiB in use at the end, a.preprof$' err
ok $? "the summary counts every allocation"
"$preprof" top a.preprof --allocs -n 3 >out 2>err
grep -q '^ *100.21kB .* keep$' out && [ "$(wc -l <out)" -le 6 ]
ok $? "top knows keep()"
"$preprof" convert a.preprof -o a.folded && grep -q ';main;' a.folded
ok $? "folded stacks lead through main"
"$preprof" convert a.preprof -o a.pb.gz
ok $? "convert to pprof"
# A stripped program, whose debug file a server would have; ours would say so.
/usr/bin/python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print(s.getsockname()[1], flush=True)
s.settimeout(20); s.accept(); print("asked", flush=True)' >asked 2>err &
server=$!
tries=0
until [ -s asked ] || [ $tries -ge 100 ]; do tries=$((tries + 1)); sleep 0.1; done
"$preprof" run -o s.preprof -- ls -l / >out 2>err &&
    DEBUGINFOD_URLS=http://127.0.0.1:$(cat asked) HOME=$work \
        "$preprof" convert s.preprof -f folded -o s.folded 2>err && [ -s s.folded ]
status=$?
kill "$server"
[ $status = 0 ] && ! grep -q asked asked
ok $? "nobody is asked over the network"
if command -v go >/dev/null; then
    go tool pprof -top -sample_index=alloc_objects a.pb.gz >out 2>err
    grep -q ' 5003 .* churn$' out
    ok $? "go tool pprof -top: churn() has its 5003 blocks"
    line=$(grep -n 'block = malloc(37)' "$source" | cut -d: -f1)
    go tool pprof -list '^churn$' -sample_index=alloc_objects a.pb.gz >out 2>err
    grep -q "^ *5003 *5003 *$line:" out
    ok $? "go tool pprof -list: at line $line"
    for report in -tree -peek=churn -traces -raw "-base=a.pb.gz"; do
        case $report in -base*) set -- -top "$report" ;; *) set -- "$report" ;; esac
        go tool pprof -sample_index=alloc_space "$@" a.pb.gz >out 2>err
        ok $? "go tool pprof $report"
    done
    ! grep -q symbol err
    ok $? "nothing is left to symbolize"
fi

"$preprof" run -o b.preprof sh -c 'exit 3' 2>err
[ $? = 3 ]
ok $? "the exit status is the program's"
"$preprof" run -o k.preprof -- sh -c "exec $programs/doze" >ready 2>err &
runner=$!
tries=0
until [ -s ready ] || [ $tries -ge 100 ]; do tries=$((tries + 1)); sleep 0.1; done
kill -TERM "$runner"
wait "$runner"
[ $? = 7 ]
ok $? "TERM is passed on"
"$preprof" run -o k9.preprof -- "$programs/doze" >ready9 2>err &
runner=$!
tries=0
until [ -s ready9 ] || [ $tries -ge 100 ]; do tries=$((tries + 1)); sleep 0.1; done
kill -KILL "$(ps -o pid= --ppid "$runner")"
wait "$runner"
[ $? = 137 ] && grep -q ': 31 allocations, 30.8 KiB in use when killed, k9.preprof$' err
ok $? "kill -9: 137, and the profile up to that moment"
"$preprof" top k9.preprof >out 2>err && grep -q ' main$' out
ok $? "and it is readable"
[ "$(ls "$PREPROF_DIR" | wc -l)" = 0 ]
ok $? "no segment is left"
echo word | "$preprof" run -o in.preprof -- cat >out 2>err
[ "$(cat out)" = word ]
ok $? "stdin is the program's"
"$preprof" run -o c.preprof -- sh -c 'ls >/dev/null; :' 2>err
ls c.preprof.[0-9]* >out 2>/dev/null && [ -s c.preprof ]
ok $? "children have files of their own"
"$preprof" run -o '%n-%p.preprof' -- "$programs/primes" >out 2>err
ls primes-[0-9]*.preprof >out 2>err
ok $? "%n and %p are expanded"

# What cannot be profiled still runs, and says why before it starts.
cat >one.c <<'END'
#include <stdio.h>
#include <stdlib.h>
int main(void) { return puts("ran") < 0 || !malloc(1); }
END
gcc -static -o static one.c
"$preprof" run -o s.preprof -- ./static >out 2>err
[ $? = 0 ] && [ "$(cat out)" = ran ] &&
    grep -q '^preprof: not profiled: ./static: statically linked' err
ok $? "a static program runs, and is named"
"$preprof" run -o s.preprof -- "$programs/ownmalloc" >out 2>err
[ $? = 0 ] && grep -q '^preprof: not profiled: .*ownmalloc: brings an allocator' err
ok $? "so is one with its own malloc"
gcc -fsanitize=address -o sanitized one.c
export ASAN_OPTIONS=detect_leaks=0
"$preprof" run -o s.preprof -- ./sanitized >out 2>err
grep -q '^ran$' out && grep -q '^preprof: not profiled: ./sanitized: built with' err
ok $? "so is one with a sanitizer"
mkdir -p "a b:c/build/release" && cp -r "${preprof%/*}" "a b:c/tools" &&
    cp "${programs%/tests/programs}"/preprof-run \
        "${programs%/tests/programs}"/libpreprof.so "a b:c/build/release"
"a b:c/tools/preprof" run -o space.preprof -- "$programs/primes" >out 2>err
[ $? = 0 ] && grep -q ': 5316 allocations' err
ok $? "our own path may have a space and a colon"

# ---- --http ------------------------------------------------------------------
"$preprof" run --http 0 -- "$programs/doze" >ready8 2>err &
runner=$!
tries=0
until [ -s ready8 ] || [ $tries -ge 100 ]; do tries=$((tries + 1)); sleep 0.1; done
url=$(sed -n 's/^Profiling Data => //p' err)
curl -s "${url}heap?debug=1" >out
grep -q '^31: 31496 \[31: 31496\] @' out
ok $? "run --http: its heap profile at the root"
curl -s "${url%debug/pprof/}" >out
grep -q 'doze' out
ok $? "the opening page shows the program"
if command -v go >/dev/null; then
    PPROF_TMPDIR=$work go tool pprof -top "${url}heap" >out 2>&1
    grep -q '30.76kB .* main$' out
    ok $? "go tool pprof reads it"
fi
kill -TERM "$runner"
wait "$runner"
[ $? = 7 ] && ! curl -s "$url" >out
ok $? "the server ends with the program"

# Of what a script starts, one program: the newest of its name is the root.
ln -s "$programs/doze" nap; mkfifo gate
"$preprof" run --http 0 --only nap -- sh -c 'read _ <gate
    ./nap >ready10 & echo $! >nap.pid; wait $!' 2>err &
runner=$!
tries=0
until grep -q '^Prof' err || [ $tries -ge 100 ]; do tries=$((tries + 1)); sleep 0.1; done
url=$(sed -n 's/^Profiling Data => //p' err)
curl -s "${url%debug/pprof/}" >out
grep -q '^of all that it starts, the newest nap[.]$' out
ok $? "run --http --only: the opening page says of what"
curl -s "${url}heap" >out
grep -qx 'nap: no live process of that program runs under the shim' out
ok $? "before one runs"
curl -s -o out -w '%{http_code}\n' "${url%debug/pprof/}pid/" >status
[ "$(cat status)" = 200 ]
ok $? "when there is still the list of processes"
echo >gate
tries=0
until [ -s ready10 ] || [ $tries -ge 100 ]; do tries=$((tries + 1)); sleep 0.1; done
curl -s "${url}heap?debug=1" >out
grep -q '^31: 31496 \[31: 31496\] @' out
ok $? "and of one that was started by that name, a link's"
kill -TERM "$(cat nap.pid)"
wait "$runner"
[ $? = 7 ]
ok $? "it ends with the script"

says 2 "preprof: no command 'frob'; see preprof --help" "$preprof" frob
says 2 "preprof run: which program? See preprof help run" "$preprof" run
says 2 "preprof run: --mode takes off, sample[=SIZE] or exact, not fast" \
    "$preprof" run --mode fast true
says 127 "preprof: nosuch: No such file or directory" "$preprof" run nosuch
says 1 "preprof: no profile can be written to /nowhere: No such file or directory" \
    "$preprof" run -o /nowhere/x true
says 1 "preprof top: nofile: No such file or directory" \
    "$preprof" top nofile
says 2 "preprof-convert: where to? -o OUT is missing" \
    "$preprof" convert a.preprof
says 2 "preprof-convert: -f takes pprof, folded or text, not svg" \
    "$preprof" convert a.preprof -f svg -o x
head -c 100000 a.preprof >short.preprof
"$preprof" top short.preprof >out 2>err
[ $? = 1 ] && grep -q '^preprof top: short.preprof:[0-9]*: ' err
ok $? "a truncated profile: $(cat err)"
head -c 70000 /dev/urandom >random.preprof
"$preprof" top random.preprof >out 2>err
[ $? = 1 ] && grep -q '^preprof top: random.preprof:0: ' err
ok $? "no profile at all: $(cat err)"
echo "1..$count"
