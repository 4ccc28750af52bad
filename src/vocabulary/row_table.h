/* row_table.h: for each token of the output and each of several models, from where its row comes. In this order, for a model that has no
 * row of the token: what a rule says; the row of the only model that has the token; the base's; the mean of those that have it;
 * zeros. With a rule that forces, its row goes before a model's own. */
#ifndef MW_VOCABULARY_ROW_TABLE_H
#define MW_VOCABULARY_ROW_TABLE_H

#include "model/gathered.h"
#include "vocabulary/output_vocabulary.h"
#include "vocabulary/token_rules.h"

typedef struct mw_row_table {
  const mw_output_vocabulary *vocabulary;
  const mw_token_rules *rules;
  const mw_model_tokens *tokens; /* of every model of the merge */
  const size_t *members;         /* [count] those that this table is for; sources are counted in this order */
  const uint64_t *rows;          /* [count] how many rows each has */
  const bool *counts;            /* [count] whether its rows stand in for those of others, where no rule says so */
  size_t count;
  size_t base, start;            /* models of the merge, or SIZE_MAX: whose row goes first; whose tokenizer the output's starts from */
  mw_gathered_rows *of;          /* [count] the result, in the arena */
  size_t zeros;                  /* tokens that none of these models has, and no rule */
} mw_row_table;

/* Fills `of` and `zeros`. MW_USAGE where a rule's row does not exist. */
bool mw_row_table_make(mw_row_table *table, mw_arena *arena, mw_error *err);

#endif
