/* Data sets of each form: which windows they give, and how each mistake is named. */
#include "text/dataset.h"
#include "toys.h"

/* A safetensors file of one or two small tensors of one shape; element i of the first is data[i]. */
static void put_rows(const char *path, const char *dtype, unsigned size, unsigned rows, unsigned columns,
                     const long long *data, const char *mask_dtype, const unsigned char *mask) {
  mw_text out = {0};
  unsigned count = rows * columns, bytes = count * size;
  mw_text_add(&out, "\0\0\0\0\0\0\0\0", 8);
  mw_text_format(&out, "{\"input_ids\":{\"dtype\":\"%s\",\"shape\":[%u,%u],\"data_offsets\":[0,%u]}", dtype, rows, columns, bytes);
  if (mask)
    mw_text_format(&out, ",\"attention_mask\":{\"dtype\":\"%s\",\"shape\":[%u,%u],\"data_offsets\":[%u,%u]}", mask_dtype, rows,
                   columns, bytes, bytes + count);
  mw_text_format(&out, "}");
  for (int i = 0; i < 8; i++) out.bytes[i] = (char)((out.length - 8) >> (8 * i));
  for (unsigned i = 0; i < count; i++) mw_text_add(&out, (const char *)&data[i], size);
  if (mask) mw_text_add(&out, (const char *)mask, count);
  put(path, out.bytes, out.length);
  mw_text_free(&out);
}

/* The windows as text: "1 2 3|4 5". */
static const char *read_as(mw_dataset_source source) {
  static mw_text shown;
  mw_dataset *set;
  mw_error err = {0};
  mw_text_free(&shown);
  if (!mw_dataset_open(&source, &set, &err)) {
    mw_text_format(&shown, "%d: %s", (int)err.status, err.text);
    return shown.bytes;
  }
  uint64_t tokens = 0;
  uint32_t longest = 0;
  for (size_t i = 0; i < set->count; i++) {
    if (i) mw_text_format(&shown, "|");
    for (uint32_t k = 0; k < set->windows[i].length; k++)
      mw_text_format(&shown, k ? " %lu" : "%lu", (unsigned long)set->windows[i].ids[k]);
    tokens += set->windows[i].length;
    if (set->windows[i].length > longest) longest = set->windows[i].length;
  }
  CHECK(set->tokens == tokens && set->longest == longest && strcmp(set->path, source.path) == 0);
  mw_dataset_free(set);
  return shown.bytes;
}

static const char *windows_of(const char *path, uint64_t vocabulary) {
  return read_as((mw_dataset_source){.path = path, .vocabulary = vocabulary});
}

static void rows(void) {
  static const long long ids[] = {1, 2, 3, 40, 50, 60};
  static const struct { const char *dtype; unsigned size; } kinds[] = {{"I8", 1}, {"U8", 1}, {"I16", 2}, {"U16", 2},
                                                                         {"I32", 4}, {"U32", 4}, {"I64", 8}, {"U64", 8}};
  for (size_t i = 0; i < COUNT(kinds); i++) {
    put_rows("a.safetensors", kinds[i].dtype, kinds[i].size, 2, 3, ids, NULL, NULL);
    CHECK_TEXT(windows_of("a.safetensors", 61), "1 2 3|40 50 60");
  }
  CHECK_TEXT(windows_of("a.safetensors", 60), "65: a.safetensors: input_ids[1, 2]: found 60, expected 0 to 59");
  static const long long low[] = {1, -2, 3, 1LL << 32};
  put_rows("b.safetensors", "I64", 8, 1, 4, low, NULL, NULL);
  CHECK_TEXT(windows_of("b.safetensors", 0), "65: b.safetensors: input_ids[0, 1]: found -2, expected 0 to 4294967295");
  put_rows("b.safetensors", "I64", 8, 1, 2, low + 2, NULL, NULL);
  CHECK_TEXT(windows_of("b.safetensors", 0), "65: b.safetensors: input_ids[0, 1]: found 4294967296, expected 0 to 4294967295");
  put_rows("b.safetensors", "I8", 1, 1, 2, low, NULL, NULL);
  CHECK_TEXT(windows_of("b.safetensors", 0), "65: b.safetensors: input_ids[0, 1]: found -2, expected 0 to 4294967295");
  put_rows("c.safetensors", "F32", 4, 1, 2, ids, NULL, NULL);
  CHECK_TEXT(windows_of("c.safetensors", 0), "65: c.safetensors: tensor 'input_ids': found F32 [1,2], expected an integer dtype");
  put_rows("c.safetensors", "BOOL", 1, 1, 2, ids, NULL, NULL);
  CHECK_TEXT(windows_of("c.safetensors", 0), "65: c.safetensors: tensor 'input_ids': found BOOL [1,2], expected an integer dtype");
  put_rows("c.safetensors", "I32", 4, 2, 1, ids, NULL, NULL);
  CHECK_TEXT(windows_of("c.safetensors", 0), "65: c.safetensors: tensor 'input_ids': found I32 [2,1], expected 2 to 1048576 tokens a window");
  put_rows("c.safetensors", "I32", 4, 0, 3, ids, NULL, NULL);
  CHECK_TEXT(windows_of("c.safetensors", 0), "65: c.safetensors: found no window of at least 2 tokens, expected at least one");
  static const toy flat = {"input_ids", "I32", 2, 2, 4, 0}, other = {"ids", "I32", 2, 2, 4, 0};
  put_tensors("d.safetensors", &flat, 1);
  CHECK_TEXT(windows_of("d.safetensors", 1), "0 0|0 0");
  put_tensors("d.safetensors", &other, 1);
  CHECK_TEXT(windows_of("d.safetensors", 1), "65: d.safetensors: found no tensor 'input_ids', expected one of shape [windows, tokens]");
  put_text("d.safetensors", "12345");
  CHECK(strstr(windows_of("d.safetensors", 1), "65: d.safetensors: ") != NULL);
  CHECK_TEXT(windows_of("none.safetensors", 1), "66: none.safetensors: No such file or directory");
}

