/* target.h: where an output may be made: not over other files, not in or around an input, and with enough space on the disk. Only
 * checks; changes nothing. */
#ifndef MW_OUTPUT_TARGET_H
#define MW_OUTPUT_TARGET_H

#include "base/mem.h"

typedef struct mw_target {
  const char *typed;  /* as the user wrote it: for messages */
  const char *parent; /* resolved, absolute */
  const char *name;   /* its last part */
  const char *path;   /* parent/name */
  const char *lock;   /* path of its lock file: path/merge.lock.json, or parent/NAME.lock.json of a lone file */
  const char *card;   /* parent/NAME.md of a lone file NAME.safetensors; NULL where the output is a folder */
  const char *seal;   /* parent/NAME.seal.json of a lone file, likewise */
} mw_target;

/* Resolves the folder of OUT, which must exist. Strings are in the arena. */
bool mw_target_resolve(const char *out, mw_arena *arena, mw_target *target, mw_error *err);
/* Checks that OUT is not an input, nor in one, nor around one (R5: MW_USAGE), also through links and mounts. */
bool mw_target_apart(const mw_target *target, const char *const *inputs, size_t count, mw_error *err);
/* Checks that OUT does not exist, or with `force` is an empty folder or what Moonweld made; else MW_CANNOT_CREATE. *exists: whether
 * it exists. For a lone file, lock and card must not be another program's either. */
bool mw_target_free(const mw_target *target, bool force, bool *exists, mw_error *err);
/* Checks that there is space for `bytes` on the disk, where `more` will be free beside what is, else MW_CANNOT_CREATE. */
bool mw_target_room(const mw_target *target, uint64_t bytes, uint64_t more, mw_error *err);

#endif
