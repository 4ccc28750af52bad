#!/usr/bin/env bash
# run.sh: the specs of the Lua module once more, under a Lua that checks how its C interface is used: a push without room in the
# stack or a pop too many ends it at once, where a stock Lua may go on over memory that is not its own. The locked processes of
# recipes run in that Lua, too. Its source is the system's own package, fetched into a folder of build/ and kept there.
set -u
cd "$(dirname "$0")/../.."
build=${MOONWELD_BUILD:-build}
place=$PWD/$build/apicheck

skip() {
  echo "skipped: $1"
  echo "0 passed, 0 failed"
  exit 0
}

# The archive that lua5.4 comes from, as apt knows it, asked for sources. Nothing of the system's own lists is touched.
fetch() {
  local archive
  archive=$(apt-cache policy lua5.4 2> /dev/null | awk '$1 ~ /^[0-9]+$/ && $2 ~ /^http/ { split($3, at, "/"); print $2, at[1], at[2]; exit }')
  [ -n "$archive" ] || return 1
  mkdir -p "$place/lists/partial" "$place/cache/archives/partial" "$place/none" && echo "deb-src $archive" > "$place/sources.list" || return 1
  local apt=(timeout 120 apt-get -q -o Dir::Etc::sourcelist="$place/sources.list" -o Dir::Etc::sourceparts="$place/none"
             -o Dir::State::lists="$place/lists" -o Dir::Cache="$place/cache" -o APT::Sandbox::User=)
  (cd "$place" && "${apt[@]}" update && "${apt[@]}" source --download-only lua5.4 && rm -rf lists cache && mkdir source &&
    tar -xf lua5.4_*.orig.tar.* -C source --strip-components=1)
}

if [ ! -x "$place/lua" ]; then
  rm -rf "$place"
  fetch > "$build/apicheck.log" 2>&1 || skip "Lua's source cannot be had here ($build/apicheck.log)"
  # shellcheck disable=SC2046
  "$(cut -d' ' -f1 "$build/flags")" -O1 -std=gnu99 -DLUA_USE_LINUX -DLUA_USE_APICHECK -o "$place/lua.part" \
    $(ls "$place"/source/src/*.c | grep -v /luac.c) -Wl,-E -lm -ldl >> "$build/apicheck.log" 2>&1 || { cat "$build/apicheck.log"; exit 1; }
  mv "$place/lua.part" "$place/lua"
fi

# It is a Lua that checks: too many values on its stack end it.
echo '#include <lua.h>
int luaopen_careless(lua_State *L) { for (int i = 0; i < 100; i++) lua_pushinteger(L, i); return 0; }' > "$place/careless.c"
# shellcheck disable=SC2046
"$(cut -d' ' -f1 "$build/flags")" -shared -fPIC $(pkg-config --cflags lua5.4) -o "$place/careless.so" "$place/careless.c"
if timeout 20 env LUA_CPATH="$place/?.so" "$place/lua" -e 'require "careless"' 2> /dev/null; then
  echo "not ok: this Lua does not check"
  echo "0 passed, 1 failed"
  exit 1
fi

lua5.4 -e 'require "busted.core"' 2> /dev/null || export LUA_PATH="tests/busted/?.lua;/usr/share/lua/5.3/?.lua;/usr/share/lua/5.3/?/init.lua;;"
LUA_PATH=$(lua5.4 -e 'print(package.path)') LUA_CPATH="$PWD/$build/?.so;$(lua5.4 -e 'print(package.cpath)')"
export LUA_PATH LUA_CPATH
"$place/lua" "$(command -v busted)" --output=plainTerminal tests/spec/module_spec.lua tests/spec/diff_spec.lua
