/* sentencepiece.c: reads the model strictly, and encodes as bpe_model.cc of SentencePiece 0.2 does. When the model is read, scores
 * are turned into ranks (the highest score is rank 0), so that merge.h does the work for both forms of byte-pair encoding. */
#include "text/sentencepiece.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/protobuf.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, USER = 4, UNUSED = 5, BYTE = 6, LONGEST = 1024 };

typedef struct mw_sentencepiece_piece {
  const char *text;
  uint32_t length, type, rank;
  float score;
} mw_sentencepiece_piece;

/* The model's options, with the defaults of sentencepiece_model.proto. */
typedef struct header {
  uint64_t type;  /* of the model: 1 unigram, 2 BPE, 3 word, 4 char */
  int64_t begin;
  bool byte_fallback, suffix, prefix, remove, escape, rules;
} header;

/* ---- the model's parts ---- */

static bool read_piece(mw_sentencepiece *m, const char *what, const mw_protobuf *field, mw_error *err) {
  mw_protobuf walk = mw_protobuf_enter(what, field->bytes, field->length);
  mw_sentencepiece_piece piece = {.type = NORMAL};
  mw_text_escaped shown;
  for (bool found;;) {
    MW_TRY(mw_protobuf_next(&walk, &found, err));
    if (!found) break;
    if (walk.field == 1) {
      MW_TRY(mw_protobuf_is(&walk, MW_PROTOBUF_BYTES, err));
      piece.text = (const char *)walk.bytes;
      piece.length = walk.length > LONGEST ? LONGEST + 1 : (uint32_t)walk.length;
    } else if (walk.field == 2) {
      MW_TRY(mw_protobuf_is(&walk, MW_PROTOBUF_FOUR, err));
      uint32_t bits = (uint32_t)walk.number;
      memcpy(&piece.score, &bits, sizeof bits);
    } else if (walk.field == 3) {
      MW_TRY(mw_protobuf_is(&walk, MW_PROTOBUF_VARINT, err));
      piece.type = walk.number > BYTE ? 0 : (uint32_t)walk.number;
    }
  }
  if (piece.length == 0 || piece.length > LONGEST || !mw_utf8_valid(piece.text, piece.length))
    return mw_error_set(err, MW_DATA, "%s: piece %zu: expected 1 to %d bytes of UTF-8", what, m->count, LONGEST);
  mw_text_escape(&shown, piece.text, piece.length);
  if (piece.type == 0) return mw_error_set(err, MW_DATA, "%s: piece %zu '%s': a type out of range", what, m->count, shown.bytes);
  if (piece.type == UNUSED)
    return mw_error_set(err, MW_UNAVAILABLE, "%s: piece %zu '%s': pieces of the type UNUSED are not implemented", what, m->count,
                        shown.bytes);
  if (piece.score != piece.score) return mw_error_set(err, MW_DATA, "%s: piece %zu '%s': its score is NaN", what, m->count, shown.bytes);
  MW_TRY(mw_mem_grow(&m->pieces, &m->capacity, m->count + 1, sizeof piece, err));
  m->pieces[m->count++] = piece;
  return true;
}

static bool read_trainer(header *h, const char *what, const mw_protobuf *field, mw_error *err) {
  mw_protobuf walk = mw_protobuf_enter(what, field->bytes, field->length);
  for (bool found;;) {
    MW_TRY(mw_protobuf_next(&walk, &found, err));
    if (!found) return true;
    if (walk.field != 3 && walk.field != 24 && walk.field != 35 && walk.field != 41) continue;
    MW_TRY(mw_protobuf_is(&walk, MW_PROTOBUF_VARINT, err));
    if (walk.field == 3) h->type = walk.number;
    if (walk.field == 24) h->suffix = walk.number != 0;
    if (walk.field == 35) h->byte_fallback = walk.number != 0;
    if (walk.field == 41) h->begin = (int64_t)walk.number;
  }
}

static bool read_normalizer(header *h, const char *what, const mw_protobuf *field, mw_error *err) {
  mw_protobuf walk = mw_protobuf_enter(what, field->bytes, field->length);
  for (bool found;;) {
    MW_TRY(mw_protobuf_next(&walk, &found, err));
    if (!found) return true;
    if (walk.field == 2) {
      MW_TRY(mw_protobuf_is(&walk, MW_PROTOBUF_BYTES, err));
      h->rules = walk.length != 0;
    } else if (walk.field >= 3 && walk.field <= 5) {
      MW_TRY(mw_protobuf_is(&walk, MW_PROTOBUF_VARINT, err));
      *(walk.field == 3 ? &h->prefix : walk.field == 4 ? &h->remove : &h->escape) = walk.number != 0;
    }
  }
}

