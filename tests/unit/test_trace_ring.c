/* SPDX-License-Identifier: MIT */
/*
 * test_trace_ring.c - taking moments out of a ring: all that are whole, each
 * once, none that may be torn, whatever the file says. The writer is one by
 * segment.h alone, and may race with the reader. Read next:
 * tools/trace_ring.h.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "segment.h"
#include "segment_build.h"
#include "trace_ring.h"

#define FIRST_EXTENT 5u /* in the file: the ring's need not be the first */

struct file {
    int fd;
    uint8_t *bytes;
    struct segment_header *header;
    uint64_t *table;
};

static void file_open(struct file *file)
{
    file->fd = memfd_create("ring", MFD_CLOEXEC);
    assert_true(file->fd >= 0);
    assert_int_equal(ftruncate(file->fd, SEGMENT_BUILD_SIZE), 0);
    file->bytes = mmap(NULL, SEGMENT_BUILD_SIZE, PROT_READ | PROT_WRITE,
                       MAP_SHARED, file->fd, 0);
    assert_ptr_not_equal(file->bytes, MAP_FAILED);
    file->header = (void *)file->bytes;
    file->table = (void *)(file->bytes + SEGMENT_EXTENT_TABLE_OFFSET);
    for (uint32_t i = 0; i < SEGMENT_MOMENT_EXTENTS; i++)
        file->table[FIRST_EXTENT + i] = SEGMENT_EXTENT_WORD(
            SEGMENT_EXTENT_MOMENTS, 0, i * SEGMENT_MOMENTS_PER_EXTENT);
}

static void file_close(struct file *file)
{
    munmap(file->bytes, SEGMENT_BUILD_SIZE);
    close(file->fd);
}

static struct segment_moment *element(struct file *file, uint64_t number)
{
    uint8_t *ring = file->bytes + SEGMENT_EXTENTS_OFFSET +
                    FIRST_EXTENT * SEGMENT_EXTENT_SIZE;
    struct segment_moment *moments = (void *)ring;

    return &moments[number % SEGMENT_MOMENTS];
}

/* Of no kind that may be left out. */
static uint32_t thread_of(uint64_t number)
{
    return SEGMENT_MOMENT_THREAD(SEGMENT_EVENT_CPU, (uint32_t)number * 13u);
}

/* As a thread does that nobody delays. What is in it follows from its number.
 */
static void write_moment(struct file *file, uint64_t number)
{
    struct segment_moment *moment = element(file, number);

    __atomic_store_n(&moment->state, SEGMENT_MOMENT_WRITING(number),
                     __ATOMIC_SEQ_CST);
    __atomic_store_n(&moment->end_ns, number, __ATOMIC_RELAXED);
    __atomic_store_n(&moment->delay_ns, ~number, __ATOMIC_RELAXED);
    __atomic_store_n(&moment->callsite, (uint32_t)number * 7u,
                     __ATOMIC_RELAXED);
    __atomic_store_n(&moment->thread, thread_of(number), __ATOMIC_RELAXED);
    __atomic_store_n(&moment->state, SEGMENT_MOMENT_COMPLETE(number),
                     __ATOMIC_RELEASE);
}

static void write_next(struct file *file)
{
    write_moment(file, __atomic_fetch_add(&file->header->trace.moments, 1,
                                          __ATOMIC_SEQ_CST));
}

/* Each is whole, and there once. */
static void check(struct trace_moments moments, uint64_t first, uint64_t end)
{
    bool *seen = calloc(end - first + 1, sizeof(*seen));

    assert_non_null(seen);
    for (size_t i = 0; i < moments.count; i++) {
        const struct segment_moment *moment = &moments.list[i];
        uint64_t number = moment->end_ns;

        assert_in_range(number, first, end - 1);
        assert_false(seen[number - first]);
        seen[number - first] = true;
        assert_int_equal(moment->delay_ns, ~number);
        assert_int_equal(moment->callsite, (uint32_t)number * 7u);
        assert_int_equal(moment->thread, thread_of(number));
    }
    free(seen);
    assert_int_equal(moments.count + moments.lost, end - first);
}

