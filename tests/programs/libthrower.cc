// SPDX-License-Identifier: MIT
//
// libthrower.cc - C++ that throws and catches inside a C program (detours.c).
#include <cstddef>
#include <stdexcept>
#include <string>

extern "C" void keep(std::size_t size);
extern "C" void catch_one(int depth);

__attribute__((noinline)) static int descend(int depth)
{
    std::string on_stack(50, 'a');

    if (depth == 0)
        throw std::runtime_error(on_stack);
    return descend(depth - 1) + static_cast<int>(on_stack.size());
}

extern "C" void catch_one(int depth)
{
    try {
        descend(depth);
    } catch (const std::runtime_error &) {
        keep(1051);
    }
}
