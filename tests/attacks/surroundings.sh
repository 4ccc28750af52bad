# surroundings.sh: attacks that are no recipes: files that are none, links, holes, claims, limits, another process that changes things
# meanwhile. It is a part of run.sh, which has `bad`, `mine` and the program. Each command ends with one of the codes that are given, in one
# line that has the words; it is killed after a minute, and may compute for ten seconds. Inputs stay as they are.
cd "$room" && mkdir there && cd there
tensors() { # NAME COUNT FILL: COUNT tensors of 512 KB
  mkdir "$1" && echo '{"model_type":"toy"}' > "$1/config.json" && lua5.4 - "$2" "$3" > "$1/model.safetensors" <<< 'local count, fill, list = tonumber(arg[1]), tonumber(arg[2]), {}
    for i = 0, count - 1 do list[i + 1] = ([["t%03d":{"dtype":"F32","shape":[512,256],"data_offsets":[%d,%d]}]]):format(i, i << 19, (i + 1) << 19) end
    io.write(string.pack("<s8", "{" .. table.concat(list, ",") .. "}"), string.pack("<f", fill):rep(count << 17))'
}
claims() { lua5.4 - "$2" > "$1" <<< 'io.write(string.pack("<s8", arg[1]), ("\0"):rep(16))'; } # FILE HEADER: and 16 zeros
shape() { claims x.safetensors '{"w":{"dtype":"F32","shape":['"$1"'],"data_offsets":['"$2"']}}'; }
tensors a 40 1 && tensors b 40 3 && tensors small 1 2
"$moonweld" slerp --a a --b b --t 0.5 --quiet --no-sync -o ref || exit 1

