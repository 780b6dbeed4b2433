/* SPDX-License-Identifier: MIT */
/* thread_walk.c - see thread_walk.h. */
#include "thread_walk.h"

#include <libunwind.h>
#include <stdlib.h>
#include <string.h>

/* Rules that libunwind remembers, by pc: no more than its 2^16. */
#define RULE_COUNT 2048

/* Exported, but in none of its headers. */
int UNW_OBJ(dwarf_search_unwind_table)(unw_addr_space_t, unw_word_t,
                                       unw_dyn_info_t *, unw_proc_info_t *, int,
                                       void *);

struct thread_walker {
    struct thread_memory *memory;
    const struct thread_modules *modules;
    const struct thread_registers *registers; /* of the thread walked */
    bool unknown; /* one was needed that is not known */
    unw_addr_space_t space;
};

/* ---- accessors --------------------------------------------------------- */

static int find_proc_info(unw_addr_space_t space, unw_word_t ip,
                          unw_proc_info_t *info, int need, void *argument)
{
    struct thread_walker *walker = argument;
    const struct thread_module *module =
        thread_modules_find(walker->modules, ip);
    struct { /* .eh_frame_hdr's beginning, in the only form linkers write */
        uint8_t version, frame_encoding, count_encoding, table_encoding;
        int32_t frame;
        uint32_t count;
    } head;
    unw_dyn_info_t table;

    _Static_assert(sizeof(head) == 12, "no padding");
    if (!module || !module->table ||
        !thread_memory_read(walker->memory, module->table, &head,
                            sizeof(head)) ||
        head.version != 1 || head.count_encoding != 0x03 ||
        head.table_encoding != 0x3b || head.count == 0 ||
        head.count > (module->table_size - sizeof(head)) / 8)
        return -UNW_ENOINFO;
    memset(&table, 0, sizeof(table));
    table.start_ip = module->start;
    table.end_ip = module->end;
    table.format = UNW_INFO_FORMAT_REMOTE_TABLE;
    table.u.rti.segbase = module->table;
    table.u.rti.table_data = module->table + sizeof(head);
    table.u.rti.table_len = head.count * 8 / sizeof(unw_word_t);
    return UNW_OBJ(dwarf_search_unwind_table)(space, ip, &table, info, need,
                                              argument);
}

static void put_unwind_info(unw_addr_space_t space, unw_proc_info_t *info,
                            void *argument)
{
    (void)space, (void)info, (void)argument; /* libunwind's own pool has it */
}

static int get_dyn_info_list(unw_addr_space_t space, unw_word_t *list,
                             void *argument)
{
    (void)space, (void)list, (void)argument;
    return -UNW_ENOINFO;
}

static int access_mem(unw_addr_space_t space, unw_word_t address,
                      unw_word_t *value, int write, void *argument)
{
    struct thread_walker *walker = argument;

    (void)space;
    if (write ||
        !thread_memory_read(walker->memory, address, value, sizeof(*value)))
        return -UNW_EINVAL;
    return 0;
}

static int access_reg(unw_addr_space_t space, unw_regnum_t number,
                      unw_word_t *value, int write, void *argument)
{
    struct thread_walker *walker = argument;

    (void)space;
    if (write || number < 0 || number >= THREAD_REGISTER_COUNT)
        return -UNW_EBADREG;
    if (!walker->registers->all && number != THREAD_RSP &&
        number != THREAD_RIP) {
        walker->unknown = true;
        return -UNW_EBADREG;
    }
    *value = walker->registers->values[number];
    return 0;
}

static int access_fpreg(unw_addr_space_t space, unw_regnum_t number,
                        unw_fpreg_t *value, int write, void *argument)
{
    (void)space, (void)number, (void)value, (void)write, (void)argument;
    return -UNW_EBADREG;
}

static int resume(unw_addr_space_t space, unw_cursor_t *cursor, void *argument)
{
    (void)space, (void)cursor, (void)argument;
    return -UNW_EINVAL;
}

static int get_proc_name(unw_addr_space_t space, unw_word_t address, char *name,
                         size_t size, unw_word_t *offset, void *argument)
{
    (void)space, (void)address, (void)name, (void)size, (void)offset,
        (void)argument;
    return -UNW_ENOINFO;
}

/* ---- the walk ---------------------------------------------------------- */

struct thread_walker *thread_walker_new(struct thread_memory *memory,
                                        const struct thread_modules *modules)
{
    static unw_accessors_t accessors = {
        .find_proc_info = find_proc_info,
        .put_unwind_info = put_unwind_info,
        .get_dyn_info_list_addr = get_dyn_info_list,
        .access_mem = access_mem,
        .access_reg = access_reg,
        .access_fpreg = access_fpreg,
        .resume = resume,
        .get_proc_name = get_proc_name,
    };
    struct thread_walker *walker = calloc(1, sizeof(*walker));

    if (!walker)
        return NULL;
    walker->memory = memory;
    walker->modules = modules;
    walker->space = unw_create_addr_space(&accessors, 0);
    if (!walker->space) {
        free(walker);
        return NULL;
    }
    unw_set_caching_policy(walker->space, UNW_CACHE_GLOBAL);
    unw_set_cache_size(walker->space, RULE_COUNT, 0);
    return walker;
}

void thread_walker_free(struct thread_walker *walker)
{
    if (!walker)
        return;
    unw_destroy_addr_space(walker->space);
    free(walker);
}

static enum thread_walk_end end_of(const struct thread_walker *walker, int step)
{
    if (walker->unknown)
        return THREAD_WALK_REGISTER;
    return step < 0 ? THREAD_WALK_LOST : THREAD_WALK_WHOLE;
}

enum thread_walk_end thread_walk(struct thread_walker *walker,
                                 const struct thread_registers *registers,
                                 bool returns,
                                 uint64_t addresses[THREAD_DEPTH_MAX],
                                 size_t *depth)
{
    unw_cursor_t cursor;
    unw_word_t ip = 0;
    bool in_signal;
    int step;

    walker->registers = registers;
    walker->unknown = false;
    thread_memory_refresh(walker->memory);
    *depth = 0;
    step = unw_init_remote(&cursor, walker->space, walker);
    if (step < 0)
        return end_of(walker, step);
    do {
        if (*depth == THREAD_DEPTH_MAX)
            return THREAD_WALK_DEEP;
        if (unw_get_reg(&cursor, UNW_REG_IP, &ip) < 0)
            return end_of(walker, -1);
        if (ip == 0)
            return THREAD_WALK_WHOLE;
        /* a handler returns to the beginning of a signal frame, which then
         * goes on where the signal came */
        in_signal = unw_is_signal_frame(&cursor) > 0;
        addresses[(*depth)++] = ip - (returns && !in_signal);
        returns = !in_signal;
        walker->unknown = false;
        step = unw_step(&cursor);
    } while (step > 0);
    return end_of(walker, step);
}
