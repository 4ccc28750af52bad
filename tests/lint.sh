#!/usr/bin/env bash
# lint.sh: luacheck finds nothing in our Lua, recipes and tests included; .luacheckrc has the rules.
set -u
cd "$(dirname "$0")/.."
command -v luacheck > /dev/null || { echo "luacheck is not here: skipped"; echo "0 passed, 0 failed"; exit 0; }
if luacheck -q --no-color lua recipes tests; then echo "1 passed, 0 failed"; else echo "0 passed, 1 failed"; exit 1; fi
