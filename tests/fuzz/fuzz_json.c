/* fuzz_json.c: what the strict scan accepts can be walked to its end without leaving the text, is UTF-8, and is accepted
 * again by itself. */
#include "base/utf8.h"
#include "fuzz.h"
#include "format/json.h"

static void walk(mw_json value, mw_arena *arena, const char *begin, const char *end) {
  mw_json stack[200], key, inner;
  mw_json_walk walks[200];
  size_t depth = 0, length;
  const char *text;
  uint64_t whole;
  double number;
  mw_error err;
  for (;;) {
    REQUIRE(value.bytes >= begin && value.bytes + value.length <= end && value.length > 0);
    if (value.kind == MW_JSON_STRING && mw_json_is_text(value)) REQUIRE(mw_json_string(value, arena, &text, &length, &err));
    if (value.kind == MW_JSON_NUMBER) {
      bool counted = mw_json_u64(value, &whole);
      if (mw_json_double(value, &number) && counted) REQUIRE((double)whole == number);
    }
    if (value.kind == MW_JSON_OBJECT || value.kind == MW_JSON_ARRAY) {
      REQUIRE(depth < 200);
      stack[depth] = value;
      walks[depth++] = mw_json_enter(value);
    }
    while (depth && !mw_json_next(&walks[depth - 1], &key, &inner)) depth--;
    if (!depth) return;
    if (stack[depth - 1].kind == MW_JSON_OBJECT) REQUIRE(key.kind == MW_JSON_STRING);
    value = inner;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  mw_json root, again;
  mw_error err;
  mw_arena arena = {0};
  static const char *const names[] = {"", "a", "model"};
  char *text = malloc(length + 1); /* its own block, so that a sanitizer sees its end */
  REQUIRE(text != NULL);
  if (length) memcpy(text, bytes, length);
  if (mw_json_check("text", text, length, 128, &root, &err)) {
    REQUIRE(mw_utf8_valid(text, length));
    walk(root, &arena, text, text + length);
    REQUIRE(mw_json_check("text", root.bytes, root.length, 128, &again, &err) && again.kind == root.kind);
  } else REQUIRE(err.status == MW_DATA && err.text[0]);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    mw_json part = mw_json_skim((mw_json){MW_JSON_OBJECT, text, length}, names[i]);
    REQUIRE(part.kind == MW_JSON_END || (part.bytes > text && part.bytes + part.length <= text + length));
  }
  mw_json_walk walk = {text, text + length};
  mw_json key;
  uint64_t number;
  while (mw_json_skim_number(&walk, &key, &number)) REQUIRE(key.bytes >= text && key.bytes + key.length <= walk.at);
  REQUIRE(walk.at >= text && walk.at <= text + length);
  mw_mem_release(&arena);
  free(text);
  return 0;
}
