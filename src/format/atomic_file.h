/* atomic_file.h: one file that is made for people, written beside its place and put there by one rename. It replaces an older
 * report and nothing else: a name that was typed in error never costs a model. */
#ifndef MW_FORMAT_ATOMIC_FILE_H
#define MW_FORMAT_ATOMIC_FILE_H

#include "base/mem.h"
#include "base/text.h"

/* Whether PATH may be written: its folder is there and takes files, and PATH is absent, or a regular file that is empty
 * or begins with `mark` ("<!doctype html>"). Else MW_CANNOT_CREATE. Changes nothing. */
bool mw_atomic_file_allowed(const char *path, const char *mark, mw_error *err);
/* Asks again, then writes all of it or nothing. */
bool mw_atomic_file_write(const char *path, const char *mark, const void *bytes, size_t length, mw_error *err);

#endif
