/* SPDX-License-Identifier: MIT */
/* expression.c - see expression.h. */
#include "expression.h"

#include "frame.h"

#define STACK_MAX 12
#define STEPS_MAX 256 /* a branch may go backwards */

struct stack {
    uint64_t values[STACK_MAX];
    unsigned count;
    bool bad;
};

static void push(struct stack *s, uint64_t value)
{
    if (s->count == STACK_MAX)
        s->bad = true;
    else
        s->values[s->count++] = value;
}

static uint64_t pop(struct stack *s)
{
    if (s->count == 0) {
        s->bad = true;
        return 0;
    }
    return s->values[--s->count];
}

static void pick(struct stack *s, unsigned depth)
{
    if (depth >= s->count)
        s->bad = true;
    else
        push(s, s->values[s->count - 1 - depth]);
}

static void swap(struct stack *s)
{
    uint64_t b = pop(s), a = pop(s);

    push(s, b);
    push(s, a);
}

static void push_register(struct stack *s, const struct frame *frame,
                          uint64_t reg, int64_t offset)
{
    if (reg >= ARCH_REGISTERS)
        s->bad = true;
    else
        push(s, frame->registers[reg] + (uint64_t)offset);
}

/* The operations with a constant operand in the expression. False for one
 * that is none of them. */
static bool push_constant(struct stack *s, struct cursor *c, uint8_t op)
{
    switch (op) {
    case 0x08: /* const1u, 1s, 2u, ... 8s */
    case 0x0a:
    case 0x0c:
    case 0x0e:
        push(s, cursor_bytes(c, 1u << (op - 0x08) / 2));
        return true;
    case 0x09:
    case 0x0b:
    case 0x0d:
    case 0x0f:
        push(s, (uint64_t)cursor_signed(c, 1u << (op - 0x09) / 2));
        return true;
    case 0x10: /* constu */
        push(s, cursor_uleb(c));
        return true;
    case 0x11: /* consts */
        push(s, (uint64_t)cursor_sleb(c));
        return true;
    case 0x23: /* plus_uconst */
        push(s, pop(s) + cursor_uleb(c));
        return true;
    default:
        return false;
    }
}

/* The operations on two values. False for one that is none of them. */
static bool combine(struct stack *s, uint8_t op)
{
    uint64_t b = pop(s), a = pop(s), value;

    switch (op) {
    case 0x1a:
        value = a & b;
        break;
    case 0x1c:
        value = a - b;
        break;
    case 0x21:
        value = a | b;
        break;
    case 0x22:
        value = a + b;
        break;
    case 0x24:
        value = b < 64 ? a << b : 0;
        break;
    case 0x25:
        value = b < 64 ? a >> b : 0;
        break;
    case 0x29: /* eq, ge, gt, le, lt, ne: of signed values */
        value = a == b;
        break;
    case 0x2a:
        value = (int64_t)a >= (int64_t)b;
        break;
    case 0x2b:
        value = (int64_t)a > (int64_t)b;
        break;
    case 0x2c:
        value = (int64_t)a <= (int64_t)b;
        break;
    case 0x2d:
        value = (int64_t)a < (int64_t)b;
        break;
    case 0x2e:
        value = a != b;
        break;
    default:
        return false;
    }
    push(s, value);
    return true;
}

/* Moves the reader by a signed distance. */
static void branch(struct cursor *c, const uint8_t *start, int64_t distance)
{
    if (distance < start - c->next || distance > c->end - c->next)
        c->bad = true;
    else
        c->next += distance;
}

static bool step(struct stack *s, struct cursor *c, const uint8_t *start,
                 const struct frame *frame)
{
    uint8_t op = (uint8_t)cursor_bytes(c, 1);
    uintptr_t word = 0;
    int64_t distance;

    if (op >= 0x30 && op <= 0x4f) { /* lit0 - lit31 */
        push(s, op - 0x30u);
        return true;
    }
    if (op >= 0x70 && op <= 0x8f) { /* breg0 - breg31 */
        push_register(s, frame, op - 0x70u, cursor_sleb(c));
        return true;
    }
    switch (op) {
    case 0x06: /* deref */
        word = pop(s);
        if (s->bad || !frame_load(frame, word, &word))
            return false;
        push(s, word);
        return true;
    case 0x12: /* dup */
        pick(s, 0);
        return true;
    case 0x13: /* drop */
        pop(s);
        return true;
    case 0x14: /* over */
        pick(s, 1);
        return true;
    case 0x16: /* swap */
        swap(s);
        return true;
    case 0x28: /* bra */
        distance = cursor_signed(c, 2);
        if (pop(s) != 0)
            branch(c, start, distance);
        return true;
    case 0x2f: /* skip */
        branch(c, start, cursor_signed(c, 2));
        return true;
    case 0x96: /* nop */
        return true;
    default:
        return push_constant(s, c, op) || combine(s, op);
    }
}

bool expression_value(struct cursor expression, const struct frame *frame,
                      const uintptr_t *cfa, uintptr_t *result)
{
    const uint8_t *start = expression.next;
    struct stack stack;

    stack.count = 0;
    stack.bad = false;
    if (cfa)
        push(&stack, *cfa);
    for (int steps = 0; expression.next < expression.end; steps++)
        if (steps == STEPS_MAX || expression.bad || stack.bad ||
            !step(&stack, &expression, start, frame))
            return false;
    *result = pop(&stack);
    return !stack.bad && !expression.bad;
}
