/* SPDX-License-Identifier: MIT */
/* walk_count.c - see walk_count.h. */
#include "walk_count.h"

#ifdef PREPROF_COUNT_WALKS

#include <unistd.h>

#include "os.h"
#include "text.h"

struct walk_counts walk_counts;

static void say(struct text *text, const char *name, uint64_t count)
{
    text_string(text, " ");
    text_string(text, name);
    text_string(text, "=");
    text_number(text, count);
}

__attribute__((destructor)) static void report(void)
{
    char line[640];
    struct text text = text_in(line, sizeof(line));

    text_string(&text, "preprof walks:");
#define WALK_COUNTER(name) say(&text, #name, walk_counts.name);
    WALK_COUNTERS(WALK_COUNTER)
#undef WALK_COUNTER
    text_char(&text, '\n');
    os_write_all(STDERR_FILENO, text.bytes, text.length);
}

#endif
