#!/usr/bin/env bash
# run.sh ROOT [SUITE...]: does on another distribution what README.md tells a new user, and runs the suites there (tests/run.sh; those that
# show a port by default). ROOT is a bare system that debootstrap has made; as root, with the network for packages. Not a part of `make test`:
#
#   debootstrap --variant=minbase trixie /var/tmp/trixie && tests/ports/run.sh /var/tmp/trixie
#
# run.sh --aarch64 ROOT: in a Debian root of this machine's processor, builds for aarch64 by the cross compiler, and holds the golden digests
# against that program under qemu-user. It refuses filters of system calls, so limits alone hold recipes there.
set -eu
cd "$(dirname "$0")/../.."
what=here
[ "${1-}" != --aarch64 ] || { what=aarch64 && shift; }
root=$1
shift
[ $# -gt 0 ] || set -- unit cli embed attacks docs lint tests/spec/ops_spec.lua tests/spec/prelude_spec.lua tests/spec/module_spec.lua

rm -rf "$root/root/moonweld"
git clone -q . "$root/root/moonweld"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
echo force-unsafe-io > "$root/etc/dpkg/dpkg.cfg.d/unsafe-io" # a root that is thrown away needs no syncs

here='apt-get update -q && apt-get install -q -y --no-install-recommends make gcc git ca-certificates
make deps && make -j"$(nproc)" all units 2>&1 | tee build.log && ! grep "warning:" build.log && tests/run.sh build "$@"'
aarch64='dpkg --add-architecture arm64 && apt-get update -q
apt-get install -q -y --no-install-recommends make gcc git ca-certificates pkg-config gcc-aarch64-linux-gnu lua5.4 liblua5.4-dev qemu-user-static
apt-get install -q -y --no-install-recommends liblua5.4-dev:arm64 nettle-dev:arm64 libxxhash-dev:arm64 libopenblas-dev:arm64 libpcre2-dev:arm64 \
  libutf8proc-dev:arm64 libcjson-dev:arm64 libyaml-dev:arm64 libseccomp-dev:arm64 libgomp1:arm64
export PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig
make -j"$(nproc)" CC=aarch64-linux-gnu-gcc SECCOMP= all
printf "#!/bin/sh\nexec qemu-aarch64-static $PWD/build/moonweld \"\$@\"\n" > build/emulated && chmod +x build/emulated
MOONWELD=$PWD/build/emulated tests/golden/run.sh'

# Mounts live in a namespace of their own, and end with it.
exec unshare -m --propagation private bash -euc '
  root=$1 commands=$2
  shift 2
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs -o mode=1777 tmp "$root/dev/shm"
  exec chroot "$root" env -i HOME=/root TERM=xterm LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive \
    bash -euc "cd /root/moonweld; $commands" port "$@"' mounted "$root" "${!what}" "$@"
