/* SPDX-License-Identifier: MIT */
/*
 * symbol_debug.c - the separate debug file of an object.
 * Must never use one that was not proven to belong to it.
 * Read next: symbol_file.c.
 */
#include "symbol_debug.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <libdeflate.h>

/* Is it the file that is meant? */
struct debug_proof {
    const struct symbol_build_id *id; /* by this, when it has a length */
    uint32_t crc;                     /* else by this */
};

static bool debug_is_proven(const struct symbol_elf *debug,
                            const struct debug_proof *proof)
{
    if (proof->id->length != 0)
        return symbol_build_id_equal(&debug->build_id, proof->id);
    size_t size;
    const char *bytes = elf_rawfile(debug->elf, &size);
    return bytes != NULL && libdeflate_crc32(0, bytes, size) == proof->crc;
}

/* A stripped file can lie under its own debug file's name. */
static bool debug_is_useful(const struct symbol_elf *debug)
{
    GElf_Shdr header;
    return symbol_elf_has_debug_info(debug->elf) ||
           symbol_elf_section(debug->elf, NULL, SHT_SYMTAB, &header) != NULL;
}

/* Opens the file of this name, in the first root where it is proven. */
__attribute__((format(printf, 4, 5))) static bool
debug_open(struct symbol_elf *debug, const struct symbol_places *places,
           const struct debug_proof *proof, const char *format, ...)
{
    char path[PATH_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(path, sizeof(path), format, arguments);
    va_end(arguments);
    if (length < 0 || length >= (int)sizeof(path))
        return false;
    for (size_t i = 0; i < places->root_count; i++) {
        if (symbol_elf_open(debug, places->roots[i], path) != 0)
            continue;
        if (debug_is_useful(debug) && debug_is_proven(debug, proof))
            return true;
        symbol_elf_close(debug);
    }
    return false;
}

bool symbol_debug_open_by_id(struct symbol_elf *debug,
                             const struct symbol_places *places,
                             const struct symbol_build_id *id)
{
    if (id->length < 2)
        return false;
    char hex[2 * SYMBOL_BUILD_ID_MAX + 1];
    for (size_t i = 0; i < id->length; i++)
        snprintf(hex + 2 * i, 3, "%02x", id->bytes[i]);
    struct debug_proof proof = {.id = id};
    return debug_open(debug, places, &proof, "%s/.build-id/%.2s/%s.debug",
                      places->debug_root, hex, hex + 2);
}

/* Beside the object, in .debug/ there, and in its place under debug_root. */
static bool debug_open_near(struct symbol_elf *debug,
                            const struct symbol_places *places,
                            const struct debug_proof *proof,
                            const char *directory, int length, const char *name)
{
    return debug_open(debug, places, proof, "%.*s/%s", length, directory,
                      name) ||
           debug_open(debug, places, proof, "%.*s/.debug/%s", length, directory,
                      name) ||
           debug_open(debug, places, proof, "%s%.*s/%s", places->debug_root,
                      length, directory, name);
}

bool symbol_debug_open_by_link(struct symbol_elf *debug,
                               const struct symbol_places *places,
                               const struct symbol_elf *main, const char *path)
{
    /* The section: a file name, zeros up to a multiple of four, the CRC. */
    GElf_Shdr header;
    Elf_Scn *section =
        symbol_elf_section(main->elf, ".gnu_debuglink", 0, &header);
    Elf_Data *data = section != NULL ? elf_rawdata(section, NULL) : NULL;
    if (data == NULL || data->d_buf == NULL)
        return false;
    const char *name = data->d_buf;
    size_t name_length = strnlen(name, data->d_size);
    size_t crc_offset = (name_length + 4) & ~(size_t)3;
    if (name_length == 0 || data->d_size < 4 || crc_offset > data->d_size - 4 ||
        memchr(name, '/', name_length) != NULL)
        return false;
    struct debug_proof proof = {.id = &main->build_id};
    memcpy(&proof.crc, name + crc_offset, sizeof(proof.crc));

    const char *slash = strrchr(path, '/');
    const char *real = main->directory;
    return (slash != NULL && debug_open_near(debug, places, &proof, path,
                                             (int)(slash - path), name)) ||
           (real != NULL && debug_open_near(debug, places, &proof, real,
                                            (int)strlen(real), name));
}

bool symbol_debug_open_common(struct symbol_elf *common,
                              const struct symbol_places *places,
                              const struct symbol_elf *debug)
{
    /* The section: a path, a NUL, a build id. */
    GElf_Shdr header;
    Elf_Scn *section =
        symbol_elf_section(debug->elf, ".gnu_debugaltlink", 0, &header);
    if (section == NULL)
        return true;
    Elf_Data *data = elf_rawdata(section, NULL);
    if (data == NULL || data->d_buf == NULL)
        return false;
    const char *name = data->d_buf;
    size_t length = strnlen(name, data->d_size);
    struct symbol_build_id id = {0};
    if (length == 0 || length >= data->d_size ||
        data->d_size - length - 1 > sizeof(id.bytes))
        return false;
    id.length = data->d_size - length - 1;
    memcpy(id.bytes, name + length + 1, id.length);

    struct debug_proof proof = {.id = &id};
    if (symbol_debug_open_by_id(common, places, &id))
        return true;
    if (id.length == 0)
        return false;
    if (name[0] == '/')
        return debug_open(common, places, &proof, "%s", name);
    return debug->directory != NULL &&
           debug_open(common, places, &proof, "%s/%s", debug->directory, name);
}
