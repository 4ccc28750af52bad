/* lone.h: an output that is one file has two others beside it: NAME.safetensors, NAME.lock.json and NAME.md. All are made in a
 * temporary folder, NAME.safetensors.partial-XXXXXXXX, out of which three renames give them their names, the weights first. A run
 * that was killed after that has left the others in the folder, and an older lock may stand beside the new weights. */
#ifndef MW_FORMAT_LONE_H
#define MW_FORMAT_LONE_H

#include "base/mem.h"

/* Finishes that for the file at `path`, where a killed run has left it: every command that names the file asks first. Another
 * run's folder is not touched. What cannot be changed stays as it is; only MW_MEMORY fails. */
bool mw_lone_mend(const char *path, mw_error *err);

#endif
