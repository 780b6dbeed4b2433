#!/bin/sh
# What the compiler and the linker made of the shim (hazards A2, A3, A8, A12,
# A18, B1; design 4): of the library under test, and of builds by gcc with
# -flto and by clang, which the sources alone do not decide.
build=${BUILD:-build/release}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The newest glibc that may be needed: _dl_find_object came with 2.35.
glibc_max=2.35
bss_max=757760 # bytes of static memory: RLIMIT_DATA counts them all
tls_max=128 # bytes of initial-exec thread-local memory (hazards B1)

exports="_Exit __sigaction __sysv_signal bsd_signal sigaction siginterrupt
sigignore signalfd sigset sigtimedwait sigwait sigwaitinfo signal ssignal
sysv_signal _ZdaPv _ZdaPvRKSt9nothrow_t _ZdaPvSt11align_val_t
_ZdaPvSt11align_val_tRKSt9nothrow_t _ZdaPvm _ZdaPvmSt11align_val_t _ZdlPv
_ZdlPvRKSt9nothrow_t _ZdlPvSt11align_val_t _ZdlPvSt11align_val_tRKSt9nothrow_t
_ZdlPvm _ZdlPvmSt11align_val_t _Znam _ZnamRKSt9nothrow_t _ZnamSt11align_val_t
_ZnamSt11align_val_tRKSt9nothrow_t _Znwm _ZnwmRKSt9nothrow_t
_ZnwmSt11align_val_t _ZnwmSt11align_val_tRKSt9nothrow_t _exit aligned_alloc
calloc cfree free free_aligned_sized free_sized malloc malloc_usable_size
memalign posix_memalign preprof_read_memstats_v1 preprof_set_label_v1
preprof_set_locks_v1 preprof_set_mode_v1 pvalloc realloc reallocarray valloc"
# A version is exported where an older one is another function.
exports="$exports GLIBC_2.3.2 cnd_timedwait cnd_wait mtx_lock mtx_timedlock
mtx_unlock pthread_barrier_wait pthread_clockjoin_np
pthread_cond_clockwait pthread_cond_timedwait@@GLIBC_2.3.2
pthread_cond_wait@@GLIBC_2.3.2 pthread_create pthread_join
pthread_mutex_clocklock pthread_mutex_lock pthread_mutex_timedlock
pthread_mutex_unlock pthread_rwlock_clockrdlock pthread_rwlock_clockwrlock
pthread_rwlock_rdlock pthread_rwlock_timedrdlock pthread_rwlock_timedwrlock
pthread_rwlock_unlock pthread_rwlock_wrlock pthread_timedjoin_np sem_clockwait
sem_timedwait sem_wait thrd_create thrd_join"

# No stdio, no locale, no clock, no mmap by name: another preload may own them.
imports="_ITM_deregisterTMCloneTable _ITM_registerTMCloneTable
__cxa_at_quick_exit __cxa_atexit __cxa_finalize __environ __errno_location
__gmon_start__
_dl_find_object abort dl_iterate_phdr dladdr dladdr1 dlclose dlopen dlsym environ
getauxval getenv makecontext mallinfo2 memcmp memcpy memset strcmp strlen strncmp
strstr"
# Weak: whether a sanitizer is in the process.
imports="$imports __asan_init __hwasan_init __msan_init __tsan_init"

count=0
check() { # check NAME, of what stands in $work/wrong: nothing must
    count=$((count + 1))
    if [ ! -s "$work/wrong" ]; then echo "ok $count - $label: $1"; else
        echo "not ok $count - $label: $1"
        sed 's/^/# /' "$work/wrong"
    fi
}

