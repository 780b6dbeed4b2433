/* SPDX-License-Identifier: MIT */
/* sample.c - see sample.h. */
#include "sample.h"

#include <errno.h>
#include <string.h>

#include "os.h"
#include "reserve.h"

struct pool {
    uint64_t free; /* tag << 32 | slot + 1 of the first free one, 0 none */
    uint32_t used; /* slots ever taken */
    uint32_t live;
    uint32_t most; /* that ever were live */
    struct sample samples[SAMPLE_SLOTS_MAX];
    uint8_t filter[1u << SAMPLE_FILTER_BITS_MAX];
};

static struct pool *pool;
struct sample_filter sample_filter = {
    .ones = SAMPLE_FILTER_ONES(SAMPLE_FILTER_BITS_MIN),
};

/* ---- the filter -------------------------------------------------------- */

static void filter_add(const void *block, uint8_t amount)
{
    for (uint32_t bits = SAMPLE_FILTER_BITS_MIN; bits <= SAMPLE_FILTER_BITS_MAX;
         bits += SAMPLE_FILTER_BITS_STEP) {
        uint8_t *count =
            &sample_filter
                 .end[sample_filter_index(block, SAMPLE_FILTER_ONES(bits))];
        /* A guess: what is read first costs a second fault (os_prefault). */
        uint8_t old = amount == 1 ? 0 : 1;

        while (old != UINT8_MAX &&
               !__atomic_compare_exchange_n(count, &old,
                                            (uint8_t)(old + amount), true,
                                            __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            ;
    }
}

/* From now on the size with these ones is asked. Its count for NULL never is 0,
 * so that free(NULL) need not be told apart before. */
static void filter_use(int64_t ones)
{
    sample_filter.end[sample_filter_index(NULL, ones)] = UINT8_MAX;
    __atomic_store_n(&sample_filter.ones, ones, __ATOMIC_RELEASE);
}

/* Every size is right at any time, so changing the size needs no order. One
 * with counts that may have reached their end is not asked again. */
static void filter_choose(uint32_t live)
{
    uint32_t most = __atomic_load_n(&pool->most, __ATOMIC_RELAXED);
    uint32_t bits = SAMPLE_FILTER_BITS_MIN;
    int64_t ones;

    while (bits < SAMPLE_FILTER_BITS_MAX &&
           (live > (1u << bits) / SAMPLE_FILTER_SPARSITY ||
            most > (1u << bits) * SAMPLE_FILTER_DENSITY))
        bits += SAMPLE_FILTER_BITS_STEP;
    ones = SAMPLE_FILTER_ONES(bits);
    if (live > most)
        __atomic_store_n(&pool->most, live, __ATOMIC_RELAXED);
    if (ones != __atomic_load_n(&sample_filter.ones, __ATOMIC_RELAXED))
        filter_use(ones);
}

bool sample_is_likely(const void *block)
{
    int64_t ones = __atomic_load_n(&sample_filter.ones, __ATOMIC_RELAXED);

    while (ones != SAMPLE_FILTER_ONES(SAMPLE_FILTER_BITS_MAX)) {
        ones *= 1 << SAMPLE_FILTER_BITS_STEP;
        if (!sample_is_counted(block, ones))
            return false;
    }
    return true;
}

/* ---- the pool ---------------------------------------------------------- */

static uint32_t pop_free(void)
{
    uint64_t head = __atomic_load_n(&pool->free, __ATOMIC_ACQUIRE);

    while ((uint32_t)head) {
        uint32_t slot = (uint32_t)head - 1;
        uint32_t next =
            __atomic_load_n(&pool->samples[slot].callsite, __ATOMIC_RELAXED);
        uint64_t tag = (head >> 32) + 1;

        /* If the slot was popped meanwhile, `next` is stale and the tag of the
         * head differs: the exchange fails. */
        if (__atomic_compare_exchange_n(&pool->free, &head, tag << 32 | next,
                                        true, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
            return slot;
    }
    return RESERVE_NONE;
}

int sample_begin(void)
{
    if (!pool)
        pool = os_map_wiped(sizeof(*pool));
    if (!pool)
        return -ENOMEM;
    sample_filter.end = pool->filter + (1u << SAMPLE_FILTER_BITS_MAX);
    filter_use(SAMPLE_FILTER_ONES(SAMPLE_FILTER_BITS_MIN));
    return 0;
}

uint32_t sample_keep(const void *block, const struct sample *sample)
{
    uint32_t slot = pop_free();

    if (slot == RESERVE_NONE)
        slot = reserve(&pool->used, 1, SAMPLE_SLOTS_MAX);
    if (slot == RESERVE_NONE)
        return slot;
    pool->samples[slot].space = sample->space;
    pool->samples[slot].objects = sample->objects;
    __atomic_store_n(&pool->samples[slot].callsite, sample->callsite,
                     __ATOMIC_RELAXED);
    filter_add(block, 1);
    filter_choose(__atomic_add_fetch(&pool->live, 1, __ATOMIC_RELAXED));
    return slot;
}

struct sample sample_release(const void *block, uint32_t slot)
{
    struct sample sample = pool->samples[slot];
    uint64_t head = __atomic_load_n(&pool->free, __ATOMIC_RELAXED);
    uint64_t next;

    do {
        __atomic_store_n(&pool->samples[slot].callsite, (uint32_t)head,
                         __ATOMIC_RELAXED);
        next = ((head >> 32) + 1) << 32 | (slot + 1);
    } while (!__atomic_compare_exchange_n(&pool->free, &head, next, true,
                                          __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    filter_add(block, UINT8_MAX); /* one less, modulo 2^8 */
    filter_choose(__atomic_sub_fetch(&pool->live, 1, __ATOMIC_RELAXED));
    return sample;
}

/* ---- numbers ----------------------------------------------------------- */

double sample_log(double u)
{
    uint64_t bits;
    int64_t exponent;
    double mantissa, s, square, power, sum = 0;

    memcpy(&bits, &u, sizeof(bits));
    exponent = (int64_t)(bits >> 52) - 1023;
    bits = (bits & 0x000fffffffffffffu) | 0x3ff0000000000000u;
    memcpy(&mantissa, &bits, sizeof(mantissa));
    if (mantissa > 1.4142135623730951) {
        mantissa /= 2;
        exponent++;
    }
    /* ln m = 2 artanh((m - 1) / (m + 1)); |s| < 0.172 */
    s = (mantissa - 1) / (mantissa + 1);
    square = s * s;
    power = s;
    for (int k = 1; k < 22; k += 2, power *= square)
        sum += power / k;
    return (double)exponent * 0.69314718055994531 + 2 * sum;
}

/* e^-x for 0 <= x < 1, without its leading 1: the Taylor series of 1 - e^-x. */
static double one_minus_exp_small(double x)
{
    double term = x, sum = 0;

    for (int k = 2; k < 22; k++) {
        sum += term;
        term *= -x / k;
    }
    return sum;
}

double sample_one_minus_exp(double x)
{
    double power = 1, rest;

    if (x < 1)
        return one_minus_exp_small(x);
    if (x > 40)
        return 1; /* e^-40 is below the last digit */
    rest = 1 - one_minus_exp_small(x - (double)(int)x);
    for (int k = (int)x; k > 0; k--)
        power *= 0.36787944117144233; /* e^-1 */
    return 1 - power * rest;
}

/* xorshift64*: one multiplication, full period, fine for this purpose. */
static uint64_t next_random(struct thread *thread)
{
    uint64_t x = thread->random ? thread->random : os_random() | 1;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    thread->random = x;
    return x * 0x2545f4914f6cdd1du;
}

/* Uniform in (0, 1]. */
static double next_uniform(struct thread *thread)
{
    return (double)((next_random(thread) >> 11) + 1) * 0x1p-53;
}

void sample_draw(struct thread *thread, uint64_t mean_bytes)
{
    double distance = -sample_log(next_uniform(thread)) * (double)mean_bytes;

    /* The tail of a huge mean must not overflow the countdown. */
    thread->countdown = distance < 0x1p62 ? (uint64_t)distance : INT64_MAX / 2;
}

uint32_t sample_weight(struct thread *thread, size_t size, uint64_t mean_bytes)
{
    double x = ((double)size + 1) / (double)mean_bytes;
    double weight = 1 / sample_one_minus_exp(x);
    uint32_t whole;

    if (weight >= (double)UINT32_MAX)
        return UINT32_MAX;
    whole = (uint32_t)weight;
    return whole + (next_uniform(thread) <= weight - whole ? 1 : 0);
}
