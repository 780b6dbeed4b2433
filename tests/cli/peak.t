#!/bin/sh
# The peak of a program that has freed everything since: by top and convert, to
# the byte, at its function and line; after kill -9, in a forked child, sampled,
# and off. The usable sizes are glibc's: 1016 for 1009, 72 for 67.
build=${BUILD:-build/release}
case ${MODE:-release} in
release) ;;
*) echo "1..0 # SKIP tools/preprof runs the release build"; exit 0 ;;
esac
preprof=$PWD/tools/preprof
peaks=$PWD/$build/tests/programs/peaks
shim=$PWD/$build/libpreprof.so
source=$PWD/tests/programs/peaks.c
. ./tests/ok.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PREPROF_DIR="$work/segments" PPROF_TMPDIR="$work"
cd "$work" || exit 1

show() { cat out err; }
# at_peak FUNCTION: bytes it has at the peak, of FILE or PID in $input
at_peak() {
    "$preprof" convert "$input" --peak -f folded -o - 2>err |
        tee out | awk -v name="$1" '{ n = $NF; sub(/ [0-9]*$/, "")
            if ($0 ~ ";" name "$") sum += n } END { print sum + 0 }'
}

"$preprof" run -o a.preprof -- "$peaks" >out 2>err
ok $? "a program with a peak"
input=a.preprof
[ "$(at_peak high)" = 8045704 ] && [ "$(at_peak low)" = 216072 ]
ok $? "what high() and low() had, to the byte"
[ "$(at_peak before)" = 0 ] && [ "$(at_peak after)" = 0 ]
ok $? "what was freed before the peak or allocated after it is not there"
"$preprof" top a.preprof --peak -n 1 >out 2>err
grep -q '^peaks, pid [0-9]*: 7.88MB inuse_space$' out &&
    grep -q '^in use when the most was, or within 43.[0-9] KiB of it$' out &&
    grep -q '^ *7.67MB .* high$' out && ! grep -q ' low$' out
ok $? "top --peak, and how exact it is"
"$preprof" top a.preprof >out 2>err && ! grep -Eq ' (high|low)$' out
ok $? "top: nothing of it is in use"
"$preprof" doctor a.preprof >out 2>err
grep -q ' 4.0 KiB in use, 7.9 MiB at the peak$\| 0 B in use, 7.9 MiB at the peak$' out
ok $? "doctor says how high it was"
"$preprof" convert a.preprof --peak -o a.pb.gz && "$preprof" convert a.preprof --peak -o a.txt
ok $? "convert --peak to pprof and text"
grep -q '^7919: 8045704 \[7919: 8045704\] @ 0x' a.txt
ok $? "text has the pair twice"
if command -v go >/dev/null; then
    line=$(grep -n 'blocks\[1\]\[i\] = malloc' "$source" | cut -d: -f1)
    go tool pprof -list '^high$' -sample_index=inuse_objects a.pb.gz >out 2>err
    grep -q "^ *7919 *7919 *$line:" out
    ok $? "go tool pprof -list: 7919 blocks at line $line"
    go tool pprof -top -unit=B a.pb.gz >out 2>err
    grep -q '^ *8045704B .* high$' out && grep -q '^Type: inuse_space$' out
    ok $? "go tool pprof -top: bytes in use, by itself"
    go tool pprof -top -unit=B -symbolize=none a.txt >out 2>err
    grep -q '^Type: space$' out && grep -q '^Showing .* 82[0-9]*B total$' out
    ok $? "go tool pprof reads the text"
fi

PREPROF_MODE=exact LD_PRELOAD=$shim "$peaks" wait >ready &
tries=0
until [ -s ready ] || [ $tries = 100 ]; do sleep 0.05; tries=$((tries + 1)); done
input=$(cat ready)
[ "$(at_peak high)" = 8045704 ]
ok $? "of a process that runs"
kill -9 "$input"
wait 2>/dev/null
[ "$(at_peak high)" = 8045704 ] && [ "$(at_peak after)" = 0 ]
ok $? "of one that was killed with -9"

"$preprof" run -o f.preprof -- "$peaks" fork >out 2>err
input=f.preprof
[ "$(at_peak low)" = 216072 ] && [ "$(at_peak high)" = 0 ]
ok $? "the parent of a fork has its own peak"
input=$(ls f.preprof.*)
[ "$(at_peak high)" = 8045704 ] && [ "$(at_peak low)" = 0 ]
ok $? "and so has the child"

# 2000 samples: 2 % is a standard deviation.
"$preprof" run --mode sample=4096 -o s.preprof -- "$peaks" >out 2>err
input=s.preprof
sampled=$(at_peak high)
[ "$sampled" -gt 7000000 ] && [ "$sampled" -lt 9100000 ] && [ "$(at_peak after)" = 0 ]
ok $? "sampled: about 8045704, here $sampled"
"$preprof" run --mode off -o o.preprof -- "$peaks" >out 2>err
"$preprof" top o.preprof --peak >out 2>err && head -n 1 out | grep -q ': 0B inuse_space$'
ok $? "off: none"

"$preprof" top a.preprof --peak --allocs -n 1 >out 2>err && grep -q ' alloc_space$' out
ok $? "the last of --peak and --allocs counts"
"$preprof" help top >out && grep -q -e '--peak' out && "$preprof" help convert >out &&
    grep -q -e '--peak' out
ok $? "help names --peak"

echo "1..$count"
