/* SPDX-License-Identifier: MIT */
/*
 * Allocates under labels, and says what a profile must then have: lines of
 * "KEY VALUE BLOCKS", in primes, and "none - BLOCKS" for what has no label at
 * all. One stack allocates for all, which only labels tell apart. Modes:
 *
 *   kinds    two keys, set and taken back in turn
 *   threads  each its own label, all at once, changed in signal handlers, too
 *   fork     a child, which starts without labels; says "child PID", too, and
 *            what the child has
 *   many     10 000 values of one key
 *   inherit  threads that begin with the labels of those that create them
 *   hold KEY VALUE...  sets them, and waits with a thread that inherits them,
 * an older one that has none, and one that has taken them back; says "ready",
 * ends with its input
 */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

#include "preprof.h"

#define ROUNDS  103
#define THREADS 5
#define VALUES  10000

static void set(const char *key, const char *value)
{
    int err = preprof_set_label(key, value);

    if (err) {
        fprintf(stderr, "%s=%s: %s\n", key, value ? value : "", strerror(-err));
        exit(1);
    }
}

__attribute__((noinline)) static void allocate(unsigned blocks)
{
    while (blocks-- > 0)
        free(({
            void *block = malloc(40);
            __asm__ volatile("" : : "r"(block) : "memory");
            block;
        }));
}

static void kinds(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        set("handler", "/search");
        allocate(7);
        set("user", "u1");
        allocate(11);
        set("handler", "/\"quoted\"");
        allocate(13);
        set("handler", NULL);
        allocate(17);
        set("user", "");
        allocate(19);
    }
    printf(
        "handler /search %d\nhandler /\"quoted\" %d\nuser u1 %d\nnone - %d\n",
        (7 + 11) * ROUNDS, 13 * ROUNDS, (11 + 13 + 17) * ROUNDS, 19 * ROUNDS);
}

/* As a program has it that puts back what it found. */
static void in_handler(int number)
{
    (void)number;
    set("signal", "yes");
    allocate(3);
    set("signal", NULL);
}

static void *run(void *name)
{
    for (int i = 0; i < ROUNDS; i++) {
        set("thread", name);
        allocate(23);
        raise(SIGUSR1);
        set("thread", NULL);
        allocate(29);
    }
    return NULL;
}

static void threads(void)
{
    static char names[THREADS][16];
    pthread_t ids[THREADS];

    signal(SIGUSR1, in_handler);
    for (int i = 0; i < THREADS; i++) {
        snprintf(names[i], sizeof(names[i]), "t%d", i);
        if (pthread_create(&ids[i], NULL, run, names[i]) != 0)
            exit(1);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(ids[i], NULL);
        printf("thread %s %d\n", names[i], (23 + 3) * ROUNDS);
    }
    printf("signal yes %d\nnone - %d\n", 3 * ROUNDS * THREADS,
           29 * ROUNDS * THREADS);
}

static void in_child(void)
{
    int status;

    set("handler", "/parent");
    allocate(31);
    fflush(stdout);
    if (fork() == 0) {
        allocate(37);
        set("handler", "/child");
        allocate(41);
        printf("child %d\nhandler /child 41\nnone - 37\n", (int)getpid());
        fflush(stdout);
        _exit(0);
    }
    wait(&status);
    exit(WEXITSTATUS(status));
}

static void many(void)
{
    int refused = 0;

    for (int i = 0; i < VALUES; i++) {
        char value[16];

        snprintf(value, sizeof(value), "%d", i);
        refused += preprof_set_label("id", value) != 0;
        allocate(1);
    }
    printf("refused %d\n", refused);
}

/* ---- threads that inherit ---------------------------------------------- */

static void check(int err)
{
    if (err) {
        fprintf(stderr, "labels: %s\n", strerror(err));
        exit(1);
    }
}

static void *inherit_further(void *value)
{
    allocate(43);
    pthread_exit(value);
}

static void *inherit(void *value)
{
    pthread_t thread;
    void *got;

    allocate(23);
    set("handler", "/own");
    allocate(29);
    check(pthread_create(&thread, NULL, inherit_further, value));
    set("handler", NULL);
    check(pthread_join(thread, &got));
    return got;
}

static int inherit_c11(void *blocks)
{
    allocate(*(unsigned *)blocks);
    return 1009;
}

static void inherits(void)
{
    unsigned blocks = 37;
    pthread_attr_t huge, small;
    pthread_t thread;
    thrd_t other;
    void *got;
    int result;

    pthread_attr_init(&huge);
    pthread_attr_setstacksize(&huge, (size_t)1 << 46);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN);
    for (int i = 0; i < ROUNDS; i++) {
        set("handler", "/creator");
        check(pthread_create(&thread, &small, inherit, &blocks));
        set("handler", "/later"); /* the thread's stay */
        check(pthread_join(thread, &got));
        set("user", "u1");
        if (got != &blocks ||
            pthread_create(&thread, &huge, inherit, NULL) == 0 ||
            thrd_create(&other, inherit_c11, &blocks) != thrd_success ||
            thrd_join(other, &result) != thrd_success || result != 1009)
            exit(1);
        set("user", NULL);
        set("handler", NULL);
        check(pthread_create(&thread, NULL, inherit_further, NULL));
        check(pthread_join(thread, NULL));
    }
    printf("handler /creator %d\nhandler /own %d\nhandler /later %d\n"
           "user u1 %d\nnone - %d\n",
           23 * ROUNDS, (29 + 43) * ROUNDS, 37 * ROUNDS, 37 * ROUNDS,
           43 * ROUNDS);
}

static void *stay(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static void *stay_without(void *keys)
{
    for (char **key = keys; *key; key += 2)
        set(*key, NULL);
    return stay(NULL);
}

static void hold(char **labels)
{
    pthread_t thread;

    check(pthread_create(&thread, NULL, stay, NULL));
    for (char **label = labels; *label; label += 2)
        set(label[0], label[1]);
    check(pthread_create(&thread, NULL, stay, NULL));
    check(pthread_create(&thread, NULL, stay_without, labels));
    puts("ready");
    fflush(stdout);
    getchar();
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";

    if (strcmp(mode, "kinds") == 0)
        kinds();
    else if (strcmp(mode, "threads") == 0)
        threads();
    else if (strcmp(mode, "fork") == 0)
        in_child();
    else if (strcmp(mode, "many") == 0)
        many();
    else if (strcmp(mode, "inherit") == 0)
        inherits();
    else if (strcmp(mode, "hold") == 0 && argc % 2 == 0)
        hold(argv + 2);
    else
        return 2;
    return 0;
}
