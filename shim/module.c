/* SPDX-License-Identifier: MIT */
/*
 * module.c - see module.h.
 *
 * States of a known module: EMPTY -> ALIVE -> GONE -> REPLACED. An entry is
 * written by the thread that reserved its index and published by `state`
 * (release; pairs with the acquire in find_known). Two threads that enter the
 * same object at once make two entries; both then use the lower one.
 */
#include "module.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>

#include "extent.h"
#include "life.h"
#include "os.h"
#include "real.h"
#include "reserve.h"
#include "segment.h"
#include "walk.h"

#define MODULE_EXTENTS (SEGMENT_MODULES_MAX / SEGMENT_MODULES_PER_EXTENT)
#define STRING_EXTENTS (SEGMENT_STRINGS_MAX / SEGMENT_EXTENT_SIZE)
#define PATH_MAX_BYTES 4096u
/* A longer current directory leaves a relative path relative: this is on the
 * stack of whoever allocates first in a module. */
#define DIRECTORY_MAX_BYTES 1024u

enum known_state { EMPTY, ALIVE, GONE, REPLACED };

struct known {
    uintptr_t start, end;
    uintptr_t build_id; /* its address, 0 when it has none */
    uint64_t path;      /* hash of the loader's name for it */
    uint32_t state;
};

struct tables {
    struct segment_module *modules[MODULE_EXTENTS];
    char *strings[STRING_EXTENTS];
    struct known known[SEGMENT_MODULES_MAX];
    uint64_t remaps;
};

static struct tables *tables; /* wiped in children */

static const uint64_t constant;
const uint64_t *module_watches[MODULE_WATCHES_MAX] = {&constant, &constant,
                                                      &constant, &constant};
int module_watch_count;

int module_reset(void)
{
    if (!tables)
        tables = os_map_wiped(sizeof(*tables));
    return tables ? 0 : -ENOMEM;
}

uint64_t module_remaps(void)
{
    return __atomic_load_n(&tables->remaps, __ATOMIC_RELAXED);
}

/* ---- what to watch ----------------------------------------------------- */

static int read_loads(struct dl_phdr_info *info, size_t size, void *loads)
{
    (void)size;
    *(uint64_t *)loads = info->dlpi_adds;
    return 1; /* the first object is enough */
}

void module_begin(void)
{
    const char *symbol = real_find(RTLD_DEFAULT, "_rtld_global");
    ElfW(Sym) *entry = NULL;
    uint64_t loads = 0;
    Dl_info info;

    dl_iterate_phdr(read_loads, &loads);
    if (!symbol || !loads ||
        !dladdr1(symbol, &info, (void **)&entry, RTLD_DL_SYMENT) || !entry ||
        info.dli_saddr != symbol)
        return;
    for (size_t at = 0; at + 8 <= entry->st_size; at += 8) {
        const uint64_t *word = (const uint64_t *)(const void *)(symbol + at);

        if (*word == loads && module_watch_count < MODULE_WATCHES_MAX)
            module_watches[module_watch_count++] = word;
    }
}

/* ---- names, for comparing --------------------------------------------------
 */

#define HASH_BEGIN 0xcbf29ce484222325u /* FNV-1a */

static uint64_t hash_step(uint64_t hash, char c)
{
    return (hash ^ (uint8_t)c) * 0x100000001b3u;
}

static uint64_t hash_path(const char *path)
{
    uint64_t hash = HASH_BEGIN;

    while (*path)
        hash = hash_step(hash, *path++);
    return hash;
}

/* ---- what an object is ------------------------------------------------- */

struct object {
    uintptr_t start, end, bias;
    const char *path;
    uint64_t name_hash; /* of the loader's name for it */
    uintptr_t text_start, text_end, text_offset;
    const uint8_t *build_id;
    size_t build_id_length;
    uint32_t flags;
};

/* Finds the build id in a note segment. All reads stay inside the note. */
static void read_note(struct object *object, const uint8_t *note, size_t size)
{
    while (size >= sizeof(ElfW(Nhdr))) {
        const ElfW(Nhdr) *header = (const ElfW(Nhdr) *)(const void *)note;
        size_t name = (header->n_namesz + 3ul) & ~3ul;
        size_t content = (header->n_descsz + 3ul) & ~3ul;
        const uint8_t *owner = note + sizeof(*header);

        size -= sizeof(*header);
        if (name > size || content > size - name)
            return;
        if (header->n_type == NT_GNU_BUILD_ID && header->n_namesz == 4 &&
            memcmp(owner, "GNU", 4) == 0 && header->n_descsz <= 32) {
            object->build_id = owner + name;
            object->build_id_length = header->n_descsz;
            return;
        }
        note = owner + name + content;
        size -= name + content;
    }
}

