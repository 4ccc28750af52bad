/* target.h: where an output may be put: its place, the rules about what is there already, about the inputs and about
 * the space on the disk. Looks only; changes nothing. */
#ifndef MW_OUTPUT_TARGET_H
#define MW_OUTPUT_TARGET_H

#include "base/mem.h"

typedef struct mw_target {
  const char *typed;  /* as the user wrote it: for messages */
  const char *parent; /* resolved, absolute */
  const char *name;   /* its last part */
  const char *path;   /* parent/name */
} mw_target;

/* Resolves the folder that OUT lies in, which must exist. Strings live in the arena. */
bool mw_target_resolve(const char *out, mw_arena *arena, mw_target *target, mw_error *err);
/* Neither equal to an input, nor in one, nor around one (R5: MW_USAGE), by identity and so through links and mounts. */
bool mw_target_apart(const mw_target *target, const char *const *inputs, size_t count, mw_error *err);
/* Absent, or with `force` empty or made by Moonweld; else MW_CANNOT_CREATE. *exists says which. */
bool mw_target_free(const mw_target *target, bool force, bool *exists, mw_error *err);
/* Space for `bytes`, else MW_CANNOT_CREATE. */
bool mw_target_room(const mw_target *target, uint64_t bytes, mw_error *err);

#endif
