/* SPDX-License-Identifier: MIT */
/*
 * detours.c - allocates where stacks are not as usual. Each detour keeps ROUNDS
 * blocks from keep() at a time, and its stack is as below; where "|" stands, no
 * table says what is outside.
 *
 *   over_longjmp     keep < jump_out < over_longjmp < main
 *   on_fibers        keep < fiber < (libc), and from main in between
 *   on_signal_stack  keep < on_signal < (signal) < ... < raise_it < main
 *   while_loading    keep < carry_constructor (libcarry) < ... < load < main
 *   across_reloads   three times keep < carry (libcarry and libfreight in turn,
 *                    at one address, frames of other sizes) < reload < main
 *   past_throws      keep < catch_one (libthrower) < past_throws < main
 *   after_vfork      keep < after_vfork < main
 *   with_iconv       keep < convert < main, while modules come and go
 *
 * Argument: the directory of the libraries. Prints how often a library came to
 * lie where another one had been. FLAGS: -rdynamic
 */
#include <dlfcn.h>
#include <iconv.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define ROUNDS    61
#define NOINLINE_ __attribute__((noinline))
#define BARRIER() __asm__ volatile("" ::: "memory")

static const char *directory;

/* For the libraries, too: linked with -rdynamic. */
NOINLINE_ void keep(size_t size)
{
    void *volatile block = malloc(size);

    (void)block;
    BARRIER();
}

static void *load(const char *name)
{
    char path[4096];
    void *library;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    library = dlopen(path, RTLD_LAZY);
    if (!library) {
        fprintf(stderr, "detours: %s\n", dlerror());
        exit(1);
    }
    return library;
}

static void *find(void *library, const char *name)
{
    void *found = dlsym(library, name);

    if (!found)
        exit(1);
    return found;
}

static jmp_buf back;
static void jump_out(int depth);
static void (*volatile jump_on)(int) = jump_out;

NOINLINE_ static void jump_out(int depth)
{
    if (depth == 0) {
        keep(1009);
        longjmp(back, 1);
    }
    jump_on(depth - 1);
    BARRIER();
}

NOINLINE_ static void over_longjmp(void)
{
    for (volatile int i = 0; i < ROUNDS; i++)
        if (setjmp(back) == 0)
            jump_out(i % 7);
}

static ucontext_t inside, outside;

static void fiber(void)
{
    for (;;) {
        keep(1013);
        swapcontext(&inside, &outside);
    }
}

NOINLINE_ static void on_fibers(void)
{
    static char room[64 << 10];

    getcontext(&inside);
    inside.uc_stack.ss_sp = room;
    inside.uc_stack.ss_size = sizeof(room);
    makecontext(&inside, fiber, 0);
    for (int i = 0; i < ROUNDS; i++) {
        swapcontext(&outside, &inside);
        keep(1019);
    }
}

static void on_signal(int number)
{
    (void)number;
    keep(1021);
    BARRIER();
}

NOINLINE_ static void raise_it(void)
{
    raise(SIGUSR1);
    BARRIER();
}

NOINLINE_ static void on_signal_stack(void)
{
    static char room[64 << 10];
    stack_t stack = {.ss_sp = room, .ss_size = sizeof(room)};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};

    sigaltstack(&stack, NULL);
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < ROUNDS; i++)
        raise_it();
}

NOINLINE_ static uintptr_t reload(const char *name)
{
    void *library = load(name);
    void (*carry)(size_t);
    uintptr_t address;

    *(void **)&carry = find(library, "carry");
    address = (uintptr_t)carry;
    for (int i = 0; i < 3; i++) /* the second time its rules are known */
        carry(1031);
    dlclose(library);
    return address;
}

NOINLINE_ static int across_reloads(void)
{
    uintptr_t last = 0;
    int same = 0;

    for (int i = 0; i < ROUNDS; i++) {
        uintptr_t address = reload(i % 2 ? "libcarry.so" : "libfreight.so");

        same += address >> 12 == last >> 12;
        last = address;
    }
    return same;
}

NOINLINE_ static void past_throws(void)
{
    void *library = load("libthrower.so");
    void (*catch_one)(int);

    *(void **)&catch_one = find(library, "catch_one");
    for (int i = 0; i < ROUNDS; i++)
        catch_one(i % 5);
}

NOINLINE_ static void after_vfork(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        pid_t child = vfork();

        if (child == 0)
            _exit(0);
        keep(1039);
        waitpid(child, NULL, 0);
    }
}

NOINLINE_ static void convert(const char *code)
{
    char in[] = "text", out[64];
    char *from = in, *to = out;
    size_t left = sizeof(in), room = sizeof(out);
    iconv_t converter = iconv_open(code, "UTF-8");

    keep(1049);
    if (converter != (iconv_t)-1) {
        iconv(converter, &from, &left, &to, &room);
        iconv_close(converter);
    }
}

NOINLINE_ static void with_iconv(void)
{
    static const char *const codes[] = {"EUC-JP", "KOI8-R", "BIG5",
                                        "ISO-2022-KR"};

    for (int i = 0; i < ROUNDS; i++)
        convert(codes[i % 4]);
}

int main(int argc, char **argv)
{
    int same;

    if (argc != 2)
        return 2;
    directory = argv[1];
    over_longjmp();
    on_fibers();
    on_signal_stack();
    same = across_reloads();
    past_throws();
    after_vfork();
    with_iconv();
    printf("%d\n", same);
    return 0;
}
