/* SPDX-License-Identifier: MIT */
/*
 * memo.h - stacks that a thread has met often, recognized by a few words.
 *
 * An entry holds every word that unwinding the stack depends on (spine.h says
 * which, and why that is enough), in the order of unwinding, relative to the sp
 * where it begins. All equal means the same stack, and its callsite is known
 * without a rule, a walk or a hash of the frames.
 *
 * The first entry looked at is chosen by pc and sp of the allocation's caller.
 * Where a word differs from the entry's, that word chooses the next entry, and
 * so on: stacks that begin alike, because all allocate through one wrapper,
 * part where they differ, like words in a trie. What chose an entry is a hint
 * only; every entry is compared whole.
 *
 * Each hash has two slots, so that two stacks that are always met in turn have
 * room even where their hashes collide. A slot that is free is filled at once;
 * where both are taken, one is given up when the same stack missed there twice
 * in a row, and else by every MEMO_PATIENCE'th miss only: a program that
 * allocates from ever new stacks does not pay for it, and one whose stacks take
 * turns is not kept out.
 *
 * One thread uses a memo, while it is marked busy (thread.h); an entry has no
 * callsite while it is being filled. Memory of zeros is an empty memo.
 * Read next: spine.h, step.h.
 */
#ifndef PREPROF_MEMO_H
#define PREPROF_MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc.h"
#include "spine.h"
#include "step.h"
#include "walk.h"

#define MEMO_TRIES    8 /* entries looked at */
#define MEMO_ENTRIES  512
#define MEMO_PATIENCE 16
#define MEMO_WORDS    36 /* a multiple of MEMO_UNROLL */
#define MEMO_UNROLL   4

#define MEMO_DEMANDS_BP 0x8000u /* in memo_entry.labels */
_Static_assert(SEGMENT_LABELS_MAX <= MEMO_DEMANDS_BP, "labels beside it");

struct memo_entry {
    uint64_t hash; /* of where the stack begins, and of the words by which
                      it was found; 0 none */
    uintptr_t bp;  /* where demanded */
    uint32_t callsite;
    int16_t first; /* the words [first .. 0), from the arrays' end: so that what
                      counts them tells the end by its sign. Padded with the
                      last one again */
    uint16_t labels; /* that the callsite is under (label.h), and whether bp is
                        demanded: one word, to be looked at once */
    uint16_t offsets[MEMO_WORDS]; /* (address - sp) / 8 */
    uintptr_t words[MEMO_WORDS];
} CACHE_ALIGNED;

struct memo {
    uint32_t missed[MEMO_ENTRIES]; /* callsite last not found there */
    uint32_t misses;
    struct memo_entry entries[MEMO_ENTRIES];
};

/* The multipliers fit an instruction. What differs in a low bit of an address
 * differs in the product from there to 31 bits further up. */
static ALWAYS_INLINE uint64_t memo_hash_first(const struct walk_start *start)
{
    return start->pc * 0x7f4a7c15u ^ start->sp * 0x70b428dbu;
}

static ALWAYS_INLINE uint64_t memo_hash_next(uint64_t hash, uintptr_t word)
{
    return (hash ^ word) * 0x6659fd93u;
}

static ALWAYS_INLINE uint32_t memo_slot(uint64_t hash)
{
    return (uint32_t)(hash >> 28) % MEMO_ENTRIES;
}

static ALWAYS_INLINE uint32_t memo_other(uint32_t slot)
{
    return slot ^ 1;
}

/* Whether the entry is the stack at *start; else *word is what differs. In
 * order, and not beyond the first difference: later addresses may be no stack
 * then. */
static ALWAYS_INLINE bool memo_holds(const struct memo_entry *entry,
                                     const struct walk_start *start,
                                     uint32_t labels, uintptr_t *word)
{
    uint32_t differs = entry->labels ^ labels;
    const uint16_t *offsets = &entry->offsets[MEMO_WORDS];
    const uintptr_t *words = &entry->words[MEMO_WORDS];
    ptrdiff_t i = entry->first;

    if (differs) {
        if (differs != MEMO_DEMANDS_BP) {
            *word = labels;
            return false;
        }
        if (entry->bp != start->bp) {
            *word = start->bp;
            return false;
        }
    }
    do {
#pragma GCC unroll 4
        for (int j = 0; j < MEMO_UNROLL; j++) {
            *word = step_load(start->sp + offsets[i + j] * 8ul);
            if (*word != words[i + j])
                return false;
        }
        i += MEMO_UNROLL;
    } while (i < 0);
    return true;
}

/* The callsite of the stack that begins at *start, under these labels, or 0
 * when it is not known: then *missed is for memo_learn(). Async-signal-safe. */
static ALWAYS_INLINE uint32_t memo_find(const struct memo *memo,
                                        const struct walk_start *start,
                                        uint32_t labels, uint64_t *missed)
{
    uint64_t hash = memo_hash_first(start);
    const struct memo_entry *entry;
    uintptr_t word = 0;

    for (int try = 0; try < MEMO_TRIES; try++) {
        entry = &memo->entries[memo_slot(hash)];
        OPAQUE(entry); /* gcc 12 would reckon it again */
        if (UNLIKELY(entry->hash != hash)) {
            entry = &memo->entries[memo_other(memo_slot(hash))];
            if (entry->hash != hash)
                break;
        }
        if (LIKELY(memo_holds(entry, start, labels, &word))) {
            if (entry->callsite == 0)
                __builtin_unreachable(); /* it has a hash */
            return entry->callsite;
        }
        hash = memo_hash_next(hash, word);
    }
    *missed = hash;
    return 0;
}

/* May remember what memo_find() did not know and `hash` (not 0) is of: `spine`
 * is the stack's, and `callsite` its callsite under these labels. */
void memo_learn(struct memo *memo, uint64_t hash, const struct spine *spine,
                uint32_t labels, uint32_t callsite);

/* Forgets everything. */
void memo_clear(struct memo *memo);

#endif
