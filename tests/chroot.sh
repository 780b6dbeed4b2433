#!/bin/sh
# chroot.sh SUITE - both README commands on a machine where nothing was
# installed: a fresh debootstrap of a Debian suite in a temporary folder.
#
# Needs root, debootstrap and a mirror, which is taken from this machine's own
# apt sources. `make run` is proven by one request to the sample server, on a
# loopback port of its own.
set -eu

suite=${1:?usage: tests/chroot.sh SUITE}
port=${CHROOT_PORT:-18080}
[ "$(id -u)" = 0 ] || { echo "chroot.sh: needs root" >&2; exit 1; }
command -v debootstrap >/dev/null ||
    { echo "chroot.sh: needs debootstrap (make deps-matrix)" >&2; exit 1; }
mirror=$(apt-get indextargets --format '$(SITE)' 2>/dev/null | head -n 1)
root=$(mktemp -d)

clean_up() {
    [ -z "${server:-}" ] || kill "$server" 2>/dev/null || true
    for place in dev/shm proc; do
        mountpoint -q "$root/$place" && umount -l "$root/$place"
    done
    rm -rf --one-file-system "$root"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

debootstrap --variant=minbase --include=make,ca-certificates \
    "$suite" "$root" "$mirror" >/dev/null
cp -a /etc/apt/. "$root/etc/apt/"
mount -t proc proc "$root/proc"
mkdir -p "$root/dev/shm"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
git clone -q . "$root/root/preprof"

in_chroot() {
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        HOME=/root sh -c "cd /root/preprof && $1"
}

in_chroot "exec make run PORT=$port" &
server=$!
tries=0
until curl -sf "http://localhost:$port/allocate2"; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || { echo "chroot.sh: make run: no answer" >&2; exit 1; }
    sleep 1
done
kill "$server"
wait "$server" || true
server=
in_chroot "make test"
