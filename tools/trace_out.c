/* SPDX-License-Identifier: MIT */
/* trace_out.c - see trace_out.h. */
#include "trace_out.h"

#include <inttypes.h>
#include <jansson.h>

bool trace_out_is_full(const struct trace_out *out)
{
    off_t size = ftello(out->file);

    return size < 0 || (uint64_t)size >= TRACE_OUT_SIZE_MAX;
}

void trace_out_begin(struct trace_out *out, char phase, uint32_t tid,
                     const char *name)
{
    fprintf(out->file,
            "%s\n{\"ph\":\"%c\",\"pid\":%" PRIu32 ",\"tid\":%" PRIu32
            ",\"name\":\"%s\"",
            out->any ? "," : "", phase, out->pid, tid, name);
    out->any = true;
}

void trace_out_text(struct trace_out *out, const char *text)
{
    json_t *value = json_string(text);

    if (!value || json_dumpf(value, out->file, JSON_ENCODE_ANY) != 0)
        out->failed = true;
    json_decref(value);
}

void trace_out_us(struct trace_out *out, const char *key, uint64_t ns)
{
    fprintf(out->file, ",\"%s\":%" PRIu64 ".%03u", key, ns / 1000,
            (unsigned)(ns % 1000));
}
