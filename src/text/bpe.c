/* bpe.c: reads the vocabulary and the merges, and encodes a piece. Merges are found by their pair of tokens, not by the token that
 * they make, since several pairs may make the same. If a pair is listed twice, its later place counts, as in the reference. */
#include "text/bpe.h"
#include "base/hash.h"
#include "base/utf8.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct mw_bpe_pair {
  uint64_t pair; /* left id << 32 | right id */
  uint32_t rank, merged; /* rank MW_MERGE_NONE: empty */
} mw_bpe_pair;

/* ---- pairs ---- */

/* A hash: the product with a secret odd number, of which the top bits are used (Dietzfelbinger, 1997). */
static mw_bpe_pair *slot_of(const mw_bpe *bpe, uint64_t pair) {
  size_t mask = ((size_t)1 << bpe->pair_bits) - 1, at = (size_t)((pair * bpe->secret) >> (64 - bpe->pair_bits));
  while (bpe->pairs[at].rank != MW_MERGE_NONE && bpe->pairs[at].pair != pair) at = (at + 1) & mask;
  return &bpe->pairs[at];
}

static uint32_t rank_of(const void *model, const mw_merge_symbol *left, const mw_merge_symbol *right, uint32_t *merged) {
  const mw_bpe_pair *slot = slot_of(model, (uint64_t)left->id << 32 | right->id);
  *merged = slot->merged;
  return slot->rank;
}

static bool make_pairs(mw_bpe *bpe, size_t count, mw_error *err) {
  bpe->secret = mw_hash_secret();
  for (bpe->pair_bits = 4; (size_t)1 << bpe->pair_bits < 2 * count; bpe->pair_bits++) {}
  size_t size = (size_t)1 << bpe->pair_bits;
  if (!(bpe->pairs = mw_mem_new(size, sizeof *bpe->pairs, err))) return false;
  for (size_t i = 0; i < size; i++) bpe->pairs[i].rank = MW_MERGE_NONE;
  return true;
}

/* ---- reading ---- */

static size_t members(mw_json container) {
  mw_json key, value;
  size_t count = 0;
  for (mw_json_walk walk = mw_json_enter(container); mw_json_next(&walk, &key, &value);) count++;
  return count;
}

static bool read_vocab(mw_bpe *bpe, const mw_option *model) {
  mw_json vocab, key, value;
  MW_TRY(mw_option_member(model, "vocab", MW_JSON_OBJECT, &vocab));
  MW_TRY(mw_vocab_make(&bpe->vocab, members(vocab), model->err));
  for (mw_json_walk walk = mw_json_enter(vocab); mw_json_next(&walk, &key, &value);) {
    const char *text;
    size_t length;
    uint64_t id;
    bool known;
    if (!mw_json_u64(value, &id) || id >= MW_MERGE_NONE) return mw_option_refuse(model, "vocab", value, "an id from 0 to 4294967294");
    if (!mw_json_string(key, model->arena, &text, &length, model->err)) return mw_error_wrap(model->err, "%s: vocab", model->where);
    /* A JSON object has every key once. */
    MW_TRY(mw_vocab_add(&bpe->vocab, text, length, (uint32_t)id, &known, model->err));
    if (id >= bpe->count) bpe->count = (uint32_t)id + 1;
  }
  return true;
}

/* One merge in either form, ["a", "b"] or "a b", as its two texts. */
static bool read_merge(const mw_option *model, mw_json merge, const char *text[2], size_t length[2]) {
  static const char expected[] = "two tokens, [\"a\", \"b\"] or \"a b\"";
  mw_json part;
  unsigned count = 0;
  if (merge.kind == MW_JSON_STRING) {
    MW_TRY(mw_json_string(merge, model->arena, &text[0], &length[0], model->err));
    const char *space = memchr(text[0], ' ', length[0]), *end = text[0] + length[0];
    if (!space || memchr(space + 1, ' ', (size_t)(end - space) - 1)) return mw_option_refuse(model, "merges", merge, expected);
    text[1] = space + 1;
    length[0] = (size_t)(space - text[0]);
    length[1] = (size_t)(end - text[1]);
    return true;
  }
  for (mw_json_walk walk = mw_json_enter(merge); mw_json_next(&walk, NULL, &part); count++) {
    if (merge.kind != MW_JSON_ARRAY || part.kind != MW_JSON_STRING || count == 2)
      return mw_option_refuse(model, "merges", merge, expected);
    MW_TRY(mw_json_string(part, model->arena, &text[count], &length[count], model->err));
  }
  return count == 2 || mw_option_refuse(model, "merges", merge, expected);
}

