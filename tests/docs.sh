#!/usr/bin/env bash
# docs.sh: every ```sh and ```lua block of README.md and recipes/README.md works. Shell blocks run one after the other in one
# folder, as a reader tries them, with what they need and `moonweld` on the path; a block that calls make or git is for people
# and only its syntax is checked. A Lua block that begins with `return recipe` answers --help and plans a merge of the carried
# models; other Lua blocks must compile. And what `make docs` writes is what stands there.
set -u
cd "$(dirname "$0")/.."
root=$PWD
moonweld=${MOONWELD:-$root/build/moonweld}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/blocks" "$work/saved"
ln -s "$moonweld" "$work/bin/moonweld"
export PATH="$work/bin:$PATH"
pico=$root/tests/data/pico
passed=0 failed=0

# Writes each block to blocks/N.KIND, with the line it begins on in blocks/N.KIND.at. Where the text before a Lua block
# ends with "saved as `NAME.lua`:", shell blocks find it by that name.
split() { # FILE
  rm -f "$work"/blocks/* "$work"/saved/*
  awk -v dir="$work/blocks" -v saved="$work/saved" '
    match($0, /saved as `[a-z_]+\.lua`:$/) { keep = saved "/" substr($0, RSTART + 10, RLENGTH - 12) }
    inside == 1 && keep != "" && !/^```/ { print > keep }
    /^```/ && inside { keep = "" }
    /^```(sh|lua)$/ && !inside { inside = 1; n++; name = sprintf("%s/%03d.%s", dir, n, substr($0, 4)); print NR > (name ".at"); next }
    /^```/ { inside = !inside && $0 != "```" ? 2 : 0; next }
    inside == 1 { print > name }' "$1"
}

# Models for each argument of a recipe, by what its own help says it takes.
arguments() { # RECIPE
  moonweld "$1" --help | sed -nE 's/^  --([a-z0-9-]+) ((MODEL|ADAPTER)(\.\.\.)?) .*/\1 \2/p' | while read -r name kind; do
    if [ "$kind" = MODEL ]; then
      case $name in b|expert) printf ' --%s %s' "$name" "$pico/py" ;; *) printf ' --%s %s' "$name" "$pico/base" ;; esac
    elif [ "$kind" = ADAPTER ]; then printf ' --%s %s' "$name" "$pico/lora"
    elif [ "$kind" = ADAPTER... ]; then printf ' --%s %s %s' "$name" "$pico/lora" "$pico/lora"
    else
      printf ' --%s %s %s' "$name" "$pico/kjv" "$pico/de"
    fi
  done
  moonweld "$1" --help | grep -q '^  --data FILE' && printf ' --data %s %s' "$pico/data/kjv.calibration.safetensors" "$pico/data/de.calibration.safetensors"
}

run_block() { # FILE
  local file=$1
  case $file in
    *.lua)
      if grep -q '^return recipe' "$file"; then
        cp "$file" "$here/block.lua"
        # shellcheck disable=SC2046
        (cd "$here" && moonweld block.lua --help && moonweld plan block.lua $(arguments ./block.lua))
      else
        lua5.4 -e "assert(loadfile('$file'))"
      fi ;;
    *)
      if grep -qE '^ *(make|git|sudo|apt-get) ' "$file"; then
        bash -n "$file"
      else
        (cd "$here" && bash -eu "$file")
      fi ;;
  esac
}

for document in README.md recipes/README.md; do
  [ -f "$document" ] || { echo "not ok: $document is not there"; failed=$((failed + 1)); continue; }
  split "$document"
  here=$work/${document//\//-}.d
  mkdir "$here"
  ln -s "$root/tests" "$root/recipes" "$here/"
  cp "$work"/saved/*.lua "$here/" 2>/dev/null
  for file in "$work"/blocks/*.sh "$work"/blocks/*.lua; do
    [ -f "$file" ] || continue
    if run_block "$file" > "$work/log" 2>&1 < /dev/null; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
      echo "not ok: $document, block at line $(cat "$file.at")"
      tail -n 5 "$work/log" | sed 's/^/    /'
    fi
  done
done
if lua5.4 src/tools/docs.lua check; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
