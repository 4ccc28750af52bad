/* learned.h: what a merge has learned, as sections of a page: its losses, from OUT/moonweld/training.jsonl, and its coefficients, from
 * OUT/moonweld/coefficients.safetensors. */
#ifndef MW_PAGES_LEARNED_H
#define MW_PAGES_LEARNED_H

#include "base/text.h"

/* Nothing where the output has no such files. */
bool mw_learned_put(const char *folder, mw_text *out, mw_error *err);

#endif
