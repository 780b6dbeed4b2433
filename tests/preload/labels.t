#!/bin/sh
# Labels, as pprof reads them: what allocate() of tests/programs/labels.c counts
# under each, in one thread and many, under handlers, in threads that inherit
# them, in children, and with more values than there is room for.
build=$PWD/${BUILD:-build/release}
case ${MODE:-release} in
release | debug) ;;
*) echo "1..0 # SKIP the preload runs without sanitizers"; exit 0 ;;
esac
command -v go >/dev/null || { echo "1..0 # SKIP go is missing"; exit 0; }
shim=$build/libpreprof.so
labels=$build/tests/programs/labels
. ./tests/ok.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PREPROF_DIR="$work/segments" PPROF_TMPDIR="$work"
cd "$work" || exit 1

show() { head -20 "$work/wrong"; }
# record MODE PROFILE ARGUMENT...: under the shim; what must be is in expected
record() {
    mode=$1 profile=$2; shift 2
    timeout 30 env LD_PRELOAD="$shim" PREPROF_MODE="$mode" \
        PREPROF_OUT="$profile" "$labels" "$@" >expected
}
# pprof ARGUMENT...: of profile.pb.gz
pprof() {
    timeout 30 go tool pprof -sample_index=alloc_objects -focus='^allocate$' \
        "$@" profile.pb.gz 2>/dev/null
}
# read_labels: "KEY VALUE BLOCKS" of profile.pb.gz, as pprof -tags has it, and
# what has none
read_labels() {
    pprof -tags | awk '/: Total/ { key = $1; sub(":$", "", key); next }
        NF { print key, $NF, $1 }' | sed 's/\.0$//'
    pprof -tagignore=. -top | awk '$6 == "allocate" { print "none -", $1 }'
}
check() { # check SEGMENT NAME
    "$build/preprof-convert" "$1" -o profile.pb.gz 2>wrong &&
        read_labels | sort >got && sort expected | diff - got >wrong
    ok $? "$2"
}

record exact kinds.preprof kinds
ok $? "a program sets labels"
check kinds.preprof "each label has its blocks"
[ "$(pprof -tagfocus=handler=/search -top |
    awk '$6 == "allocate" { print $1 }')" = $(((7 + 11) * 103)) ]
ok $? "-tagfocus"
"$build/preprof-convert" kinds.preprof -f text -o text 2>wrong
grep -q '^# labels: {"handler":"/\\"quoted\\"", "user":"u1"}$' text
ok $? "text has Go's line of labels"

record exact threads.preprof threads
ok $? "five threads, and a handler in each"
check threads.preprof "each thread has its own"

record exact inherit.preprof inherit
ok $? "threads that create threads"
check inherit.preprof "each begins with its creator's"

record exact %p.preprof fork
ok $? "a child"
child=$(sed -n 's/^child //p' expected)
sed -i '/^child/d' expected
check "$child.preprof" "it starts without labels, and has its own"

record exact many.preprof many
refused=$(sed -n 's/refused //p' expected)
[ "$refused" = $((10000 - 4095)) ] &&
    "$build/preprof-convert" many.preprof -o profile.pb.gz 2>wrong &&
    [ "$(pprof -tagignore=. -top |
        awk '$6 == "allocate" { print $1 }')" = "$refused" ] &&
    [ "$(pprof -tagfocus=id -top |
        awk '$6 == "allocate" { print $1 }')" = 4095 ] &&
    go tool pprof -comments profile.pb.gz 2>wrong |
        grep -q "^$refused labels left out: table full$"
ok $? "10 000 values: those without room are left out, and counted"

timeout 30 "$labels" kinds >expected 2>wrong
[ $? = 1 ] && grep -q 'Function not implemented' wrong
ok $? "without the shim, it is said so"
echo "1..$count"
