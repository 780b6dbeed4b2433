/* SPDX-License-Identifier: MIT */
/* program.c - see program.h. */
#include "program.h"

#include <string.h>
#include <sys/auxv.h>

#include "options.h"
#include "os.h"
#include "text.h"

/* What execve() was given, as the kernel keeps it. */
static const char *started_by(void)
{
    const char *name = (const char *)getauxval(AT_EXECFN);

    return name ? name : "";
}

void program_executable(char *buffer, size_t size)
{
    long length = os_read_link("/proc/self/exe", buffer, size - 1);
    struct text text;

    if (length > 0) {
        buffer[length] = '\0';
        return;
    }
    text = text_in(buffer, size);
    text_string(&text, started_by());
}

bool program_is_named(const char *name)
{
    static char executable[OPTIONS_PATH_MAX]; /* of a birth: one at a time */

    if (strcmp(text_base_name(started_by()), name) == 0)
        return true;
    program_executable(executable, sizeof(executable));
    return strcmp(text_base_name(executable), name) == 0;
}
