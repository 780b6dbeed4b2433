/* SPDX-License-Identifier: MIT */
/*
 * sym_c.c - C code whose symbols are hard: helpers inlined three deep and from
 * another file, loops that are unrolled and split, a cold path, a nested
 * function, names in a macro, code without DWARF. What it computes means
 * nothing. Read next: tests/cli/symbols.t.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sym_inline.h"

#define NOINLINE __attribute__((noinline))

struct matrix {
    size_t size;
    double cells[];
};

static inline double *cell(struct matrix *matrix, size_t row, size_t column)
{
    if (row >= matrix->size || column >= matrix->size)
        abort();
    return &matrix->cells[row * matrix->size + column];
}

static inline double product(struct matrix *a, struct matrix *b, size_t row,
                             size_t column)
{
    double sum = 0;
    for (size_t i = 0; i < a->size; i++)
        sum += *cell(a, row, i) * *cell(b, i, column);
    return sum;
}

static NOINLINE struct matrix *matrix_new(size_t size)
{
    struct matrix *matrix =
        calloc(1, sizeof(*matrix) + size * size * sizeof(double));
    if (matrix == NULL) {
        perror("calloc");
        exit(1);
    }
    matrix->size = size;
    return matrix;
}

NOINLINE struct matrix *matrix_product(struct matrix *a, struct matrix *b)
{
    struct matrix *result = matrix_new(a->size);
    for (size_t row = 0; row < a->size; row++)
        for (size_t column = 0; column < a->size; column++)
            *cell(result, row, column) = product(a, b, row, column);
    return result;
}

/* One function a line; each has its helpers inlined. */
#define SHUFFLE(name, seed)                                                    \
    NOINLINE unsigned shuffle_##name(unsigned *words, size_t count)            \
    {                                                                          \
        unsigned state = (seed);                                               \
        for (size_t i = count; i > 1; i--) {                                   \
            size_t other = inline_random(&state) % i;                          \
            unsigned word = words[i - 1];                                      \
            words[i - 1] = words[other];                                       \
            words[other] = word;                                               \
        }                                                                      \
        return inline_digest(words, count);                                    \
    }
SHUFFLE(first, 2)
SHUFFLE(second, 3)
SHUFFLE(third, 5)

static int compare_words(const void *a, const void *b)
{
    unsigned left = *(const unsigned *)a, right = *(const unsigned *)b;
    return left < right ? -1 : left > right;
}

NOINLINE unsigned sorted_digest(unsigned *words, size_t count)
{
#ifdef NESTED /* GNU C: a function whose DIE is inside of this one's */
    size_t calls = 0;
    int counted(const void *a, const void *b)
    {
        calls++;
        return compare_words(a, b);
    }
    qsort(words, count, sizeof(*words), counted);
    if (calls == 0)
        return 0;
#else
    qsort(words, count, sizeof(*words), compare_words);
#endif
    return inline_digest(words, count);
}

NOINLINE unsigned long parse(const char *text)
{
    unsigned long value = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (__builtin_expect(*at < '0' || *at > '9', 0)) {
            fprintf(stderr, "not a number: %s\n", text);
            for (const char *rest = at; *rest != '\0'; rest++)
                fprintf(stderr, "%02x ", (unsigned char)*rest);
            exit(2);
        }
        value = value * 10 + (unsigned long)(*at - '0');
    }
    return value;
}

/* No DWARF says what this is; the symbol has no size either. */
__asm__(".pushsection .text\n"
        ".globl bare_symbol\n"
        ".type bare_symbol, @function\n"
        "bare_symbol:\n"
        "    movl $17, %eax\n"
        "    nop\n"
        "    ret\n"
        ".popsection\n");
int bare_symbol(void);

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? parse(argv[1]) : 101;
    unsigned *words = calloc(count + 1, sizeof(*words));
    if (words == NULL)
        return 1;
    for (size_t i = 0; i < count; i++)
        words[i] = (unsigned)(i * i);
    unsigned digest = shuffle_first(words, count) ^
                      shuffle_second(words, count) ^
                      shuffle_third(words, count) ^ sorted_digest(words, count);
    struct matrix *a = matrix_new(13), *b = matrix_new(13);
    for (size_t i = 0; i < 13; i++)
        *cell(a, i, i) = *cell(b, i, 12 - i) = (double)i + 1;
    struct matrix *c = matrix_product(a, b);
    printf("%u %f %d\n", digest, *cell(c, 3, 9), bare_symbol());
    free(a);
    free(b);
    free(c);
    free(words);
    return 0;
}