static void masks(void) {
  static const long long ids[] = {1, 2, 3, 4, 5, 6, 7, 8};
  static const struct { unsigned char mask[8]; const char *expected; } cases[] = {
      {{1, 1, 1, 1, 1, 1, 1, 1}, "1 2 3 4|5 6 7 8"}, {{1, 1, 0, 0, 1, 1, 1, 0}, "1 2|5 6 7"},
      {{0, 0, 1, 1, 0, 1, 1, 0}, "3 4|6 7"}, {{0, 0, 0, 0, 1, 1, 1, 1}, "5 6 7 8"}, {{1, 0, 0, 0, 1, 1, 0, 0}, "5 6"},
      {{1, 1, 1, 1, 1, 0, 1, 1}, "65: m.safetensors: attention_mask, row 1: found ones in 2 places, expected one run"},
      {{1, 1, 1, 1, 1, 2, 1, 1}, "65: m.safetensors: attention_mask[1, 1]: found 2, expected 0 to 1"},
      {{0, 0, 0, 0, 0, 0, 0, 1}, "65: m.safetensors: found no window of at least 2 tokens, expected at least one"}};
  for (size_t i = 0; i < COUNT(cases); i++) {
    put_rows("m.safetensors", "I32", 4, 2, 4, ids, i % 2 ? "I8" : "BOOL", cases[i].mask);
    CHECK_TEXT(windows_of("m.safetensors", 9), cases[i].expected);
  }
  /* What is padded may hold anything. */
  static const long long padded[] = {1, 2, -100, -100};
  static const unsigned char front[] = {1, 1, 0, 0};
  put_rows("m.safetensors", "I32", 4, 1, 4, padded, "BOOL", front);
  CHECK_TEXT(windows_of("m.safetensors", 9), "1 2");
}

static void lines(void) {
  static const struct { const char *text, *expected; } cases[] = {
      {"[1,2,3]\n[4, 5]", "1 2 3|4 5"}, {"[1,2,3]\n[4]\n[]\n[5,6]\n", "1 2 3|5 6"}, {"{\"input_ids\":[1,2],\"text\":\"x\"}\n", "1 2"},
      {"[1,2]\r\n[3,4]\r\n", "1 2|3 4"}, {"{\"text\":[7,8]}\n", "7 8"},
      {"[1,-2]", "65: l.jsonl: line 1: token 1: found -2, expected a whole number from 0 to 9"},
      {"[1,2]\n[1,10]", "65: l.jsonl: line 2: token 1: found 10, expected a whole number from 0 to 9"},
      {"[1.0,2]", "65: l.jsonl: line 1: token 0: found 1.0, expected a whole number from 0 to 9"},
      {"[1,\"2\"]", "65: l.jsonl: line 1: token 1: found \"2\", expected a whole number from 0 to 9"},
      {"[[1,2]]", "65: l.jsonl: line 1: token 0: found [1,2], expected a whole number from 0 to 9"},
      {"[18446744073709551617,2]", "65: l.jsonl: line 1: token 0: found 18446744073709551617, expected a whole number from 0 to 9"},
      {"{\"ids\":[1,2]}", "65: l.jsonl: line 1: field 'text': found nothing, expected a text or a list of token ids"},
      {"{\"text\":1}", "65: l.jsonl: line 1: field 'text': found another kind, expected a text or a list of token ids"},
      {"\"text\"", "65: l.jsonl: line 1: field 'text': found no object, expected a text or a list of token ids"},
      {"{\"text\":\"x\"}", "65: l.jsonl: a text, and no tokenizer to read it with"},
      {"[1,2]\n\n[3,4]", "65: l.jsonl: line 2: not JSON: unexpected end at byte 0"},
      {"[1,2", "65: l.jsonl: line 1: not JSON: unexpected end at byte 4"}, {"{\"text\":\"\xff\"}", "65: l.jsonl: line 1: not UTF-8"},
      {"", "65: l.jsonl: found no window of at least 2 tokens, expected at least one"}};
  for (size_t i = 0; i < COUNT(cases); i++) {
    put_text("l.jsonl", cases[i].text);
    CHECK_TEXT(windows_of("l.jsonl", 10), cases[i].expected);
  }
  put_text("l.jsonl", "{\"input_ids\":[1,2],\"mine\":[3,4,5]}\n");
  CHECK_TEXT(windows_of("l.jsonl:mine", 10), "3 4 5");
  CHECK_TEXT(windows_of("l.jsonl:yours", 10), "65: l.jsonl: line 1: field 'yours': found nothing, expected a text or a list of token ids");
  CHECK_TEXT(windows_of("l.jsonl:", 10), "64: l.jsonl: no field is named behind the colon");
}