static bool read_parts(mw_sentencepiece *m, header *h, const char *what, const char *bytes, size_t length, mw_error *err) {
  mw_protobuf walk = mw_protobuf_enter(what, bytes, length);
  for (bool found;;) {
    MW_TRY(mw_protobuf_next(&walk, &found, err));
    if (!found) return true;
    if (walk.field < 1 || walk.field > 3) continue;
    MW_TRY(mw_protobuf_is(&walk, MW_PROTOBUF_BYTES, err));
    if (walk.field == 1) MW_TRY(read_piece(m, what, &walk, err));
    if (walk.field == 2) MW_TRY(read_trainer(h, what, &walk, err));
    if (walk.field == 3) MW_TRY(read_normalizer(h, what, &walk, err));
  }
}

/* ---- the model as a whole ---- */

static bool check_header(const header *h, const char *what, mw_error *err) {
  static const char *const types[] = {"0", "UNIGRAM", "BPE", "WORD", "CHAR"};
  const char *name = h->type != 2 ? "a model of the type" : h->rules ? "normalization by precompiled_charsmap"
                   : h->remove ? "remove_extra_whitespaces" : h->suffix ? "treat_whitespace_as_suffix" : NULL;
  if (!name) return true;
  return mw_error_set(err, MW_UNAVAILABLE, "%s: %s%s%s is not implemented", what, name, h->type != 2 ? " " : "",
                      h->type == 2 ? "" : h->type < 5 ? types[h->type] : "unknown");
}

static int by_score(const void *a, const void *b) {
  const mw_sentencepiece_piece *x = *(mw_sentencepiece_piece *const *)a, *y = *(mw_sentencepiece_piece *const *)b;
  return (x->score < y->score) - (x->score > y->score);
}

/* Pieces of the same score have the same rank: of these the leftmost is joined first. */
static bool rank_pieces(mw_sentencepiece *m, mw_error *err) {
  mw_sentencepiece_piece **sorted = mw_mem_new(m->count, sizeof *sorted, err);
  if (!sorted) return false;
  for (size_t i = 0; i < m->count; i++) sorted[i] = &m->pieces[i];
  if (m->count) qsort(sorted, m->count, sizeof *sorted, by_score);
  for (size_t i = 0; i < m->count; i++)
    sorted[i]->rank = i == 0 ? 0 : sorted[i - 1]->rank + (sorted[i - 1]->score > sorted[i]->score);
  free(sorted);
  return true;
}

static bool index_pieces(mw_sentencepiece *m, const char *what, mw_error *err) {
  mw_vocab all = {0};
  mw_text_escaped shown;
  bool known = false, ok = mw_vocab_make(&all, m->count, err) && mw_vocab_make(&m->vocab, m->count, err);
  for (size_t i = 0; ok && i < m->count; i++) {
    const mw_sentencepiece_piece *p = &m->pieces[i];
    bool matches = p->type == NORMAL || p->type == USER;
    ok = mw_vocab_add(&all, p->text, p->length, (uint32_t)i, &known, err);
    if (!ok && known)
      mw_error_set(err, MW_DATA, "%s: piece %zu: found '%s' twice, expected every piece once", what, i,
                   mw_text_escape(&shown, p->text, p->length));
    if (ok && p->type == UNKNOWN) {
      if (m->unknown != MW_MERGE_NONE) ok = mw_error_set(err, MW_DATA, "%s: piece %zu: a second piece of the type UNKNOWN", what, i);
      m->unknown = (uint32_t)i;
    }
    if (!ok || !matches) continue;
    m->words = m->words && mw_merge_word(p->text, p->length) == p->length;
    ok = mw_vocab_add(&m->vocab, p->text, p->length, (uint32_t)i, &known, err);
    if (p->length > m->longest) m->longest = p->length;
    if (p->type == USER && p->length > m->user_longest) m->user_longest = p->length;
  }
  if (ok && m->unknown == MW_MERGE_NONE) ok = mw_error_set(err, MW_DATA, "%s: found no piece of the type UNKNOWN, expected one", what);
  for (unsigned i = 0; ok && m->byte_fallback && i < 256; i++) {
    char name[8];
    snprintf(name, sizeof name, "<0x%02X>", i);
    if (!mw_vocab_find(&all, name, 6, &m->byte[i]) || m->pieces[m->byte[i]].type != BYTE)
      ok = mw_error_set(err, MW_DATA, "%s: byte_fallback: found no piece '%s' of the type BYTE", what, name);
  }
  mw_vocab_free(&all);
  return ok;
}

bool mw_sentencepiece_read(mw_sentencepiece *m, const char *what, const char *bytes, size_t length, mw_error *err) {
  header h = {.type = 1, .begin = 1, .prefix = true, .remove = true, .escape = true};
  *m = (mw_sentencepiece){.unknown = MW_MERGE_NONE, .begin = MW_MERGE_NONE, .words = true};
  MW_TRY(read_parts(m, &h, what, bytes, length, err) && check_header(&h, what, err));
  m->byte_fallback = h.byte_fallback;
  m->prefix = h.prefix;
  m->escape = h.escape;
  MW_TRY(index_pieces(m, what, err) && rank_pieces(m, err));
  if (h.begin < 0) return true;
  if ((uint64_t)h.begin >= m->count || m->pieces[h.begin].type != CONTROL)
    return mw_error_set(err, MW_DATA, "%s: bos_id: found %lld, expected a piece of the type CONTROL, or -1", what, (long long)h.begin);
  m->begin = (uint32_t)h.begin;
  return true;
}

