#!/bin/sh
# What is hardest for the shim, against the program's own count of what it did:
# addresses that come back at once in another thread (hazards F1), libraries
# that come and go while others allocate, many allocations in flat memory, tiny
# stacks, thousands of threads, strict seccomp. `make soak` does more of each.
build=$PWD/${BUILD:-build/release}
shim=$build/libpreprof.so
programs=$build/tests/programs
. ./tests/ok.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export PREPROF_DIR="$work/segments" PREPROF_MODE=exact
export PREPROF_VERBOSE=1 # says on stderr which profile could not be kept
if [ -n "$SOAK" ]; then
    replaced=20000000 loaded=30000 many=1000000000 threads=10000 forks=20000
else
    replaced=100000 loaded=2000 many=3000000 threads=500 forks=140
fi

show() { ls -l segments 2>&1 | cat out err stat -; }
stress() { # stress ARGUMENTS...: its profile's numbers in stat
    rm -f profile stat
    LD_PRELOAD=$shim$over PREPROF_OUT=$work/profile "$programs/stress" "$@" \
        >out 2>err
    status=$?
    [ ! -e profile ] || "$programs/dumpstat" profile >stat
}
value() { awk -v key="$1" '$1 == key { print $2 }' stat; }
# Whether what is counted for callers in the program and its libraries is what it says it did,
# and nothing was freed that was not known.
is_exact() {
    [ "$status" = 0 ] &&
        "$programs/dumpstat" profile callers | awk '$1 ~ /^(stress|[0-7][.]so)[+]/ {
            a += $2; f += $4 } END { printf "did %.0f %.0f\n", a, f }' >counted &&
        tail -n 1 out | cmp -s - counted && [ "$(value unknown_frees)" = 0 ] &&
        [ "$(value loss_OVERWRITTEN)" = 0 ]
}

stress reuse $replaced
is_exact
ok $? "blocks whose addresses come back in other threads: $(tail -n 1 out)"
over=:$programs/librelay.so
for mode in exact sample=1; do
    PREPROF_MODE=$mode stress relay 101
    is_exact
    ok $? "$mode: addresses that another thread has before free() and realloc() return"
done
over=
for i in 0 1 2 3 4 5 6 7; do cp "$programs/libplugin.so" $i.so; done
stress plugins $loaded .
is_exact
ok $? "libraries that come and go: $(tail -n 1 out), $(value modules_used) modules"
# The nomad's blocks are at ever new addresses: at 4 bytes for 16, which nobody
# gave back, the owner map would grow by 200 MiB for 3 million of them.
most=2048
for over in '' ":$programs/libnomad.so"; do
    stress many $many
    grew=$(sed -n 's/grew \(.*\) KiB/\1/p' out)
    is_exact && [ "$grew" -lt $most ]
    ok $? "many${over:+ over ${over##*/}}: $(tail -n 1 out), memory grew by $grew KiB"
    most=24576
done
over=
stress small $threads
is_exact
ok $? "threads of the smallest stack there is, which allocate as they end"

# Three threads allocate while processes of every kind are made, and may not be
# held up; what their parent counts is its own, and a vfork child's.
rm -rf outputs; mkdir outputs
LD_PRELOAD=$shim PREPROF_OUT=outputs/%n.%p timeout 300 "$programs/forks" \
    torture $forks >out 2>err
status=$?
parent=$(ls outputs/forks.* | while read -r file; do
    "$programs/dumpstat" "$file" | grep -q '^parent_pid 0$' && echo "$file"; done)
"$programs/dumpstat" "$parent" >stat
"$programs/dumpstat" "$parent" callers | awk '$1 ~ /^forks[+]/ {
    a += $2; f += $4 } END { printf "did %.0f\ndid %.0f\n", a - 101, f }' >counted
[ $status = 0 ] && cat out out | cmp -s - counted &&
    [ "$(value unknown_frees)" = 0 ] && [ -z "$(ls segments)" ]
ok $? "$forks processes in a storm: $(cat out), nothing is left"

# In strict mode only read, write and exit may be called.
"$programs/stress" strict >plain; plain=$?
for mode in off sample=1 exact; do
    PREPROF_MODE=$mode stress strict
    [ $status = $plain ] && cmp -s plain out
    ok $? "strict seccomp, $mode: the same"
done
echo "1..$count"
