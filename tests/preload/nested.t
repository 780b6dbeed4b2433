#!/bin/sh
# A signal handler that allocates, wherever it interrupts the shim (hazards D10
# to D12): no deadlock, every count exact. What a handler allocates while it
# interrupts a walk is in a sink, and nothing else is.
build=${BUILD:-build/release}
shim=$PWD/$build/libpreprof.so
programs=$build/tests/programs
. ./tests/ok.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PREPROF_DIR="$work/segments" PREPROF_OUT="$work/dump"

show() { cat "$work/counted" "$work/out" "$work/profiled"; }

# The counts of the functions that called an allocator, and of the sinks.
profiled() {
    "$programs/dumpstat" "$work/dump" callers |
        grep -e '^nested+' -e '^sink' >"$work/callers"
    while read -r frame rest; do
        [ "$frame" = sink ] && echo 0 || printf '0x%x\n' $((${frame##*+} - 1))
    done <"$work/callers" | addr2line -f -e "$programs/nested" |
        sed -n 'p;n' | paste -d ' ' - "$work/callers" |
        awk '{ name = $2 == "sink" ? "sink" : $1; allocs[name] += $3
                frees[name] += $5 }
            END { for (name in allocs) print name, allocs[name], frees[name] }' |
        LC_ALL=C sort
}

nested() { # nested MODE [WHERE]
    mode=$1 where=$2
    timeout 30 env LD_PRELOAD="$shim:$programs/libbump.so" \
        PREPROF_MODE="$mode" "$programs/nested" $where >"$work/out" 2>&1
    ok $? "$mode: a handler ends: ${where:-on the same stack}"
}

for where in "" above below; do
    nested exact $where
    profiled >"$work/profiled"
    # The sink's are the handler's.
    awk '{ name = $1 == "sink" ? "on_alarm" : $1; allocs[name] += $2
            frees[name] += $3 }
        END { for (name in allocs) print name, allocs[name], frees[name] }' \
        "$work/profiled" | LC_ALL=C sort >"$work/counted"
    cmp -s "$work/counted" "$work/out"
    ok $? "exact: every block, and each at its caller"
    echo "# $(grep sink "$work/profiled")"
done
# Calls that are cut short may go uncounted; what comes after may not.
nested exact jump
profiled | grep calm >"$work/profiled"
cmp -s "$work/profiled" "$work/out"
ok $? "exact: counts on after walks that never ended"
for mode in off sample sample=1 exact; do
    for how in "" allocating; do
        timeout 30 env LD_PRELOAD="$shim:$programs/libraise.so" \
            PREPROF_MODE="$mode" PREPROF_OUT="$work/%p" \
            "$programs/brood" $how 2>"$work/out"
        ok $? "$mode: a handler forks in realloc, both go on $how"
    done
done
nested sample=256 above
nested off
echo "1..$count"
