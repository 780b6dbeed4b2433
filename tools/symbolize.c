/* SPDX-License-Identifier: MIT */
/*
 * symbolize.c - from an address to functions, files and lines.
 *
 *   module (object, bias) -> object (one build of one file) -> its files
 *
 * An object is shared by all modules with its build id, remembers how far it
 * could be symbolized, and has its files open only while they are used; what
 * callers were given is in the string set and outlives them. Must never hand
 * out memory of libelf or libdw.
 * Read next: symbol_file.c, symbol_dwarf.c, symbol_table.c.
 */
#include "symbolize.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "demangle.h"
#include "string_set.h"
#include "symbol_dwarf.h"
#include "symbol_file.h"
#include "symbol_hint.h"
#include "symbol_table.h"

/* An object without full symbols is looked for again after this time: a
 * package may have been installed meanwhile. */
#define SYMBOL_RETRY_MS 10000
#define SYMBOL_UNKNOWN  "??"

/* What tells files without a build id apart. */
struct symbol_stamp {
    const char *path;
    int64_t pid;
    uint64_t mapped_ns;
    dev_t device;
    ino_t inode;
    struct timespec changed;
};

struct symbol_object {
    struct symbol_object *next;
    struct symbol_build_id id;
    struct symbol_stamp stamp; /* where id has no length */
    struct symbol_module *modules;
    enum symbol_state state;
    const char *note;
    bool incomplete; /* the file is there, lines are not */
    int64_t searched_ms;
    bool open; /* the rest is in use */
    uint64_t used;
    struct symbol_file file;
    struct symbol_dwarf *dwarf;
    struct symbol_table *table; /* made when first needed */
};

struct symbol_module {
    struct symbol_module *next;
    struct symbolizer *symbolizer;
    struct symbol_object *object;
    struct symbol_module_key key; /* its path is in the string set, its build
                                     id the object's */
};

