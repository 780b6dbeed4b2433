/* SPDX-License-Identifier: MIT */
/*
 * churn.c - steady churn: much is allocated, little is there.
 *
 * Reads 100 003 messages and keeps the last 31 of them. Memory is no problem
 * here, time may be: the allocator is asked 200 006 times, which the profile of
 * what is in use cannot show and the one of all allocations does:
 *
 *     preprof run -o churn.preprof -- build/release/examples/churn
 *     preprof top churn.preprof            # message_read: 31 messages
 *     preprof top --allocs churn.preprof   # words_split: most of the traffic
 *
 * The same two views are /debug/pprof/heap and /debug/pprof/allocs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 100003, KEPT = 31, MESSAGE_SIZE = 509, WORDS_MAX = 127 };

static char *recent[KEPT];

static void *check(void *block)
{
    if (!block) {
        perror("churn");
        exit(1);
    }
    return block;
}

static char *message_read(unsigned number)
{
    char *message = check(malloc(MESSAGE_SIZE));

    snprintf(message, MESSAGE_SIZE, "message %u has %u digits or so", number,
             number % 7 + 1);
    return message;
}

static size_t words_split(const char *message)
{
    const char **words = check(calloc(WORDS_MAX, sizeof(*words)));
    size_t count = 0;

    while (message && count < WORDS_MAX) {
        words[count++] = message;
        message = strchr(message, ' ');
        if (message)
            message++;
    }
    free(words);
    return count;
}

int main(void)
{
    size_t words = 0;

    for (unsigned number = 0; number < MESSAGES; number++) {
        char **slot = &recent[number % KEPT];

        free(*slot);
        *slot = message_read(number);
        words += words_split(*slot);
    }
    printf("%d messages, %zu words\n", MESSAGES, words);
    return 0;
}
