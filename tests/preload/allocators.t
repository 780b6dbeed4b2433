#!/bin/sh
# Exact mode over other allocators: the same counts as over glibc, in usable
# sizes of their own. tcmalloc allocates inside malloc_usable_size(), and once
# recursed to death that way.
build=${BUILD:-build/release}
shim=$PWD/$build/libpreprof.so
programs=$build/tests/programs
export PREPROF_DIR="$(mktemp -d)" PREPROF_MODE=exact
trap 'rm -rf "$PREPROF_DIR"' EXIT
count=0
for name in libjemalloc.so.2 libtcmalloc_minimal.so.4 libmimalloc.so.2.0; do
    library=$(find /usr/lib -name "$name" 2>/dev/null | head -n 1)
    count=$((count + 1))
    if [ -z "$library" ]; then
        echo "ok $count # SKIP no $name here"
        continue
    fi
    out=$(LD_PRELOAD=$shim:$library timeout 20 "$programs/primes" 2>&1)
    case $out in
    "mallocs 5315 inuse "*" objects 101 left 0 identity 0") echo "ok $count - $name" ;;
    *) echo "not ok $count - $name: $out" ;;
    esac
done
echo "1..$count"
