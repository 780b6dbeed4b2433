/* SPDX-License-Identifier: MIT */
/*
 * pprof.h - the plans of /debug/pprof/: Go's net/http/pprof, parameter by
 * parameter and error by error.
 *
 * Read next: ask.h (how a plan asks), pprof_index.h (the page).
 */
#ifndef PREPROF_PPROF_H
#define PREPROF_PPROF_H

#include "route.h"

/* Plans /debug/pprof/NAME of process `pid`. */
void pprof_plan(const struct site *site, pid_t pid, const char *name,
                const struct http_request *request, struct plan *plan);

/* Plans the index page. */
void pprof_plan_index(const struct site *site, pid_t pid, struct plan *plan);

/*
 * Plans the answer to /pprof/NAME, where gperftools' scripts (google-pprof,
 * jeprof) look: `heap` and `profile` as they read them, with mappings;
 * everything else as below /debug/pprof/.
 */
void pprof_plan_gperftools(const struct site *site, pid_t pid, const char *name,
                           const struct http_request *request,
                           struct plan *plan);

#endif
