#!/bin/sh
# Threads, counted where they are created: by pthread_create and thrd_create,
# in every mode but off, also in 20 threads at once and in children, and none
# that could not be created.
build=$PWD/${BUILD:-build/release}
case ${MODE:-release} in
release | debug) ;;
*) echo "1..0 # SKIP the preload runs without sanitizers"; exit 0 ;;
esac
shim=$build/libpreprof.so
programs=$build/tests/programs
. ./tests/ok.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PREPROF_DIR="$work/segments"
cd "$work" || exit 1

show() { head -20 "$work/wrong"; }
# created PROGRAM [PROFILE]: "COUNT threadcreate FUNCTION" a caller, by addr2line
created() {
    "$programs/dumpstat" "${2:-profile}" threadcreate |
        while read -r at threads rest; do
            address=$(printf '%#x' $((${at#*+} - 1)))
            echo "$threads threadcreate $(addr2line -fe "$1" "$address" | head -1)"
        done | sort
}

for mode in sample exact; do
    timeout 20 env LD_PRELOAD="$shim" PREPROF_MODE=$mode \
        PREPROF_OUT="$work/profile" "$programs/contend" threads >out &&
        created "$programs/contend" >got && sort out | diff - got >wrong
    ok $? "$mode: every thread is counted where it was created"
done
timeout 20 env LD_PRELOAD="$shim" PREPROF_MODE=off PREPROF_OUT="$work/profile" \
    "$programs/contend" threads >/dev/null &&
    created "$programs/contend" >wrong && [ ! -s wrong ]
ok $? "off: none"

# From many threads at once, and again in a child, with stacks as small as may
# be; threads end in every way there is, and what they do is not ours to see.
cat >many.c <<'END'
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static pthread_attr_t small;
static void *leave(void *how)
{
    if (how)
        pthread_exit((void *)7);
    return (void *)7;
}
__attribute__((noinline)) static void create_small(long i)
{
    void *value = NULL;
    pthread_t thread;
    if (pthread_create(&thread, &small, leave, (void *)(i % 2)) ||
        pthread_join(thread, &value) || value != (void *)7)
        exit(1);
}
static void *create_some(void *nothing)
{
    for (long i = 0; i < 53; i++)
        create_small(i);
    return nothing;
}
__attribute__((noinline)) static void create_many(void)
{
    pthread_t threads[20];
    for (int i = 0; i < 20; i++)
        if (pthread_create(&threads[i], NULL, create_some, NULL))
            exit(1);
    for (int i = 0; i < 20; i++)
        pthread_join(threads[i], NULL);
}
int main(void)
{
    int status;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN);
    create_many();
    if (fork() == 0) {
        create_some(NULL);
        return 0;
    }
    wait(&status);
    printf("%d\n", status);
    return status != 0;
}
END
cc -g -O1 -o many many.c -pthread 2>wrong
timeout 20 sh -c 'echo $$ >pid
    exec env LD_PRELOAD="$0" PREPROF_OUT="$1" ./many' "$shim" "$work/%p.many" \
    >out 2>wrong
ok $? "a program that creates many"
created ./many "$(cat pid).many" >got
printf '1060 threadcreate create_small\n20 threadcreate create_many\n' | sort |
    diff - got >wrong
ok $? "from 20 threads at once"
created ./many "$(ls -- *.many | grep -vx "$(cat pid).many")" >got
echo '53 threadcreate create_small' | diff - got >wrong
ok $? "in a child, from zero"

# By each version that glibc has of the function, and by dlsym(). dlvsym() asks
# for libc's own: it works, uncounted.
cat >versions.c <<'END'
#include <dlfcn.h>
#include <pthread.h>
typedef int create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
create old_create;
__asm__(".symver old_create, pthread_create@GLIBC_2.2.5");
static void *work(void *x) { return x; }
static int wait_for(pthread_t thread, int error)
{
    return error ? error : pthread_join(thread, NULL);
}
#define CREATE(name, function)                                             \
    __attribute__((noinline)) static int name(void)                        \
    {                                                                      \
        pthread_t thread;                                                  \
        int error = (function)(&thread, NULL, work, NULL);                 \
        return wait_for(thread, error);                                    \
    }
CREATE(by_default, pthread_create)
CREATE(by_old_version, old_create)
CREATE(by_dlsym, (create *)dlsym(RTLD_DEFAULT, "pthread_create"))
CREATE(by_dlvsym,
       (create *)dlvsym(RTLD_DEFAULT, "pthread_create", "GLIBC_2.2.5"))
int main(void)
{
    int errors = by_dlvsym();
    for (int i = 0; i < 3; i++)
        errors += by_default() + by_old_version() + by_dlsym();
    return errors;
}
END
if [ "$(uname -m)" = x86_64 ]; then # another architecture's is another version
    cc -D_GNU_SOURCE -g -O1 -o versions versions.c -pthread -ldl 2>wrong &&
        timeout 20 env LD_PRELOAD="$shim" PREPROF_OUT="$work/profile" \
            ./versions 2>wrong && created ./versions >got &&
        printf '3 threadcreate by_%s\n' default dlsym old_version |
        diff - got >wrong
    ok $? "by every version of pthread_create, and by dlsym()"
fi

# A limit that does not let threads be created: the same error.
cat >refused.c <<'END'
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <threads.h>
static void *nothing(void *x) { return x; }
static int c11(void *x) { return x != 0; }
int main(void)
{
    struct rlimit before, none;
    pthread_t thread;
    thrd_t other;
    getrlimit(RLIMIT_AS, &before);
    none = before;
    none.rlim_cur = 1 << 20;
    setrlimit(RLIMIT_AS, &none);
    printf("%d ", pthread_create(&thread, NULL, nothing, NULL));
    printf("%d\n", thrd_create(&other, c11, NULL));
    setrlimit(RLIMIT_AS, &before); /* or the profile could not be kept */
    return 0;
}
END
cc -o refused refused.c -pthread 2>wrong && ./refused >plain &&
    rm -f profile && timeout 20 env LD_PRELOAD="$shim" PREPROF_OUT="$work/profile" \
        ./refused >out && diff plain out >wrong && [ -s profile ] &&
    created ./refused >>wrong &&
    [ ! -s wrong ]
ok $? "a thread that could not be created: the same error, nothing counted"

# Under a filter that kills who asks the kernel for a copy: counted, and alive.
cat >filtered.c <<'END'
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
static void *nothing(void *x) { return x; }
__attribute__((noinline)) static int create(void)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, nothing, NULL);
    return error ? error : pthread_join(thread, NULL);
}
int main(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof(code) / sizeof(code[0]), code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
        return 77;
    return create();
}
END
cc -g -O1 -o filtered filtered.c -pthread 2>wrong
rm -f profile
timeout 20 env LD_PRELOAD="$shim" PREPROF_OUT="$work/profile" ./filtered 2>wrong
status=$?
if [ $status = 77 ]; then
    ok 0 "under a seccomp filter # SKIP there is no seccomp"
else
    [ $status = 0 ] && created ./filtered >got &&
        echo '1 threadcreate create' | diff - got >wrong
    ok $? "under a seccomp filter that forbids to look"
fi
echo "1..$count"
