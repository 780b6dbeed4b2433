/* SPDX-License-Identifier: MIT */
/* ask.c - see ask.h. */
#include "ask.h"

#include <stdio.h>

static FILE *begin(struct plan *plan, const struct site *site, const char *kind,
                   pid_t pid)
{
    FILE *out = open_memstream(&plan->ask, &plan->ask_size);

    if (!out)
        return NULL;
    fprintf(out, "kind=%s\n", kind);
    if (pid)
        fprintf(out, "pid=%d\n", (int)pid);
    else if (plan->program[0])
        fprintf(out, "exe=%s\n", plan->program);
    if (site->directory)
        fprintf(out, "dir=%s\n", site->directory);
    return out;
}

static void end(struct plan *plan, FILE *out)
{
    if (out && fclose(out) == 0)
        plan->action = PLAN_RENDER;
    else
        reply_line(&plan->reply, 503, "out of memory");
}

void ask_write(struct plan *plan, const struct site *site, const char *kind,
               pid_t pid, const char *further)
{
    FILE *out = begin(plan, site, kind, pid);

    if (out)
        fputs(further, out);
    end(plan, out);
}

void ask_write_symbols(struct plan *plan, const struct site *site, pid_t pid,
                       const char *text, size_t size)
{
    FILE *out = begin(plan, site, "symbol", pid);

    if (out) {
        fputs("symbols=", out);
        for (size_t i = 0; i < size; i++)
            putc_unlocked(text[i] > ' ' && text[i] <= '~' ? text[i] : '?', out);
        putc('\n', out);
    }
    end(plan, out);
}
