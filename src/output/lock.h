/* lock.h: merge.lock.json, which records how an output was made: recipe text and hash, arguments, seed, random numbers, inputs,
 * version. A folder that has one is known as ours, and may be replaced with --force. */
#ifndef MW_OUTPUT_LOCK_H
#define MW_OUTPUT_LOCK_H

#include "output/side_files.h"

bool mw_lock_compose(const mw_layout *layout, const mw_family_member *members, size_t count, const mw_side_files_provenance *provenance,
                     mw_text *out, mw_error *err);
/* Whether there is a lock file at the path that Moonweld wrote. The function fails if that cannot be found out. */
bool mw_lock_is_ours(const char *path, bool *ours, mw_error *err);

#endif
