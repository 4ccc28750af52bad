/* tokenizer.json: what each part does with small texts, what is refused and by which name, and files of strangers. */
#include "format/file.h"
#include "ids.h"
#include "unit.h"
#include <stdlib.h>

static const char *made(const char *json, size_t length, const char *text) { return ids_of(mw_tokenizer_from_json, "t", json, length, text); }

static const char *ids(const char *json, const char *text) { return made(json, strlen(json), text); }

/* A document of a vocabulary a..e (0..4), ab 5, abc 6, U+2581 7, bc 8, <0x41> 9, <unk> 10, with what is between. */
#define VOCAB "\"vocab\":{\"a\":0,\"b\":1,\"c\":2,\"d\":3,\"e\":4,\"ab\":5,\"abc\":6,\"\xe2\x96\x81\":7,\"bc\":8,\"<0x41>\":9,\"<unk>\":10}"
#define MERGES "\"merges\":[\"a b\",\"b c\",\"ab c\",\"a bc\"]"
#define DOCUMENT(parts) "{\"model\":{\"type\":\"BPE\"," VOCAB "," MERGES "}" parts "}"
#define MODEL(options) "{\"model\":{" options VOCAB "," MERGES "}}"
#define MERGING(merges) "{\"model\":{" VOCAB ",\"merges\":" merges "}}"

static void merging(void) {
  CHECK_TEXT(ids(DOCUMENT(""), "abc"), "6");
  CHECK_TEXT(ids(DOCUMENT(""), "abcbcab"), "6 8 5");
  CHECK_TEXT(ids(DOCUMENT(""), ""), "");
  CHECK_TEXT(ids(DOCUMENT(""), "axb"), "5"); /* without an unknown token what is no token vanishes */
  CHECK_TEXT(ids(MODEL("\"unk_token\":\"<unk>\","), "axxb"), "0 10 10 1");
  CHECK_TEXT(ids(MODEL("\"unk_token\":\"<unk>\",\"fuse_unk\":true,"), "axxbx"), "0 10 1 10");
  CHECK_TEXT(ids(MODEL("\"unk_token\":\"<unk>\",\"byte_fallback\":true,"), "aAB"), "0 9 10");
  CHECK_TEXT(ids(MODEL("\"ignore_merges\":true,"), "abc"), "6");
  CHECK_TEXT(ids(MERGING("[[\"b\",\"c\"],[\"a\",\"b\"],[\"a\",\"bc\"]]"), "abc"), "6");
  CHECK_TEXT(ids(MERGING("[[\"b\",\"c\"],[\"a\",\"b\"]]"), "abc"), "0 8");
  CHECK_TEXT(ids(MERGING("[\"#version: 0.2\",\"a b\"]"), "abc"), "5 2");
  CHECK_TEXT(ids(MERGING("[]"), "abc"), "0 1 2");
  /* The later place counts where a pair is listed twice. */
  CHECK_TEXT(ids(MERGING("[\"a b\",\"b c\",\"a b\"]"), "abc"), "0 8");
}

/* Words are merged one by one only where no merge joins them. */
static void words(void) {
#define WORDS(merges) "{\"model\":{\"vocab\":{\"a\":0,\"\xe2\x96\x81\":1,\"a\xe2\x96\x81\":2,\"\xe2\x96\x81" "a\":3,\"\xe2\x96\x81\xe2\x96\x81\":4},\"merges\":[" merges "]}}"
  static const char text[] = "a\xe2\x96\x81" "a\xe2\x96\x81\xe2\x96\x81" "a\xe2\x96\x81";
  CHECK_TEXT(ids(WORDS("\"a \xe2\x96\x81\""), text), "2 2 1 2");
  CHECK_TEXT(ids(WORDS("\"\xe2\x96\x81 a\""), text), "0 3 1 3 1");
  CHECK_TEXT(ids(WORDS("\"\xe2\x96\x81 a\",\"a \xe2\x96\x81\""), text), "0 3 1 3 1");
  CHECK_TEXT(ids(WORDS("\"a \xe2\x96\x81\",\"\xe2\x96\x81 a\""), text), "2 2 1 2");
  CHECK_TEXT(ids(WORDS("\"\xe2\x96\x81 \xe2\x96\x81\",\"\xe2\x96\x81 a\""), text), "0 3 4 0 1");
}

