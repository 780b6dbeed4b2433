/* SPDX-License-Identifier: MIT */
/*
 * bignum.c - factoring with numbers on the heap, in the manner of cfrac.
 *
 * Every result of an operation is a new block of less than 32 bytes, made by
 * one wrapper and dropped soon after, while a table of some 7 000 small
 * numbers (primes and their squares) stays alive: malloc and free in pairs,
 * seven to ten frames deep. The method is trial division by the table, then
 * Pollard's rho. Prints the factors, nanoseconds of CPU a malloc/free pair,
 * the live blocks and the mean depth. Usage: bignum [ROUNDS]
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"

#define PRIMES     3500
#define DIGITS_MAX 12

/* A natural number: 16-bit digits, least first, no leading zeros. */
struct number {
    uint16_t count, room;
    uint16_t digits[];
};

static uint64_t pairs;     /* numbers dropped */
static uint64_t live;      /* numbers alive */
static uint64_t depth_sum; /* frames between main and malloc, inclusive */
static int depth;

/* Frames are counted by hand: no unwinder in a benchmark of unwinders. */
#define ENTER() (depth++)
#define LEAVE() (depth--)

static __attribute__((noinline)) void *obtain(size_t size)
{
    void *block = malloc(size);

    if (!block)
        abort();
    live++;
    depth_sum += (uint64_t)depth + 2; /* number_new and obtain */
    return block;
}

static __attribute__((noinline)) struct number *number_new(unsigned room)
{
    struct number *n = obtain(sizeof(*n) + room * sizeof(uint16_t));

    n->count = 0;
    n->room = (uint16_t)room;
    return n;
}

static __attribute__((noinline)) void number_drop(struct number *n)
{
    live--;
    pairs++;
    free(n);
}

static void trim(struct number *n)
{
    while (n->count > 0 && n->digits[n->count - 1] == 0)
        n->count--;
}

static __attribute__((noinline)) struct number *number_from(uint64_t value)
{
    struct number *n;

    ENTER();
    n = number_new(4);
    for (; value; value >>= 16)
        n->digits[n->count++] = (uint16_t)value;
    LEAVE();
    return n;
}

static int compare(const struct number *a, const struct number *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (int i = a->count - 1; i >= 0; i--)
        if (a->digits[i] != b->digits[i])
            return a->digits[i] < b->digits[i] ? -1 : 1;
    return 0;
}

static __attribute__((noinline)) struct number *
number_multiply(const struct number *a, const struct number *b)
{
    struct number *n;

    ENTER();
    n = number_new(a->count + b->count + 1u);
    n->count = (uint16_t)(a->count + b->count);
    memset(n->digits, 0, n->count * sizeof(uint16_t));
    for (unsigned i = 0; i < a->count; i++) {
        uint32_t carry = 0;

        for (unsigned j = 0; j < b->count; j++) {
            carry += n->digits[i + j] + (uint32_t)a->digits[i] * b->digits[j];
            n->digits[i + j] = (uint16_t)carry;
            carry >>= 16;
        }
        n->digits[i + b->count] = (uint16_t)carry;
    }
    trim(n);
    LEAVE();
    return n;
}

static __attribute__((noinline)) struct number *
number_add(const struct number *a, unsigned small)
{
    struct number *n;
    uint32_t carry = small;

    ENTER();
    n = number_new(a->count + 1u);
    for (unsigned i = 0; i < a->count; i++) {
        carry += a->digits[i];
        n->digits[n->count++] = (uint16_t)carry;
        carry >>= 16;
    }
    if (carry)
        n->digits[n->count++] = (uint16_t)carry;
    LEAVE();
    return n;
}

/* |a - b| */
static __attribute__((noinline)) struct number *
number_distance(const struct number *a, const struct number *b)
{
    struct number *n;
    int32_t borrow = 0;

    ENTER();
    if (compare(a, b) < 0) {
        const struct number *swap = a;
        a = b;
        b = swap;
    }
    n = number_new(a->count + 1u);
    for (unsigned i = 0; i < a->count; i++) {
        borrow += a->digits[i] - (i < b->count ? b->digits[i] : 0);
        n->digits[n->count++] = (uint16_t)borrow;
        borrow >>= 16;
    }
    trim(n);
    LEAVE();
    return n;
}

/* a mod b and, if asked for, a / b; schoolbook long division in base 2^16. */
static __attribute__((noinline)) struct number *
number_divide(const struct number *a, const struct number *b,
              struct number **quotient)
{
    uint32_t rest[DIGITS_MAX + 1] = {0};
    struct number *n;
    unsigned shift = 0;

