/* SPDX-License-Identifier: MIT */
/*
 * option_error.h - one line about an option that getopt_long() refused.
 */
#ifndef PREPROF_OPTION_ERROR_H
#define PREPROF_OPTION_ERROR_H

/*
 * Says on stderr what is wrong with the option just refused and ends with
 * status 2. `result` is what getopt_long() returned ('?', or ':' for an option
 * without its value), `command` the subcommand of preprof. The option string
 * must begin with ':' (after a '+'), which keeps getopt_long() silent.
 */
_Noreturn void option_error(const char *command, int result, char **argv);

#endif
