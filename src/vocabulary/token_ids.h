/* token_ids.h: where the output's tokenizer is not the donor's, ids of special tokens follow it: "eos_token_id" and its like in
 * config.json and generation_config.json. Each becomes what the tokenizer's own model says there, else the id of the same token. */
#ifndef MW_VOCABULARY_TOKEN_IDS_H
#define MW_VOCABULARY_TOKEN_IDS_H

#include "model/config_edit.h"
#include "vocabulary/output_vocabulary.h"
#include "vocabulary/tokenizer_files.h"

typedef struct mw_token_ids {
  const mw_model_tokens *old;             /* of the donor: what its ids stand for */
  const mw_output_vocabulary *vocabulary;
  const char *folder;                     /* of the donor */
  const char *start;                      /* of the tokenizer's own model */
} mw_token_ids;

/* The edits of the donor's config.json, as the arena's; `config` is its text. */
bool mw_token_ids_config(const mw_token_ids *ids, mw_json config, mw_arena *arena, mw_warning *warnings, const mw_config_edit_set **sets,
                         size_t *count, mw_error *err);
/* The edits of its generation_config.json go to `files`. */
bool mw_token_ids_generation(const mw_token_ids *ids, mw_arena *arena, mw_warning *warnings, mw_tokenizer_files *files, mw_error *err);

#endif
