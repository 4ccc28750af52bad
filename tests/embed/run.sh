#!/usr/bin/env bash
# run.sh: what `make install` puts somewhere is whole: programs of a user in C and Lua are built and run against the installed
# files alone, the libraries show what the header declares and nothing else, and `make uninstall` leaves nothing.
set -u
cd "$(dirname "$0")/../.."
root=$PWD build=${MOONWELD_BUILD:-build}
pico=$root/tests/data/pico
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/moonweld
cc=$(cut -d' ' -f1 "$build/flags") # the compiler of this build, so that nothing is built again
make() { command make --no-print-directory -s CC="$cc" "$@"; }
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
passed=0 failed=0

# A case: its name, and a command that is to succeed.
check() { # NAME COMMAND...
  local name=$1
  shift
  if "$@" > "$work/log" 2>&1; then passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "not ok: $name"
    tail -n 12 "$work/log" | sed 's/^/    /'
  fi
}
skip() { echo "skipped: $1"; }

check "make install" make install PREFIX="$prefix"
"$prefix/bin/moonweld" slerp --a "$pico/kjv" --b "$pico/de" --t 0.3 --quiet -o "$work/expected"
same() { cmp "$work/expected/model.safetensors" "$1/model.safetensors"; }

# ---- the header ----

alone() { # COMPILER LANGUAGE STANDARD
  echo '#include <moonweld.h>' | "$1" -std="$3" -Wall -Wextra -pedantic -Werror -I "$prefix/include" -x "$2" -c -o "$work/alone.o" -
}
for standard in c99 c11 gnu17; do check "the header alone as $standard" alone "$cc" c "$standard"; done
cxx=$(command -v c++ || command -v g++ || command -v clang++)
if [ -n "$cxx" ]; then for standard in c++11 c++20; do check "the header alone as $standard" alone "$cxx" c++ "$standard"; done
else skip "there is no C++ compiler"; fi

# Macros that the header brings: none of another's name.
macros() {
  for file in stdbool.h,stddef.h,stdint.h moonweld.h; do
    tr , '\n' <<< "$file" | sed 's/.*/#include <&>/' | "$cc" -I "$prefix/include" -dM -E - | sort > "$work/macros.$file"
  done
  ! comm -13 "$work"/macros.std* "$work/macros.moonweld.h" | grep -vE '^#define (MW_[A-Z_]+|MOONWELD_H)( |\(|$)'
}
check "the header's macros begin with MW_" macros

# ---- a program in C ----

shared() {
  # shellcheck disable=SC2046
  "$cc" -std=c11 -Wall -Wextra -pedantic -Werror -o "$work/shared" tests/embed/merge.c $(pkg-config --cflags --libs moonweld) &&
    env -i LD_LIBRARY_PATH="$prefix/lib" "$work/shared" "$pico/kjv" "$pico/de" "$work/out.shared" && same "$work/out.shared"
}
static() { # what it stands on stays shared
  # shellcheck disable=SC2046
  "$cc" -std=c11 -fopenmp -o "$work/static" tests/embed/merge.c $(pkg-config --cflags moonweld) "$prefix/lib/libmoonweld.a" \
    $(pkg-config --libs $(pkg-config --print-requires-private moonweld)) -lm &&
    ! ldd "$work/static" | grep moonweld && env -i "$work/static" "$pico/kjv" "$pico/de" "$work/out.static" && same "$work/out.static"
}
plusplus() {
  echo '#include <moonweld.h>
    int main() { return mw_version().version[0] == 0 || mw_recipe_builtins()[0] == nullptr; }' > "$work/plus.cc"
  # shellcheck disable=SC2046
  "$cxx" -o "$work/plus" "$work/plus.cc" $(pkg-config --cflags --libs moonweld) && env -i LD_LIBRARY_PATH="$prefix/lib" "$work/plus"
}
refused() { # an error of the library is the status of the program
  env -i LD_LIBRARY_PATH="$prefix/lib" "$work/shared" "$pico/kjv" "$work/none" "$work/out.refused"
  [ $? = 66 ] && [ ! -e "$work/out.refused" ]
}
check "a program with the shared library" shared
check "an error of the library" refused
check "a program with the static library" static
[ -z "$cxx" ] || check "a program in C++" plusplus
check "the version of moonweld.pc" [ "$(pkg-config --modversion moonweld)" = "$("$prefix/bin/moonweld" --version | sed -n 's/^moonweld //p')" ]

# ---- what the libraries show ----

# What is defined, but for the marks that a linker such as gold puts at the ends of its sections.
visible() { nm -D --defined-only "$1" | awk '{ print $3 }' | sed 's/@.*//' | grep -vxE '__bss_start|_edata|_end' | sort; }
declared() {
  "$cc" -I "$prefix/include" -E -P "$prefix/include/moonweld.h" | tr '\n' ' ' | grep -oE '(mw_[a-z_]+|luaopen_moonweld) ?\([^*]' | grep -oE '^[a-z_]+' | sort -u
}
functions() { diff <(declared) <(visible "$prefix/lib/libmoonweld.so"); }
module() { [ "$(visible "$prefix/lib/lua/5.4/moonweld.so")" = luaopen_moonweld ]; }
soname() {
  local name
  name=$(readelf -d "$prefix/lib/libmoonweld.so" | sed -n 's/.*SONAME.*\[\(.*\)\].*/\1/p')
  [[ $name =~ ^libmoonweld\.so\.[0-9]+$ ]] && [ "$(readlink "$prefix/lib/$name")" = "libmoonweld.so.$(pkg-config --modversion moonweld)" ]
}
check "the shared library shows the functions of the header, and nothing else" functions
check "the module shows luaopen_moonweld, and nothing else" module
check "the shared library's name has its version" soname

