/* tied_head.h: what becomes of `lm_head.weight` if some models share it with the embedding (tie_word_embeddings) and others have a
 * separate one. A head that differs from its embedding is never dropped unless the user says so. */
#ifndef MW_MODEL_TIED_HEAD_H
#define MW_MODEL_TIED_HEAD_H

#include "model/family.h"

extern const char mw_tied_head_name[];

typedef enum mw_tied_head_fate {
  MW_TIED_HEAD_KEEP,  /* the donor decides by name, like any other tensor */
  MW_TIED_HEAD_DROP,  /* the output is tied and has none */
  MW_TIED_HEAD_UNTIE  /* the output gets one, and its tie_word_embeddings becomes false */
} mw_tied_head_fate;

typedef struct mw_tied_head {
  mw_tied_head_fate fate;
  bool stored; /* a tied model's stored head counts, not its embedding */
} mw_tied_head;

/* Says of each member whether it is tied. `tied` is NULL, "untie", "ignore" or "store". MW_DATA (C6) if the user must choose one of
 * these. */
bool mw_tied_head_decide(mw_family_member *members, size_t count, size_t donor, const char *tied, mw_tied_head *out,
                    mw_error *err);
/* The tensor that is used as a model's head: lm_head, or the embedding if they are tied. NULL: there is none. */
const mw_tensor *mw_tied_head_of(mw_tied_head head, const mw_family_member *member);
/* The tensor of the token embeddings, or NULL. */
const mw_tensor *mw_tied_head_embedding(const mw_model *model);
/* Of a tied model without it, the tensor that holds its values under another name, or NULL. */
const mw_tensor *mw_tied_head_stand_in(const mw_family_member *member);

/* Whether a tensor is the embedding once more, under another name that its architecture ties: such a one is dropped. MW_DATA
 * where it has that name and differs. */
bool mw_tied_head_is_alias(const mw_family_member *member, const mw_tensor *tensor, bool *alias, mw_error *err);

#endif
