/* SPDX-License-Identifier: MIT */
/* real_thread.c - see real_thread.h. */
#include "real_thread.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "real.h"

#define FIRST(name, parameters, arguments)                                     \
    static int first_##name parameters                                         \
    {                                                                          \
        real_thread_resolve();                                                 \
        return real_thread.name arguments;                                     \
    }
REAL_THREAD_FUNCTIONS(FIRST)

#define INITIAL(name, parameters, arguments) .name = first_##name,
struct real_thread real_thread = {REAL_THREAD_FUNCTIONS(INITIAL)};

const struct real_thread_field *real_thread_tid;

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
#define FUNCTION(name, parameters, arguments)                                  \
    {#name, offsetof(struct real_thread, name)},
    REAL_THREAD_FUNCTIONS(FUNCTION)
#undef FUNCTION
};

void real_thread_resolve(void)
{
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        void *function = real_find(RTLD_NEXT, functions[i].name);

        memcpy((char *)&real_thread + functions[i].offset, &function,
               sizeof(function));
    }
    real_thread_tid = real_find(RTLD_NEXT, "_thread_db_pthread_tid");
}
