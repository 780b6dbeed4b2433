#!/bin/sh
# SPDX-License-Identifier: MIT
# Stacks of real programs, ours against libunwind's (libtraces.c): some
# thousand here, and with ORACLE=long (make oracle) 100 000 of each program.
# $ORACLE_OUT/traces.md, if set, gets the figures.
build=${BUILD:-build/release}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ "$ORACLE" = long ]; then
    wanted=100000 rounds=100
else
    wanted=1000 rounds=1
fi
count=0

# traces NAME PER_CENT EVERY COMMAND...: at least so many of the stacks reach
# the outermost frame.
traces() {
    name=$1 whole=$2 every=$3
    shift 3
    count=$((count + 1))
    if ! command -v "$1" >/dev/null; then
        echo "ok $count # SKIP no $name"
        return
    fi
    : >"$work/traces"
    TRACES_OUT=$work/traces TRACES_EVERY=$every PYTHONMALLOC=malloc \
        LD_PRELOAD=$PWD/$build/tests/oracle/libtraces.so \
        "$@" >"$work/out" 2>"$work/err"
    status=$?
    [ "$status" -eq 0 ] || sed 's/^/# /' "$work/err"
    awk -v name="$name" -v count="$count" -v wanted="$wanted" \
        -v per_cent="$whole" -v status="$status" -v table="$work/table" '
        /^mismatch/ { print "# " $0 }
        /^stacks / { for (i = 1; i < NF; i += 2) sum[$i] += $(i + 1) }
        END {
            stacks = sum["stacks"]
            good = status == 0 && stacks >= wanted && sum["wrong"] == 0 &&
                sum["whole"] + sum["guessed"] >= stacks * per_cent / 100
            printf "%sok %d - %s: %d stacks, %d wrong; %d whole, %d guessed " \
                "to the end; by the spine %d, of them by the memo %d\n",
                good ? "" : "not ", count, name, stacks, sum["wrong"],
                sum["whole"], sum["guessed"], sum["spine"], sum["memo"]
            printf "| %s | %d | %d | %d | %d | %d | %d |\n", name, stacks,
                sum["wrong"], sum["whole"], sum["guessed"], sum["spine"],
                sum["memo"] >>table }
    ' "$work/traces"
}

cat >"$work/a.py" <<'END'
import json, re, sys, sqlite3, xml.etree.ElementTree
rounds = int(sys.argv[1])
for i in range(60 * rounds):
    text = json.dumps({"a": [1, 2.5, {"b": "c" * (i % 90)}] * 3})
    json.loads(text)
    re.sub("[a-z]+%d" % i, lambda m: m.group(0).upper(), text)
    if i % 10 == 0:
        base = sqlite3.connect(":memory:")
        base.execute("create table t(a, b)")
        base.executemany("insert into t values (?, ?)",
                         [(j, str(j)) for j in range(20)])
        sorted(base.execute("select * from t order by b"), key=lambda r: -r[0])
        xml.etree.ElementTree.fromstring("<a><b c='1'>d</b></a>" )
END
cat >"$work/a.pl" <<'END'
my ($rounds, %h) = (shift);
for my $i (1 .. 1500 * $rounds) {
    $h{"k" . $i % 5000} = join ",", map { $_ * 3 } $i .. $i + 3;
    my @words = sort { $b cmp $a } split /,/, $h{"k" . $i % 5000};
    eval { die { words => [@words] } } if $i % 7 == 0;
}
END
cat >"$work/a.js" <<'END'
const zlib = require('zlib'), crypto = require('crypto');
let sum = 0;
for (let i = 0; i < 300 * +process.argv[2]; i++) {
    const o = JSON.parse(JSON.stringify({a: [1, 2, {b: 'c'.repeat(i % 99)}]}));
    const z = zlib.deflateSync(Buffer.from('x'.repeat(i % 999)));
    sum += o.a.length + zlib.inflateSync(z).length;
    sum += crypto.createHash('sha256').update(z).digest().length;
    new RegExp('a' + i + '*b').test('aab');
}
setTimeout(() => console.log(sum), 1);
END
(
    export HOME=$work GIT_CONFIG_NOSYSTEM=1
    git init -q "$work/r" && cd "$work/r" || exit 1
    for i in 1 2 3 4 5 6 7 8 9; do
        seq $((i * 7)) 400 >f && git add f && git -c user.name=a \
            -c user.email=a@example.org commit -qm "$i" || exit 1
    done
) >/dev/null

echo 1..6
traces python3 100 8 /usr/bin/python3 -S "$work/a.py" "$rounds"
traces perl 100 4 perl "$work/a.pl" "$rounds"
traces node 99 $((rounds > 1 ? 4 : 40)) node "$work/a.js" "$rounds"
traces C++ 100 4 "$build/tests/programs/throws" $((rounds * 100))
traces git 100 2 sh -e -c 'cd "$1"; export HOME=$1 GIT_CONFIG_NOSYSTEM=1
    for i in $(seq "$2"); do git log -p; done' - "$work/r" $((rounds * 3))
traces holes 100 1 "$build/tests/programs/holes" $((rounds * 1100))

[ -z "$ORACLE_OUT" ] || cat - "$work/table" >"$ORACLE_OUT/traces.md" <<'END'

## Stacks

At random mallocs of real programs: by rules, with all registers, through spine
and memo, each against libunwind's unw_step (tests/oracle/libtraces.c).
*Guessed*: right up to where code without unwind tables begins, behind which
both guess: V8's in node.

| program | stacks | wrong | whole | guessed | by the spine | by the memo |
|---|---|---|---|---|---|---|
END
