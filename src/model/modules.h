/* modules.h: the parts of a model of sentence-transformers. modules.json lists them; the first is mostly the model itself, in the
 * root (path ""), the others lie in folders of their own: 1_Pooling with a config.json, 2_Dense with weights too. */
#ifndef MW_MODEL_MODULES_H
#define MW_MODEL_MODULES_H

#include "base/warning.h"
#include "model/model.h"

/* Whether the words name one folder: neither hidden nor a way out. `length` is as JSON counts it, since they may hold NUL. */
bool mw_modules_is_name(const char *name, size_t length);
/* The folders that FOLDER/modules.json names, in its order; none without the file. MW_DATA where it is malformed, or where a name
 * leads out of the folder or is no name of one folder. Strings live in the arena. */
bool mw_modules_read(const char *folder, mw_arena *arena, const char ***parts, size_t *count, mw_error *err);
/* The file of weights in such a folder, or NULL; one that holds weights in another form only is MW_DATA. */
bool mw_modules_weights(const char *folder, const char *part, mw_arena *arena, const char **path, mw_error *err);
/* Warns where a part's config.json is not that of the donor, whose is carried. */
bool mw_modules_compare(const mw_model *donor, const mw_model *model, const char *label, mw_warning *warnings, mw_error *err);

#endif
