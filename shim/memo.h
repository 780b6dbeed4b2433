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
 * hash while it is being filled. Memory of zeros is an empty memo.
 * Read next: spine.h, step.h.
 */
#ifndef PREPROF_MEMO_H
#define PREPROF_MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch.h"
#include "cc.h"
#include "segment.h"
#include "spine.h"
#include "step.h"
#include "walk.h"

#define MEMO_TRIES    8 /* entries looked at */
#define MEMO_ENTRIES  512
#define MEMO_PATIENCE 16
#define MEMO_WORDS    36

#define MEMO_DEMANDS_BP 0x8000u /* in memo_entry.labels */
_Static_assert(SEGMENT_LABELS_MAX <= MEMO_DEMANDS_BP, "labels beside it");

/* A word as memo_load() reads it, and where: (address - sp) / 8. In one, so that
 * an entry takes fewer loads and lines of cache. */
#define MEMO_WORD(word, offset) ((word) << 16 | (offset))
#define MEMO_WORD_MAX           ((UINT64_C(1) << 48) - 1)

struct memo_entry {
    /* The last `count` of these, beside the rest: as few cache lines as can
     * be. */
    uint64_t words[MEMO_WORDS];
    uint64_t hash; /* of where the stack begins, and of the words by which
                      it was found; 0 none */
    uintptr_t bp;  /* where demanded */
    uint32_t callsite;
    uint16_t count;
    uint16_t labels; /* that the callsite is under (label.h), and whether bp is
                        demanded: one word, to be looked at once */
    struct segment_row *row; /* the callsite's in the shard of this memo, or
                                NULL when it had none yet */
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

/* Return addresses may be signed above their 48 bits; no others differ there,
 * for what is asked for is an address wherever the words before are right. */
static ALWAYS_INLINE uint64_t memo_load(uintptr_t address)
{
    return arch_code_address(step_load(address));
}

/*
 * Whether the entry is the stack at *start; else *word is what differs. In
 * order, and not beyond the first difference: later addresses may be no stack
 * then. One jump by the number of words, for a loop was measured to be slower.
 */
#define MEMO_COMPARE(n)                                                        \
    __attribute__((fallthrough));                                              \
    case n:                                                                    \
        *word = memo_load(start->sp + (uint16_t)end[-(n)] * 8ul);              \
        if (*word != end[-(n)] >> 16)                                          \
            return false;
#define MEMO_COMPARE_6(n)                                                      \
    MEMO_COMPARE(n + 5)                                                        \
    MEMO_COMPARE(n + 4)                                                        \
    MEMO_COMPARE(n + 3)                                                        \
    MEMO_COMPARE(n + 2)                                                        \
    MEMO_COMPARE(n + 1)                                                        \
    MEMO_COMPARE(n)

static ALWAYS_INLINE bool memo_holds(const struct memo_entry *entry,
                                     const struct walk_start *start,
                                     uint32_t labels, uintptr_t *word)
{
    uint32_t differs = entry->labels ^ labels;
    const uint64_t *end = &entry->words[MEMO_WORDS];

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
    switch (entry->count) {
    case 0: /* empty; also in a child that a signal handler has just forked */
        return false;
        MEMO_COMPARE_6(31)
        MEMO_COMPARE_6(25)
        MEMO_COMPARE_6(19)
        MEMO_COMPARE_6(13)
        MEMO_COMPARE_6(7)
        MEMO_COMPARE_6(1)
        break;
    default:
        __builtin_unreachable();
    }
    return true;
}
_Static_assert(MEMO_WORDS == 36, "as many cases");
#undef MEMO_COMPARE
#undef MEMO_COMPARE_6

/* The entry of the stack that begins at *start, under these labels, or NULL
 * when it is not known: then *missed is for memo_learn(). Async-signal-safe. */
static ALWAYS_INLINE const struct memo_entry *
memo_find(const struct memo *memo, const struct walk_start *start,
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
        if (LIKELY(memo_holds(entry, start, labels, &word)))
            return entry;
        hash = memo_hash_next(hash, word);
    }
    *missed = hash;
    return NULL;
}

/* May remember what memo_find() did not know and `hash` (not 0) is of: `spine`
 * is the stack's, `callsite` its callsite under these labels, and `row` that
 * callsite's, or NULL. */
void memo_learn(struct memo *memo, uint64_t hash, const struct spine *spine,
                uint32_t labels, uint32_t callsite, struct segment_row *row);

/* Forgets everything. */
void memo_clear(struct memo *memo);

#endif
