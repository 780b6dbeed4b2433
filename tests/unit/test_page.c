/* SPDX-License-Identifier: MIT */
/*
 * test_page.c - goal: the pages have the shape that tools read, and nothing
 * from a profiled program becomes markup. Method: search the pages for what
 * must and what must not be there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "html.h"
#include "pprof_index.h"
#include "process_page.h"

static void test_escape(void **state)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    html_escape(out, "<a href='x' class=\"y\">&amp;\x1b");
    fclose(out);
    assert_string_equal(text, "&lt;a href=&#39;x&#39; class=&#34;y&#34;&gt;"
                              "&amp;amp;\x1b");
    free(text);
}

/* The page that `write` makes of `text`. */
static char *make_page(void write(FILE *, const json_t *), const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    char *page = NULL;
    size_t size;
    FILE *out = open_memstream(&page, &size);

    assert_non_null(json);
    write(out, json);
    fclose(out);
    json_decref(json);
    return page;
}

static void test_index(void **state)
{
    static const char counts[] =
        "{\"heap\": 7919, \"allocs\": 7919, \"goroutine\": 3, \"block\": 0, "
        "\"mutex\": 0, \"peak\": 101, \"threadcreate\": 2}";
    static const char rows[] =
        "<tr><td>7919</td><td><a href='allocs?debug=1'>allocs</a></td></tr>\n"
        "<tr><td>0</td><td><a href='block?debug=1'>block</a></td></tr>\n"
        "<tr><td>0</td><td><a href='cmdline?debug=1'>cmdline</a></td></tr>\n"
        "<tr><td>0</td><td><a href='delta_block?debug=1'>delta_block</a></td>"
        "</tr>\n"
        "<tr><td>0</td><td><a href='delta_heap?debug=1'>delta_heap</a></td>"
        "</tr>\n"
        "<tr><td>0</td><td><a href='delta_mutex?debug=1'>delta_mutex</a></td>"
        "</tr>\n"
        "<tr><td>3</td><td><a href='goroutine?debug=1'>goroutine</a></td></tr>"
        "\n"
        "<tr><td>7919</td><td><a href='heap?debug=1'>heap</a></td></tr>\n"
        "<tr><td>0</td><td><a href='mutex?debug=1'>mutex</a></td></tr>\n"
        "<tr><td>101</td><td><a href='peak?debug=1'>peak</a></td></tr>\n"
        "<tr><td>0</td><td><a href='profile?debug=1'>profile</a></td></tr>\n"
        "<tr><td>0</td><td><a href='symbol?debug=1'>symbol</a></td></tr>\n"
        "<tr><td>2</td><td><a href='threadcreate?debug=1'>threadcreate</a>"
        "</td></tr>\n"
        "<tr><td>0</td><td><a href='trace?debug=1'>trace</a></td></tr>\n"
        "</table>\n"
        "<a href=\"goroutine?debug=2\">full goroutine stack dump</a>\n";
    char *page = make_page(pprof_index_write, counts);

    (void)state;
    assert_non_null(strstr(page, "<title>/debug/pprof/</title>"));
    assert_non_null(strstr(page, "<thead><td>Count</td><td>Profile</td>"
                                 "</thead>\n<tr>"));
    assert_non_null(strstr(page, rows));
    assert_non_null(strstr(page, ">heap: </div> "));
    free(page);
}

static void test_processes(void **state)
{
    static const char list[] =
        "[{\"pid\": 31, \"program\": \"<script>x</script>\", "
        "\"state\": \"live\", \"mode\": \"'\\\"&\", \"in_use\": 1009, "
        "\"alloc_space\": \"<b>\", \"status\": \"<i>\"},"
        "{\"pid\": \"<u>\", \"error\": \"<img>\"}, 7, null]";
    char *page = make_page(process_page_write, list);

    (void)state;
    assert_non_null(strstr(page, "<a href=\"31/debug/pprof/\">31</a>"));
    assert_non_null(strstr(page, "&lt;script&gt;x&lt;/script&gt;"));
    assert_non_null(strstr(page, "&#39;&#34;&amp;"));
    assert_null(strstr(page, "1009")); /* the reason takes its place */
    assert_non_null(strstr(page, "&lt;img&gt;"));
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "<b>"));
    assert_null(strstr(page, "<i>"));
    assert_null(strstr(page, "<u>"));
    assert_null(strstr(page, "<img"));
    free(page);
}

static void test_family(void **state)
{
    static const char list[] =
        "[{\"pid\": 31, \"program\": \"nginx\", \"state\": \"live\", "
        "\"mode\": \"exact\", \"in_use\": 1009, \"rss\": 2097152, "
        "\"uptime\": 187, \"alloc_rate\": 1536, \"threads\": 7, \"depth\": 0, "
        "\"status\": \"ok\", \"tree\": {\"processes\": 2, \"in_use\": 2018, "
        "\"rss\": 3145728, \"alloc_rate\": 3072}},"
        "{\"pid\": 37, \"program\": \"nginx\", \"state\": \"killed\", "
        "\"mode\": \"exact\", \"in_use\": 1009, \"depth\": 1, "
        "\"inherited\": 5120, \"status\": \"ok\"},"
        "{\"pid\": 41, \"program\": \"cat\", \"state\": \"live\", "
        "\"in_use\": 4096, \"rss\": 1024, \"depth\": 0}]";
    char *page = make_page(process_page_write, list);
    const char *total = strstr(page, "processes in all");

    (void)state;
    assert_non_null(strstr(page, ">3m07s<"));
    assert_non_null(strstr(page, "title=\"1009\">1009 B<"));
    assert_non_null(strstr(page, ">2.0 MiB<"));
    assert_non_null(strstr(page, "title=\"2096143\">2.0 MiB<"));
    assert_non_null(strstr(page, ">1.5 KiB/s<"));
    assert_non_null(strstr(page, "1.6em\">nginx +5.0 KiB<"));
    assert_non_null(strstr(page, ">-3.0 KiB<"));
    assert_non_null(strstr(page, "<a href=\"37/debug/pprof/heap?debug=1\">"));
    assert_non_null(total);
    assert_true(total > strstr(page, ">37<") && total < strstr(page, ">41<"));
    assert_non_null(strstr(total, ">3.0 MiB<"));
    assert_null(strstr(total + 1, "processes in all"));
    free(page);
}

static void test_other_json(void **state)
{
    static const char *const texts[] = {"[]", "{}", "[7, null, []]"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char *index = make_page(pprof_index_write, texts[i]);
        char *list = make_page(process_page_write, texts[i]);

        assert_non_null(strstr(index, "<td>0</td><td><a href='heap?debug=1'>"));
        assert_non_null(strstr(list, "</table>\n"));
        free(index);
        free(list);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),     cmocka_unit_test(test_index),
        cmocka_unit_test(test_processes),  cmocka_unit_test(test_family),
        cmocka_unit_test(test_other_json),
    };

    return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