static void test_takes_each_once(void **state)
{
    struct trace_ring *ring;
    struct file file;

    (void)state;
    file_open(&file);
    for (int i = 0; i < 100; i++)
        write_next(&file); /* of a trace before this one */
    assert_int_equal(trace_ring_open(file.fd, &ring), 0);
    for (int turn = 0; turn < 200; turn++) {
        for (int i = 0; i < 997; i++)
            write_next(&file);
        assert_int_equal(trace_ring_drain(ring), 0);
        assert_int_equal(trace_ring_drain(ring), 0);
    }
    assert_int_equal(trace_ring_moments(ring).count, 200 * 997);
    check(trace_ring_moments(ring), 100, 100 + 200 * 997);
    trace_ring_close(ring);
    file_close(&file);
}

static void test_overwritten_ones_are_lost(void **state)
{
    struct trace_ring *ring;
    struct file file;

    (void)state;
    file_open(&file);
    assert_int_equal(trace_ring_open(file.fd, &ring), 0);
    for (uint32_t i = 0; i < 2 * SEGMENT_MOMENTS + 11; i++)
        write_next(&file);
    assert_int_equal(trace_ring_drain(ring), 0);
    assert_int_equal(trace_ring_moments(ring).count, SEGMENT_MOMENTS);
    assert_int_equal(trace_ring_moments(ring).lost, SEGMENT_MOMENTS + 11);
    check(trace_ring_moments(ring), 0, 2 * SEGMENT_MOMENTS + 11);
    trace_ring_close(ring);
    file_close(&file);
}

/* What is being written is taken when it is done; what somebody may have begun
 * to overwrite is not taken at all. */
static void test_unfinished_ones(void **state)
{
    struct trace_ring *ring;
    struct file file;

    (void)state;
    file_open(&file);
    assert_int_equal(trace_ring_open(file.fd, &ring), 0);
    file.header->trace.moments = 3;
    write_moment(&file, 0);
    element(&file, 1)->state = SEGMENT_MOMENT_WRITING(1);
    write_moment(&file, 2);
    assert_int_equal(trace_ring_drain(ring), 0);
    assert_int_equal(trace_ring_moments(ring).count, 2);
    assert_int_equal(trace_ring_moments(ring).lost, 1);
    write_moment(&file, 1);
    assert_int_equal(trace_ring_drain(ring), 0);
    check(trace_ring_moments(ring), 0, 3);
    assert_int_equal(trace_ring_moments(ring).lost, 0);

    write_moment(&file, 3);
    file.header->trace.moments = 3 + SEGMENT_MOMENTS + 1;
    assert_int_equal(trace_ring_drain(ring), 0);
    assert_int_equal(trace_ring_moments(ring).count, 3);
    file.header->trace.moments = 3 + SEGMENT_MOMENTS;
    assert_int_equal(trace_ring_drain(ring), 0);
    assert_int_equal(trace_ring_moments(ring).count, 4);
    trace_ring_close(ring);
    file_close(&file);
}

/* Writes a moment with this delay. */
static void write_wait(struct file *file, enum segment_event event,
                       uint64_t delay_ns)
{
    uint64_t number = file->header->trace.moments;

    write_next(file);
    element(file, number)->delay_ns = delay_ns;
    element(file, number)->thread = SEGMENT_MOMENT_THREAD(event, 1);
}

