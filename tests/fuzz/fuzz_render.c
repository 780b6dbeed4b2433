/* SPDX-License-Identifier: MIT */
/*
 * fuzz_render.c - the body of a request to preprof-render, answered.
 *
 * The directory of segments is one made here, whatever the request says: a
 * sound segment of pid 4711, with labels, and a truncated one of pid 4712.
 * Every answer has a status that render.h knows, and an error is one line.
 */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz_target.h"
#include "pprof_check.h"
#include "render_answer.h"
#include "render_request.h"
#include "segment_build.h"

static char directory[] = "/tmp/preprof-fuzz-XXXXXX";
static struct render *render;

static void write_file(const char *name, const void *bytes, size_t size)
{
    char path[PATH_MAX];
    FILE *out;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    out = fopen(path, "we");
    REQUIRE(out && fwrite(bytes, 1, size, out) == size && fclose(out) == 0);
}

static void end(void)
{
    char path[PATH_MAX];

    render_free(render);
    snprintf(path, sizeof(path), "%s/4711-815", directory);
    unlink(path);
    snprintf(path, sizeof(path), "%s/4712-816", directory);
    unlink(path);
    rmdir(directory);
}

static void begin(void)
{
    struct segment_build build;

    REQUIRE(mkdtemp(directory));
    segment_build_labelled(&build);
    write_file("4711-815", build.bytes, segment_build_size(&build));
    write_file("4712-816", build.bytes, 70000);
    segment_build_end(&build);
    render = render_new();
    REQUIRE(render);
    atexit(end);
}

static void check_error(int status, const char *body, size_t size)
{
    REQUIRE(status == 400 || status == 404 || status == 500 || status == 503);
    REQUIRE(size > 0 && !memchr(body, '\n', size) && !memchr(body, 0, size));
}

static void check_pprof(const char *body, size_t size)
{
    PprofProfile *profile = pprof_read((const uint8_t *)body, size);

    REQUIRE(!pprof_fault(profile));
    pprof_free(profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct render_request request;
    char *body = malloc(size + 1), *answer = NULL;
    const char *problem;
    size_t answer_size;
    int status;

    if (!render)
        begin();
    memcpy(body, data, size);
    problem = render_request_parse(body, size, &request);
    if (problem) {
        REQUIRE(*problem && !strchr(problem, '\n'));
        free(body);
        return 0;
    }
    REQUIRE(request.kind && request.pid <= INT32_MAX && request.debug >= 0);
    request.directory = directory;
    status = render_answer(render, &request, &answer, &answer_size);
    REQUIRE(answer);
    if (status != 200)
        check_error(status, answer, answer_size);
    else if (answer_size > 2 && memcmp(answer, "\x1f\x8b", 2) == 0)
        check_pprof(answer, answer_size);
    free(answer);
    free(body);
    return 0;
}
