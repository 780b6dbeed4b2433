/* SPDX-License-Identifier: MIT */
/*
 * symbolize.h - from an address to functions, files and lines.
 *
 * Offline and outside the profiled process, over libdw: inlined frames, build
 * id and .gnu_debuglink debug files, C++/Rust/D demangling. It must never
 * reach the network (DEBUGINFOD_URLS is ignored) and never trust that a file
 * still is the one the process had mapped. Read next: profile.h, render.h.
 *
 * Everything a symbolizer returns is owned by it and lives until
 * symbolizer_free(). One symbolizer is used by one thread.
 */
#ifndef PREPROF_SYMBOLIZE_H
#define PREPROF_SYMBOLIZE_H

#include <stddef.h>
#include <stdint.h>

struct symbolizer;
struct symbol_module;

/* What is known of a mapped object (from the segment, or /proc/PID/maps). */
struct symbol_module_key {
    const char *path;        /* absolute; "[vdso]" for the vDSO */
    const uint8_t *build_id; /* NULL when it has none */
    size_t build_id_length;
    uint64_t bias;      /* address = bias + virtual address in the file */
    int64_t pid;        /* live process that maps it, for /proc/PID/root and
                       /proc/PID/map_files when the file was deleted; else 0 */
    uint64_t mapped_ns; /* CLOCK_REALTIME when it was mapped at the latest: a
                           file without build id changed after it is suspect */
};

/* One function at an address; [0] is innermost, the last one physical. */
struct symbol_frame {
    const char *function;    /* demangled; never NULL or empty */
    const char *system_name; /* as in the symbol table */
    const char *file;        /* absolute where DWARF says so; NULL unknown */
    uint32_t line;           /* 0 unknown */
    uint32_t start_line;     /* of the function; 0 unknown */
    uint64_t offset; /* of the address in its physical function (last frame) */
};

/* How far symbolizing a module could go. */
enum symbol_state {
    SYMBOL_FULL,    /* DWARF: functions, lines, inlined frames */
    SYMBOL_NAMES,   /* symbol table only */
    SYMBOL_DYNAMIC, /* stripped: exported names only */
    SYMBOL_NONE,    /* nothing */
};

#define SYMBOL_FRAMES_MAX 64 /* inlined frames of one address */

/* Returns NULL when memory is short. */
struct symbolizer *symbolizer_new(void);
void symbolizer_free(struct symbolizer *symbolizer);

/*
 * Finds (or remembers) the files for one mapped object. Never fails: an
 * object whose file is gone gets a module that answers with no frames and a
 * note. Files are cached by build id; at most SYMBOL_MODULES_OPEN_MAX stay
 * open.
 */
#define SYMBOL_MODULES_OPEN_MAX 256
struct symbol_module *symbolizer_module(struct symbolizer *symbolizer,
                                        const struct symbol_module_key *key);

/*
 * The frames at `address` (a runtime address inside the module; the caller has
 * already subtracted 1 from return addresses), innermost first, at most
 * frames_max. Returns how many; 0 when nothing is known.
 */
size_t symbol_module_frames(struct symbol_module *module, uint64_t address,
                            struct symbol_frame *frames, size_t frames_max);

enum symbol_state symbol_module_state(const struct symbol_module *module);

/*
 * One line for people when the object could not be symbolized fully, or not
 * from the file at its path: it was deleted, or replaced by another build, or
 * is stripped and which package has its debug file. Else NULL.
 */
const char *symbol_module_note(const struct symbol_module *module);

#endif
