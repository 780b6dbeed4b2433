/* SPDX-License-Identifier: MIT */
/*
 * news.cc - known numbers of operator new and delete.
 *
 *   101 blocks of 1009 bytes by new[], kept
 *   5003 pairs of 37 bytes by new and delete
 *   211 pairs of 128 bytes, aligned to 64
 */
#include <cstddef>
#include <new>

static char *volatile kept[101];

struct small {
    char bytes[37];
};

struct alignas(64) wide {
    char bytes[128];
};

int main()
{
    for (int i = 0; i < 101; i++)
        kept[i] = new char[1009];
    for (int i = 0; i < 5003; i++) {
        small *volatile block = new small;
        delete block;
    }
    for (int i = 0; i < 211; i++) {
        wide *volatile block = new wide;
        delete block;
    }
    return 0;
}
