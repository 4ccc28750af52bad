/* find_inputs.h: where the inputs of a recorded merge lie on this machine. */
#ifndef MW_MERGE_FIND_INPUTS_H
#define MW_MERGE_FIND_INPUTS_H

#include "output/record.h"

/* Finds input `index`: as options->places says; else where it was; else by its hub id and commit in the local cache; else below
 * options->models, by the sizes and checksums of its files. *where is what mw_model_open takes, in the arena; NULL if it is not here,
 * and then `wanted` says what is looked for. What the first two give is not compared by more than its files' sizes. */
bool mw_find_inputs(const mw_record *record, size_t index, const mw_verify_options *options, mw_arena *arena, const char **where,
                    mw_text *wanted, mw_error *err);
/* Every word of options->places must name an input of the record (MW_USAGE). */
bool mw_find_inputs_check(const mw_record *record, const mw_verify_options *options, mw_error *err);

#endif
