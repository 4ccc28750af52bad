/* adapted.h: a tensor to which adapters are added is seen by everybody else as a tensor of F32, whose elements are made when they
 * are read: those of the base, plus scale * (left * right) for each adapter in turn. No copy of it is stored anywhere.
 *
 *   W'[i][j] = W[i][j] + scale * sum     sum: left[i][k] * right[k][j] for k = 0, 1, ... in this order, in f32, without fused steps
 *
 * LoHa and LoKr add other products of two matrices, each of them stored as it is or as a product of two factors:
 *
 *   LoHa   W'[i][j] = W[i][j] + scale * (P[i][j] * Q[i][j])                    P = left * right, Q = second_left * second_right
 *   LoKr   W'[i][j] = W[i][j] + scale * (P[i / rows of Q][j / columns of Q] * Q[i % rows of Q][j % columns of Q])
 *
 * Factors of several experts (peft's target_parameters) lie in one pair, left as [rows, rank * experts], an expert's column of rank k at
 * k * experts + expert, right as [experts * rank, columns], an expert's rows one behind the other; a tensor [experts, rows, columns] has a
 * product for each of them. (IA)3 multiplies each row or column by a number; trained tokens are rows in the place of the base's.
 *
 * With DoRA a row (an output) then gets a given length: W'[i] * (magnitude[i] / |W'[i]|). Where scale * sum is 0, W' is W to the last
 * bit. The bits depend on nothing else: not on the instruction set, the block that is read, or the number of threads. */
#ifndef MW_MODEL_ADAPTED_H
#define MW_MODEL_ADAPTED_H

#include "format/tensor.h"

struct mw_model;

typedef enum mw_adapted_kind {
  MW_ADAPTED_LORA,
  MW_ADAPTED_LOHA,
  MW_ADAPTED_LOKR,
  MW_ADAPTED_EXPERTS, /* a LoRA for each of several experts */
  MW_ADAPTED_GAINS,   /* (IA)3: magnitude is what rows (turned: columns) are multiplied by; there are no factors */
  MW_ADAPTED_ROWS     /* trained tokens: rows of left are those of the tensor that `replaced` says */
} mw_adapted_kind;

/* Row `from` of trained ones is row `row` of the tensor. */
typedef struct mw_adapted_row { uint64_t row, from; } mw_adapted_row;

/* What one adapter adds. `turned`: the factors are stored the other way round, left as [rank, rows] and right as [columns, rank], and
 * a magnitude belongs to a column, since the base stores its inputs as rows (GPT-2's Conv1D, embeddings). */
typedef struct mw_adapted_change {
  const mw_tensor *left;      /* [rows, rank]; NULL: all 1, of rank 1 */
  const mw_tensor *right;     /* [rank, columns] */
  const mw_tensor *magnitude; /* DoRA, or NULL */
  mw_adapted_kind kind;
  const mw_tensor *second_left, *second_right; /* of LoHa and LoKr; with LoKr a side without `right` is the matrix itself */
  const mw_adapted_row *replaced; /* [rank] by row: of trained tokens */
  uint64_t experts, expert, first; /* of several experts: how many the factors are for, the first that is meant, and its first output */
  uint64_t rank;              /* of LoKr that of the side that has two factors, 0 where none has; of trained tokens how many they are */
  float scale;
  bool turned;
} mw_adapted_change;

typedef struct mw_adapted {
  mw_tensor source;        /* of the base, as it is stored (or scaled.h) */
  mw_dtype written;        /* of the base: what a merge writes unless it is told otherwise */
  uint64_t rows, columns;  /* of the source as a matrix: its first dimension, and the product of the others */
  uint64_t experts;        /* 1; of [experts, X, columns] with a product for each, rows is experts * X */
  const mw_adapted_change *changes;
  size_t count;
} mw_adapted;

/* The factors of a tensor as floats, shared by all who read it. */
typedef struct mw_adapted_factors mw_adapted_factors;

/* Reads the factors; with DoRA also the tensor, for the lengths of its rows or columns. MW_DATA where a factor is not finite. */
bool mw_adapted_open(const struct mw_model *model, const mw_adapted *adapted, mw_adapted_factors **out, mw_error *err);
void mw_adapted_close(mw_adapted_factors *factors);
/* Bytes of memory that they take. */
uint64_t mw_adapted_bytes(const mw_adapted *adapted);
/* Elements [first, first + count), as floats, of what the base has `stored` for them. */
void mw_adapted_form(const mw_adapted *adapted, const mw_adapted_factors *factors, const void *stored, uint64_t first, size_t count,
                     float *out);
/* Reads elements [at, at + length) / 4, as floats. factors NULL: those that are needed are read for this call alone. `counted`: what is
 * read of the base goes to the checksum of its file. */
bool mw_adapted_read(const struct mw_model *model, const mw_adapted *adapted, const mw_adapted_factors *factors, bool counted, uint64_t at,
                     void *bytes, size_t length, mw_error *err);

/* A copy, from the arena, whose source may be another form of the base's tensor: that source, to be changed; or NULL. */
mw_tensor *mw_adapted_source(const mw_adapted *adapted, mw_arena *arena, const mw_adapted **copy, mw_error *err);

#endif
