/* SPDX-License-Identifier: MIT */
/*
 * test_http_request.c - goal: what is ambiguous or malformed is refused, in
 * the same way wherever the bytes are cut. Method: the requests of
 * reference/probes/llhttp_probe.c and more, each fed whole, byte by byte, and
 * cut in two at every place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http_request.h"

/* Feeds `size` bytes in pieces that end at `cut` and then at each multiple of
 * `step`; stops where a request is whole. Returns the bytes taken. */
static size_t feed(struct http_request *request, const char *data, size_t size,
                   size_t cut, size_t step)
{
    size_t at = 0;

    while (at < size) {
        size_t end = at < cut ? cut : at + step;
        size_t taken;

        if (end > size)
            end = size;
        taken = http_request_feed(request, data + at, end - at);
        assert_true(taken <= end - at);
        at += taken;
        if (request->state == REQUEST_ACCEPT)
            http_request_accept(request, 100);
        if (request->state == REQUEST_DONE || request->state == REQUEST_REFUSED)
            break;
    }
    return at;
}

/* The status it is refused with, 200 when it is whole, 0 when more is wanted;
 * checks that every cut gives the same. */
static int verdict(const char *data, size_t size)
{
    static struct http_request request;
    int first = -1, status;

    http_request_init(&request);
    for (size_t cut = 0; cut <= size + 1; cut++) {
        http_request_begin(&request);
        feed(&request, data, size, cut > size ? 0 : cut, cut > size ? 1 : size);
        status = request.state == REQUEST_REFUSED ? request.status
                 : request.state == REQUEST_DONE  ? 200
                                                  : 0;
        if (first < 0)
            first = status;
        if (status != first)
            print_error("cut at %zu: %d, not %d\n", cut, status, first);
        assert_int_equal(status, first);
        if (status >= 400)
            assert_true(request.reason && *request.reason &&
                        !request.keep_alive);
    }
    http_request_free(&request);
    return first;
}

#define H "Host: a\r\n"

