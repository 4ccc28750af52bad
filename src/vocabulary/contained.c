/* contained.c: the parts of each ordinary token are looked up among the added ones. Most begin or end within a word, where no added token
 * is found, and of the others most begin with two bytes that no added token begins with. */
#include "vocabulary/contained.h"
#include "base/utf8.h"
#include "text/added.h"
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 1024 };

typedef struct search {
  const mw_output_vocabulary *vocabulary;
  mw_vocab added;             /* their texts */
  bool begins[1 << 16];       /* some added token begins with these two bytes; one of a single byte, with any second */
  bool lengths[LONGEST + 1];
} search;

static unsigned pair_of(const char *text, size_t length) {
  return (unsigned)(unsigned char)text[0] << 8 | (length > 1 ? (unsigned char)text[1] : 0);
}

static bool list_added(search *s, mw_error *err) {
  const mw_output_vocabulary *v = s->vocabulary;
  bool known;
  MW_TRY(mw_vocab_make(&s->added, v->added, err));
  for (size_t id = 0; id < v->count; id++) {
    const mw_output_vocabulary_token *token = &v->tokens[id];
    if (!token->added || token->length > LONGEST) continue;
    MW_TRY(mw_vocab_add(&s->added, token->text, token->length, (uint32_t)id, &known, err) || known);
    s->lengths[token->length] = true;
    if (token->length > 1) s->begins[pair_of(token->text, 2)] = true;
    for (unsigned second = 0; second < 256 && token->length == 1; second++)
      s->begins[(unsigned)(unsigned char)token->text[0] << 8 | second] = true;
  }
  return true;
}

static bool contains(const search *s, const char *text, size_t length) {
  for (size_t at = 0; at < length; at++) {
    if (mw_utf8_continues(text[at]) || !s->begins[pair_of(text + at, length - at)]) continue;
    const bool within = mw_added_ends_word(text, at);
    for (size_t n = 1; n <= length - at && n <= LONGEST; n++) {
      uint32_t id;
      if (!s->lengths[n] || n == length || !mw_vocab_find(&s->added, text + at, n, &id)) continue;
      const bool cut = within || mw_added_begins_word(text + at + n, length - at - n);
      if (!cut || !s->vocabulary->tokens[id].single) return true;
    }
  }
  return false;
}

bool mw_contained_find(const mw_output_vocabulary *v, mw_arena *arena, const uint32_t **ids, size_t *count, mw_error *err) {
  search *s = mw_mem_new(1, sizeof *s, err);
  uint32_t *found = v->added ? mw_mem_take(arena, v->start->vocabulary.count * sizeof *found, err) : NULL;
  *ids = found;
  *count = 0;
  if (s) s->vocabulary = v;
  bool ok = s && (!v->added || (found && list_added(s, err)));
  for (size_t id = 0; id < v->start->vocabulary.count && ok && v->added; id++) {
    const mw_vocabulary_token *token = &v->start->vocabulary.tokens[id];
    bool ordinary = token->text && !mw_model_tokens_settings(v->start, id);
    if (ordinary && contains(s, token->text, token->length)) found[(*count)++] = (uint32_t)id;
  }
  if (s) mw_vocab_free(&s->added);
  free(s);
  return ok;
}
