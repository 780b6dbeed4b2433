/* SPDX-License-Identifier: MIT */
/* hello.h - the text at /: what there is. */
#ifndef PREPROF_HELLO_H
#define PREPROF_HELLO_H

#include "reply.h"
#include "site.h"

void hello_reply(struct reply *reply, const struct site *site);

#endif