static void test_no_more_than_the_limit(void **state)
{
    struct trace_ring *ring;
    struct file file;

    (void)state;
    file_open(&file);
    assert_int_equal(trace_ring_open(file.fd, &ring), 0);
    for (uint32_t i = 1; i <= TRACE_MOMENTS_MAX + 1000; i++) {
        write_wait(&file, SEGMENT_EVENT_CPU, 1);
        if (i % 20000 == 0)
            assert_int_equal(trace_ring_drain(ring), 0);
    }
    assert_int_equal(trace_ring_drain(ring), 0);
    assert_int_equal(trace_ring_moments(ring).count, TRACE_MOMENTS_MAX);
    assert_int_equal(trace_ring_moments(ring).lost, 1000);
    assert_int_equal(trace_ring_moments(ring).shorts, 0);
    trace_ring_close(ring);
    file_close(&file);
}

/* Of many waits the longest stay, all of them, and with them what is none. */
static void test_short_waits_are_left_out(void **state)
{
    struct trace_moments moments;
    struct trace_ring *ring;
    struct file file;
    uint64_t longer = 0, others = 0;

    (void)state;
    file_open(&file);
    file.header->trace.shorts = 17; /* of a trace before this one */
    assert_int_equal(trace_ring_open(file.fd, &ring), 0);
    for (uint32_t i = 1; i <= 3 * TRACE_MOMENTS_MAX; i++) {
        write_wait(&file,
                   i % 100 == 0 ? SEGMENT_EVENT_CPU
                   : i % 2      ? SEGMENT_EVENT_BLOCK
                                : SEGMENT_EVENT_MUTEX,
                   i % 100 == 0 ? 0 : i * UINT64_C(2654435761) % 1000003);
        if (i % 20000 == 0)
            assert_int_equal(trace_ring_drain(ring), 0);
    }
    file.header->trace.shorts += 19; /* that the shim left out */
    assert_int_equal(trace_ring_drain(ring), 0);
    moments = trace_ring_moments(ring);
    for (size_t i = 0; i < moments.count; i++)
        if (SEGMENT_MOMENT_EVENT(moments.list[i].thread) == SEGMENT_EVENT_CPU)
            others++;
        else
            assert_true(moments.list[i].delay_ns >= moments.short_ns);
    for (uint32_t i = 1; i <= 3 * TRACE_MOMENTS_MAX; i++)
        longer += i % 100 != 0 &&
                  i * UINT64_C(2654435761) % 1000003 >= moments.short_ns;
    assert_int_equal(others, 3 * TRACE_MOMENTS_MAX / 100);
    assert_int_equal(moments.count, longer + others);
    assert_int_equal(moments.shorts - 19 + moments.count,
                     3 * TRACE_MOMENTS_MAX);
    assert_int_equal(moments.lost, 0);
    assert_true(moments.count > TRACE_MOMENTS_MAX / 8);
    trace_ring_close(ring);
    file_close(&file);
}

/* More than are taken out, and so fewer are asked for. */
static void test_an_outrun_reader_wants_less(void **state)
{
    struct trace_ring *ring;
    struct file file;

    (void)state;
    file_open(&file);
    assert_int_equal(trace_ring_open(file.fd, &ring), 0);
    for (uint32_t i = 1; i <= SEGMENT_MOMENTS + 10; i++)
        write_wait(&file, SEGMENT_EVENT_BLOCK, i);
    assert_int_equal(trace_ring_drain(ring),
                     0); /* one may be at work for long */
    assert_int_equal(trace_ring_moments(ring).short_ns, 0);
    for (uint32_t i = 1; i <= 2 * SEGMENT_MOMENTS; i++)
        write_wait(&file, SEGMENT_EVENT_BLOCK, i);
    assert_int_equal(trace_ring_drain(ring), 0);
    assert_in_range(trace_ring_moments(ring).short_ns, SEGMENT_MOMENTS / 2,
                    2 * SEGMENT_MOMENTS);
    trace_ring_close(ring);
    file_close(&file);
}

