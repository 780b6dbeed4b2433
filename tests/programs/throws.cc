// SPDX-License-Identifier: MIT
//
// throws.cc - throws through frames that allocate, over and over: exceptions
// from new frames, rethrown ones, destructors that allocate on the way, and a
// throwing constructor. Argument: how often.
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct noisy {
    std::string name;
    explicit noisy(int depth) : name(40, 'a')
    {
        if (depth % 13 == 12)
            throw std::runtime_error("constructor " + std::to_string(depth));
    }
    ~noisy() { std::string last = name + " is gone"; }
};

int descend(int depth, int end)
{
    noisy on_stack(depth);
    std::vector<std::string> words(3, on_stack.name);

    if (depth == end)
        throw std::out_of_range("end " + std::string(depth + 20, 'x'));
    try {
        return descend(depth + 1, end) + static_cast<int>(words.size());
    } catch (const std::runtime_error &) {
        if (depth % 3 == 0)
            throw;
        throw std::logic_error("again " + words[0]);
    }
}

} // namespace

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? std::atoi(argv[1]) : 1000;
    std::map<std::string, int> caught;
    std::function<int(int)> call = [](int end) { return descend(0, end); };

    for (int i = 0; i < rounds; i++) {
        try {
            call(i % 17);
        } catch (const std::exception &error) {
            caught[error.what()]++;
        }
    }
    for (const auto &entry : caught)
        std::printf("%d %s\n", entry.second, entry.first.c_str());
}
