#!/bin/sh
# Exact mode on real programs: each one's output and status are the same with
# and without the shim, and the profile of each of its processes is what an
# independent counting preload (libcount.so, in front, so that both see the same
# calls) says: allocations, frees and bytes, in all and caller by caller. Three
# are compared with valgrind's totals too.
build=$PWD/${BUILD:-build/release}
shim=$build/libpreprof.so
programs=$build/tests/programs
count_lib=$programs/libcount.so
. ./tests/ok.sh
work=$(mktemp -d)
victim=
trap '[ -z "$victim" ] || kill "$victim"; rm -rf "$work"' EXIT
export PREPROF_DIR="$work/segments" PREPROF_MODE=exact LC_ALL=C
export PYTHONMALLOC=malloc PYTHONHASHSEED=0
cd "$work" || exit 1

show() { cat difference | head -n 20; }
skip() { # skip NUMBER REASON
    for _ in $(seq "$1"); do
        count=$((count + 1)); echo "ok $count # SKIP $2"
    done
}

# ---- comparing ----
# The same five numbers of one process from both sides.
counted() {
    for key in allocs alloc_bytes frees free_bytes unknown_frees; do
        awk -v key=$key '$1 == key { print key, $2 }' "$1"
    done
}
profiled() {
    "$programs/dumpstat" "$1" >stat || return
    awk '{ name["alloc_objects"] = "allocs"; name["alloc_space"] = "alloc_bytes"
        name["free_objects"] = "frees"; name["free_space"] = "free_bytes"
        name["unknown_frees"] = "unknown_frees" }
        $1 in name { print name[$1], $2 }' stat
}
# compare KIND: every process of the stacked run; what differs to `difference`
compare() {
    : >difference
    for file in count.*; do
        profile=profile.${file##*.}
        if [ ! -e "$profile" ]; then # a forked child that never called us
            grep -Eq '^(allocs|unknown_frees) [1-9]' "$file" &&
                echo "no $profile" >>difference
        elif [ "$1" = totals ]; then
            counted "$file" >expected
            profiled "$profile" >got 2>>difference
            diff expected got >>difference
        else
            awk '$1 == "caller" { print $2, $3, $4, $5, $6 }' "$file" |
                sort >expected
            "$programs/dumpstat" "$profile" callers libcount.so | sort >got
            cat got >>callers
            diff expected got >>difference
        fi
    done
    [ ! -s difference ]
}
# both NAME INPUT FUNCTION...: a function that starts its program with
# LD_PRELOAD=$preloads, run without, with the shim, and with both
both() {
    name=$1 input=$2; shift 2
    rm -f count.* profile.* callers; : >callers
    preloads=
    "$@" <"$input" >plain.out 2>plain.err; plain=$?
    preloads=$shim
    "$@" <"$input" >alone.out 2>alone.err; alone=$?
    export PREPROF_OUT="$work/profile.%p" COUNT_OUT="$work/count"
    preloads=$count_lib:$shim
    "$@" <"$input" >stacked.out 2>stacked.err; stacked=$?
    unset PREPROF_OUT COUNT_OUT
    { diff plain.out alone.out; diff plain.err alone.err
        diff plain.out stacked.out; diff plain.err stacked.err; } >difference
    [ ! -s difference ] && [ -s plain.out ] && [ $plain = $alone ] &&
        [ $plain = $stacked ]
    ok $? "$name: same output and status $plain"
    compare totals
    ok $? "$name: every number equals the independent count"
    compare callers
    ok $? "$name: every caller's numbers do"
    for profile in profile.*; do "$programs/dumpstat" "$profile"; done |
        awk -v name="$name" -v callers="$(wc -l <callers)" '
            { sum[$1] += $2 }
            END {
                printf "# %s: %d allocations, %d bytes, %d callers, " \
                    "%d bytes (%.3f %%) in sinks\n", name,
                    sum["alloc_objects"], sum["alloc_space"], callers,
                    sum["sink_alloc_space"],
                    100 * sum["sink_alloc_space"] / (sum["alloc_space"] + 1)
                exit !(sum["alloc_space"] > 1000 * sum["sink_alloc_space"])
            }'
    ok $? "$name: sinks hold less than 0.1 % of bytes"
}
program() { LD_PRELOAD=$preloads "$@"; }

# ---- what they do ----
cat >loop.py <<'EOF'
import json
d = {"a": [1, 2, {"b": "c" * 20}] * 50}
for i in range(50): json.loads(json.dumps(d))
print(len(json.dumps(d)))
EOF
cat >loop.js <<'EOF'
const zlib = require('zlib'), crypto = require('crypto');
let sum = 0;
for (let i = 0; i < 3000; i++) { // until V8 has compiled it
    const text = JSON.stringify({ a: [1, 2, { b: 'c'.repeat(i % 99) }] });
    try {
        if (i % 7 == 0) throw new Error(text);
        sum += JSON.parse(text).a.length;
    } catch (error) { sum += error.message.length; }
    new RegExp('a' + i + '*b').test('aab');
}
const packed = zlib.deflateSync(Buffer.alloc(1 << 18, 'words '));
console.log(sum, zlib.inflateSync(packed).length,
            crypto.createHash('sha256').update(packed).digest('hex'));
require('vm').runInNewContext('console.log([...Array(9).keys()])', { console });
require('fs').readFile('loop.js', (error, data) => console.log(data.length));
EOF
cat >in.sql <<'EOF'
create table t(a, b);
with recursive n(x) as (select 1 union all select x + 1 from n where x < 2000)
  insert into t select x, hex(x * 7919) from n;
select count(*), max(b) from t; select b from t order by b limit 3;
EOF
cat >in.xml <<'EOF'
<a><b>1</b><b>2</b></a>
EOF
cat >in.xsl <<'EOF'
<xsl:stylesheet version="1.0"
    xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:template match="/"><c>
    <xsl:for-each select="//b"><d><xsl:value-of select="."/></d></xsl:for-each>
  </c></xsl:template>
</xsl:stylesheet>
EOF

export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
git init -q -b main repo
for word in one two three; do
    { cat loop.py in.sql in.xsl; echo $word; } >repo/$word
    git -C repo add $word
    git -C repo -c user.name=preprof -c user.email= commit -q -m $word
done

# A server on a unix socket, so that no port is taken.
redis() {
    LD_PRELOAD=$preloads redis-server --port 0 --unixsocket redis.sock \
        --save '' --dir "$work" --logfile redis.log &
    victim=$!
    for _ in $(seq 100); do [ -S redis.sock ] && break; sleep 0.02; done
    redis-benchmark -s redis.sock -n 5000 -r 1000 -q -t set,lpush,lrange_100 \
        >/dev/null
    redis-cli -s redis.sock flushall
    redis-cli -s redis.sock rpush list a b c
    redis-cli -s redis.sock bgsave # forks
    for _ in $(seq 100); do
        redis-cli -s redis.sock info persistence |
            grep -q 'bgsave_in_progress:0' && break
        sleep 0.02
    done
    redis-cli -s redis.sock lrange list 0 -1
    kill -TERM $victim
    wait $victim; status=$?; victim=
    return $status
}
web_server() { # one master, one worker
    mkdir -p web/logs && echo word >web/file
    cat >web/nginx.conf <<EOF
daemon off; error_log logs/error.log; pid logs/pid;
$([ "$(id -u)" != 0 ] || echo 'user root;')
events {}
http {
    access_log off; client_body_temp_path tmp1; proxy_temp_path tmp2;
    fastcgi_temp_path tmp3; uwsgi_temp_path tmp4; scgi_temp_path tmp5;
    server { listen unix:$work/web/socket; root $work/web; }
}
EOF
    LD_PRELOAD=$preloads nginx -p "$work/web" -c nginx.conf -e logs/error.log &
    victim=$!
    for _ in $(seq 100); do [ -S web/socket ] && break; sleep 0.02; done
    for path in file missing file; do
        curl -s --unix-socket web/socket "http://localhost/$path"
    done
    kill -QUIT $victim
    wait $victim; status=$?; victim=
    return $status
}

# ---- valgrind, in the background ----
valgrind() {
    name=$1; shift
    command valgrind --undef-value-errors=no --leak-check=no \
        --run-libc-freeres=no --run-cxx-freeres=no --log-file="valgrind.$name" \
        "$@" >/dev/null
}
valgrind sqlite3 sqlite3 :memory: <in.sql & valgrinds=$!
valgrind jq jq -n '[range(200)] | map(tostring) | add' & valgrinds="$valgrinds $!"
valgrind cmake cmake -E md5sum in.sql & valgrinds="$valgrinds $!"
# Valgrind has its own malloc, so that usable sizes differ: it adds up the sizes
# asked for, as libcount.so does besides, and the shim does not. It counts from
# the first instruction to the last, without the frees of its own that the two
# --run options would add. As these programs copy neither their environment nor
# their limits, their calls are the same; perl and python3 have a few more under
# valgrind, for its variables.
as_valgrind() {
    sed -n 's/,//g; s/.*usage: \(.*\) allocs \(.*\) frees \(.*\) bytes.*/\1 \2 \3/p' \
        "valgrind.$name" >expected
    awk '{ n[$1] = $2 } END { print n["allocs"], n["frees"],
        n["requested_bytes"] }' count.* | diff expected - >difference
    [ -s expected ] && [ ! -s difference ]
    ok $? "$name: valgrind says the same: $(cat expected)"
}

