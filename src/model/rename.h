/* rename.h: --rename [ARG[i]:]FROM=TO, which gives tensors of the inputs other names before a recipe sees them. */
#ifndef MW_MODEL_RENAME_H
#define MW_MODEL_RENAME_H

#include "model/family.h"

/* Applies the user's renamings, one after the other. FROM and TO are globs as mw_text_rename reads them. With ARG ("vae:",
 * "experts:", "experts[2]:") a renaming is of these inputs, without it of every input that shares more names with another
 * one by it. MW_USAGE where it is malformed or changes nothing, MW_DATA where two tensors would have one name. */
bool mw_rename_apply(mw_family *family, const char *const *words, size_t count, mw_error *err);

#endif
