/* SPDX-License-Identifier: MIT */
/* thread_text.c - see thread_text.h. */
#include "thread_text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "label_text.h"

#define MS_PER_MINUTE 60000

/* No ']' in it: it would end the state. */
static void write_name(const char *name, FILE *out)
{
    for (; *name; name++)
        putc(*name == ']' ? ')' : *name, out);
}

static void write_head(const struct thread *thread,
                       struct profile_label_set labels, FILE *out)
{
    int64_t minutes = thread->idle_ms / MS_PER_MINUTE;

    fprintf(out, "goroutine %d [%s", (int)thread->tid, thread->words);
    if (minutes >= 1)
        fprintf(out, ", %" PRId64 " minutes", minutes);
    fputs(", ", out);
    write_name(thread->name, out);
    putc(']', out);
    if (labels.count > 0) {
        putc(' ', out);
        label_text_write_bare(labels, out);
    }
    fputs(":\n", out);
}

static void write_place(const struct profile_line *line, FILE *out)
{
    if (line->file[0])
        fprintf(out, "\t%s:%" PRIu32, line->file, line->line);
    else
        fputs("\t??:0", out);
}

/* The offset is that of the return address: one more than a location's. */
static void write_location(const struct profile_location *location, FILE *out)
{
    for (size_t i = 0; i < location->line_count; i++) {
        fprintf(out, "%s(...)\n", location->lines[i].function);
        write_place(&location->lines[i], out);
        if (i + 1 == location->line_count)
            fprintf(out, " +%#" PRIx64, location->offset + 1);
        putc('\n', out);
    }
}

static void write_creator(const struct profile_location *location, FILE *out)
{
    const struct profile_line *line =
        &location->lines[location->line_count - 1];

    fprintf(out, "created by %s\n", line->function);
    write_place(line, out);
    fprintf(out, " +%#" PRIx64 "\n", location->offset + 1);
}

static void write_thread(const struct thread *thread,
                         const struct profile *profile, FILE *out)
{
    const struct profile_sample *sample = &profile->samples[thread->sample];
    size_t both = 2 * THREAD_TEXT_FRAMES;

    write_head(thread, profile_labels(profile, sample), out);
    for (size_t i = 0; i < sample->depth; i++) {
        if (sample->depth > both && i == THREAD_TEXT_FRAMES) {
            fprintf(out, "...%zu frames elided...\n", sample->depth - both);
            i = sample->depth - THREAD_TEXT_FRAMES;
        }
        write_location(&profile->locations[sample->locations[i]], out);
    }
    if (thread->creation)
        write_creator(&profile->locations[thread->creator_location], out);
}

int thread_text_write(const struct thread_dump *dump,
                      const struct profile *profile, FILE *out)
{
    for (size_t i = 0; i < dump->deadlock_count; i++)
        fprintf(out, "# %s\n", dump->deadlocks[i]);
    if (dump->advice)
        fprintf(out, "# %s\n", dump->advice);
    for (size_t i = 0; i < dump->count; i++) {
        if (i > 0)
            putc('\n', out);
        write_thread(&dump->threads[i], profile, out);
    }
    return ferror(out) ? -EIO : 0;
}
