/* SPDX-License-Identifier: MIT */
/*
 * stress.c - what is hardest for the shim, with numbers that are known:
 *
 *   fds            takes descriptors 3..64 for files, pipes and sockets with
 *                  known contents, says "ready", allocates in two threads until
 *                  its input ends, and says whether a byte or a descriptor
 *                  changed
 *   reuse N        4 threads replace, move and free N blocks each, of sizes
 *                  whose addresses come back at once
 *   relay N        gives back N blocks by free() and N by realloc(); before any
 *                  returns, another thread has the address (librelay.c)
 *   plugins N DIR  2 threads load, call and unload DIR/0.so .. DIR/7.so, N times
 *                  each, while one allocates
 *   many N         4 threads replace N blocks in all, each other's too, a few
 *                  hundred alive, one in a thousand of them mapped; and how much
 *                  more memory was ever resident than after a tenth of them
 *   small N        N threads of PTHREAD_STACK_MIN that allocate, and again as
 *                  they end
 *   strict         enters seccomp's strict mode, allocates, ends by exit(2)
 *
 * The last line is "did ALLOCATIONS FREES".
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define THREADS 4
#define FD_END  65

static uint64_t allocations, frees;

static void *allocate(size_t size)
{
    __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
    return malloc(size);
}

static void release(void *block)
{
    if (block)
        __atomic_fetch_add(&frees, 1, __ATOMIC_RELAXED);
    free(block);
}

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static _Noreturn void fail(const char *what)
{
    printf("failed: %s\n", what);
    exit(1);
}

static void run_threads(void *(*run)(void *), int count, size_t stack)
{
    static pthread_t threads[64];
    pthread_attr_t attributes;

    pthread_attr_init(&attributes);
    if (stack)
        pthread_attr_setstacksize(&attributes, stack);
    for (int i = 0; i < count; i++)
        if (pthread_create(&threads[i], &attributes, run,
                           (void *)(uintptr_t)(i + 1)) != 0)
            fail("no thread");
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

/* ---- fds --------------------------------------------------------------- */

static volatile bool input_ended;

static void *allocate_on(void *seed)
{
    uint64_t state = (uint64_t)(uintptr_t)seed;
    void *kept[64] = {NULL};

    while (!input_ended) {
        void **slot = &kept[next(&state) % 64];

        release(*slot);
        *slot = allocate(next(&state) % 2000);
    }
    for (int i = 0; i < 64; i++)
        release(kept[i]);
    return NULL;
}

static uint8_t byte_of(int fd, int at)
{
    return (uint8_t)(fd * 7 + at);
}

/* Every third descriptor a file, the others both ends of pipes and sockets. */
static void open_known(int fd)
{
    char name[] = "stress-XXXXXX";
    int pair[2], got;

    if (fd % 3 == 0) {
        got = mkstemp(name);
        unlink(name);
    } else if (fd % 3 == 1 && fd + 1 < FD_END) {
        got = (fd % 2 ? pipe(pair)
                      : socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) == 0
                  ? pair[0]
                  : -1;
    } else {
        return; /* the other end is there, or nothing */
    }
    if (got != fd)
        fail("a descriptor was not free");
    for (int at = 0; at < 100; at++) {
        uint8_t byte = byte_of(fd, at);

        if (write(fd % 3 == 0 ? fd : fd + 1, &byte, 1) != 1)
            fail("cannot write");
    }
}

static void check_known(int fd)
{
    uint8_t bytes[200];
    ssize_t got;

    if (fd % 3 == 2 || fd + 1 == FD_END)
        return;
    if (fd % 3 == 0 && lseek(fd, 0, SEEK_SET) != 0)
        fail("cannot seek");
    got = read(fd, bytes, sizeof(bytes));
    if (got != 100)
        fail("bytes came or went");
    for (int at = 0; at < 100; at++)
        if (bytes[at] != byte_of(fd, at))
            fail("a byte changed");
}

