# tools.sh - rows of the matrix: programs that read files and write files.
# languages.sh says how a row is written.
built() { # built PACKAGE COMMAND: says where COMMAND has built its source, once
    there=$MATRIX_SOURCES/$1
    if [ ! -e "$there/.built" ]; then
        rm -rf "$there"; mkdir "$there"
        tar xf "$there"_*.orig.tar.* -C "$there" --strip-components=1
        (cd "$there" && sh -ec "$2") >"$there.log" 2>&1
        touch "$there/.built"
    fi
    echo "$there"
}
git_tests() { # git_tests SCRIPT...: of git's own suite, for the installed git
    suite=$(built git 'make t/helper/test-tool GIT-BUILD-OPTIONS CFLAGS=-O0 NO_CURL=1 \
        NO_EXPAT=1 NO_OPENSSL=1 NO_GETTEXT=1 NO_TCLTK=1 NO_PERL=1 NO_PYTHON=1; make -C templates')
    # Its own check of malloc would set LD_PRELOAD.
    export GIT_TEST_INSTALLED=/usr/bin TEST_NO_MALLOC_CHECK=1 TEST_OUTPUT_DIRECTORY=$PWD
    cd "$suite/t"
    for script; do run sh "$script.sh" || echo $?; done
}
lines() { # lines N: text that looks like prose and is always the same
    awk -v n="$1" 'BEGIN { s = 7919; for (i = 1; i <= n; i++) { line = i
        for (w = 0; w < 9; w++) { s = (s * 16807) % 2147483647
            line = line " " substr("abcdefghijklmnopqrstuvwxyz", s % 20, s % 6 + 2) }
        print line } }'
}
#: sqlite3
cat >in.sql <<'END'
create table t(a integer primary key, b text, c real);
with recursive n(x) as (select 1 union all select x + 1 from n where x < 20000)
  insert into t select x, hex(x * 7919), x / 7.0 from n;
create index i on t(b);
select count(*), max(b), round(sum(c), 3) from t;
select b from t where b like '%7A%' order by b desc limit 5;
delete from t where a % 3 = 0; vacuum; pragma integrity_check;
END
run sqlite3 file.db <in.sql; sha256sum file.db
#: sqlite3 suite | package: sqlite3 | source: sqlite3
suite=$(built sqlite3 './configure --with-tcl=/usr/lib/tcl8.6; make testfixture CFLAGS=-O1')
for test in alter autovacuum collate1 date expr func index insert join lock minmax \
    misc1 pragma printf savepoint select1 select2 subquery thread1 trans trigger1 \
    types update vacuum view wal where window1 with1; do
    run "$suite/testfixture" "$suite/test/$test.test" || echo $?
done | sed -E '/^(Memory used|Page-cache|Maximum memory)|microseconds/d'
#: git
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 \
    GIT_AUTHOR_DATE='1000000000 +0000' GIT_COMMITTER_DATE='1000000000 +0000' GIT_AUTHOR_NAME=m GIT_AUTHOR_EMAIL=m \
    GIT_COMMITTER_NAME=m GIT_COMMITTER_EMAIL=m
git init -q -b main r; cd r; git config pack.threads 1
lines 3000 >file
for i in 1 2 3 4 5 6 7 8; do
    lines $((i * 400)) >file; echo $i >f$i; run git add .
    run git commit -q -m "commit $i"
done
run git log -p --stat | sha256sum; run git blame file | sha256sum
run git gc -q; run git fsck; run git diff HEAD~3 | tail -n 1
run git clone -q . ../copy; git -C ../copy rev-parse HEAD
#: git suite: basics | package: git | source: git
git_tests t0001-init t1300-config t1400-update-ref
#: git suite: objects | package: git | source: git
git_tests t1006-cat-file t9300-fast-import
#: git suite: branches, tags | package: git | source: git
git_tests t3200-branch t7004-tag
#: git suite: diff | package: git | source: git
git_tests t4013-diff-various
#: git suite: shell | package: git | source: git
git_tests t0000-basic
#: git suite: fetch | package: git | source: git | omits: a test that pipes into head -n 1: git races with it for EPIPE, whose handler changes what SIGPIPE does in exit()
GIT_SKIP_TESTS=t5510.172 git_tests t5510-fetch
#: xsltproc
{ echo '<a>'; for i in $(seq 5000); do echo "<b n='$i'><c>$i text</c></b>"; done
    echo '</a>'; } >in.xml
