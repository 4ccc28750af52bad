/* lock.h: merge.lock.json, by which an output is known as ours: recipe text and hash, arguments, seed, drawn numbers,
 * inputs, version. Canonical: keys in a fixed order, no time, no host. */
#ifndef MW_OUTPUT_LOCK_H
#define MW_OUTPUT_LOCK_H

#include "output/side_files.h"

bool mw_lock_compose(const mw_layout *layout, const mw_family_member *members, size_t count, const mw_side_files_provenance *provenance,
                     mw_text *out, mw_error *err);
/* Whether a folder holds a merge.lock.json that Moonweld wrote. False where that could not be found out. */
bool mw_lock_is_ours(const char *folder, bool *ours, mw_error *err);

#endif
