/* family.h: whether several models can be merged at all, and which of their tensors take part: names, shapes, dtypes,
 * tied heads, quantised weights, integer buffers. One place decides, so that every command says the same. */
#ifndef MW_MODEL_FAMILY_H
#define MW_MODEL_FAMILY_H

#include "model/model.h"

typedef struct mw_family_member {
  const mw_model *model;
  const char *label; /* "base", "experts[2]": for messages */
} mw_family_member;

typedef struct mw_family_rules {
  bool missing_base, donor_integers;
  const char *tied; /* NULL, "untie", "ignore" */
} mw_family_rules;

/* The tensors of the merge, in name order. */
typedef struct mw_family {
  size_t count;
  const mw_tensor **donor;        /* [count] of the donor: name, shape, dtype of the output */
  const mw_tensor **tensors;      /* [count * members]: row i holds tensor i of every member; NULL: the donor's (--missing base) */
  size_t members, donor_index;
  bool untie;                     /* the output has a head of its own: tie_word_embeddings becomes false */
  mw_arena arena;
} mw_family;

/* Checks members against the donor (formats C3-C13, the tied rules, F8 scales). Warnings go to warnings. */
bool mw_family_join(const mw_family_member *members, size_t count, size_t donor, const mw_family_rules *rules,
                    mw_warning *warnings, mw_family *out, mw_error *err);
/* Reads the data of INTEGER and OPAQUE tensors: they must be equal in all members (unless donor_integers). */
bool mw_family_same_integers(const mw_family *family, const mw_family_member *members, const mw_family_rules *rules,
                             mw_error *err);
void mw_family_free(mw_family *family);

#endif
