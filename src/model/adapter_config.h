/* adapter_config.h: adapter_config.json of peft: what scales a LoRA's product, and whether it is one that we can form at all. A key
 * that we do not know and that is set refuses the adapter: new variants come with new keys. */
#ifndef MW_MODEL_ADAPTER_CONFIG_H
#define MW_MODEL_ADAPTER_CONFIG_H

#include "base/mem.h"

/* The rank and the alpha of some modules: of those that the pattern matches (adapter_pattern.h). */
typedef struct mw_adapter_config_pattern {
  const char *pattern;
  double number;
} mw_adapter_config_pattern;

/* The tokens that a module was trained for, in the order of its rows; module NULL: of the embedding. */
typedef struct mw_adapter_config_tokens {
  const char *module;
  uint64_t *ids;
  size_t count;
} mw_adapter_config_tokens;

typedef struct mw_adapter_config {
  const char *base; /* base_model_name_or_path, or NULL */
  uint64_t rank;    /* r, 8 where it is absent */
  double alpha;     /* lora_alpha, 8 where it is absent */
  bool rslora, turned, dora; /* turned: fan_in_fan_out */
  bool other;       /* no LoRA: a LoHa, LoKr, (IA)3 or trained tokens, whose tensors say which */
  const char **targets; /* target_modules, where it is a list: ends of names of modules that peft gives factors */
  size_t target_count;
  const char *target_pattern; /* target_modules, where it is a text: what the whole name of such a module matches; else NULL */
  const char **saved; /* modules_to_save: ends of names of modules of which a copy was trained ... */
  size_t saved_count;
  bool tying;       /* ... and ensure_weight_tying: that of an embedding as the head, too */
  const char **parameters; /* target_parameters: ends of names of tensors, such as "mlp.experts.down_proj" */
  size_t parameter_count;
  mw_adapter_config_tokens *tokens; /* trainable_token_indices, or token_indices */
  size_t token_count;
  mw_adapter_config_pattern *ranks, *alphas; /* in the order of the file: the first that matches counts */
  size_t rank_count, alpha_count;
} mw_adapter_config;

/* Only whether it is of a kind that we can form. */
bool mw_adapter_config_check(const char *what, const char *text, size_t length, mw_error *err);
/* Reads the text of adapter_config.json; `what` names it in errors. Everything is in the arena. MW_DATA names the key. `part` is NULL,
 * or the part of a pipeline whose keys are meant, as diffusers packs them into a file: "unet.r", "text_encoder.r". */
bool mw_adapter_config_read(const char *what, const char *text, size_t length, const char *part, mw_arena *arena, mw_adapter_config *out,
                            mw_error *err);
/* The rank that the configuration gives a module, and what its product of that rank is multiplied by: alpha / rank, or alpha /
 * sqrt(rank) with use_rslora. */
bool mw_adapter_config_scale(const mw_adapter_config *config, const char *module, uint64_t *rank, double *scale, mw_error *err);

/* Whether a module is one of target_modules, or that does not tell: it is missing, "all-linear", or a pattern that cannot be read here. */
bool mw_adapter_config_targets(const mw_adapter_config *config, const char *module);
/* Whether a tensor, "model.embed_tokens.weight", is of a module of which a copy was trained. */
bool mw_adapter_config_saves(const mw_adapter_config *config, const char *tensor);

#endif
