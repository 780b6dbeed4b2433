/* SPDX-License-Identifier: MIT */
/* render_thread.c - see render_thread.h. */
#include "render_thread.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "profile_fold.h"
#include "profile_folded.h"
#include "profile_from_threads.h"
#include "profile_pprof.h"
#include "profile_text.h"
#include "thread_dump.h"
#include "thread_record.h"
#include "thread_text.h"

/* Go's debug from which on every goroutine is shown by itself. */
#define DEBUG_EACH 2

static int write_text(const struct render_request *request,
                      const struct thread_dump *dump,
                      const struct profile *profile, FILE *out)
{
    if (strcmp(request->format, "folded") == 0)
        return profile_folded_write(profile, 0, out);
    if (request->debug >= DEBUG_EACH)
        return thread_text_write(dump, profile, out);
    return profile_text_write(profile, NULL, out);
}

static int write_body(const struct render_request *request,
                      const struct thread_dump *dump,
                      const struct profile *profile, char **body, size_t *size)
{
    FILE *out;
    int err;

    if (strcmp(request->format, "pprof") == 0)
        return profile_pprof_write(profile, (uint8_t **)body, size);
    out = open_memstream(body, size);
    if (!out)
        return -ENOMEM;
    err = write_text(request, dump, profile, out);
    return fclose(out) == 0 && !err ? 0 : -ENOMEM;
}

int render_thread_write(const struct render_request *request,
                        struct symbolizer *symbolizer, char **body,
                        size_t *size)
{
    struct thread_dump *dump;
    struct profile *profile;
    int err;

    if (strcmp(request->format, "gperftools") == 0)
        return -EINVAL;
    err = thread_dump_take((pid_t)request->pid, &dump);
    if (err)
        return err;
    err = thread_record_add(dump, request->directory,
                            request->debug >= DEBUG_EACH);
    profile = err ? NULL
                  : profile_from_threads(dump, symbolizer,
                                         profile_kind_find(request->kind));
    err = profile ? 0 : -ENOMEM;
    if (!err && request->limit && request->debug < DEBUG_EACH)
        err = profile_fold(profile, request->limit);
    if (!err)
        err = write_body(request, dump, profile, body, size);
    profile_free(profile);
    thread_dump_free(dump);
    return err;
}

int render_thread_profile(uint32_t pid, const char *directory,
                          struct symbolizer *symbolizer,
                          const struct profile_kind *kind,
                          struct profile **profile)
{
    struct thread_dump *dump;
    int err = thread_dump_take((pid_t)pid, &dump);

    if (err)
        return err;
    err = thread_record_add(dump, directory, false);
    *profile = err ? NULL : profile_from_threads(dump, symbolizer, kind);
    thread_dump_free(dump);
    return *profile ? 0 : -ENOMEM;
}
