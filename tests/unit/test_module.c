/* SPDX-License-Identifier: MIT */
/*
 * The module table against dl_iterate_phdr and readelf; and what happens to it
 * when libraries come, go and come to lie where others lay. The libraries are
 * compiled here, to be of the size a case needs.
 */
#include <dlfcn.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "module.h"
#include "own_life.h"

#define PAGE_UP(x) (((x) + 4095) & ~(uintptr_t)4095)

static char directory[] = "/tmp/test_module.XXXXXX";

static struct module_loads loads; /* as of the last look */

static void look(void)
{
    if (module_changed(&loads))
        module_refresh(&loads);
}

/* Although the loader's words have not moved. */
static void look_again(void)
{
    module_refresh(&loads);
}

static const struct segment_module *record(uint16_t module)
{
    assert_int_not_equal(module, 0);
    return own_life_element(SEGMENT_EXTENT_MODULES, 0, module - 1u,
                            SEGMENT_MODULES_PER_EXTENT,
                            sizeof(struct segment_module));
}

static const char *path_of(const struct segment_module *module)
{
    static char path[4096];

    for (uint32_t i = 0; i < module->path_length; i++)
        path[i] =
            *(char *)own_life_element(SEGMENT_EXTENT_STRINGS, 0,
                                      module->path + i, SEGMENT_EXTENT_SIZE, 1);
    path[module->path_length] = '\0';
    return path;
}

/* ---- what a module says ------------------------------------------------ */

/* The object that contains an address, as the loader iterates over them. */
struct expected {
    uintptr_t address;
    uintptr_t start, end, bias, text_start, text_end, text_offset;
};

static int find_object(struct dl_phdr_info *info, size_t size, void *argument)
{
    struct expected *expected = argument;
    struct expected found = {.start = UINTPTR_MAX, .bias = info->dlpi_addr};

    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + header->p_vaddr;

        if (header->p_type != PT_LOAD)
            continue;
        if (found.start > (start & ~(uintptr_t)4095))
            found.start = start & ~(uintptr_t)4095;
        if (found.end < start + header->p_memsz)
            found.end = start + header->p_memsz;
        if (header->p_flags & PF_X) {
            found.text_start = start & ~(uintptr_t)4095;
            found.text_end = PAGE_UP(start + header->p_memsz);
            found.text_offset = header->p_offset & ~(uintptr_t)4095;
        }
    }
    found.address = expected->address;
    if (found.address < found.start || found.address >= found.end)
        return 0;
    *expected = found;
    return 1;
}

/* The build id of a file as readelf prints it; "" when it has none. */
static void read_build_id(const char *path, char *id, size_t size)
{
    char command[4200];
    FILE *pipe;

    snprintf(command, sizeof(command),
             "readelf -n '%s' 2>/dev/null | sed -n 's/.*Build ID: //p'", path);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    id[0] = '\0';
    if (fgets(id, (int)size, pipe))
        id[strcspn(id, "\n")] = '\0';
    pclose(pipe);
}

static void check_module(uintptr_t pc, const char *name, uint32_t flags)
{
    uint16_t number = module_of(pc);
    const struct segment_module *module = record(number);
    struct expected expected = {.address = pc};
    char id[128], got[128] = "";

    assert_int_equal(dl_iterate_phdr(find_object, &expected), 1);
    assert_int_equal(module->start, expected.start);
    assert_int_equal(PAGE_UP(module->end), PAGE_UP(expected.end));
    assert_int_equal(module->bias, expected.bias);
    assert_int_equal(module->text_start, expected.text_start);
    assert_int_equal(module->text_end, expected.text_end);
    assert_int_equal(module->text_offset, expected.text_offset);
    assert_int_equal(module->flags, flags);
    assert_string_equal(path_of(module), name);
    for (uint32_t i = 0; i < module->build_id_length; i++)
        sprintf(got + 2 * i, "%02x", module->build_id[i]);
    if (name[0] == '/') {
        read_build_id(name, id, sizeof(id));
        assert_string_equal(got, id);
    }
    assert_int_equal(module_of(pc), number); /* known from now on */
    assert_int_equal(module_of(module->start), number);
    assert_int_equal(module_of(module->end - 1), number);
}

static void test_identity(void **state)
{
    Dl_info libc;
    uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);

    (void)state;
    check_module((uintptr_t)test_identity, life->header->executable,
                 SEGMENT_MODULE_MAIN);
    assert_true(dladdr(dlsym(RTLD_NEXT, "qsort"), &libc));
    check_module((uintptr_t)libc.dli_saddr, libc.dli_fname, 0);
    if (vdso) {
        uint16_t module = module_of(vdso + 64);

        assert_int_equal(record(module)->flags, SEGMENT_MODULE_VDSO);
        assert_int_equal(record(module)->start, vdso);
        assert_true(record(module)->build_id_length > 0);
    }
}

