#!/bin/sh
# One program among many: PREPROF_ONLY and preprof run --only. The others have
# no segment, and run as they would.
build=$PWD/${BUILD:-build/release}
. ./tests/ok.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PREPROF_DIR="$work/segments"
shim=$build/libpreprof.so
cd "$work" || exit 1
mkdir bin; cp "$build/tests/programs/ends" bin/ends; ln -s ends bin/alias
printf '#!/bin/sh\n"%s/bin/ends" return\n' "$work" >bin/script
chmod +x bin/script

show() { ls -l outputs | cat - out err; }
# profiled NAME COMMAND...: the programs that left a profile, in a line
profiled() {
    rm -rf outputs; mkdir outputs
    name=$1; shift
    LD_PRELOAD=$shim PREPROF_MODE=exact PREPROF_ONLY=$name \
        PREPROF_OUT=outputs/%n.%p "$@" >out 2>err
    status=$?
    ls outputs | sed 's/\.[0-9]*$//' | sort | uniq -c | xargs >names
}
shell=$(basename "$(readlink -f /bin/sh)")
family='bin/ends return; bin/alias return; /bin/true; bin/script; exit 3'

profiled '' sh -c "$family"
[ "$status" = 3 ] && [ "$(cat names)" = "$(printf '%s\n' "2 $shell" '3 ends' \
    '1 true' | sort -k 2 | xargs)" ]
ok $? "without a name: all of them"
profiled ends sh -c "$family"
[ "$status" = 3 ] && [ "$(cat names)" = '3 ends' ]
ok $? "an executable, by whatever name it is started"
profiled alias sh -c "$family"
[ "$status" = 3 ] && [ "$(cat names)" = '1 ends' ]
ok $? "a link, when it is started by that"
profiled script sh -c "$family"
[ "$status" = 3 ] && [ "$(cat names)" = "1 $shell" ]
ok $? "a script is its interpreter in a process of that name"
profiled end sh -c "$family"
[ "$status" = 3 ] && [ "$(cat names)" = '' ]
ok $? "a part of a name is not one"
profiled forks "$build/tests/programs/forks" fork
[ "$status" = 0 ] && [ "$(cat names)" = '2 forks' ]
ok $? "forked children are of the same program"
profiled other "$build/tests/programs/forks" storm
[ "$status" = 0 ] && [ "$(cat names)" = '' ] && [ ! -s err ]
ok $? "children of one left out are left out"
[ "$(ls -A segments | wc -l)" = 0 ]
ok $? "and no segment is left"

"$build/preprof-run" --only ends -o p -- sh -c "$family" 2>err
[ $? = 3 ] && [ "$(grep -c '^preprof: ends, pid .*: 31 allocations' err)" = 3 ] &&
    [ "$(wc -l <err)" = 3 ] && [ "$(ls p.* | wc -l)" = 3 ]
ok $? "run --only: its processes alone are summed up"
rm -f p.*
"$build/preprof-run" --only ends -o p -- bin/ends return 2>err
[ $? = 5 ] && [ "$(wc -l <err)" = 1 ] && [ -s p ]
ok $? "the first process may be the one"
"$build/preprof-run" --only nosuch -o q -- sh -c "$family" 2>err
[ $? = 3 ] && [ "$(cat err)" = "preprof: no program named nosuch was profiled" ] &&
    [ ! -e q ]
ok $? "when there was none, it says so"
for bad in '' /bin/true; do
    "$build/preprof-run" --only "$bad" -- true 2>err
    [ $? = 2 ] && [ "$(wc -l <err)" = 1 ] || echo "# '$bad'"
done >out
[ ! -s out ]
ok $? "a name is neither empty nor a path"
echo "1..$count"
