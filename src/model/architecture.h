/* architecture.h: what C knows of an architecture (architectures.def). */
#ifndef MW_MODEL_ARCHITECTURE_H
#define MW_MODEL_ARCHITECTURE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct mw_architecture {
  const char *model_type, *embedding;
  bool tied, head_dim;
} mw_architecture;

/* The architecture of that name; NULL: we do not know it. */
const mw_architecture *mw_architecture_of(const char *model_type);
/* Whether its head is tied where config.json does not say so. */
bool mw_architecture_ties(const char *model_type);
/* The name of what a tensor of this name is once more in a model whose head is tied, "" for the embedding; NULL where it is itself
 * (lm_head.weight is not asked here). */
const char *mw_architecture_alias(const char *name);
/* The names that tensors of token embeddings have, in any architecture, NULL-terminated; one may come twice. */
extern const char *const mw_architecture_embeddings[];
/* Endings of names of other tensors that have a row for each token, NULL-terminated. */
extern const char *const mw_architecture_heads[];

#endif