static bool add_merge(mw_bpe *bpe, const mw_option *model, mw_json merge, uint32_t rank, mw_text *joined) {
  const char *text[2];
  size_t length[2];
  uint32_t id[2], merged;
  MW_TRY(read_merge(model, merge, text, length));
  for (int i = 0; i < 2; i++)
    if (!mw_vocab_find(&bpe->vocab, text[i], length[i], &id[i]))
      return mw_option_refuse(model, "merges", merge, i ? "a second token that is in the vocabulary"
                                                        : "a first token that is in the vocabulary");
  joined->length = 0;
  mw_text_add(joined, text[0], length[0]);
  mw_text_add(joined, text[1], length[1]);
  MW_TRY(mw_text_check(joined, model->err));
  if (!mw_vocab_find(&bpe->vocab, joined->bytes, joined->length, &merged))
    return mw_option_refuse(model, "merges", merge, "a result that is in the vocabulary");
  bpe->words = bpe->words && mw_merge_word(joined->bytes, joined->length) == joined->length;
  uint64_t pair = (uint64_t)id[0] << 32 | id[1];
  *slot_of(bpe, pair) = (mw_bpe_pair){pair, rank, merged};
  return true;
}

/* "#version: 0.2", the first line of the files from which old merges came. */
static bool is_comment(mw_json merge) { return merge.kind == MW_JSON_STRING && strncmp(merge.bytes, "\"#version", 9) == 0; }

static bool read_merges(mw_bpe *bpe, const mw_option *model) {
  mw_json merges, merge;
  mw_text joined = {0};
  uint32_t rank = 0;
  MW_TRY(mw_option_member(model, "merges", MW_JSON_ARRAY, &merges));
  MW_TRY(make_pairs(bpe, members(merges), model->err));
  bool ok = true;
  for (mw_json_walk walk = mw_json_enter(merges); ok && mw_json_next(&walk, NULL, &merge);)
    if (!is_comment(merge)) ok = add_merge(bpe, model, merge, rank++, &joined);
  mw_text_free(&joined);
  return ok;
}

/* Makes tables of the characters and bytes that are tokens, which are then found without hashing. */
static void fill_tables(mw_bpe *bpe) {
  char name[8];
  for (uint32_t i = 0; i < 0x800; i++)
    if (!mw_vocab_find(&bpe->vocab, name, mw_utf8_encode(i, name), &bpe->single[i])) bpe->single[i] = MW_MERGE_NONE;
  for (unsigned i = 0; i < 256; i++) {
    snprintf(name, sizeof name, "<0x%02X>", i);
    if (!mw_vocab_find(&bpe->vocab, name, 6, &bpe->byte[i])) bpe->byte[i] = MW_MERGE_NONE;
  }
}

bool mw_bpe_read(mw_bpe *bpe, const mw_option *model) {
  *bpe = (mw_bpe){.unknown = MW_MERGE_NONE};
  mw_json unknown = mw_json_member(model->json, "unk_token");
  const char *text;
  size_t length;
  MW_TRY(mw_option_only(model, "vocab merges unk_token fuse_unk byte_fallback ignore_merges dropout "
                               "continuing_subword_prefix end_of_word_suffix"));
  MW_TRY(mw_option_absent(model, "dropout") && mw_option_absent(model, "continuing_subword_prefix") &&
         mw_option_absent(model, "end_of_word_suffix"));
  MW_TRY(mw_option_flag(model, "byte_fallback", false, &bpe->byte_fallback) &&
         mw_option_flag(model, "ignore_merges", false, &bpe->ignore_merges) &&
         mw_option_flag(model, "fuse_unk", false, &bpe->fuse_unknown));
  uint32_t mark;
  MW_TRY(read_vocab(bpe, model));
  bpe->words = mw_vocab_find(&bpe->vocab, "\xe2\x96\x81", 3, &mark);
  MW_TRY(read_merges(bpe, model));
  fill_tables(bpe);
  if (unknown.kind == MW_JSON_END || unknown.kind == MW_JSON_NULL) return true;
  MW_TRY(mw_option_text(model, "unk_token", &text, &length));
  return mw_vocab_find(&bpe->vocab, text, length, &bpe->unknown) ||
         mw_option_refuse(model, "unk_token", unknown, "a token that is in the vocabulary");
}

