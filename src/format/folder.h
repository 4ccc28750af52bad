/* folder.h: folders that a run makes, locks and removes. The folder itself is locked (flock), so there is no lock file that could be
 * left behind or published. Symbolic links are never followed. */
#ifndef MW_FORMAT_FOLDER_H
#define MW_FORMAT_FOLDER_H

#include "base/error.h"

/* Makes a new folder `name` in the open folder `parent` and locks it; *fd stays open. If a killed run has left a folder of that name,
 * then it is removed first, or, where `left` is given, it is locked as it is, and *left tells that. One that another run has locked
 * is MW_CHANGED. `shown` is for messages. */
bool mw_folder_make(int parent, const char *name, const char *shown, int *fd, bool *left, mw_error *err);
/* Opens and locks an existing folder; one of a file system without locks is opened. */
bool mw_folder_lock(int parent, const char *name, const char *shown, int *fd, mw_error *err);
/* The same of a folder that is to be removed: MW_CANNOT_CREATE where there are no locks, since another run may have it. */
bool mw_folder_claim(int parent, const char *name, const char *shown, int *fd, mw_error *err);
/* Removes the folder and all that is in it; one that is not there is no error. */
bool mw_folder_remove(int parent, const char *name, mw_error *err);

#endif