/* Program headers of a mapped object, when its first page is the file's. */
static void read_headers(struct object *object)
{
    const ElfW(Ehdr) *file = (const ElfW(Ehdr) *)object->start;
    size_t room = object->end - object->start;
    const ElfW(Phdr) * headers;

    if (room < sizeof(*file) || memcmp(file->e_ident, ELFMAG, SELFMAG) != 0 ||
        file->e_phentsize != sizeof(*headers) || file->e_phoff > room ||
        file->e_phnum > (room - file->e_phoff) / sizeof(*headers))
        return;
    headers = (const ElfW(Phdr) *)(object->start + file->e_phoff);
    for (int i = 0; i < file->e_phnum; i++) {
        const ElfW(Phdr) *header = &headers[i];
        uintptr_t at = object->bias + header->p_vaddr;
        uintptr_t page = header->p_vaddr % OS_PAGE_SIZE;

        if (at < object->start || at > object->end ||
            header->p_memsz > object->end - at)
            continue;
        if (header->p_type == PT_LOAD && (header->p_flags & PF_X)) {
            object->text_start = at - page;
            object->text_end = (at + header->p_memsz + OS_PAGE_SIZE - 1) &
                               ~(uintptr_t)(OS_PAGE_SIZE - 1);
            object->text_offset = header->p_offset - page;
            /* The loader has the vDSO's end to the byte. */
            if (object->text_end > object->end)
                object->text_end = object->end;
        } else if (header->p_type == PT_NOTE && !object->build_id) {
            read_note(object, (const uint8_t *)at, header->p_memsz);
        }
    }
}

/* Describes what the loader has found. */
static void describe(const struct dl_find_object *found, struct object *object)
{
    const char *name = found->dlfo_link_map->l_name;

    *object = (struct object){
        .start = (uintptr_t)found->dlfo_map_start,
        .end = (uintptr_t)found->dlfo_map_end,
        .bias = found->dlfo_link_map->l_addr,
        .path = name,
        .name_hash = hash_path(name),
        .text_start = (uintptr_t)found->dlfo_map_start,
        .text_end = (uintptr_t)found->dlfo_map_end,
    };
    if (name[0] == '\0') {
        object->path = life->header->executable;
        object->flags = SEGMENT_MODULE_MAIN;
    } else if (strcmp(name, "linux-vdso.so.1") == 0) {
        object->path = "[vdso]";
        object->flags = SEGMENT_MODULE_VDSO;
    }
    read_headers(object);
}

/* ---- entering ---------------------------------------------------------- */

/* Writes a path (made absolute) to the strings. */
static NOINLINE void enter_path(struct segment_module *module, const char *path)
{
    char directory[DIRECTORY_MAX_BYTES];
    size_t prefix = 0, length = strlen(path);
    uint32_t at;

    if (path[0] != '/' && path[0] != '[') {
        long got = os_working_directory(directory, sizeof(directory) - 1);

        if (got > 0) {
            prefix = (size_t)got;
            directory[prefix++] = '/';
        }
    }
    if (prefix + length > PATH_MAX_BYTES)
        return;
    at = reserve(&life->header->strings_used, (uint32_t)(prefix + length),
                 SEGMENT_STRINGS_MAX);
    if (at == RESERVE_NONE)
        return;
    for (uint32_t i = 0; i < prefix + length; i++) {
        uint32_t extent = (at + i) / SEGMENT_EXTENT_SIZE;
        char *strings =
            extent_get((void **)&tables->strings[extent],
                       SEGMENT_EXTENT_STRINGS, 0, extent * SEGMENT_EXTENT_SIZE);
        if (!strings)
            return;
        strings[(at + i) % SEGMENT_EXTENT_SIZE] =
            i < prefix ? directory[i] : path[i - prefix];
    }
    module->path = at;
    module->path_length = (uint32_t)(prefix + length);
}

/* The alive entry for an object that lies there, as segment_node.module, or
 * 0. */
static uint32_t find_known(uintptr_t start, uintptr_t end)
{
    uint32_t used =
        __atomic_load_n(&life->header->modules_used, __ATOMIC_RELAXED);

    for (uint32_t i = 0; i < used; i++) {
        const struct known *known = &tables->known[i];

        if (__atomic_load_n(&known->state, __ATOMIC_ACQUIRE) == ALIVE &&
            known->start == start && known->end == end)
            return i + 1;
    }
    return 0;
}

