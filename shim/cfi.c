/* SPDX-License-Identifier: MIT */
/* cfi.c - see cfi.h: the instructions of DWARF 4's section 6.4.2. */
#include "cfi.h"

#include <stddef.h>

#include "fiber.h"

#define SAVED_ROWS_MAX 2 /* of remember_state; real code nests 1 */
#define VALUE_MAX      ((INT64_C(1) << 28) - 1)

struct machine {
    const struct fde *fde;
    struct cfi_row *now;
    struct cfi_row initial, saved[SAVED_ROWS_MAX];
    unsigned saved_count;
    uintptr_t at;
};

/* An offset in the tables' unit; an absurd one wraps, and is refused where it
 * is used. */
static int64_t scale(uint64_t offset, int64_t factor)
{
    return (int64_t)(offset * (uint64_t)factor);
}

static void set(struct machine *m, uint64_t reg, enum cfi_how how,
                int64_t value)
{
    if (reg >= ARCH_REGISTERS)
        return; /* vector registers and the like: nothing depends on them */
    if (value > VALUE_MAX || value < -VALUE_MAX) {
        how = CFI_UNKNOWN;
        value = 0;
    }
    m->now->registers[reg] = (int32_t)(value * 8 + (int64_t)how);
}

static void restore(struct machine *m, uint64_t reg)
{
    if (reg < ARCH_REGISTERS)
        m->now->registers[reg] = m->initial.registers[reg];
}

/* Passes over a block, and returns where it is (cfi_expression()). */
static int64_t skip_block(struct machine *m, struct cursor *c)
{
    int64_t value = c->next - m->fde->program.next;

    cursor_skip(c, cursor_uleb(c));
    return value;
}

static void set_cfa(struct machine *m, uint64_t reg, int64_t offset)
{
    m->now->cfa_register =
        reg < ARCH_REGISTERS ? (uint32_t)reg : ARCH_REGISTERS;
    m->now->cfa_offset = offset;
}

/* The instructions that say where a register is. Returns false for one that is
 * none of them. */
static bool run_register(struct machine *m, struct cursor *c, uint8_t opcode)
{
    bool was_expression = m->now->cfa_register == CFI_CFA_EXPRESSION;
    int64_t factor = m->fde->data_align;
    uint64_t reg = cursor_uleb(c);

    switch (opcode) {
    case 0x05: /* offset_extended */
        set(m, reg, CFI_SAVED_AT, scale(cursor_uleb(c), factor));
        return true;
    case 0x11: /* offset_extended_sf */
        set(m, reg, CFI_SAVED_AT, scale((uint64_t)cursor_sleb(c), factor));
        return true;
    case 0x2f: /* GNU_negative_offset_extended */
        set(m, reg, CFI_SAVED_AT, scale(0 - cursor_uleb(c), factor));
        return true;
    case 0x14: /* val_offset */
        set(m, reg, CFI_IS, scale(cursor_uleb(c), factor));
        return true;
    case 0x15: /* val_offset_sf */
        set(m, reg, CFI_IS, scale((uint64_t)cursor_sleb(c), factor));
        return true;
    case 0x06: /* restore_extended */
        restore(m, reg);
        return true;
    case 0x07: /* undefined */
        set(m, reg, CFI_UNDEFINED, 0);
        return true;
    case 0x08: /* same_value */
        set(m, reg, CFI_SAME, 0);
        return true;
    case 0x09: /* register */
        set(m, reg, CFI_IN_REGISTER, (int64_t)(cursor_uleb(c) & UINT32_MAX));
        return true;
    case 0x10: /* expression */
        set(m, reg, CFI_EXPRESSION, skip_block(m, c));
        return true;
    case 0x16: /* val_expression */
        set(m, reg, CFI_IS_EXPRESSION, skip_block(m, c));
        return true;
    case 0x0c: /* def_cfa */
        set_cfa(m, reg, (int64_t)cursor_uleb(c));
        return true;
    case 0x12: /* def_cfa_sf */
        set_cfa(m, reg, scale((uint64_t)cursor_sleb(c), factor));
        return true;
    case 0x0d: /* def_cfa_register */
        set_cfa(m, reg, m->now->cfa_offset);
        return !was_expression;
    default:
        return false;
    }
}

