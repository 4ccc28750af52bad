/* config.c: facts are read by the names of their keys. */
#include "model/config.h"
#include "format/file.h"
#include "format/recognise.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 16 << 20, DEEPEST = 128 };

/* A count in the configuration; 0 if it is absent or null. In an architecture that we know, everything but a whole number from 1 to
 * 2^31 - 1 is refused. In others the key may mean something else: then the count is 0, unknown. */
static bool count_of(const mw_config *config, const char *path, const char *key, uint64_t *out, mw_error *err) {
  mw_json value = mw_json_member(config->root, key);
  mw_text_escaped shown;
  *out = 0;
  if (value.kind == MW_JSON_END || value.kind == MW_JSON_NULL) return true;
  bool whole = value.kind == MW_JSON_NUMBER && mw_json_u64(value, out) && *out > 0 && *out < (1u << 31);
  if (!whole) *out = 0;
  if (whole || !config->architecture) return true;
  return mw_error_set(err, MW_DATA, "%s: %s: found %s, expected a whole number from 1 to 2147483647", path, key,
                      mw_text_escape(&shown, value.bytes, value.length));
}

static bool facts_of(mw_config *config, const char *path, mw_error *err) {
  mw_json type = mw_json_member(config->root, "model_type"), tie = mw_json_member(config->root, "tie_word_embeddings");
  mw_json text = mw_json_member(config->root, "text_config"); /* of models that see */
  if (tie.kind == MW_JSON_END && text.kind == MW_JSON_OBJECT) tie = mw_json_member(text, "tie_word_embeddings");
  if (type.kind == MW_JSON_STRING && type.length - 2 < sizeof config->model_type) {
    memcpy(config->model_type, type.bytes + 1, type.length - 2);
    config->model_type[type.length - 2] = 0;
  }
  config->architecture = mw_architecture_of(config->model_type);
  config->tied = tie.kind == MW_JSON_TRUE || (tie.kind != MW_JSON_FALSE && mw_architecture_ties(config->model_type));
  return count_of(config, path, "num_hidden_layers", &config->layers, err) &&
         count_of(config, path, "hidden_size", &config->hidden, err) &&
         count_of(config, path, "vocab_size", &config->vocabulary, err) &&
         count_of(config, path, "num_attention_heads", &config->heads, err);
}

/* {"error": "Repository not found"}: what a server said instead of a configuration. */
static bool check_is_answer(const mw_config *config, const char *path, mw_error *err) {
  static const char *const said[] = {"error", "detail", "message"}, *const own[] = {"model_type", "architectures", "_class_name"};
  mw_text_escaped shown;
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (mw_json_member(config->root, own[i]).kind != MW_JSON_END) return true;
  for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
    mw_json text = mw_json_member(config->root, said[i]);
    if (text.kind != MW_JSON_STRING) continue;
    mw_error_set(err, MW_DATA, "%s: found a server's answer, %s: %.100s, expected a model's configuration", path, said[i],
                 mw_text_escape(&shown, text.bytes, text.length));
    return mw_error_hint(err, "the download was refused: get the file again");
  }
  return true;
}

static bool is_of_word(char c) { return isalnum((unsigned char)c) || c == '.' || c == '+' || c == '_'; }

/* Puts numbers of the same length where Python's json module writes what is no JSON. */
static void make_plain(char *text) {
  static const struct { const char *word, *number; } words[] = {{"Infinity", "1e999999"}, {"NaN", "0e0"}};
  bool inside = false;
  for (char *c = text; *c; c++) {
    if (*c == '"') inside = !inside;
    else if (inside && *c == '\\' && c[1]) c++;
    for (size_t i = 0; !inside && i < sizeof words / sizeof *words; i++) {
      const size_t length = strlen(words[i].word);
      const bool apart = c == text || !is_of_word(c[-1]);
      if (apart && strncmp(c, words[i].word, length) == 0 && !is_of_word(c[length])) memcpy(c, words[i].number, length);
    }
  }
}

bool mw_config_read(mw_config *config, char *text, size_t length, const char *what, mw_error *err) {
  *config = (mw_config){.text = text, .length = length};
  bool ok = (config->plain = mw_mem_new(length + 1, 1, err)) != NULL;
  if (ok) make_plain(memcpy(config->plain, text, length));
  if (ok && !length) ok = mw_recognise_refuse(what, mw_recognise("", "", 0), "", 0, "JSON", err);
  ok = ok && mw_json_check(what, config->plain, length, DEEPEST, &config->root, err);
  if (ok && config->root.kind != MW_JSON_OBJECT) ok = mw_error_set(err, MW_DATA, "%s: expected an object", what);
  ok = ok && check_is_answer(config, what, err) && facts_of(config, what, err);
  if (!ok) mw_config_close(config);
  return ok;
}

bool mw_config_open_file(mw_config *config, const char *folder, const char *name, mw_error *err) {
  mw_arena arena = {0};
  mw_text_escaped shown;
  char *text;
  size_t length;
  *config = (mw_config){0};
  const char *path = mw_file_join(&arena, folder, name, err);
  bool ok = path && mw_file_slurp(path, LARGEST, &text, &length, err) &&
            mw_config_read(config, text, length, mw_text_escape_z(&shown, path), err);
  mw_mem_release(&arena);
  return ok;
}

bool mw_config_open(mw_config *config, const char *folder, mw_error *err) {
  return mw_config_open_file(config, folder, "config.json", err);
}

void mw_config_close(mw_config *config) {
  free(config->text);
  free(config->plain);
  *config = (mw_config){0};
}

/* ---- dtypes ---- */

bool mw_config_is_dtype(mw_json key) { return mw_json_equals(key, "torch_dtype") || mw_json_equals(key, "dtype"); }

const char *mw_config_quantised(mw_json key) {
  static const char *const keys[] = {"quantization_config", "quantization", "compression_config"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (mw_json_equals(key, keys[i])) return keys[i];
  return NULL;
}

bool mw_config_is_part(mw_json key, mw_json value) { return value.kind == MW_JSON_OBJECT && !mw_config_quantised(key); }

static const char *absent_dtype(mw_json object, bool nested, const bool *held) {
  mw_json key, value;
  const char *absent = NULL;
  for (mw_json_walk walk = mw_json_enter(object); !absent && mw_json_next(&walk, &key, &value);) {
    for (int d = 0; mw_config_is_dtype(key) && d < MW_DTYPE_COUNT; d++) {
      const char *name = mw_dtype_torch((mw_dtype)d);
      if (name && mw_json_equals(value, name) && !held[d]) absent = name;
    }
    if (!absent && !nested && mw_config_is_part(key, value)) absent = absent_dtype(value, true, held);
  }
  return absent;
}

const char *mw_config_absent_dtype(const mw_config *config, const bool *held) { return absent_dtype(config->root, false, held); }
