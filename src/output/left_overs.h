/* left_overs.h: what runs that were killed or stopped have left beside an output OUT:
 *
 *   OUT.partial-XXXXXXXX   a folder: an output that is not finished; XXXXXXXX tells the plan (resume.h)
 *   OUT.scoring-XXXXXXXX   a folder: candidates of a search, and their scores
 *   OUT.replaced-XXXXXXXX  a folder: an old output (format/aside.h)
 *   OUT.learning           a file: a training that is not finished
 *
 * A folder that another run has locked is not left over. */
#ifndef MW_OUTPUT_LEFT_OVERS_H
#define MW_OUTPUT_LEFT_OVERS_H

#include "base/warning.h"
#include "output/target.h"

/* Bytes on the disk that temporary folders of no living run take: a new run may count them as free. */
uint64_t mw_left_overs_bytes(const mw_target *target);
/* The same of one folder, open as `fd`, which this run has. */
uint64_t mw_left_overs_bytes_below(int fd, const char *path);
/* Removes what other plans of this output, or an older output, have left in folders, but not that named `own`. Each one that kept
 * anything is told of, with what differs from `plan` (NULL: not known). MW_CHANGED if another run makes this output. `parent` is the
 * open folder in which it lies. */
bool mw_left_overs_drop(int parent, const mw_target *target, const char *own, const char *plan, mw_warning *warnings, mw_error *err);
/* Removes everything of the list above; `removed` is told of each, and of the bytes that it took (UINT64_MAX: not known). */
bool mw_left_overs_clean(const mw_target *target, void (*removed)(void *context, const char *path, uint64_t bytes), void *context,
                         mw_error *err);

#endif