ends() { # CODES WORDS COMMAND...: one of the codes, as "65|66"; words of the message
  local wanted=$1 words=$2 code
  shift 2
  ( ulimit -t 10; exec timeout -k 1 60 "$@" ) > "$work/out" 2> "$work/err" < /dev/null
  code=$?
  [[ $code =~ ^($wanted)$ ]] || { bad "ended with $code, not $wanted: $*"; return; }
  [ "$code" = 0 ] || grep -aqF -- "$words" "$work/err" || { bad "the message lacks '$words': $*"; return; }
  [ "$code" = 0 ] || [ "$(grep -ac 'error: ' "$work/err")" = 1 ] || bad "not one line says why: $*"
}
surrounded() { # NAME and a function of that name
  name=$1
  mine || return 0
  if "$1"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  chmod -Rf u+w ./* # what a case has locked
  find . -mindepth 1 -maxdepth 1 ! -name a ! -name b ! -name small ! -name ref -exec rm -rf {} +
}
merge() { "$moonweld" slerp --a a --b "${b:-b}" --t 0.5 --quiet --no-sync --threads 1 -o out "$@"; }
lerp=("$moonweld" lerp --t 0.5 --quiet --no-sync)

fifos() {
  local file
  for file in model.safetensors config.json model.safetensors.index.json modules.json model_index.json; do
    rm -rf c && cp -r small c && rm -f "c/$file" && mkfifo "c/$file" || return
    ends 65 "c/$file: not a regular file" "${lerp[@]}" --a c --b small -o out && ends 65 "not a regular file" "$moonweld" inspect c || return
  done
  mkfifo p p.lua p.yml p.jsonl p.lock.json
  ends 65 "p: not a regular file" "${lerp[@]}" --a p --b small -o out && ends 65 "p.lua: not a regular file" "$moonweld" ./p.lua --a small -o out &&
    ends 65 "p.yml: not a regular file" "$moonweld" p.yml -o out && ends 65 "p.jsonl: not a regular file" "$moonweld" eval small --data p.jsonl &&
    ends 65 "not a regular file" "$moonweld" rebuild p.lock.json -o out && ends 65 "p: not a regular file" "${lerp[@]}" --a small+p --b small -o out
}
devices() {
  local device
  for device in /dev/zero /dev/full /dev/null; do
    ends 65 "not a regular file" "$moonweld" inspect $device && ends 65 "not a regular file" "$moonweld" $device --a small -o out &&
      ends 65 "not a regular file" "$moonweld" verify $device && ends 73 "exists and is not a folder" "${lerp[@]}" --a small --b small -o $device --force &&
      ends 73 "is no regular file" "$moonweld" diff small small --html $device || return
  done
}
shards_that_are_links() {
  local to
  cp -r small c && rm c/model.safetensors && cp small/model.safetensors c/model-00002-of-00002.safetensors
  for to in /dev/zero . .. model-00001-of-00002.safetensors nowhere model-00002-of-00002.safetensors; do
    ln -sfn $to c/model-00001-of-00002.safetensors
    ends "65|66" "c" "$moonweld" inspect c || return
  done
}
empty_shards() {
  cp -r small c && rm c/model.safetensors && touch c/model-0000{1,2}-of-00002.safetensors
  ends 65 "found an empty file" "$moonweld" inspect c && echo '{"weight_map":{"a":"model-00001-of-00002.safetensors"}}' > c/model.safetensors.index.json &&
    ends 65 "found an empty file" "$moonweld" inspect c
}
claimed_lengths() {
  local n
  for n in 'math.mininteger' -1 'math.maxinteger' 100000000 '1 << 32' 1; do
    lua5.4 -e "io.write(string.pack('<i8', $n), '{}      ')" > x.safetensors
    ends 65 "header" "$moonweld" inspect x.safetensors || return
  done
}
claimed_shapes() {
  shape 2,2 0,9223372036854775808 && ends 65 "by the file size" "$moonweld" inspect x.safetensors &&
    shape 2,2 0,18446744073709551616 && ends 65 "two whole numbers" "$moonweld" inspect x.safetensors &&
    shape 2,2 18446744073709551600,16 && ends 65 "by the file size" "$moonweld" inspect x.safetensors &&
    shape 4611686018427387904,4 0,16 && ends 65 "below 2^64" "$moonweld" inspect x.safetensors &&
    shape -2,-2 0,16 && ends 65 "whole numbers" "$moonweld" inspect x.safetensors && shape 0,9223372036854775808 0,0 && ends 65 "file size" "$moonweld" inspect x.safetensors
}
holes() { # files of terabytes that take no place
  local header='{"w":{"dtype":"F32","shape":[1048576,262144],"data_offsets":[0,1099511627776]}}' file
  claims x.safetensors "$header" && truncate -s $((8 + ${#header} + 1099511627776)) x.safetensors || return
  ends 0 "" "$moonweld" inspect x.safetensors && ends 0 "" "$moonweld" plan lerp --a x.safetensors --b x.safetensors --t 0.5 &&
    ends 73 "the disk needs 1.10 TB" "${lerp[@]}" --a x.safetensors --b x.safetensors -o out || return
  cp -r small c && truncate -s 3T c/config.json y.yml r.lua l.lock.json d.jsonl
  ends 65 "c/config.json: 3298534883328 bytes" "$moonweld" inspect c && ends 65 "at most" "$moonweld" y.yml -o out && ends 65 "at most" "$moonweld" ./r.lua -o out &&
    ends 65 "at most" "$moonweld" rebuild l.lock.json -o out && ends 65 "at most" "$moonweld" eval small --data d.jsonl
}
places_for_an_output() {
  local place
  ln -s nowhere dangling; ln -s loop loop; ln -s small link; mkdir real; ln -s real to_real; ln small/model.safetensors hard.safetensors
  for place in . .. / small/ small/.. small/x link; do ends 64 "outpu" "${lerp[@]}" --a small --b small -o $place --force || return; done
  for place in dangling loop to_real dangling/out loop/out hard.safetensors "$(printf 'n%.0s' {1..250})" "$(printf 'n%.0s' {1..300})"; do
    ends 73 "" "${lerp[@]}" --a small --b small -o "$place" --force || return
  done
  [ -z "$(ls real)" ] && ends 0 "" "${lerp[@]}" --a small --b small -o to_real/out && [ -f real/out/model.safetensors ] || bad "not where it was asked for"
}
rights() { # by another user, where this is root
  local as=()
  [ "$(id -u)" != 0 ] || as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  chmod 755 "$work" "$room" && mkdir locked sticky free && chmod 777 free && chmod 1777 sticky && "${lerp[@]}" --a small --b small -o sticky/out && chmod 555 locked sticky/out || return
  cp "$moonweld" free/moonweld && lerp[0]=free/moonweld
  ends 73 "nothing can be made" "${as[@]}" "${lerp[@]}" --a small --b small -o locked/out && ends 73 "" "${as[@]}" "${lerp[@]}" --a small --b small -o sticky/out --force &&
    (umask 777 && ends 73 "cannot be opened" "${as[@]}" "${lerp[@]}" --a small --b small -o free/out) && [ ! -e free/out ] && cp -r small c && chmod 000 c/model.safetensors &&
    ends 66 "Permission denied" "${as[@]}" "${lerp[@]}" --a c --b small -o free/out
  local code=$?
  lerp[0]=$moonweld
  return $code
}
no_folder_to_be_in() {
  mkdir gone && ( cd gone && rmdir ../gone && ends 73 "the folder to put it in" "${lerp[@]}" --a "$room/there/small" --b "$room/there/small" -o out &&
    ends 0 "" "${lerp[@]}" --a "$room/there/small" --b "$room/there/small" -o "$room/there/whole" )
}
limits() {
  ( ulimit -f 100; ends 74 "File too large" "${lerp[@]}" --a small --b small -o out ) && ( ulimit -n 6; ends "0|69" "" "${lerp[@]}" --a small --b small -o out )
}
networks_of_models() { # what names itself
  mkdir pipe && echo '{"unet": ["d", "X"], "vae": ["d", "Y"]}' > pipe/model_index.json && ln -s . pipe/unet && ln -s . pipe/vae &&
    ends 65 "unet: a pipeline itself" "${lerp[@]}" --a pipe --b pipe -o out && ends 65 "a pipeline itself" "$moonweld" inspect pipe || return
  local name
  for name in .. ../a / . 'a\u0000b' 'a\nb'; do
    echo "{\"$name\": [\"d\", \"X\"]}" > pipe/model_index.json
    ends 65 "expected the name of a folder" "$moonweld" inspect pipe || return
  done
  cp -r "$pico/lora" ad && chmod -R u+w ad && sed -i -E 's#("base_model_name_or_path": *)"[^"]*"#\1"ad"#' ad/adapter_config.json &&
    ends 65 "adapters of adapters" "${lerp[@]}" --a ad --b small -o out
}
words_of_models() {
  local plus
  plus=small$(printf '+small%.0s' {1..3000})
  ends 66 "holds no adapter" "$moonweld" inspect "$plus" && ends 64 "empty" "$moonweld" inspect + && ends 66 "" "$moonweld" inspect 'o/n@../../x'
}
left_overs_that_are_links() {
  cp -r ref out && mkdir precious && echo x > precious/x && ln -s precious out.partial-01234567 && mkdir out.partial-89abcdef && ln -s ../precious out.partial-89abcdef/sub &&
    ln -s precious out.replaced-01234567 && ends 0 "" "$moonweld" clean out && [ "$(cat precious/x)" = x ] && [ ! -e out.partial-89abcdef ] || bad "clean followed a link"
}
outputs_that_are_none() {
  cp -r ref o && rm o/config.json && mkfifo o/config.json && ends 65 "not all is as it was recorded" "$moonweld" verify o && ends 65 "not sealed" "$moonweld" seal o &&
    rm o/model.safetensors && ln -s /dev/zero o/model.safetensors && ends 65 "not all is as it was recorded" "$moonweld" verify o &&
    ends 73 "is not a report" "$moonweld" diff a b --html ref/merge.lock.json
}

# ---- while a merge runs ----

# Starts one and stops it when its folder is there; what `$1` does happens meanwhile, then it goes on: its code.
meanwhile() {
  local process i
  merge 2> "$work/err" &
  process=$!
  for ((i = 0; i < 2000; i++)); do
    compgen -G 'out.partial-*/model.safetensors' > /dev/null && break
    kill -0 $process 2> /dev/null || break
    sleep 0.002
  done
  kill -STOP $process
  "$@"
  kill -CONT $process
  wait $process
}
told() { [[ $1 =~ ^($2)$ ]] && { [ "$1" = 0 ] || grep -aqF -- "$3" "$work/err"; } || bad "ended with $1"; } # CODE WANTED WORDS
nothing_made() { [ ! -e out ] || bad "there is an output"; }

