/* near_path.h: what was probably meant by a path at which no model is. Each adds a hint to an error that is there, or leaves the
 * hint that it has, and returns false. */
#ifndef MW_MODEL_NEAR_PATH_H
#define MW_MODEL_NEAR_PATH_H

#include "format/file.h"

/* Nothing is there: "a,b" where a and b are, or a name that is nearly one of the same folder. */
bool mw_near_path_hint(const char *where, mw_arena *arena, mw_error *err);
/* A folder that holds these names and no model: folders within that hold one. */
bool mw_near_path_below(const char *folder, const char *const *names, size_t count, mw_arena *arena, mw_error *err);

/* A folder that holds these names and no model, as `shown`: weights in another form, which become the error (MW_DATA). */
bool mw_near_path_other_form(const char *shown, const char *const *names, size_t count, mw_error *err);

#endif
