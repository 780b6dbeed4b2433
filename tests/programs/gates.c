/* SPDX-License-Identifier: MIT */
/*
 * gates.c - allocates when it is told to, so that a test can do something in
 * between. Each line of stdin is a command, answered by "done":
 *
 *   N      gate() allocates N blocks of 1009 bytes
 *   free   frees all of them
 *   fork   forks a child that allocates 7 blocks more and waits for its end
 *   crash  aborts
 *
 * Ends with its stdin, status 0.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCKS_MAX 100003

static void *blocks[BLOCKS_MAX];
static int count;

static __attribute__((noinline)) void gate(int number)
{
    while (number-- > 0 && count < BLOCKS_MAX)
        blocks[count++] = malloc(1009);
}

static void command(const char *line)
{
    if (strcmp(line, "free") == 0) {
        while (count > 0)
            free(blocks[--count]);
    } else if (strcmp(line, "fork") == 0) {
        if (fork() == 0) {
            gate(7);
            for (;;)
                pause();
        }
    } else if (strcmp(line, "crash") == 0) {
        abort();
    } else {
        gate(atoi(line));
    }
}

int main(void)
{
    char line[64];
    size_t length = 0;

    signal(SIGCHLD, SIG_IGN);
    while (length < sizeof(line) && read(0, line + length, 1) == 1) {
        if (line[length] != '\n') {
            length++;
            continue;
        }
        line[length] = '\0';
        length = 0;
        command(line);
        if (write(1, "done\n", 5) != 5)
            return 1;
    }
    return 0;
}
