/* family.h: a family is the models of one merge: whether each of them can be merged at all, and which tensors a recipe sees of it.
 * These are the tensors of its files, with three exceptions: a tied head is brought to the form of the donor's, tensors are renamed
 * if the user asks for it, and integers are marked as kept. Whether names and shapes of different models fit together is decided
 * where a recipe combines models (lua/moonweld/meet.lua). One member, the donor, gives config, tokenizer, dtypes and integers. */
#ifndef MW_MODEL_FAMILY_H
#define MW_MODEL_FAMILY_H

#include "model/model.h"

typedef struct mw_family_member {
  const mw_model *model;
  const char *label;  /* "base", "experts[2]": for messages */
  mw_tensor *tensors; /* [count] sorted by name; INPUT (model, i) of a graph reads tensor i */
  bool *kept;         /* [count] copied bit for bit, never computed with: buffers.h */
  size_t count;
  bool tied;          /* its head is its embedding: tied_head.h */
  bool scaled;        /* some of them are fp8 with scales, made when they are read */
} mw_family_member;

typedef struct mw_family_rules {
  bool missing_base, donor_integers;
  const char *tied; /* NULL, "untie", "ignore", "store" */
  bool explain;     /* where something does not fit, look for all else that does not: the first is the error, the others are warnings */
  bool allow_config, allow_tokenizer, allow_quantised, allow_empty; /* findings of what fits that are let through */
  bool aligned;     /* the vocabularies are going to be aligned: tokenizers may differ */
  const char *const *renames; /* as typed: rename.h */
  size_t rename_count;
} mw_family_rules;

typedef struct mw_family {
  mw_family_member *members; /* the caller's */
  size_t count, donor;       /* the donor: config, tokenizer, side files, dtypes, integers */
  mw_family_rules rules;
  bool untie;                /* the output has a head of its own: tie_word_embeddings becomes false */
  mw_arena arena;
} mw_family;

/* Checks each member (formats C3-C13, the tied rules, F8 scales) and lists its tensors. Warnings go to warnings. */
bool mw_family_join(mw_family_member *members, size_t count, size_t donor, const mw_family_rules *rules,
                    mw_warning *warnings, mw_family *out, mw_error *err);
/* The tensor of that name, or NULL. */
const mw_tensor *mw_family_find(const mw_family_member *member, const char *name);
/* The member that a word of the user's names: by its label ("base", "experts[2]") or as its model was typed; or NULL. */
const mw_family_member *mw_family_named(const mw_family *family, const char *word);
void mw_family_free(mw_family *family);

#endif
