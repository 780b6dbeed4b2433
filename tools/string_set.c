/* SPDX-License-Identifier: MIT */
/*
 * string_set.c - one copy of each string, at an address that stays.
 * Must never move or free a string before the set. Read next: symbolize.c.
 */
#include "string_set.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hash_bytes.h"

#define STRING_SET_SLOTS_FIRST 256u   /* a power of two */
#define STRING_SET_BLOCK_SIZE  65536u /* bytes; longer strings get their own */

struct string_block {
    struct string_block *next;
    size_t used;
    size_t size;
    char bytes[];
};

struct string_slot {
    uint64_t hash;
    const char *text; /* NULL: free */
    size_t length;
};

struct string_set {
    struct string_slot *slots;
    size_t slot_count; /* a power of two, at most half full */
    size_t count;
    struct string_block *blocks; /* the newest, which is filled, first */
};

static uint64_t string_hash(const char *text, size_t length)
{
    /* FNV-1a: names differ in few bytes and at either end. */
    uint64_t hash = hash_bytes(text, length);

    return hash ^ hash >> 32;
}

struct string_set *string_set_new(void)
{
    struct string_set *set = calloc(1, sizeof(*set));
    if (set == NULL)
        return NULL;
    set->slot_count = STRING_SET_SLOTS_FIRST;
    set->slots = calloc(set->slot_count, sizeof(*set->slots));
    if (set->slots == NULL) {
        free(set);
        return NULL;
    }
    return set;
}

void string_set_free(struct string_set *set)
{
    if (set == NULL)
        return;
    for (struct string_block *block = set->blocks; block != NULL;) {
        struct string_block *next = block->next;
        free(block);
        block = next;
    }
    free(set->slots);
    free(set);
}

/* The slot that holds the string, or the free one where it belongs. */
static struct string_slot *string_slot_find(const struct string_set *set,
                                            uint64_t hash, const char *text,
                                            size_t length)
{
    size_t mask = set->slot_count - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct string_slot *slot = &set->slots[i];
        if (slot->text == NULL)
            return slot;
        if (slot->hash == hash && slot->length == length &&
            memcmp(slot->text, text, length) == 0)
            return slot;
    }
}

static bool string_set_grow(struct string_set *set)
{
    struct string_set larger = *set;
    larger.slot_count *= 2;
    larger.slots = calloc(larger.slot_count, sizeof(*larger.slots));
    if (larger.slots == NULL)
        return false;
    for (size_t i = 0; i < set->slot_count; i++) {
        struct string_slot *slot = &set->slots[i];
        if (slot->text != NULL)
            *string_slot_find(&larger, slot->hash, slot->text, slot->length) =
                *slot;
    }
    free(set->slots);
    *set = larger;
    return true;
}

/* Copies the string to where it stays. */
static const char *string_set_store(struct string_set *set, const char *text,
                                    size_t length)
{
    struct string_block *block = set->blocks;
    if (block == NULL || block->size - block->used <= length) {
        size_t size =
            length < STRING_SET_BLOCK_SIZE ? STRING_SET_BLOCK_SIZE : length + 1;
        block = malloc(sizeof(*block) + size);
        if (block == NULL)
            return NULL;
        *block = (struct string_block){.next = set->blocks, .size = size};
        set->blocks = block;
    }
    char *copy = block->bytes + block->used;
    memcpy(copy, text, length);
    copy[length] = '\0';
    block->used += length + 1;
    return copy;
}

const char *string_set_add(struct string_set *set, const char *text,
                           size_t length)
{
    uint64_t hash = string_hash(text, length);
    struct string_slot *slot = string_slot_find(set, hash, text, length);
    if (slot->text != NULL)
        return slot->text;
    if (2 * (set->count + 1) > set->slot_count) {
        if (!string_set_grow(set))
            return NULL;
        slot = string_slot_find(set, hash, text, length);
    }
    const char *copy = string_set_store(set, text, length);
    if (copy == NULL)
        return NULL;
    *slot = (struct string_slot){.hash = hash, .text = copy, .length = length};
    set->count++;
    return copy;
}
