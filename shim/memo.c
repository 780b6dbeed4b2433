/* SPDX-License-Identifier: MIT */
/* memo.c - see memo.h. */
#include "memo.h"

static bool add_word(struct memo_entry *entry, uint32_t *count, uintptr_t sp,
                     uintptr_t address)
{
    uint64_t offset = (address - sp) / 8, word = memo_load(address);

    if (*count == MEMO_WORDS || offset > UINT16_MAX || word > MEMO_WORD_MAX)
        return false;
    entry->words[(*count)++] = MEMO_WORD(word, offset);
    return true;
}

/* Adds what prove() in spine.c reads, in its order, and returns how much; 0
 * when that is more than an entry can hold. */
static uint32_t add_words(struct memo_entry *entry, const struct spine *spine)
{
    const struct spine_frame *frames = spine->frames;
    uint32_t leaf = spine->count - 1, count = 0;
    uintptr_t sp = frames[leaf].sp;

    for (uint32_t i = leaf; i > 0; i--) {
        const struct spine_frame *outer = &frames[i - 1];
        uint64_t slot = frames[i].slot;
        uintptr_t cfa = outer->sp, saved = cfa - slot;

        if (frames[i].flags & SPINE_REALIGNED) {
            if (!add_word(entry, &count, sp, frames[i].bp - slot))
                return 0;
            saved = frames[i].bp;
            slot = 0;
        }
        if (!add_word(entry, &count, sp, cfa - ARCH_RETURN_SLOT(slot)))
            return 0;
        if ((frames[i].flags & SPINE_CHECKS_SLOT) &&
            !add_word(entry, &count, sp, saved))
            return 0;
    }
    return count;
}

/* Moves the first `count` words to the end. */
static void align_words(struct memo_entry *entry, uint32_t count)
{
    for (uint32_t to = MEMO_WORDS; count > 0;)
        entry->words[--to] = entry->words[--count];
}

static bool may_take(struct memo *memo, uint32_t slot, uint32_t callsite)
{
    bool again = memo->missed[slot] == callsite;

    memo->missed[slot] = callsite;
    memo->misses++;
    return again || memo->misses % MEMO_PATIENCE == 0;
}

void memo_learn(struct memo *memo, uint64_t hash, const struct spine *spine,
                uint32_t labels, uint32_t callsite, struct segment_row *row)
{
    uint32_t slot = memo_slot(hash), other = memo_other(slot), count;
    const struct spine_frame *leaf = &spine->frames[spine->count - 1];
    struct memo_entry *entry;

    if (memo->entries[slot].hash) {
        if (memo->entries[other].hash && !may_take(memo, slot, callsite))
            return;
        /* The two in turn. */
        if (!memo->entries[other].hash || memo->misses / MEMO_PATIENCE % 2)
            slot = other;
    }
    entry = &memo->entries[slot];
    entry->hash = 0;
    COMPILER_BARRIER();
    count = add_words(entry, spine);
    if (count == 0)
        return;
    align_words(entry, count);
    entry->count = (uint16_t)count;
    entry->bp = leaf->bp;
    entry->labels =
        (uint16_t)(leaf->flags & SPINE_DEMANDS_BP ? labels | MEMO_DEMANDS_BP
                                                  : labels);
    entry->callsite = callsite;
    entry->row = row;
    COMPILER_BARRIER();
    entry->hash = hash;
}

void memo_clear(struct memo *memo)
{
    for (uint32_t i = 0; i < MEMO_ENTRIES; i++)
        memo->entries[i].hash = memo->missed[i] = 0;
}
