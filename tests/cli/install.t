#!/bin/sh
# make install into a temporary DESTDIR: what is installed works from there,
# and make uninstall takes all of it away again.
build=${BUILD:-build/release}
mode=${MODE:-release}
case $mode in
release | debug) ;;
*) echo "1..0 # SKIP nobody installs a sanitized build"; exit 0 ;;
esac
source=$PWD
. ./tests/ok.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=/opt/preprof
there=$work$prefix
export PREPROF_DIR="$work/segments"

show() { cat "$work/out" "$work/err"; }
try() { # try NAME COMMAND...
    name=$1
    shift
    timeout 60 "$@" >"$work/out" 2>"$work/err" </dev/null
    ok $? "$name"
}
# make's own variables would make this one a part of it
make_here() {
    env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -C "$source" MODE="$mode" \
        B="$build" PREFIX="$prefix" DESTDIR="$work" "$@"
}
pc() {
    PKG_CONFIG_PATH=$there/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$work \
        pkg-config "$@"
}

(umask 077; make_here install) >"$work/out" 2>"$work/err"
ok $? "make install"
[ -z "$(find "$work" -type f -path "$work/opt/*" ! -perm -444)" ] &&
    [ -z "$(find "$work/opt" -type f -path '*/bin/*' ! -perm -555)" ]
ok $? "anybody may read and run it"
! grep -rqI "$work" "$there"
ok $? "DESTDIR is in no file"

cd "$work" || exit 1
preprof=$there/bin/preprof
try "preprof --version" "$preprof" --version
[ "$(cat out)" = "preprof $(pc --modversion preprof)" ]
ok $? "pkg-config knows the same version"
try "preprof run" "$preprof" run -o true.preprof -- true
try "preprof convert" "$preprof" convert true.preprof -o true.pb.gz
gzip -t true.pb.gz
ok $? "it wrote a profile"
ln -s "$preprof" link
try "by a symbolic link" "$work/link" run -o link.preprof -- true
try "preprof list" "$preprof" list
try "preprof doctor" "$preprof" doctor true
"$there/bin/preprof-server" --version >out 2>err
[ "$(cat out)" = "preprof-server $(pc --modversion preprof)" ]
ok $? "preprof-server --version"
"$preprof" run --http 0 -- sleep 0 >out 2>err
grep -q 'http://localhost:[0-9]*/debug/pprof/' err
ok $? "preprof run --http finds its server"

try "preprof.h by pkg-config" ${CC:-cc} $(pc --cflags preprof) \
    -o memstats "$source/examples/memstats.c"
LD_PRELOAD=$(pc --variable=shim preprof)
case $LD_PRELOAD in "$work"*) ;; *) LD_PRELOAD=$work$LD_PRELOAD ;; esac
PREPROF_MODE=exact LD_PRELOAD=$LD_PRELOAD ./memstats >out 2>err
grep -q '^allocated HeapAlloc  +970776 ' out
ok $? "the shim by pkg-config"
unset LD_PRELOAD
for page in 1/preprof.1 1/preprof-server.1 7/libpreprof.7; do
    [ -s "$there/share/man/man$page" ]
    ok $? "man page ${page#*/}"
done

make_here uninstall >out 2>err
ok $? "make uninstall"
find opt ! -type d >out
[ ! -s out ] && [ ! -e "$there/lib/preprof" ]
ok $? "nothing is left"
echo "1..$count"
