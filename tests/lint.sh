#!/usr/bin/env bash
# lint.sh: no line is longer than .editorconfig allows: 140 in C (120 is what to aim at), 200 in Lua, shell and tests,
# where a refusal or a row of a table is one line; types.lua and the tables of *.def may be longer. And luacheck
# finds nothing in our Lua, recipes and tests included; .luacheckrc has the rules. The prelude has no tail calls: such a call takes
# its caller from the stack, on which the line of a recipe is looked for when something is wrong. What git keeps at the top level is what
# belongs there: no core of a program that crashed.
set -u
cd "$(dirname "$0")/.."
lines() { # MOST FOLDER...
  local most=$1
  shift
  find "$@" -name types.lua -prune -o -type f -regextype posix-extended -regex '.*(\.(c|h|lua|sh)|/(run|deps|cmd))' -print0 |
    LC_ALL=C.UTF-8 xargs -0 awk -v most="$most" 'length($0) > most { print FILENAME ":" FNR ": longer than " most; bad = 1 } END { exit bad }'
}
no_tail_calls() { # FILE...
  local file
  ! for file in "$@"; do "$luac" -l -p "$file" | sed -n "s|^.*\[\([0-9]*\)\].*TAILCALL.*|$file:\1: a tail call; write return (f(x))|p"; done | grep .
}
top_level() {
  ! git ls-files 2> /dev/null | cut -d / -f 1 | sort -u | grep -vxE '\..*|Makefile|src|lua|recipes|include|tests|README\.md|LICENSE' | sed 's/$/: does not belong at the top level/' | grep .
}
passed=0 failed=0
case_of() { if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi; }
case_of lines 140 src include
case_of lines 200 lua recipes tests .ci
case_of top_level
if command -v luacheck > /dev/null; then case_of luacheck -q --no-color lua recipes tests src/tools
else echo "skipped: luacheck is not here"; fi
luac=$(command -v luac5.4 || command -v luac || true)
if "${luac:-false}" -v 2>&1 | grep -q "Lua 5.4"; then case_of no_tail_calls lua/moonweld/*.lua
else echo "skipped: luac is not here: tail calls of the prelude"; fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
