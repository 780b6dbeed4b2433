/* SPDX-License-Identifier: MIT */
/*
 * test_address.c - goal: an address is read, judged and shown as what it is.
 * Method: a table of texts with what each must give.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"

static void test_good(void **state)
{
    static const struct {
        const char *text;
        bool loopback, any;
        unsigned port;
        const char *host, *shown, *url;
    } cases[] = {
        {"127.0.0.1", true, false, 8080, "127.0.0.1", "127.0.0.1:8080",
         "http://localhost:8080"},
        {"127.3.5.7", true, false, 8080, "127.3.5.7", "127.3.5.7:8080",
         "http://127.3.5.7:8080"},
        {"0.0.0.0", false, true, 8080, "0.0.0.0", "0.0.0.0:8080",
         "http://localhost:8080"},
        {"128.0.0.1", false, false, 8080, "128.0.0.1", "128.0.0.1:8080",
         "http://128.0.0.1:8080"},
        {"::1", true, false, 8080, "::1", "[::1]:8080", "http://[::1]:8080"},
        {"::", false, true, 8080, "::", "[::]:8080", "http://localhost:8080"},
        {"FE80:0::7", false, false, 8080, "fe80::7", "[fe80::7]:8080",
         "http://[fe80::7]:8080"},
        {"/run/x", true, false, 0, "", "/run/x", "http://localhost"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char host[INET6_ADDRSTRLEN], shown[ADDRESS_TEXT_MAX];
        char url[ADDRESS_TEXT_MAX];
        struct address address;

        assert_int_equal(address_parse(cases[i].text, 8080, &address), 0);
        address_host(&address, host);
        address_text(&address, shown);
        address_url(&address, url);
        assert_int_equal(address_is_loopback(&address), cases[i].loopback);
        assert_int_equal(address_is_any(&address), cases[i].any);
        assert_int_equal(address_port(&address), cases[i].port);
        assert_string_equal(host, cases[i].host);
        assert_string_equal(shown, cases[i].shown);
        assert_string_equal(url, cases[i].url);
    }
}

static void test_bad(void **state)
{
    static const char *const texts[] = {
        "", "localhost", "127.1", "0x7f.0.0.1", "1.2.3.4:80", "[::1]", "./x"};
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
    struct address address;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(address_parse(texts[i], 1, &address), -EINVAL);
    memset(path, '/', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(address_parse(path, 1, &address), -ENAMETOOLONG);
    path[sizeof(path) - 2] = '\0';
    assert_int_equal(address_parse(path, 1, &address), 0);
}

/* What getpeername() gives for a client on a unix socket: a family alone. */
static void test_unnamed(void **state)
{
    struct address address = {.local.sun_family = AF_UNIX,
                              .size = sizeof(sa_family_t)};
    char text[ADDRESS_TEXT_MAX];

    (void)state;
    address_text(&address, text);
    assert_string_equal(text, "unix");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_unnamed),
    };

    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