static void parts(void) {
  static const struct { const char *json, *text, *expected; } cases[] = {
      {DOCUMENT(",\"normalizer\":null,\"pre_tokenizer\":null,\"post_processor\":null,\"added_tokens\":[]"), "ab", "5"},
      {DOCUMENT(",\"normalizer\":{\"type\":\"Prepend\",\"prepend\":\"a\"}"), "bc", "6"},
      {DOCUMENT(",\"normalizer\":{\"type\":\"Prepend\",\"prepend\":\"a\"}"), "", ""},
      {DOCUMENT(",\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\"x\"},\"content\":\"ab\"}"), "xcx", "6 5"},
      {DOCUMENT(",\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"x+\"},\"content\":\"\"}"), "axxb", "5"},
      {DOCUMENT(",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"Sequence\",\"normalizers\":[]}]}"), "ab", "5"},
      {DOCUMENT(",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"b\"},\"behavior\":\"Isolated\"}"), "abc", "0 1 2"},
      {DOCUMENT(",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"b\"},\"behavior\":\"Removed\"}"), "abc", "0 2"},
      {DOCUMENT(",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"b\"},\"behavior\":\"MergedWithPrevious\"}"), "abcb", "5 2 1"},
      {DOCUMENT(",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"b\"},\"behavior\":\"MergedWithNext\"}"), "abcb", "0 8 1"},
      {DOCUMENT(",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"[ab]\"},\"behavior\":\"Contiguous\"}"), "abc", "5 2"},
      {DOCUMENT(",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"b\"},\"behavior\":\"Removed\",\"invert\":true}"), "abc", "1"},
      {DOCUMENT(",\"pre_tokenizer\":{\"type\":\"CharDelimiterSplit\",\"delimiter\":\"d\"}"), "abdc", "5 2"},
      {DOCUMENT(",\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"}"), "ab c", "5 2"},
      {DOCUMENT(",\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"\xe2\x96\x81\"}"), "ab a", "7 5 7 0"},
      {DOCUMENT(",\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"\xe2\x96\x81\",\"prepend_scheme\":\"never\"}"), "ab a", "5 7 0"},
      {DOCUMENT(",\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"\xe2\x96\x81\",\"add_prefix_space\":false,\"str_rep\":\"\xe2\x96\x81\"}"), "ab a", "5 7 0"},
      {DOCUMENT(",\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false}"), "abc d", "6 3"},
      {DOCUMENT(",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"d\",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\"}},"
                "{\"SpecialToken\":{\"id\":\"e\"}}],\"pair\":[],\"special_tokens\":{\"d\":{\"ids\":[3,30]},\"e\":{\"ids\":[4]}}}"), "ab", "3 30 5 4"},
      {DOCUMENT(",\"added_tokens\":[{\"id\":11,\"content\":\"bc\",\"normalized\":false},{\"id\":12,\"content\":\"bcd\",\"normalized\":false}]"),
       "abcdabca", "65: t: added_tokens[0]: added token: id: found 11, expected 8, as in the vocabulary"},
      {DOCUMENT(",\"added_tokens\":[{\"id\":8,\"content\":\"bc\",\"normalized\":false},{\"id\":12,\"content\":\"bcd\",\"normalized\":false}]"), "abcdabca", "0 12 0 8 0"},
      {DOCUMENT(",\"added_tokens\":[{\"id\":12,\"content\":\"x\",\"lstrip\":true,\"special\":true}]"), "ab  xa", "5 12 0"},
      {DOCUMENT(",\"added_tokens\":[{\"id\":12,\"content\":\"x\",\"rstrip\":true,\"special\":true}]"), "abx\xe3\x80\x80 a", "5 12 0"},
      {DOCUMENT(",\"added_tokens\":[{\"id\":12,\"content\":\"\",\"special\":true}]"), "ab", "5"},
      {DOCUMENT(",\"added_tokens\":[{\"id\":12,\"content\":\"x\",\"single_word\":true}]"), "x ax xb x\xc3\xa9 \xc3\xa9x -x- _x xx x", "12 5 12 12"},
      {DOCUMENT(",\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\"x\"},\"content\":\"d\"},\"added_tokens\":[{\"id\":12,\"content\":\"xx\",\"normalized\":true}]"), "addxb", "0 12 3 1"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) CHECK_TEXT(ids(cases[i].json, cases[i].text), cases[i].expected);
}

/* What another library may do and we do not: refused by name, with exit code 69. */
static void unavailable(void) {
  static const struct { const char *json, *expected; } cases[] = {
      {"{\"model\":{\"type\":\"Unigram\"}}", "t: model: Unigram is not implemented"},
      {"{\"model\":{\"type\":\"WordPiece\"}}", "t: model: WordPiece is not implemented"},
      {"{\"version\":\"2.0\",\"model\":{}}", "t: version: found \"2.0\", expected \"1.0\""},
      {MODEL("\"dropout\":0.1,"), "t: model: BPE: the option \"dropout\": 0.1 is not implemented"},
      {MODEL("\"continuing_subword_prefix\":\"##\","), "t: model: BPE: the option \"continuing_subword_prefix\": \"##\" is not implemented"},
      {MODEL("\"end_of_word_suffix\":\"</w>\","), "t: model: BPE: the option \"end_of_word_suffix\": \"</w>\" is not implemented"},
      {MODEL("\"new\":1,"), "t: model: BPE: the option \"new\" is not implemented"},
      {DOCUMENT(",\"normalizer\":{\"type\":\"NFKC\"}"), "t: normalizer: NFKC is not implemented"},
      {DOCUMENT(",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"Lowercase\"}]}"), "t: normalizer: Lowercase is not implemented"},
      {DOCUMENT(",\"normalizer\":{\"type\":\"NFC\",\"form\":2}"), "t: normalizer: NFC: the option \"form\" is not implemented"},
      {DOCUMENT(",\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"}"), "t: pre_tokenizer: BertPreTokenizer is not implemented"},
      {DOCUMENT(",\"pre_tokenizer\":{\"type\":\"Punctuation\",\"behavior\":\"Isolated\"}"), "t: pre_tokenizer: Punctuation is not implemented"},
      {DOCUMENT(",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\w+\"},\"behavior\":\"Isolated\"}"), "t: pre_tokenizer: Split: pattern: '\\w' in a pattern is not implemented"},
      {DOCUMENT(",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"},\"behavior\":\"Sometimes\"}"), "t: pre_tokenizer: Split: behavior \"Sometimes\" is not implemented"},
      {DOCUMENT(",\"post_processor\":{\"type\":\"RobertaProcessing\"}"), "t: post_processor: RobertaProcessing is not implemented"},
      {DOCUMENT(",\"normalizer\":{\"type\":\"Prepend\",\"prepend\":\"a\"},\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"WhitespaceSplit\"},"
                "{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"first\"}]}"),
       "t: Metaspace with prepend_scheme \"first\" is not implemented behind ByteLevel, or behind a normalizer and what cuts or removes text"},
      {DOCUMENT(",\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"x*\"},\"content\":\"\"}"),
       "a normalizer's Replace by a pattern that matches an empty text is not implemented"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char expected[300];
    snprintf(expected, sizeof expected, "69: %s", cases[i].expected);
    CHECK_TEXT(ids(cases[i].json, "a"), expected);
  }
}

static void malformed(void) {
  static const struct { const char *json, *expected; } cases[] = {
      {"", "t: not JSON: unexpected end at byte 0"}, {"[]", "t: expected an object"}, {"{}", "t: model: found nothing, expected an object"},
      {"{\"model\":[]}", "t: model: found [], expected an object"}, {"{\"model\":{\"type\":1}}", "t: model: type: found 1, expected its name"},
      {"{\"model\":{}}", "t: model: BPE: vocab: found nothing, expected an object"},
      {"{\"model\":{\"vocab\":{\"a\":-1}}}", "t: model: BPE: vocab: found -1, expected an id from 0 to 4294967294"},
      {"{\"model\":{\"vocab\":{\"a\":4294967295}}}", "t: model: BPE: vocab: found 4294967295, expected an id from 0 to 4294967294"},
      {"{\"model\":{\"vocab\":{\"a\":1e3}}}", "t: model: BPE: vocab: found 1e3, expected an id from 0 to 4294967294"},
      {"{\"model\":{\"vocab\":{\"a\":99999999999999999999}}}", "t: model: BPE: vocab: found 99999999999999999999, expected an id from 0 to 4294967294"},
      {"{\"model\":{\"vocab\":{\"a\":0,\"a\":1}}}", "t: duplicate key \"a\""},
      {"{\"model\":{\"vocab\":{\"\\ud800\":0}}}", "t: model: BPE: vocab: lone surrogate in a string"},
      {"{\"model\":{\"vocab\":{}}}", "t: model: BPE: merges: found nothing, expected a list"},
      {MERGING("[\"a\"]"), "t: model: BPE: merges: found \"a\", expected two tokens, [\"a\", \"b\"] or \"a b\""},
      {MERGING("[\"a b c\"]"), "t: model: BPE: merges: found \"a b c\", expected two tokens, [\"a\", \"b\"] or \"a b\""},
      {MERGING("[[\"a\"]]"), "t: model: BPE: merges: found [\"a\"], expected two tokens, [\"a\", \"b\"] or \"a b\""},
      {MERGING("[[\"a\",\"b\",\"c\"]]"), "t: model: BPE: merges: found [\"a\",\"b\",\"c\"], expected two tokens, [\"a\", \"b\"] or \"a b\""},
      {MERGING("[{\"a\":\"b\",\"c\":\"d\"}]"), "t: model: BPE: merges: found {\"a\":\"b\",\"c\":\"d\"}, expected two tokens, [\"a\", \"b\"] or \"a b\""},
      {MERGING("[[\"a\",1]]"), "t: model: BPE: merges: found [\"a\",1], expected two tokens, [\"a\", \"b\"] or \"a b\""},
      {MERGING("[\"x b\"]"), "t: model: BPE: merges: found \"x b\", expected a first token that is in the vocabulary"},
      {MERGING("[\"a x\"]"), "t: model: BPE: merges: found \"a x\", expected a second token that is in the vocabulary"},
      {MERGING("[\"a c\"]"), "t: model: BPE: merges: found \"a c\", expected a result that is in the vocabulary"},
      {MODEL("\"unk_token\":\"x\","), "t: model: BPE: unk_token: found \"x\", expected a token that is in the vocabulary"},
      {MODEL("\"unk_token\":1,"), "t: model: BPE: unk_token: found 1, expected a text"},
      {MODEL("\"byte_fallback\":1,"), "t: model: BPE: byte_fallback: found 1, expected true or false"},
      {DOCUMENT(",\"normalizer\":1"), "t: normalizer: found 1, expected an object"},
      {DOCUMENT(",\"normalizer\":{}"), "t: normalizer: type: found nothing, expected its name"},
      {DOCUMENT(",\"normalizer\":{\"type\":\"Prepend\"}"), "t: normalizer: Prepend: prepend: found nothing, expected a text"},
      {DOCUMENT(",\"normalizer\":{\"type\":\"Replace\",\"pattern\":{},\"content\":\"\"}"), "t: normalizer: Replace: pattern: found {}, expected {\"String\": a text} or {\"Regex\": a text}"},
      {DOCUMENT(",\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\"\"},\"content\":\"\"}"), "t: normalizer: Replace: pattern: an empty text to look for"},
      {DOCUMENT(",\"pre_tokenizer\":{\"type\":\"Sequence\"}"), "t: pre_tokenizer: Sequence: pretokenizers: found nothing, expected a list"},
      {DOCUMENT(",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(a\"},\"behavior\":\"Isolated\"}"), "t: pre_tokenizer: Split: pattern: no pattern: missing closing parenthesis"},
      {DOCUMENT(",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"}}"), "t: pre_tokenizer: Split: behavior: found nothing, expected a word"},
      {DOCUMENT(",\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"ab\"}"), "t: pre_tokenizer: Metaspace: replacement: found \"ab\", expected one character"},
      {DOCUMENT(",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[]}"), "t: post_processor: TemplateProcessing: single: found [], expected the Sequence A"},
      {DOCUMENT(",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"A\"}},{\"Sequence\":{\"id\":\"A\"}}]}"),
       "t: post_processor: TemplateProcessing: single: found {\"Sequence\":{\"id\":\"A\"}}, expected a SpecialToken, or the Sequence A once"},
      {DOCUMENT(",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"x\"}}],\"special_tokens\":{}}"),
       "t: post_processor: TemplateProcessing: special_tokens: found {\"id\":\"x\"}, expected a token that is listed"},
      {DOCUMENT(",\"added_tokens\":{}"), "t: added_tokens: found {}, expected a list"},
      {DOCUMENT(",\"added_tokens\":[{\"content\":\"x\"}]"), "t: added_tokens[0]: added token: id: found nothing, expected an id from 0 to 4294967294"},
      {DOCUMENT(",\"added_tokens\":[{\"id\":12,\"content\":\"x\"},{\"id\":13,\"content\":\"x\"}]"), "t: added_tokens: found 'x' twice, expected every content once"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char expected[300];
    snprintf(expected, sizeof expected, "65: %s", cases[i].expected);
    CHECK_TEXT(ids(cases[i].json, "a"), expected);
  }
}

/* Sequences within sequences, as deep as one likes. */
static void nesting(void) {
  mw_text json = {0};
  static const int depths[] = {1, 5, 10, 100, 100000};
  for (size_t k = 0; k < sizeof depths / sizeof *depths; k++) {
    int depth = depths[k];
    json.length = 0;
    mw_text_format(&json, "{\"model\":{" VOCAB "," MERGES "},\"pre_tokenizer\":");
    for (int i = 0; i < depth; i++) mw_text_format(&json, "{\"type\":\"Sequence\",\"pretokenizers\":[");
    for (int i = 0; i < depth; i++) mw_text_format(&json, "]}");
    mw_text_format(&json, "}");
    if (depth <= 10) CHECK_TEXT(made(json.bytes, json.length, "ab"), "5");
    else CHECK_TEXT(made(json.bytes, json.length, "ab"), "65: t: nesting deeper than 32");
  }
  json.length = 0;
  mw_text_format(&json, "{\"model\":{" VOCAB "," MERGES "},\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[");
  for (int i = 0; i < 17; i++) mw_text_format(&json, "%s{\"type\":\"NFC\"}", i ? "," : "");
  mw_text_format(&json, "]}}");
  CHECK_TEXT(made(json.bytes, json.length, "ab"), "69: t: normalizer: NFC: more than 16 steps");
  mw_text_free(&json);
}

/* Every beginning of a good file is refused; one with any byte changed is read or refused, and nothing else happens. */
static void cut_and_changed(void) {
  static const char json[] = DOCUMENT(",\"normalizer\":{\"type\":\"NFC\"},\"pre_tokenizer\":{\"type\":\"ByteLevel\"},\"post_processor\":{\"type\":\"ByteLevel\"},"
                                      "\"added_tokens\":[{\"id\":12,\"content\":\"xy\",\"special\":true}]");
  size_t refused = 0;
  for (size_t i = 0; i < sizeof json - 1; i++) refused += strncmp(made(json, i, "ab"), "65: ", 4) == 0;
  CHECK(refused == sizeof json - 1);
  char *changed = strdup(json);
  int odd = 0;
  for (size_t i = 0; i < sizeof json - 1; i++) {
    for (const char *c = "\"{[,:0-x \\\xff"; *c; c++) {
      changed[i] = *c;
      const char *result = ids(changed, "ab xy");
      odd += !(strncmp(result, "65: ", 4) == 0 || strncmp(result, "69: ", 4) == 0 || strspn(result, "0123456789 ") == strlen(result));
    }
    changed[i] = json[i];
  }
  CHECK(odd == 0);
  free(changed);
}

/* A text of one character over and over, with merges that make it longer and longer; and one that is no UTF-8. */
static void long_texts(void) {
  mw_text text = {0}, json = {0};
  for (int i = 0; i < 1 << 20; i++) mw_text_add(&text, "a", 1);
  mw_text_format(&json, "{\"model\":{\"vocab\":{\"a\":0,\"aa\":1,\"aaaa\":2,\"aaaaaaaa\":3},\"merges\":[\"a a\",\"aa aa\",\"aaaa aaaa\"]}}");
  const char *found = made(json.bytes, json.length, text.bytes);
  CHECK(strlen(found) == 2 * (1 << 17) - 1 && strspn(found, "3 ") == strlen(found));
  CHECK_TEXT(ids(DOCUMENT(""), "a\xff"), "65: the text is not UTF-8");
  CHECK_TEXT(ids(DOCUMENT(""), "a\xc3"), "65: the text is not UTF-8");
  /* A replacement that would fill the memory. */
  json.length = 0;
  mw_text_format(&json, "{\"model\":{" VOCAB "," MERGES "},\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"");
  for (int i = 0; i < 10000; i++) mw_text_add(&json, "x", 1);
  mw_text_format(&json, "\"}}");
  CHECK_TEXT(made(json.bytes, json.length, text.bytes), "65: a text of more than 67112960 bytes after normalization");
  mw_text_free(&text);
  mw_text_free(&json);
}

int main(void) {
  RUN(merging());
  RUN(words());
  RUN(parts());
  RUN(unavailable());
  RUN(malformed());
  RUN(nesting());
  RUN(cut_and_changed());
  RUN(long_texts());
  UNIT_END();
}
