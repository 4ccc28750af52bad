/* lock.h: merge.lock.json, which records how an output was made: recipe text and hash, arguments, seed, random numbers, inputs,
 * version. A folder that has one is known as ours, and may be replaced with --force. */
#ifndef MW_OUTPUT_LOCK_H
#define MW_OUTPUT_LOCK_H

#include "output/side_files.h"

/* Changed when the same recipe and inputs give other bits. */
enum { MW_LOCK_NUMERIC_PROFILE = 1 };

bool mw_lock_compose(const mw_layout *layout, const mw_family_member *members, size_t count, const mw_side_files_provenance *provenance,
                     const mw_writer *writer, mw_text *out, mw_error *err);
/* Adds the files of a component to the rows of the whole (side_files.h). */
bool mw_lock_add_files(const mw_layout *layout, const mw_family_member *members, size_t count, const mw_side_files_provenance *provenance,
                       const mw_writer *writer, mw_error *err);
/* Adds the last member, "lock_xxh3": XXH3-128 of the text before it, to an indented JSON object. */
#define MW_LOCK_LAST ",\n  \"lock_xxh3\": \""
bool mw_lock_sign(mw_text *lock, mw_error *err);
/* What lies at the path of a lock file. */
typedef enum mw_lock_kind {
  MW_LOCK_NONE,    /* nothing, or nothing of ours */
  MW_LOCK_OURS,    /* what Moonweld wrote */
  MW_LOCK_SPOILED  /* what a power cut left of it: empty, only zeros, or with our beginning and cut off */
} mw_lock_kind;

/* The function fails if that cannot be found out. */
bool mw_lock_look(const char *path, mw_lock_kind *kind, mw_error *err);

#endif
