#!/usr/bin/env bash
# demo_dam.sh MOONWELD [STEPS]: learns a merge of four small experts from text of each one's kind, and compares it with
# their plain average on text that neither has seen. A few minutes on two cores.
set -eu
cd "$(dirname "$0")/.."
moonweld=$1 steps=${2:-200}
out=$(dirname "$moonweld")/demo-dam
rm -rf "$out"
mkdir -p "$out"
models=tests/data/pico data=tests/data/pico/data
experts="$models/kjv $models/py $models/man $models/de"
calibration="$data/kjv.calibration.safetensors $data/py.calibration.safetensors $data/man.calibration.safetensors $data/de.calibration.safetensors"
validation="$data/kjv.validation.safetensors $data/py.validation.safetensors $data/man.validation.safetensors $data/de.validation.safetensors"

say() { printf '\n$ moonweld'; printf ' %s' "$@"; printf '\n'; "$moonweld" "$@"; }

echo "Four experts: the King James Bible, Python, manual pages, German; 128 windows of 256 tokens of each kind to learn from."
# The lists are several words.
# shellcheck disable=SC2086
{
  say plan dam --experts $experts --data $calibration --steps "$steps"
  say soup --models $experts -o "$out/average"
  say dam --experts $experts --data $calibration --steps "$steps" -o "$out/dam"
  say eval "$out/average" --data $validation
  say eval "$out/dam" --data $validation
}
printf '\nThe coefficients, a line for every step and a chart of the loss lie in %s/dam/moonweld.\n' "$out"
