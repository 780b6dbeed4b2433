/* SPDX-License-Identifier: MIT */
/*
 * test_access.c - goal: only those may ask who may. Method: tables of Hosts,
 * origins and credentials, with what each is worth.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "access.h"

static const struct access_rules loopback = {
    .address = "127.0.0.1", .hosts = {"pprof.example"}, .host_count = 1};
static const struct access_rules loopback6 = {.address = "::1"};
static const struct access_rules everywhere = {
    .address = "0.0.0.0", .any_address = true, .token = "correct horse 7"};

static void test_hosts(void **state)
{
    static const struct {
        const char *host;
        bool loopback, loopback6, everywhere;
    } cases[] = {
        {"localhost", true, true, true},
        {"localhost:8080", true, true, true},
        {"LOCALHOST:1", true, true, true},
        {"127.0.0.1", true, false, true},
        {"127.0.0.1:8080", true, false, true},
        {"[::1]", false, true, true},
        {"[::1]:8080", false, true, true},
        {"192.168.1.7:80", false, false, true},
        {"pprof.example", true, false, false},
        {"PPROF.example:443", true, false, false},
        {"evil.example", false, false, false},
        {"localhost6", false, false, false},
        {"localhost.", false, false, false},
        {"localhost.evil.example", false, false, false},
        {"127.0.0.1.evil.example", false, false, false},
        {"127.1", false, false, false},
        {"127.0.0.01", false, false, false},
        {"0x7f.1", false, false, false},
        {"2130706433", false, false, false},
        {"::1", false, false, false},
        {"[::1", false, false, false},
        {"[0:0:0:0:0:0:0:1]", false, false, false},
        {"[127.0.0.1]", false, false, false},
        {"[localhost]", false, false, false},
        {"", false, false, false},
        {":8080", false, false, false},
        {"localhost:", false, false, false},
        {"localhost:x", false, false, false},
        {"localhost:123456", false, false, false},
        {"localhost:80:80", false, false, false},
        {"user@localhost", false, false, false},
        {"localhost/", false, false, false},
        {"localhost evil.example", false, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *host = cases[i].host;

        print_message("# %s\n", host);
        assert_int_equal(access_host_allowed(&loopback, host),
                         cases[i].loopback);
        assert_int_equal(access_host_allowed(&loopback6, host),
                         cases[i].loopback6);
        assert_int_equal(access_host_allowed(&everywhere, host),
                         cases[i].everywhere);
    }
}

static void set_field(struct http_request *request, enum http_field field,
                      const char *value)
{
    request->present[field] = value != NULL;
    if (value)
        strcpy(request->fields[field], value);
}

static void test_browsers(void **state)
{
    static const struct {
        const char *origin, *site;
        int status;
    } cases[] = {
        {NULL, NULL, 0},
        {"http://localhost:8080", "same-origin", 0},
        {"http://localhost:3000", "same-site", 0},
        {"https://pprof.example", NULL, 0},
        {NULL, "none", 0},
        {NULL, "cross-site", 403},
        {NULL, "Cross-Site", 403},
        {"http://evil.example", NULL, 403},
        {"http://evil.example", "same-origin", 403},
        {"null", NULL, 403},
        {"", NULL, 403},
        {"file://", NULL, 403},
        {"http://localhost.evil.example", NULL, 403},
    };
    static struct http_request request;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *reason = "";

        set_field(&request, FIELD_HOST, "localhost:8080");
        set_field(&request, FIELD_ORIGIN, cases[i].origin);
        set_field(&request, FIELD_FETCH_SITE, cases[i].site);
        print_message("# case %zu\n", i);
        assert_int_equal(access_check(&loopback, &request, &reason),
                         cases[i].status);
        assert_int_equal(*reason != '\0', cases[i].status != 0);
    }
}

static void test_tokens(void **state)
{
    static const struct {
        const char *header;
        bool good;
    } cases[] = {
        {"Bearer correct horse 7", true},
        {"bearer correct horse 7", true},
        {"Basic eDpjb3JyZWN0IGhvcnNlIDc=", true},  /* x:correct horse 7 */
        {"Basic OmNvcnJlY3QgaG9yc2UgNw==", true},  /* :correct horse 7 */
        {"Basic eDpjb3JyZWN0IGhvcnNlIDc", true},   /* without padding */
        {"Basic Y29ycmVjdCBob3JzZSA3", false},     /* no ':' */
        {"Basic eDpjb3JyZWN0IGhvcnNlIDg=", false}, /* ... 8 */
        {"Basic eDpjb3JyZWN0IGhvcnNlIDc3", false}, /* ... 77 */
        {"Basic ", false},
        {"Basic ====", false},
        {"Bearer ", false},
        {"Bearer correct horse ", false},
        {"Bearer correct horse 77", false},
        {"Bearer correct horse 7correct horse 7", false},
        {"Digest correct horse 7", false},
        {"correct horse 7", false},
        {"", false},
    };
    static struct http_request request;
    const char *reason;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("# %s\n", cases[i].header);
        assert_int_equal(access_token_matches(&everywhere, cases[i].header),
                         cases[i].good);
        set_field(&request, FIELD_HOST, "localhost");
        set_field(&request, FIELD_AUTHORIZATION, cases[i].header);
        assert_int_equal(access_check(&everywhere, &request, &reason),
                         cases[i].good ? 0 : 401);
    }
    set_field(&request, FIELD_AUTHORIZATION, NULL);
    assert_int_equal(access_check(&everywhere, &request, &reason), 401);
    assert_int_equal(access_check(&loopback, &request, &reason), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_browsers),
        cmocka_unit_test(test_tokens),
    };

    return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
