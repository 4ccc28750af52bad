/* Five tokenizers, in both forms, give the ids of their references for 1033 texts that are full of traps: white space,
 * digits, contractions, marks, emoji, composition, special tokens inside the text, unassigned characters, lines of 100 kB.
 * tests/data/tokenizers/README.md tells where they come from. */
#include "format/file.h"
#include "format/json.h"
#include "text/tokenizer.h"
#include "unit.h"
#include <stdlib.h>

#define DATA "tests/data/tokenizers/"

/* The next line of a file in memory. */
static bool next_line(const char **at, const char *end, const char **line, size_t *length) {
  if (*at == end) return false;
  const char *stop = memchr(*at, '\n', (size_t)(end - *at));
  *line = *at;
  *length = (size_t)((stop ? stop : end) - *at);
  *at = stop ? stop + 1 : end;
  return true;
}

/* Whether the ids are those of the line "1 2 3". */
static bool same(const mw_ids *ids, size_t from, const char *line, size_t length) {
  const char *end = line + length;
  for (size_t i = from; i < ids->count; i++) {
    char *stop;
    if (line >= end || strtoul(line, &stop, 10) != ids->ids[i]) return false;
    line = stop < end ? stop + 1 : end;
  }
  return line == end;
}

/* The text of a line of texts.jsonl. */
static bool text_of(const char *line, size_t length, mw_arena *arena, const char **text, size_t *text_length) {
  mw_json root;
  mw_error err;
  return mw_json_check("texts.jsonl", line, length, 8, &root, &err) &&
         mw_json_string(mw_json_member(root, "text"), arena, text, text_length, &err);
}

/* `begin` is the id that begins a text, or -1. */
static void reference(const char *where, const char *name, long begin) {
  char path[128], *texts = NULL, *expected = NULL;
  size_t texts_length = 0, expected_length = 0, length, expected_size, text_length, lines = 0, wrong = 0;
  mw_tokenizer *tokenizer = NULL;
  mw_error err = {0};
  mw_ids ids = {0};
  const char *line, *wanted, *text;
  snprintf(path, sizeof path, DATA "expected.%s", name);
  CHECK(mw_file_slurp(DATA "texts.jsonl", 1 << 24, &texts, &texts_length, &err));
  CHECK(mw_file_slurp(path, 1 << 24, &expected, &expected_length, &err));
  if (!mw_tokenizer_open(where, &tokenizer, &err)) printf("%s\n", err.text);
  CHECK(tokenizer != NULL);
  const char *at = texts, *expected_at = expected;
  while (tokenizer && next_line(&at, texts + texts_length, &line, &length) &&
         next_line(&expected_at, expected + expected_length, &wanted, &expected_size)) {
    mw_arena arena = {0};
    lines++;
    ids.count = 0;
    bool good = text_of(line, length, &arena, &text, &text_length) &&
                mw_tokenizer_encode(tokenizer, text, text_length, false, &ids, &err) && same(&ids, 0, wanted, expected_size);
    ids.count = 0;
    good = good && mw_tokenizer_encode(tokenizer, text, text_length, true, &ids, &err) &&
           (begin < 0 || (ids.count > 0 && ids.ids[0] == (uint32_t)begin)) && same(&ids, begin >= 0, wanted, expected_size);
    if (!good && wrong++ < 20) printf("%s: line %zu differs\n", name, lines);
    mw_mem_release(&arena);
  }
  CHECK(lines == 1033);
  CHECK(wrong == 0);
  mw_tokenizer_free(tokenizer);
  free(ids.ids);
  free(texts);
  free(expected);
}

static uint32_t count_of(const char *where) {
  mw_tokenizer *tokenizer = NULL;
  mw_error err = {0};
  CHECK(mw_tokenizer_open(where, &tokenizer, &err));
  uint32_t count = tokenizer ? mw_tokenizer_count(tokenizer) : 0;
  mw_tokenizer_free(tokenizer);
  return count;
}

int main(void) {
  RUN(reference(DATA "gpt2", "gpt2", -1));
  RUN(reference(DATA "llama3", "llama3", 2756));
  RUN(reference(DATA "qwen2", "qwen2", -1));
  RUN(reference(DATA "llama2", "llama2", 1)); /* has both files: tokenizer.json comes first */
  RUN(reference(DATA "llama2/tokenizer.json", "llama2", 1));
  RUN(reference(DATA "llama2-prepend", "llama2-prepend", 1));
  RUN(reference(DATA "llama2/tokenizer.model", "llama2-spm", 1));
  CASE("counts");
  CHECK(count_of(DATA "gpt2") == 2023 && count_of(DATA "llama3") == 2759 && count_of(DATA "qwen2") == 2517);
  CHECK(count_of(DATA "llama2") == 2048 && count_of(DATA "llama2/tokenizer.model") == 2048);
  CASE("folders without a tokenizer");
  mw_tokenizer *tokenizer;
  mw_error err = {0};
  CHECK(!mw_tokenizer_open("tests/unit", &tokenizer, &err) && err.status == MW_MISSING);
  CHECK_TEXT(err.text, "tests/unit: found neither tokenizer.json nor tokenizer.model");
  CHECK(!mw_tokenizer_open("tests/none.json", &tokenizer, &err) && err.status == MW_MISSING);
  UNIT_END();
}
