# languages.sh - rows of the matrix: interpreters, compilers and their test
# suites. Read by run.py, which says what a row may use.
#
#   #: NAME | package: DEBIAN-PACKAGE | few: WHY FEWER THAN 10 000 ALLOCATIONS
#           | varies: WHAT DIFFERS FROM RUN TO RUN WITHOUT THE SHIM
#           | source: OF THE PACKAGE THAT HAS ITS TEST SUITE (sources.sh)
#           | omits: WHAT IS NOT RUN OF IT, AND WHY
#
# (in one line) begins a row; what stands before the first is before all.
#: python3 | package: python3.11-minimal
cat >loop.py <<'END'
import json, collections, re, hashlib, threading, subprocess, sys
words = collections.Counter(re.findall(r"\w+", json.__doc__ * 50))
print(words.most_common(5))
data = {"k%d" % i: [i, str(i) * 5, {"n": i / 7}] for i in range(20000)}
print(hashlib.sha256(json.dumps(data).encode()).hexdigest())
def work(n): total.append(sum(len(str(i)) for i in range(n)))
total = []
threads = [threading.Thread(target=work, args=(5000 * i,)) for i in range(8)]
for t in threads: t.start()
for t in threads: t.join()
print(sorted(total))
print(subprocess.run([sys.executable, "-c", "print(len([{} for _ in range(9999)]))"],
                     capture_output=True, text=True).stdout)
END
PYTHONMALLOC=malloc run python3 loop.py
#: python3 -m test | package: libpython3.11-testsuite | varies: processes fds
said() { grep -E '^(test_|All|Result|[0-9]+ test)' | sed 's/ ([0-9.]* sec)//; s/ in [0-9.]* sec$//'; }
run python3 -m test -q test_json test_ctypes test_threading test_tempfile \
    test_re test_dict test_list test_struct test_posix test_pty 2>&1 | said
run python3 -m test -q -m '*WakeupSignal*' -m '*PosixTests*' test_signal 2>&1 | said
#: core dumps | package: python3.11-minimal
cat >abort.py <<'END'
import json, os, resource, signal
print(open("/proc/self/coredump_filter").read())
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
for limit in 0, hard:
    for number in signal.SIGABRT, signal.SIGSEGV, signal.SIGQUIT:
        pid = os.fork()
        if not pid:
            resource.setrlimit(resource.RLIMIT_CORE, (limit, hard))
            data = json.loads(json.dumps([str(i) for i in range(3000)]))
            os.kill(os.getpid(), number)
        status = os.waitpid(pid, 0)[1]
        print(os.WTERMSIG(status), os.WCOREDUMP(status), sorted(os.listdir(".")))
        for name in os.listdir("."):
            if name.startswith("core"): os.unlink(name)
END
PYTHONMALLOC=malloc run python3 abort.py
#: perl | package: perl-base
cat >loop.pl <<'END'
my (%h, @a);
for my $i (1 .. 20000) { $h{"k$i"} = [ $i, "x" x ($i % 60) ]; }
for my $k (sort keys %h) { push @a, join ",", @{ $h{$k} }; }
print scalar(@a), " ", length(join "", @a), "\n";
my $text = join " ", map { chr(97 + $_ % 26) x ($_ % 9) } 1 .. 5000;
my %n; $n{$_}++ for $text =~ /(\w+)/g;
print join(" ", map { "$_=$n{$_}" } sort keys %n), "\n";
my $pid = fork // die; exit 3 unless $pid; waitpid $pid, 0; print $? >> 8, "\n";
print `echo from a shell`;
END
run perl loop.pl
#: perl suite | package: perl | source: perl
tar xf "$MATRIX_SOURCES"/perl_*.orig.tar.xz --strip-components=1 --no-wildcards-match-slash --wildcards '*/t'
mkdir lib # tests look nowhere else
export PERL_HASH_SEED=0
for part in /usr/share/perl/5.* /usr/lib/x86_64-linux-gnu/perl/5.* /usr/lib/x86_64-linux-gnu/perl-base; do
    [ -h $part ] || cp -rsf $part/. lib
