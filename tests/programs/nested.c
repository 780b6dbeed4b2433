/* SPDX-License-Identifier: MIT */
/*
 * nested.c - a handler of SIGALRM that allocates 100 000 blocks, or 30 000 when
 * told where, wherever it interrupts a thread that does nothing but allocate,
 * free and resize.
 *
 *   nested            the handler runs on the interrupted stack
 *   nested above      on an alternate stack at higher addresses
 *   nested below      ... at lower ones
 *   nested jump       it leaves by siglongjmp, from an alternate stack above
 *
 * Run over libbump.so, whose functions a handler may call. Prints what it
 * counted itself: "calm ALLOCS FREES" for what was done after the last signal,
 * and unless it jumps, which cuts calls short, the same for work and on_alarm.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>

#define PER_SIGNAL  20
#define CALM_ALLOCS 1009
#define STACK_SIZE  ((size_t)256 << 10)

static int handled_max = 100000;
static volatile sig_atomic_t handled, handled_frees;
static unsigned long worked, worked_frees;
static char *stacks; /* two, one above the other */
static char *alternate;
static int jumps;
static sigjmp_buf before_work;

/* Once, after a time that differs, so that some work is done before. */
static void set_alarm(int turn)
{
    struct itimerval once = {{0, 0}, {0, 20 + turn * 7 % 41}};

    setitimer(ITIMER_REAL, &once, NULL);
}

static void on_alarm(int number)
{
    (void)number;
    for (int i = 0; i < PER_SIGNAL; i++) {
        void *volatile block = malloc(48);

        if (i % 3 == 0) {
            free(block);
            handled_frees++;
        }
    }
    handled += PER_SIGNAL;
    if (handled < handled_max)
        set_alarm(handled / PER_SIGNAL);
    if (jumps)
        siglongjmp(before_work, 1);
}

/* The compiler keeps the frame, so that each caller is a stack of its own. */
static __attribute__((noinline)) void work(int depth)
{
    void *volatile block;

    if (depth > 0) {
        work(depth - 1);
        __asm__ volatile("");
        return;
    }
    block = malloc(32);
    block = realloc(block, 64);
    worked += 2;
    free(block);
    block = calloc(1, 96);
    worked++;
    worked_frees += 2;
}

static __attribute__((noinline)) void calm(void)
{
    for (int i = 0; i < CALM_ALLOCS; i++) {
        void *volatile block = malloc(24);

        (void)block;
    }
}

static void *work_until_handled(void *unused)
{
    struct sigaction action;
    sigset_t set;

    if (alternate) {
        stack_t stack = {.ss_sp = alternate, .ss_size = STACK_SIZE};

        sigaltstack(&stack, NULL);
    }
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_alarm;
    action.sa_flags = SA_ONSTACK | SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigsetjmp(before_work, 0);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    if (handled == 0)
        set_alarm(0);
    for (int i = 0; handled < handled_max; i++)
        work(i % 24);
    calm();
    return unused;
}

int main(int argc, char **argv)
{
    const char *where = argc > 1 ? argv[1] : "";
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t set;
    char *stack;

    stacks = mmap(NULL, 2 * STACK_SIZE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stacks == MAP_FAILED)
        return 1;
    jumps = strcmp(where, "jump") == 0;
    stack = strcmp(where, "below") == 0 ? stacks + STACK_SIZE : stacks;
    if (*where) {
        handled_max = 30000;
        alternate = stack == stacks ? stacks + STACK_SIZE : stacks;
    }
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stack, STACK_SIZE);
    if (pthread_create(&thread, &attributes, work_until_handled, NULL) != 0)
        return 1;
    pthread_join(thread, NULL);
    printf("calm %d 0\n", CALM_ALLOCS);
    if (!jumps)
        printf("on_alarm %d %d\nwork %lu %lu\n", (int)handled,
               (int)handled_frees, worked, worked_frees);
    return 0;
}
