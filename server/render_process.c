/* SPDX-License-Identifier: MIT */
/* render_process.c - see render_process.h. */
#include "render_process.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "render.h"

/* A request on its way. */
struct sending {
    uv_write_t write;
    struct render_frame frame;
};

struct render_process {
    uv_process_t process;
    uv_pipe_t to, from;
    unsigned open_handles;
    render_process_answer *answer;
    render_process_death *death;
    void *owner;
    char how[64]; /* why it was killed; "" when it was not */

    bool asked;
    uint32_t sequence; /* of what was asked */

    struct render_frame frame; /* of the answer */
    size_t frame_size;         /* bytes of it that have come */
    char *body;
    size_t body_size;
};

static struct render_process *process_of(void *handle)
{
    return ((uv_handle_t *)handle)->data;
}

static void on_close(uv_handle_t *handle)
{
    struct render_process *process = process_of(handle);

    if (--process->open_handles > 0)
        return;
    free(process->body);
    free(process);
}

static void close_handle(void *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_close);
}

static void close_all(struct render_process *process)
{
    close_handle(&process->to);
    close_handle(&process->from);
    close_handle(&process->process);
}

void render_process_kill(struct render_process *process, const char *how)
{
    if (!process->how[0])
        snprintf(process->how, sizeof(process->how), "%s", how);
    /* ESRCH: it is dead already, and on_exit() is on its way */
    (void)uv_process_kill(&process->process, SIGKILL);
}

void render_process_end(struct render_process *process)
{
    close_handle(&process->to);
}

static void on_exit_status(uv_process_t *handle, int64_t status, int number)
{
    struct render_process *process = process_of(handle);
    char how[64];

    if (process->how[0])
        snprintf(how, sizeof(how), "%s", process->how);
    else if (number)
        snprintf(how, sizeof(how), "was killed by signal %d", number);
    else
        snprintf(how, sizeof(how), "exited with status %d", (int)status);
    close_all(process);
    process->death(process->owner, how);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct render_process *process = process_of(handle);

    (void)suggested;
    /* never beyond this answer, so that its body needs no copy */
    if (process->frame_size < sizeof(process->frame))
        *buffer = uv_buf_init(
            (char *)&process->frame + process->frame_size,
            (unsigned)(sizeof(process->frame) - process->frame_size));
    else
        *buffer =
            uv_buf_init(process->body + process->body_size,
                        process->frame.size - (unsigned)process->body_size);
}

/* What is wrong with the frame that has come, or NULL. */
static const char *check_frame(const struct render_process *process)
{
    const struct render_frame *frame = &process->frame;

    if (frame->magic != RENDER_MAGIC)
        return "sent something that is no answer";
    if (!process->asked ||
        uv_stream_get_write_queue_size((const uv_stream_t *)&process->to) > 0)
        return "answered before it was asked";
    if (frame->sequence != process->sequence)
        return "answered another request";
    if (frame->size > RENDER_RESPONSE_SIZE_MAX)
        return "sent an answer that is too large";
    if (frame->status != 200 && (frame->status < 400 || frame->status > 599))
        return "answered with a status that is none";
    return NULL;
}

static void complete(struct render_process *process)
{
    char *body = process->body;

    process->body = NULL;
    process->frame_size = 0;
    process->asked = false;
    process->answer(process->owner, (int)process->frame.status, body,
                    process->body_size);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct render_process *process = process_of(stream);
    const char *wrong = NULL;

    (void)buffer;
    if (size < 0) { /* mostly it is dying; its exit status says of what */
        (void)uv_read_stop(stream);
        (void)uv_process_kill(&process->process, SIGKILL);
        return;
    }
    if (process->frame_size < sizeof(process->frame)) {
        process->frame_size += (size_t)size;
        if (process->frame_size < sizeof(process->frame))
            return;
        wrong = check_frame(process);
        process->body_size = 0;
        if (!wrong) {
            process->body = malloc((size_t)process->frame.size + 1);
            wrong = process->body ? NULL : "sent more than memory holds";
        }
    } else {
        process->body_size += (size_t)size;
    }
    if (wrong) {
        (void)uv_read_stop(stream);
        render_process_kill(process, wrong);
    } else if (process->body_size == process->frame.size) {
        complete(process);
    }
}

