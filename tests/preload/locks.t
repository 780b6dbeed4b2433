#!/bin/sh
# Waits, recorded (PREPROF_LOCKS, preprof_set_locks(), the segment's word): the
# right number at the right function, for a plausible time, in block and in
# mutex; and never another answer, whatever is locked how and where.
build=$PWD/${BUILD:-build/release}
case ${MODE:-release} in
release | debug) ;;
*) echo "1..0 # SKIP the preload runs without sanitizers"; exit 0 ;;
esac
shim=$build/libpreprof.so
programs=$build/tests/programs
source=$PWD
. ./tests/ok.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PREPROF_DIR="$work/segments"
cd "$work" && chmod 755 . || exit 1 # nginx may read it as another user

show() { head -20 "$work/wrong"; }
watched() { # watched COMMAND...: under the shim, waits recorded, profile kept
    timeout 20 env LD_PRELOAD="$shim" PREPROF_LOCKS=1 \
        PREPROF_OUT="$work/profile" "$@"
}
# events PROGRAM KIND: "COUNT KIND FUNCTION DELAY_NS" a caller, by addr2line
events() {
    "$programs/dumpstat" profile "$2" | while read -r at events delay rest; do
        address=$(printf '%#x' $((${at#*+} - 1)))
        echo "$events $2 $(addr2line -fe "$1" "$address" | head -1) $delay"
    done
}
# expect FILE NAME: of every line "COUNT KIND FUNCTION" there is just that, and
# each wait took 4 ms or more, but less than a second
expect() {
    { events "$programs/contend" block; events "$programs/contend" mutex; } |
        awk -v least=3900000 'NR == FNR { want[$3] = $1 " " $2; next }
            $3 in want { got[$3] = $1 " " $2
                if ($4 < $1 * least || $4 > $1 * 1e9) print "delay: " $0 }
            END { for (name in want) if (got[name] != want[name])
                print name ": " got[name] ", not " want[name] }' "$1" - >wrong
    [ ! -s wrong ] && [ -s "$1" ]
    ok $? "$2"
}

watched "$programs/contend" >out
expect out "every wait and release is counted where it was"
"$programs/dumpstat" profile | grep '^loss_\(WAITERS\|EVENTS\)' |
    grep -v ' 0$' >wrong
ok $((! $?)) "nothing is lost"

PREPROF_LOCKS=0 LD_PRELOAD=$shim PREPROF_OUT=$work/profile \
    "$programs/contend" >out 2>&1
{ "$programs/dumpstat" profile block; "$programs/dumpstat" profile mutex; } >wrong
ok "$([ -s wrong ]; echo $((! $?)))" "off: nothing is recorded"
LD_PRELOAD=$shim PREPROF_OUT=$work/profile "$programs/contend" api >out 2>&1
expect out "switched on by preprof_set_locks()"
PREPROF_MODE=off watched "$programs/contend" >out 2>&1
expect out "also where no allocation is recorded"
mkfifo fifo
LD_PRELOAD=$shim PREPROF_OUT=$work/profile "$programs/contend" stdin \
    <fifo >out 2>&1 &
exec 3>fifo
for i in $(seq 100); do
    ls "segments/$!"-* >/dev/null 2>&1 && break
    sleep 0.05
done
"$build/preprof-ctl" "$!" locks=on >wrong 2>&1
exec 3>&-
wait
expect out "switched on from outside"

# ---- answers -----------------------------------------------------------------
timeout 20 "$programs/locksem" >plain 2>&1 && [ "$(wc -l <plain)" -gt 400 ]
ok $? "every function answers"
for locks in 0 1; do
    timeout 20 env LD_PRELOAD="$shim" PREPROF_LOCKS=$locks \
        "$programs/locksem" >shimmed 2>&1 && diff plain shimmed >wrong
    ok $? "the same with the shim, PREPROF_LOCKS=$locks"
done

# Two functions are called pthread_cond_wait; the old one keeps a pointer where
# the new one keeps its state, and the rest of the bytes is not its own.
cat >versions.c <<'END'
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#define OLD(name) \
    __asm__(".symver old_" #name ", pthread_cond_" #name "@GLIBC_2.2.5")
OLD(init); OLD(wait); OLD(timedwait); OLD(signal); OLD(destroy);
int old_init(void *, void *), old_wait(void *, pthread_mutex_t *);
int old_timedwait(void *, pthread_mutex_t *, const struct timespec *);
int old_signal(void *), old_destroy(void *);
static struct { void *condition; char beyond[64]; } old;
static pthread_cond_t new = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int told;
static void *tell(void *nothing)
{
    pthread_mutex_lock(&mutex);
    told = 1;
    printf("signal %d %d\n", old_signal(&old), pthread_cond_signal(&new));
    pthread_mutex_unlock(&mutex);
    return nothing;
}
int main(void)
{
    const struct timespec past = {1, 0};
    char beyond[64];
    pthread_t thread;
    memset(old.beyond, 0x5a, sizeof(old.beyond));
    memset(beyond, 0x5a, sizeof(beyond));
    printf("init %d\n", old_init(&old, NULL));
    for (int i = 0; i < 2; i++) {
        pthread_mutex_lock(&mutex);
        told = 0;
        pthread_create(&thread, NULL, tell, NULL);
        while (!told)
            printf("wait %d\n", i ? old_wait(&old, &mutex)
                                  : pthread_cond_wait(&new, &mutex));
        pthread_mutex_unlock(&mutex);
        pthread_join(thread, NULL);
    }
    pthread_mutex_lock(&mutex);
    printf("timed %d %d\n", old_timedwait(&old, &mutex, &past),
           pthread_cond_timedwait(&new, &mutex, &past));
    pthread_mutex_unlock(&mutex);
    printf("beyond %d\n", memcmp(beyond, old.beyond, sizeof(beyond)));
    printf("destroy %d\n", old_destroy(&old));
    return 0;
}
END
cc -o versions versions.c -pthread 2>wrong && ./versions >plain &&
    watched ./versions >shimmed && diff plain shimmed >>wrong &&
    grep -q '^beyond 0' plain
ok $? "both versions of pthread_cond_wait, each by its own"
events ./versions block | grep -q '^1 block main '
ok $? "and the new one is recorded"

# ---- programs ----------------------------------------------------------------
cat >cxx.cc <<'END'
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <shared_mutex>
#include <system_error>
#include <thread>
#include <vector>
int main()
{
    std::mutex mutex;
    std::shared_mutex shared;
    std::timed_mutex timed;
    std::condition_variable changed;
    std::vector<std::thread> threads;
    int turn = 0, sum = 0;
    for (int i = 0; i < 7; i++)
        threads.emplace_back([&, i] {
            std::unique_lock<std::mutex> lock(mutex);
            changed.wait(lock, [&] { return turn == i; });
            turn++;
            changed.notify_all();
            std::unique_lock<std::shared_mutex> writing(shared);
            sum += timed.try_lock_for(std::chrono::seconds(9)) ? i : 0;
            timed.unlock();
        });
    for (auto &thread : threads)
        thread.join();
    std::printf("%d %d\n", turn, sum);
    try {
        std::unique_lock<std::mutex> twice(mutex), empty;
        empty.lock();
    } catch (const std::system_error &error) {
        std::printf("%s\n", error.what());
    }
}
END
cat >threads.py <<'END'
import queue, threading, concurrent.futures
todo, done, lock = queue.Queue(3), [], threading.Lock()
def work():
    while (item := todo.get()) is not None:
        with lock:
            done.append(item * item)
threads = [threading.Thread(target=work) for _ in range(5)]
for thread in threads: thread.start()
for item in range(2000): todo.put(item)
for thread in threads: todo.put(None)
for thread in threads: thread.join()
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    print(sum(done), sum(pool.map(lambda n: n * 3, range(500))))
print(threading.Event().wait(0.001), lock.acquire(timeout=0.001), lock.acquire(timeout=0.001))
END
same() { # same NAME COMMAND...
    name=$1; shift
    timeout 20 "$@" >plain 2>&1; a=$?
    watched "$@" >shimmed 2>&1; b=$?
    [ $a = $b ] && diff plain shimmed >wrong
    ok $? "$name: the same output"
}
c++ -o cxx cxx.cc -pthread 2>wrong
same "C++" ./cxx
same "python threads" python3 threads.py
cat >redis.sh <<'END'
port=$1
redis-server --port "$port" --save '' --appendonly no \
    --lazyfree-lazy-user-del yes >/dev/null 2>&1 &
for i in $(seq 100); do
    redis-cli -p "$port" ping >/dev/null 2>&1 && break
    sleep 0.05
done
for i in 1 2 3 4 5; do redis-cli -p "$port" rpush list $i; done
redis-cli -p "$port" lrange list 0 -1
redis-benchmark -p "$port" -q -n 1000 -c 20 -t set,get >/dev/null; echo $?
redis-cli -p "$port" unlink list
redis-cli -p "$port" shutdown nosave
wait; echo $?
END
cat >nginx.sh <<'END'
mkdir -p www; echo hello >www/index.html
cat >nginx.conf <<CONF
daemon off; pid nginx.pid; error_log stderr crit; worker_processes 2;
events {}
http { access_log off; aio threads; server { listen 127.0.0.1:$1;
    root $PWD/www; } }
CONF
nginx -p "$PWD" -c "$PWD/nginx.conf" &
for i in $(seq 100); do
    curl -sf "http://127.0.0.1:$1/" && break
    sleep 0.05
done
for i in 1 2 3 4 5; do curl -s "http://127.0.0.1:$1/index.html"; done
kill -QUIT "$(cat nginx.pid)"
wait; echo $?
END
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
same redis sh redis.sh "$port"
same nginx sh nginx.sh "$port"
echo "1..$count"