static COLD uint32_t enter(const struct object *object)
{
    uint32_t index =
        reserve(&life->header->modules_used, 1, SEGMENT_MODULES_MAX);
    uint32_t extent = index / SEGMENT_MODULES_PER_EXTENT;
    struct segment_module *module = NULL;
    struct known *known;

    if (index != RESERVE_NONE)
        module = extent_get((void **)&tables->modules[extent],
                            SEGMENT_EXTENT_MODULES, 0,
                            extent * SEGMENT_MODULES_PER_EXTENT);
    if (!module) {
        life_lose(SEGMENT_LOSS_MODULES_FULL, 1);
        return 0;
    }
    module += index % SEGMENT_MODULES_PER_EXTENT;
    module->start = object->start;
    module->bias = object->bias;
    module->text_start = object->text_start;
    module->text_end = object->text_end;
    module->text_offset = object->text_offset;
    module->flags = object->flags;
    module->build_id_length = (uint32_t)object->build_id_length;
    memcpy(module->build_id, object->build_id, object->build_id_length);
    enter_path(module, object->path);
    __atomic_store_n(&module->end, object->end, __ATOMIC_RELEASE);

    known = &tables->known[index];
    known->start = object->start;
    known->end = object->end;
    known->build_id = (uintptr_t)object->build_id;
    known->path = object->name_hash;
    __atomic_store_n(&known->state, ALIVE, __ATOMIC_RELEASE);
    return find_known(object->start, object->end);
}

uint16_t module_of(uintptr_t pc)
{
    struct dl_find_object found;
    struct object object;
    uint32_t module;

    if (_dl_find_object((void *)pc, &found) != 0)
        return 0;
    module = find_known((uintptr_t)found.dlfo_map_start,
                        (uintptr_t)found.dlfo_map_end);
    if (LIKELY(module != 0))
        return (uint16_t)module;
    describe(&found, &object);
    return (uint16_t)enter(&object);
}

/* ---- noticing replaced code -------------------------------------------- */

/* Whether anything lies now where a module lay that is gone: page by page, for
 * something small may lie in the middle. */
static bool overlaps_loaded(const struct known *known)
{
    struct dl_find_object found;

    for (uintptr_t at = known->start; at < known->end; at += OS_PAGE_SIZE)
        if (_dl_find_object((void *)at, &found) == 0)
            return true;
    return false;
}

/* Whether the loader's name at an address is the one with this hash. */
static bool name_is(const char *const *name_at, uint64_t path)
{
    uint64_t hash = HASH_BEGIN;
    uintptr_t name;
    char c;

    if (os_copy(&name, (uintptr_t)name_at, sizeof(name)) != 0)
        return false;
    for (size_t i = 0; i < PATH_MAX_BYTES; i++) {
        if (os_copy(&c, name + i, 1) != 0)
            return false;
        if (!c)
            return hash == path;
        hash = hash_step(hash, c);
    }
    return false;
}

/*
 * Whether what lies where a module lay is still that module. Another thread
 * may be unloading it at this moment: its memory, and the loader's description
 * of it, are copied by the kernel, which fails where we would be killed. Where
 * a sandbox forbids that, the same range counts as the same module.
 */
static bool is_still(const struct known *known,
                     const struct segment_module *module)
{
    uint8_t build_id[sizeof(module->build_id)];
    struct dl_find_object found;
    int err;

    if (_dl_find_object((void *)known->start, &found) != 0 ||
        (uintptr_t)found.dlfo_map_start != known->start ||
        (uintptr_t)found.dlfo_map_end != known->end)
        return false;
    if (!known->build_id) {
        const char *const *name =
            (const char *const *)&found.dlfo_link_map->l_name;

        return !os_copy_works() || name_is(name, known->path);
    }
    err = os_copy(build_id, known->build_id, module->build_id_length);
    if (err)
        return err != -EFAULT;
    return memcmp(build_id, module->build_id, module->build_id_length) == 0;
}

static void revalidate(uint32_t index)
{
    struct known *known = &tables->known[index];
    uint32_t state = __atomic_load_n(&known->state, __ATOMIC_ACQUIRE);

    if (state == ALIVE) {
        const struct segment_module *modules = __atomic_load_n(
            &tables->modules[index / SEGMENT_MODULES_PER_EXTENT],
            __ATOMIC_ACQUIRE);

        if (is_still(known, &modules[index % SEGMENT_MODULES_PER_EXTENT]))
            return;
        state = GONE;
    }
    if (state == GONE && overlaps_loaded(known)) {
        __atomic_fetch_add(&tables->remaps, 1, __ATOMIC_RELAXED);
        state = REPLACED;
    }
    walk_forget(known->start, known->end);
    __atomic_store_n(&known->state, state, __ATOMIC_RELEASE);
}

void module_refresh(struct module_loads *loads)
{
    uint32_t used =
        __atomic_load_n(&life->header->modules_used, __ATOMIC_RELAXED);
    struct module_loads now;

    for (int i = 0; i < MODULE_WATCHES_MAX; i++)
        now.words[i] = __atomic_load_n(module_watches[i], __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < used; i++) {
        uint32_t state =
            __atomic_load_n(&tables->known[i].state, __ATOMIC_ACQUIRE);
        if (state == ALIVE || state == GONE)
            revalidate(i);
    }
    for (int i = 0; i < MODULE_WATCHES_MAX; i++)
        __atomic_store_n(&loads->words[i], now.words[i], __ATOMIC_RELEASE);
}
