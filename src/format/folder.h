/* folder.h: folders that a run makes, locks and removes. A lock (flock) lies on the folder itself: no lock file can be
 * left behind or be published. Nothing here follows a symbolic link. */
#ifndef MW_FORMAT_FOLDER_H
#define MW_FORMAT_FOLDER_H

#include "base/error.h"

/* Makes `name` anew in the open folder `parent` and locks it; *fd stays open. What a killed run left there under the
 * same name is removed; a folder that another run has locked is MW_CHANGED. `shown` is for messages. */
bool mw_folder_make(int parent, const char *name, const char *shown, int *fd, mw_error *err);
/* Opens and locks a folder that is there. */
bool mw_folder_lock(int parent, const char *name, const char *shown, int *fd, mw_error *err);
/* Removes the folder and all that is in it; one that is not there is no error. */
bool mw_folder_remove(int parent, const char *name, mw_error *err);
/* Brings a folder's entries to the disk, where the file system can. */
bool mw_folder_sync(int fd, const char *shown, mw_error *err);

#endif