done
cd t
{ for test in array_base chop closure eval exec fork grep inc join kvhslice lc \
    list method pack pos push reverse sort splice split sprintf substr tr utf8decode vec; do
    [ ! -e op/$test.t ] || run perl op/$test.t
done
for test in regexp subst pat_psycho qr rxcode; do run perl re/$test.t; done; } | sed -E "s/[0-9a-f]{12}/ADDRESS/g"
#: ruby
cat >loop.rb <<'END'
h = {}
20000.times { |i| h["k#{i}"] = [i, "x" * (i % 60)] }
puts h.values.map { |a| a.join(",") }.join.length
puts 4.times.map { |i| Thread.new { (1..2000).map { |j| (i * j).to_s }.join.length } }.map(&:value).inspect
f = Fiber.new { 3.times { |i| Fiber.yield i } ; :end }
puts 4.times.map { f.resume }.inspect
puts `echo from a shell`
puts Process.wait2(fork { exit 7 })[1].exitstatus
END
run ruby loop.rb
#: php | package: php8.2-cli
cat >loop.php <<'END'
<?php
$a = [];
for ($i = 0; $i < 50000; $i++) $a["k$i"] = str_repeat("x", $i % 300) . $i;
ksort($a);
echo count($a), " ", md5(serialize($a)), " ", md5(json_encode(array_keys($a))), "\n";
preg_match_all('/k\d*7\b/', implode(" ", array_keys($a)), $m);
echo count($m[0]), "\n";
echo shell_exec("echo from a shell");
END
USE_ZEND_ALLOC=0 run php -n loop.php
#: node | package: nodejs | varies: threads
cat >loop.js <<'END'
const crypto = require("crypto"), zlib = require("zlib");
const { Worker, isMainThread, parentPort } = require("worker_threads");
const m = new Map();
for (let i = 0; i < 50000; i++) m.set("k" + i, Buffer.alloc(i % 900, i & 255));
const h = crypto.createHash("sha256");
for (const v of m.values()) h.update(v);
console.log(m.size, h.digest("hex"));
console.log(zlib.gunzipSync(zlib.gzipSync(Buffer.alloc(1 << 20, 7))).length);
for (let i = 0; i < 3000; i++) crypto.createHash("md5").update("" + i).digest();
console.log(require("child_process").execSync("echo from a shell").toString());
const w = new Worker("require('worker_threads').parentPort.postMessage(6 * 7)", { eval: true });
w.on("message", (x) => console.log(x));
END
run node loop.js
#: java | package: openjdk-17-jre-headless | varies: threads
mkdir j && cat >j/Loop.java <<'END'
END
cat >loop.jsh <<'END'
END
run java -Xshare:auto -Xmx256m -XX:+UseSerialGC -version 2>&1 | tail -n 1
run java -Xmx256m -XX:+UseG1GC -XX:+PrintFlagsFinal -version 2>/dev/null |
    grep -c Size
