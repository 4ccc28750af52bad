/* speculation.h: outputs are computed from guessed totals, checked when the totals are known, and computed again where the
 * guess was wrong. The result is the same, bit for bit; it only takes one pass over the models less.
 *
 * Why. TIES (recipes/ties.lua) lets the models vote on the sign of every element. Where a vote is drawn, the sign that most
 * elements of the merged model have decides:
 *
 *   gamma    = sign(sum of the trimmed task vectors)               of every element: 1, 0 or -1
 *   majority = sign(total(gamma of tensor 1) + total(gamma of tensor 2) + ...)       one number
 *   output   = base + mean of the values whose sign is gamma's, or the majority's where gamma is 0
 *
 * So every output depends on every tensor. The plain way reads the models once for the totals and a second time for the
 * outputs. But outputs need only the sign of the sum, and that is easy to guess.
 *
 * How. The schedule (expr/speculate.h) tells which totals are guessed, and puts each into the task of an output that reads
 * the same tensors. The passes of a stage (pass.h) then do this:
 *
 *   guess      The thresholds for trimming are found in an earlier stage, where a sample predicts them first. The pass
 *              that verifies them also sums gamma as it is under the predicted thresholds: that is the guess of a total.
 *              Where there was no such pass the guess is 0.
 *   assume     Before a pass, every total that is not known takes its guess for a value, and scalars such as `majority`
 *              are computed from these. Of every output we record which scalars it reads, and the values they had.
 *   compute    The pass computes outputs from what is assumed, and in the same tasks the exact totals.
 *   roll back  After the pass, all that was assumed or computed from it is unknown again (values.h keeps the list), and
 *              the exact totals are set.
 *   check      When all totals of the stage are known, the scalars are computed once more. An output is invalidated if
 *              one of its scalars has another value now than it had then. A last pass computes these outputs again.
 *              Where all that changed is the sign that stands for drawn votes, it computes only the units of 2048 elements
 *              in which there is such a vote: the pass has marked them, a bit each (DISJOINT_MEAN), and mostly they are few.
 *
 * The stage's tasks are done in 32 parts, each a pass of its own, so that the exact totals of the first parts take the
 * place of guesses in the later ones. So even a bad guess spoils few outputs: the sign is mostly clear after the first
 * few tensors. Several processes make fewer parts, each with tasks of all of them (ranks.h).
 *
 * For example, two tensors in two parts. The guesses of their totals are 5 and -3.
 *
 *   part 1     assumes 5 + -3 = 2, so majority = 1, and writes output 1. It finds that total 1 is in truth 1.
 *   part 2     assumes 1 + -3 = -2, so majority = -1, and writes output 2. It finds that total 2 is indeed -3.
 *   check      The majority is -1. Output 1 was computed from 1: invalidated. Output 2 was computed from -1: valid.
 *   last pass  Output 1 is computed from -1, over what was written before.
 *
 * An output that holds a NaN or infinity is normally an error at once. Under a guess it is not, since the guess may be the
 * reason (think of a division by a total whose guess is 0): it is noted as `not_finite`, which invalidates it too, and is
 * an error if it is still so when computed from exact values. */
#ifndef MW_EXEC_SPECULATION_H
#define MW_EXEC_SPECULATION_H

#include "exec/values.h"

/* A scalar that an output was computed from, and the value that was assumed for it. */
typedef struct mw_speculation_assumption {
  mw_node scalar;
  double value;
  bool marked; /* it matters only where the pass has marked the output's units */
} mw_speculation_assumption;

typedef struct mw_speculation_output {
  uint32_t output;       /* of the schedule */
  uint32_t first, count; /* its assumptions */
  bool not_finite;       /* it had a NaN or infinity under these */
  uint64_t *open;        /* a bit for each of its units; NULL if nothing is marked */
  uint64_t units;
  bool partly;           /* checked: only units that are marked must be computed again */
} mw_speculation_output;

/* What a stage has assumed so far. */
typedef struct mw_speculation {
  mw_speculation_output *outputs; /* in the order of the stage's tasks */
  size_t output_count, output_capacity;
  size_t checked;                 /* how many of them have been checked */
  size_t opened;                  /* where to look next for one whose units are asked for */
  mw_speculation_assumption *assumptions;
  size_t assumption_count, assumption_capacity;
} mw_speculation;

enum { MW_SPECULATION_NONE = UINT32_MAX };

/* Forgets everything, before another stage. */
void mw_speculation_clear(mw_speculation *speculation);
/* Records that an output is computed from this value of a scalar, which may matter only where units are marked. Calls for one output
 * follow each other. */
bool mw_speculation_assume(mw_speculation *speculation, uint32_t output, mw_node scalar, double value, bool marked, mw_error *err);
/* After these: the bits in which so many units are marked, NULL if no scalar asks for that. */
bool mw_speculation_mark(mw_speculation *speculation, uint32_t output, uint64_t units, mw_error *err);
/* The record of the output that was assumed for last, as an index of `outputs`; MW_SPECULATION_NONE if it is another one. */
uint32_t mw_speculation_last(const mw_speculation *speculation, uint32_t output);
/* Whether an output must be computed again: an assumption was wrong, or it was not finite. To be asked once of each output,
 * in the order of the tasks, when all totals are known. */
bool mw_speculation_check(mw_speculation *speculation, uint32_t output, mw_values *values, bool *invalidated, mw_error *err);
/* The units of a checked output that must be computed again; NULL: all of them. Quick where outputs are asked for in the order of the
 * tasks, which of several processes is not that of the outputs' numbers. */
const uint64_t *mw_speculation_open(mw_speculation *speculation, uint32_t output, uint64_t *units);
void mw_speculation_free(mw_speculation *speculation);

#endif
