#!/bin/sh
# Symbols of random pcs against eu-addr2line -i and llvm-addr2line -i: the same
# functions, inlined frames, files and lines, for every way to build and strip
# that changes where they are found. Which pcs, and what may differ and why, is
# said in tests/helpers/symbols_compare.py.
build=${BUILD:-build/release}
source=$PWD/tests/programs
case $build in /*) ;; *) build=$PWD/$build ;; esac
helper=$build/tests/helpers/symbolize_file
. ./tests/ok.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset DEBUGINFOD_URLS

show() { cat "$work/err"; }
skip() { # skip NAME REASON
    count=$((count + 1))
    echo "ok $count - $1 # skip $2"
}
compare() { python3 tests/helpers/symbols_compare.py "$@" 2>>"$work/err"; }

# ask WHO FILE ORACLE: 10000 pcs of FILE have the symbols that WHO gives to
# ORACLE, the same code with debug information that WHO finds.
ask() {
    case $1 in eu) pcs=rows ;; llvm) pcs=bytes ;; esac
    compare "$pcs" "$3" 10000 >"$work/pcs" &&
        "$helper" "$2" <"$work/pcs" >"$work/ours" 2>"$work/time" &&
        case $1 in
        eu) eu-addr2line -A -a -f -i -e "$3" ;;
        llvm) llvm-addr2line -a -f -i -e "$3" ;;
        esac <"$work/pcs" >"$work/theirs" &&
        compare compare "$3" "$work/pcs" "$work/ours" "$work/theirs" \
            >"$work/result" || return
    echo "# $1 $pcs: $(cat "$work/result"), ours: $(cat "$work/time")"
    # Nothing is wrong, and there is enough to be wrong about.
    tr ' =' '\n ' <"$work/result" | awk '
        { value[$1] = $2 }
        END {
            exit !(value["pcs"] == 10000 && value["wrong"] == 0 &&
                   value["equal"] + value["named"] == 10000 &&
                   value["deep"] >= 1000 && value["lines"] >= 7000)
        }'
}
# agree NAME WHO FILE ORACLE: ask eu, llvm or both.
agree() {
    : >"$work/err"
    same_text "$3" "$4" &&
        case $2 in eu | both) ask eu "$3" "$4" ;; esac &&
        case $2 in llvm | both) ask llvm "$3" "$4" ;; esac
    ok $? "$1"
}

# Other flags, same code: the text is the oracle's to the byte.
same_text() { # same_text FILE ORACLE
    objcopy -O binary -j .text "$1" "$work/text.1" &&
        objcopy -O binary -j .text "$2" "$work/text.2" &&
        cmp "$work/text.1" "$work/text.2" >>"$work/err"
}
built() { # built NAME COMMAND...: whether the command could build it
    name=$1; shift
    "$@" >"$work/err" 2>&1 || { ok 1 "$name is built"; false; }
}

c=$build/tests/programs/sym_c cxx=$build/tests/programs/sym_cxx
std=$build/tests/programs/sym_std
agree "C, gcc -O2" both "$c" "$c"
agree "C++, gcc -O2" both "$cxx" "$cxx"
# In its large units eu-addr2line takes 2 ms for each pc.
agree "C++ with the standard library" llvm "$std" "$std"

built "-O3" gcc -g -O3 -no-pie -fno-pie -o "$work/o3" "$source/sym_c.c" &&
    agree "C, gcc -O3 -no-pie" both "$work/o3" "$work/o3"
# eu-addr2line finds no inlined frames across units, nor a function in another.
built "LTO" gcc -g -O2 -flto -DNESTED -o "$work/lto" "$source/sym_c.c" &&
    agree "gcc -flto, nested function" llvm "$work/lto" "$work/lto"

# clang leaves out .debug_aranges, without which eu-addr2line finds nothing.
built "clang" clang -g -O2 -o "$work/clang" "$source/sym_c.c" &&
    built "clang, aranges" clang -g -O2 -gdwarf-aranges \
        -o "$work/clang.aranges" "$source/sym_c.c" &&
    agree "C, clang -O2" both "$work/clang" "$work/clang.aranges"
built "clang++" clang++ -g -O2 -std=c++17 -o "$work/clang++" \
    "$source/sym_std.cc" &&
    agree "C++, clang -O2" llvm "$work/clang++" "$work/clang++"

# The same code by other roads: formats, and separate files. The .dwo file is
# named after the output.
for flags in -gdwarf-4 -gz -gsplit-dwarf; do
    built "plain" gcc -g -O2 -o "$work/plain" "$source/sym_c.c" &&
        built "$flags" gcc -g -O2 $flags -o "$work/other" "$source/sym_c.c" &&
        agree "$flags" eu "$work/other" "$work/plain"
done
cp "$cxx" "$work/stripped"
objcopy --only-keep-debug "$cxx" "$work/stripped.debug" &&
    strip "$work/stripped" &&
    objcopy --add-gnu-debuglink="$work/stripped.debug" "$work/stripped"
agree "stripped, .gnu_debuglink" eu "$work/stripped" "$cxx"

# eu-addr2line does not look into namespaces, where Rust has its functions.
if command -v rustc >/dev/null; then
    built "Rust" rustc -g -O -o "$work/rust" "$source/sym_rust.rs" &&
        agree "Rust" llvm "$work/rust" "$work/rust"
else
    skip "Rust" "no rustc"
fi

echo "1..$count"
