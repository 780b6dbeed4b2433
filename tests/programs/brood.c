/* SPDX-License-Identifier: MIT */
/*
 * brood.c - over libraise.so: forks in a signal handler in the middle of
 * realloc, and goes on in the child. With an argument the child allocates in
 * the handler, too. Exits with status 0 when parent and child went well.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int allocates;
static volatile pid_t child = -1;

static void fork_here(int number)
{
    (void)number;
    child = _Fork();
    for (int i = 0; child == 0 && allocates && i < 100; i++) {
        void *volatile block = malloc(48);

        (void)block;
    }
}

int main(int argc, char **argv)
{
    struct sigaction action;
    void *volatile block = NULL;
    int status;

    (void)argv;
    allocates = argc > 1;
    for (int i = 0; i < 200; i++) {
        free(block);
        block = malloc(64);
    }
    memset(&action, 0, sizeof(action));
    action.sa_handler = fork_here;
    if (sigaction(SIGUSR1, &action, NULL) != 0)
        return 1;
    block = realloc(block, 128);
    free(block);
    if (child == 0)
        _exit(!block);
    return child < 0 || waitpid(child, &status, 0) != child || status != 0;
}