check_linking() {
    readelf -dW "$so" >"$work/dynamic"
    readelf -lW "$so" >"$work/segments"

    sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' "$work/dynamic" |
        grep -vx 'libc\.so\.6' >"$work/wrong"
    check "needs libc.so.6 and nothing else"

    echo $exports | tr ' ' '\n' | LC_ALL=C sort >"$work/golden"
    nm -D --defined-only "$so" | awk '{ print $NF }' | LC_ALL=C sort |
        diff "$work/golden" - >"$work/wrong"
    check "exports the names it shall, and no _Unwind_*"

    echo $imports | tr ' ' '\n' >"$work/allowed"
    nm -D --undefined-only "$so" |
        awk '{ sub(/@.*/, "", $NF); print $NF }' |
        grep -vxF -f "$work/allowed" >"$work/wrong"
    check "imports nothing but what is allowed"

    nm -D --undefined-only "$so" | awk -v max="$glibc_max" '
        /@GLIBC_/ { version = $NF; sub(/.*@GLIBC_/, "", version)
            split(version, have, "."); split(max, most, ".")
            if (have[1] != most[1] || have[2] + 0 > most[2] + 0) print }
        /@/ && !/@GLIBC_[0-9.]+$/' >"$work/wrong"
    check "needs no glibc newer than $glibc_max"

    awk '/TEXTREL/' "$work/dynamic" >"$work/wrong"
    grep -q 'BIND_NOW' "$work/dynamic" || echo "no BIND_NOW" >>"$work/wrong"
    grep -q 'GNU_RELRO' "$work/segments" || echo "no RELRO" >>"$work/wrong"
    grep -q 'GNU_STACK .* RW ' "$work/segments" ||
        echo "an executable stack" >>"$work/wrong"
    awk '$1 == "LOAD" && /RWE|R?WE/' "$work/segments" >>"$work/wrong"
    check "no text relocation, nothing both writable and executable"

    readelf -rW "$so" | awk '/TLSDESC|DTPMOD|DTPOFF/' >"$work/wrong"
    nm -D "$so" | grep __tls_get_addr >>"$work/wrong"
    tls=$(awk '$1 == "TLS" { print $6 }' "$work/segments")
    [ $((tls)) -gt 0 ] && [ $((tls)) -le "$tls_max" ] ||
        echo "$((tls)) bytes of TLS" >>"$work/wrong"
    check "TLS is initial-exec and small"
    size "$so" | awk -v max="$bss_max" 'NR == 2 && $2 + $3 > max {
        print $2 + $3, "bytes" }' >"$work/wrong"
    check "static memory is bounded"
}

# The guards. For every call of `callee`: nothing but plain instructions lies
# between it and a store to `guard` on either side.
guarded() { # guarded CALLEE GUARD
    awk -v callee="$1" -v guard="$2" '
        /^[0-9a-f]+ <.*>:$/ { name = $2; close_call(); stored = 0; next }
        $2 == "call" && $0 ~ callee {
            close_call(); calls++
            if (!stored) print name, "no store before: " $0
            open = $0; stored = 0; next }
        $0 ~ guard { stored = 1; open = ""; next }
        $2 ~ /^(call|j|ret)/ { close_call(); stored = 0 }
        function close_call() {
            if (open) print name, "no store after: " open
            open = "" }
        END { close_call(); if (!calls) print "no call of " callee }
    ' "$work/code" >"$work/wrong"
}

# Which hooks are called or jumped to by name, and by whom. What frees like
# free() may be free().
check_recursion() {
    awk '
        /^[0-9a-f]+ <.*>:$/ { name = substr($2, 2, length($2) - 3); next }
        $2 ~ /^(call|jmp)$/ && $4 ~ /^<[A-Za-z_0-9]+(@plt)?>$/ {
            callee = substr($4, 2, length($4) - 2); sub(/@plt/, "", callee)
            print name, callee }' "$work/code" |
        awk -v exports="$exports" '
            BEGIN { n = split(exports, list); for (i = 1; i <= n; i++)
                if (list[i] !~ /^(_exit|_Exit|preprof_.*)$/) hook[list[i]] }
            $2 in hook' |
        grep -vx -e 'c*free[a-z_]* free' -e 'allocate_plainly malloc' \
            >"$work/wrong"
    check "no hook calls a hook: no malloc and memset became calloc"
}