struct symbolizer {
    struct string_set *strings;
    struct symbol_hint *hint;
    struct symbol_object *objects; /* last found first, as their modules */
    size_t open_count;
    uint64_t uses;
    struct symbol_module nothing; /* when memory is short: no object */
    char demangled[DEMANGLE_SIZE_MAX];
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const char *keep(struct symbolizer *symbolizer, const char *text)
{
    return text != NULL
               ? string_set_add(symbolizer->strings, text, strlen(text))
               : NULL;
}

/* ---- objects ---------------------------------------------------------------
 */

static void object_close(struct symbolizer *symbolizer,
                         struct symbol_object *object)
{
    if (!object->open)
        return;
    symbol_table_free(object->table);
    symbol_dwarf_free(object->dwarf);
    symbol_file_close(&object->file);
    object->table = NULL;
    object->dwarf = NULL;
    object->open = false;
    symbolizer->open_count--;
}

static void object_close_oldest(struct symbolizer *symbolizer)
{
    struct symbol_object *oldest = NULL;
    for (struct symbol_object *object = symbolizer->objects; object != NULL;
         object = object->next)
        if (object->open && (oldest == NULL || object->used < oldest->used))
            oldest = object;
    if (oldest != NULL)
        object_close(symbolizer, oldest);
}

/* Finds the object's files and takes down what they are good for. */
static void object_open(struct symbol_module *module)
{
    struct symbolizer *symbolizer = module->symbolizer;
    struct symbol_object *object = module->object;
    struct symbol_file *file = &object->file;
    object->used = ++symbolizer->uses;
    if (object->open)
        return;
    if (symbolizer->open_count == SYMBOL_MODULES_OPEN_MAX)
        object_close_oldest(symbolizer);
    symbol_file_open(file, &module->key, SYMBOL_DEBUG_ROOT);
    object->open = true;
    symbolizer->open_count++;
    if (file->dwarf != NULL)
        object->dwarf = symbol_dwarf_new(
            file->dwarf,
            file->main.elf != NULL ? file->main.elf : file->debug.elf,
            symbolizer->strings);
    object->state = file->state;
    object->note = keep(symbolizer, file->note);
    object->incomplete = file->main.elf != NULL &&
                         file->main.directory != NULL &&
                         file->state != SYMBOL_FULL;
    object->searched_ms = now_ms();
}

static struct symbol_stamp key_stamp(const struct symbol_module_key *key)
{
    struct symbol_stamp stamp = {
        .path = key->path, .pid = key->pid, .mapped_ns = key->mapped_ns};
    struct stat status;
    if (stat(key->path, &status) == 0) {
        stamp.device = status.st_dev;
        stamp.inode = status.st_ino;
        stamp.changed = status.st_mtim;
    }
    return stamp;
}

static bool stamp_equal(const struct symbol_stamp *a,
                        const struct symbol_stamp *b)
{
    return strcmp(a->path, b->path) == 0 && a->pid == b->pid &&
           a->mapped_ns == b->mapped_ns && a->device == b->device &&
           a->inode == b->inode && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

/* The object of the key, made when it is new, and first in the list. The path
 * of the key is in the string set. */
static struct symbol_object *object_find(struct symbolizer *symbolizer,
                                         const struct symbol_module_key *key)
{
    struct symbol_object wanted = {0};
    if (key->build_id != NULL && key->build_id_length <= SYMBOL_BUILD_ID_MAX) {
        wanted.id.length = key->build_id_length;
        memcpy(wanted.id.bytes, key->build_id, key->build_id_length);
    }
    if (wanted.id.length == 0)
        wanted.stamp = key_stamp(key);
    struct symbol_object **link = &symbolizer->objects;
    for (; *link != NULL; link = &(*link)->next)
        if (wanted.id.length != 0
                ? symbol_build_id_equal(&wanted.id, &(*link)->id)
                : (*link)->id.length == 0 &&
                      stamp_equal(&wanted.stamp, &(*link)->stamp))
            break;
    struct symbol_object *object = *link;
    if (object != NULL) {
        *link = object->next;
    } else {
        object = malloc(sizeof(*object));
        if (object == NULL)
            return NULL;
        *object = wanted;
    }
    object->next = symbolizer->objects;
    symbolizer->objects = object;
    return object;
}

/* ---- modules ---------------------------------------------------------------
 */

struct symbolizer *symbolizer_new(void)
{
    struct symbolizer *symbolizer = calloc(1, sizeof(*symbolizer));
    if (symbolizer == NULL)
        return NULL;
    elf_version(EV_CURRENT);
    symbolizer->strings = string_set_new();
    symbolizer->hint = symbol_hint_new(SYMBOL_HINT_DIRECTORY);
    if (symbolizer->strings == NULL || symbolizer->hint == NULL) {
        symbolizer_free(symbolizer);
        return NULL;
    }
    return symbolizer;
}

static void module_list_free(struct symbol_module *module)
{
    while (module != NULL) {
        struct symbol_module *next = module->next;
        free(module);
        module = next;
    }
}

void symbolizer_free(struct symbolizer *symbolizer)
{
    if (symbolizer == NULL)
        return;
    for (struct symbol_object *object = symbolizer->objects; object != NULL;) {
        struct symbol_object *next = object->next;
        object_close(symbolizer, object);
        module_list_free(object->modules);
        free(object);
        object = next;
    }
    symbol_hint_free(symbolizer->hint);
    string_set_free(symbolizer->strings);
    free(symbolizer);
}

/* The object as mapped with the key's bias, made when it is new, and first in
 * the list. */
static struct symbol_module *module_find(struct symbolizer *symbolizer,
                                         struct symbol_object *object,
                                         const struct symbol_module_key *key)
{
    struct symbol_module **link = &object->modules;
    while (*link != NULL && (*link)->key.bias != key->bias)
        link = &(*link)->next;
    struct symbol_module *module = *link;
    if (module != NULL) {
        *link = module->next;
    } else {
        module = calloc(1, sizeof(*module));
        if (module == NULL)
            return NULL;
        module->symbolizer = symbolizer;
        module->object = object;
    }
    module->next = object->modules;
    object->modules = module;
    return module;
}

struct symbol_module *symbolizer_module(struct symbolizer *symbolizer,
                                        const struct symbol_module_key *key)
{
    struct symbol_module_key kept = *key;
    kept.path = keep(symbolizer, key->path);
    if (kept.path == NULL)
        return &symbolizer->nothing;
    struct symbol_object *object = object_find(symbolizer, &kept);
    struct symbol_module *module =
        object != NULL ? module_find(symbolizer, object, &kept) : NULL;
    if (module == NULL)
        return &symbolizer->nothing;
    kept.build_id = object->id.length != 0 ? object->id.bytes : NULL;
    kept.build_id_length = object->id.length;
    module->key = kept;
    /* What this process knows may find what others could not. */
    if (object->state == SYMBOL_NONE ||
        (object->state != SYMBOL_FULL &&
         now_ms() - object->searched_ms >= SYMBOL_RETRY_MS))
        object_close(symbolizer, object);
    object_open(module);
    return module;
}

enum symbol_state symbol_module_state(const struct symbol_module *module)
{
    return module->object != NULL ? module->object->state : SYMBOL_NONE;
}

const char *symbol_module_note(const struct symbol_module *module)
{
    struct symbol_object *object = module->object;
    if (object == NULL)
        return NULL;
    if (object->note != NULL || !object->incomplete)
        return object->note;
    struct symbolizer *symbolizer = module->symbolizer;
    const char *slash = strrchr(module->key.path, '/');
    const char *what = object->state == SYMBOL_NAMES
                           ? "has no debug information"
                           : "is stripped";
    char package[SYMBOL_HINT_NAME_SIZE];
    char *note;
    int length =
        symbol_hint_package(symbolizer->hint, module->key.path, package)
            ? asprintf(&note, "%s %s: lines need package %s", slash + 1, what,
                       package)
            : asprintf(&note, "%s %s: no lines", slash + 1, what);
    if (length >= 0) {
        object->note = keep(symbolizer, note);
        free(note);
    }
    return object->note;
}

/* ---- frames ----------------------------------------------------------------
 */

static bool object_find_symbol(struct symbol_object *object, uint64_t address,
                               const char **name, size_t *length,
                               uint64_t *start)
{
    if (object->table == NULL)
        object->table =
            symbol_table_new(object->file.main.elf, object->file.debug.elf);
    return object->table != NULL &&
           symbol_table_find(object->table, address, name, length, start);
}

/*
 * The physical function has an ELF symbol too. It gives the name that DWARF
 * does not: of code that has no DWARF, and the full name where there is only
 * the last part of it (gcc, for what is in an anonymous namespace).
 */
static bool frame_set_symbol(struct symbol_frame *frame,
                             struct symbol_module *module, uint64_t address)
{
    const char *name;
    size_t length;
    uint64_t start;
    if (!object_find_symbol(module->object, address, &name, &length, &start))
        return false;
    if (frame->function != NULL &&
        (start != address - frame->offset || !demangle_is_mangled(name)))
        return false;
    frame->system_name =
        string_set_add(module->symbolizer->strings, name, length);
    frame->offset = address - start;
    return frame->system_name != NULL;
}

/* Demangles, and takes the texts out of the files' memory. */
static void frame_keep(struct symbol_frame *frame,
                       struct symbolizer *symbolizer)
{
    size_t length;
    const char *name = frame->function;
    if (frame->system_name == NULL)
        frame->system_name = name;
    if (frame->system_name != NULL &&
        demangle(frame->system_name, symbolizer->demangled, &length))
        name = symbolizer->demangled;
    else if (name == NULL)
        name = frame->system_name;
    frame->function = keep(symbolizer, name);
    frame->system_name = keep(symbolizer, frame->system_name);
    frame->file = keep(symbolizer, frame->file);
    if (frame->function == NULL || frame->function[0] == '\0')
        frame->function = SYMBOL_UNKNOWN;
    if (frame->system_name == NULL)
        frame->system_name = frame->function;
}

size_t symbol_module_frames(struct symbol_module *module, uint64_t address,
                            struct symbol_frame *frames, size_t frames_max)
{
    struct symbol_object *object = module->object;
    if (object == NULL || frames_max == 0)
        return 0;
    object_open(module);
    address -= module->key.bias;
    size_t count =
        object->dwarf != NULL
            ? symbol_dwarf_frames(object->dwarf, address, frames, frames_max)
            : 0;
    if (count == 0) {
        frames[0] = (struct symbol_frame){0};
        count = 1;
    }
    struct symbol_frame *physical = &frames[count - 1];
    if (physical->system_name == NULL &&
        !frame_set_symbol(physical, module, address) &&
        physical->function == NULL && physical->file == NULL)
        return 0;
    for (size_t i = 0; i < count; i++)
        frame_keep(&frames[i], module->symbolizer);
    return count;
}
