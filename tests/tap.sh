#!/bin/sh
# tap.sh TEST - how prove runs each test: in a time limit, with cmocka speaking
# TAP. TEST_TIMEOUT is in seconds.
export CMOCKA_MESSAGE_OUTPUT=TAP
set -- timeout --kill-after=10 "${TEST_TIMEOUT:-300}" "$@"
case $4 in
*/unit/*) ;;
*) exec "$@" ;;
esac

# cmocka says "not ok 4 # SKIP" of a test that calls skip(), which TAP takes for
# a failure.
exec 4>&1
status=$({
    { "$@" 3>&- 4>&-; echo $? >&3; } |
        sed 's/^not \(ok [0-9]* # SKIP\)/\1/' >&4
} 3>&1)
exit "$status"
