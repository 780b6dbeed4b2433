# ok.sh - what the shell tests count and say, as TAP. Sourced, from the root.
count=0

# What a test that failed has to show; each script may have its own.
show() { :; }

# ok STATUS NAME; what a check left in $work/wrong is for it alone
ok() {
    count=$((count + 1))
    if [ "$1" = 0 ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        show 2>/dev/null | sed 's/^/# /'
    fi
    [ ! -e "$work/wrong" ] || rm "$work/wrong"
}
