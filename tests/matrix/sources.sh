#!/bin/sh
# sources.sh DIRECTORY PACKAGE... - the upstream sources of the installed
# packages' programs, for the test suites in them. From where this machine's apt
# has its packages, by lists of its own, so that apt's are as they were. Where
# the installed version is not to be had, the newest that is will do: a suite is
# compared with itself.
set -eu

directory=${1:?usage: sources.sh DIRECTORY PACKAGE...}; shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$directory" "$work/lists/partial"
cat /etc/apt/sources.list.d/*.sources 2>"$work/err" |
    sed 's/^Types:.*/Types: deb-src/' >"$work/all.sources"
if [ -e /etc/apt/sources.list ]; then
    sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >"$work/all.list"
    [ -s "$work/all.sources" ] || rm "$work/all.sources"
fi
from_there() { # from_there COMMAND...
    program=$1; shift
    "$program" -q -o Dir::Etc::sourcelist=/dev/null \
        -o Dir::Etc::sourceparts="$work" -o Dir::State::Lists="$work/lists" \
        -o APT::Sandbox::User=root "$@"
}
from_there apt-get update >"$work/out"
for package; do
    [ -z "$(find "$directory" -name "${package}_*.orig.tar.*")" ] || continue
    for version in $(from_there apt-cache madison "$package" |
        awk -F '|' '/Sources/ { print $2 }' | sort -rV); do
        (cd "$work" && from_there apt-get source --download-only \
            "$package=$version" >out 2>&1) || continue
        cp "$work/${package}"_*.orig.tar.* "$directory"
        break
    done
    [ -n "$(find "$directory" -name "${package}_*.orig.tar.*")" ] ||
        echo "sources.sh: no source of $package: $(tail -n 1 "$work/out")" >&2
done
