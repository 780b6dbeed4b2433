/* SPDX-License-Identifier: MIT */
/*
 * cfi.c - see cfi.h. The format is that of the LSB's Exception Frames chapter
 * and DWARF 4's section 6.4; register 6 is rbp, 7 is rsp, 16 the return
 * address.
 */
#include "cfi.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define REG_BP 6u
#define REG_SP 7u
#define REG_RA 16u

#define SAVED_STATES_MAX 8 /* of remember_state; real code nests 1 */

/* Pointer encodings. */
#define ENC_OMIT        0xffu
#define ENC_FORMAT(e)   ((e)&0x0fu)
#define ENC_RELATIVE(e) ((e)&0x70u)
#define ENC_PCREL       0x10u
#define ENC_DATAREL     0x30u
#define ENC_SEARCH      0x3bu /* datarel | sdata4: what every linker writes */
#define ENC_UDATA4      0x03u

/* A reader that never leaves [next, end). After a failed read `bad` is set and
 * every value is 0. */
struct cursor {
    const uint8_t *next, *end;
    bool bad;
};

static uint64_t read_bytes(struct cursor *c, size_t size)
{
    uint64_t value = 0;

    if (c->bad || (size_t)(c->end - c->next) < size) {
        c->bad = true;
        return 0;
    }
    memcpy(&value, c->next, size); /* little endian, as is the machine */
    c->next += size;
    return value;
}

static void skip(struct cursor *c, uint64_t size)
{
    if (c->bad || (uint64_t)(c->end - c->next) < size)
        c->bad = true;
    else
        c->next += size;
}

/* The bits of a LEB128 number, and how many there were; *last is its last
 * byte, which has the sign. */
static uint64_t read_leb(struct cursor *c, unsigned *bits, uint8_t *last)
{
    uint64_t value = 0;

    *bits = 0;
    do {
        *last = (uint8_t)read_bytes(c, 1);
        if (*bits < 64)
            value |= (uint64_t)(*last & 0x7f) << *bits;
        *bits += 7;
    } while (*last & 0x80);
    return value;
}

static uint64_t read_uleb(struct cursor *c)
{
    unsigned bits;
    uint8_t last;

    return read_leb(c, &bits, &last);
}

static int64_t read_sleb(struct cursor *c)
{
    unsigned bits;
    uint8_t last;
    uint64_t value = read_leb(c, &bits, &last);

    if (bits < 64 && (last & 0x40))
        value |= ~UINT64_C(0) << bits;
    return (int64_t)value;
}

/* An offset in the tables' unit; an absurd one wraps, and pack() may refuse
 * what comes out. */
static int64_t scale(uint64_t offset, int64_t factor)
{
    return (int64_t)(offset * (uint64_t)factor);
}

static uint64_t read_encoded(struct cursor *c, unsigned encoding)
{
    uint64_t at = (uintptr_t)c->next, value = 0;

    switch (ENC_FORMAT(encoding)) {
    case 0x00:
    case 0x04:
    case 0x0c:
        value = read_bytes(c, 8);
        break;
    case 0x01:
        value = read_uleb(c);
        break;
    case 0x02:
        value = read_bytes(c, 2);
        break;
    case 0x03:
        value = read_bytes(c, 4);
        break;
    case 0x09:
        value = (uint64_t)read_sleb(c);
        break;
    case 0x0a:
        value = (uint64_t)(int64_t)(int16_t)read_bytes(c, 2);
        break;
    case 0x0b:
        value = (uint64_t)(int64_t)(int32_t)read_bytes(c, 4);
        break;
    default:
        c->bad = true;
    }
    if (ENC_RELATIVE(encoding) == ENC_PCREL)
        value += at;
    else if (ENC_RELATIVE(encoding) != 0)
        c->bad = true;
    return value;
}

/* ---- finding the FDE --------------------------------------------------- */

struct program { /* of one FDE, with what its CIE says */
    struct cursor cie, fde; /* the instructions */
    uint64_t code_align;
    int64_t data_align;
    unsigned encoding; /* of addresses */
    bool signal;
    uintptr_t start, end;
};

