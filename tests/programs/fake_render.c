/* SPDX-License-Identifier: MIT */
/*
 * fake_render.c - stands in for preprof-render in the server's tests.
 *
 * It answers with what it was asked, so that a test sees it, unless the pid in
 * the request names one of the faults below. FLAGS: -Itools
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "render.h"

enum fault {
    EXIT_UNANSWERED = 5000001, /* above PID_MAX_LIMIT: no process has it */
    HALF_A_FRAME,
    HALF_A_BODY,
    HANG,
    GARBAGE,
    OTHER_SEQUENCE,
    TOO_LARGE,
    REASON_TO_TIDY,
    TEN_MEGABYTES,
    SLOW,
    ANSWER_TWICE,
    NO_STATUS,
    SURROUNDINGS, /* no fault: answers with its environment and descriptors */
    NO_JSON,
    IGNORE_END, /* answers, then outlives its stdin */
};

static const char list[] =
    "[{\"pid\": 7, \"program\": \"<script>alert(1)</script>\", "
    "\"state\": \"live\", \"mode\": \"exact\", \"status\": \"ok\", "
    "\"in_use\": 31279, \"alloc_space\": 5003},"
    "{\"pid\": 8, \"state\": \"killed\", \"file\": \"f\", "
    "\"error\": \"'\\\"&\"}]";

static const char counts[] =
    "{\"allocs\": 7, \"block\": 0, \"goroutine\": 3, \"heap\": 7, "
    "\"mutex\": 0, \"threadcreate\": 2}";

static void put(const void *data, size_t size)
{
    const char *next = data;

    while (size) {
        ssize_t done = write(1, next, size);

        if (done <= 0)
            exit(0);
        next += done;
        size -= (size_t)done;
    }
}

static void get(void *data, size_t size)
{
    char *next = data;

    while (size) {
        ssize_t done = read(0, next, size);

        if (done <= 0)
            exit(0);
        next += done;
        size -= (size_t)done;
    }
}

static void answer(uint32_t sequence, uint32_t status, const char *body,
                   size_t size)
{
    struct render_frame frame = {RENDER_MAGIC, sequence, status,
                                 (uint32_t)size};

    put(&frame, sizeof(frame));
    put(body, size);
}

static void answer_surroundings(uint32_t sequence)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    DIR *directory = opendir("/proc/self/fd");
    struct dirent *entry;

    for (char **variable = environ; *variable; variable++)
        fprintf(out, "%s\n", *variable);
    while ((entry = readdir(directory)))
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(directory))
            fprintf(out, "fd %s\n", entry->d_name);
    closedir(directory);
    fclose(out);
    answer(sequence, 200, text, size);
    free(text);
}

static void fail(enum fault fault, uint32_t sequence, char *body, size_t size)
{
    struct render_frame frame = {RENDER_MAGIC, sequence, 200, 1000};

    switch (fault) {
    case EXIT_UNANSWERED:
        exit(3);
    case HALF_A_FRAME:
        put(&frame, sizeof(frame) / 2);
        exit(4);
    case HALF_A_BODY:
        put(&frame, sizeof(frame));
        put(body, size < 500 ? size : 500);
        kill(getpid(), SIGSEGV);
        break;
    case HANG:
        for (;;)
            pause();
    case GARBAGE:
        put("HTTP/1.1 200 OK\r\n\r\nthis is no frame", 36);
        pause();
        break;
    case OTHER_SEQUENCE:
        answer(sequence + 1, 200, body, size);
        pause();
        break;
    case TOO_LARGE:
        frame.size = RENDER_RESPONSE_SIZE_MAX + 1;
        put(&frame, sizeof(frame));
        pause();
        break;
    case REASON_TO_TIDY:
        answer(sequence, 404, "no such\r\nX-Evil: 1\x1b[31m\n", 24);
        break;
    case TEN_MEGABYTES:
        body = malloc(10 << 20);
        for (int i = 0; i < 10 << 20; i++)
            body[i] = (char)(i % 251);
        answer(sequence, 200, body, 10 << 20);
        free(body);
        break;
    case SLOW:
        usleep(200000);
        answer(sequence, 200, body, size);
        break;
    case ANSWER_TWICE:
        answer(sequence, 200, body, size);
        answer(sequence, 200, body, size);
        break;
    case NO_STATUS:
        answer(sequence, 302, body, size);
        pause();
        break;
    case SURROUNDINGS:
        answer_surroundings(sequence);
        break;
    case NO_JSON:
        answer(sequence, 200, "{", 1);
        break;
    case IGNORE_END:
        answer(sequence, 200, body, size);
        for (;;)
            pause();
    }
}

int main(void)
{
    struct render_frame frame;
    char *body;
    const char *pid;

    for (;;) {
        get(&frame, sizeof(frame));
        if (frame.magic != RENDER_MAGIC || frame.status != 0 ||
            frame.size > RENDER_REQUEST_SIZE_MAX)
            return 9;
        body = malloc(frame.size + 1);
        get(body, frame.size);
        body[frame.size] = '\0';
        pid = strstr(body, "\npid=");
        if (pid && atoi(pid + 5) >= EXIT_UNANSWERED &&
            atoi(pid + 5) <= IGNORE_END)
            fail((enum fault)atoi(pid + 5), frame.sequence, body, frame.size);
        else if (strncmp(body, "kind=list\n", 10) == 0)
            answer(frame.sequence, 200, list, sizeof(list) - 1);
        else if (strncmp(body, "kind=counts\n", 12) == 0)
            answer(frame.sequence, 200, counts, sizeof(counts) - 1);
        else
            answer(frame.sequence, 200, body, frame.size);
        free(body);
    }
}
