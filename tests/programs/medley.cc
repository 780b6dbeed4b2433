// SPDX-License-Identifier: MIT
//
// medley.cc - `medley PLUGIN`: a program that does at once what is hard to
// profile, and looks whether all of it still works. Until its input ends, each
// in a thread of its own: it throws, it loads and unloads PLUGIN, it forks
// children that allocate and children that exec, it creates threads, two
// threads fight for a lock, one is busy, and one waits for what never comes.
//
// Says "ready", and at the end "NAME ROUNDS" for each, or what went wrong.
// FLAGS: -ldl
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace
{

std::atomic<bool> over;

[[noreturn]] void fail(const std::string &what)
{
    std::printf("wrong: %s: %s\n", what.c_str(), std::strerror(errno));
    std::fflush(stdout);
    _exit(1);
}

// ---- throwing --------------------------------------------------------------

struct noisy {
    std::string name;
    explicit noisy(int depth) : name(50, static_cast<char>('a' + depth % 26))
    {
    }
    ~noisy()
    {
        std::string last = name + " is gone";
    }
};

__attribute__((noinline)) int throw_from(int depth)
{
    noisy on_stack(depth);

    if (depth == 0)
        throw std::runtime_error(on_stack.name);
    return throw_from(depth - 1) + static_cast<int>(on_stack.name.size());
}

void throw_often(long round)
{
    int caught = 0;

    for (int depth = 0; depth < 20; depth++)
        try {
            throw_from(depth);
        } catch (const std::runtime_error &error) {
            caught += error.what() == std::string(50, 'a');
        }
    if (caught != 20)
        fail("round " + std::to_string(round) + " of throwing");
}

// ---- loading ---------------------------------------------------------------

const char *plugin_path;

void load(long)
{
    using plugin_function = void *(void *(*)(size_t), size_t);
    void *handle = dlopen(plugin_path, RTLD_NOW);

    if (!handle)
        fail(dlerror());
    auto *plugin = reinterpret_cast<plugin_function *>(dlsym(handle, "plugin"));
    std::vector<void *> blocks;
    for (size_t size = 1; size < 50; size++)
        blocks.push_back(plugin(std::malloc, size));
    if (dlclose(handle) != 0)
        fail("dlclose");
    for (void *block : blocks)
        std::free(block);
}

// ---- processes -------------------------------------------------------------

void make_child(long round)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        if (round % 2)
            execl("/proc/self/exe", "medley", nullptr);
        throw_often(round);
        _exit(7);
    }
    pid_t ended = child < 0 ? -1 : waitpid(child, &status, 0);
    if (ended != child || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
        fail("a child ended with " + std::to_string(status));
}

// ---- threads, locks, waits -------------------------------------------------

void make_threads(long round)
{
    std::vector<std::thread> threads;
    std::atomic<long> sum{0};

    for (long i = 0; i < 4; i++)
        threads.emplace_back(
            [&sum, i] { sum += std::string(100 + i, 'x').size(); });
    for (auto &thread : threads)
        thread.join();
    if (sum != 406)
        fail("round " + std::to_string(round) + " of threads");
}

std::mutex mutex;
std::condition_variable changed;
long held, turns[2];

void fight(int who)
{
    std::unique_lock<std::mutex> lock(mutex);
    long before = held++;

    usleep(200);
    if (held != before + 1)
        fail("two hold the lock");
    turns[who]++;
    changed.notify_one();
    changed.wait_for(lock, std::chrono::milliseconds(1));
}

void wait_in_vain(long)
{
    static const int none = epoll_create1(EPOLL_CLOEXEC);
    epoll_event event;

    if (epoll_wait(none, &event, 1, 20) != 0)
        fail("epoll_wait");
}

void be_busy(long)
{
    volatile unsigned long sum = 0;

    for (unsigned long i = 0; i < 100000; i++)
        sum = sum + i;
    usleep(1000);
}

struct part {
    const char *name;
    void (*run)(long);
    useconds_t pause_us; // to leave time for the others
    long rounds;
};

part parts[] = {
    {"throw", throw_often, 2000, 0},
    {"load", load, 10000, 0},
    {"child", make_child, 10000, 0},
    {"thread", make_threads, 2000, 0},
    {"fight", [](long) { fight(0); }, 0, 0},
    {"fight too", [](long) { fight(1); }, 0, 0},
    {"wait", wait_in_vain, 0, 0},
    {"busy", be_busy, 0, 0},
};

void play(part *part)
{
    while (!over) {
        part->run(part->rounds++);
        usleep(part->pause_us);
    }
}

} // namespace

int main(int argc, char **argv)
{
    std::vector<std::thread> threads;

    if (argc < 2) { // what a child became
        throw_often(0);
        return 7;
    }
    plugin_path = argv[1];
    for (part &part : parts)
        threads.emplace_back(play, &part);
    std::puts("ready");
    std::fflush(stdout);
    while (std::getchar() != EOF)
        continue;
    over = true;
    for (auto &thread : threads)
        thread.join();
    if (held != turns[0] + turns[1])
        fail("turns");
    for (const part &part : parts)
        std::printf("%s %ld\n", part.name, part.rounds);
    return 0;
}
