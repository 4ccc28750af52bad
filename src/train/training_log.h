/* training_log.h: the course of trainings, for OUT/moonweld: training.jsonl has a line for each step, with the terms of its loss, and
 * loss.svg a chart for each training. They contain no times, so the same run gives the same bytes. */
#ifndef MW_TRAIN_TRAINING_LOG_H
#define MW_TRAIN_TRAINING_LOG_H

#include "base/text.h"

/* One step: the loss, and the L2 norm of the gradient, before the step. */
typedef struct mw_training_log_point {
  double loss, gradient;
} mw_training_log_point;

typedef struct mw_training_log {
  mw_training_log_point *points;
  size_t count;
  const char *const *names; /* of the terms of the loss (loss_terms.h) */
  double *terms;            /* [count][term_count] */
  size_t term_count;
} mw_training_log;

bool mw_training_log_lines(const mw_training_log *curves, size_t count, mw_text *out, mw_error *err);
bool mw_training_log_chart(const mw_training_log *curves, size_t count, mw_text *out, mw_error *err);

#endif
