#!/usr/bin/env bash
# run.sh: the rules about inputs, numbers, paths and surroundings (rules.lua), with toy models in a folder of their own.
set -u
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
chmod 755 "$work"
cp "${MOONWELD:-build/moonweld}" "$work/moonweld"
export LC_ALL=C
unset OMP_NUM_THREADS
repository=$PWD rules=$PWD/tests/rules/rules.lua
mkdir "$work/room"
cd "$work/room" && lua5.4 "$rules" "$work/moonweld" "$repository"