/* The address of the FDE that may cover pc, from the sorted search table. */
static uintptr_t search(uintptr_t header, uintptr_t end, uintptr_t pc)
{
    struct cursor c = {(const uint8_t *)header, (const uint8_t *)end, false};
    uint64_t version = read_bytes(&c, 1);
    unsigned frame_encoding = (unsigned)read_bytes(&c, 1);
    uint64_t count_encoding = read_bytes(&c, 1);
    uint64_t table_encoding = read_bytes(&c, 1);
    uint64_t count, low = 0;

    read_encoded(&c, frame_encoding);
    count = read_bytes(&c, 4);
    if (c.bad || version != 1 || count_encoding != ENC_UDATA4 ||
        table_encoding != ENC_SEARCH ||
        count > (uint64_t)(c.end - c.next) / 8)
        return 0;
    for (uint64_t high = count; low < high;) {
        uint64_t middle = low + (high - low) / 2;
        int32_t first;

        memcpy(&first, c.next + 8 * middle, 4);
        if (header + (uintptr_t)(intptr_t)first <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return 0;
    int32_t fde;
    memcpy(&fde, c.next + 8 * (low - 1) + 4, 4);
    return header + (uintptr_t)(intptr_t)fde;
}

/* A cursor over the entry (CIE or FDE) at an address, behind its length. */
static struct cursor entry_at(uintptr_t address, uintptr_t start, uintptr_t end)
{
    struct cursor c = {(const uint8_t *)address, (const uint8_t *)end,
                       address < start || address >= end};
    uint64_t length = read_bytes(&c, 4);

    if (length == 0xffffffff)
        length = read_bytes(&c, 8);
    if (c.bad || length == 0 || length > (uint64_t)(c.end - c.next))
        c.bad = true;
    else
        c.end = c.next + length;
    return c;
}

static bool read_cie(struct program *p, struct cursor c)
{
    uint64_t version, ra;
    const char *augmentation;
    struct cursor data;

    read_bytes(&c, 4); /* CIE id */
    version = read_bytes(&c, 1);
    augmentation = (const char *)c.next;
    while (read_bytes(&c, 1) && !c.bad)
        ;
    if (c.bad || (version != 1 && version != 3 && version != 4))
        return false;
    if (version == 4)
        skip(&c, 2); /* address and segment sizes */
    p->code_align = read_uleb(&c);
    p->data_align = read_sleb(&c);
    ra = version == 1 ? read_bytes(&c, 1) : read_uleb(&c);
    p->encoding = 0;
    if (c.bad || ra != REG_RA || (*augmentation && *augmentation != 'z'))
        return false;
    if (*augmentation == 'z') {
        data = c;
        uint64_t size = read_uleb(&c);
        read_uleb(&data);
        skip(&c, size);
        for (const char *a = augmentation + 1; *a && !data.bad; a++) {
            if (*a == 'R')
                p->encoding = (unsigned)read_bytes(&data, 1);
            else if (*a == 'P')
                read_encoded(&data, (unsigned)read_bytes(&data, 1) & 0x0f);
            else if (*a == 'L')
                read_bytes(&data, 1);
            else if (*a == 'S')
                p->signal = true;
            else if (*a != 'B')
                return false;
        }
        if (data.bad)
            return false;
    }
    p->cie = c;
    return !c.bad;
}

static bool read_fde(struct program *p, uintptr_t fde, uintptr_t start,
                     uintptr_t end)
{
    struct cursor c = entry_at(fde, start, end);
    uintptr_t id_at = (uintptr_t)c.next;
    uint64_t back = read_bytes(&c, 4);

    if (c.bad || back == 0 || back > id_at - start ||
        !read_cie(p, entry_at(id_at - back, start, end)))
        return false;
    p->start = read_encoded(&c, p->encoding);
    p->end = p->start + read_encoded(&c, ENC_FORMAT(p->encoding));
    skip(&c, read_uleb(&c)); /* augmentation data */
    p->fde = c;
    return !c.bad;
}

/* ---- running its program ----------------------------------------------- */

struct state {
    uint64_t cfa_register;
    int64_t cfa_offset;
    bool cfa_expression;
    int64_t bp_offset; /* from the CFA; 0: rbp is the caller's */
    bool bp_odd;       /* rbp is somewhere else */
    bool ra_odd, ra_undefined;
};

static void set_offset(struct state *s, uint64_t reg, int64_t offset)
{
    if (reg == REG_BP) {
        s->bp_offset = offset;
        s->bp_odd = offset == 0;
    } else if (reg == REG_RA) {
        s->ra_odd = offset != -8;
        s->ra_undefined = false;
    }
}

static void set_odd(struct state *s, uint64_t reg)
{
    if (reg == REG_BP)
        s->bp_odd = true;
    else if (reg == REG_RA)
        s->ra_odd = true;
}

static void restore(struct state *s, const struct state *initial, uint64_t reg)
{
    if (reg == REG_BP) {
        s->bp_offset = initial->bp_offset;
        s->bp_odd = initial->bp_odd;
    } else if (reg == REG_RA) {
        s->ra_odd = initial->ra_odd;
        s->ra_undefined = initial->ra_undefined;
    }
}

struct machine {
    const struct program *program;
    struct state now, initial, saved[SAVED_STATES_MAX];
    unsigned saved_count;
    uintptr_t at;
};

/* The instructions that have an opcode byte of their own. Returns false for
 * one that is not known. */
static bool run_extended(struct machine *m, struct cursor *c, uint8_t opcode)
{
    int64_t factor = m->program->data_align;
    struct state *s = &m->now;
    uint64_t reg;

    switch (opcode) {
    case 0x00: /* nop */
        return true;
    case 0x01: /* set_loc */
        m->at = read_encoded(c, m->program->encoding);
        return true;
    case 0x02: /* advance_loc1, 2, 4 */
    case 0x03:
    case 0x04:
        m->at += read_bytes(c, 1u << (opcode - 2)) * m->program->code_align;
        return true;
    case 0x05: /* offset_extended */
        reg = read_uleb(c);
        set_offset(s, reg, scale(read_uleb(c), factor));
        return true;
    case 0x11: /* offset_extended_sf */
        reg = read_uleb(c);
        set_offset(s, reg, scale((uint64_t)read_sleb(c), factor));
        return true;
    case 0x2f: /* GNU_negative_offset_extended */
        reg = read_uleb(c);
        set_offset(s, reg, scale(0 - read_uleb(c), factor));
        return true;
    case 0x06: /* restore_extended */
        restore(s, &m->initial, read_uleb(c));
        return true;
    case 0x07: /* undefined */
        reg = read_uleb(c);
        s->ra_undefined |= reg == REG_RA;
        return true;
    case 0x08: /* same_value */
        reg = read_uleb(c);
        if (reg == REG_BP) {
            s->bp_offset = 0;
            s->bp_odd = false;
        }
        return true;
    case 0x09: /* register */
    case 0x14: /* val_offset */
        set_odd(s, read_uleb(c));
        read_uleb(c);
        return true;
    case 0x15: /* val_offset_sf */
        set_odd(s, read_uleb(c));
        read_sleb(c);
        return true;
    case 0x0a: /* remember_state */
        if (m->saved_count == SAVED_STATES_MAX)
            return false;
        m->saved[m->saved_count++] = *s;
        return true;
    case 0x0b: /* restore_state */
        if (m->saved_count == 0)
            return false;
        *s = m->saved[--m->saved_count];
        return true;
    case 0x0c: /* def_cfa */
        s->cfa_register = read_uleb(c);
        s->cfa_offset = (int64_t)read_uleb(c);
        s->cfa_expression = false;
        return true;
    case 0x12: /* def_cfa_sf */
        s->cfa_register = read_uleb(c);
        s->cfa_offset = scale((uint64_t)read_sleb(c), factor);
        s->cfa_expression = false;
        return true;
    case 0x0d: /* def_cfa_register */
        s->cfa_register = read_uleb(c);
        return true;
    case 0x0e: /* def_cfa_offset */
        s->cfa_offset = (int64_t)read_uleb(c);
        return true;
    case 0x13: /* def_cfa_offset_sf */
        s->cfa_offset = scale((uint64_t)read_sleb(c), factor);
        return true;
    case 0x0f: /* def_cfa_expression */
        s->cfa_expression = true;
        skip(c, read_uleb(c));
        return true;
    case 0x10: /* expression */
    case 0x16: /* val_expression */
        set_odd(s, read_uleb(c));
        skip(c, read_uleb(c));
        return true;
    case 0x2e: /* GNU_args_size */
        read_uleb(c);
        return true;
    default:
        return false;
    }
}

/* Runs instructions until they would describe code behind pc. */
static bool run(struct machine *m, struct cursor c, uintptr_t pc)
{
    while (!c.bad && c.next < c.end) {
        uint8_t opcode = (uint8_t)read_bytes(&c, 1);
        uint8_t operand = opcode & 0x3f;

        switch (opcode >> 6) {
        case 1:
            m->at += operand * m->program->code_align;
            break;
        case 2:
            set_offset(&m->now, operand,
                       scale(read_uleb(&c), m->program->data_align));
            break;
        case 3:
            restore(&m->now, &m->initial, operand);
            break;
        default:
            if (!run_extended(m, &c, opcode))
                return false;
        }
        if (m->at > pc)
            return true;
    }
    return !c.bad;
}

static uint32_t pack(const struct state *s)
{
    bool by_bp = s->cfa_register == REG_BP;

    if (s->ra_undefined)
        return CFI_RULE(CFI_END, 0, 0);
    if (s->cfa_expression || s->ra_odd || s->bp_odd ||
        (!by_bp && s->cfa_register != REG_SP) || s->cfa_offset < 8 ||
        s->cfa_offset % 8 || s->cfa_offset / 8 >= 1 << CFI_OFFSET_BITS ||
        s->bp_offset > 0 || s->bp_offset % 8 ||
        s->bp_offset / -8 >= 1 << CFI_BP_BITS)
        return CFI_RULE(CFI_ESCAPE, 0, 0);
    return CFI_RULE(by_bp ? CFI_BP : CFI_SP, s->cfa_offset, -s->bp_offset);
}

uint32_t cfi_rule(uintptr_t return_address)
{
    uintptr_t pc = return_address - 1; /* the call, not what comes after */
    struct dl_find_object object;
    struct program program = {.signal = false};
    struct machine machine = {.program = &program};
    uintptr_t start, end, fde;

    if (_dl_find_object((void *)pc, &object) != 0)
        return CFI_RULE(CFI_NONE, 0, 0);
    start = (uintptr_t)object.dlfo_map_start;
    end = (uintptr_t)object.dlfo_map_end;
    if (!object.dlfo_eh_frame)
        return CFI_RULE(CFI_NO_CODE, 0, 0);
    fde = search((uintptr_t)object.dlfo_eh_frame, end, pc);
    if (!fde)
        return CFI_RULE(CFI_NO_CODE, 0, 0);
    if (!read_fde(&program, fde, start, end))
        return CFI_RULE(CFI_ESCAPE, 0, 0);
    if (pc < program.start || pc >= program.end)
        return CFI_RULE(CFI_NO_CODE, 0, 0);
    if (program.signal)
        return CFI_RULE(CFI_ESCAPE, 0, 0);
    machine.at = program.start;
    if (!run(&machine, program.cie, UINTPTR_MAX))
        return CFI_RULE(CFI_ESCAPE, 0, 0);
    machine.initial = machine.now;
    if (!run(&machine, program.fde, pc))
        return CFI_RULE(CFI_ESCAPE, 0, 0);
    return pack(&machine.now);
}