static void *wait_for_input(void *unused)
{
    char byte;

    (void)unused;
    while (read(0, &byte, 1) > 0)
        ;
    input_ended = true;
    return NULL;
}

static void use_fds(void)
{
    pthread_t waiter;
    int spare;

    release(allocate(10)); /* the shim is at work before they are closed */
    if (close_range(3, UINT_MAX, 0) != 0)
        fail("cannot close");
    for (int fd = 3; fd < FD_END; fd++)
        open_known(fd);
    puts("ready");
    fflush(stdout);
    pthread_create(&waiter, NULL, wait_for_input, NULL);
    run_threads(allocate_on, 2, 0);
    pthread_join(waiter, NULL);
    spare = dup(0);
    if (spare != FD_END - 1 && spare != FD_END)
        fail("somebody has a descriptor");
    for (int fd = 3; fd < FD_END; fd++)
        check_known(fd);
}

/* ---- reuse ------------------------------------------------------------- */

static uint64_t number;
static void *places[16];

static void *replace(void *seed)
{
    uint64_t state = (uint64_t)(uintptr_t)seed * 7919;

    for (uint64_t i = 0; i < number; i++) {
        void **place = &places[next(&state) % 16];
        void *block = NULL;

        if (next(&state) % 4) {
            block = allocate(24 + (next(&state) & 16));
            if (next(&state) % 8 == 0) { /* counts as a free and a malloc */
                release(NULL);
                block = realloc(block, 24 + (next(&state) & 48));
                __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
                __atomic_fetch_add(&frees, 1, __ATOMIC_RELAXED);
            }
        }
        block = __atomic_exchange_n(place, block, __ATOMIC_ACQ_REL);
        release(block);
    }
    return NULL;
}

static void reuse_addresses(void)
{
    run_threads(replace, THREADS, 0);
    for (int i = 0; i < 16; i++)
        release(places[i]);
}

/* ---- relay ------------------------------------------------------------- */

static sem_t given, taken;
static void *volatile caught;

static void hand_over(void)
{
    sem_post(&given);
    sem_wait(&taken);
}

static void *catch_all(void *unused)
{
    for (uint64_t i = 0; i < 2 * number; i++) {
        sem_wait(&given);
        caught = allocate(64);
        sem_post(&taken);
    }
    return unused;
}

/* Gives back a block while the other thread waits for it. */
static void relay_one(void (**given_back)(void), bool by_realloc)
{
    void *block = allocate(64), *moved = NULL, *before = block;

    *given_back = hand_over;
    if (by_realloc)
        moved = realloc(block, 128);
    else
        free(block);
    *given_back = NULL;
    __atomic_fetch_add(&frees, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&allocations, by_realloc, __ATOMIC_RELAXED);
    if (caught != before)
        fail("the other thread has another address");
    release(moved);
    release(caught);
}

static void relay_all(void)
{
    void (**given_back)(void) =
        (void (**)(void))dlsym(RTLD_DEFAULT, "relay_given_back");
    pthread_t thread;

    if (!given_back || sem_init(&given, 0, 0) || sem_init(&taken, 0, 0) ||
        pthread_create(&thread, NULL, catch_all, NULL))
        fail("no relay");
    for (uint64_t i = 0; i < number; i++) {
        relay_one(given_back, false);
        relay_one(given_back, true);
    }
    pthread_join(thread, NULL);
}

/* ---- plugins ----------------------------------------------------------- */

static const char *plugins;

static void *load_and_call(void *seed)
{
    uint64_t state = (uint64_t)(uintptr_t)seed;
    char path[4096];

    for (uint64_t i = 0; i < number; i++) {
        void *(*plugin)(void *(*)(size_t), size_t);
        void *handle;

        snprintf(path, sizeof(path), "%s/%d.so", plugins,
                 (int)(next(&state) % 8));
        handle = dlopen(path, RTLD_NOW);
        if (!handle)
            fail(dlerror());
        plugin = (void *(*)(void *(*)(size_t), size_t))dlsym(handle, "plugin");
        for (size_t size = 1; size < 20; size++)
            release(plugin(allocate, size));
        dlclose(handle);
    }
    input_ended = true;
    return NULL;
}

