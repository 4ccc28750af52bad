/* fit.h: whether models of equal shapes mean the same by them. A merge of weights is one only where both compute with them in
 * the same way: the same rotation of positions, the same activation, the same tokens at the same ids. Every model is held
 * against the donor, whose configuration and tokenizer the output gets. */
#ifndef MW_MODEL_FIT_H
#define MW_MODEL_FIT_H

#include "model/family.h"
#include "model/vocabulary.h"

/* MW_DATA, with the key and both values, where a key of config.json that changes what weights mean differs, unless
 * `allowed`: then it is a warning, as other keys that differ are. Keys that only name, count or describe are passed over.
 * `file` is what the configurations are called. */
bool mw_fit_config(const mw_family_member *donor, const mw_family_member *other, const char *file, bool allowed, mw_warning *warnings,
                   mw_error *err);
/* MW_DATA where ordinary tokens differ at equal ids, unless `allowed`; special and added tokens that differ are warnings.
 * *tokens: the donor's, zero at first, read once for all other models; mw_vocabulary_close() it. */
bool mw_fit_tokens(const mw_family_member *donor, const mw_family_member *other, mw_vocabulary *tokens, bool allowed,
                   mw_warning *warnings, mw_error *err);

/* Warns where a processor's or an embedding model's settings beside the weights are not the donor's, which the output has. */
bool mw_fit_beside(const mw_family_member *donor, const mw_family_member *other, mw_warning *warnings, mw_error *err);

#endif
