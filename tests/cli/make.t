#!/bin/sh
# What make says and does before it builds: its list of targets, modes, and the
# packages that are missing, on a machine without compilers that is made of a
# PATH of a few commands. Installing itself is chroot.sh's.
. ./tests/ok.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
show() { cat "$work/out" "$work/err"; }
# make's own variables would make this one a part of it
make_here() {
    env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u MODE "$@" \
        >"$work/out" 2>"$work/err" </dev/null
}

make_here make help
for target in all run test check bench fuzz deps install uninstall clean \
    compile_commands.json chroot-test; do
    grep -q "^  $target  *[a-z.b]" "$work/out" || break
    target=
done
[ -z "$target" ]
ok $? "make help has every target${target:+ but $target}"
make_here make MODE=fast help
[ $? = 2 ] && grep -q 'MODE=fast: not one of release debug' "$work/err"
ok $? "an unknown MODE is one clear line"
make_here make -n V=1 MODE=debug B="$work/b" "$work/b/shim/walk.o"
grep -q '^gcc .*-Og\|^cc .*-O1 -Werror' "$work/out"
ok $? "V=1 shows the compiler's command"

bin=$work/bin
mkdir "$bin"
for command in sh make sed tr sort env echo uname find mkdir; do
    ln -s "$(command -v "$command")" "$bin/"
done
stub() { # stub NAME SCRIPT
    printf '#!/bin/sh\n%s\n' "$2" >"$bin/$1"
    chmod +x "$bin/$1"
}
stub id 'echo 1000'
bare() { make_here env -i PATH="$bin" make B="$work/b" "$@"; }

bare deps
[ $? = 2 ] && grep -q 'no apt-get here' "$work/err" &&
    grep -q '^  gcc$' "$work/err" && ! grep -q cmocka "$work/err"
ok $? "without apt: the packages that building needs"
stub apt-get 'echo "called with $*" >&2; exit 9'
stub apt-cache '[ "$2" != libllhttp-dev ]'
bare deps-test
[ $? = 2 ] && ! grep -q 'called' "$work/err" &&
    grep -q '^  apt-get install .* g++ gcc .*libcmocka-dev ' "$work/err"
ok $? "without root: the command to give, with what the tests need"
stub pkg-config '[ "$2" != libllhttp ]'
for package in gcc g++ ar protoc-c; do stub "$package" ''; done
bare deps
if [ -e /usr/share/llhttp/llhttp.c ]; then
    [ $? = 0 ] && [ ! -s "$work/err" ]
else
    grep -q '^  apt-get install .* node-llhttp$' "$work/err"
fi
ok $? "commands and libraries count, not packages"
stub sudo 'case $1 in env | apt-get) exec "$@" ;; esac' # and no file of the system
rm "$bin/gcc"
bare deps
[ $? = 2 ] && grep -q '^called with update' "$work/err"
ok $? "with sudo: apt-get, and its failure is make's"
[ ! -e "$work/b" ]
ok $? "nothing was built"
echo "1..$count"
