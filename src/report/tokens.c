/* tokens.c: the public interface of tokenizers: a line of JSON in, a line of JSON out. */
#include "base/json_writer.h"
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
  mw_json_writer out = {.out = &t->json, .streamed = 1};
  mw_json_writer_list(&out, NULL);
  for (size_t i = 0; i < t->ids.count; i++) mw_json_writer_u64(&out, NULL, t->ids.ids[i]);
  mw_json_writer_end(&out);
  MW_TRY(mw_json_writer_finish(&out, err));
  t->json.bytes[--t->json.length] = 0; /* of the line alone */
  *json = t->json.bytes;
  *json_length = t->json.length;
  return true;
}
