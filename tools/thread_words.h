/* SPDX-License-Identifier: MIT */
/*
 * thread_words.h - what a thread does, in a word or two.
 *
 * From the kernel's view: "running", "futex wait", "epoll_wait", "disk sleep".
 * Read next: thread_read.h.
 */
#ifndef PREPROF_THREAD_WORDS_H
#define PREPROF_THREAD_WORDS_H

#include "thread_read.h"

#define THREAD_WORDS_SIZE 32

/* `call` is NULL when it could not be read. The words hold no ']' and no ','.*/
void thread_words(char state, const struct thread_syscall *call,
                  char words[THREAD_WORDS_SIZE]);

#endif