static int spawn(struct render_process *process, uv_loop_t *loop,
                 const char *path, char **environment)
{
    char *arguments[] = {(char[]){"preprof-render"}, NULL};
    uv_stdio_container_t stdio[] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE,
         .data.stream = (uv_stream_t *)&process->to},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
         .data.stream = (uv_stream_t *)&process->from},
        {.flags = UV_INHERIT_FD, .data.fd = 2},
    };
    uv_process_options_t options = {
        .exit_cb = on_exit_status,
        .file = path,
        .args = arguments,
        .env = environment,
        .stdio = stdio,
        .stdio_count = 3,
    };
    int error = uv_spawn(loop, &process->process, &options);

    /* Where Yama forbids children to look at their parents' threads, it may.
     * Elsewhere there is nothing to allow, and this fails. */
    if (!error)
        (void)prctl(PR_SET_PTRACER, process->process.pid);
    return error;
}

/* Our environment without the preload: what reads profiles is not profiled.
 * The array is the caller's, the strings are not. */
static char **environment_without_preload(void)
{
    size_t count = 0, kept = 0;
    char **environment;

    while (environ[count])
        count++;
    environment = calloc(count + 1, sizeof(*environment));
    if (!environment)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], "LD_PRELOAD=", 11) != 0)
            environment[kept++] = environ[i];
    return environment;
}

int render_process_start(uv_loop_t *loop, const char *path,
                         render_process_answer *answer,
                         render_process_death *death, void *owner,
                         struct render_process **out)
{
    struct render_process *process = calloc(1, sizeof(*process));
    char **environment = environment_without_preload();
    int error = UV_ENOMEM;

    if (!process || !environment)
        goto out_free;
    process->answer = answer;
    process->death = death;
    process->owner = owner;
    process->process.data = process;
    process->to.data = process;
    process->from.data = process;
    process->open_handles = 3;
    error = uv_pipe_init(loop, &process->to, 0);
    if (error)
        goto out_free;
    error = uv_pipe_init(loop, &process->from, 0);
    if (error) { /* does not happen: it only fills a struct */
        process->open_handles = 1;
        close_handle(&process->to);
        free(environment);
        return error;
    }
    error = spawn(process, loop, path, environment);
    free(environment);
    if (!error)
        error = uv_read_start((uv_stream_t *)&process->from, on_alloc, on_read);
    if (error)
        close_all(process);
    else
        *out = process;
    return error;

out_free:
    free(environment);
    free(process);
    return error;
}

static void on_write(uv_write_t *write, int status)
{
    struct render_process *process = process_of(write->handle);

    free(write->data);
    if (status < 0 && status != UV_ECANCELED) /* it is dying */
        (void)uv_process_kill(&process->process, SIGKILL);
}

int render_process_send(struct render_process *process, uint32_t sequence,
                        const char *body, size_t size)
{
    /* Not part of the process: the answer can be here before on_write() is
     * called, and the next request is sent then. */
    struct sending *sending = malloc(sizeof(*sending));
    uv_buf_t buffers[2];
    int error;

    if (!sending)
        return UV_ENOMEM;
    sending->write.data = sending;
    sending->frame = (struct render_frame){
        .magic = RENDER_MAGIC, .sequence = sequence, .size = (uint32_t)size};
    buffers[0] = uv_buf_init((char *)&sending->frame, sizeof(sending->frame));
    buffers[1] = uv_buf_init((char *)(uintptr_t)body, (unsigned)size);
    error = uv_write(&sending->write, (uv_stream_t *)&process->to, buffers, 2,
                     on_write);
    if (error)
        free(sending);
    process->asked = !error;
    process->sequence = sequence;
    return error;
}