static void *load_or_allocate(void *number_of_thread)
{
    return (uintptr_t)number_of_thread == 1 ? allocate_on(number_of_thread)
                                            : load_and_call(number_of_thread);
}

/* ---- many -------------------------------------------------------------- */

static long resident_kib(void)
{
    FILE *status = fopen("/proc/self/statm", "re");
    long size, pages = 0;

    if (status) {
        if (fscanf(status, "%ld %ld", &size, &pages) != 2)
            pages = 0;
        fclose(status);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void *many_places[257];

/* The first thread looks at the memory, a thousand times in all. */
static void *replace_many(void *seed)
{
    uint64_t state = (uint64_t)(uintptr_t)seed, share = number / THREADS;
    bool looks = (uintptr_t)seed == 1;
    long before = 0, most = 0;

    for (uint64_t i = 0; i < share; i++) {
        size_t size = i % 1021 ? next(&state) % 500 : 200000 + i % 4096;
        void *block = allocate(size);

        release(__atomic_exchange_n(&many_places[next(&state) % 257], block,
                                    __ATOMIC_ACQ_REL));
        if (looks && i == share / 10)
            before = resident_kib();
        if (looks && i > share / 10 && i % (share / 1000 + 1) == 0) {
            long now = resident_kib();

            most = now > most ? now : most;
        }
    }
    if (looks)
        printf("grew %ld KiB\n", most - before);
    return NULL;
}

static void allocate_many(void)
{
    run_threads(replace_many, THREADS, 0);
    for (int i = 0; i < 257; i++)
        release(many_places[i]);
}

/* ---- the rest ---------------------------------------------------------- */

static pthread_key_t ending; /* made later than any that a preload may have */

static void allocate_at_the_end(void *block)
{
    release(block);
    release(allocate(43));
}

static void *allocate_little(void *size)
{
    void *block = allocate((uintptr_t)size);

    release(block);
    pthread_setspecific(ending, allocate(41));
    return NULL;
}

static void start_small_threads(void)
{
    if (pthread_key_create(&ending, allocate_at_the_end) != 0)
        fail("no key");
    for (uint64_t done = 0; done < number; done += 50)
        run_threads(allocate_little, 50, (size_t)PTHREAD_STACK_MIN);
}

static void be_strict(void)
{
    static const char done[] = "did 1300 1300\n";
    void *warm[300];

    for (int i = 0; i < 300; i++) /* what libc asks the kernel for */
        warm[i] = allocate(1000);
    for (int i = 0; i < 300; i++)
        release(warm[i]);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
        _exit(1);
    for (int i = 0; i < 1000; i++)
        release(allocate(i % 100 + 1));
    if (write(1, done, sizeof(done) - 1) < 0)
        syscall(SYS_exit, 2);
    syscall(SYS_exit, 3);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    number = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    plugins = argc > 3 ? argv[3] : ".";
    if (strcmp(what, "fds") == 0)
        use_fds();
    else if (strcmp(what, "reuse") == 0)
        reuse_addresses();
    else if (strcmp(what, "relay") == 0)
        relay_all();
    else if (strcmp(what, "plugins") == 0)
        run_threads(load_or_allocate, 3, 0);
    else if (strcmp(what, "many") == 0)
        allocate_many();
    else if (strcmp(what, "small") == 0)
        start_small_threads();
    else if (strcmp(what, "strict") == 0)
        be_strict();
    else
        return 2;
    printf("did %llu %llu\n", (unsigned long long)allocations,
           (unsigned long long)frees);
    return 0;
}
