/* SPDX-License-Identifier: MIT */
/* pprof_index.c - see pprof_index.h. */
#include "pprof_index.h"

static const struct {
    const char *name;
    const char *description;
} entries[] = {
    {"allocs", "Everything allocated so far, by callsite"},
    {"block", "Where threads waited for locks and conditions"},
    {"cmdline", "The command line of the program, NUL between arguments"},
    {"delta_block", "As block, since this client's last request"},
    {"delta_heap", "As heap, but what was allocated since this client's last "
                   "request"},
    {"delta_mutex", "As mutex, since this client's last request"},
    {"goroutine", "The threads and where each is. Use debug=2 as a query "
                  "parameter for every thread by itself."},
    {"heap", "What is allocated and not freed, by callsite. Use gc=1 as a "
             "query parameter to give free memory back first."},
    {"mutex", "Where threads held locks that others waited for"},
    {"peak",
     "What was allocated and not freed when that was most, by callsite"},
    {"profile", "Where CPU time goes, for 30 seconds from the request on; "
                "seconds=N as a query parameter for another time. Then: go "
                "tool pprof FILE"},
    {"symbol", "Names of addresses, given in a raw query or a POST body with "
               "'+' between them"},
    {"threadcreate", "Where threads were created"},
    {"trace", "What happens in a second from the request on, thread by thread; "
              "seconds=N as a query parameter for another time. For Perfetto"},
};

#define ENTRY_COUNT (sizeof(entries) / sizeof(entries[0]))

static const char page_head[] =
    "<html>\n"
    "<head>\n"
    "<title>/debug/pprof/</title>\n"
    "<style>\n"
    ".profile-name{\n"
    "\tdisplay:inline-block;\n"
    "\twidth:6rem;\n"
    "}\n"
    "</style>\n"
    "</head>\n"
    "<body>\n"
    "/debug/pprof/\n"
    "<br>\n"
    "<p>Set debug=1 as a query parameter to export in legacy text format</p>\n"
    "<br>\n"
    "Types of profiles available:\n"
    "<table>\n"
    "<thead><td>Count</td><td>Profile</td></thead>\n";

void pprof_index_write(FILE *out, const json_t *counts)
{
    fputs(page_head, out);
    for (size_t i = 0; i < ENTRY_COUNT; i++)
        fprintf(out,
                "<tr><td>%" JSON_INTEGER_FORMAT
                "</td><td><a href='%s?debug=1'>%s</a></td></tr>\n",
                json_integer_value(json_object_get(counts, entries[i].name)),
                entries[i].name, entries[i].name);
    fputs("</table>\n"
          "<a href=\"goroutine?debug=2\">full goroutine stack dump</a>\n"
          "<br>\n"
          "<p>\n"
          "Profile Descriptions:\n"
          "<ul>\n",
          out);
    for (size_t i = 0; i < ENTRY_COUNT; i++)
        fprintf(out, "<li><div class=profile-name>%s: </div> %s</li>\n",
                entries[i].name, entries[i].description);
    fputs("</ul>\n"
          "</p>\n"
          "</body>\n"
          "</html>\n",
          out);
}
