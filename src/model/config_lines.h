/* config_lines.h: a configuration laid flat, a line a value, in one form. Versions of transformers write one thing in several ways, which
 * become the same lines here:
 *
 *   "rope_theta": 1000000, "rope_scaling": {"type": "su"}                          rope_theta = 1000000, rope_type = "longrope"
 *   "rope_parameters": {"rope_theta": 1000000, "rope_type": "longrope"}            the same
 *   "rope_theta": 1e6, "rope_local_base_freq": 1e4                                 rope_theta = 1e6, rope_local_base_freq = 1e4
 *   "rope_parameters": {"full_attention": {"rope_theta": 1e6, ...}, "sliding_attention": {"rope_theta": 1e4, ...}}    the same
 *
 * and a model of text and images that says in "text_config" what an older one says at the root. fit_keys.def has other names of keys and
 * values, and what an absent key means, by model_type where architectures differ. */
#ifndef MW_MODEL_CONFIG_LINES_H
#define MW_MODEL_CONFIG_LINES_H

#include "model/config.h"

typedef struct mw_config_line {
  const char *path; /* "text_config.rope_theta" */
  mw_json value;
  bool rope;        /* said by rope_scaling or rope_parameters, which go before a key of the same path */
} mw_config_line;

typedef struct mw_config_lines {
  mw_config_line *of;
  size_t count, capacity;
  const mw_config *config;
  mw_arena arena;
} mw_config_lines;

/* The lines of a configuration that is held against another one. Neutral keys are left out, and what is null or an empty list is absent. */
bool mw_config_lines_lay(mw_config_lines *out, const mw_config *config, const mw_config *other, mw_error *err);
void mw_config_lines_free(mw_config_lines *lines);

/* The last part of a path. */
const char *mw_config_lines_key(const char *path);
/* The value of a path; of a key in the same object as a path. NULL: absent. */
const mw_json *mw_config_lines_find(const mw_config_lines *in, const char *path);
const mw_json *mw_config_lines_beside(const mw_config_lines *in, const char *path, const char *key);

/* Whether two values mean the same in a model of this configuration's type. */
bool mw_config_lines_same(const mw_config_lines *of, mw_json a, mw_json b);
/* Whether the value is what its key means in this configuration, where it is absent. */
bool mw_config_lines_default(const mw_config_lines *lacking, const char *path, mw_json value);
/* Whether another value changes what equal weights compute. `absent`: the key is absent in this configuration; then only if that is known
 * to mean something. */
bool mw_config_lines_means(const mw_config_lines *in, const char *path, bool absent);

#endif
