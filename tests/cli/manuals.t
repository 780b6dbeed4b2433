#!/bin/sh
# The man pages against what they describe: no option, variable, limit or loss
# without a line, and nothing that mandoc warns of.
build=${BUILD:-build/release}

# has PAGE WORD...: each word is in the page as it is read
has() {
    page=$1
    text=$(mandoc -Tascii -Owidth=1000 "$page" | sed 's/.\x08//g')
    shift
    for word; do
        case $text in
        *"$word"*) ;;
        *) echo "# ${page##*/} says nothing of $word"; return 1 ;;
        esac
    done
}

command -v mandoc >/dev/null || { echo "1..0 # SKIP mandoc is missing"; exit 0; }
. ./tests/ok.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for page in tools/preprof.1 server/preprof-server.1 shim/libpreprof.7; do
    mandoc -Tlint -W warning "$page" | sed 's/^/# /'
    mandoc -Tlint -W warning "$page" >/dev/null
    ok $? "$page: clean"
done

commands=$(tools/preprof --help | sed -n 's/^  \([a-z]*\) .*  .*/\1/p')
has tools/preprof.1 $commands
ok $? "preprof: every command"
options=$(for command in $commands; do tools/preprof help "$command"; done 2>&1 |
    grep -o -e '^  --*[a-z]*' | sort -u)
has tools/preprof.1 $options
ok $? "preprof: every option"
options=$("$build/preprof-server" --help | grep -o -e '--[a-z-]*')
has server/preprof-server.1 $options
ok $? "preprof-server: every option"

has shim/libpreprof.7 $(grep -oh 'getenv("PREPROF_[A-Z]*")' shim/options.c |
    grep -o 'PREPROF_[A-Z]*')
ok $? "libpreprof: every variable"
losses=$(sed -n 's/^ *X(\([A-Z_]*\), ".*/\1/p' shim/segment.h)
has shim/libpreprof.7 $losses
ok $? "libpreprof: every loss"
sed -n 's/^ *X([A-Z_]*, "\(.*\)").*/\1/p' shim/segment.h >"$work/texts"
missing=0
while read -r text; do
    has shim/libpreprof.7 "$text" || missing=1
done <"$work/texts"
ok $missing "libpreprof: each with its text"
limits=$(sed -n 's/^#define \(SEGMENT_[A-Z]*_MAX\) .*/\1/p' shim/segment.h |
    grep -v LOSSES)
has shim/libpreprof.7 $limits
ok $? "libpreprof: every limit of a segment"
[ "$(echo $losses | wc -w)" -ge 12 ] && [ "$(echo $limits | wc -w)" -ge 7 ]
ok $? "there were losses and limits to look for"
echo "1..$count"
