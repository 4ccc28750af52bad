/* tokens.c: the public interface of tokenizers: a line of JSON in, a line of JSON out. */
#include "base/text.h"
#include "model/hub.h"
#include "format/json.h"
#include "text/tokenizer.h"
#include <stdlib.h>

enum { DEEPEST = 64 };

struct mw_tokens {
  mw_tokenizer *tokenizer;
  mw_ids ids;
  mw_text json;
};

bool mw_tokens_open(const char *where, mw_tokens **out, mw_error *err) {
  mw_arena arena = {0};
  const char *commit;
  mw_tokens *tokens = mw_mem_new(1, sizeof *tokens, err);
  bool ok = tokens && (!mw_hub_is_id(where) || mw_hub_find(where, &arena, &where, &commit, err)) &&
            mw_tokenizer_open(where, &tokens->tokenizer, err);
  mw_mem_release(&arena);
  if (ok) *out = tokens;
  else mw_tokens_free(tokens);
  return ok;
}

void mw_tokens_free(mw_tokens *tokens) {
  if (!tokens) return;
  mw_tokenizer_free(tokens->tokenizer);
  free(tokens->ids.ids);
  mw_text_free(&tokens->json);
  free(tokens);
}

/* The decimal digits of an id, which lines have by the million. */
static void put_id(mw_text *out, uint32_t id, bool first) {
  char room[12], *at = room + sizeof room;
  do *--at = (char)('0' + id % 10); while (id /= 10);
  if (!first) *--at = ',';
  mw_text_add(out, at, (size_t)(room + sizeof room - at));
}

static bool encode(mw_tokens *t, const char *name, mw_json root, bool special, mw_error *err) {
  mw_json field = mw_json_member(root, "text");
  mw_arena arena = {0};
  const char *text;
  size_t length;
  mw_text_escaped shown;
  if (field.kind != MW_JSON_STRING)
    return mw_error_set(err, MW_DATA, "%s: found %s, expected an object with \"text\", a string", name,
                        mw_text_escape(&shown, root.bytes, root.length));
  bool ok = (mw_json_string(field, &arena, &text, &length, err) &&
             mw_tokenizer_encode(t->tokenizer, text, length, special, &t->ids, err)) || mw_error_wrap(err, "%s", name);
  mw_mem_release(&arena);
  return ok;
}

bool mw_tokens_line(mw_tokens *t, const char *line_name, const char *line, size_t length, bool special, const char **json,
                    size_t *json_length, mw_error *err) {
  mw_json root;
  t->ids.count = t->json.length = 0;
  MW_TRY(mw_json_check(line_name, line, length, DEEPEST, &root, err) && encode(t, line_name, root, special, err));
  mw_text_add(&t->json, "[", 1);
  for (size_t i = 0; i < t->ids.count; i++) put_id(&t->json, t->ids.ids[i], i == 0);
  mw_text_add(&t->json, "]", 1);
  MW_TRY(mw_text_check(&t->json, err));
  *json = t->json.bytes;
  *json_length = t->json.length;
  return true;
}
