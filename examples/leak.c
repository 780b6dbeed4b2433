/* SPDX-License-Identifier: MIT */
/*
 * leak.c - a cache that never forgets.
 *
 * Answers 4999 requests. Each builds its reply in a buffer, which is freed, and
 * remembers the session in a cache, from which nothing is ever removed. Nothing
 * is lost, so a leak checker finds nothing wrong; but what is in use grows with
 * every request, and the profile says through whom:
 *
 *     preprof run -o leak.preprof -- build/release/examples/leak
 *     preprof top leak.preprof            # session_new: all of the memory
 *     preprof top --allocs leak.preprof   # request_answer: most of the traffic
 *
 * With an argument it stays for so many seconds: then `preprof top PID`, or
 * `preprof run --http 8080 -- .../leak 60`, sees it alive.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { REQUESTS = 4999, BUCKETS = 127, REPLY_SIZE = 16381 };

struct session {
    struct session *next;
    unsigned id;
    char state[1009];
};

static struct session *cache[BUCKETS];

static void *check(void *block)
{
    if (!block) {
        perror("leak");
        exit(1);
    }
    return block;
}

static struct session *session_new(unsigned id)
{
    struct session *session = check(malloc(sizeof(*session)));

    session->id = id;
    snprintf(session->state, sizeof(session->state), "session %u", id);
    return session;
}

static struct session *cache_find(unsigned id)
{
    struct session **bucket = &cache[id % BUCKETS];
    struct session *session;

    for (session = *bucket; session; session = session->next) {
        if (session->id == id)
            return session;
    }
    session = session_new(id);
    session->next = *bucket;
    *bucket = session;
    return session;
}

static size_t request_answer(unsigned id)
{
    char *reply = check(malloc(REPLY_SIZE));
    int length = snprintf(reply, REPLY_SIZE, "hello %s", cache_find(id)->state);

    free(reply);
    return (size_t)length;
}

int main(int argc, char **argv)
{
    size_t sent = 0;

    for (unsigned id = 0; id < REQUESTS; id++)
        sent += request_answer(id);
    printf("%d requests, %zu bytes sent\n", REQUESTS, sent);
    fflush(stdout);
    if (argc > 1)
        sleep((unsigned)atoi(argv[1]));
    return 0;
}
