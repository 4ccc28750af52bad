/* aside.h: an output that is replaced on a file system that cannot exchange two names (NFS, FUSE, exFAT) is renamed twice: the old one
 * to a name of its own, NAME.replaced-XXXXXXXX, then the new one to NAME. A run that was killed in between has left no NAME; the
 * next command that names it finds the old one aside and gives it its name again. */
#ifndef MW_FORMAT_ASIDE_H
#define MW_FORMAT_ASIDE_H

#include "base/mem.h"

/* The name that NAME has meanwhile. */
const char *mw_aside_name(const char *name, mw_arena *arena, mw_error *err);
/* If there is nothing at `path` and the old one lies aside, in no other run's use, it gets its name back. Nothing else is an error. */
bool mw_aside_mend(const char *path, mw_error *err);

#endif
