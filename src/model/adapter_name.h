/* adapter_name.h: what the names of an adapter's tensors say. There are three ways to name them:
 *
 *   peft       base_model.model.model.layers.0.q_proj.lora_A.weight   module model.layers.0.q_proj, the factor A
 *   diffusers  unet.mid.attn1.to_q.lora.down.weight                   part `unet` of a pipeline, module mid.attn1.to_q, A
 *   kohya      lora_unet_mid_attn1_to_q.lora_down.weight              part `lora_unet`, module mid_attn1_to_q, flat, A
 *
 * A flat module has underscores for dots. The factors of LoHa and LoKr are called hada_w1_a, lokr_w2 and so on in each of them. peft has
 * two kinds without factors: ia3_l is what a weight is multiplied by, trainable_tokens_delta are rows of an embedding. */
#ifndef MW_MODEL_ADAPTER_NAME_H
#define MW_MODEL_ADAPTER_NAME_H

#include "base/mem.h"

typedef enum mw_adapter_name_role {
  MW_ADAPTER_NAME_A,         /* [rank, in]; it comes first in the product B A x */
  MW_ADAPTER_NAME_B,         /* [out, rank] */
  MW_ADAPTER_NAME_BIAS,      /* what B adds: [out] */
  MW_ADAPTER_NAME_MAGNITUDE, /* DoRA: the length of each output's weights, [out] */
  MW_ADAPTER_NAME_ALPHA,     /* one number */
  MW_ADAPTER_NAME_SECOND_A,  /* LoHa, LoKr: the factors of the second product ... */
  MW_ADAPTER_NAME_SECOND_B,
  MW_ADAPTER_NAME_FIRST,     /* ... LoKr: the first matrix, the second one, without factors */
  MW_ADAPTER_NAME_SECOND,
  MW_ADAPTER_NAME_GAINS,     /* (IA)3: [out, 1] or [1, in] */
  MW_ADAPTER_NAME_ROWS,      /* trained tokens: [tokens, width] */
  MW_ADAPTER_NAME_WHOLE      /* replaces the base's tensor; the module is then the tensor's whole name */
} mw_adapter_name_role;

typedef struct mw_adapter_name {
  const char *part;   /* of a pipeline: "unet", "lora_te1"; "" where the names speak of none */
  const char *module;
  mw_adapter_name_role role;
  bool flat, embedding, peft;
  char letter;        /* 'h', 'k': of a LoHa, a LoKr; else 0 */
} mw_adapter_name;

/* Texts of `out` are in the arena. MW_DATA where the name says nothing that we know. */
bool mw_adapter_name_read(const char *name, mw_arena *arena, mw_adapter_name *out, mw_error *err);
/* Whether a tensor's name is that of a factor of some adapter, also of one that we cannot form. */
bool mw_adapter_name_is_factor(const char *name);

#endif
