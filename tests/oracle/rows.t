#!/bin/sh
# SPDX-License-Identifier: MIT
# Our unwind rows and rules against libdw's: of a few files here, and with
# ORACLE=long (make oracle) of the largest hundred of this system as well.
build=${BUILD:-build/release}
libraries=/usr/lib/$(gcc -print-multiarch)
set -- /lib64/ld-linux-x86-64.so.2 "$libraries/libc.so.6" \
    "$libraries/libstdc++.so.6" "$libraries/libcrypto.so.3" /usr/bin/python3
if [ "$ORACLE" = long ]; then
    set -- "$@" /usr/bin/node \
        $(ls -S "$libraries"/*.so.*[0-9] /usr/bin/* | head -110)
fi
exec tests/oracle/rows.py "$build/tests/oracle/rows" "$@"
