/* calibration.c: opens data files by their kind (text to be tokenised, or token ids), and checks their ids against the donor's
 * vocabulary, so that a recipe cannot begin with data of another tokenizer. */
#include "train/calibration.h"
#include "base/sha256.h"
#include "model/tied_head.h"
#include "num/gemm.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_FILES = 64, MOST_SETS = 1024 };

/* "x.jsonl:FIELD" names the field of a file that is read. */
static bool hash_file(const char *path, char hex[65], mw_arena *arena, mw_error *err) {
  const char *colon = strrchr(path, ':');
  mw_file file;
  if (colon && !mw_file_exists(path)) path = mw_mem_copy(arena, path, (size_t)(colon - path), err);
  if (!path || !mw_file_open(&file, path, err)) return false;
  bool ok = mw_file_hash(&file, hex, err);
  mw_file_close(&file);
  return ok;
}

static uint64_t vocabulary_of(const mw_model *model) {
  const mw_tensor *embedding = mw_tied_head_embedding(model);
  return embedding && embedding->rank == 2 ? embedding->shape[0] : model->config.vocabulary;
}

bool mw_calibration_open(mw_calibration *data, const char *const *paths, size_t count, uint32_t window,
                         const mw_family_member *donor, mw_error *err) {
  *data = (mw_calibration){0};
  if (count > MOST_FILES) return mw_error_set(err, MW_USAGE, "--data takes at most %d files", MOST_FILES);
  if (count) MW_TRY(mw_gemm_begin(err)); /* whoever brings data computes with it, and mw_calibration_tell() names the core */
  data->sets = mw_mem_take(&data->arena, MOST_SETS * sizeof *data->sets, err);
  data->facts = data->sets ? mw_mem_take(&data->arena, MOST_SETS * sizeof *data->facts, err) : NULL;
  data->hashes = data->facts ? mw_mem_take(&data->arena, MOST_SETS * sizeof *data->hashes, err) : NULL;
  if (!data->hashes) return false;
  for (size_t i = 0; i < count; i++) {
    mw_dataset_source source = {paths[i], donor->model->folder, window, vocabulary_of(donor->model)};
    MW_TRY(mw_dataset_open(&source, &data->sets[i], err));
    data->count = data->files = i + 1;
    const mw_dataset *set = data->sets[i];
    const char *slash = strrchr(paths[i], '/'), *name = slash ? slash + 1 : paths[i];
    data->facts[i] = (mw_learn_spec_set){mw_mem_copy(&data->arena, name, strlen(name), err), set->count, set->longest - 1, set->tokens};
    if (!data->facts[i].name || !hash_file(paths[i], data->hashes[i], &data->arena, err)) return false;
    if (data->facts[i].length > MW_LEARN_SPEC_TOKENS)
      return mw_error_set(err, MW_DATA, "--data: a window of %u tokens is beyond %d", set->longest, MW_LEARN_SPEC_TOKENS);
  }
  return true;
}

/* The SHA-256 of the texts, each with a NUL behind it. */
static bool hash_texts(const mw_text_piece *texts, size_t count, char hex[65], mw_error *err) {
  mw_text all = {0};
  for (size_t i = 0; i < count; i++) mw_text_add(&all, texts[i].bytes, texts[i].length), mw_text_add(&all, "", 1);
  bool ok = mw_text_check(&all, err);
  if (ok) mw_sha256_of(all.bytes ? all.bytes : "", all.length, hex);
  mw_text_free(&all);
  return ok;
}

bool mw_calibration_add(mw_calibration *data, const mw_text_piece *texts, size_t count, const mw_family_member *donor, size_t *index,
                        mw_error *err) {
  char hex[65];
  size_t at = data->files;
  MW_TRY(hash_texts(texts, count, hex, err));
  while (at < data->count && strcmp(data->hashes[at], hex) != 0) at++;
  *index = at;
  if (at < data->count) return true;
  if (at == MOST_SETS) return mw_error_set(err, MW_DATA, "a recipe has at most %d lists of prompts", MOST_SETS - MOST_FILES);
  if (!donor->model->folder) {
    mw_error_set(err, MW_DATA, "prompts are read by the donor's tokenizer, and '%s' is a file without one", donor->label);
    return mw_error_hint(err, "give the folder of the model");
  }
  if (!data->prompts) MW_TRY(mw_gemm_begin(err) && mw_prompts_open(donor->model->folder, &data->prompts, err));
  MW_TRY(mw_prompts_read(data->prompts, texts, count, vocabulary_of(donor->model), &data->sets[at], err));
  const mw_dataset *set = data->sets[at];
  data->count = at + 1;
  data->facts[at] = (mw_learn_spec_set){"prompts", set->count, set->longest - 1, set->tokens};
  memcpy(data->hashes[at], hex, sizeof hex);
  return data->facts[at].length < MW_LEARN_SPEC_TOKENS ||
         mw_error_set(err, MW_DATA, "a prompt of %u tokens is beyond %d", set->longest, MW_LEARN_SPEC_TOKENS);
}

void mw_calibration_compare(const mw_family_member *members, size_t count, size_t donor, mw_warning *warnings) {
  static const char *const names[] = {"tokenizer.json", "tokenizer.model"};
  mw_arena arena = {0};
  mw_error ignored;
  for (size_t n = 0; n < 2; n++) {
    char expected[65] = "", found[65];
    for (size_t k = 0; k <= count; k++) { /* the donor first */
      size_t m = k ? k - 1 : donor;
      const char *folder = members[m].model->folder;
      const char *path = folder ? mw_file_join(&arena, folder, names[n], &ignored) : NULL;
      if ((k && m == donor) || !path || !mw_file_exists(path) || !hash_file(path, k ? found : expected, &arena, &ignored)) continue;
      if (k && *expected && strcmp(found, expected) != 0)
        mw_warning_add(warnings, "%s has another %s than %s: the same ids may stand for other texts", members[m].label, names[n],
                    members[donor].label);
    }
  }
  mw_mem_release(&arena);
}

void mw_calibration_tell(const mw_calibration *data, uint32_t window, mw_json_writer *json) {
  mw_json_writer_string(json, "blas_core", mw_gemm_core());
  mw_json_writer_u64(json, "window", window ? window : MW_DATASET_WINDOW);
  mw_json_writer_list(json, "data");
  for (size_t i = 0; i < data->files; i++) {
    mw_json_writer_object(json, NULL);
    mw_json_writer_string(json, "file", data->facts[i].name);
    mw_json_writer_string(json, "sha256", data->hashes[i]);
    mw_json_writer_u64(json, "windows", data->sets[i]->count);
    mw_json_writer_end(json);
  }
  mw_json_writer_end(json);
}

void mw_calibration_close(mw_calibration *data) {
  for (size_t i = 0; i < data->count; i++) mw_dataset_free(data->sets[i]);
  mw_prompts_free(data->prompts);
  mw_mem_release(&data->arena);
  *data = (mw_calibration){0};
}
