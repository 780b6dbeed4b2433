/* SPDX-License-Identifier: MIT */
/*
 * address.h - where the server listens: an IP address and a port, or a unix
 * socket.
 *
 * Never looks up a name. Read next: listener.h binds it, access.h compares it
 * with what clients call us.
 */
#ifndef PREPROF_ADDRESS_H
#define PREPROF_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ADDRESS_TEXT_MAX 160 /* bytes: any address, with its port */

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    };
    socklen_t size;
};

/* Reads an IPv4 or IPv6 address, or the path of a unix socket, which begins
 * with '/'. Returns 0, -EINVAL, or -ENAMETOOLONG for a path. */
int address_parse(const char *text, unsigned port, struct address *address);

/* Whether only this machine's own users reach it. */
bool address_is_loopback(const struct address *address);

/* Whether it is all addresses of this machine. */
bool address_is_any(const struct address *address);

/* 0 for a unix socket. */
unsigned address_port(const struct address *address);

/* The IP address alone, as inet_ntop() writes it; "" for a unix socket. */
void address_host(const struct address *address, char host[INET6_ADDRSTRLEN]);

/* "127.0.0.1:8080", "[::1]:8080", "/run/preprof" or, when it has no name,
 * "unix". */
void address_text(const struct address *address, char text[ADDRESS_TEXT_MAX]);

/* The URL that a client on this machine uses: "http://localhost:8080". */
void address_url(const struct address *address, char url[ADDRESS_TEXT_MAX]);

#endif
