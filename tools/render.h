/* SPDX-License-Identifier: MIT */
/*
 * render.h - how the server asks preprof-render for profiles.
 *
 * The server starts one preprof-render with a pipe on its stdin and one on its
 * stdout and writes requests; the child answers each, in order. The child is
 * expendable: when it dies, the server starts another and answers the request
 * that killed it with a 500. Only one request is outstanding at a time.
 * This header is the whole protocol; it must stay free of both sides' types.
 *
 *   request  = frame whose body is lines "key=value\n" (UTF-8, value without
 *              newline or NUL, each key at most once; unknown keys are an
 *              error)
 *   response = frame whose status is an HTTP status. 200: the body is the
 *              content. Otherwise: one line of text that says why.
 *
 * Keys of a request:
 *   kind    heap | allocs | peak | goroutine | threadcreate | block | mutex
 *           (a profile), profile (CPU) and trace (both in a window only), or
 *           list (the processes that have a segment, JSON),
 *           vars (MemStats of the process as expvar JSON), counts (JSON, the
 *           numbers for the index page), symbol (addresses to names), cmdline
 *   pid     the process; it or exe is required except for list. Its segment is
 *           found in `dir`; a live process is preferred to dead ones of the
 *           same pid
 *   exe     instead: the newest live process of the program of that name
 *   dir     directory of segments; default: segment_places.h
 *   format  pprof (gzipped profile.proto, the default) | text (Go's debug=1)
 *           | folded | gperftools (heap and allocs: that text, without
 *           MemStats, with mappings; profile: words and mappings). A trace
 *           has none: it is JSON (trace_json.h)
 *   debug   the client's debug number, for kinds whose text depends on it
 *   limit   at most so many samples, except in text with a debug of 2 of
 *           goroutine: the smallest stacks become one (segment_fold.h,
 *           profile_fold.h)
 *   window  a profile of what happens between two requests, begin and end (Go's
 *           seconds=): second less first, as pprof; begin answers nothing. Or
 *           drop: nobody waits for it any more. The same kind, pid and dir in
 *           all of them
 *   cursor  a client, of RENDER_CURSOR_MAX bytes at most: counts of heap, allocs,
 *           block and mutex are those since the last request with this cursor,
 *           kind and process, and what is in use is what it is. The first
 *           request of a client is answered with a profile without samples, and
 *           so may the next of one that did not ask for long
 *   id      of the window, the server's choice, not 0 and not in use
 *   hz      samples a second of CPU time, 1 to 1000; default 100
 *   symbols for symbol: the addresses as sent, joined by '+'
 *
 * JSON of list: an array, in the order of process_tree.h (children follow
 * the process they were forked from), of objects with pid, uid, depth (below a
 * parent), parent_pid, inherited (bytes in use at the fork that the child has
 * not freed), program, executable, start (RFC 3339, UTC), state (live, exited,
 * killed, elsewhere), mode (as PREPROF_MODE is written), since (of the first
 * recording, or null), status ("ok" or why nothing is recorded), in_use,
 * in_use_objects, allocs, alloc_space, losses (object: text to count) and file;
 * of live ones also uptime (s), alloc_rate (bytes a second, mean since the
 * first recording), rss and threads, else 0. One with children has `tree`: an
 * object with processes, in_use, rss and alloc_rate, sums over it and all below
 * it. A segment that cannot be read has pid, depth, state, file and error only.
 * JSON of counts: an object, kind to number of records, one key for every kind
 * that is a profile.
 * JSON of vars: as Go's expvar prints it, with a third variable "preprof"
 * (mode, since, coverage: since when and what is left out, as text; estimated:
 * the fields of memstats that are no counts; losses).
 *
 * Errors: 404 no such process or segment, 400 bad key or value, 500 a segment
 * that cannot be read (the line names file, offset and reason), 503 the
 * process cannot be profiled (the line says why). Those of windows that Go has
 * are Go's.
 */
#ifndef PREPROF_RENDER_H
#define PREPROF_RENDER_H

#include <stdint.h>

#define RENDER_MAGIC             0x31525050u /* "PPR1", little endian */
#define RENDER_REQUEST_SIZE_MAX  (4u << 20)  /* symbol bodies reach 2 MiB */
#define RENDER_RESPONSE_SIZE_MAX (256u << 20)
#define RENDER_HZ_MAX            1000
#define RENDER_CURSOR_MAX        255

/* Precedes every body, in both directions; little endian. */
struct render_frame {
    uint32_t magic;
    uint32_t sequence; /* of the request; the response repeats it */
    uint32_t status;   /* 0 in a request */
    uint32_t size;     /* bytes of the body */
};

_Static_assert(sizeof(struct render_frame) == 16, "frame layout");

#endif
