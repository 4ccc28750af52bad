/* tokenizer.model: models of a few pieces, made here, and files of strangers. */
#include "format/file.h"
#include "ids.h"
#include "unit.h"
#include <math.h>
#include <stdlib.h>

enum { NORMAL = 1, UNKNOWN, CONTROL, USER, UNUSED, BYTE };

/* ---- writing a model ---- */

static void put_varint(mw_text *out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) mw_text_add(out, (const char[]){(char)(value | 0x80)}, 1);
  mw_text_add(out, (const char[]){(char)value}, 1);
}

static void put_bytes(mw_text *out, unsigned field, const char *bytes, size_t length) {
  put_varint(out, field << 3 | 2);
  put_varint(out, length);
  mw_text_add(out, bytes, length);
}

static void put_number(mw_text *out, unsigned field, uint64_t value) {
  put_varint(out, field << 3);
  put_varint(out, value);
}

static void put_piece(mw_text *out, const char *text, float score, unsigned type) {
  mw_text piece = {0};
  put_bytes(&piece, 1, text, strlen(text));
  put_varint(&piece, 2 << 3 | 5);
  mw_text_add(&piece, (const char *)&score, 4);
  if (type != NORMAL) put_number(&piece, 3, type);
  put_bytes(out, 1, piece.bytes, piece.length);
  mw_text_free(&piece);
}

typedef struct settings {
  unsigned type;                           /* of the model; 0: BPE */
  bool fallback, remove, suffix, no_prefix, no_escape;
  const char *rules;
  int64_t begin;                           /* 0: -1 */
} settings;

static void put_settings(mw_text *out, settings s) {
  mw_text trainer = {0}, normalizer = {0};
  put_number(&trainer, 3, s.type ? s.type : 2);
  put_number(&trainer, 35, s.fallback);
  put_number(&trainer, 24, s.suffix);
  put_number(&trainer, 41, s.begin ? (uint64_t)s.begin : UINT64_MAX);
  put_bytes(out, 2, trainer.bytes, trainer.length);
  if (s.rules) put_bytes(&normalizer, 2, s.rules, strlen(s.rules));
  put_number(&normalizer, 3, !s.no_prefix);
  put_number(&normalizer, 4, s.remove);
  put_number(&normalizer, 5, !s.no_escape);
  put_bytes(out, 3, normalizer.bytes, normalizer.length);
  mw_text_free(&trainer);
  mw_text_free(&normalizer);
}

#define SPACE "\xe2\x96\x81"

/* 0 <unk>, 1 <s>, 2 space, 3 a, 4 b, 5 c, 6 ab, 7 bc, 8 space + a, 9 xy (user-defined), 10 abcd */
static void put_toy(mw_text *out, float ab, float bc) {
  put_piece(out, "<unk>", 0, UNKNOWN);
  put_piece(out, "<s>", 0, CONTROL);
  put_piece(out, SPACE, -10, NORMAL);
  put_piece(out, "a", -11, NORMAL);
  put_piece(out, "b", -12, NORMAL);
  put_piece(out, "c", -13, NORMAL);
  put_piece(out, "ab", ab, NORMAL);
  put_piece(out, "bc", bc, NORMAL);
  put_piece(out, SPACE "a", -5, NORMAL);
  put_piece(out, "xy", 0, USER);
  put_piece(out, "abcd", -6, NORMAL);
}

static const char *made(const mw_text *model, size_t length, const char *text) {
  return ids_of(mw_tokenizer_from_model, "m", model->bytes, length, text);
}

static const char *toy(float ab, float bc, settings s, const char *text) {
  static mw_text model;
  mw_text_free(&model);
  put_toy(&model, ab, bc);
  put_settings(&model, s);
  return made(&model, model.length, text);
}

