/* SPDX-License-Identifier: MIT */
/*
 * inlined.cc - C++, where most functions are gone after compiling.
 *
 * Makes 1009 points and 211 names, in lists of one template. The compiler put
 * List<...>::add() into main(), where no symbol tells of it; the debug
 * information does, and the profile has a line for each function as written:
 *
 *     preprof run -o inlined.preprof -- build/release/examples/inlined
 *     preprof top inlined.preprof      # cum: List<Point>::add, ...
 *     preprof convert inlined.preprof -o inlined.pb.gz
 *     go tool pprof -list List inlined.pb.gz
 *
 * What libstdc++ allocates for itself at its start is in the profile too.
 */
#include <cstdio>

struct Point {
    double x, y, z;
};

struct Name {
    char text[503];
};

template <typename Item> class List
{
  public:
    inline void add(const Item &item)
    {
        first = new Node{item, first};
        count++;
    }

    int count = 0;

  private:
    struct Node {
        Item item;
        Node *next;
    };
    Node *first = nullptr;
};

int main()
{
    List<Point> points;
    List<Name> names;

    for (int i = 0; i < 1009; i++)
        points.add(Point{1.0 * i, 2.0 * i, 3.0 * i});
    for (int i = 0; i < 211; i++)
        names.add(Name{"name"});
    std::printf("%d points, %d names\n", points.count, names.count);
    return 0;
}
