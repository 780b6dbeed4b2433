/* SPDX-License-Identifier: MIT */
/* process_page.c - see process_page.h. */
#include "process_page.h"

#include "html.h"

static const char page_head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<title>Processes</title>\n"
    "<style>\n"
    "td, th { padding: 0 1em 0 0; text-align: left; }\n"
    "td.number { text-align: right; }\n"
    "</style>\n"
    "</head>\n"
    "<body>\n"
    "<table>\n"
    "<tr><th>pid</th><th>program</th><th>state</th><th>mode</th>"
    "<th>in use</th><th>allocated</th><th>status</th></tr>\n";

static void write_text(FILE *out, const json_t *process, const char *key)
{
    const char *text = json_string_value(json_object_get(process, key));

    fputs("<td>", out);
    html_escape(out, text ? text : "");
    fputs("</td>", out);
}

static void write_number(FILE *out, const json_t *process, const char *key)
{
    const json_t *value = json_object_get(process, key);

    fputs("<td class=\"number\">", out);
    if (json_is_integer(value))
        fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    fputs("</td>", out);
}

static void write_row(FILE *out, const json_t *process)
{
    json_int_t pid = json_integer_value(json_object_get(process, "pid"));

    fprintf(out,
            "<tr><td class=\"number\"><a href=\"%" JSON_INTEGER_FORMAT
            "/debug/pprof/\">%" JSON_INTEGER_FORMAT "</a></td>",
            pid, pid);
    write_text(out, process, "program");
    write_text(out, process, "state");
    write_text(out, process, "mode");
    write_number(out, process, "in_use");
    write_number(out, process, "alloc_space");
    write_text(out, process,
               json_object_get(process, "error") ? "error" : "status");
    fputs("</tr>\n", out);
}

void process_page_write(FILE *out, const json_t *processes)
{
    size_t i;
    json_t *process;

    fputs(page_head, out);
    json_array_foreach(processes, i, process) write_row(out, process);
    fputs("</table>\n</body>\n</html>\n", out);
}
