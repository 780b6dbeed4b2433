#!/bin/sh
# docs/hazards.md: every hazard has its row, in order; every test that a row
# names is there and has the words that are quoted, not in a comment alone, or it
# says why there is none.
table=docs/hazards.md
. ./tests/ok.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

show() { cat "$work/wrong"; }

for area in A18 B12 C13 D18 E18 F16 G13 H10 I20 J3; do
    letter=${area%%[0-9]*}
    for number in $(seq "${area#?}"); do echo "$letter$number"; done
done >"$work/all"
sed -n 's/^| \([A-J][0-9]*\) |.*/\1/p' "$table" | diff "$work/all" - >"$work/wrong"
ok $? "every hazard, once and in order"

# What stands behind the second bar: `FILE` "WORDS", with <br> between.
grep -E '^\| ([A-J]?[0-9]+) ' "$table" >"$work/rows"
: >"$work/wrong"
while read -r row; do
    test=${row#|*|*| } test=${test% |}
    id=${row#| } id=${id%% *}
    case $test in
    'none: '?*) echo "$id: $test" >>"$work/untested"; continue ;;
    esac
    echo "$test" | sed 's/<br>/\n/g' | while IFS='`' read -r empty file words; do
        words=${words#' "'}
        words=${words%'"'}
        # "#: NAME" is a row of the matrix
        [ -z "$empty" ] && [ -f "$file" ] && [ -n "$words" ] &&
            grep -F -- "$words" "$file" | grep -qv '^ *\(#[^:]\|/*\*\|//\)' ||
            echo "$id: $file has no \"$words\"" >>"$work/wrong"
    done
done <"$work/rows"
[ ! -s "$work/wrong" ]
ok $? "each names tests that are there"
sed 's/^/# /' "$work/untested"
[ "$(grep -c . "$work/untested")" -le 5 ]
ok $? "but for $(grep -c . "$work/untested"), which say why"

# The other way round: sources that name a hazard name one that there is.
grep -rhoE '[Hh]azards? [A-J][0-9]+' shim tools server tests |
    grep -oE '[A-J][0-9]+' | sort -u | grep -vxF -f "$work/all" >"$work/wrong"
[ ! -s "$work/wrong" ]
ok $? "sources name no other"
echo "1..$count"
