/* config.h: config.json of a model: the few facts that a merge needs. config_edit.h changes single values of it. */
#ifndef MW_MODEL_CONFIG_H
#define MW_MODEL_CONFIG_H

#include "base/dtype.h"
#include "format/json.h"
#include "model/architecture.h"

typedef struct mw_config {
  char *text; /* the file's bytes; NULL where there is no config */
  char *plain; /* the same, but for Infinity and NaN, which Python writes and JSON has not: numbers of the same length */
  size_t length;
  mw_json root;
  char model_type[64];      /* "" where absent */
  const mw_architecture *architecture; /* NULL: one that we do not know, whose numbers are not checked */
  bool tied;                /* tie_word_embeddings, by the key or the architecture's default */
  uint64_t layers, hidden, vocabulary, heads; /* 0 where absent */
} mw_config;

/* Reads and checks FOLDER/config.json (C1, C2: MW_MISSING or MW_DATA naming the key). */
bool mw_config_open(mw_config *config, const char *folder, mw_error *err);
/* The same of a file of another name. */
bool mw_config_open_file(mw_config *config, const char *folder, const char *name, mw_error *err);
/* The same of a text, which is taken, also by a failure; `what` is where messages begin. */
bool mw_config_read(mw_config *config, char *text, size_t length, const char *what, mw_error *err);
void mw_config_close(mw_config *config);

/* The first dtype that some dtype key, nested ones too, names and that no tensor has, as `held` ([MW_DTYPE_COUNT]) says; or NULL. */
const char *mw_config_absent_dtype(const mw_config *config, const bool *held);
/* Whether a key names a dtype; whether a member is the configuration of a part: text_config, vision_config ..., one level deep. */
bool mw_config_is_dtype(mw_json key);
bool mw_config_is_part(mw_json key, mw_json value);
/* The key, where it is one that says how weights were packed, else NULL. */
const char *mw_config_quantised(mw_json key);

#endif