void mw_bpe_free(mw_bpe *bpe) {
  mw_vocab_free(&bpe->vocab);
  free(bpe->pairs);
  mw_merge_free(&bpe->row);
}

/* ---- encoding ---- */

/* The id of one character, or MW_MERGE_NONE. */
static uint32_t id_of(const mw_bpe *bpe, const char *at, size_t n) {
  const unsigned char *b = (const unsigned char *)at;
  if (n == 1) return bpe->single[b[0]];
  if (n == 2) return bpe->single[(b[0] & 0x1f) << 6 | (b[1] & 0x3f)];
  uint32_t id;
  return mw_vocab_find(&bpe->vocab, at, n, &id) ? id : MW_MERGE_NONE;
}

/* A character that is no token becomes the tokens of its bytes; *done is false if one of them is no token either. */
static bool add_bytes(mw_bpe *bpe, const char *at, size_t n, bool *done, mw_error *err) {
  *done = bpe->byte_fallback;
  for (size_t i = 0; *done && i < n; i++) *done = bpe->byte[(unsigned char)at[i]] != MW_MERGE_NONE;
  for (size_t i = 0; *done && i < n; i++) MW_TRY(mw_merge_add(&bpe->row, bpe->byte[(unsigned char)at[i]], 0, 1, err));
  return true;
}

/* The characters of the piece as symbols. A character that is no token, nor its bytes, becomes the unknown token; with fuse_unk a run
 * of such characters becomes one unknown token; without an unknown token they are dropped. The unknown token is added only when a
 * character follows that is a token, so it comes after byte tokens that follow it in the text: the reference does the same. */
static bool split(mw_bpe *bpe, const char *piece, size_t length, mw_error *err) {
  bool waiting = false, done;
  mw_merge_clear(&bpe->row);
  for (size_t i = 0, n; i < length; i += n) {
    n = mw_utf8_length(piece[i]);
    uint32_t id = id_of(bpe, piece + i, n);
    if (id == MW_MERGE_NONE) {
      MW_TRY(add_bytes(bpe, piece + i, n, &done, err));
      if (done || bpe->unknown == MW_MERGE_NONE) continue;
      if (waiting && !bpe->fuse_unknown) MW_TRY(mw_merge_add(&bpe->row, bpe->unknown, 0, 1, err));
      waiting = true;
      continue;
    }
    if (waiting) MW_TRY(mw_merge_add(&bpe->row, bpe->unknown, 0, 1, err));
    waiting = false;
    MW_TRY(mw_merge_add(&bpe->row, id, 0, 1, err));
  }
  return !waiting || mw_merge_add(&bpe->row, bpe->unknown, 0, 1, err);
}

static bool encode_word(mw_bpe *bpe, const char *word, size_t length, mw_ids *out, mw_error *err) {
  MW_TRY(split(bpe, word, length, err));
  MW_TRY(mw_merge_run(&bpe->row, rank_of, bpe, err));
  for (uint32_t at = bpe->row.count ? 0 : MW_MERGE_NONE; at != MW_MERGE_NONE; at = bpe->row.symbols[at].next)
    MW_TRY(mw_ids_add(out, bpe->row.symbols[at].id, err));
  return true;
}

bool mw_bpe_encode(mw_bpe *bpe, const char *piece, size_t length, mw_ids *out, mw_error *err) {
  uint32_t id;
  if (bpe->ignore_merges && mw_vocab_find(&bpe->vocab, piece, length, &id)) return mw_ids_add(out, id, err);
  for (size_t n; length; piece += n, length -= n) {
    n = bpe->words ? mw_merge_word(piece, length) : length;
    MW_TRY(encode_word(bpe, piece, n, out, err));
  }
  return true;
}