/* The instructions that have an opcode byte of their own. Returns false for
 * one that is not known, or not possible here. */
static bool run_extended(struct machine *m, struct cursor *c, uint8_t opcode)
{
    switch (opcode) {
    case 0x00: /* nop */
        return true;
    case 0x01: /* set_loc */
        m->at = fde_read_encoded(c, m->fde->encoding);
        return true;
    case 0x02: /* advance_loc1, 2, 4 */
    case 0x03:
    case 0x04:
        m->at += cursor_bytes(c, 1u << (opcode - 2)) * m->fde->code_align;
        return true;
    case 0x0a: /* remember_state */
        if (m->saved_count == SAVED_ROWS_MAX)
            return false;
        m->saved[m->saved_count++] = *m->now;
        return true;
    case 0x0b: /* restore_state */
        if (m->saved_count == 0)
            return false;
        *m->now = m->saved[--m->saved_count];
        return true;
    case 0x0e: /* def_cfa_offset */
        m->now->cfa_offset = (int64_t)cursor_uleb(c);
        return m->now->cfa_register != CFI_CFA_EXPRESSION;
    case 0x13: /* def_cfa_offset_sf */
        m->now->cfa_offset =
            scale((uint64_t)cursor_sleb(c), m->fde->data_align);
        return m->now->cfa_register != CFI_CFA_EXPRESSION;
    case 0x0f: /* def_cfa_expression */
        m->now->cfa_register = CFI_CFA_EXPRESSION;
        m->now->cfa_offset = skip_block(m, c);
        return true;
    case 0x2e: /* GNU_args_size */
        cursor_uleb(c);
        return true;
    case ARCH_CFI_NOP:
        return true;
    default:
        return run_register(m, c, opcode);
    }
}

/* Runs instructions until they would describe code behind pc. */
static bool run(struct machine *m, struct cursor c, uintptr_t pc)
{
    while (!c.bad && c.next < c.end) {
        uint8_t opcode = (uint8_t)cursor_bytes(&c, 1);
        uint8_t operand = opcode & 0x3f;

        switch (opcode >> 6) {
        case 1: /* advance_loc */
            m->at += operand * m->fde->code_align;
            break;
        case 2: /* offset */
            set(m, operand, CFI_SAVED_AT,
                scale(cursor_uleb(&c), m->fde->data_align));
            break;
        case 3:
            restore(m, operand);
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

bool cfi_row(const struct fde *fde, uintptr_t pc, struct cfi_row *row)
{
    struct machine machine = {.fde = fde, .now = row, .at = fde->start};

    *row = (struct cfi_row){.cfa_register = ARCH_REGISTERS};
    if (!run(&machine, fde->cie_program, UINTPTR_MAX))
        return false;
    machine.initial = *row;
    return run(&machine, fde->program, pc);
}

uint32_t cfi_rule(uintptr_t return_address)
{
    uintptr_t pc = return_address - 1; /* the call, not what comes after */
    struct cfi_row row;
    struct fde fde;

    if (fiber_ends(return_address))
        return CFI_RULE(CFI_END, 0, 0);
    switch (fde_find(pc, &fde)) {
    case FDE_FOUND:
        break;
    case FDE_NO_OBJECT:
        return CFI_RULE(CFI_NONE, 0, 0);
    case FDE_NO_CODE:
        return CFI_RULE(CFI_NO_CODE, 0, 0);
    case FDE_BAD:
        return CFI_RULE(CFI_ESCAPE, 0, 0);
    }
    if (fde.signal || !cfi_row(&fde, pc, &row))
        return CFI_RULE(CFI_ESCAPE, 0, 0);
    if (CFI_HOW(row.registers[ARCH_RA]) == CFI_UNDEFINED)
        return CFI_RULE(CFI_END, 0, 0);
    return arch_rule(&fde, &row);
}
