#!/bin/sh
# tap.sh TEST - how prove runs each test: in a time limit, with cmocka speaking
# TAP. TEST_TIMEOUT is in seconds.
export CMOCKA_MESSAGE_OUTPUT=TAP
exec timeout --kill-after=10 "${TEST_TIMEOUT:-300}" "$@"
