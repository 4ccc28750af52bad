/* recognise.h: what a file is that none of our readers can read, by its first bytes: a web page in the place of a download, a
 * pickle, an archive. A message that names it, and says what to do, helps more than one about a header's length. */
#ifndef MW_FORMAT_RECOGNISE_H
#define MW_FORMAT_RECOGNISE_H

#include "format/file.h"

enum { MW_RECOGNISE_BYTES = 512 }; /* as many of a file's first bytes are looked at */

typedef struct mw_recognise_kind {
  const char *what;   /* "a web page" */
  const char *advice; /* what to do, for a hint */
  bool shown;         /* a message quotes how it begins */
} mw_recognise_kind;

/* Any text of which nothing more is known: a server's "404: Not Found", but also a recipe. */
extern const mw_recognise_kind mw_recognise_text;

/* What a file is, or NULL. Some are known by the ending of their names (`path`), such as YAML. */
const mw_recognise_kind *mw_recognise(const char *path, const char *start, size_t length);
/* Always false: err becomes "PATH: found WHAT, expected EXPECTED", MW_DATA, with the advice as hint. `shown` is the escaped path. */
bool mw_recognise_refuse(const char *shown, const mw_recognise_kind *kind, const char *start, size_t length, const char *expected,
                         mw_error *err);
/* The same of an open file; true where nothing is known about it. */
bool mw_recognise_check(const mw_file *file, const char *expected, mw_error *err);

#endif
