/* contained.h: ordinary tokens in whose own text an added token would be found, so that they would be cut: of a vocabulary with
 * "]);" to which ");" is added, "]);" is one. As added tokens they are whole again, since the longest is taken: and a text where that
 * changes anything has the other one in it, too. */
#ifndef MW_VOCABULARY_CONTAINED_H
#define MW_VOCABULARY_CONTAINED_H

#include "vocabulary/output_vocabulary.h"

/* *ids: [*count] their ids, rising, in the arena. */
bool mw_contained_find(const mw_output_vocabulary *vocabulary, mw_arena *arena, const uint32_t **ids, size_t *count, mw_error *err);

#endif
