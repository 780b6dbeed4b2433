/* SPDX-License-Identifier: MIT */
/* doze.c - allocates 31 blocks of 1009 bytes, says so, and waits for a signal;
 * a SIGTERM ends it with status 7, after freeing nothing. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void end(int number)
{
    (void)number;
    _exit(7);
}

int main(void)
{
    for (int i = 0; i < 31; i++) {
        void *volatile block = malloc(1009);
        (void)block;
    }
    signal(SIGTERM, end);
    if (write(1, "ready\n", 6) != 6)
        return 1;
    for (;;)
        pause();
}