# ---- and what comes out ----
both primes /dev/null program sh -c \
    "$programs/primes >/dev/null 2>&1; echo done" # without the shim it fails
[ "$(awk '/^primes/ { print $2, $4 }' callers | sort -n | tr '\n' ' ')" = \
    "101 101 211 211 5003 5003 " ]
ok $? "primes: keep(), churn() and grow() are three callers"
both python3 /dev/null program /usr/bin/python3 loop.py
both perl /dev/null program perl -e 'my %h;
    $h{$_} = "x" x ($_ % 50) for 1 .. 5000; print scalar(keys %h), "\n"'
both git /dev/null program git -C repo log -p
both xsltproc /dev/null program xsltproc in.xsl in.xml
both C++ /dev/null program cmake --help-commands
both redis /dev/null redis
if command -v nginx >/dev/null; then
    both nginx /dev/null web_server
else
    skip 4 "no nginx here"
fi
if command -v node >/dev/null; then
    both node /dev/null program node loop.js
else
    skip 4 "no node here"
fi
for pid in $valgrinds; do wait "$pid"; done
both sqlite3 in.sql program sqlite3 :memory:
as_valgrind
both jq /dev/null program jq -n '[range(200)] | map(tostring) | add'
as_valgrind
both cmake /dev/null program cmake -E md5sum in.sql
as_valgrind
echo "1..$count"
