#!/bin/sh
# The whole allocator family, in C and C++, over every allocator that is here:
# each call returns what it returns without the shim (NULL or not, errno,
# alignment), and each callsite's counters equal what the program itself added
# up, to the object and to the byte. Hazards A14, A15, F2, F5, F7, F9, F12.
build=${BUILD:-build/release}
shim=$PWD/$build/libpreprof.so
programs=$build/tests/programs
. ./tests/ok.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PREPROF_DIR="$work/segments" PREPROF_OUT="$work/dump"

show() { cat "$work/diff" | head -n 20; }

# profiled_cases PROGRAM: "CASE counters" of its functions that allocated, as the
# first frame that is the program's. The call is in front of the return address.
profiled_cases() {
    "$programs/dumpstat" "$work/dump" stacks | awk -v program="$1" '
        { for (i = 6; i <= NF && index($i, program "+") != 1; i++);
            if (i <= NF) print substr($i, length(program) + 2), $2, $3, $4, $5
        }' >"$work/callers"
    while read -r address rest; do
        printf '0x%x\n' $((address - 1))
    done <"$work/callers" | addr2line -f -e "$programs/$1" | sed -n 'p;n' |
        sed 's/^_ZL[0-9]*\([a-z_]*\)v$/\1/' | paste -d ' ' - "$work/callers" |
        awk '{ for (i = 3; i <= 6; i++) sum[$1, i] += $i; name[$1] }
            END { for (n in name) print n, sum[n, 3], sum[n, 4], sum[n, 5],
                sum[n, 6] }' | LC_ALL=C sort
}

# family PROGRAM LEFT_OUT LEFT_OUT_PLAIN [ALLOCATOR]: what is left out crashes,
# with and without the shim or only without.
family() {
    program=$1 left_out=$2 left_out_plain=$3 next=$4
    name=${next##*/}
    name="$program over ${name:-glibc}"
    LD_PRELOAD=$next "$programs/$program" $left_out $left_out_plain \
        >"$work/out" 2>/dev/null
    grep '^result' "$work/out" >"$work/plain"
    echo "$left_out_plain" | tr ' ' '\n' | sed -n 's/..*/^result & /p' >"$work/apart"
    for mode in off sample=64 exact; do
        LD_PRELOAD=$shim${next:+:$next} PREPROF_MODE=$mode \
            "$programs/$program" $left_out >"$work/out" 2>"$work/diff"
        status=$?
        grep '^result' "$work/out" | grep -vf "$work/apart" |
            diff "$work/plain" - >"$work/diff" && [ -s "$work/plain" ] &&
            [ $status = 0 ]
        ok $? "$name: same results when $mode"
    done
    # A case that got no block is in no profile. Left aside: what main itself
    # does, and exceptions, which are allocated where they are thrown.
    awk '$1 == "tally" && $3 > 0 { print $2, $3, $4, $5, $6 }' "$work/out" |
        LC_ALL=C sort >"$work/tally"
    profiled_cases "$program" |
        grep -vE '^(main|family_main|refused|_ZL6refuse.*) ' |
        diff "$work/tally" - >"$work/diff" && [ -s "$work/tally" ]
    ok $? "$name: every case exact"
}

over() { # over LIBRARY LEFT_OUT LEFT_OUT_PLAIN: when it is here
    library=$(find /usr/lib -name "$1" 2>/dev/null | head -n 1)
    [ -n "$library" ] || return
    family family "$2" "$3" "$library"
    family family_new "$2" "$3" "$library"
}

family family "" ""
family family_new "" ""
# jemalloc leaves pvalloc and cfree to libc and is handed libc's blocks, or libc
# its own; the shim builds the one on its memalign, the other on its free.
over libjemalloc.so.2 "" "page_sized c_free"
over libtcmalloc_minimal.so.4 "" ""
over libmimalloc.so.2.0 refused "" # aborts
for library in libbump.so libbump_named.so; do # pvalloc as for jemalloc
    family family "" page_sized "$programs/$library"
    family family_new "" "" "$programs/$library"
done
PREPROF_MODE=sample PREPROF_OUT="$work/twice" \
    LD_PRELOAD="$shim:$programs/libbump_named.so" "$programs/forks" vfork
[ "$("$programs/dumpstat" "$work/twice" |
    awk '$1 == "calls_allocs" { print $2 }')" = 108 ]
ok $? "sampling over libbump_named.so: each call counted once"
echo "1..$count"
