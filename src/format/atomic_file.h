/* atomic_file.h: writes a file for people (an HTML report) as a whole: under a temporary name, then renamed. It replaces only an
 * older report, so that a wrong name on the command line never overwrites a model. */
#ifndef MW_FORMAT_ATOMIC_FILE_H
#define MW_FORMAT_ATOMIC_FILE_H

#include "base/mem.h"
#include "base/text.h"

/* Whether PATH may be written: its folder is there and takes files, and PATH is absent, or a regular file that is empty
 * or begins with `mark` ("<!doctype html>"). Else MW_CANNOT_CREATE. Changes nothing. */
bool mw_atomic_file_allowed(const char *path, const char *mark, mw_error *err);
/* Removes what killed runs have left beside PATH, if anything; mw_atomic_file_write does so, too. */
void mw_atomic_file_clear(const char *path);
/* Checks the same again, then writes all of it or nothing. */
bool mw_atomic_file_write(const char *path, const char *mark, const void *bytes, size_t length, mw_error *err);

#endif