cat >in.xsl <<'END'
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="/"><r><xsl:for-each select="//b[@n mod 7 = 0]"><d>
<xsl:value-of select="concat(c, '-', @n)"/></d></xsl:for-each></r></xsl:template>
</xsl:stylesheet>
END
run xsltproc in.xsl in.xml | sha256sum
#: jq
run jq -n '[range(20000) | {k: tostring, v: (. * 7 % 13)}] | group_by(.v) |
    map({v: .[0].v, n: length, s: (map(.k | length) | add)})'
#: gawk
lines 20000 >in
run gawk '{ for (i = 1; i <= NF; i++) n[$i]++ } END { for (w in n) c++;
    print c, n["abc"]; print length(n) }' in
run gawk -f - in <<'END'
{ a[NR] = $0; gsub(/[aeiou]/, "<&>"); s += length($0) }
END { print s, asort(a), a[77] }
END
#: mawk | few: reads into arenas of its own
lines 20000 >in
run mawk '{ n[$3]++; gsub(/b/, "xx"); s += length($0) } END { print length(n), s }' in
#: sed | few: works line by line in buffers that it keeps
lines 20000 >in
run sed -n 's/\([a-e]*\) \([f-z]*\)/\2-\1/gp; $=' in | sha256sum
run sed -f - in <<'END' | sha256sum
:a
s/aa/b/
ta
END
#: grep | few: reads into one buffer; compiles its pattern once
lines 20000 >in
run grep -cE '(ab|cd)[e-h]+.*(x|y|z)z?$' in; run grep -n 'wxyz' in | tail -n 3
run grep -ocP '\b(\w)\w*\1\b' in
#: coreutils | few: each process allocates little
lines 20000 >in
run sort -k3 in | sha256sum; run sort -R --random-source=in in | sha256sum
run tac in | run cut -d' ' -f2-4 | run tr a-z A-Z | run sort -u | run wc
run sha512sum in; run split -n 4 in; cat xa? | cmp - in; run shuf --random-source=in in | sha256sum
run factor 123456789012345678901234567890; run ls -l /usr/bin | wc -l
run cp in copy; run mv copy other; run seq 100000 | run uniq | run tail -n 1
run du -a . | wc -l; run stat -c %s in; run base64 in | run md5sum; run date -d @0
#: findutils
mkdir d; (cd d; for i in $(seq 300); do mkdir $i; : >$i/$i.txt; done)
run find d -name '*7*.txt' -newermt @0 -printf '%p %s\n' | sort | sha256sum
run find d -type f -print0 | run xargs -0 -n 20 echo | wc
run find /usr/share -xdev -type f | wc -l >/dev/null
#: diffutils | few: holds whole files in a few blocks
lines 9000 >one; lines 9000 | sed 's/abc/cba/; /77/d' >two
run diff -u one two | tail -n +3 | sha256sum; run cmp one two || echo $?
run diff3 one two one | sha256sum
#: patch
lines 6000 >one; sed 's/abc/cba/; /77/d' one >two; diff -u one two >p || :
run patch -s one p; cmp one two; echo $?
#: tar
mkdir d; for i in $(seq 2000); do echo $i >d/file$i; done
run tar --sort=name --mtime=@1 --owner=0 --group=0 -cf d.tar d; sha256sum d.tar
mkdir x; run tar -xf d.tar -C x; run tar -tvf d.tar | wc -l; cat x/d/* | sha256sum
#: gzip | few: static buffers
lines 30000 >in; run gzip -9nk in; sha256sum in.gz; run gzip -dc in.gz | cmp - in
#: bzip2 | few: four blocks for a whole file
lines 30000 >in; run bzip2 -k in; sha256sum in.bz2; run bzip2 -dc in.bz2 | cmp - in
#: xz | package: xz-utils | few: allocates once for each block of a file
lines 30000 >in; run xz -T1 -k in; sha256sum in.xz; run xz -dc in.xz | cmp - in
run xz -T2 --block-size=65536 -kc in | sha256sum
#: zstd | few: allocates once for each file
lines 30000 >in; run zstd -q -T1 in; sha256sum in.zst
run zstd -q -dc in.zst | cmp - in; run zstd -q -T2 -c in | sha256sum
#: zip | few: allocates once for each file
for i in $(seq 200); do echo $i >f$i; touch -d @1000000000 f$i; done
run zip -q -X z.zip f*; sha256sum z.zip; run unzip -tq z.zip
#: openssl
run openssl version; lines 2000 >in
run openssl dgst -sha3-256 in; run openssl enc -aes-256-cbc -pbkdf2 -S 0102030405060708 -k x -in in | sha256sum
run openssl genrsa -out key 2048; run openssl rsa -in key -check -noout
run openssl req -new -x509 -key key -subj /CN=x -days 9 -out cert
run openssl verify -CAfile cert cert; run openssl x509 -in cert -noout -subject
run openssl speed -seconds 1 -bytes 64 md5 2>/dev/null | grep -c md5
run openssl list -digest-algorithms | sha256sum
#: gpg | few: keys are numbers of libgcrypt's in few blocks | varies: processes fds
mkdir -m 700 g; export GNUPGHOME=$PWD/g; lines 500 >in
trap 'gpgconf --kill all; wait_until test ! -S g/S.gpg-agent; sleep 0.2' EXIT
run gpg --batch --quiet --passphrase '' --quick-gen-key matrix default default never 2>/dev/null
run gpg --batch --quiet --armor --detach-sign in; run gpg --verify in.asc in 2>/dev/null; echo $?
run gpg --batch --quiet -r matrix --trust-model always -e in
run gpg --batch --quiet -d in.gpg | cmp - in; echo $?
#: ssh-keygen | package: openssh-client
for t in ed25519 ecdsa rsa; do
    run ssh-keygen -q -t $t -N '' -f k$t -C matrix
    run ssh-keygen -l -f k$t.pub | sed 's/SHA256:[^ ]*/SHA256/'
    echo text | run ssh-keygen -q -Y sign -f k$t -n file >sig
    run ssh-keygen -Y check-novalidate -n file -s sig <sig 2>/dev/null || echo $?