# interpose.c: malloc and free decide without calling, and jump on; the
# operators jump on where they do not record.
check_jumps() {
    : >"$work/wrong"
    for name in malloc free; do
        awk -v name="$name" '$2 == "<" name ">:" { on = 1; next } /^$/ { on = 0 }
            on && $2 == "call" { print name, "calls: " $0 }
            on && $2 == "jmp" && $3 ~ /^\*/ { real = 1 }
            on && $2 == "jmp" && $4 == "<" name "_recorded>" { recorded = 1 }
            END { if (!real) print name, "does not jump to the allocator"
                if (!recorded) print name, "does not jump to the recorder" }
        ' "$work/code" >>"$work/wrong"
    done
    check "malloc and free jump on without a frame"
    : >"$work/wrong"
    for name in $(echo "$exports" | tr ' ' '\n' | grep '^_Z'); do
        awk -v name="$name" '$2 == "<" name ">:" { on = 1; next } /^$/ { on = 0 }
            on && $2 == "jmp" && $3 ~ /^\*/ { jumps = 1 }
            END { if (!jumps) print name, "does not jump on" }
        ' "$work/code" >>"$work/wrong"
    done
    check "operators that do not record jump on"
    awk '$2 == "<malloc>:" { on = 1; next } /^$/ { on = 0 }
        on && $2 == "lock" { print }
        on && $2 == "addq" && $3 ~ /^\$0x1,\(/ { adds++ }
        END { if (adds != 1) print adds + 0, "plain adds, not 1" }
    ' "$work/code" >"$work/wrong"
    check "malloc counts by one unlocked add"
}

check_code() {
    objdump -d --no-show-raw-insn "$so" >"$work/code"
    guarded '<dlsym@plt>' 'mov.*<resolving[.>]' # or .lto_priv.N
    check "dlsym runs under its guard"
    # The mark is set before the walk and cleared after it, wherever the
    # compiler put the two: who walks stores to it twice. record_exact_walk is
    # called with the mark set, and clears it.
    awk -v guard=",%fs:$busy\\\\(" -v far=",$busy\\\\(" '
        /^[0-9a-f]+ <.*>:$/ { name = $2 }
        $2 == "call" && $4 ~ /^<(callsite_capture|record_exact_walk)>$/ {
            walks[name] = 1 }
        $2 ~ /^mov/ && ($0 ~ guard || $0 ~ far) { stores[name]++ }
        END { for (name in walks) { any = 1
                need = name ~ /^<record_exact_walk/ ? 1 : 2
                if (stores[name] < need) print name, stores[name] + 0, "stores" }
            if (!any) print "nobody walks" }' "$work/code" >"$work/wrong"
    check "a walk runs under its guard"
    check_recursion
    check_jumps
}

check_build() { # check_build LABEL [MAKE ARGUMENTS: build it first]
    label=$1 so=$build/libpreprof.so
    shift
    if [ $# -gt 0 ]; then
        so=$work/$label/libpreprof.so
        env -u MAKEFLAGS -u MAKELEVEL make -s B="$work/$label" "$@" "$so" \
            >"$work/out" 2>&1 || cp "$work/out" "$work/wrong"
        check "builds"
        : >"$work/wrong"
    fi
    check_linking
    check_code
}

cat >"$work/busy.c" <<'END'
#include <stddef.h>
#include <stdio.h>
#include "thread.h"
int main(void) { return printf("0x%zx", offsetof(struct thread, busy)) < 0; }
END
: >"$work/wrong"
cc -std=gnu11 -Ishim -o "$work/busy" "$work/busy.c" && busy=$("$work/busy") ||
    { echo "Bail out! no offset of struct thread.busy"; exit 1; }

check_build "under test"
check_build gcc-lto MODE=release CC=gcc CFLAGS=-flto LDFLAGS=-flto
check_build clang MODE=release CC=clang
echo "1..$count"
