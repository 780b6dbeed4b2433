#!/bin/sh
# Exact mode on a program with prime counts: every number equal, none close.
# Then real programs: same output and exit status as without the shim, every
# allocation in the profile, sinks below 0.1 % of bytes.
build=${BUILD:-build/release}
shim=$PWD/$build/libpreprof.so
programs=$build/tests/programs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PREPROF_DIR="$work/segments" PREPROF_VERBOSE=1

count=0
ok() { # ok STATUS NAME
    count=$((count + 1))
    if [ "$1" = 0 ]; then echo "ok $count - $2"; else
        echo "not ok $count - $2"
        [ ! -s "$work/err" ] || sed 's/^/# /' "$work/err"
    fi
}
value() { awk -v key="$1" '$1 == key { print $2 }' "$work/stat"; }
profiled() { # profiled MODE COMMAND...
    mode=$1; shift
    LD_PRELOAD=$shim PREPROF_MODE=$mode PREPROF_OUT=$work/%n.preprof \
        "$@" >"$work/out" 2>"$work/err"
    status=$?
}

profiled exact "$programs/primes"
ok "$status" "primes runs"
# 101 + 5003 + 211 calls; 1009 bytes take 1016 on glibc
[ "$(cat "$work/out")" = "mallocs 5315 inuse 102616 objects 101 left 0 identity 0" ]
ok $? "MemStats count every call to the byte"
"$programs/dumpstat" "$work/primes.preprof" >"$work/stat"
ok $? "the dump is readable"
[ "$(ls "$PREPROF_DIR" | wc -l)" = 0 ]
ok $? "a clean exit leaves no segment"
"$programs/dumpstat" "$work/primes.preprof" callers >"$work/callers"
grep -q ' 101 102616 101 102616$' "$work/callers"
ok $? "keep() has its 101 blocks"
grep -q ' 5003 200120 5003 200120$' "$work/callers"
ok $? "churn() has its 5003 pairs"

profiled sample "$programs/primes"
ok "$status" "primes runs when sampled"
profiled off "$programs/primes"
"$programs/dumpstat" "$work/primes.preprof" >"$work/stat"
[ "$status" = 0 ] && [ "$(value alloc_objects)" = 0 ]
ok $? "nothing is recorded when off"

env -u LD_PRELOAD "$programs/primes" 2>"$work/err"
[ $? = 3 ] && grep -q "Function not implemented" "$work/err"
ok $? "without the shim the API says ENOSYS"

# same NAME INPUT COMMAND...: with and without the shim, and its losses
same() {
    name=$1 input=$2; shift 2
    "$@" <"$input" >"$work/plain" 2>"$work/plain.err"
    plain=$?
    LD_PRELOAD=$shim PREPROF_MODE=exact PREPROF_OUT=$work/$name.preprof \
        "$@" <"$input" >"$work/out" 2>"$work/err"
    [ $? = "$plain" ] && cmp -s "$work/plain" "$work/out" &&
        cmp -s "$work/plain.err" "$work/err"
    ok $? "$name: same output and exit status"
    "$programs/dumpstat" "$work/$name.preprof" >"$work/stat" 2>"$work/err"
    sinks=$(awk '$1 ~ /^sink_alloc_space$/ { s += $2 }
        END { print s + 0 }' "$work/stat")
    total=$(value alloc_space)
    echo "# $name: $(value alloc_objects) allocations, $total bytes," \
        "$sinks in sinks"
    [ "${total:-0}" -gt 0 ] && [ $((sinks * 1000)) -le "$total" ]
    ok $? "$name: sinks hold less than 0.1 % of bytes"
}
echo 'import json
d = {"a": [1, 2, {"b": "c" * 20}] * 50}
for i in range(50): json.loads(json.dumps(d))
print(len(json.dumps(d)))' >"$work/loop.py"
export PYTHONMALLOC=malloc PYTHONHASHSEED=0
same python3 /dev/null /usr/bin/python3 "$work/loop.py"
same perl /dev/null perl -e 'my %h; $h{$_} = "x" x ($_ % 50) for 1 .. 20000;
    print scalar(keys %h), "\n"'
echo 'create table t(a, b);
with recursive n(x) as (select 1 union all select x + 1 from n where x < 20000)
  insert into t select x, hex(x * 7919) from n;
select count(*), max(b) from t; select b from t order by b limit 3;' \
    >"$work/in.sql"
same sqlite3 "$work/in.sql" sqlite3 :memory:
same git /dev/null git -C . log -p -3
echo '[{"a": 1, "b": [1, 2, 3]}, {"a": 2}]' >"$work/in.json"
same jq "$work/in.json" jq 'map(.a) | add'
echo "1..$count"