done
run ssh -G host | sha256sum
#: rsync
mkdir s; for i in $(seq 1500); do echo $i >s/$i; done
run rsync -a s/ d/; echo x >>s/7; run rsync -ac --delete -i s/ d/; diff -r s d; echo $?
#: bc | few: keeps its numbers on a list of free ones
run bc -lq <<'END'
define f(n) {
  if (n < 2) return (n)
  return (f(n - 1) + f(n - 2))
}
scale=300; 4*a(1); f(17); 7919^300 % 1000003; for (i = 0; i < 5000; i++) { x = x * 3 % 1009 + i }; x
END
#: units | few: reads its database once
run units '7 furlong/fortnight' 'km/s'; run units -t '1 lightyear' parsec
run units --check 2>&1 | tail -n 1
#: m4 | few: keeps macros on obstacks
run m4 <<'END'
define(`f', `ifelse($1, 0, 0, $1, 1, 1, `eval(f(decr($1)) + f(decr(decr($1))))')')dnl
f(17)
define(`r', `ifelse($1, 0, , `x$1 r(decr($1))')')dnl
len(r(900))
END
#: bison
cat >g.y <<'END'
%token N
%left '+' '-'
%left '*' '/'
%%
s: e | s ';' e; e: N | e '+' e | e '-' e | e '*' e | e '/' e | '(' e ')';
END
run bison -d --report=all g.y; sha256sum g.tab.c g.output
#: flex | few: a few growing tables
{ echo '%%'; for i in $(seq 900); do echo "\"word$i\"[a-f]*$i { return $i; }"; done; } >l.l
run flex l.l; sha256sum lex.yy.c
#: make | varies: fds
{ echo '.PHONY: all'; echo 'all: $(addsuffix .o,$(shell seq 300))'
  echo '%.o: ; @echo $(words $(wordlist 1,50,$(MAKEFLAGS) $^)) $@ > $@'; } >Makefile
run make -j2; ls *.o | wc -l; run make -n; run make -p -f /dev/null 2>/dev/null | wc -l | grep -c .
#: cmake | varies: processes fds
mkdir s; cat >s/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.18)
project(p C)
foreach(i RANGE 50)
  file(WRITE ${CMAKE_BINARY_DIR}/f${i}.c "int f${i}(void) { return ${i}; }\n")
  list(APPEND all ${CMAKE_BINARY_DIR}/f${i}.c)
