/* SPDX-License-Identifier: MIT */
/* profile_labels.c - see profile_labels.h. */
#include "profile_labels.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "printable.h"

int profile_labels_begin(struct profile_labels *labels,
                         const struct segment_snapshot *snapshot)
{
    labels->snapshot = snapshot;
    labels->sets = calloc(snapshot->label_count, sizeof(*labels->sets));
    return labels->sets ? 0 : -ENOMEM;
}

void profile_labels_end(struct profile_labels *labels)
{
    free(labels->sets);
}

static char *copy_text(struct profile_builder *builder, const char *text,
                       size_t length)
{
    char *copy = strndup(text, length);

    if (copy)
        printable_clean(copy, length);
    else
        builder->failed = true;
    return copy;
}

static size_t count_labels(const struct segment_snapshot *snapshot,
                           uint32_t set)
{
    size_t count = 0;

    for (; set; set = snapshot->labels[set].parent)
        count++;
    return count;
}

uint32_t profile_labels_set(struct profile_labels *labels,
                            struct profile_builder *builder, uint32_t set)
{
    const struct segment_snapshot *snapshot = labels->snapshot;
    size_t count = count_labels(snapshot, set);
    struct profile_label_set *made;

    if (set == 0 || labels->sets[set])
        return labels->sets[set];
    made = profile_label_set_add(builder->profile, count);
    if (!made) {
        builder->failed = true;
        return 0;
    }
    labels->sets[set] = (uint32_t)builder->profile->label_set_count;
    for (uint32_t id = set; id; id = snapshot->labels[id].parent) {
        const struct segment_label *from = &snapshot->labels[id];
        struct profile_label *to = &made->labels[--count];

        to->key = copy_text(builder, from->text, from->key_length);
        to->value = copy_text(builder, from->text + from->key_length,
                              from->value_length);
    }
    return labels->sets[set];
}
