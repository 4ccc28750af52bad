/* alignment.h: --tokenizer: which tokenizer the output has, and the models' embeddings and heads in the order of its ids. A recipe then
 * sees tensors with a row for each of its tokens (model/gathered.h); all else of a model stays as it is. For example of
 * base (tokens "a" "b") and other ("b" "c"):
 *
 *   --tokenizer base    a b      other has base's row of "a"; its row of "c" is used no more
 *   --tokenizer union   a b c    base has other's row of "c"
 *   --tokenizer other   b c      and the files of other's tokenizer */
#ifndef MW_VOCABULARY_ALIGNMENT_H
#define MW_VOCABULARY_ALIGNMENT_H

#include "base/json_writer.h"
#include "model/config_edit.h"
#include "model/gathered.h"
#include "model/input_set.h"
#include "vocabulary/tokenizer_files.h"

/* How the tokens of one model lie in the output. */
typedef struct mw_alignment_model {
  const char *label;
  size_t own, filled, left; /* tokens with a row of its own; tokens whose row is from elsewhere; its tokens that the output lacks */
} mw_alignment_model;

typedef struct mw_alignment_tensor {
  mw_gathered *gathered;
  const mw_tensor *tensor; /* of a member */
} mw_alignment_tensor;

typedef struct mw_alignment {
  const char *tokenizer;   /* whose: the label of an input, or a folder as it was typed */
  size_t tokens, added, zeros;
  uint64_t rows;           /* with padding */
  const char *told;        /* the same in words */
  mw_alignment_model *models;
  size_t model_count;
  mw_alignment_tensor *tensors;
  size_t tensor_count, tensor_capacity;
  mw_tokenizer_files files;
  const mw_config_edit_set *sets; /* of config.json */
  size_t set_count;
  mw_arena arena;
} mw_alignment;

/* Aligns the models as the options say: the tensors of the members are replaced. MW_DATA where a model has no tokenizer, or other
 * tokens than rows; MW_USAGE for rules and names that are none. */
bool mw_alignment_make(mw_input_set *inputs, const mw_options *options, mw_warning *warnings, mw_alignment **out, mw_error *err);
/* To be called before tensors are read by threads. */
bool mw_alignment_ready(mw_alignment *alignment, mw_error *err);
/* {"tokenizer": "base", "tokens": 152, ...} */
void mw_alignment_tell(const mw_alignment *alignment, const char *key, mw_json_writer *json);
void mw_alignment_free(mw_alignment *alignment);

#endif