endforeach()
add_library(l STATIC ${all})
END
run cmake -S s -B b >/dev/null; ls b | sort; run cmake --build b -j2 >/dev/null; ar t b/libl.a | wc -l
#: meson | varies: processes fds
mkdir s; echo "project('p', 'c')
executable('e', 'e.c')
test('t', find_program('true'))" >s/meson.build
echo 'int main(void) { return 0; }' >s/e.c
run meson setup b s >/dev/null; run ninja -C b >/dev/null; b/e; echo $?
#: binutils
echo 'int f(int x) { return x * 7; } int main(void) { return f(0); }' >t.c; gcc -g -O2 -o t t.c
run objdump -dl /usr/bin/objdump | tail -n +4 | sha256sum; run readelf -aW --debug-dump=info t | wc -l
run nm -CD /usr/lib/x86_64-linux-gnu/libstdc++.so.6 | wc -l
run nm t | wc -l; run strip -o u t; run size u | tail -n 1; run objcopy --only-keep-debug t d
#: file | few: maps its compiled database
run file /usr/bin/* | wc -l; run file -bi /usr/bin/env
#: ghostscript | few: allocates chunks
cat >p.ps <<'END'
%!PS
/Times-Roman findfont 20 scalefont setfont
1 1 20 { /p exch def 1 1 30 { 20 mul 72 exch moveto (page ) show p 10 string cvs show } for
  0 5 300 { dup 0 0 moveto 300 lineto stroke } for showpage } for
END
run gs -q -dNOPAUSE -dBATCH -sDEVICE=pngmono -sOutputFile=p%d.png p.ps; sha256sum p7.png; ls p*.png | wc -l
#: imagemagick
im=convert-im6.q16
run $im -size 200x200 plasma:fractal -seed 7 -blur 0x2 -rotate 30 o.png && echo made
run $im -size 300x300 gradient:red-blue -resize 50% -colors 16 g.gif
run $im g.gif -format '%w %h %k\n' info:
for i in $(seq 20); do run $im g.gif -rotate $((i * 7)) -charcoal 2 r$i.ppm; done; sha256sum r7.ppm
#: ffmpeg | varies: threads
run ffmpeg -v error -f lavfi -i testsrc=size=320x240:rate=25:duration=3 \
    -threads 1 -c:v mpeg4 -bitexact v.avi
run ffmpeg -v error -i v.avi -threads 1 -f framemd5 - | tail -n 3
run ffmpeg -v error -f lavfi -i sine=440:duration=2 -c:a flac -bitexact a.flac; sha256sum v.avi a.flac
#: doxygen | varies: threads
for i in $(seq 30); do echo "/** \\brief Function $i
 *  \\param x see f$i */
