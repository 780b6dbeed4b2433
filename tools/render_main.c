/* SPDX-License-Identifier: MIT */
/*
 * render_main.c - preprof-render: answers the server's requests for profiles.
 *
 * Reads framed requests on stdin and writes framed answers on stdout until
 * stdin ends (render.h). It may die of what it reads, and is started again:
 * its memory is limited, so that a damaged segment or huge debug information
 * ends this process and no other. Read next: render.h, render_answer.h.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "render.h"
#include "render_answer.h"
#include "render_request.h"

/* Debug information is mapped and may be large; a profile is data. */
#define RENDER_ADDRESSES_MAX (UINT64_C(8) << 30)
#define RENDER_DATA_MAX      (UINT64_C(2) << 30)

static _Noreturn void fail(const char *what, int err)
{
    fprintf(stderr, "preprof-render: %s: %s\n", what, strerror(err));
    exit(1);
}

static void limit(int resource, uint64_t max)
{
    struct rlimit old, wanted = {max, max};

    if (getrlimit(resource, &old) == 0 && old.rlim_max < max)
        return; /* it is tighter already */
    if (setrlimit(resource, &wanted) != 0)
        fail("setrlimit", errno);
}

/* Reads all of `size` bytes; false at the end of input before the first. */
static bool read_all(void *to, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t got = read(STDIN_FILENO, (char *)to + done, size - done);

        if (got > 0)
            done += (size_t)got;
        else if (got == 0 && done == 0)
            return false;
        else if (got == 0)
            fail("request", EPIPE);
        else if (errno != EINTR)
            fail("request", errno);
    }
    return true;
}

static void write_all(const void *from, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t put =
            write(STDOUT_FILENO, (const char *)from + done, size - done);

        if (put >= 0)
            done += (size_t)put;
        else if (errno != EINTR)
            fail("answer", errno);
    }
}

static void answer(struct render *render, uint32_t sequence, char *body,
                   size_t size)
{
    static const char none[] = "out of memory";
    static const char large[] = "the answer is larger than 256 MiB";
    struct render_frame frame = {.magic = RENDER_MAGIC, .sequence = sequence};
    struct render_request request;
    const char *problem = render_request_parse(body, size, &request);
    char *content = NULL;
    size_t length;
    int status;

    if (problem) {
        status = 400;
        content = strdup(problem);
        length = strlen(problem);
    } else {
        status = render_answer(render, &request, &content, &length);
    }
    if (!content || length > RENDER_RESPONSE_SIZE_MAX) {
        const char *reason = content ? large : none;

        frame.status = 500;
        frame.size = (uint32_t)strlen(reason);
        write_all(&frame, sizeof(frame));
        write_all(reason, frame.size);
    } else {
        frame.status = (uint32_t)status;
        frame.size = (uint32_t)length;
        write_all(&frame, sizeof(frame));
        write_all(content, length);
    }
    free(content);
}

int main(void)
{
    struct render *render = render_new();
    struct render_frame frame;

    if (!render)
        fail("start", ENOMEM);
    signal(SIGPIPE, SIG_IGN);
    limit(RLIMIT_AS, RENDER_ADDRESSES_MAX);
    limit(RLIMIT_DATA, RENDER_DATA_MAX);
    limit(RLIMIT_CORE, 0);
    while (read_all(&frame, sizeof(frame))) {
        char *body;

        if (frame.magic != RENDER_MAGIC || frame.status != 0 ||
            frame.size > RENDER_REQUEST_SIZE_MAX)
            fail("request", EBADMSG);
        body = malloc(frame.size + 1u);
        if (!body)
            fail("request", ENOMEM);
        if (frame.size && !read_all(body, frame.size))
            fail("request", EPIPE);
        answer(render, frame.sequence, body, frame.size);
        free(body);
    }
    render_free(render);
    return 0;
}
