/* SPDX-License-Identifier: MIT */
/* label.c - see label.h. */
#include "label.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "extent.h"
#include "os.h"
#include "reserve.h"
#include "thread_place.h"

#define LABEL_EXTENTS (SEGMENT_LABELS_MAX / SEGMENT_LABELS_PER_EXTENT)
#define LABEL_SLOTS   (2 * SEGMENT_LABELS_MAX) /* some are always free */

_Static_assert(SEGMENT_LABELS_MAX <= UINT16_MAX, "path.h, memo.h");

struct tables {
    uint32_t has_room; /* 1: the extent table can be used, in this life */
    struct segment_label *labels[LABEL_EXTENTS];
    uint32_t slots[LABEL_SLOTS]; /* ids by hash; 0 free */
};

static struct tables *tables; /* NULL until somebody asks; wiped in children */

/* A label that need not be in the table. */
struct label {
    const char *key, *value;
    size_t key_length, value_length;
};

/* The labels of a set, in ascending order of their keys. */
struct label_list {
    struct label labels[SEGMENT_LABEL_KEYS_MAX];
    size_t count;
};

static struct tables *get_tables(void)
{
    struct tables *none = NULL, *made;

    if (__atomic_load_n(&tables, __ATOMIC_ACQUIRE))
        return tables;
    made = os_map_wiped(sizeof(*made));
    if (made &&
        !__atomic_compare_exchange_n(&tables, &none, made, false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        os_unmap(made, sizeof(*made));
    return made ? tables : NULL;
}

/* Maps what labels need, once; a child's segment needs its own room. */
static bool make_room(void)
{
    struct tables *all = get_tables();

    if (!all)
        return false;
    if (__atomic_load_n(&all->has_room, __ATOMIC_RELAXED))
        return true;
    if (!life_make_room())
        return false;
    __atomic_store_n(&all->has_room, 1, __ATOMIC_RELAXED);
    return true;
}

/* ---- the table --------------------------------------------------------- */

static struct segment_label *record_of(uint32_t id)
{
    struct segment_label *labels = __atomic_load_n(
        &tables->labels[id / SEGMENT_LABELS_PER_EXTENT], __ATOMIC_ACQUIRE);

    return &labels[id % SEGMENT_LABELS_PER_EXTENT];
}

static uint64_t hash_text(uint64_t hash, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    return hash ^ hash >> 29;
}

static uint64_t label_hash(uint32_t parent, const struct label *label)
{
    uint64_t hash = 0xcbf29ce484222325u ^ parent;

    hash = hash_text(hash * 0x9e3779b97f4a7c15u, label->key, label->key_length);
    return hash_text(hash, label->value, label->value_length);
}

static bool record_is(const struct segment_label *record, uint32_t parent,
                      const struct label *label)
{
    return record->parent == parent &&
           record->key_length == label->key_length &&
           record->value_length == label->value_length &&
           memcmp(record->text, label->key, label->key_length) == 0 &&
           memcmp(record->text + label->key_length, label->value,
                  label->value_length) == 0;
}

/* A new record; its id, or 0 when there is no room. */
static uint32_t record_make(uint32_t parent, const struct label *label)
{
    uint32_t id = reserve(&life->header->labels_used, 1, SEGMENT_LABELS_MAX);
    uint32_t extent = id / SEGMENT_LABELS_PER_EXTENT;
    struct segment_label *record;

    if (id == RESERVE_NONE)
        return 0;
    record = extent_get((void **)&tables->labels[extent], SEGMENT_EXTENT_LABELS,
                        0, extent * SEGMENT_LABELS_PER_EXTENT);
    if (!record)
        return 0;
    record += id % SEGMENT_LABELS_PER_EXTENT;
    record->parent = parent;
    record->key_length = (uint16_t)label->key_length;
    memcpy(record->text, label->key, label->key_length);
    memcpy(record->text + label->key_length, label->value, label->value_length);
    __atomic_store_n(&record->value_length, (uint16_t)label->value_length,
                     __ATOMIC_RELEASE); /* publishes it */
    return id;
}

/* The set of the labels in `parent` and this one, whose key is greater; 0 when
 * there is no room. Two threads that make one record at once waste an id. */
static uint32_t set_with(uint32_t parent, const struct label *label)
{
    uint32_t made = 0;

    for (uint64_t i = label_hash(parent, label);; i++) {
        uint32_t *slot = &tables->slots[i % LABEL_SLOTS];
        uint32_t id = __atomic_load_n(slot, __ATOMIC_ACQUIRE);

        if (id == 0) {
            if (!made)
                made = record_make(parent, label);
            if (!made ||
                __atomic_compare_exchange_n(slot, &id, made, false,
                                            __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
                return made;
        }
        if (record_is(record_of(id), parent, label))
            return id;
    }
}

/* ---- sets -------------------------------------------------------------- */

/* The texts are the table's own, and stay. */
static void read_set(uint32_t set, struct label_list *list)
{
    size_t at = 0;

    for (uint32_t id = set; id && at < SEGMENT_LABEL_KEYS_MAX;
         id = record_of(id)->parent)
        at++;
    list->count = at;
    for (uint32_t id = set; at > 0; id = record_of(id)->parent) {
        const struct segment_label *record = record_of(id);

        list->labels[--at] = (struct label){
            .key = record->text,
            .value = record->text + record->key_length,
            .key_length = record->key_length,
            .value_length = record->value_length,
        };
    }
}

static int compare_keys(const struct label *a, const struct label *b)
{
    return segment_key_order(a->key, a->key_length, b->key, b->key_length);
}

/* The labels of `from`, with this one instead of any of its key; or without,
 * where it has no value. Returns 0 or -E2BIG. */
static int change(const struct label_list *from, const struct label *label,
                  struct label_list *to)
{
    size_t i = 0;

    to->count = 0;
    while (i < from->count && compare_keys(&from->labels[i], label) < 0)
        to->labels[to->count++] = from->labels[i++];
    if (i < from->count && compare_keys(&from->labels[i], label) == 0)
        i++;
    if (label->value_length > 0) {
        if (to->count + from->count - i == SEGMENT_LABEL_KEYS_MAX)
            return -E2BIG;
        to->labels[to->count++] = *label;
    }
    while (i < from->count)
        to->labels[to->count++] = from->labels[i++];
    return 0;
}

/* The set of a list, as far as there is room. */
static uint32_t set_of(const struct label_list *list, int *err)
{
    uint32_t set = 0;

    for (size_t i = 0; i < list->count; i++) {
        uint32_t next = set_with(set, &list->labels[i]);

        if (next) {
            set = next;
        } else {
            life_lose(SEGMENT_LOSS_LABELS_FULL, 1);
            *err = -ENOSPC;
        }
    }
    return set;
}

/* ---- the calling thread ------------------------------------------------ */

/* Where it is written down. One without a place writes where nobody reads. */
static struct segment_thread *find_place(void)
{
    static struct segment_thread nowhere;
    struct segment_thread *place, *none = NULL;

    if (thread_self.place)
        return thread_self.place;
    place = thread_place_take((uint32_t)os_gettid(), 0);
    if (!place)
        place = &nowhere;
    __atomic_store_n(&place->labels,
                     SEGMENT_THREAD_LABELS_SINCE(os_boottime_ns()),
                     __ATOMIC_RELAXED);
    /* Unless a handler that interrupted us has found one. */
    __atomic_compare_exchange_n(&thread_self.place, &none, place, false,
                                __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    return thread_self.place;
}

void label_adopt(uint32_t set)
{
    struct segment_thread *place;
    uint64_t since;

    __atomic_store_n(&thread_self.labels, set, __ATOMIC_RELAXED);
    if (set == 0 && !thread_self.place)
        return;
    place = find_place();
    since = SEGMENT_THREAD_LABELS_NS(
        __atomic_load_n(&place->labels, __ATOMIC_RELAXED));
    __atomic_store_n(&place->labels, since | set, __ATOMIC_RELAXED);
}

/* As label_set(), of a label whose key is one. */
static int set_label(struct label *label)
{
    struct label_list before, after;
    int err = 0;

    if (label->key_length + label->value_length > SEGMENT_LABEL_TEXT_MAX) {
        err = -ENAMETOOLONG;
        label->value_length = 0; /* none rather than the last one */
    }
    read_set(thread_self.labels, &before);
    if (change(&before, label, &after) != 0)
        return -E2BIG;
    label_adopt(set_of(&after, &err));
    return err;
}

int label_set(const char *key, const char *value)
{
    struct label label = {.key = key, .value = value ? value : ""};
    int err;

    label.key_length = key ? strlen(key) : 0;
    label.value_length = strlen(label.value);
    if (label.key_length == 0 || label.key_length >= SEGMENT_LABEL_TEXT_MAX)
        return -EINVAL;
    if (!life_joined(&thread_self) || !life->extents)
        return -ENOTSUP;
    if (!make_room())
        return -ENOSPC;
    err = set_label(&label);
    if (err == -ENAMETOOLONG || err == -E2BIG)
        life_lose(SEGMENT_LOSS_LABELS_REFUSED, 1);
    return err;
}
