/* SPDX-License-Identifier: MIT */
/*
 * interpose.h - prototypes of what the shim exports and libc's headers do not
 * declare (C23, old and reserved names, C++'s operators by their mangled names).
 */
#ifndef PREPROF_INTERPOSE_H
#define PREPROF_INTERPOSE_H

#include <stddef.h>

void *memalign(size_t alignment, size_t size);
void *valloc(size_t size);
void *pvalloc(size_t size);
void cfree(void *block);
void free_sized(void *block, size_t size);
void free_aligned_sized(void *block, size_t alignment, size_t size);
size_t malloc_usable_size(void *block);

void (*bsd_signal(int number, void (*handler)(int)))(int);
void (*__sysv_signal(int number, void (*handler)(int)))(int);

/*
 * X(mangled name, parameters, arguments) for every replaceable operator. The
 * std::nothrow_t argument is passed on as an address, the std::align_val_t as
 * a size.
 */
#define INTERPOSE_NEW(X)                                                       \
    X(_Znwm, (size_t size), (size))                                            \
    X(_Znam, (size_t size), (size))                                            \
    X(_ZnwmRKSt9nothrow_t, (size_t size, const void *nothrow),                 \
      (size, nothrow))                                                         \
    X(_ZnamRKSt9nothrow_t, (size_t size, const void *nothrow),                 \
      (size, nothrow))                                                         \
    X(_ZnwmSt11align_val_t, (size_t size, size_t alignment),                   \
      (size, alignment))                                                       \
    X(_ZnamSt11align_val_t, (size_t size, size_t alignment),                   \
      (size, alignment))                                                       \
    X(_ZnwmSt11align_val_tRKSt9nothrow_t,                                      \
      (size_t size, size_t alignment, const void *nothrow),                    \
      (size, alignment, nothrow))                                              \
    X(_ZnamSt11align_val_tRKSt9nothrow_t,                                      \
      (size_t size, size_t alignment, const void *nothrow),                    \
      (size, alignment, nothrow))

#define INTERPOSE_DELETE(X)                                                    \
    X(_ZdlPv, (void *block), (block))                                          \
    X(_ZdaPv, (void *block), (block))                                          \
    X(_ZdlPvm, (void *block, size_t size), (block, size))                      \
    X(_ZdaPvm, (void *block, size_t size), (block, size))                      \
    X(_ZdlPvRKSt9nothrow_t, (void *block, const void *nothrow),                \
      (block, nothrow))                                                        \
    X(_ZdaPvRKSt9nothrow_t, (void *block, const void *nothrow),                \
      (block, nothrow))                                                        \
    X(_ZdlPvSt11align_val_t, (void *block, size_t alignment),                  \
      (block, alignment))                                                      \
    X(_ZdaPvSt11align_val_t, (void *block, size_t alignment),                  \
      (block, alignment))                                                      \
    X(_ZdlPvmSt11align_val_t, (void *block, size_t size, size_t alignment),    \
      (block, size, alignment))                                                \
    X(_ZdaPvmSt11align_val_t, (void *block, size_t size, size_t alignment),    \
      (block, size, alignment))                                                \
    X(_ZdlPvSt11align_val_tRKSt9nothrow_t,                                     \
      (void *block, size_t alignment, const void *nothrow),                    \
      (block, alignment, nothrow))                                             \
    X(_ZdaPvSt11align_val_tRKSt9nothrow_t,                                     \
      (void *block, size_t alignment, const void *nothrow),                    \
      (block, alignment, nothrow))

#define INTERPOSE_DECLARE_NEW(name, parameters, arguments)                     \
    void *name parameters;
#define INTERPOSE_DECLARE_DELETE(name, parameters, arguments)                  \
    void name parameters;
INTERPOSE_NEW(INTERPOSE_DECLARE_NEW)
INTERPOSE_DELETE(INTERPOSE_DECLARE_DELETE)
#undef INTERPOSE_DECLARE_NEW
#undef INTERPOSE_DECLARE_DELETE

#endif
