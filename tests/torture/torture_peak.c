/* SPDX-License-Identifier: MIT */
/*
 * Threads rise together to a height that is known, each round higher, and fall
 * together, while signal handlers allocate and free in the same rows; some
 * threads share a shard. After each round the saved values add up to that
 * height within the bound of segment.h. Nobody waits for anybody: a row that
 * was saved twice, too late or half would be off by all of a round.
 */
#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include "own_life.h"
#include "shard_count.h"
#include "torture.h"

#define CALLSITES    5000u
#define ROUNDS       12
#define BLOCKS       400 /* more a round */
#define BLOCK_SIZE   1013
#define HANDLER_SIZE 64
#define MANY         (SEGMENT_SHARDS_MAX + 6)

static __thread struct shard *own;
static int threads;
static pthread_barrier_t together;
static uint64_t handled;

/* Half of the blocks where the handlers have theirs. */
static uint32_t callsite_of(int thread, int block)
{
    return block % 2
               ? SEGMENT_SINK_COUNT
               : SEGMENT_SINK_COUNT + (uint32_t)(thread * 7 + block) %
                                          (CALLSITES - SEGMENT_SINK_COUNT);
}

static void on_alarm(int number)
{
    (void)number;
    for (int i = 0; i < 10; i++) {
        shard_count_alloc(own, SEGMENT_SINK_COUNT, HANDLER_SIZE);
        shard_count_free(own, SEGMENT_SINK_COUNT, HANDLER_SIZE);
    }
    __atomic_fetch_add(&handled, 10, __ATOMIC_RELAXED);
}

static void alarms(int how)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    pthread_sigmask(how, &set, NULL);
}

/* What the rows of an extent had, of which `first` is the first. */
static void add_peaks(struct segment_peak *sum, uint32_t shard, uint32_t first)
{
    const struct segment_row *rows =
        own_life_element(SEGMENT_EXTENT_COUNTERS, shard, first,
                         SEGMENT_ROWS_PER_EXTENT, sizeof(*rows));
    const struct segment_peak *peaks =
        own_life_element(SEGMENT_EXTENT_PEAKS, shard, first,
                         SEGMENT_PEAKS_PER_EXTENT, sizeof(*peaks));

    for (uint32_t i = first == 0; rows && i < SEGMENT_ROWS_PER_EXTENT; i++) {
        const struct segment_row *row = &rows[i];

        if (SEGMENT_EPOCH(row->alloc_objects) == life->header->peak_epoch) {
            sum->objects += peaks[i].objects;
            sum->space += peaks[i].space;
        } else {
            sum->objects +=
                SEGMENT_OBJECTS(row->alloc_objects) - row->free_objects;
            sum->space += row->alloc_space - row->free_space;
        }
    }
}

static bool is_near(uint64_t value, int64_t wanted, int64_t below,
                    int64_t above)
{
    int64_t off = (int64_t)value - wanted;

    return off > -below && off < above;
}

/* By one thread, while the others wait with nothing in use. */
static void check(int round)
{
    int64_t objects = (int64_t)threads * round * BLOCKS;
    int64_t space = objects * BLOCK_SIZE;
    int64_t bound = SEGMENT_PEAK_BOUND(space, threads);
    /* What handlers had, or threads took and gave, at the very moment. */
    int64_t blur = threads * (BLOCK_SIZE + HANDLER_SIZE) * 2;
    struct segment_peak sum = {0, 0};
    char name[64];

    for (uint32_t shard = 0; shard < SEGMENT_SHARDS_MAX; shard++)
        for (uint32_t i = 0; i < CALLSITES; i += SEGMENT_ROWS_PER_EXTENT)
            add_peaks(&sum, shard, i);
    printf("# %ld blocks, found %+ld, in epoch %u\n", (long)objects,
           (long)(sum.objects - (uint64_t)objects), life->header->peak_epoch);
    snprintf(name, sizeof(name), "the peak of round %d in %d threads", round,
             threads);
    torture_ok(is_near(sum.space, space, bound + blur, blur) &&
                   is_near(sum.objects, objects,
                           (bound + blur) / BLOCK_SIZE + 4 * threads,
                           4 * threads),
               name);
}

static void rise_and_fall(int thread)
{
    own = shard_claim();
    alarms(SIG_UNBLOCK);
    for (int round = 1; round <= ROUNDS; round++) {
        for (int i = 0; i < round * BLOCKS; i++)
            shard_count_alloc(own, callsite_of(thread, i), BLOCK_SIZE);
        pthread_barrier_wait(&together);
        for (int i = 0; i < round * BLOCKS; i++)
            shard_count_free(own, callsite_of(thread, i), BLOCK_SIZE);
        alarms(SIG_BLOCK);
        pthread_barrier_wait(&together);
        if (thread == 0 && (round == 1 || round % 8 == 0 || round == ROUNDS))
            check(round);
        pthread_barrier_wait(&together);
        alarms(SIG_UNBLOCK);
    }
    alarms(SIG_BLOCK);
}

static void run(int number)
{
    struct shard *any;

    own_life_begin(SEGMENT_EXTENTS_MAX);
    if (shard_begin() != 0)
        abort();
    any = shard_claim(); /* wiped, as in a forked child */
    memset(any - any->index, 0, SEGMENT_SHARDS_MAX * sizeof(*any));
    own_life_begin(SEGMENT_EXTENTS_MAX);
    if (shard_begin() != 0)
        abort();
    for (uint32_t i = 0; i < CALLSITES; i++)
        if (!shard_prepare(i))
            abort();
    threads = number;
    pthread_barrier_init(&together, NULL, (unsigned)threads);
    torture_run(rise_and_fall, threads);
    pthread_barrier_destroy(&together);
}

int main(void)
{
    struct itimerval every = {{0, 300}, {0, 300}};

    alarms(SIG_BLOCK);
    signal(SIGALRM, on_alarm);
    setitimer(ITIMER_REAL, &every, NULL);
    run(1);
    run(TORTURE_THREADS);
    run(MANY);
    torture_ok(handled > 0, "handlers counted too");
    return torture_done();
}
