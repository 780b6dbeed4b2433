/* SPDX-License-Identifier: MIT */
/*
 * quirks.c - does one thing that programs should not, or seldom do, around
 * malloc, and says what it saw: under the shim it must see the same.
 *
 *   deepbind DIRECTORY   libquirk.so with RTLD_DEEPBIND, which calls libc's
 *                        malloc whatever is preloaded; each frees the other's
 *   namespace DIRECTORY  libquirk.so and libplugin.so in a namespace of their
 *                        own: another libc, and our malloc called from there
 *   cancel               threads cancelled anywhere in malloc and free, while
 *                        others go on: for an allocator that has no locks
 *   deferred             a thread that is to be cancelled, which malloc is no
 *                        point for
 *   bounds               threads that ask for their stacks' bounds, which
 *                        locks and allocates
 *   heap                 libc's own account of the heap, before and after
 *   double invalid past  free() of what was freed, never allocated, overrun
 *   user                 a user namespace, for which there must be one thread
 */
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCKS  101
#define THREADS 200

static void *volatile kept[BLOCKS];

static void *load(long namespace, int flags, const char *directory,
                  const char *library)
{
    char path[4096];
    void *handle;

    snprintf(path, sizeof(path), "%s/%s", directory, library);
    handle = dlmopen(namespace, path, RTLD_NOW | flags);
    if (!handle) {
        puts(dlerror());
        exit(1);
    }
    return handle;
}

static void use_quirk(void *handle, const char *frees_ours)
{
    void *(*allocate)(size_t) =
        (void *(*)(size_t))dlsym(handle, "quirk_allocate");
    void (*release)(void *) = (void (*)(void *))dlsym(handle, "quirk_free");

    for (int i = 0; i < BLOCKS; i++) {
        void *theirs = allocate(1009), *ours = malloc(1009);

        memset(theirs, 1, 1009);
        if (frees_ours) {
            free(theirs);
            release(ours);
        } else {
            release(theirs);
            free(ours);
        }
    }
    puts("used");
}

static int run_deepbind(const char *directory)
{
    use_quirk(load(LM_ID_BASE, RTLD_DEEPBIND, directory, "libquirk.so"), "too");
    return 0;
}

static int run_namespace(const char *directory)
{
    void *(*plugin)(void *(*)(size_t), size_t);

    use_quirk(load(LM_ID_NEWLM, 0, directory, "libquirk.so"), NULL);
    plugin = (void *(*)(void *(*)(size_t), size_t))dlsym(
        load(LM_ID_NEWLM, 0, directory, "libplugin.so"), "plugin");
    for (int i = 0; i < BLOCKS; i++)
        free(plugin(malloc, 337));
    return 0;
}

/* ---- threads ----------------------------------------------------------- */

static void *allocate_for_ever(void *unused)
{
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    for (;;)
        free(malloc(37));
    return unused;
}

static int run_cancel(void)
{
    int cancelled = 0;

    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        void *result = NULL;

        if (pthread_create(&thread, NULL, allocate_for_ever, NULL) != 0)
            return 1;
        for (int j = 0; j < i % 7 * 100; j++)
            free(malloc(41));
        usleep((useconds_t)(i % 11) * 10);
        pthread_cancel(thread);
        pthread_join(thread, &result);
        cancelled += result == PTHREAD_CANCELED;
    }
    printf("cancelled %d\n", cancelled);
    return 0;
}

static int reached;

static void *allocate_when_cancelled(void *unused)
{
    pthread_cancel(pthread_self());
    for (int i = 0; i < BLOCKS; i++)
        free(malloc((size_t)i * 100));
    reached = 1;
    pthread_testcancel();
    reached = 2;
    return unused;
}

static int run_deferred(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, allocate_when_cancelled, NULL) != 0)
        return 1;
    pthread_join(thread, NULL);
    printf("reached %d\n", reached);
    return 0;
}

static void *ask_bounds(void *unused)
{
    for (int i = 0; i < BLOCKS; i++) {
        pthread_attr_t attributes;

        if (pthread_getattr_np(pthread_self(), &attributes) != 0)
            return &reached;
        pthread_attr_destroy(&attributes);
        free(malloc(37));
    }
    return unused;
}

static int run_bounds(void)
{
    pthread_t threads[8];
    void *failed;
    int bad = ask_bounds(NULL) != NULL;

    for (int i = 0; i < 8; i++)
        if (pthread_create(&threads[i], NULL, ask_bounds, NULL) != 0)
            return 1;
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], &failed);
        bad |= failed != NULL;
    }
    printf("bounds %d\n", bad);
    return 0;
}

/* ---- libc's account ---------------------------------------------------- */

static void say_heap(const char *when)
{
    struct mallinfo2 info = mallinfo2();

    printf("%s: %zu in use, %zu mapped in %zu\n", when, info.uordblks,
           info.hblkhd, info.hblks);
}

static int run_heap(void)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    kept[0] = malloc(1); /* the first one sets libc's own block up */
    say_heap("before");
    for (int i = 0; i < BLOCKS; i++)
        kept[i] = malloc((size_t)i * i * 211);
    say_heap("after");
    for (int i = 0; i < BLOCKS; i += 2)
        free(kept[i]);
    say_heap("at the end");
    printf("trim %d\n", malloc_trim(0));
    return malloc_info(0, stdout);
}

/* ---- abuse: libc says what, and aborts --------------------------------- */

static int run_double(void)
{
    void *volatile block = malloc(100);

    free(block);
    free(block);
    return 0;
}

static int run_invalid(void)
{
    char *volatile block = malloc(100);

    free(block + 16);
    return 0;
}

static int run_past(void)
{
    char *volatile block = malloc(24);

    kept[0] = malloc(2000);
    memset(block, 0x41, 32); /* into the size of the next */
    free(kept[0]);
    return 0;
}

static int run_user(void)
{
    int failed = unshare(CLONE_NEWUSER);

    printf("unshare %d, uid %u\n", failed, (unsigned)getuid());
    free(malloc(37));
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } plain[] = {
        {"cancel", run_cancel}, {"deferred", run_deferred},
        {"bounds", run_bounds}, {"heap", run_heap},
        {"double", run_double}, {"invalid", run_invalid},
        {"past", run_past},     {"user", run_user},
    };
    const char *what = argc > 1 ? argv[1] : "";

    setvbuf(stdout, NULL, _IONBF, 0); /* before it aborts */
    if (argc > 2 && strcmp(what, "deepbind") == 0)
        return run_deepbind(argv[2]);
    if (argc > 2 && strcmp(what, "namespace") == 0)
        return run_namespace(argv[2]);
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        if (strcmp(what, plain[i].name) == 0)
            return plain[i].run();
    fputs("usage: quirks WHAT [DIRECTORY]\n", stderr);
    return 2;
}