inputs_that_change() {
  local b=c how
  for how in 'truncate -s 3000000' 'sh -c "printf xxxx | dd of=\$0 bs=1 seek=20000000 conv=notrunc 2> /dev/null"' rm 'cp small/model.safetensors'; do
    rm -rf c out* && cp -r b c || return
    meanwhile eval "$how c/model.safetensors"
    told $? 75 "c/model.safetensors" && nothing_made || return
  done
}
times_put_back() { # the size and the time of an input are as before, its bytes are not
  local b=c
  cp -r b c && touch -d 2020-01-01 c/model.safetensors
  meanwhile sh -c 'printf xxxx | dd of=c/model.safetensors bs=1 seek=20000000 conv=notrunc 2> /dev/null; touch -d 2020-01-01 c/model.safetensors'
  told $? 75 "changed while it was read" && nothing_made
}
second() { merge 2> "$work/second"; second_code=$?; "$moonweld" clean out 2> "$work/third"; third_code=$?; }
two_on_one_output() {
  meanwhile second
  told $? 0 "" && cmp -s out/model.safetensors ref/model.safetensors && [ "$second_code$third_code" = 7575 ] && grep -q "is being written by another run" "$work/second" ||
    bad "$second_code and $third_code beside it"
}
output_that_appears() {
  meanwhile sh -c 'mkdir out && echo mine > out/thesis'
  told $? "73|75" "out: " && [ "$(cat out/thesis)" = mine ] && [ ! -e out/model.safetensors ]
}
folder_that_goes() { # the folder of the output, then the temporary one
  meanwhile sh -c 'rm -rf out.partial-*'
  told $? 74 "" && nothing_made || return
  mkdir par && ( cd par && ln -s ../a ../b . && merge() { "$moonweld" slerp --a a --b b --t 0.5 --quiet --no-sync --threads 1 -o out; } && meanwhile mv ../par ../other )
  told $? "66|73|74" "" && [ "$(ls other)" = "$(printf 'a\nb')" ] || bad "something was left in the folder"
}

for name in fifos devices shards_that_are_links empty_shards claimed_lengths claimed_shapes holes places_for_an_output rights no_folder_to_be_in limits \
  networks_of_models words_of_models left_overs_that_are_links outputs_that_are_none inputs_that_change times_put_back two_on_one_output output_that_appears \
  folder_that_goes; do surrounded $name; done
cd "$room/in"
rm -rf "$room/there"