    ENTER();
    if (quotient) {
        *quotient = number_new(a->count + 1u);
        (*quotient)->count = a->count;
    }
    while (!((uint32_t)b->digits[b->count - 1] << shift & 0x8000))
        shift++;
    for (unsigned i = 0; i < a->count; i++) {
        rest[i] |= (uint32_t)a->digits[i] << shift & 0xffff;
        rest[i + 1] = (uint32_t)a->digits[i] >> (16 - shift);
    }
    for (int i = a->count - b->count; i >= 0; i--) {
        unsigned top = (unsigned)i + b->count;
        uint32_t head = rest[top] << 16 | rest[top - 1];
        uint32_t lead = (uint32_t)b->digits[b->count - 1] << shift |
                        (b->count > 1 && shift
                             ? (uint32_t)b->digits[b->count - 2] >> (16 - shift)
                             : 0);
        uint32_t guess = head / (lead & 0xffff);
        int64_t borrow;

        if (guess > 0xffff)
            guess = 0xffff;
        for (;; guess--) { /* at most two too large */
            uint32_t saved[DIGITS_MAX + 1];

            memcpy(saved, rest, sizeof(saved));
            borrow = 0;
            for (unsigned j = 0; j <= b->count; j++) {
                uint64_t digit =
                    (j < b->count ? (uint64_t)b->digits[j] << shift & 0xffff
                                  : 0) |
                    (j > 0 && shift ? (uint64_t)b->digits[j - 1] >> (16 - shift)
                                    : 0);
                borrow += (int64_t)rest[(unsigned)i + j] -
                          (int64_t)(digit * guess & 0xffff);
                rest[(unsigned)i + j] = (uint32_t)(borrow & 0xffff);
                borrow >>= 16;
                borrow -= (int64_t)(digit * guess >> 16);
            }
            if (borrow >= 0)
                break;
            memcpy(rest, saved, sizeof(saved));
        }
        if (quotient)
            (*quotient)->digits[i] = (uint16_t)guess;
    }
    if (quotient) {
        for (int i = a->count - b->count + 1; i < a->count; i++)
            (*quotient)->digits[i > 0 ? i : 0] = 0;
        trim(*quotient);
    }
    n = number_new(b->count + 1u);
    for (unsigned i = 0; i < b->count; i++)
        n->digits[n->count++] =
            (uint16_t)(rest[i] >> shift | rest[i + 1] << (16 - shift));
    trim(n);
    LEAVE();
    return n;
}

/* (a * a + c) mod n: the step of the rho method. */
static __attribute__((noinline)) struct number *
rho_step(struct number *a, unsigned c, const struct number *n)
{
    struct number *square, *sum, *rest;

    ENTER();
    square = number_multiply(a, a);
    sum = number_add(square, c);
    number_drop(square);
    rest = number_divide(sum, n, NULL);
    number_drop(sum);
    number_drop(a);
    LEAVE();
    return rest;
}

static __attribute__((noinline)) struct number *
common_divisor(const struct number *a, const struct number *b)
{
    struct number *x = number_add(a, 0), *y = number_add(b, 0);

    ENTER();
    while (y->count > 0) {
        struct number *rest = number_divide(x, y, NULL);

        number_drop(x);
        x = y;
        y = rest;
    }
    number_drop(y);
    LEAVE();
    return x;
}

/* A proper divisor of n by Pollard's rho, or NULL. */
static __attribute__((noinline)) struct number *rho(const struct number *n,
                                                    unsigned c)
{
    struct number *slow = number_from(2), *fast = number_from(2);
    struct number *product = number_from(1), *found = NULL;

    ENTER();
    for (long i = 1; !found; i++) {
        struct number *distance, *next;

        slow = rho_step(slow, c, n);
        fast = rho_step(rho_step(fast, c, n), c, n);
        distance = number_distance(slow, fast);
        if (distance->count == 0) {
            number_drop(distance);
            break;
        }
        next = number_multiply(product, distance);
        number_drop(product);
        number_drop(distance);
        product = number_divide(next, n, NULL);
        number_drop(next);
        if (i % 64 == 0) {
            struct number *divisor = common_divisor(product, n);

            if (divisor->count > 1 && compare(divisor, n) < 0)
                found = divisor;
            else
                number_drop(divisor);
        }
    }
    number_drop(slow);
    number_drop(fast);
    number_drop(product);
    LEAVE();
    return found;
}

static struct number *primes[PRIMES], *squares[PRIMES];

static void fill_table(void)
{
    int count = 0;

    for (unsigned candidate = 2; count < PRIMES; candidate++) {
        unsigned d = 2;

        while (d * d <= candidate && candidate % d)
            d++;
        if (d * d > candidate) {
            primes[count] = number_from(candidate);
            squares[count] = number_multiply(primes[count], primes[count]);
            count++;
        }
    }
}

/* Whether a prime of the table divides n. */
static __attribute__((noinline)) int divides_table(const struct number *n)
{
    int found = 0;

    ENTER();
    for (int i = 0; i < PRIMES && compare(squares[i], n) <= 0; i++) {
        struct number *quotient;
        struct number *rest = number_divide(n, primes[i], &quotient);

        found |= rest->count == 0;
        number_drop(rest);
        number_drop(quotient);
    }
    LEAVE();
    return found;
}

static void print(const struct number *n)
{
    uint64_t value = 0;

    for (int i = n->count - 1; i >= 0; i--)
        value = value << 16 | n->digits[i];
    printf("%llu", (unsigned long long)value);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 20;
    struct number *p = number_from(4294967291u), *q = number_from(4294967279u);
    struct number *n = number_multiply(p, q);
    struct number *factor = NULL;
    double start;

    depth = 1; /* main */
    fill_table();
    pairs = 0;
    depth_sum = 0;
    start = cpu_seconds();
    for (int i = 0; i < rounds; i++) {
        if (factor)
            number_drop(factor);
        if (divides_table(n) || !(factor = rho(n, 1 + (unsigned)i % 7))) {
            fprintf(stderr, "bignum: wrong result in round %d\n", i);
            return 1;
        }
    }
    start = cpu_seconds() - start;
    print(factor);
    /* Below main are three frames of the C library. */
    printf(" is a factor; %.2f ns a pair, %llu pairs, %llu live, depth %.1f\n",
           start * 1e9 / (double)pairs, (unsigned long long)pairs,
           (unsigned long long)live, 3 + (double)depth_sum / (double)pairs);
    return 0;
}
