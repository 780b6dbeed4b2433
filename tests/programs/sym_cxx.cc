// SPDX-License-Identifier: MIT
//
// sym_cxx.cc - C++ code whose symbols are hard: templates in templates,
// lambdas inlined into them, virtual functions and thunks, exceptions, an
// anonymous namespace, operators. Without the standard library, whose size
// makes eu-addr2line slow. What it computes means nothing.
// Read next: sym_std.cc, tests/cli/symbols.t.
#include <cstddef>
#include <cstdio>

namespace
{

struct Shape {
    virtual ~Shape() = default;
    virtual double area() const = 0;
};

struct Named {
    virtual ~Named() = default;
    virtual const char *name() const = 0;
};

struct Square : Shape, Named {
    explicit Square(double side) : side_(side)
    {
        if (side < 0)
            throw side;
    }
    double area() const override
    {
        return side_ * side_;
    }
    const char *name() const override
    {
        return side_ > 2 ? "large" : "small";
    }

  private:
    double side_;
};

template <typename Number, int Factor> struct Scaled : Shape {
    Number value;
    explicit Scaled(Number v) : value(v)
    {
    }
    [[gnu::noinline]] double area() const override
    {
        return static_cast<double>(value) * Factor;
    }
};

} // namespace

namespace outer
{
namespace inner
{

template <typename Item> class List
{
  public:
    List() = default;
    List(const List &) = delete;
    List &operator=(const List &) = delete;
    ~List()
    {
        delete[] items_;
    }

    void push(const Item &item)
    {
        if (count_ == size_)
            grow();
        items_[count_++] = item;
    }
    Item &operator[](std::size_t index)
    {
        if (index >= count_)
            throw index;
        return items_[index];
    }
    std::size_t count() const
    {
        return count_;
    }

    template <typename Visit> void each(Visit visit)
    {
        for (std::size_t i = 0; i < count_; i++)
            visit((*this)[i]);
    }

  private:
    [[gnu::noinline]] void grow()
    {
        std::size_t size = size_ == 0 ? 4 : 2 * size_;
        Item *items = new Item[size];
        for (std::size_t i = 0; i < count_; i++)
            items[i] = items_[i];
        delete[] items_;
        items_ = items;
        size_ = size;
    }
    Item *items_ = nullptr;
    std::size_t count_ = 0;
    std::size_t size_ = 0;
};

template <typename Item, typename Before>
[[gnu::noinline]] void sort(List<Item> &list, Before before)
{
    for (std::size_t i = 1; i < list.count(); i++)
        for (std::size_t j = i; j > 0 && before(list[j], list[j - 1]); j--) {
            Item item = list[j];
            list[j] = list[j - 1];
            list[j - 1] = item;
        }
}

template <typename Number> struct Vector {
    Number x = 0, y = 0;
    Vector operator+(const Vector &other) const
    {
        return {x + other.x, y + other.y};
    }
    bool operator<(const Vector &other) const
    {
        return x * x + y * y < other.x * other.x + other.y * other.y;
    }
    explicit operator bool() const
    {
        return x != 0 || y != 0;
    }
};

} // namespace inner
} // namespace outer

using outer::inner::List;
using outer::inner::Vector;

template <typename Number> [[gnu::noinline]] Number walk(int steps)
{
    List<Vector<Number>> places;
    Vector<Number> here;
    for (int i = 0; i < steps; i++) {
        here = here + Vector<Number>{static_cast<Number>(i % 7 - 3),
                                     static_cast<Number>(i % 11 - 5)};
        places.push(here);
    }
    outer::inner::sort(places,
                       [](const auto &a, const auto &b) { return a < b; });
    Number sum = 0;
    places.each([&sum](const Vector<Number> &place) {
        if (place)
            sum += place.x - place.y;
    });
    return sum;
}

static List<Shape *> shapes; // a constructor of the file

int main(int argc, char **)
{
    Square square(argc + 1);
    Scaled<int, 7> ints(5);
    Scaled<double, 11> doubles(0.5);
    shapes.push(&square);
    shapes.push(&ints);
    shapes.push(&doubles);
    double area = 0;
    shapes.each([&area](Shape *shape) { area += shape->area(); });
    try {
        Square broken(-1);
        area += broken.area();
    } catch (double side) {
        area += side;
    }
    Named &named = dynamic_cast<Named &>(*shapes[0]);
    std::printf("%s %f %d %ld %f\n", named.name(), area, walk<int>(100),
                walk<long>(23), walk<double>(50));
    return 0;
}
