#!/usr/bin/env bash
# deb.sh BUILD VERSION PACKAGE.deb: a Debian package of what `make install` puts below PREFIX=/usr. What it depends on is what the installed
# files are linked with, by the packages of this machine: build on the release that it is for.
set -eu
build=$1 version=$2 package=$3
stage=$build/deb
triplet=$(${CC:-cc} -dumpmachine 2> /dev/null | sed 's/-pc-/-/; s/-redhat-/-/')
[ -d "/usr/lib/$triplet" ] || triplet=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
rm -rf "$stage" "$package"
make --no-print-directory -s install DESTDIR="$stage" PREFIX=/usr LIBDIR="/usr/lib/$triplet"
find "$stage" -type f \( -name '*.so*' -o -path '*/bin/*' \) -exec strip --strip-unneeded {} +
find "$stage" -type f -name '*.a' -exec strip --strip-debug {} +
gzip -9n "$stage"/usr/share/man/man1/*.1

# The packages that hold the shared libraries: "libc6 libcjson1 ...".
libraries() {
  find "$stage" -type f \( -name '*.so*' -o -path '*/bin/*' \) -exec ldd {} + | sed -nE 's/^.* => (\/[^ ]+) .*$/\1/p' | sort -u |
    while read -r file; do
      dpkg -S "$(readlink -f "$file")" 2> /dev/null || dpkg -S "$file" 2> /dev/null || dpkg -S "/usr$file"
    done | sed -E 's/:.*$//' | sort -u
}
architecture=$(dpkg --print-architecture)
depends=$(libraries | while read -r name; do
  of=$(dpkg-query -W -f '${Version}' "$name:$architecture" | sed -E 's/^([0-9]+:)?([0-9.]+).*$/\1\2/')
  printf '%s (>= %s), ' "$name" "$of"
done)

mkdir -p "$stage/DEBIAN" "$stage/usr/share/doc/moonweld"
cp LICENSE "$stage/usr/share/doc/moonweld/copyright"
gzip -9nc .github/CHANGELOG.md > "$stage/usr/share/doc/moonweld/changelog.gz"
cat > "$stage/DEBIAN/control" <<CONTROL
Package: moonweld
Version: $version
Architecture: $architecture
Maintainer: The Moonweld authors <moonweld@localhost>
Section: science
Priority: optional
Installed-Size: $(du -sk "$stage/usr" | cut -f1)
Depends: ${depends}libopenblas0
Recommends: libedit2
Suggests: lua5.4
Description: merges model checkpoints by recipes in Lua
 A merge method is a recipe, a short Lua file that reads like the formula in its paper. Recipes run behind locks; the runtime, in C, reads
 safetensors models where they lie and writes the merged one in one pass. With the Lua module, the C library and its header.
CONTROL
chmod -R u+rwX,go+rX,go-w "$stage"
dpkg-deb --root-owner-group --build "$stage" "$package" > /dev/null
echo "$package: $(du -h "$package" | cut -f1), for $(. /etc/os-release && echo "$PRETTY_NAME")"