void mw_sentencepiece_free(mw_sentencepiece *m) {
  free(m->pieces);
  mw_vocab_free(&m->vocab);
  mw_merge_free(&m->row);
  mw_text_free(&m->scratch);
}

/* ---- encoding ---- */

/* A symbol's id is its piece, or MW_MERGE_NONE for a character that is not a piece. */
static uint32_t rank_of(const void *model, const mw_merge_symbol *left, const mw_merge_symbol *right, uint32_t *merged) {
  const mw_sentencepiece *m = model;
  size_t length = (size_t)left->length + right->length;
  if (length > m->longest || (left->id != MW_MERGE_NONE && m->pieces[left->id].type == USER) ||
      (right->id != MW_MERGE_NONE && m->pieces[right->id].type == USER)) return MW_MERGE_NONE;
  if (!mw_vocab_find(&m->vocab, m->scratch.bytes + left->start, length, merged)) return MW_MERGE_NONE;
  return m->pieces[*merged].rank;
}

/* The longest user-defined piece that the text begins with. */
static size_t user_piece(const mw_sentencepiece *m, const char *text, size_t length, uint32_t *id) {
  for (size_t n = length < m->user_longest ? length : m->user_longest; n > 0; n--)
    if (mw_vocab_find(&m->vocab, text, n, id) && m->pieces[*id].type == USER) return n;
  return 0;
}

/* The symbols of the text from `begin` to `end`. */
static bool split(mw_sentencepiece *m, size_t begin, size_t end, mw_error *err) {
  const char *text = m->scratch.bytes;
  mw_merge_clear(&m->row);
  for (size_t i = begin, n; i < end; i += n) {
    uint32_t id = MW_MERGE_NONE;
    n = m->user_longest ? user_piece(m, text + i, end - i, &id) : 0;
    if (n == 0) {
      n = mw_utf8_length(text[i]);
      if (!mw_vocab_find(&m->vocab, text + i, n, &id)) id = MW_MERGE_NONE;
    }
    MW_TRY(mw_merge_add(&m->row, id, (uint32_t)i, (uint32_t)n, err));
  }
  return true;
}

/* A symbol that is no piece becomes its bytes, or the unknown piece; a run of such symbols becomes only one (`unknown`: the last
 * symbol was one). */
static bool put(const mw_sentencepiece *m, bool *unknown, mw_ids *out, mw_error *err) {
  for (uint32_t at = 0; at != MW_MERGE_NONE; at = m->row.symbols[at].next) {
    const mw_merge_symbol *symbol = &m->row.symbols[at];
    if (symbol->id != MW_MERGE_NONE) {
      MW_TRY(mw_ids_add(out, symbol->id, err));
    } else if (m->byte_fallback) {
      for (uint32_t i = 0; i < symbol->length; i++)
        MW_TRY(mw_ids_add(out, m->byte[(unsigned char)m->scratch.bytes[symbol->start + i]], err));
    } else if (!*unknown) {
      MW_TRY(mw_ids_add(out, m->unknown, err));
    }
    *unknown = symbol->id == MW_MERGE_NONE;
  }
  return true;
}

bool mw_sentencepiece_encode(mw_sentencepiece *m, const char *text, size_t length, bool special, mw_ids *out, mw_error *err) {
  static const char mark[] = "\xe2\x96\x81"; /* U+2581, which stands for a space */
  if (special && m->begin != MW_MERGE_NONE) MW_TRY(mw_ids_add(out, m->begin, err));
  if (length == 0) return true;
  m->scratch.length = 0;
  if (m->prefix) mw_text_add(&m->scratch, m->escape ? mark : " ", m->escape ? 3 : 1);
  for (const char *end = text + length, *space; text < end; text = space + (space < end)) {
    if (!m->escape || !(space = memchr(text, ' ', (size_t)(end - text)))) space = end;
    mw_text_add(&m->scratch, text, (size_t)(space - text));
    if (space < end) mw_text_add(&m->scratch, mark, 3);
  }
  MW_TRY(mw_text_check(&m->scratch, err));
  if (m->scratch.length > INT32_MAX) return mw_error_set(err, MW_DATA, "a text of more than %d bytes with its spaces escaped", INT32_MAX);
  bool unknown = false;
  for (size_t at = 0, n; at < m->scratch.length; at += n) {
    n = m->words ? mw_merge_word(m->scratch.bytes + at, m->scratch.length - at) : m->scratch.length;
    MW_TRY(split(m, at, at + n, err) && mw_merge_run(&m->row, rank_of, m, err) && put(m, &unknown, out, err));
  }
  return true;
}