static void encoding(void) {
  settings plain = {0}, begun = {.begin = 1}, bare = {.no_prefix = true}, raw = {.no_escape = true, .no_prefix = true};
  CHECK_TEXT(toy(-1, -2, bare, "abc"), "6 5");
  CHECK_TEXT(toy(-2, -1, bare, "abc"), "3 7");            /* bc scores higher, whatever its id */
  CHECK_TEXT(toy(-1, -1, bare, "abc"), "6 5");             /* the leftmost of equals */
  CHECK_TEXT(toy(-1e9f, -2, bare, "abc"), "3 7");
  CHECK_TEXT(toy(-INFINITY, INFINITY, bare, "abc"), "3 7");
  CHECK_TEXT(toy(-1, -2, plain, "b a"), "2 4 8");
  CHECK_TEXT(toy(-1, -2, begun, "a"), "1 8");
  CHECK_TEXT(toy(-1, -2, begun, ""), "1");
  CHECK_TEXT(toy(-1, -2, plain, ""), "");
  CHECK_TEXT(toy(-1, -2, bare, "axyb"), "3 9 4");         /* a user-defined piece joins with nothing */
  CHECK_TEXT(toy(-1, -2, bare, "a<s>b"), "3 0 4");        /* control pieces match no text; unknown ones are one */
  CHECK_TEXT(toy(-1, -2, bare, "zz" "a" "z"), "0 3 0");
  CHECK_TEXT(toy(-1, -2, raw, "a b"), "3 0 4");
}

static void fallback(void) {
  mw_text model = {0};
  char name[8];
  settings s = {.fallback = true, .no_prefix = true};
  put_toy(&model, -1, -2);
  put_settings(&model, s);
  CHECK_TEXT(made(&model, model.length, "a"), "65: m: byte_fallback: found no piece '<0x00>' of the type BYTE");
  for (unsigned i = 0; i < 256; i++) snprintf(name, sizeof name, "<0x%02X>", i), put_piece(&model, name, 0, BYTE);
  CHECK_TEXT(made(&model, model.length, "az\xc3\xa9"), "3 133 206 180");
  mw_text_free(&model);
}

/* A piece that joins two words, and the same text without it. */
static void words(void) {
  mw_text model = {0};
  put_toy(&model, -1, -2);
  put_settings(&model, (settings){.no_prefix = true});
  CHECK_TEXT(made(&model, model.length, "a b z zb"), "3 2 4 2 0 2 0 4");
  put_piece(&model, "a" SPACE "b", -1, NORMAL);
  put_piece(&model, SPACE "b", -0.5f, NORMAL);
  CHECK_TEXT(made(&model, model.length, "a b z b"), "11 2 0 12");
  mw_text_free(&model);
}

