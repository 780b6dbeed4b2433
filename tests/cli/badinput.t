#!/bin/sh
# What preprof convert and top say to files that are no profiles, to mistakes on
# the command line and to output that cannot be written: one line, status 1 for
# input and output, 2 for usage; nothing half-written at OUT, and what was there
# before stays. Runs in every mode: the segment is made by hand.
build=$PWD/${BUILD:-build/release}
convert=$build/preprof-convert
top=$build/preprof-top
. ./tests/ok.sh
work=$(mktemp -d)
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
export PREPROF_DIR="$work/segments"
cd "$work" || exit 1
"$build/tests/helpers/segment_write" small || exit 1
"$build/tests/helpers/segment_write" large 5003 || exit 1

show() { cat err; }
# says STATUS PATTERN [top] ARG...: the status of convert, or top, and that it
# says one line
says() {
    want=$1 pattern=$2 program=$convert; shift 2
    [ "$1" != top ] || { program=$top; shift; }
    timeout 10 "$program" "$@" >out 2>err </dev/null
    got=$?
    [ "$got" = "$want" ] && [ "$(wc -l <err)" = 1 ] && [ ! -s out ] &&
        grep -q "^preprof[- ][a-z]*: $pattern\$" err
    ok $? "$want: $pattern"
}

long=$(printf '%300s' '' | tr ' ' n)

# ---- input that is none ------------------------------------------------------
for command in top "-o new"; do
    # shellcheck disable=SC2086
    bad() { says 1 "$1" $command "$2"; }
    bad 'nofile: No such file or directory' nofile
    bad '/: not a regular file' /
    bad '/dev/null: not a regular file' /dev/null
    : >empty
    bad 'empty:0: not a preprof segment' empty
    echo 'heap profile: 1: 16 [1: 16] @ heap/2' >foreign
    bad 'foreign:0: not a preprof segment' foreign
    gzip -c foreign >foreign.pb.gz
    bad 'foreign.pb.gz:0: not a preprof segment' foreign.pb.gz
    head -c 300000 /dev/urandom >random
    bad 'random:0: not a preprof segment' random
    head -c 100 small >short
    bad 'short:100: truncated: .*' short
    head -c 4096 small >short
    bad 'short:[0-9]*: truncated: .* the file has 4096' short
    head -c 300000 small >short
    bad 'short:[0-9]*: truncated: .* the file has 300000' short
    { head -c 8 small; head -c 299992 /dev/urandom; } >damaged
    bad 'damaged:[0-9]*: .*' damaged
    ln -sf small link
    bad 'link: is a symbolic link' link
    mkfifo fifo 2>/dev/null
    bad 'fifo: not a regular file' fifo
    bad ': No such file or directory' ''
    bad "$long: File name too long" "$long"
    bad '.*no process 2147483647.*' 2147483647
    printf 'x' >"$(printf 'a\033[1m\nb')"
    bad 'a?\[1m?b:0: not a preprof segment' "$(printf 'a\033[1m\nb')"
done
cp small secret
chmod 0 secret
if [ "$(id -u)" = 0 ]; then
    chmod 755 "$work"
    as_other='setpriv --reuid=65534 --regid=65534 --clear-groups'
    $as_other "$convert" --help >/dev/null 2>&1 || as_other=
else
    as_other='env'
fi
if [ "$as_other" ]; then
    $as_other "$top" secret >out 2>err
    [ $? = 1 ] && [ "$(cat err)" = "preprof top: secret: Permission denied" ]
    ok $? "1: secret: Permission denied"
else
    ok 0 "1: secret: Permission denied # SKIP no other user"
fi
[ ! -e new ] && ! ls -- *.tmp-* >/dev/null 2>&1
ok $? "nothing was written for any of them"

# ---- usage -------------------------------------------------------------------
says 2 'unknown option --frob; .*' --frob small
says 2 'unknown option -z; .*' small -z
says 2 'unknown option --all=3; .*' top small --all=3
says 2 '-o needs a value; .*' small -o
says 2 '-n needs a value; .*' top small -n
says 2 'a FILE or PID is missing.*' top
says 2 'a FILE or PID is missing.*' -o new
says 2 'one FILE or PID, not also large' top small large
says 2 'where to? -o OUT is missing' small
says 2 '-f takes pprof, folded or text, not nonsense' small -f nonsense -o new
says 2 '-f takes pprof, folded or text, not ' small -f '' -o new
says 2 'unknown option -f; .*' top small -f pprof
for rows in 0 -1 x 3x '' ' 3'; do
    says 2 "-n takes a number above 0, not $rows" top small -n "$rows"
done
[ ! -e new ]
ok $? "nothing was written for any of them"

# ---- output that cannot be written -------------------------------------------
mkdir directory
echo precious >old
# keeps ARG...: as says, and everything in OUT's directory is as it was
keeps() {
    ls -A >before
    says "$@"
    ls -A | cmp -s - before && [ "$(cat old)" = precious ]
    ok $? "nothing is left over, and OUT is as it was"
}
ln -s /dev/full full # a device by way of a link: no bug can harm the device
for format in pprof folded text; do
    "$convert" large -f $format -o - >/dev/full 2>err
    [ $? = 1 ] && [ "$(cat err)" = "preprof-convert: -: No space left on device" ]
    ok $? "$format to a full stdout"
    "$convert" large -f $format -o full 2>err
    [ $? = 1 ] && [ -c full ] &&
        [ "$(cat err)" = "preprof-convert: full: No space left on device" ]
    ok $? "$format to a full device"
    (trap '' XFSZ; ulimit -f 1; exec "$convert" large -f $format -o old 2>err)
    [ $? = 1 ] && [ "$(cat err)" = "preprof-convert: old: File too large" ] &&
        [ "$(cat old)" = precious ] && ! ls -- old.* >/dev/null 2>&1
    ok $? "$format to a file that must not grow"
done
"$top" large >/dev/full 2>err
[ $? = 1 ] && [ "$(wc -l <err)" = 1 ] && grep -q 'No space left on device' err
ok $? "top to a full stdout"
keeps 1 'directory: Is a directory' small -o directory
keeps 1 'no/where: No such file or directory' small -o no/where
keeps 1 'old/where: Not a directory' small -o old/where
keeps 1 ': No such file or directory' small -o ''
keeps 1 "$long: File name too long" small -o "$long"
keeps 1 'foreign:0: not a preprof segment' foreign -o old

# ---- output that can ---------------------------------------------------------
"$convert" small -o old 2>err && gzip -t old
ok $? "a file is replaced"
mkfifo pipe
timeout 10 cat pipe >got &
reader=$!
timeout 10 "$convert" small -f folded -o pipe 2>err && wait $reader &&
    [ -p pipe ] && [ "$(wc -l <got)" = 3 ]
ok $? "a pipe is written to, not replaced"
ln -s /proc/self/fd/1 stdout
"$convert" small -f folded -o stdout >got 2>err && [ "$(wc -l <got)" = 3 ] &&
    [ -L stdout ]
ok $? "a link is followed, not replaced"
echo "1..$count"