int f$i(int x) { return x; }" >f$i.c; done
printf 'QUIET=YES\nWARNINGS=NO\nGENERATE_LATEX=NO\nEXTRACT_ALL=YES\nHTML_TIMESTAMP=NO\n' >Doxyfile
run doxygen Doxyfile; find html | wc -l; sha256sum html/f7_8c.html
#: pandoc | few: GHC's own heap; libc's malloc is for its runtime | varies: threads fds
lines 900 | sed 's/^\([0-9]*00\) /# \1\n/; s/abc/*abc*/' >in.md
run pandoc -t html in.md | sha256sum; run pandoc -t latex in.md | sha256sum
#: groff | package: groff-base | varies: processes fds
lines 2000 | sed 's/^\([0-9]*0\) /.SH \1\n/' >in.ms
run groff -ms -Tutf8 in.ms | sha256sum
run man --warnings -l /usr/share/man/man1/ls.1.gz 2>/dev/null | wc -l
#: vim
lines 3000 >in
run vim -Nu NONE -es in <<'END'
%s/abc/ABCDE/ge
g/77/normal ddp
let d = {}
for i in range(3000) | let d['k' . i] = [i, repeat('x', i % 60)] | endfor
call setline(1, string(len(d)))
sort
w! out
q!
END
sha256sum out
#: emacs | package: emacs-nox | few: allocates blocks of Lisp objects
cat >e.el <<'END'
(let ((h (make-hash-table :test 'equal)))
  (dotimes (i 20000) (puthash (format "k%d" i) (make-string (% i 60) ?x) h))
  (princ (format "%d\n" (hash-table-count h)))
  (with-temp-buffer
    (dotimes (i 5000) (insert (format "%d line\n" i)))
    (goto-char (point-min))
    (while (re-search-forward "7\\([0-9]*\\)" nil t) (replace-match "<\\1>"))
    (princ (format "%d %s\n" (buffer-size) (md5 (buffer-string)))))
  (princ (shell-command-to-string "echo from a shell")))
END
run emacs -Q --batch -l e.el
#: tmux | varies: processes fds
t() { run tmux -f /dev/null -S $PWD/sock "$@"; }
t new-session -d -x 80 -y 24 'seq 2000; cat'
wait_until sh -c 'tmux -S sock capture-pane -p | grep -q 2000'
for i in $(seq 30); do t split-window -d "seq $i; cat"; t select-layout tiled; done 2>/dev/null || :
t list-windows -F '#{window_width}x#{window_height}'; t list-panes | wc -l | grep -c .
t kill-server
#: gdb | varies: threads
cat >t.c <<'END'
#include <stdlib.h>
static int f(int n) { void *p = malloc(n); free(p); return n ? f(n - 1) : 7; }
int main(void) { for (int i = 0; i < 50; i++) f(300); return f(9); }
END
gcc -g -O0 -o t t.c
# The program under it is preloaded as well.
run gdb -q -nx -batch -ex 'set startup-with-shell off' -ex 'break f if n == 5' \
    -ex run -ex 'bt 3' -ex 'delete' -ex continue ./t 2>/dev/null |
    grep -E '^#|exited' | sed 's/0x[0-9a-f]*//; s/process [0-9]*//'
#: strace | few: the program under it allocates most
cat >t.c <<'END'
#include <stdio.h>
#include <stdlib.h>
int main(void) { for (int i = 0; i < 20000; i++) free(malloc(i)); puts("done"); return 3; }
END
gcc -O0 -o t t.c
run strace -f -o trace -e trace=write ./t || echo $?; sed -n 's/.*\(write(1,.*\)/\1/p' trace
#: busybox | package: busybox-static | few: linked statically: no preload reaches it
lines 5000 >in; run busybox sort in | sha256sum; run busybox ash -c 'echo $((6 * 7))'
#: chromium | few: its own malloc, PartitionAlloc, bypasses the shim; counted are the programs of its start script | varies: err threads processes fds blocked ignored caught umask core
cat >p.html <<'END'
<p id=p></p><script>let a = []; for (let i = 0; i < 20000; i++) a.push("x" + i);
document.getElementById("p").textContent = a.length + " " + a[7919];</script>
END
run chromium --headless --no-sandbox --disable-gpu --user-data-dir=$PWD/c --dump-dom file://$PWD/p.html 2>/dev/null
#: valgrind | few: brings its own malloc and bypasses the shim
run valgrind -q /bin/true; echo $?
#: man-db | package: man-db | varies: processes fds
export MAN_DISABLE_SECCOMP=1; run man -P cat ls | wc -l
#: perl regex | package: perl
lines 20000 >in
run perl -MData::Dumper -MPOSIX -MStorable=freeze -ne 'push @a, [ split ];
    END { print length(freeze(\@a)), " ", scalar(grep { /(\w)\1/ } map { @$_ } @a), "\n" }' in
#: protobuf-c | package: protobuf-c-compiler | varies: processes
{ echo 'syntax = "proto3";'; for i in $(seq 200); do
    echo "message M$i { int32 a = 1; repeated string b = 2; }"; done; } >m.proto
run protoc-c --c_out=. m.proto; sha256sum m.pb-c.c
#: graphviz | varies: threads
{ echo 'digraph g {'; for i in $(seq 120); do echo "n$i -> n$((i * 7 % 120)); n$i -> n$((i * 11 % 120));"; done; echo '}'; } >g.dot
run dot -Tplain g.dot | sha256sum
#: mandoc
run mandoc -T html /usr/share/man/man1/[a-c]*.1.gz 2>/dev/null | wc -l
#: shellutils | package: procps | varies: out
run ps -e -o pid= >/dev/null; run ps -eLf >/dev/null; run free >/dev/null
run sysctl -a 2>/dev/null >/dev/null || :; for i in $(seq 20); do run ps -ef >/dev/null; done; echo done
