/* adapted_moved.h: an adapted tensor as part of a model of more files. */
#ifndef MW_MODEL_ADAPTED_MOVED_H
#define MW_MODEL_ADAPTED_MOVED_H

#include "model/adapted.h"

/* A copy, from the arena, of which all that it reads lies so many files further in a model's list of files. */
const mw_adapted *mw_adapted_moved(const mw_adapted *adapted, uint32_t files, mw_arena *arena, mw_error *err);

#endif
