#!/usr/bin/env bash
# lint.sh: no line is longer than .editorconfig allows: 140 in C (120 is what to aim at), 200 in Lua, shell and tests,
# where a refusal or a row of a table is one line; types.lua and the tables of *.def may be longer. And luacheck
# finds nothing in our Lua, recipes and tests included; .luacheckrc has the rules.
set -u
cd "$(dirname "$0")/.."
lines() { # MOST FOLDER...
  local most=$1
  shift
  find "$@" -name types.lua -prune -o -type f -regextype posix-extended -regex '.*(\.(c|h|lua|sh)|/(run|deps|cmd))' -print0 |
    LC_ALL=C.UTF-8 xargs -0 awk -v most="$most" 'length($0) > most { print FILENAME ":" FNR ": longer than " most; bad = 1 } END { exit bad }'
}
passed=0 failed=0
case_of() { if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi; }
case_of lines 140 src include
case_of lines 200 lua recipes tests .ci
if command -v luacheck > /dev/null; then case_of luacheck -q --no-color lua recipes tests src/tools
else echo "skipped: luacheck is not here"; fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