# ---- a program in Lua ----

lua() {
  (cd "$work" && env -i PATH="$PATH" LUA_CPATH="$prefix/lib/lua/5.4/?.so" lua5.4 "$root/tests/embed/merge.lua" "$pico/kjv" "$pico/de" "$work/out.lua") &&
    same "$work/out.lua"
}
check "a program in Lua" lua
# The header names luaopen_moonweld for programs that carry a Lua of their own.
carried() {
  cat > "$work/carried.c" << 'EOF'
#include <lauxlib.h>
#include <lualib.h>
#include <moonweld.h>
int main(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "moonweld", luaopen_moonweld, 0);
  int code = luaL_dostring(L, "assert(#require('moonweld').recipes() > 10)");
  lua_close(L);
  return code;
}
EOF
  # shellcheck disable=SC2046
  "$cc" -o "$work/carried" "$work/carried.c" $(pkg-config --cflags --libs moonweld lua5.4) && env -i LD_LIBRARY_PATH="$prefix/lib" "$work/carried"
}
if pkg-config --exists lua5.4; then check "a program that carries Lua" carried; fi

# ---- what there is to read ----

manual() {
  local page=$prefix/share/man/man1/moonweld.1 text=$work/manual word
  groff -man -Tascii -ww -rHY=0 "$page" > "$text" 2> "$work/warnings" && [ ! -s "$work/warnings" ] || { cat "$work/warnings"; return 1; }
  sed -i 's/\x1b\[[0-9;]*m//g; s/.\x08//g' "$text"
  for word in $("$prefix/bin/moonweld" --help | grep -oE -- '--[a-z-]+' | sort -u) $("$prefix/bin/moonweld" list | cut -d' ' -f1) \
    "EXIT STATUS" 64 65 66 69 70 71 73 74 75 128; do
    grep -qF -- "$word" "$text" || { echo "the manual lacks $word"; return 1; }
  done
}
if command -v groff > /dev/null; then check "the manual page has every option, recipe and exit code" manual; else skip "there is no groff for the manual page"; fi
completions() {
  # shellcheck disable=SC1091
  (. "$prefix/share/bash-completion/completions/moonweld" && COMP_WORDS=("$prefix/bin/moonweld" dare --resc) COMP_CWORD=2 && _moonweld &&
    [ "${COMPREPLY[*]}" = --rescale ]) && grep -q '^#compdef moonweld' "$prefix/share/zsh/site-functions/_moonweld" &&
    grep -q '^complete -c moonweld' "$prefix/share/fish/vendor_completions.d/moonweld.fish"
}
check "shells complete words" completions
recipes() {
  diff -r recipes "$prefix/share/moonweld/recipes" && cmp LICENSE "$prefix/share/moonweld/LICENSE" &&
    cmp lua/moonweld/types.lua "$prefix/share/moonweld/types/moonweld.lua"
}
check "licence, recipes and types" recipes

# ---- away again ----

files() { find "$1" ! -type d | sort; }
staged() { # nothing is written beside DESTDIR, and all of it goes again
  make install DESTDIR="$work/stage" PREFIX=/usr && files "$work/stage" > "$work/there" && [ "$(wc -l < "$work/there")" -gt 20 ] &&
    ! grep -v "^$work/stage/usr/" "$work/there" && make uninstall DESTDIR="$work/stage" PREFIX=/usr && [ -z "$(files "$work/stage")" ] &&
    [ ! -e "$work/stage/usr/share/moonweld" ]
}
uninstalled() { # but what others put there stays
  echo mine > "$prefix/share/moonweld/recipes/mine.lua"
  echo other > "$prefix/bin/other"
  make uninstall PREFIX="$prefix" && [ "$(files "$prefix")" = "$prefix/bin/other
$prefix/share/moonweld/recipes/mine.lua" ]
}
check "make install and make uninstall with DESTDIR" staged
check "make uninstall takes what was installed and nothing else" uninstalled

# ---- as a rock ----

rock() {
  luarocks --lua-version 5.4 make CC="$cc" --tree "$work/rocks" .github/moonweld-scm-0.rockspec &&
    (cd "$work" && env -i PATH="$PATH" LUA_CPATH="$work/rocks/lib/lua/5.4/?.so" lua5.4 "$root/tests/embed/merge.lua" "$pico/kjv" "$pico/de" "$work/out.rock") &&
    same "$work/out.rock"
}
if ! command -v luarocks > /dev/null; then skip "there is no luarocks"
elif [ "$build" = build ]; then check "the rock" rock; fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