static void test_verdicts(void **state)
{
    static const struct {
        const char *name;
        const char *data;
        size_t size;
        int status;
    } cases[] = {
#define C(name, data, status) {name, data, sizeof(data) - 1, status}
        C("plain", "GET / HTTP/1.1\r\n" H "\r\n", 200),
        C("HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", 200),
        C("empty value before Host", "GET / HTTP/1.1\r\nX:\r\n" H "\r\n", 200),
        C("unfinished", "GET / HTTP/1.1\r\n" H "\r", 0),
        C("body", "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello",
          200),
        C("body cut off",
          "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhell", 0),
        C("body too large",
          "POST / HTTP/1.1\r\n" H "Content-Length: 101\r\n\r\n", 413),
        C("length beyond 64 bits",
          "POST / HTTP/1.1\r\n" H
          "Content-Length: 99999999999999999999\r\n\r\n",
          400),
        C("bare CR in header",
          "GET / HTTP/1.1\r\n" H
          "X-Abc:\rxTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0\r\n\r\n",
          400),
        C("SP CR",
          "POST / HTTP/1.1\r\n" H
          "X-Abc: \rxTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0\r\n\r\n",
          400),
        C("space before the first field",
          "GET / HTTP/1.1\r\n Content-Length: 38\r\n" H "\r\n", 400),
        C("folded", "GET / HTTP/1.1\r\n" H " Content-Length: 5\r\n\r\nhello",
          400),
        C("folded by a tab",
          "GET / HTTP/1.1\r\n" H "\tContent-Length: 5\r\n\r\nhello", 400),
        C("folded to nothing", "GET / HTTP/1.1\r\n" H " \r\n\r\n", 400),
        C("CR before the end",
          "GET / HTTP/1.1\r\n" H "\r\n\rXGET /s HTTP/1.1\r\n\r\n", 200),
        C("CR in the end",
          "GET / HTTP/1.1\r\n" H "\rXGET /s HTTP/1.1\r\n" H "\r\n", 400),
        C("TE and CR",
          "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\rX0\r\n\r\n", 400),
        C("bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400),
        C("bare LF and no version",
          "GET /x\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 505),
        C("HTTP/0.9", "GET /x\r\n\r\n", 505),
        C("space before colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        C("TE and CL",
          "POST / HTTP/1.1\r\n" H
          "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
          400),
        C("CL and TE",
          "POST / HTTP/1.1\r\n" H
          "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
          400),
        C("TE", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n",
          411),
        C("TE not last",
          "POST / HTTP/1.1\r\n" H
          "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
          400),
        C("two lengths",
          "POST / HTTP/1.1\r\n" H
          "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
          400),
        C("length +5",
          "POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\nhello", 400),
        C("length with spaces",
          "POST / HTTP/1.1\r\n" H "Content-Length: 5 5\r\n\r\nhello", 400),
        C("one empty line first", "\r\nGET / HTTP/1.1\r\n" H "\r\n", 200),
        C("NUL in header", "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 400),
        C("NUL in target", "GET /\0 HTTP/1.1\r\n" H "\r\n", 400),
        C("no Host", "GET / HTTP/1.1\r\n\r\n", 400),
        C("two Hosts", "GET / HTTP/1.1\r\n" H "Host: b\r\n\r\n", 400),
        C("two Hosts, spelled otherwise",
          "GET / HTTP/1.1\r\n" H "hOsT: a\r\n\r\n", 400),
        C("two Origins",
          "GET / HTTP/1.1\r\n" H "Origin: a\r\nOrigin: a\r\n\r\n", 400),
        C("PRI", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        C("ICE", "SOURCE /x ICE/1.0\r\n\r\n", 200), /* a 405 for the route */
        C("HTTP/9.9", "GET / HTTP/9.9\r\n" H "\r\n", 505),
        C("HTTP/2.0", "GET / HTTP/2.0\r\n" H "\r\n", 505),
        C("absolute", "GET http://evil/debug HTTP/1.1\r\n" H "\r\n", 400),
        C("asterisk", "OPTIONS * HTTP/1.1\r\n" H "\r\n", 400),
        C("upgrade",
          "GET / HTTP/1.1\r\n" H
          "Connection: upgrade\r\nUpgrade: h2c\r\n\r\nrest",
          400),
        C("no such method", "BREW / HTTP/1.1\r\n" H "\r\n", 400),
        C("small letters", "get / HTTP/1.1\r\n" H "\r\n", 400),
        C("high bits in target", "GET /\xff\xfe HTTP/1.1\r\n" H "\r\n", 400),
        C("control byte in target", "GET /\x01 HTTP/1.1\r\n" H "\r\n", 400),
        C("two spaces", "GET  / HTTP/1.1\r\n" H "\r\n", 200),
        C("Expect",
          "POST / HTTP/1.1\r\n" H
          "Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
          200),
        C("Expect the unexpected",
          "POST / HTTP/1.1\r\n" H "Expect: x\r\nContent-Length: 1\r\n\r\nx",
          417),
        C("TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
#undef C
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int got = verdict(cases[i].data, cases[i].size);

        if (got != cases[i].status)
            print_error("%s: %d, not %d\n", cases[i].name, got,
                        cases[i].status);
        assert_int_equal(got, cases[i].status);
    }
}

/* A request with `size` bytes of target, `count` fields of `value` bytes. */
static int limit(size_t size, unsigned count, size_t value)
{
    char *data = NULL;
    size_t length;
    FILE *out = open_memstream(&data, &length);
    static struct http_request request;
    int status;

    fprintf(out, "GET /%0*d HTTP/1.1\r\nHost: a\r\n", (int)size - 1, 0);
    for (unsigned i = 1; i < count; i++)
        fprintf(out, "%c%c: %0*d\r\n", 'a' + i / 26, 'a' + i % 26, (int)value,
                0);
    fprintf(out, "\r\n");
    fclose(out);
    http_request_init(&request);
    feed(&request, data, length, 0, 4096);
    status = request.state == REQUEST_REFUSED ? request.status
             : request.state == REQUEST_DONE  ? 200
                                              : 0;
    http_request_free(&request);
    free(data);
    return status;
}

static void test_limits(void **state)
{
    (void)state;
    assert_int_equal(limit(HTTP_TARGET_MAX, 1, 1), 200);
    assert_int_equal(limit(HTTP_TARGET_MAX + 1, 1, 1), 414);
    assert_int_equal(limit(1 << 20, 1, 1), 414);
    assert_int_equal(limit(10, HTTP_FIELDS_MAX, 1), 200);
    assert_int_equal(limit(10, HTTP_FIELDS_MAX + 1, 1), 431);
    /* Host and a are 5 bytes, each other name 2 */
    assert_int_equal(limit(10, 2, HTTP_FIELDS_SIZE_MAX - 5 - 2), 200);
    assert_int_equal(limit(10, 2, HTTP_FIELDS_SIZE_MAX - 5 - 1), 431);
    assert_int_equal(limit(10, 2, 10 << 20), 431);
}

static void test_long_values(void **state)
{
    char data[HTTP_VALUE_MAX + 100];
    static struct http_request request;

    (void)state;
    for (int more = 0; more < 2; more++) {
        int size =
            snprintf(data, sizeof(data), "GET / HTTP/1.1\r\nHost: %0*d\r\n\r\n",
                     HTTP_VALUE_MAX + more, 0);

        assert_int_equal(verdict(data, (size_t)size), more ? 431 : 200);
    }
    /* white space is in no field, but it is bytes all the same */
    http_request_init(&request);
    feed(&request, "GET / HTTP/1.1\r\nX:", 18, 0, 18);
    memset(data, ' ', sizeof(data));
    for (int i = 0; i < 100 && request.state == REQUEST_HEAD; i++)
        feed(&request, data, sizeof(data), 0, sizeof(data));
    assert_int_equal(request.state, REQUEST_REFUSED);
    assert_int_equal(request.status, 431);
    http_request_free(&request);
}

/* Two requests in one buffer, cut everywhere: each is read as it was sent. */
static void test_pipelined(void **state)
{
    static const char data[] =
        "POST /1?a=b HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello"
        "GET /2 HTTP/1.0\r\nOrigin:  null \r\n\r\n";
    static struct http_request request;

    (void)state;
    http_request_init(&request);
    for (size_t cut = 0; cut <= sizeof(data) - 1; cut++) {
        size_t taken;

        http_request_begin(&request);
        taken = feed(&request, data, sizeof(data) - 1, cut, sizeof(data));
        assert_int_equal(request.state, REQUEST_DONE);
        assert_int_equal(request.method, HTTP_POST);
        assert_string_equal(request.target, "/1?a=b");
        assert_string_equal(http_request_query(&request), "a=b");
        assert_true(request.keep_alive);
        assert_int_equal(request.body_size, 5);
        assert_memory_equal(request.body, "hello", 5);
        assert_string_equal(http_request_field(&request, FIELD_HOST), "a");
        http_request_begin(&request);
        assert_null(request.body);
        taken += feed(&request, data + taken, sizeof(data) - 1 - taken, cut,
                      sizeof(data));
        assert_int_equal(request.state, REQUEST_DONE);
        assert_int_equal(taken, sizeof(data) - 1);
        assert_string_equal(request.target, "/2");
        assert_string_equal(http_request_query(&request), "");
        assert_false(request.keep_alive);
        assert_null(http_request_field(&request, FIELD_HOST));
        assert_string_equal(http_request_field(&request, FIELD_ORIGIN), "null");
    }
    http_request_free(&request);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_long_values),
        cmocka_unit_test(test_pipelined),
    };

    return cmocka_run_group_tests_name("http_request", tests, NULL, NULL);
}
