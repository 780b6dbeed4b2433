/* SPDX-License-Identifier: MIT */
/*
 * labels.c - requests that say what they are.
 *
 * Three handlers use the same pages and ask the same store, so their stacks do
 * not tell who took what. Each request is answered under a label, as Go's
 * pprof.Do() has it, and all that it allocates, computes and waits for is
 * counted under that, also in a thread that it starts:
 *
 *     preprof run -o labels.preprof -- build/release/examples/labels
 *     preprof convert labels.preprof -o labels.pb.gz
 *     go tool pprof -sample_index=alloc_objects -tags labels.pb.gz
 *     go tool pprof -tagfocus /upload -traces labels.pb.gz
 *
 * With an argument it stays for so many seconds, with 13 listeners to /events
 * and a /report that computes. `PREPROF_LOCKS=1 preprof run --http 8080 --
 * .../labels 60` then shows labels in /debug/pprof/goroutine, /profile and
 * /block, too.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "preprof.h"

enum { SEARCHES = 401, UPLOADS = 211, ORDERS = 101, LISTENERS = 13 };
enum { PAGE_SIZE = 4001 };

static void check(int err)
{
    if (err) {
        fprintf(stderr, "labels: %s\n", strerror(err));
        exit(1);
    }
}

/* ---- what the handlers share ------------------------------------------- */

static void pages_fill(int count)
{
    while (count-- > 0) {
        char *page = malloc(PAGE_SIZE);

        check(page ? 0 : ENOMEM);
        memset(page, count, PAGE_SIZE);
        free(page);
    }
}

static pthread_mutex_t store = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t asked = PTHREAD_COND_INITIALIZER;
static pthread_cond_t answered = PTHREAD_COND_INITIALIZER;
static int question;

static void *store_run(void *unused)
{
    pthread_mutex_lock(&store);
    for (;;) {
        while (!question)
            pthread_cond_wait(&asked, &store);
        question = 0;
        pthread_cond_signal(&answered);
    }
    return unused;
}

static void store_ask(void)
{
    pthread_mutex_lock(&store);
    question = 1;
    pthread_cond_signal(&asked);
    while (question)
        pthread_cond_wait(&answered, &store);
    pthread_mutex_unlock(&store);
}

/* ---- handlers ---------------------------------------------------------- */

static void search(void)
{
    pages_fill(3);
}

static void *compress(void *unused)
{
    pages_fill(5);
    return unused;
}

static void upload(void)
{
    pthread_t thread;

    check(pthread_create(&thread, NULL, compress, NULL));
    check(pthread_join(thread, NULL));
    store_ask();
}

static void order(void)
{
    pages_fill(2);
    for (int i = 0; i < 7; i++)
        store_ask();
}

static void report(void)
{
    for (volatile unsigned long sum = 0;; sum++)
        ;
}

static void listen_on(void)
{
    pause();
}

/* ---- requests ---------------------------------------------------------- */

struct request {
    const char *handler;
    void (*answer)(void);
};

static void request_answer(const struct request *request)
{
    int err = preprof_set_label("handler", request->handler);

    check(err == -ENOSYS ? 0 : -err); /* not profiled: no labels needed */
    request->answer();
    preprof_set_label("handler", NULL);
}

static void *client_run(void *request)
{
    request_answer(request);
    return NULL;
}

static void client_start(struct request *request)
{
    pthread_t thread;

    check(pthread_create(&thread, NULL, client_run, request));
}

int main(int argc, char **argv)
{
    static struct request requests[] = {
        {"/search", search}, {"/upload", upload},    {"/order", order},
        {"/report", report}, {"/events", listen_on},
    };
    static const int counts[] = {SEARCHES, UPLOADS, ORDERS};
    pthread_t thread;

    check(pthread_create(&thread, NULL, store_run, NULL));
    for (int kind = 0; kind < 3; kind++)
        for (int i = 0; i < counts[kind]; i++)
            request_answer(&requests[kind]);
    printf("%d searches, %d uploads, %d orders\n", SEARCHES, UPLOADS, ORDERS);
    if (argc > 1) {
        client_start(&requests[3]);
        for (int i = 0; i < LISTENERS; i++)
            client_start(&requests[4]);
        fflush(stdout);
        sleep((unsigned)atoi(argv[1]));
    }
    return 0;
}
