/* SPDX-License-Identifier: MIT */
/* fde.c - see fde.h. */
#include "fde.h"

#include <dlfcn.h>

#include "arch.h"

/* Pointer encodings. */
#define ENC_FORMAT(e)   ((e)&0x0fu)
#define ENC_RELATIVE(e) ((e)&0x70u)
#define ENC_PCREL       0x10u
#define ENC_SEARCH      0x3bu /* datarel | sdata4: what every linker writes */
#define ENC_UDATA4      0x03u

uint64_t fde_read_encoded(struct cursor *c, uint32_t encoding)
{
    uint64_t at = (uintptr_t)c->next, value = 0;

    switch (ENC_FORMAT(encoding)) {
    case 0x00:
    case 0x04:
    case 0x0c:
        value = cursor_bytes(c, 8);
        break;
    case 0x01:
        value = cursor_uleb(c);
        break;
    case 0x02:
        value = cursor_bytes(c, 2);
        break;
    case 0x03:
        value = cursor_bytes(c, 4);
        break;
    case 0x09:
        value = (uint64_t)cursor_sleb(c);
        break;
    case 0x0a:
        value = (uint64_t)cursor_signed(c, 2);
        break;
    case 0x0b:
        value = (uint64_t)cursor_signed(c, 4);
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

/* The address of the FDE that may cover pc, from the sorted search table. */
static uintptr_t search(uintptr_t header, uintptr_t end, uintptr_t pc)
{
    struct cursor c = {(const uint8_t *)header, (const uint8_t *)end, false};
    uint64_t version = cursor_bytes(&c, 1);
    uint32_t frame_encoding = (uint32_t)cursor_bytes(&c, 1);
    uint64_t count_encoding = cursor_bytes(&c, 1);
    uint64_t table_encoding = cursor_bytes(&c, 1);
    uint64_t count, low = 0;
    int32_t first, fde;

    fde_read_encoded(&c, frame_encoding);
    count = cursor_bytes(&c, 4);
    if (c.bad || version != 1 || count_encoding != ENC_UDATA4 ||
        table_encoding != ENC_SEARCH || count > (uint64_t)(c.end - c.next) / 8)
        return 0;
    for (uint64_t high = count; low < high;) {
        uint64_t middle = low + (high - low) / 2;

        memcpy(&first, c.next + 8 * middle, 4);
        if (header + (uintptr_t)(intptr_t)first <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return 0;
    memcpy(&fde, c.next + 8 * (low - 1) + 4, 4);
    return header + (uintptr_t)(intptr_t)fde;
}

/* A cursor over the entry (CIE or FDE) at an address, behind its length. */
static struct cursor entry_at(uintptr_t address, uintptr_t start, uintptr_t end)
{
    struct cursor c = {(const uint8_t *)address, (const uint8_t *)end,
                       address < start || address >= end};
    uint64_t length = cursor_bytes(&c, 4);

    if (length == 0xffffffff)
        length = cursor_bytes(&c, 8);
    if (c.bad || length == 0 || length > (uint64_t)(c.end - c.next))
        c.bad = true;
    else
        c.end = c.next + length;
    return c;
}

static bool read_cie(struct fde *fde, struct cursor c)
{
    uint64_t version, ra;
    const char *augmentation;

    cursor_bytes(&c, 4); /* CIE id */
    version = cursor_bytes(&c, 1);
    augmentation = (const char *)c.next;
    while (cursor_bytes(&c, 1) && !c.bad)
        ;
    if (c.bad || (version != 1 && version != 3 && version != 4))
        return false;
    if (version == 4)
        cursor_skip(&c, 2); /* address and segment sizes */
    fde->code_align = cursor_uleb(&c);
    fde->data_align = cursor_sleb(&c);
    ra = version == 1 ? cursor_bytes(&c, 1) : cursor_uleb(&c);
    fde->encoding = 0;
    if (c.bad || ra != ARCH_RA || (*augmentation && *augmentation != 'z'))
        return false;
    if (*augmentation == 'z') {
        struct cursor data = cursor_block(c.next, c.end);

        cursor_skip(&c, cursor_uleb(&c));
        for (const char *a = augmentation + 1; *a && !data.bad; a++) {
            if (*a == 'R')
                fde->encoding = (uint32_t)cursor_bytes(&data, 1);
            else if (*a == 'P')
                fde_read_encoded(&data, ENC_FORMAT(cursor_bytes(&data, 1)));
            else if (*a == 'L')
                cursor_bytes(&data, 1);
            else if (*a == 'S')
                fde->signal = true;
            else if (*a != 'B') /* which key signs return addresses */
                return false;
        }
        if (data.bad)
            return false;
    }
    fde->cie_program = c;
    return !c.bad;
}

static bool read_fde(struct fde *fde, uintptr_t address, uintptr_t start,
                     uintptr_t end)
{
    struct cursor c = entry_at(address, start, end);
    uintptr_t id_at = (uintptr_t)c.next;
    uint64_t back = cursor_bytes(&c, 4);

    if (c.bad || back == 0 || back > id_at - start ||
        !read_cie(fde, entry_at(id_at - back, start, end)))
        return false;
    fde->start = fde_read_encoded(&c, fde->encoding);
    fde->end = fde->start + fde_read_encoded(&c, ENC_FORMAT(fde->encoding));
    cursor_skip(&c, cursor_uleb(&c)); /* augmentation data */
    fde->program = c;
    return !c.bad;
}

enum fde_result fde_find(uintptr_t pc, struct fde *fde)
{
    struct dl_find_object object, tables;
    uintptr_t header, start, end, address;

    fde->signal = false;
    if (_dl_find_object((void *)pc, &object) != 0)
        return FDE_NO_OBJECT;
    if (!object.dlfo_eh_frame)
        return FDE_NO_CODE;
    header = (uintptr_t)object.dlfo_eh_frame;
    start = (uintptr_t)object.dlfo_map_start;
    end = (uintptr_t)object.dlfo_map_end;
    if (header < start || header >= end) {
        /* An object with holes in it: what was found is one segment. */
        if (_dl_find_object(object.dlfo_eh_frame, &tables) != 0)
            return FDE_BAD;
        start = (uintptr_t)tables.dlfo_map_start;
        end = (uintptr_t)tables.dlfo_map_end;
    }
    address = search(header, end, pc);
    if (!address)
        return FDE_NO_CODE;
    if (!read_fde(fde, address, start, end))
        return FDE_BAD;
    return pc >= fde->start && pc < fde->end ? FDE_FOUND : FDE_NO_CODE;
}
