/* SPDX-License-Identifier: MIT */
/*
 * render_process.h - one life of preprof-render: its pipes and its frames.
 *
 * It has three file descriptors, no preload, and our environment otherwise.
 * Its stdin ends when we do, whatever ends us, and it ends with it. Whatever
 * it sends is checked against tools/render.h before it is used.
 */
#ifndef PREPROF_RENDER_PROCESS_H
#define PREPROF_RENDER_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct render_process;

/* A whole answer; the body is the callee's to free, and has room for a NUL
 * behind it. */
typedef void render_process_answer(void *owner, int status, char *body,
                                   size_t size);

/* It is gone and has been waited for; `how` reads well after its name. */
typedef void render_process_death(void *owner, const char *how);

/* Starts the program at `path`. Returns 0 and *process, valid until `death`
 * is called; or libuv's error. */
int render_process_start(uv_loop_t *loop, const char *path,
                         render_process_answer *answer,
                         render_process_death *death, void *owner,
                         struct render_process **process);

/* Sends a request. Only after the one before was answered; `body` stays until
 * this one is, or the process is dead. Returns 0 or libuv's error. */
int render_process_send(struct render_process *process, uint32_t sequence,
                        const char *body, size_t size);

/* Ends its stdin: it is done. */
void render_process_end(struct render_process *process);

/* Kills it; `how` will be said of it. */
void render_process_kill(struct render_process *process, const char *how);

#endif
