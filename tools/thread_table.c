/* SPDX-License-Identifier: MIT */
/* thread_table.c - see thread_table.h. */
#include "thread_table.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "label_text.h"

#define COLUMNS    80
#define INDENT     10
#define TIME_SIZE  16
#define PLACE_SIZE 64

/* "3.2 s", "14 min", "5 h"; "" for what runs or is not known. */
static void write_time(int64_t ms, char text[TIME_SIZE])
{
    if (ms <= 0)
        text[0] = '\0';
    else if (ms < 100000)
        snprintf(text, TIME_SIZE, "%" PRId64 ".%" PRId64 " s", ms / 1000,
                 ms / 100 % 10);
    else if (ms < 100 * 60000)
        snprintf(text, TIME_SIZE, "%" PRId64 " min", ms / 60000);
    else
        snprintf(text, TIME_SIZE, "%" PRId64 " h", ms / 3600000);
}

static void write_row(const struct thread *thread, FILE *out)
{
    char time[TIME_SIZE];

    write_time(thread->idle_ms, time);
    fprintf(out, "%8d  %-16s %8s  %s", (int)thread->tid, thread->words, time,
            thread->name);
    if (thread->wait == THREAD_WAIT_LOCK)
        fprintf(out, ", for a mutex of %d", (int)thread->other);
    else if (thread->wait == THREAD_WAIT_END)
        fprintf(out, ", for the end of %d", (int)thread->other);
    putc('\n', out);
}

/* The longest beginning of `text` in so many bytes that is whole UTF-8. */
static int fit(const char *text, int room)
{
    int length = (int)strlen(text);

    if (length <= room)
        return length;
    while (room > 0 && ((unsigned char)text[room] & 0xc0) == 0x80)
        room--;
    return room;
}

/* "function  file.c:12" after some words, the function cut so that the line
 * fits. */
static void write_line(const char *before, const struct profile_line *line,
                       FILE *out)
{
    const char *slash = strrchr(line->file, '/');
    char place[PLACE_SIZE] = "";
    int room = COLUMNS - INDENT, length;

    if (line->file[0])
        snprintf(place, sizeof(place), "  %.40s:%" PRIu32,
                 slash ? slash + 1 : line->file, line->line);
    room -= (int)(strlen(before) + strlen(place));
    length = fit(line->function, room);
    if (line->function[length])
        length = fit(line->function, room - 3);
    fprintf(out, "%*s%s%.*s%s%s\n", INDENT, "", before, length, line->function,
            line->function[length] ? "..." : "", place);
}

static void write_labels(struct profile_label_set labels, FILE *out)
{
    if (labels.count == 0)
        return;
    fprintf(out, "%*sunder ", INDENT, "");
    label_text_write_bare(labels, out);
    putc('\n', out);
}

static void write_stack(const struct profile *profile,
                        const struct profile_sample *sample, FILE *out)
{
    write_labels(profile_labels(profile, sample), out);
    for (size_t i = 0; i < sample->depth; i++) {
        const struct profile_location *location =
            &profile->locations[sample->locations[i]];

        for (size_t j = 0; j < location->line_count; j++)
            write_line("", &location->lines[j], out);
    }
}

/* Each function once that has created threads with this stack, in the order of
 * their ids. */
static void write_creators(const struct thread_dump *dump,
                           const struct profile *profile, size_t sample,
                           FILE *out)
{
    size_t last = SIZE_MAX;

    for (size_t i = 0; i < dump->count; i++) {
        const struct thread *thread = &dump->threads[i];
        const struct profile_location *location;

        if (thread->sample != sample || !thread->creation ||
            thread->creator_location == last)
            continue;
        last = thread->creator_location;
        location = &profile->locations[last];
        write_line("created by ", &location->lines[location->line_count - 1],
                   out);
    }
}

/* A thread a line. */
static void write_deadlock(const char *text, FILE *out)
{
    static const char joint[] = ", which";
    const char *end;

    putc('\n', out);
    while ((end = strstr(text, joint))) {
        fprintf(out, "%.*s,\n  ", (int)(end - text), text);
        text = end + 2;
    }
    fprintf(out, "%s\n", text);
}

int thread_table_write(const struct thread_dump *dump,
                       const struct profile *profile, FILE *out)
{
    fprintf(out, "%8s  %-16s %8s  %s\n", "TID", "STATE", "FOR", "NAME");
    for (size_t sample = 0; sample < profile->sample_count; sample++) {
        for (size_t i = 0; i < dump->count; i++)
            if (dump->threads[i].sample == sample)
                write_row(&dump->threads[i], out);
        write_stack(profile, &profile->samples[sample], out);
        write_creators(dump, profile, sample, out);
    }
    for (size_t i = 0; i < dump->deadlock_count; i++)
        write_deadlock(dump->deadlocks[i], out);
    return ferror(out) ? -EIO : 0;
}
