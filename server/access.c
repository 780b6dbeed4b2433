/* SPDX-License-Identifier: MIT */
/* access.c - see access.h. */
#include "access.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define HOST_MAX 255

/* Splits HOST[:PORT] and [IPV6][:PORT]; false when it is neither. */
static bool split_host(const char *text, char host[HOST_MAX + 1])
{
    const char *port;
    size_t size;

    if (*text == '[') {
        size = strcspn(++text, "]");
        if (text[size] != ']')
            return false;
        port = text + size + 1;
    } else {
        size = strcspn(text, ":");
        port = text + size;
    }
    if (size == 0 || size > HOST_MAX)
        return false;
    memcpy(host, text, size);
    host[size] = '\0';
    if (*port == '\0')
        return true;
    size = strspn(port + 1, "0123456789");
    return *port == ':' && size >= 1 && size <= 5 && port[1 + size] == '\0';
}

/* An IP address in the one way inet_ntop() writes it, so that 127.1 and
 * 0x7f.1, which some programs take for the loopback, are none. */
static bool is_address(const char *host, bool in_brackets)
{
    unsigned char address[16];
    char text[INET6_ADDRSTRLEN];
    int family = in_brackets ? AF_INET6 : AF_INET;

    return inet_pton(family, host, address) == 1 &&
           inet_ntop(family, address, text, sizeof(text)) &&
           strcasecmp(text, host) == 0;
}

bool access_host_allowed(const struct access_rules *rules, const char *text)
{
    char host[HOST_MAX + 1];

    if (!split_host(text, host))
        return false;
    if (is_address(host, *text == '['))
        return rules->any_address || strcasecmp(host, rules->address) == 0;
    if (*text == '[')
        return false;
    if (strcasecmp(host, "localhost") == 0)
        return true;
    for (size_t i = 0; i < rules->host_count; i++)
        if (strcasecmp(host, rules->hosts[i]) == 0)
            return true;
    return false;
}

static bool origin_allowed(const struct access_rules *rules, const char *origin)
{
    if (strncasecmp(origin, "http://", 7) == 0)
        return access_host_allowed(rules, origin + 7);
    if (strncasecmp(origin, "https://", 8) == 0) /* a proxy in front of us */
        return access_host_allowed(rules, origin + 8);
    return false;
}

static int base64_digit(char digit)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = digit ? strchr(digits, digit) : NULL;

    return found ? (int)(found - digits) : -1;
}

/* Decodes up to the padding or the first byte that is no base64. */
static size_t base64_decode(const char *text, char *out, size_t room)
{
    size_t size = 0;
    uint32_t bits = 0;
    unsigned count = 0;

    for (int digit; (digit = base64_digit(*text)) >= 0; text++) {
        bits = bits << 6 | (uint32_t)digit;
        count += 6;
        if (count >= 8 && size < room) {
            count -= 8;
            out[size++] = (char)(bits >> count & 0xff);
        }
    }
    return size;
}

/* Looks at every byte of `given`, whatever it finds. */
static bool same_token(const char *token, const char *given, size_t size)
{
    size_t length = strlen(token);
    unsigned differs = length != size;

    for (size_t i = 0; i < size; i++)
        differs |= (unsigned char)(given[i] ^ token[length ? i % length : 0]);
    return differs == 0;
}

bool access_token_matches(const struct access_rules *rules, const char *header)
{
    char pair[HTTP_VALUE_MAX];
    const char *password;
    size_t size;

    if (strncasecmp(header, "Bearer ", 7) == 0)
        return same_token(rules->token, header + 7, strlen(header + 7));
    if (strncasecmp(header, "Basic ", 6) != 0)
        return false;
    size = base64_decode(header + 6, pair, sizeof(pair));
    password = memchr(pair, ':', size);
    if (!password)
        return false;
    password++;
    return same_token(rules->token, password, size - (size_t)(password - pair));
}

int access_check(const struct access_rules *rules,
                 const struct http_request *request, const char **reason)
{
    const char *host = http_request_field(request, FIELD_HOST);
    const char *origin = http_request_field(request, FIELD_ORIGIN);
    const char *site = http_request_field(request, FIELD_FETCH_SITE);
    const char *credentials = http_request_field(request, FIELD_AUTHORIZATION);

    if (host && !access_host_allowed(rules, host)) {
        *reason = "this Host is not ours (see --allow-host)";
        return 403;
    }
    if ((origin && !origin_allowed(rules, origin)) ||
        (site && strcasecmp(site, "cross-site") == 0)) {
        *reason = "requests from another site's page are refused";
        return 403;
    }
    if (rules->token[0] &&
        (!credentials || !access_token_matches(rules, credentials))) {
        *reason = "the token is missing or wrong";
        return 401;
    }
    return 0;
}
