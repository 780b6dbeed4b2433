/* SPDX-License-Identifier: MIT */
/*
 * peaks.c - a program whose peak is known: what is in use at the end tells
 * nothing of it.
 *
 *   before()  211 blocks of 503 bytes, freed again
 *   high()    7919 blocks of 1009 bytes, on top of
 *   low()     3001 blocks of 67 bytes: the peak; then high()'s are freed
 *   after()   5003 blocks of 67 bytes, in place of high()'s
 *
 * All are freed in the end. "peaks fork": a child first does high() alone, and
 * the parent low() after it has ended. "peaks wait": prints its pid and waits
 * to be killed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

static void *blocks[5][7919];

static NOINLINE void before(void)
{
    for (int i = 0; i < 211; i++)
        blocks[0][i] = malloc(503);
}

static NOINLINE void high(void)
{
    for (int i = 0; i < 7919; i++)
        blocks[1][i] = malloc(1009);
}

static NOINLINE void low(void)
{
    for (int i = 0; i < 3001; i++)
        blocks[2][i] = malloc(67);
}

static NOINLINE void after(void)
{
    for (int i = 0; i < 5003; i++)
        blocks[3][i] = malloc(67);
}

static void free_all(int which)
{
    for (int i = 0; i < 7919; i++) {
        free(blocks[which][i]);
        blocks[which][i] = NULL;
    }
}

static void rise_and_fall(void)
{
    before();
    free_all(0);
    low();
    high();
    free_all(1);
    after();
    free_all(3);
    free_all(2);
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";

    if (strcmp(how, "fork") == 0) {
        pid_t child = fork();

        if (child == 0) {
            high();
            free_all(1);
            return 0;
        }
        waitpid(child, NULL, 0);
        low();
        free_all(2);
        return 0;
    }
    rise_and_fall();
    if (strcmp(how, "wait") == 0) {
        printf("%d\n", (int)getpid());
        fflush(stdout);
        pause();
    }
    return 0;
}