#: R | package: r-base-core
cat >loop.R <<'END'
set.seed(7919)
m <- matrix(rnorm(250000), 500)
cat(format(sum(diag(solve(m %*% t(m) + diag(500)))), digits = 8), "\n")
l <- lapply(1:20000, function(i) paste(rep("x", i %% 40), collapse = ""))
cat(length(l), sum(nchar(unlist(l))), "\n")
d <- data.frame(a = 1:5000, b = rnorm(5000)); print(summary(lm(b ~ a, d))$r.squared)
cat(system("echo from a shell", intern = TRUE), "\n")
END
run R --vanilla -q --no-echo -f loop.R
#: lua | package: lua5.4
cat >loop.lua <<'END'
local t = {}
for i = 1, 20000 do t[i] = { i, ("x"):rep(i % 60) } end
table.sort(t, function(a, b) return a[2] .. a[1] < b[2] .. b[1] end)
local s = {}
for i, v in ipairs(t) do s[i] = v[2] end
print(#table.concat(s), io.popen("echo from a shell"):read("a"))
END
run lua5.4 loop.lua
#: luajit | few: its own allocator, by mmap
cat >loop.lua <<'END'
local t = {}
for i = 1, 200000 do t[i] = { i, tostring(i) } end
print(#t, #t[777][2])
END
run luajit loop.lua
#: guile | package: guile-3.0 | varies: threads | few: allocates by the Boehm collector
cat >loop.scm <<'END'
(define (count n) (if (= n 0) '() (cons (number->string n) (count (- n 1)))))
(display (string-length (apply string-append (count 5000)))) (newline)
(display (modulo (expt 7 20000) 1000003)) (newline)
(display (length (map (lambda (i) (make-string i #\x)) (iota 3000)))) (newline)
END
GUILE_AUTO_COMPILE=0 run guile -q --no-auto-compile loop.scm
#: tcl | package: tcl8.6 | few: allocates by pools of its own
cat >loop.tcl <<'END'
for {set i 0} {$i < 20000} {incr i} { dict set d k$i [string repeat x [expr {$i % 60}]] }
puts [string length [join [dict values $d] ""]]
puts [llength [lsort [dict keys $d]]]
puts [exec echo from a shell]
END
run tclsh8.6 loop.tcl
#: erlang | package: erlang-base | varies: threads fds processes
cat >loop.erl <<'END'
-module(loop). -export([main/0]).
main() ->
    L = [spawn_monitor(fun() -> exit(lists:sum(lists:seq(1, N))) end) || N <- lists:seq(1, 2000)],
    S = lists:sum([receive {'DOWN', R, process, _, X} -> X end || {_, R} <- L]),
    io:format("~p~n", [S]), halt(0).
END
run erlc loop.erl && run erl -noshell -noinput -s loop main
#: gcc | package: gcc-12
for f in api attach; do
    { echo '#include <stdio.h>'; for i in $(seq 400); do
        echo "static int $f$i(int x) { return x * $i + (x >> ($i & 7)); }"; done
      echo 'int main(void) { int x = 1;'; for i in $(seq 400); do
        echo "x = $f$i(x);"; done; echo 'return putchar(65 + (x & 15)) < 0; }'; } >$f.c
    run gcc -O2 -g -o $f $f.c
    ./$f; sha256sum $f
done
#: g++ | package: g++-12
cat >t.cc <<'END'
#include <map>
#include <regex>
#include <iostream>
int main() { std::map<std::string, std::regex> m; m["a"] = std::regex("a+");
    std::cout << std::regex_match("aaa", m["a"]) << std::endl; }
END
run g++ -O1 -o t t.cc; ./t; sha256sum t
#: clang | package: clang-14
cat >t.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int cmp(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }
int main(void) { char *v[] = {"c", "a", "b"}; qsort(v, 3, sizeof *v, cmp); puts(v[0]); return 0; }
END
run clang -O2 -g -o t t.c; ./t; sha256sum t
#: bash
cat >loop.bash <<'END'
declare -A a
for ((i = 0; i < 20000; i++)); do a[k$i]=$i; done
echo ${#a[@]}
s=; for i in {1..2000}; do s+="$i,"; done; echo ${#s}
for i in {1..50}; do (exit $i); done; echo $?
diff <(seq 100) <(seq 2 101) | tail -n 1
trap 'echo trapped' USR1; kill -USR1 $$
coproc cat; echo hello >&"${COPROC[1]}"; read -r x <&"${COPROC[0]}"; echo "$x"
END
run bash loop.bash
#: dash
cat >loop.sh <<'END'
i=0; while [ $i -lt 300 ]; do i=$((i + 1)); set -- "$@" "$i"; done; echo $#
f() { local x="$1$1"; echo "$x"; }; for i in $(seq 50); do y=$(f $i); done; echo $y
x=; i=0; while [ $i -lt 15000 ]; do i=$((i + 1)); eval "v$((i % 50))=$i$i"; done; echo $v7
for i in $(seq 50); do (exit $i); done; echo $?
trap 'echo trapped' USR1; kill -USR1 $$
END
run dash loop.sh
#: zsh
cat >loop.zsh <<'END'
typeset -A a; for i in {1..5000}; do a[k$i]=$i; done; echo ${#a}
print -l ${(ok)a} | tail -n 1; echo ${(j:,:)${(k)a}[1,0]}
for i in {1..50}; do (exit $i); done; echo $?
diff <(seq 100) <(seq 2 101) | tail -n 1
END
run zsh -f loop.zsh
