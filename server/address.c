/* SPDX-License-Identifier: MIT */
/* address.c - see address.h. */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int address_parse(const char *text, unsigned port, struct address *address)
{
    *address = (struct address){0};
    if (*text == '/') {
        if (strlen(text) >= sizeof(address->local.sun_path))
            return -ENAMETOOLONG;
        address->local.sun_family = AF_UNIX;
        strcpy(address->local.sun_path, text);
        address->size = sizeof(address->local);
    } else if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons((in_port_t)port);
        address->size = sizeof(address->v4);
    } else if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons((in_port_t)port);
        address->size = sizeof(address->v6);
    } else {
        return -EINVAL;
    }
    return 0;
}

bool address_is_loopback(const struct address *address)
{
    if (address->any.sa_family == AF_INET)
        return ntohl(address->v4.sin_addr.s_addr) >> 24 == 127;
    return address->any.sa_family == AF_UNIX ||
           IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
}

bool address_is_any(const struct address *address)
{
    if (address->any.sa_family == AF_INET)
        return address->v4.sin_addr.s_addr == htonl(INADDR_ANY);
    return address->any.sa_family == AF_INET6 &&
           IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr);
}

unsigned address_port(const struct address *address)
{
    if (address->any.sa_family == AF_INET)
        return ntohs(address->v4.sin_port);
    return address->any.sa_family == AF_INET6 ? ntohs(address->v6.sin6_port)
                                              : 0;
}

void address_host(const struct address *address, char host[INET6_ADDRSTRLEN])
{
    host[0] = '\0';
    if (address->any.sa_family == AF_INET)
        inet_ntop(AF_INET, &address->v4.sin_addr, host, INET6_ADDRSTRLEN);
    else if (address->any.sa_family == AF_INET6)
        inet_ntop(AF_INET6, &address->v6.sin6_addr, host, INET6_ADDRSTRLEN);
}

void address_text(const struct address *address, char text[ADDRESS_TEXT_MAX])
{
    bool v6 = address->any.sa_family == AF_INET6;
    const char *path = address->local.sun_path;
    char host[INET6_ADDRSTRLEN];

    address_host(address, host);
    if (*host)
        snprintf(text, ADDRESS_TEXT_MAX, "%s%s%s:%u", v6 ? "[" : "", host,
                 v6 ? "]" : "", address_port(address));
    else
        snprintf(text, ADDRESS_TEXT_MAX, "%s", *path ? path : "unix");
}

void address_url(const struct address *address, char url[ADDRESS_TEXT_MAX])
{
    char text[ADDRESS_TEXT_MAX];

    if (address->any.sa_family == AF_UNIX) {
        strcpy(url, "http://localhost");
    } else if (address_is_any(address) ||
               (address->any.sa_family == AF_INET &&
                address->v4.sin_addr.s_addr == htonl(INADDR_LOOPBACK))) {
        snprintf(url, ADDRESS_TEXT_MAX, "http://localhost:%u",
                 address_port(address));
    } else {
        address_text(address, text);
        snprintf(url, ADDRESS_TEXT_MAX, "http://%.*s", ADDRESS_TEXT_MAX - 8,
                 text);
    }
}
