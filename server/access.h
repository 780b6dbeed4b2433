/* SPDX-License-Identifier: MIT */
/*
 * access.h - who may ask: the Host, Origin and token of a request.
 *
 * The server listens on the loopback, where any page in a browser can send
 * requests; a page that makes its own name resolve to 127.0.0.1 can read the
 * answers too (DNS rebinding). So the Host must be one that no stranger's page
 * can have, and what a browser says came from another site is refused.
 * Pure text and never a lookup of a name. Read next: http_request.h.
 */
#ifndef PREPROF_ACCESS_H
#define PREPROF_ACCESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "http_request.h"

#define ACCESS_HOSTS_MAX 16
#define ACCESS_TOKEN_MAX 256

struct access_rules {
    char address[INET6_ADDRSTRLEN]; /* the listener's; "" when it has none */
    bool any_address; /* it listens on all: any IP literal is its own */
    const char *hosts[ACCESS_HOSTS_MAX]; /* further names; borrowed */
    size_t host_count;
    char token[ACCESS_TOKEN_MAX + 1]; /* "" when none is required */
};

/*
 * Returns 0 when the request may go on, else the status to answer (401 or 403)
 * with *reason, which is static.
 */
int access_check(const struct access_rules *rules,
                 const struct http_request *request, const char **reason);

/* Whether `host` (NAME, NAME:PORT, IPv4, [IPv6], each with :PORT) names this
 * server. Letters' case does not matter. */
bool access_host_allowed(const struct access_rules *rules, const char *host);

/* Whether `header`, an Authorization value (Bearer, or Basic with the token as
 * the password), carries the token. The time it takes does not tell where a
 * wrong one differs. */
bool access_token_matches(const struct access_rules *rules, const char *header);

#endif
