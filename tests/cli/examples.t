#!/bin/sh
# Each example under preprof run: the callsites its header comment promises are
# in the profile, with their numbers, at their source lines, which are found in
# the source itself.
build=${BUILD:-build/release}
run=$PWD/$build/preprof-run
convert=$PWD/$build/preprof-convert
programs=$PWD/$build/examples
examples=$PWD/examples
command -v go >/dev/null ||
    { echo "1..0 # SKIP go tool pprof is missing"; exit 0; }
. ./tests/ok.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PREPROF_DIR="$work/segments" PPROF_TMPDIR="$work"
cd "$work" || exit 1

show() { cat out err traces; }

# profile NAME OUTPUT: runs an example, which prints OUTPUT; it is $name then
profile() {
    name=$1
    source=$(ls "$examples/$name".c*)
    : >traces
    timeout 10 "$run" -o "$name.preprof" -- "$programs/$name" >out 2>err &&
        [ "$(cat out)" = "$2" ]
    ok $? "$name runs and says what it did"
    "$convert" "$name.preprof" -o "$name.pb.gz" 2>>err
}

# has INDEX NUMBER FRAME...: a stack of the example $name begins with these
# frames, leaf first; FRAME is FUNCTION or FUNCTION@SOURCE-TEXT
has() {
    index=$1 number=$2
    shift 2
    title="$name: $index $number in ${1%%@*}"
    want=$number
    for frame; do
        case $frame in
        *@*)
            line=$(grep -nF -- "${frame#*@}" "$source" | cut -d: -f1)
            want="$want ${frame%%@*} $source:$line" ;;
        *) want="$want $frame" ;;
        esac
    done
    stacks "$index"
    grep -qF "^$want " traces
    ok $? "$title"
}

# stacks INDEX: writes the stacks of $name to traces, "^NUMBER FRAME... "
stacks() {
    go tool pprof -traces -lines -unit=B -sample_index="$1" \
        "$name.pb.gz" 2>>err |
        awk '/^-----/ { if (stack) print stack " "; stack = ""; next }
             $1 ~ /^[a-z]*:$/ { next } # a label
             { sub(/ \(inline\)$/, ""); sub(/B$/, "", $1); $1 = $1
               stack = (stack ? stack " " : "^") $0 }' >traces
}

profile leak "4999 requests, 88872 bytes sent"
has alloc_objects 4999 'request_answer@malloc(REPLY_SIZE)' \
    'main@sent += request_answer'
has inuse_objects 4999 'session_new@malloc(sizeof(*session))' \
    'cache_find@session = session_new(id)' 'request_answer@cache_find(id)->' \
    'main@sent += request_answer'
! grep -q "^^[1-9][0-9]* request_answer " traces
ok $? "leak: no reply is in use"

profile churn "100003 messages, 700021 words"
has alloc_objects 100003 'words_split@calloc(WORDS_MAX' 'main@words += '
has alloc_objects 100003 'message_read@malloc(MESSAGE_SIZE)' 'main@*slot = '
has inuse_objects 31 'message_read@malloc(MESSAGE_SIZE)' 'main@*slot = '

profile threads "307 words, 101 images, 5003 clients"
new='block_new@malloc(sizeof(*block)'
has inuse_objects 307 "$new" 'index_words@block_new(list, 1009)'
has inuse_objects 101 "$new" 'decode_images@block_new(list, 30011)'
has inuse_objects 5003 "$new" 'answer_clients@block_new(list, 61)'

profile labels "401 searches, 211 uploads, 101 orders"
has alloc_objects 1203 'pages_fill@malloc(PAGE_SIZE)' 'search@pages_fill(3)' \
    'request_answer@request->answer()'
has alloc_objects 1055 'pages_fill@malloc(PAGE_SIZE)' 'compress@pages_fill(5)'
[ "$(go tool pprof -tags -sample_index=alloc_objects -focus=pages_fill \
    labels.pb.gz 2>>err | awk '/%/ { print $NF, $1 }')" = "\
/search 1203.0
/upload 1055.0
/order 202.0" ]
ok $? "labels: the pages of each handler"
"$programs/labels" >out && [ "$(cat out)" = "401 searches, 211 uploads, 101 orders" ]
ok $? "labels: runs as well when it is not profiled"

profile memstats "\
allocated HeapAlloc  +970776  HeapObjects  +97  Mallocs  +97  Frees   +0
freed     HeapAlloc  -970776  HeapObjects  -97  Mallocs   +0  Frees  +97"
has alloc_space 970776 'main@malloc(BLOCK_SIZE)'
[ "$("$programs/memstats")" = "not profiled; try: preprof run -- memstats" ]
ok $? "memstats: says so when it is not profiled"

profile inlined "1009 points, 211 names"
stacks inuse_objects
for want in "1009 .*List<Point>::add $source:LINE main " \
    "211 .*List<Name>::add $source:LINE main "; do
    line=$(grep -n 'new Node{' "$source" | cut -d: -f1)
    grep -q "^^$(echo "$want" | sed "s/LINE/$line/")" traces
    ok $? "inlined: inuse_objects ${want% $source*}"
done
echo "1..$count"
