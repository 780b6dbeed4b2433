/* SPDX-License-Identifier: MIT */
/* process_page.c - see process_page.h. */
#include "process_page.h"

#include <stdbool.h>
#include <string.h>

#include "html.h"

#define DEPTH_MAX 20 /* deeper processes are not told apart */

static const char page_head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<title>Processes</title>\n"
    "<style>\n"
    "body { font: 14px/1.5 sans-serif; margin: 1em; }\n"
    "table { border-collapse: collapse; }\n"
    "td, th { padding: .1em .45em; text-align: left; white-space: nowrap; }\n"
    "th { border-bottom: 1px solid #888; }\n"
    "td.number, th.number { text-align: right; }\n"
    "td.number { font-variant-numeric: tabular-nums; }\n"
    "td.reason { white-space: normal; }\n"
    "tr.dead, p { color: #666; }\n"
    "tr.total td { border-bottom: 1px solid #ddd; font-style: italic; }\n"
    "p { max-width: 60em; }\n"
    "dfn { font-style: normal; font-weight: bold; }\n"
    "</style>\n"
    "</head>\n"
    "<body>\n";

static const char table_head[] =
    "<table>\n"
    "<tr><th class=\"number\">pid</th><th>program</th><th>state</th>"
    "<th>mode</th><th class=\"number\">uptime</th>"
    "<th class=\"number\">in use</th><th class=\"number\">RSS</th>"
    "<th class=\"number\">other</th><th class=\"number\">allocates</th>"
    "<th class=\"number\">threads</th><th>profiles</th></tr>\n";

static const char legend[] =
    "<p><dfn>in use</dfn>: allocated and not freed, by malloc's own sizes. "
    "<dfn>other</dfn>: RSS less in use: code, stacks, mapped files and memory, "
    "what malloc holds free, the profile itself; below 0 where blocks were "
    "never touched. <dfn>allocates</dfn>: bytes a second, the mean since "
    "recording began. <dfn>+</dfn>: in use at the fork by the parent, and in "
    "the parent's profile alone. <dfn>not complete</dfn>: the head of its heap "
    "profile says why. The newest live process of a program is at "
    "/exe/PROGRAM/debug/pprof/. Profiles of the dead are kept for a day.</p>\n";

/* ---- values ------------------------------------------------------------ */

static json_int_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* "17 B", "1.2 MiB"; takes negative amounts. */
static void write_bytes(FILE *out, json_int_t bytes)
{
    static const char *const units[] = {"B",   "KiB", "MiB", "GiB",
                                        "TiB", "PiB", "EiB"};
    double scaled = bytes < 0 ? -(double)bytes : (double)bytes;
    unsigned unit = 0;

    for (; scaled >= (unit ? 1023.95 : 1024); unit++)
        scaled /= 1024;
    fprintf(out, "%s%.*f %s", bytes < 0 ? "-" : "", unit ? 1 : 0, scaled,
            units[unit]);
}

/* "7s", "3m07s", "5h12m", "3d04h". */
static void write_duration(FILE *out, json_int_t s)
{
    if (s < 60)
        fprintf(out, "%ds", (int)s);
    else if (s < 3600)
        fprintf(out, "%dm%02ds", (int)(s / 60), (int)(s % 60));
    else if (s < 86400)
        fprintf(out, "%dh%02dm", (int)(s / 3600), (int)(s / 60 % 60));
    else
        fprintf(out, "%" JSON_INTEGER_FORMAT "d%02dh", s / 86400,
                (int)(s / 3600 % 24));
}

/* ---- cells ------------------------------------------------------------- */

static void write_cell(FILE *out, const char *text)
{
    fputs("<td>", out);
    html_escape(out, text);
    fputs("</td>", out);
}

static void write_amount(FILE *out, json_int_t bytes, const char *suffix)
{
    fprintf(out, "<td class=\"number\" title=\"%" JSON_INTEGER_FORMAT "\">",
            bytes);
    write_bytes(out, bytes);
    fprintf(out, "%s</td>", suffix);
}

