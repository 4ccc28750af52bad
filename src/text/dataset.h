/* dataset.h: the files of `--data` as windows of token ids. There are three forms, known by the file's name:
 *   x.safetensors    `input_ids` [n, L] of an integer dtype, optionally `attention_mask` [n, L] of zeros and ones
 *   x.jsonl[:FIELD]  a line is an array of ids, or an object whose FIELD (default `input_ids`, else `text`) is such an
 *                    array or a text
 *   any other name   one text
 * A row of ids is one window, unchanged. A text is a document: it is tokenised by the model's tokenizer, with the tokens that this
 * puts before a text (BOS), and cut into windows that follow each other and do not overlap. Windows of fewer than 2 ids, which
 * predict nothing, are left out. */
#ifndef MW_TEXT_DATASET_H
#define MW_TEXT_DATASET_H

#include "base/error.h"

enum { MW_DATASET_WINDOW = 256 }; /* tokens in a window of text, by default */

typedef struct mw_dataset_source {
  const char *path;      /* the file, with ":FIELD" where a field is named */
  const char *tokenizer; /* the tokenizer for texts: a model's folder or a tokenizer's file; NULL: texts are refused */
  uint32_t window;       /* the most ids in a window of text, at least 2; 0: MW_DATASET_WINDOW */
  uint64_t vocabulary;   /* every id must be below this; 0: not known, not checked */
} mw_dataset_source;

/* One window: ids[0, length) are real tokens, without padding; position p predicts ids[p + 1]. */
typedef struct mw_dataset_window {
  const uint32_t *ids;
  uint32_t length; /* at least 2 */
} mw_dataset_window;

typedef struct mw_dataset {
  char *path;         /* as the source named it */
  mw_dataset_window *windows; /* in the order of the file; at least one */
  size_t count;
  uint64_t tokens;    /* the sum of all lengths; `tokens - count` of them are predicted */
  uint32_t longest;   /* the greatest length */
  uint32_t *ids;      /* what the windows point into */
} mw_dataset;

/* Reads and checks the whole file. MW_MISSING: there is no such file; MW_DATA names the file and the row or line, what was found and
 * what was expected; MW_UNAVAILABLE: the tokenizer needs something that is not implemented. */
bool mw_dataset_open(const mw_dataset_source *source, mw_dataset **out, mw_error *err);
void mw_dataset_free(mw_dataset *set);

#endif