/* Any words at all: no crash, and never more than the ring has room for. */
static void test_hostile_words(void **state)
{
    struct trace_ring *ring;
    struct file file;
    uint64_t random = 88172645463325252u;

    (void)state;
    for (int round = 0; round < 50; round++) {
        file_open(&file);
        assert_int_equal(trace_ring_open(file.fd, &ring), 0);
        for (int drain = 1; drain <= 3; drain++) {
            uint64_t *words = (void *)(file.bytes + SEGMENT_EXTENTS_OFFSET +
                                       FIRST_EXTENT * SEGMENT_EXTENT_SIZE);

            for (uint32_t i = 0; i < SEGMENT_MOMENTS * 4; i += 3) {
                random ^= random << 13, random ^= random >> 7,
                    random ^= random << 17;
                words[i] = round % 2 ? random : random % (8 * SEGMENT_MOMENTS);
            }
            for (uint32_t i = 0; i < 64; i++) {
                random ^= random << 13, random ^= random >> 7,
                    random ^= random << 17;
                file.table[random % 30] ^= random;
            }
            file.header->trace.moments =
                round % 3 ? random : random % (4 * SEGMENT_MOMENTS);
            (void)trace_ring_drain(ring);
            assert_in_range(trace_ring_moments(ring).count, 0,
                            (uint64_t)drain * SEGMENT_MOMENTS);
        }
        trace_ring_close(ring);
        file_close(&file);
    }
}

/* A file that is cut while it is read. */
static void test_short_files(void **state)
{
    struct trace_ring *ring;
    struct file file;

    (void)state;
    file_open(&file);
    assert_int_equal(ftruncate(file.fd, 64), 0);
    assert_int_equal(trace_ring_open(file.fd, &ring), -EIO);
    assert_null(ring);
    assert_int_equal(ftruncate(file.fd, SEGMENT_BUILD_SIZE), 0);
    assert_int_equal(trace_ring_open(file.fd, &ring), 0);
    assert_int_equal(ftruncate(file.fd, 100), 0);
    assert_int_equal(trace_ring_drain(ring), -EIO);
    assert_int_equal(ftruncate(file.fd, SEGMENT_EXTENTS_OFFSET), 0);
    file.table[0] = SEGMENT_EXTENT_WORD(SEGMENT_EXTENT_MOMENTS, 0, 0);
    assert_int_equal(trace_ring_drain(ring), -EIO);
    assert_int_equal(trace_ring_moments(ring).count, 0);
    trace_ring_close(ring);
    file_close(&file);
}

/* ---- a writer at the same time ------------------------------------------ */

static atomic_bool stopping;

static void *write_on(void *data)
{
    while (!stopping)
        write_next(data);
    return NULL;
}

static void test_races_with_a_writer(void **state)
{
    struct trace_ring *ring;
    struct file file;
    pthread_t writer;

    (void)state;
    file_open(&file);
    assert_int_equal(trace_ring_open(file.fd, &ring), 0);
    stopping = false;
    assert_int_equal(pthread_create(&writer, NULL, write_on, &file), 0);
    for (int i = 0;
         i < 300 && trace_ring_moments(ring).count < TRACE_MOMENTS_MAX; i++)
        assert_int_equal(trace_ring_drain(ring), 0);
    stopping = true;
    pthread_join(writer, NULL);
    assert_int_equal(trace_ring_drain(ring), 0);
    assert_true(trace_ring_moments(ring).count > 1000);
    check(trace_ring_moments(ring), 0, file.header->trace.moments);
    trace_ring_close(ring);
    file_close(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_each_once),
        cmocka_unit_test(test_overwritten_ones_are_lost),
        cmocka_unit_test(test_unfinished_ones),
        cmocka_unit_test(test_no_more_than_the_limit),
        cmocka_unit_test(test_short_waits_are_left_out),
        cmocka_unit_test(test_an_outrun_reader_wants_less),
        cmocka_unit_test(test_hostile_words),
        cmocka_unit_test(test_short_files),
        cmocka_unit_test(test_races_with_a_writer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