/* What is counted, what the kernel says, the gap, the pace. */
static void write_memory(FILE *out, const json_t *object, bool live)
{
    json_int_t in_use = number_of(object, "in_use");
    json_int_t resident = number_of(object, "rss");

    write_amount(out, in_use, "");
    if (!live) {
        fputs("<td></td><td></td><td></td>", out);
        return;
    }
    write_amount(out, resident, "");
    write_amount(out, resident - in_use, "");
    write_amount(out, number_of(object, "alloc_rate"), "/s");
}

static void write_program(FILE *out, const json_t *process)
{
    json_int_t depth = number_of(process, "depth");
    json_int_t inherited = number_of(process, "inherited");

    fprintf(out, "<td style=\"padding-left: %.1fem\">",
            0.45 + 1.2 * (double)(depth < 0 || depth > DEPTH_MAX ? DEPTH_MAX
                                                                 : depth));
    html_escape(out, text_of(process, "program"));
    if (inherited > 0) {
        fputs(" +", out);
        write_bytes(out, inherited);
    }
    if (json_is_false(json_object_get(process, "complete")))
        fputs(" (not complete)", out);
    fputs("</td>", out);
}

static void write_links(FILE *out, json_int_t pid)
{
    static const char *const names[] = {"heap", "allocs", "goroutine"};

    fputs("<td>", out);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        fprintf(out,
                "<a href=\"%" JSON_INTEGER_FORMAT
                "/debug/pprof/%s?debug=1\">%s</a> ",
                pid, names[i], names[i]);
    fprintf(out,
            "<a href=\"%" JSON_INTEGER_FORMAT "/debug/vars\">vars</a></td>",
            pid);
}

/* ---- rows -------------------------------------------------------------- */

static void write_reason(FILE *out, const char *reason)
{
    fputs("<td class=\"reason\" colspan=\"7\">", out);
    html_escape(out, reason);
    fputs("</td>", out);
}

static void write_row(FILE *out, const json_t *process)
{
    json_int_t pid = number_of(process, "pid");
    const char *error = text_of(process, "error");
    const char *status = text_of(process, "status");
    bool live = strcmp(text_of(process, "state"), "live") == 0;

    fprintf(out,
            "<tr%s><td class=\"number\"><a href=\"%" JSON_INTEGER_FORMAT
            "/debug/pprof/\">%" JSON_INTEGER_FORMAT "</a></td>",
            live ? "" : " class=\"dead\"", pid, pid);
    write_program(out, process);
    write_cell(out, text_of(process, "state"));
    write_cell(out, text_of(process, "mode"));
    if (*error || (*status && strcmp(status, "ok") != 0)) {
        write_reason(out, *error ? error : status);
        fputs("</tr>\n", out);
        return;
    }
    fputs("<td class=\"number\">", out);
    if (live)
        write_duration(out, number_of(process, "uptime"));
    fputs("</td>", out);
    write_memory(out, process, live);
    fputs("<td class=\"number\">", out);
    if (live)
        fprintf(out, "%" JSON_INTEGER_FORMAT, number_of(process, "threads"));
    fputs("</td>", out);
    write_links(out, pid);
    fputs("</tr>\n", out);
}

static void write_total(FILE *out, const json_t *tree)
{
    fprintf(out,
            "<tr class=\"total\"><td class=\"number\">%" JSON_INTEGER_FORMAT
            "</td><td colspan=\"4\">processes in all</td>",
            number_of(tree, "processes"));
    write_memory(out, tree, true);
    fputs("<td></td><td></td></tr>\n", out);
}

void process_page_write(FILE *out, const json_t *processes)
{
    const json_t *tree = NULL; /* of the rows at hand */
    size_t i;
    json_t *process;

    fputs(page_head, out);
    if (json_array_size(processes) == 0)
        fputs("<p>No process here runs under the shim: "
              "<code>preprof run -- PROGRAM</code> starts one.</p>\n",
              out);
    fputs(table_head, out);
    json_array_foreach(processes, i, process)
    {
        if (tree && number_of(process, "depth") == 0) {
            write_total(out, tree);
            tree = NULL;
        }
        write_row(out, process);
        if (json_object_get(process, "tree"))
            tree = json_object_get(process, "tree");
    }
    if (tree)
        write_total(out, tree);
    fputs("</table>\n", out);
    fputs(legend, out);
    fputs("</body>\n</html>\n", out);
}
