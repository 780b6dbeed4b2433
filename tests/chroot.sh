#!/bin/sh
# chroot.sh SUITE - both README commands on a machine where nothing was
# installed: a fresh debootstrap of a Debian suite in a temporary folder.
#
# Needs root, debootstrap and a mirror, which is taken from this machine's own
# apt sources, as its apt configuration is. `make run` is proven by requests to
# the sample server, on a loopback port (CHROOT_PORT); installing must start no
# service, and no process may be left.
set -eu

suite=${1:?usage: tests/chroot.sh SUITE}
port=${CHROOT_PORT:-18080}
wait_s=1200 # for apt, the compiler and the server's first answer

fail() { # fail MESSAGE
    echo "chroot.sh: $suite: $1" >&2
    exit 1
}
[ "$(id -u)" = 0 ] || fail "needs root"
command -v debootstrap >/dev/null || fail "needs debootstrap (make deps-matrix)"
mirror=$(apt-get indextargets --format '$(SITE)' 'Origin: Debian' | head -n 1)
[ -n "$mirror" ] || fail "apt knows no Debian mirror"
root=$(mktemp -d)
chmod 755 "$root"

# Ids of the processes that live in the chroot.
inside() {
    for place in /proc/[0-9]*/root; do
        [ "$(readlink "$place")" != "$root" ] || basename "${place%/root}"
    done
}
clean_up() {
    for pid in $(inside); do
        kill "$pid" || true
    done
    for place in dev/shm dev/pts proc; do
        if mountpoint -q "$root/$place"; then umount -l "$root/$place"; fi
    done
    rm -rf --one-file-system "$root"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

say() { echo "chroot.sh: $suite: $1"; }
# Becomes `sh -c COMMAND` in the clone in the chroot: call it in a subshell.
enter() { # enter COMMAND [OPTION-OF-CHROOT]
    exec chroot ${2:-} "$root" /usr/bin/env -i HOME=/root \
        PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c "cd /srv/preprof && $1"
}

say "debootstrap"
debootstrap --variant=minbase --include=make,ca-certificates \
    "$suite" "$root" "$mirror" >"$root/debootstrap.out" ||
    { tail "$root/debootstrap.out" >&2; fail "debootstrap failed"; }
for part in apt.conf apt.conf.d auth.conf auth.conf.d; do
    [ ! -e "/etc/apt/$part" ] || cp -a "/etc/apt/$part" "$root/etc/apt/"
done
cp /etc/resolv.conf /etc/hosts "$root/etc/"
mount -t proc proc "$root/proc"
mkdir -p "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
git clone -q . "$root/srv/preprof"

say "make deps, as nobody"
if (enter "make deps" --userspec=65534:65534) >"$root/deps.out" 2>&1; then
    fail "installed packages without root"
fi
grep -q 'apt-get install .*libuv1-dev' "$root/deps.out" ||
    { cat "$root/deps.out" >&2; fail "does not say what to install"; }

say "make run"
enter "exec make run PORT=$port" &
server=$!
started=$(date +%s)
until curl -sf "http://localhost:$port/" >/dev/null; do
    kill -0 "$server" 2>/dev/null || fail "make run ended"
    [ $(($(date +%s) - started)) -lt $wait_s ] || fail "make run: no answer"
    sleep 1
done
say "it answers after $(($(date +%s) - started)) s"
curl -sf "http://localhost:$port/allocate2" | tee "$root/allocate2.out"
grep -q '^Heap Alloc Before: .*, Diff: 104861680$' "$root/allocate2.out" ||
    fail "/allocate2: wrong numbers"
curl -sf "http://localhost:$port/debug/pprof/heap" | gzip -t ||
    fail "/debug/pprof/heap: no profile"
kill "$server"
wait "$server" || true

say "make test"
started=$(date +%s)
(enter "make test") || fail "make test failed"
say "make test took $(($(date +%s) - started)) s"
left=$(inside)
[ -z "$left" ] || { ps -fp $left >&2; fail "processes are left"; }
say "all of it works"