static void test_none(void **state)
{
    uint32_t used = life->header->modules_used;
    int on_stack;

    (void)state;
    assert_int_equal(module_of(0), 0);
    assert_int_equal(module_of(16), 0);
    assert_int_equal(module_of((uintptr_t)&on_stack), 0);
    assert_int_equal(module_of(UINTPTR_MAX), 0);
    assert_int_equal(life->header->modules_used, used);
}

/* ---- coming and going -------------------------------------------------- */

/* Compiles lib NAME with a function `here` behind so many pages of code. */
static void build(const char *name, int pages)
{
    char command[512];

    snprintf(command, sizeof(command),
             "echo '__asm__(\".text; .skip %d, 0x90\");"
             "int here(void) { return %d; }' |"
             "cc -shared -fPIC -nostdlib -Wl,--build-id -o %s/%s -x c -",
             pages * 4096, name[0], directory, name);
    assert_int_equal(system(command), 0);
}

struct library {
    void *handle;
    uintptr_t here, start, end;
};

static struct library load(const char *name)
{
    struct library library;
    struct expected expected;
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    library.handle = dlopen(path, RTLD_NOW);
    assert_non_null(library.handle);
    library.here = (uintptr_t)dlsym(library.handle, "here");
    expected.address = library.here;
    assert_int_equal(dl_iterate_phdr(find_object, &expected), 1);
    library.start = expected.start;
    library.end = PAGE_UP(expected.end);
    return library;
}

static bool block(uintptr_t start, uintptr_t end)
{
    return mmap((void *)start, end - start, PROT_NONE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
                0) == (void *)start;
}

/* Loads a library inside a range that is free: what else the kernel would
 * give it is taken away until it does. Under a sanitizer, which maps memory of
 * its own, that may fail; then the test is skipped. */
static struct library load_inside(const char *name, uintptr_t start,
                                  uintptr_t end)
{
    struct library library;

    for (int i = 0; i < 100; i++) {
        library = load(name);
        if (library.start >= start && library.end <= end)
            return library;
        dlclose(library.handle);
        block(library.start, library.end);
    }
    print_message("# the kernel puts %s nowhere near\n", name);
    skip();
    return library;
}

static void test_same_again(void **state)
{
    struct library library = load("a.so"), again;
    uint16_t module = module_of(library.here);
    uint64_t remaps = module_remaps();

    (void)state;
    check_module(library.here, path_of(record(module)), 0);
    dlclose(library.handle);
    again = load("a.so");
    look_again();
    if (again.start != library.start) {
        print_message("# another place\n");
        skip();
    }
    assert_int_equal(module_of(again.here), module);
    assert_int_equal(module_remaps(), remaps);
    dlclose(again.handle);
}

/* Another library of the same size at the same place, noticed by the loader's
 * own counter. */
static void test_replaced(void **state)
{
    struct library first = load("a.so"), second;
    uint16_t module = module_of(first.here), other;
    uint64_t remaps = module_remaps();

    (void)state;
    dlclose(first.handle);
    look();
    assert_int_equal(module_remaps(), remaps); /* nothing lies there */
    second = load_inside("b.so", first.start, first.end);
    assert_int_equal(second.here, first.here);
    look();
    assert_int_equal(module_remaps(), remaps + 1);
    other = module_of(second.here);
    assert_int_not_equal(other, module);
    assert_non_null(strstr(path_of(record(other)), "/b.so"));
    assert_non_null(strstr(path_of(record(module)), "/a.so"));
    look_again();
    assert_int_equal(module_remaps(), remaps + 1); /* once */
    dlclose(second.handle);
}

/* A small library somewhere inside the place of a large one. */
static void test_inside(void **state)
{
    struct library large = load("large.so"), small;
    uint16_t module = module_of(large.here), other;
    uintptr_t third = (large.end - large.start) / 3 & ~(uintptr_t)4095;
    uint64_t remaps = module_remaps();

    (void)state;
    assert_true(module > 0);
    dlclose(large.handle);
    if (!block(large.start, large.start + third) ||
        !block(large.end - third, large.end)) {
        print_message("# somebody else was given the place\n");
        skip();
    }
    look_again();
    assert_int_equal(module_remaps(), remaps);
    small = load_inside("a.so", large.start, large.end);
    look_again();
    assert_int_equal(module_remaps(), remaps + 1);
    other = module_of(small.here);
    assert_int_not_equal(other, module);
    assert_non_null(strstr(path_of(record(other)), "/a.so"));
    dlclose(small.handle);
}

static int begin(void **state)
{
    (void)state;
    own_life_begin(64);
    if (readlink("/proc/self/exe", life->header->executable,
                 sizeof(life->header->executable) - 1) <= 0)
        return -1;
    module_begin();
    if (module_reset() != 0 || !mkdtemp(directory))
        return -1;
    build("a.so", 4);
    build("b.so", 4);
    build("large.so", 300);
    return 0;
}

static int end(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),   cmocka_unit_test(test_none),
        cmocka_unit_test(test_same_again), cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_inside),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
