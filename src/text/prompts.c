/* prompts.c: BOS is put before a text as text, "<s>Write code": tokenizers find their special tokens in it. */
#include "text/prompts.h"
#include "format/file.h"
#include "format/json.h"
#include "text/tokenizer.h"
#include <stdlib.h>
#include <string.h>

enum { LARGEST_SETTINGS = 64 << 20, DEEPEST = 64 };

struct mw_prompts {
  mw_tokenizer *tokenizer;
  const char *bos; /* NULL: it has none */
  bool own;        /* nobody says which token it is: what the tokenizer puts before a text */
  mw_arena arena;
};

/* The member bos_token of a file of the folder; of kind END where there is none. */
static bool look(mw_prompts *p, const char *folder, const char *name, mw_json *out, mw_error *err) {
  const char *path = mw_file_join(&p->arena, folder, name, err);
  mw_text_escaped shown;
  char *text, *kept;
  size_t length;
  mw_json root;
  *out = (mw_json){.kind = MW_JSON_END};
  if (!path || !mw_file_exists(path)) return path != NULL;
  MW_TRY(mw_file_slurp(path, LARGEST_SETTINGS, &text, &length, err));
  kept = mw_mem_copy(&p->arena, text, length, err);
  free(text);
  if (!kept || !mw_json_check(mw_text_escape_z(&shown, path), kept, length, DEEPEST, &root, err)) return false;
  if (root.kind == MW_JSON_OBJECT) *out = mw_json_member(root, "bos_token");
  return true;
}

static bool find_bos(mw_prompts *p, const char *folder, mw_error *err) {
  size_t length;
  mw_json said;
  MW_TRY(look(p, folder, "tokenizer_config.json", &said, err));
  if (said.kind == MW_JSON_END) MW_TRY(look(p, folder, "special_tokens_map.json", &said, err));
  if (said.kind == MW_JSON_OBJECT) said = mw_json_member(said, "content");
  p->own = said.kind == MW_JSON_END;
  return said.kind != MW_JSON_STRING || mw_json_string(said, &p->arena, &p->bos, &length, err);
}

bool mw_prompts_open(const char *folder, mw_prompts **out, mw_error *err) {
  mw_prompts *p = mw_mem_new(1, sizeof *p, err);
  if (!p) return false;
  bool ok = find_bos(p, folder, err) && mw_tokenizer_open(folder, &p->tokenizer, err);
  if (ok) *out = p;
  else mw_prompts_free(p);
  return ok;
}

void mw_prompts_free(mw_prompts *p) {
  if (!p) return;
  mw_tokenizer_free(p->tokenizer);
  mw_mem_release(&p->arena);
  free(p);
}

static bool encode(mw_prompts *p, mw_text_piece text, mw_ids *ids, mw_error *err) {
  return p->own ? mw_tokenizer_encode(p->tokenizer, text.bytes, text.length, true, ids, err)
                : mw_tokenizer_encode_behind(p->tokenizer, p->bos, text.bytes, text.length, ids, err);
}

static bool read_all(mw_prompts *p, const mw_text_piece *texts, size_t count, uint64_t vocabulary, mw_dataset *set, mw_ids *ids,
                     mw_error *err) {
  for (; set->count < count; set->count++) {
    size_t from = ids->count, number = set->count + 1;
    if (!encode(p, texts[set->count], ids, err)) return mw_error_wrap(err, "prompt %zu", number);
    size_t length = ids->count - from;
    if (!length) return mw_error_set(err, MW_DATA, "prompt %zu: found no token, expected a text", number);
    if (length > UINT32_MAX) return mw_error_set(err, MW_DATA, "prompt %zu: found %zu tokens", number, length);
    for (size_t i = from; vocabulary && i < ids->count; i++)
      if (ids->ids[i] >= vocabulary)
        return mw_error_set(err, MW_DATA, "prompt %zu: its tokenizer gives id %lu, expected 0 to %llu, the rows of the embedding", number,
                            (unsigned long)ids->ids[i], (unsigned long long)vocabulary - 1);
    set->windows[set->count].length = (uint32_t)length;
    set->tokens += length;
    if (length > set->longest) set->longest = (uint32_t)length;
  }
  return true;
}

bool mw_prompts_read(mw_prompts *p, const mw_text_piece *texts, size_t count, uint64_t vocabulary, mw_dataset **out, mw_error *err) {
  mw_dataset *set = mw_mem_new(1, sizeof *set, err);
  mw_ids ids = {0};
  if (!set) return false;
  bool ok = (set->path = strdup("prompts")) || mw_error_memory(err, 8);
  ok = ok && (set->windows = mw_mem_new(count + 1, sizeof *set->windows, err)) != NULL;
  ok = ok && (count || mw_error_set(err, MW_DATA, "found no prompt, expected at least one"));
  ok = ok && read_all(p, texts, count, vocabulary, set, &ids, err);
  const uint32_t *at = set->ids = ids.ids;
  for (size_t i = 0; ok && i < count; at += set->windows[i++].length) set->windows[i].ids = at;
  if (ok) *out = set;
  else mw_dataset_free(set);
  return ok;
}
