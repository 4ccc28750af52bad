/* rename.h: --rename [ARG[i]:]FROM=TO gives tensors of the inputs other names, before a recipe sees them. */
#ifndef MW_MODEL_RENAME_H
#define MW_MODEL_RENAME_H

#include "model/family.h"

/* Applies the user's renamings, one after the other. FROM and TO are patterns of mw_text_rename. With ARG ("vae:", "experts:",
 * "experts[2]:") a renaming is applied to these inputs; without it, to every input that then shares more names with another one.
 * The word "auto" takes a leading "model." or "transformer." away, or adds it, where more of an input's names then are the donor's.
 * MW_USAGE: it is malformed or changes nothing. MW_DATA: two tensors would have the same name. */
bool mw_rename_apply(mw_family *family, const char *const *words, size_t count, mw_error *err);

#endif
