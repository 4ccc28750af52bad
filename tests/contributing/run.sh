#!/usr/bin/env bash
# contributing: the worked diffs of .github/CONTRIBUTING.md, applied to a copy of the tree: each takes at most four edits, the
# program builds with all of them without a warning, and what each section says to run passes there. The copy has the objects of the
# build that is tested; what the diffs change is built without optimisation, kernels included, which gives the same bits much sooner.
set -u
cd "$(dirname "$0")/../.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MOONWELD MOONWELD_BUILD LUA_CPATH PART
passed=0 failed=0
case_of() { # WHAT COMMAND...: a case, known by WHAT; what it said is shown where it failed
  local what=$1
  shift
  if "$@" > "$work/log" 2>&1 < /dev/null; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "not ok: $what"
    tail -n 30 "$work/log" | sed 's/^/    /'
  fi
}
build() { # TARGET...: without a warning; -o: other flags alone are no reason to compile a file again
  make --no-print-directory -j"$(nproc)" -o build/flags HARDEN=-g0 OPTIMISE=-O0 KERNELS=-O0 "$@" 2>&1 | tee "$work/made"
  [ "${PIPESTATUS[0]}" = 0 ] && ! grep -q 'warning:' "$work/made"
}

tar c --exclude=./tests/data --exclude=./build --exclude=./.git . | (mkdir "$work/tree" && tar x -C "$work/tree")
[ ! -d build/obj ] || cp -a --parents build/obj build/embed* build/dependencies build/flags "$work/tree"
ln -s "$root/tests/data" "$work/tree/tests/data"
cd "$work/tree" || exit 1
mkdir "$work/blocks"
lua5.4 tests/contributing/apply.lua .github/CONTRIBUTING.md "$work/blocks" > "$work/sections" || exit 1
while IFS= read -r section; do
  case $section in ok:*) passed=$((passed + 1)) ;; *) failed=$((failed + 1)); echo "$section" ;; esac
done < "$work/sections"
units=$(grep -ohE 'tests/unit/test_[a-z_]+\.c' "$work"/blocks/* | sed -E 's|tests/unit/(.*)\.c|build/unit/\1|')
# shellcheck disable=SC2086
case_of "it builds with all of them" build all $units
for block in "$work"/blocks/*; do
  case_of "what the section '$(basename "$block" | cut -d ' ' -f 2-)' says to run" bash -eu "$block"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
