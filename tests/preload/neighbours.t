#!/bin/sh
# The shim among other objects that own malloc, free, operator new or _exit:
# in front of it, behind it, and in the program. libcount.so forwards and
# counts on its own; libexit.so says that its _exit was reached.
build=$PWD/${BUILD:-build/release}
shim=$build/libpreprof.so
programs=$build/tests/programs
count_lib=$programs/libcount.so
. ./tests/ok.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PREPROF_DIR="$work/segments" PREPROF_OUT="$work/profile" \
    COUNT_OUT="$work/count"

show() { cat "$work/out" "$work/err" "$work/stat" "$work"/count.*; }
# run MODE PRELOADS COMMAND...: its output in out and err, the profile's
# numbers in stat
run() {
    mode=$1 preloads=$2; shift 2
    rm -f "$work/profile" "$work/stat" "$work"/count.*
    LD_PRELOAD=$preloads PREPROF_MODE=$mode "$@" >"$work/out" 2>"$work/err"
    status=$?
    "$programs/dumpstat" "$work/profile" >"$work/stat"
}
value() { awk -v key="$1" '$1 == key { print $2 }' "$work/stat"; }
counted() { awk -v key="$1" '$1 == key { print $2 }' "$work"/count.*; }
same_counts() {
    [ "$(value alloc_objects)" = "$(counted allocs)" ] &&
        [ "$(value alloc_space)" = "$(counted alloc_bytes)" ] &&
        [ "$(value free_objects)" = "$(counted frees)" ] &&
        [ "$(value free_space)" = "$(counted free_bytes)" ] &&
        [ "$(value unknown_frees)" = 0 ]
}

# ---- nothing of ours is counted, nothing comes too early ----
run exact "$shim" /bin/true
[ "$(value loss_BEFORE_START)" = 0 ] && [ "$(value alloc_objects)" = 0 ]
ok $? "/bin/true: nothing allocated, nothing before the start"
run exact "$count_lib:$shim" /bin/true
[ "$(counted allocs)" = 0 ]
ok $? "the shim itself allocates nothing that the first malloc in scope sees"

# ---- what was allocated before there was an allocator ----
for mode in off sample sample=1 exact; do
    run $mode "$programs/libearly.so:$shim" "$programs/primes"
    early=$(sed -n 's/^libearly: \(.*\) of \1$/\1/p' "$work/err")
    [ "$status" = 0 ] && [ "${early:-0}" -ge 10 ] && [ "$(value unknown_frees)" = 0 ]
    ok $? "$mode: $early blocks of the bootstrap arena given back in every way"
done

# ---- a malloc in front ----
run exact "$count_lib:$shim" "$programs/primes"
[ "$(value status)" = 0 ] && [ "$(value alloc_objects)" = 5316 ] && same_counts
ok $? "a preload in front that forwards: not bypassed, every call counted"
run sample=1 "$count_lib:$shim" "$programs/primes"
[ "$(value status)" = 0 ] && [ "$(value calls_allocs)" = 5316 ]
ok $? "the same when sampling"
"$programs/ownmalloc" >"$work/plain"
run exact "$shim" "$programs/ownmalloc"
[ "$status" = 0 ] && cmp -s "$work/plain" "$work/out" &&
    grep -q '^early 0 ' "$work/out"
ok $? "a program's own malloc is not called by us"
[ "$(value status)" = 1 ] && grep -q "^note .*/ownmalloc$" "$work/stat" &&
    [ "$(value alloc_objects)" = 0 ]
ok $? "and it is said that it bypasses us"
jemalloc=$(find /usr/lib -name libjemalloc.so.2 2>/dev/null | head -n 1)
if [ -n "$jemalloc" ]; then
    run exact "$jemalloc:$shim" "$programs/news"
    [ "$status" = 0 ] && [ "$(value status)" = 1 ] &&
        grep -q '^note .*/libjemalloc' "$work/stat"
    ok $? "an allocator in front bypasses us"
else
    count=$((count + 1))
    echo "ok $count # SKIP no jemalloc here"
fi

# ---- operators new and delete ----
# 101 + 5003 + 211 calls, and libstdc++'s pool of 72 704 bytes
news=5316
run exact "$shim:$count_lib" "$programs/news"
[ "$(value alloc_objects)" = $news ] && [ "$(value free_objects)" = 5214 ] &&
    [ "$(value unknown_frees)" = 0 ]
ok $? "operators behind us that end in malloc: once each"
run sample=1 "$shim:$count_lib" "$programs/news"
[ "$(value calls_allocs)" = $news ] && [ "$(value calls_frees)" = 5214 ] &&
    [ "$(value alloc_objects)" = $news ]
ok $? "the same when sampling"
run exact "$count_lib:$shim" "$programs/news"
[ "$(value alloc_objects)" = $news ] && same_counts
ok $? "the same in front of us"
for name in libjemalloc.so.2 libtcmalloc_minimal.so.4 libmimalloc.so.2.0; do
    library=$(find /usr/lib -name "$name" 2>/dev/null | head -n 1)
    for mode in exact sample=1; do
        if [ -z "$library" ]; then
            count=$((count + 1))
            echo "ok $count # SKIP no $name here"
            continue
        fi
        run $mode "$shim:$library" "$programs/news"
        # less what the library allocates when it is loaded
        "$programs/dumpstat" "$work/profile" callers >"$work/callers"
        totals=$(awk '/^(news|libstdc)/ || $2 == 211 { a += $2; f += $4 }
            END { print a + 0, f + 0 }' "$work/callers")
        [ "$totals" = "$news 5214" ] && [ "$(value unknown_frees)" = 0 ]
        ok $? "$name's own operators, $mode: once each"
    done
done

# ---- valgrind ----
run exact "$shim" valgrind -q "$programs/ends" return
[ "$status" = 5 ] && [ ! -s "$work/err" ]
ok $? "valgrind has nothing to say of us"

# ---- _exit ----
for how in _exit _Exit; do
    run exact "$shim:$programs/libexit.so" "$programs/ends" $how
    [ "$status" = 5 ] && [ "$(cat "$work/err")" = "libexit: $how 5" ] &&
        [ "$(value alloc_objects)" = 31 ]
    ok $? "$how goes on to the next one"
done
echo "1..$count"
