/* added.c: the tokens are sorted by bytes. At a place of the text, each byte narrows the range of tokens that begin with what was
 * read: of "<s>", "<sep>" and "<unk>", the text "<se" leaves first all three, then two, then one. */
#include "text/added.h"
#include "base/utf8.h"
#include "text/nfc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 1024 };

/* ---- reading ---- */

static int by_bytes(const void *a, const void *b) {
  const mw_added_token *x = a, *y = b;
  size_t n = x->length < y->length ? x->length : y->length;
  int order = memcmp(x->text, y->text, n);
  return order ? order : (x->length > y->length) - (x->length < y->length);
}

static bool sort(mw_added_list *list, const char *what, mw_error *err) {
  mw_text_escaped shown;
  if (list->count) qsort(list->tokens, list->count, sizeof *list->tokens, by_bytes);
  for (size_t i = 0; i < list->count; i++) {
    list->begins[(unsigned char)list->tokens[i].text[0]] = true;
    if (i && by_bytes(&list->tokens[i - 1], &list->tokens[i]) == 0)
      return mw_error_set(err, MW_DATA, "%s: found '%s' twice, expected every content once", what,
                          mw_text_escape(&shown, list->tokens[i].text, list->tokens[i].length));
  }
  return true;
}

static bool read_token(mw_added *added, const mw_option *option, const mw_vocab *vocab, mw_normalizer *normalizer) {
  mw_json spelt = mw_json_member(option->json, "id");
  mw_added_token token = {0};
  bool normalized, special;
  uint64_t id;
  uint32_t known;
  MW_TRY(mw_option_only(option, "id content single_word lstrip rstrip normalized special"));
  if (!mw_json_u64(spelt, &id) || id >= UINT32_MAX) return mw_option_refuse(option, "id", spelt, "an id from 0 to 4294967294");
  token.id = (uint32_t)id;
  MW_TRY(mw_option_text(option, "content", &token.text, &token.length) &&
         mw_option_flag(option, "single_word", false, &token.single) && mw_option_flag(option, "lstrip", false, &token.left) &&
         mw_option_flag(option, "rstrip", false, &token.right) && mw_option_flag(option, "special", false, &special) &&
         mw_option_flag(option, "normalized", !special, &normalized));
  if (mw_vocab_find(vocab, token.text, token.length, &known) && known != token.id) {
    char expected[48];
    snprintf(expected, sizeof expected, "%lu, as in the vocabulary", (unsigned long)known);
    return mw_option_refuse(option, "id", spelt, expected);
  }
  if (token.id >= added->count) added->count = token.id + 1;
  if (token.length == 0) return true; /* it is never found */
  if (normalized && normalizer->count) {
    const char *text = token.text;
    MW_TRY(mw_normalizer_run(normalizer, &text, &token.length, option->err));
    if (token.length == 0)
      return mw_option_refuse(option, "content", mw_json_member(option->json, "content"), "something that its normalization leaves");
    if (!(token.text = mw_mem_copy(option->arena, text, token.length, option->err))) return false;
  }
  if (token.length > LONGEST)
    return mw_error_set(option->err, MW_DATA, "%s: content of %zu bytes, expected at most %d", option->where, token.length, LONGEST);
  mw_added_list *list = normalized ? &added->normalized : &added->raw;
  MW_TRY(mw_mem_grow(&list->tokens, &list->capacity, list->count + 1, sizeof token, option->err));
  list->tokens[list->count++] = token;
  return true;
}

bool mw_added_read(mw_added *added, const char *what, mw_json json, const mw_vocab *vocab, mw_normalizer *normalizer,
                   mw_arena *arena, mw_error *err) {
  mw_json part;
  mw_option option;
  mw_text_escaped shown;
  size_t number = 0;
  char where[280];
  if (json.kind == MW_JSON_END || json.kind == MW_JSON_NULL) return true;
  if (json.kind != MW_JSON_ARRAY)
    return mw_error_set(err, MW_DATA, "%s: found %s, expected a list", what, mw_text_escape(&shown, json.bytes, json.length));
  for (mw_json_walk walk = mw_json_enter(json); mw_json_next(&walk, NULL, &part); number++) {
    snprintf(where, sizeof where, "%.255s[%zu]", what, number);
    MW_TRY(mw_option_open(&option, where, part, "added token", arena, err) &&
           read_token(added, &option, vocab, normalizer));
  }
  return sort(&added->raw, what, err) && sort(&added->normalized, what, err);
}

