#!/usr/bin/env bash
# demo.sh MOONWELD: merges the small models that the repository carries in three ways and shows what came out.
set -eu
cd "$(dirname "$0")/.."
moonweld=$1
out=$(dirname "$moonweld")/demo
rm -rf "$out"
mkdir -p "$out"
models=tests/data/pico

say() { printf '\n$ moonweld'; printf ' %s' "$@"; printf '\n'; "$moonweld" "$@"; }

echo "Four small language models with one ancestor: the King James Bible, Python, manual pages, German."
say diff "$models/kjv" "$models/de" --base "$models/base" --html "$out/diff.html" | head -n 18
say slerp --a "$models/kjv" --b "$models/de" --t 0.3 -o "$out/slerp"
say soup --models "$models/kjv" "$models/py" "$models/man" "$models/de" -o "$out/soup"

cat > "$out/largest.lua" <<'RECIPE'
return recipe {
  "The largest delta wins, element by element.",
  arg.model ("base",    "common ancestor"),
  arg.models("experts", "fine-tunes of base", { min = 1 }),
  function(a)
    local tau  = a.experts - a.base
    local pick = tau[1]
    for i = 2, #tau do pick = where(tau[i]:abs():gt(pick:abs()), tau[i], pick) end
    return a.base + pick
  end,
}
RECIPE
printf '\nA method of our own, %s:\n' "$out/largest.lua"
cat "$out/largest.lua"
say "$out/largest.lua" --base "$models/base" --experts "$models/kjv" "$models/py" "$models/de" -o "$out/largest"
say inspect "$out/largest"
say report "$out/largest" -o "$out/largest.html"
printf '\nThe results lie in %s: folders that model loaders read, and pages for a browser, diff.html and largest.html.\n' "$out"
cat << NEXT

What to try next:
  $moonweld list                                    the methods; each has --help, with its formula
  $moonweld plan ties --help                        plan: what a merge would take, before it is made
  $moonweld repl $models/kjv $models/de --base $models/base
                                                          a method of your own, line by line
  $moonweld new ./mine.lua                          or as a file, with comments to begin with
  $moonweld verify $out/largest --inputs      what an output proves
NEXT