static void unavailable(void) {
  static const struct { settings s; const char *expected; } cases[] = {
      {{.type = 1}, "69: m: a model of the type UNIGRAM is not implemented"}, {{.type = 3}, "69: m: a model of the type WORD is not implemented"},
      {{.type = 4}, "69: m: a model of the type CHAR is not implemented"}, {{.type = 77}, "69: m: a model of the type unknown is not implemented"},
      {{.remove = true}, "69: m: remove_extra_whitespaces is not implemented"}, {{.suffix = true}, "69: m: treat_whitespace_as_suffix is not implemented"},
      {{.rules = "nmt"}, "69: m: normalization by precompiled_charsmap is not implemented"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) CHECK_TEXT(toy(-1, -2, cases[i].s, "a"), cases[i].expected);
  mw_text model = {0};
  put_toy(&model, -1, -2);
  CHECK_TEXT(made(&model, model.length, "a"), "69: m: a model of the type UNIGRAM is not implemented"); /* the format's default */
  put_settings(&model, (settings){0});
  put_piece(&model, "unused", 0, UNUSED);
  CHECK_TEXT(made(&model, model.length, "a"), "69: m: piece 11 'unused': pieces of the type UNUSED are not implemented");
  mw_text_free(&model);
}

/* One more piece behind the toy's. */
static const char *with_piece(const char *text, float score, unsigned type) {
  static mw_text model;
  mw_text_free(&model);
  put_toy(&model, -1, -2);
  put_settings(&model, (settings){0});
  put_piece(&model, text, score, type);
  return made(&model, model.length, "a");
}

static void malformed(void) {
  char wide[1026];
  memset(wide, 'a', 1025), wide[1025] = 0;
  CHECK_TEXT(with_piece("ab", 0, NORMAL), "65: m: piece 11: found 'ab' twice, expected every piece once");
  CHECK_TEXT(with_piece("<s>", 0, USER), "65: m: piece 11: found '<s>' twice, expected every piece once");
  CHECK_TEXT(with_piece("u", 0, UNKNOWN), "65: m: piece 11: a second piece of the type UNKNOWN");
  CHECK_TEXT(with_piece("u", 0, 7), "65: m: piece 11 'u': a type out of range");
  CHECK_TEXT(with_piece("u", 0, 0), "65: m: piece 11 'u': a type out of range");
  CHECK_TEXT(with_piece("u", NAN, NORMAL), "65: m: piece 11 'u': its score is NaN");
  CHECK_TEXT(with_piece("", 0, NORMAL), "65: m: piece 11: expected 1 to 1024 bytes of UTF-8");
  CHECK_TEXT(with_piece("\xff", 0, NORMAL), "65: m: piece 11: expected 1 to 1024 bytes of UTF-8");
  CHECK_TEXT(with_piece(wide, 0, NORMAL), "65: m: piece 11: expected 1 to 1024 bytes of UTF-8");
  CHECK_TEXT(toy(-1, -2, (settings){.begin = 3}, "a"), "65: m: bos_id: found 3, expected a piece of the type CONTROL, or -1");
  CHECK_TEXT(toy(-1, -2, (settings){.begin = 99}, "a"), "65: m: bos_id: found 99, expected a piece of the type CONTROL, or -1");
  mw_text model = {0};
  put_settings(&model, (settings){0});
  CHECK_TEXT(made(&model, model.length, "a"), "65: m: found no piece of the type UNKNOWN, expected one");
  static const struct { const char *bytes; size_t length; const char *expected; } messages[] = {
      {"\x0a", 1, "it ends within a number"}, {"\x0a\x05" "ab", 4, "a field that is longer than the message"},
      {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, "a field that is longer than the message"},
      {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11, "a number of more than 64 bits"}, {"\x0b", 1, "a field of a kind that is not in use"},
      {"\x0f", 1, "a field of a kind that is not in use"}, {"\x02\x00", 2, "a field number out of range"}, {"\x0d\x00", 2, "it ends within a number"},
      {"{\"model\"", 8, "a field of a kind that is not in use"}};
  for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
    char expected[100];
    model.length = 0;
    mw_text_add(&model, messages[i].bytes, messages[i].length);
    snprintf(expected, sizeof expected, "65: m: no protobuf message: %s", messages[i].expected);
    CHECK_TEXT(made(&model, model.length, "a"), expected);
  }
  model.length = 0;
  put_number(&model, 1, 5);
  CHECK_TEXT(made(&model, model.length, "a"), "65: m: field 1: found wire type 0, expected 2");
  mw_text_free(&model);
}

/* A model cut anywhere is refused or, between two fields, a smaller model; with any byte changed it is read or refused. */
static void cut_and_changed(void) {
  mw_text model = {0};
  int odd = 0;
  put_settings(&model, (settings){.begin = 1});
  put_toy(&model, -1, -2);
  for (size_t i = 0; i < model.length; i++) {
    const char *result = made(&model, i, "abc xy");
    odd += !(strncmp(result, "65: m: ", 7) == 0 || strspn(result, "0123456789 ") == strlen(result) || strncmp(result, "69: m: ", 7) == 0);
    char kept = model.bytes[i];
    for (int bit = 0; bit < 8; bit++) {
      model.bytes[i] = (char)(kept ^ 1 << bit);
      result = made(&model, model.length, "abc xy");
      odd += !(strncmp(result, "65: m: ", 7) == 0 || strspn(result, "0123456789 ") == strlen(result) || strncmp(result, "69: m: ", 7) == 0);
    }
    model.bytes[i] = kept;
  }
  CHECK(odd == 0);
  mw_text_free(&model);
}

/* Fields that we do not know are passed over, as the format asks. */
static void unknown_fields(void) {
  mw_text model = {0};
  put_toy(&model, -1, -2);
  put_settings(&model, (settings){.no_prefix = true});
  put_bytes(&model, 4, "self-test", 9);
  put_number(&model, 200, 7);
  put_varint(&model, 300 << 3 | 1);
  mw_text_add(&model, "12345678", 8);
  CHECK_TEXT(made(&model, model.length, "abc"), "6 5");
  mw_text_free(&model);
}

int main(void) {
  RUN(encoding());
  RUN(fallback());
  RUN(words());
  RUN(unavailable());
  RUN(malformed());
  RUN(unknown_fields());
  RUN(cut_and_changed());
  UNIT_END();
}
