/* SPDX-License-Identifier: MIT */
/*
 * Threads race for the same slots of one array: all get the same extent, no
 * two slots share one, and the table says where each is. Then for more than
 * there is room.
 */
#include <string.h>

#include "extent.h"
#include "own_life.h"
#include "torture.h"

#define SLOTS  300
#define ROUNDS 6

static void *slots[SLOTS];
static void *got[TORTURE_THREADS][SLOTS];

static void take_all(int thread)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        uint64_t *extent = extent_get(&slots[i], SEGMENT_EXTENT_NODES, 0, i);

        got[thread][i] = extent;
        if (extent)
            __atomic_fetch_add(extent, 1, __ATOMIC_RELAXED);
    }
}

static uint32_t entries_for(uint32_t slot)
{
    uint32_t entries = 0;

    for (uint32_t i = 0; i < life->header->extents_used; i++)
        if (life->table[i] ==
            SEGMENT_EXTENT_WORD(SEGMENT_EXTENT_NODES, 0, slot)) {
            char *extent = life->extents + (size_t)i * SEGMENT_EXTENT_SIZE;

            entries += extent == slots[slot] ? 1 : 100;
        }
    return entries;
}

static bool race(uint32_t room, uint32_t *filled)
{
    bool right = true;

    own_life_begin(room);
    memset(slots, 0, sizeof(slots));
    torture_run(take_all, TORTURE_THREADS);
    *filled = 0;
    for (uint32_t i = 0; i < SLOTS; i++) {
        uint64_t users = 0;

        for (int t = 0; t < TORTURE_THREADS; t++) {
            users += got[t][i] != NULL;
            right = right && (!got[t][i] || got[t][i] == slots[i]);
        }
        *filled += slots[i] != NULL;
        right = right && entries_for(i) == (slots[i] ? 1 : 0) &&
                (!slots[i] || *(uint64_t *)slots[i] == users);
    }
    return right;
}

int main(void)
{
    bool agreed = true, enough = true, full = true;
    uint32_t filled;

    for (int i = 0; i < ROUNDS; i++) {
        /* A race lost twice at once gives up an extent: leave room for it. */
        agreed = race(SLOTS + SLOTS / 4, &filled) && agreed;
        enough = enough && filled == SLOTS &&
                 life->header->losses[SEGMENT_LOSS_NO_ROOM] == 0;
        agreed = race(SLOTS / 4, &filled) && agreed;
        full = full && filled > 0 && filled <= SLOTS / 4 &&
               life->header->losses[SEGMENT_LOSS_NO_ROOM] > 0 &&
               life->header->extents_used <= SLOTS / 4;
    }
    torture_ok(agreed, "one extent a slot, one entry an extent");
    torture_ok(enough, "every slot filled where there is room");
    torture_ok(full, "a full segment refuses and counts it");
    return torture_done();
}