/* A tokenizer of single letters, a to e, that begins every text with id 9. */
static const char letters[] =
  "{\"model\":{\"vocab\":{\"a\":0,\"b\":1,\"c\":2,\"d\":3,\"e\":4},\"merges\":[]},\"post_processor\":{\"type\":\"TemplateProcessing\","
  "\"single\":[{\"SpecialToken\":{\"id\":\"s\"}},{\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{\"s\":{\"ids\":[9]}}}}";

static void texts(void) {
  CHECK(mkdir("model", 0755) == 0);
  put_text("model/tokenizer.json", letters);
  mw_dataset_source source = {.path = "t.txt", .tokenizer = "model", .window = 4};
  put_text("t.txt", "abcdeab");
  CHECK_TEXT(read_as(source), "9 0 1 2|3 4 0 1");
  put_text("t.txt", "abcdeabc");
  CHECK_TEXT(read_as(source), "9 0 1 2|3 4 0 1"); /* one token is left, which predicts nothing */
  put_text("t.txt", "abcdeabcd");
  CHECK_TEXT(read_as(source), "9 0 1 2|3 4 0 1|2 3");
  put_text("t.txt", "");
  CHECK_TEXT(read_as(source), "65: t.txt: found no window of at least 2 tokens, expected at least one");
  put_text("t.txt", "ab\xff");
  CHECK_TEXT(read_as(source), "65: t.txt: the text is not UTF-8");
  source.tokenizer = "model/tokenizer.json";
  source.path = "t.jsonl";
  put_text("t.jsonl", "{\"text\":\"abcdea\"}\n{\"text\":\"\"}\n{\"text\":\"e\",\"mine\":\"abc\"}\n[7,8]\n{\"text\":\"b\\u0061\"}\n");
  CHECK_TEXT(read_as(source), "9 0 1 2|3 4 0|9 4|7 8|9 1 0"); /* every document for itself */
  put_text("t.jsonl", "{\"text\":\"e\",\"mine\":\"abc\"}\n{\"mine\":\"d\"}");
  source.path = "t.jsonl:mine";
  CHECK_TEXT(read_as(source), "9 0 1 2|9 3");
  source.vocabulary = 9;
  CHECK_TEXT(read_as(source), "65: t.jsonl: line 1: its tokenizer gives id 9, expected 0 to 8, the rows of the embedding");
  put_text("t.jsonl", "{\"mine\":\"\\ud800\"}");
  CHECK_TEXT(read_as(source), "65: t.jsonl: line 1: lone surrogate in a string");
  put_text("t.jsonl", "{\"mine\":\"d\"}");
  source.tokenizer = "nowhere";
  CHECK_TEXT(read_as(source), "66: nowhere: No such file or directory");
  put_text("model/tokenizer.json", "{\"model\":{\"type\":\"Unigram\"}}");
  source.tokenizer = "model";
  CHECK_TEXT(read_as(source), "69: model/tokenizer.json: model: Unigram is not implemented");
  mw_text wide = {0};
  put_text("model/tokenizer.json", letters);
  for (int i = 0; i < 600; i++) mw_text_add(&wide, "a", 1);
  put_text("t.txt", wide.bytes);
  mw_dataset_source long_one = {.path = "t.txt", .tokenizer = "model"};
  mw_dataset *set = NULL;
  mw_error err = {0};
  CHECK(mw_dataset_open(&long_one, &set, &err) && set->count == 3 && set->longest == 256 && set->windows[2].length == 89 && set->tokens == 601);
  mw_dataset_free(set);
  mw_text_free(&wide);
}

static void other_files(void) {
  put_text("x.parquet", "PAR1");
  CHECK_TEXT(windows_of("x.parquet", 0), "64: x.parquet: not a kind of data: expected a name that ends in .safetensors, .jsonl or .txt");
  put_text("x.txt", "some text");
  CHECK_TEXT(windows_of("x.txt", 0), "65: x.txt: a text, and no tokenizer to read it with");
  mw_dataset_source one = {.path = "x.txt", .window = 1};
  mw_dataset *set;
  mw_error err = {0};
  CHECK(!mw_dataset_open(&one, &set, &err) && err.status == MW_USAGE);
}

int main(void) {
  toys_begin();
  RUN(rows());
  RUN(masks());
  RUN(lines());
  RUN(texts());
  RUN(other_files());
  toys_end();
  UNIT_END();
}
