// SPDX-License-Identifier: MIT
//
// sym_std.cc - C++ over the standard library: long template names, lambdas
// inlined into it and back, exceptions. What it computes means nothing.
// FLAGS: -std=c++17
// Read next: tests/cli/symbols.t.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{

struct Shape {
    virtual ~Shape() = default;
    virtual double area() const = 0;
};

struct Named {
    virtual ~Named() = default;
    virtual std::string name() const = 0;
};

struct Square : Shape, Named {
    explicit Square(double side) : side_(side)
    {
        if (side < 0)
            throw std::invalid_argument("side");
    }
    double area() const override { return side_ * side_; }
    std::string name() const override
    {
        return "square " + std::to_string(side_);
    }

private:
    double side_;
};

template <typename Number, int Factor> struct Scaled : Shape {
    Number value;
    explicit Scaled(Number v) : value(v) {}
    [[gnu::noinline]] double area() const override
    {
        return static_cast<double>(value) * Factor;
    }
};

template <typename Key, typename Value, typename Combine>
[[gnu::noinline]] std::map<Key, Value>
fold(const std::vector<std::pair<Key, Value>> &items, Combine combine)
{
    std::map<Key, Value> result;
    for (const auto &item : items) {
        auto [at, inserted] = result.emplace(item.first, item.second);
        if (!inserted)
            at->second = combine(at->second, item.second);
    }
    return result;
}

template <typename... Numbers> [[gnu::noinline]] auto total(Numbers... numbers)
{
    return (numbers + ...);
}

} // namespace

namespace outer::inner
{

[[gnu::noinline]] std::vector<std::string> sorted(std::vector<std::string> words)
{
    std::sort(words.begin(), words.end(),
              [](const std::string &a, const std::string &b) {
                  return a.size() != b.size() ? a.size() < b.size() : a < b;
              });
    words.erase(std::unique(words.begin(), words.end()), words.end());
    return words;
}

} // namespace outer::inner

int main(int argc, char **argv)
{
    std::vector<std::unique_ptr<Shape>> shapes;
    shapes.push_back(std::make_unique<Square>(3));
    shapes.push_back(std::make_unique<Scaled<int, 7>>(5));
    shapes.push_back(std::make_unique<Scaled<double, 11>>(0.5));
    double area = 0;
    std::for_each(shapes.begin(), shapes.end(),
                  [&area](const auto &shape) { area += shape->area(); });
    std::vector<std::string> words{"seven", "five", "eleven", "two", "five"};
    for (int i = 0; i < argc; i++)
        words.push_back(argv[i]);
    std::vector<std::pair<std::string, int>> pairs;
    for (const auto &word : outer::inner::sorted(words))
        pairs.emplace_back(word.substr(0, 1), static_cast<int>(word.size()));
    auto sums = fold(pairs, [](int a, int b) { return a + b; });
    std::function<int(int)> twice = [](int n) { return total(n, n); };
    try {
        Square broken(-1);
    } catch (const std::invalid_argument &error) {
        std::printf("%s\n", error.what());
    }
    Named &named = dynamic_cast<Named &>(*shapes[0]);
    std::printf("%s %f %d %zu %f\n", named.name().c_str(), area, twice(21),
                sums.size(), total(1, 2.5, 3L));
    return 0;
}
