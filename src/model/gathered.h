/* gathered.h: a tensor with a row for each token (embeddings, a head) of a model whose vocabulary is not the output's is seen by
 * everybody else as a tensor of the output's vocabulary, whose rows are found when they are read. No copy of it is stored anywhere.
 * For example, where the output's tokens are "a" "b" "c" "d", and a model has "b" "a" and no other:
 *
 *   row   from
 *   0     row 1 of the model's own tensor     "a"
 *   1     row 0 of it                         "b"
 *   2     row 5 of another model's tensor     "c", which that model has
 *   3     the mean of rows of two models      "d", which both have
 *
 * Rows beyond the last token (padding) are the mean of all rows before them. Elements have the dtype that all of these rows have; where
 * they have several, or one is a mean, they are F32, or F64 where a source is. */
#ifndef MW_MODEL_GATHERED_H
#define MW_MODEL_GATHERED_H

#include "format/tensor.h"

struct mw_model;

/* In the place of a source: a row of zeros; the mean whose number is `row`. */
enum { MW_GATHERED_ZERO = 0xffff, MW_GATHERED_MEAN = 0xfffe };

typedef struct mw_gathered_row {
  uint32_t source, row;
} mw_gathered_row;

/* A mean of rows: rows [first, first + count) of the list `parts`, which are of sources. */
typedef struct mw_gathered_mean {
  uint32_t first, count;
} mw_gathered_mean;

/* Which row is from where; of all tensors with the same sources. */
typedef struct mw_gathered_rows {
  const mw_gathered_row *rows; /* [count] a token each; `source` counts the sources */
  size_t count;
  const mw_gathered_mean *means;
  const mw_gathered_row *parts;
  size_t mean_count, part_count;
} mw_gathered_rows;

/* A model's tensor as it was. */
typedef struct mw_gathered_source {
  const struct mw_model *model;
  mw_tensor tensor;
} mw_gathered_source;

typedef struct mw_gathered {
  const mw_gathered_source *sources; /* all of the same width */
  size_t source_count, own;          /* own: which of them is the model's own */
  const mw_gathered_rows *rows;
  uint64_t width;                    /* elements of a row */
  const struct mw_adapted_factors **factors; /* [source_count]: of adapted sources, once it is ready; else NULL */
  const double *padding;             /* [width]: the mean of all rows, once it is ready */
} mw_gathered;

/* Reads what is better read once than for each block: the factors of adapted sources, and where there is padding all rows, for their
 * mean. To be called before threads read the tensor; without it they read the same, but slowly. */
bool mw_gathered_ready(mw_gathered *gathered, const mw_tensor *tensor, mw_arena *arena, mw_error *err);
void mw_gathered_close(mw_gathered *gathered);
/* Bytes of the elements [at, at + length) / size of an element. `counted`: what is read of the own tensor goes to the checksum of its
 * file. */
bool mw_gathered_read(const mw_tensor *tensor, bool counted, uint64_t at, void *bytes, size_t length, mw_error *err);

#endif
