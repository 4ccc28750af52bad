/* test_signature.c: a signature from a hostile child: good ones are taken, and names, kinds, counts and profiles that the
 * prelude would never have let through are refused. */
#include "recipe/signature.h"
#include "unit.h"

typedef struct argument {
  const char *name, *kind, *doc;
  const char *choices[4], *profiled[4];
} argument;

static void put_words(mw_text *out, const char *const words[4]) {
  uint32_t count = 0;
  while (count < 4 && words[count]) count++;
  mw_message_put_u32(out, count);
  for (uint32_t i = 0; i < count; i++) mw_message_put_text(out, words[i], strlen(words[i]));
}

static void put(mw_text *out, const char *text) { mw_message_put_text(out, text, strlen(text)); }

static mw_text message(const argument *args, uint32_t count) {
  mw_text out = {0};
  put(&out, "A recipe.");
  put(&out, "");
  put(&out, "merge_method: linear\n"); /* the configuration that it was made of */
  mw_message_put_u32(&out, count);
  for (uint32_t i = 0; i < count; i++) {
    put(&out, args[i].name);
    put(&out, args[i].kind);
    put(&out, args[i].doc);
    put(&out, "");
    mw_message_put_u32(&out, 1);
    mw_message_put_double(&out, 0);
    mw_message_put_double(&out, 1);
    put_words(&out, args[i].choices);
    put_words(&out, args[i].profiled);
  }
  return out;
}

static bool takes(const argument *args, uint32_t count, size_t cut) {
  mw_text out = message(args, count);
  mw_arena arena = {0};
  mw_signature signature = {0};
  mw_error err;
  bool ok = mw_signature_take(&signature, &arena, out.bytes, out.length - cut, &err);
  if (ok) CHECK(signature.count == count);
  mw_mem_release(&arena);
  mw_text_free(&out);
  return ok;
}

static bool one(const char *name, const char *kind, const char *doc) {
  return takes(&(argument){name, kind, doc, {NULL}, {NULL}}, 1, 0);
}

int main(void) {
  CASE("names, kinds and words");
  CHECK(one("density", "number", "share kept") && one("seed", "seed", "the seed") && one("data", "calibration", "the data"));
  CHECK(!one("", "number", "d") && !one("Density", "number", "d") && !one("2nd", "number", "d") && !one("a-b", "number", "d"));
  CHECK(!one("a b", "number", "d") && !one("\x1b[31m", "number", "d") && !one("_x", "number", "d"));
  CHECK(!one("output", "number", "d") && !one("threads", "number", "d") && !one("score", "number", "d") && !one("seed", "number", "d"));
  CHECK(!one("density", "seed", "d") && !one("density", "nonsense", "d") && !one("density", "number", "") && !one("per", "choice", "d"));
  CHECK(!one("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "number", "d"));
  CASE("texts that would steer a terminal");
  CHECK(one("density", "number", "50 \xe2\x82\xac") && !one("density", "number", "\xff"));
  CHECK(!one("density", "number", "\x1b[31m") && !one("density", "number", "\xc2\x9b" "31m") && !one("density", "number", "\xe2\x80\xae"));
  CHECK(!takes(&(argument){"per", "choice", "d", {"a", "\xe2\x80\xae"}, {NULL}}, 1, 0));
  CASE("two of one name");
  const argument twice[] = {{"x", "number", "d", {NULL}, {NULL}}, {"x", "number", "d", {NULL}, {NULL}}};
  CHECK(!takes(twice, 2, 0));
  CASE("profiles");
  argument profiled[] = {{"x", "number", "d", {NULL}, {"1", "2"}}, {"profile", "choice", "d", {"paper", "mergekit"}, {NULL}}};
  CHECK(takes(profiled, 2, 0));
  CHECK(!takes(profiled, 1, 0)); /* a profile that is not there */
  profiled[0].profiled[1] = NULL;
  CHECK(!takes(profiled, 2, 0)); /* fewer defaults than words */
  CASE("as many as there may be, and one more");
  argument many[MW_SIGNATURE_ARGS + 1];
  char names[MW_SIGNATURE_ARGS + 1][8];
  for (int i = 0; i <= MW_SIGNATURE_ARGS; i++) {
    snprintf(names[i], sizeof names[i], "x%d", i);
    many[i] = (argument){names[i], "number", "d", {NULL}, {NULL}};
  }
  CHECK(takes(many, MW_SIGNATURE_ARGS, 0) && !takes(many, MW_SIGNATURE_ARGS + 1, 0));
  CASE("truncations");
  mw_text whole = message(twice, 1);
  for (size_t cut = 1; cut <= whole.length; cut++) CHECK(!takes(twice, 1, cut));
  mw_text_free(&whole);
  UNIT_END();
}
