#!/bin/sh
# preprof.h: its promises in C and in C++, as PIE and as non-PIE, dynamically
# exported or not, with and without the shim; nothing is linked.
build=${BUILD:-build/release}
case ${MODE:-release} in
release | debug) ;;
*) echo "1..0 # SKIP the preload runs without sanitizers"; exit 0 ;;
esac
shim=$PWD/$build/libpreprof.so
source=$PWD
. ./tests/ok.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PREPROF_DIR="$work/segments"

show() { cat "$work/out" "$work/err"; }
# promises PROMISES NAME COMMAND...: so many lines, every one of them ok
promises() {
    want=$1 name=$2; shift 2
    timeout 20 "$@" >"$work/out" 2>"$work/err"
    [ $? = 0 ] && [ "$(grep -c '^ok ' "$work/out")" = "$want" ] &&
        ! grep -v '^ok ' "$work/out"
    ok $? "$name"
}
cd "$work" || exit 1
printf '#include "api.h"\nint main(void) { return api_check(); }\n' >api.c
cp api.c api.cc
flags="-O1 -fno-builtin -Wall -Wextra -Werror -I$source/shim -I$source/tests/programs"
for kind in "gcc -std=c11 -fPIE -pie" "gcc -std=gnu11 -fno-pie -no-pie" \
    "g++ -std=c++11 -fPIE -pie" "g++ -std=c++20 -fno-pie -no-pie" \
    "gcc -O2 -fPIE -pie -rdynamic"; do
    case $kind in g++*) file=api.cc ;; *) file=api.c ;; esac
    $kind $flags -o api "$file" >out 2>err
    ok $? "compiles: $kind"
    promises 2 "without the shim" ./api
    promises 16 "exact" env LD_PRELOAD="$shim" PREPROF_MODE=exact ./api
    promises 2 "sample" env LD_PRELOAD="$shim" PREPROF_MODE=sample ./api
    promises 2 "off" env LD_PRELOAD="$shim" PREPROF_MODE=off ./api
done
printf '#include "preprof.h"\nint f(void) { return preprof_set_mode(0, 0); }\n' >lib.c
gcc -shared -fPIC -I"$source/shim" -o lib.so lib.c >out 2>err &&
    ! readelf -d lib.so | grep -q 'NEEDED.*preprof'
ok $? "a library needs nothing of ours"
echo "1..$count"
