/* find_inputs.h: where the inputs of a recorded merge lie on this machine. */
#ifndef MW_MERGE_FIND_INPUTS_H
#define MW_MERGE_FIND_INPUTS_H

#include "output/record.h"

typedef struct mw_find_inputs_place {
  const char *where;  /* what mw_model_open takes: "MODEL+ADAPTER"; NULL if something of it is not here */
  const char **parts; /* [1 + adapters] the model itself and each adapter; NULL: not here, or not known since options->places say `where` */
} mw_find_inputs_place;

/* Finds input `index`: as options->places says; else the model itself and each of its adapters where it was; else by its hub id and commit
 * in the local cache; else below options->models, by the sizes and checksums of its files. `wanted` says what is looked for and not
 * here. What the first two give is not compared by more than its files' sizes. All is in the arena. */
bool mw_find_inputs(const mw_record *record, size_t index, const mw_verify_options *options, mw_arena *arena, mw_find_inputs_place *place,
                    mw_text *wanted, mw_error *err);
/* Where file `index` of an input, or of an adapter, lies if `where` is that. */
const char *mw_find_inputs_file(const char *where, const mw_record_input *input, size_t index, mw_arena *arena, mw_error *err);
/* Every word of options->places must name an input of the record (MW_USAGE). */
bool mw_find_inputs_check(const mw_record *record, const mw_verify_options *options, mw_error *err);

#endif
