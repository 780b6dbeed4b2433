/* SPDX-License-Identifier: MIT */
/*
 * render_thread.h - /debug/pprof/goroutine: the threads of one process, taken
 * now, in the format asked for. Read next: thread_dump.h, render_answer.h.
 */
#ifndef PREPROF_RENDER_THREAD_H
#define PREPROF_RENDER_THREAD_H

#include "profile.h"
#include "render_request.h"
#include "symbolize.h"

/*
 * The request has a pid and a format. Returns 0 and the body, which the caller
 * frees, or -errno: -EINVAL a format that threads have not, else as
 * thread_dump_take().
 */
int render_thread_write(const struct render_request *request,
                        struct symbolizer *symbolizer, char **body,
                        size_t *size);

/*
 * The same of process `pid`, whose segment is looked for in `directory`, as a
 * profile, which the caller frees. 0, -ENOMEM, or as
 * thread_dump_take().
 */
int render_thread_profile(uint32_t pid, const char *directory,
                          struct symbolizer *symbolizer,
                          const struct profile_kind *kind,
                          struct profile **profile);

#endif