void mw_added_free(mw_added *added) {
  free(added->raw.tokens);
  free(added->normalized.tokens);
}

/* ---- finding ---- */

/* The longest token that the text begins with, or NULL. */
static const mw_added_token *longest(const mw_added_list *list, const char *text, size_t length) {
  const mw_added_token *best = NULL;
  size_t low = 0, high = list->count;
  for (size_t depth = 0; low < high; depth++) {
    if (list->tokens[low].length == depth) best = &list->tokens[low++]; /* of those that begin alike the shortest comes first */
    if (depth == length) break;
    /* Of those in [low, high), which agree in `depth` bytes, the ones whose next byte is the text's. */
    unsigned char byte = (unsigned char)text[depth];
    size_t from = low, to = high;
    while (from < to) {
      size_t middle = (from + to) / 2;
      if ((unsigned char)list->tokens[middle].text[depth] < byte) from = middle + 1;
      else to = middle;
    }
    low = from, to = high;
    while (from < to) {
      size_t middle = (from + to) / 2;
      if ((unsigned char)list->tokens[middle].text[depth] <= byte) from = middle + 1;
      else to = middle;
    }
    high = from;
  }
  return best;
}

/* The bytes of the white-space character at `text`, or 0. */
static size_t space(const char *text, size_t length) {
  uint32_t code = 0;
  size_t n = length ? mw_utf8_decode(text, length, &code) : 0;
  bool is = code == ' ' || (code >= 9 && code <= 13) || code == 0x85 || code == 0xa0 || code == 0x1680 ||
            (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
  return is ? n : 0;
}

bool mw_added_begins_word(const char *text, size_t length) {
  uint32_t code = 0;
  return length && mw_utf8_decode(text, length, &code) && mw_nfc_is_word(code);
}

bool mw_added_ends_word(const char *text, size_t length) {
  size_t at = length;
  while (at && mw_utf8_continues(text[--at]) && at) continue;
  return mw_added_begins_word(text + at, length - at);
}

mw_added_walk mw_added_enter(const char *text, size_t length) { return (mw_added_walk){.text = text, .length = length}; }

bool mw_added_next(const mw_added_list *list, mw_added_walk *walk) {
  const mw_added_token *token = NULL;
  const char *text = walk->text;
  if (walk->at > walk->length) return false;
  for (; walk->at < walk->length; walk->at++) {
    if (!list->begins[(unsigned char)text[walk->at]] || !(token = longest(list, text + walk->at, walk->length - walk->at))) continue;
    size_t past = walk->at + token->length;
    if (!token->single || !(mw_added_ends_word(text, walk->at) || mw_added_begins_word(text + past, walk->length - past))) break;
    walk->at = past - 1; /* the reference goes on behind it */
    token = NULL;
  }
  size_t begin = walk->at, end = walk->at + (token ? token->length : 0);
  walk->at = token ? end : walk->length + 1;
  if (token && token->left) {
    for (size_t n = 1, back; n && begin > walk->from;) {
      for (back = begin - 1; back > walk->from && mw_utf8_continues(text[back]);) back--;
      if ((n = space(text + back, begin - back)) != 0) begin = back;
    }
    if (begin < walk->from) begin = walk->from;
  }
  if (token && token->right)
    for (size_t n; (n = space(text + end, walk->length - end)) != 0;) end += n;
  walk->begin = walk->from;
  walk->end = begin > walk->from ? begin : walk->from;
  walk->has_token = token && begin < end; /* it may be empty if the token before took its white space */
  walk->id = token ? token->id : 0;
  walk->from = end;
  return true;
}
