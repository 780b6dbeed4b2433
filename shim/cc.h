/* SPDX-License-Identifier: MIT */
/* cc.h - compiler attributes used by the shim. */
#ifndef PREPROF_CC_H
#define PREPROF_CC_H

#define EXPORT __attribute__((visibility("default")))
/* Data declared so is reached without a detour by the GOT: -fvisibility=hidden
 * is about definitions only. */
#define HIDDEN        __attribute__((visibility("hidden")))
#define COLD          __attribute__((cold, noinline))
#define HOT           __attribute__((hot, noinline))
#define NOINLINE      __attribute__((noinline))
#define ALWAYS_INLINE __attribute__((always_inline)) inline
#define LIKELY(x)     __builtin_expect(!!(x), 1)
#define UNLIKELY(x)   __builtin_expect(!!(x), 0)
#define CACHE_LINE    64
#define CACHE_ALIGNED __attribute__((aligned(CACHE_LINE)))
/* The compiler knows nothing about the value of a variable from here on. */
#define OPAQUE(variable) __asm__("" : "+r"(variable))
/* The compiler may neither move memory accesses across this nor drop a store
 * before it, even around calls it believes to be leaves (hazards A2). */
#define COMPILER_BARRIER() __asm__ volatile("" ::: "memory")

#endif
