/* losses.c: each row has a loss of its own; these are summed in f64 in the order of the rows. Forward saves for each row what back
 * would compute again: the logarithm of its sum of exponentials, and what else its formula needs (row_loss). If no row of the
 * batch counts, the loss is 0. */
#include "learn/layers.h"
#include "base/mathx.h"
#include <stdlib.h>
#include <string.h>

enum { SAVED = 3 }; /* floats for each row */

size_t mw_losses_saves(mw_graph_node_facts facts, size_t rows, size_t columns) {
  (void)facts, (void)columns;
  return rows * SAVED;
}

static const mw_batch *batch_of(const mw_net_call *call) { return mw_net_batch(call, call->y->facts.operands - 1); }

/* Whether a row counts, and the id that it predicts (CROSS_ENTROPY). */
static bool counts(const mw_net_call *call, size_t row, uint32_t *next) {
  const mw_batch *batch = batch_of(call);
  size_t window = row / batch->length, position = row % batch->length;
  bool predicts = call->y->facts.op == MW_OP_CROSS_ENTROPY;
  *next = batch->ids[window * (batch->length + 1) + position + 1];
  return position + predicts < batch->counts[window];
}

/* log sum exp(x * scale). */
static double log_sum(const mw_kernel_rows *k, const float *x, float scale, size_t n, float *most) {
  *most = k->max(x, n) * scale;
  return (double)*most + mw_mathx_log(k->exp_total(x, scale, *most, n));
}

/* The loss of one row; `saved` receives what back needs. */
static double row_loss(const mw_net_call *call, const float *x, const float *z, size_t n, uint32_t next, float *saved) {
  const mw_kernel_rows *k = call->k;
  float most, other, scale;
  double sum, mean;
  switch (call->y->facts.op) {
  case MW_OP_KL: /* sum p (log p - log q) for p = softmax(x / T), q = softmax(z / T) */
    scale = (float)(1 / mw_net_number(call));
    most = k->max(x, n) * scale;
    sum = k->exp_total(x, scale, most, n);
    mean = k->exp_gap(x, z, scale, most, n) * (double)scale / sum;
    sum = (double)most + mw_mathx_log(sum);
    saved[0] = (float)sum;
    double against = log_sum(k, z, scale, n, &other);
    saved[1] = (float)against;
    return (double)(saved[2] = (float)(mean - sum + against));
  case MW_OP_CROSS_ENTROPY:
    sum = log_sum(k, x, 1, n, &most);
    saved[0] = (float)sum;
    return sum - (double)x[next];
  case MW_OP_ENTROPY: /* log sum - sum p x */
    most = k->max(x, n);
    sum = k->exp_total(x, 1, most, n);
    mean = k->exp_dot(x, x, 1, most, n) / sum;
    sum = (double)most + mw_mathx_log(sum);
    saved[0] = (float)sum;
    saved[1] = (float)mean;
    return sum - mean;
  default: return k->distance(x, z, n) / (double)n; /* MSE */
  }
}

typedef struct losses {
  mw_tape_slot *x, *z;
  double *rows; /* the loss of each row */
  float *saved; /* SAVED floats for each row */
  float weight; /* BACK: the gradient of each row's loss */
} losses;

/* What a row's loss is multiplied with: 1 / how many rows count; for KL also T^2. */
static double factor(const mw_net_call *call) {
  const mw_batch *batch = batch_of(call);
  uint64_t count = call->y->facts.op == MW_OP_CROSS_ENTROPY ? batch->predicted : batch->tokens;
  double temperature = call->y->facts.op == MW_OP_KL ? mw_net_number(call) : 1;
  return count ? temperature * temperature / (double)count : 0;
}

static bool some_losses(const mw_net_rows_work *w, size_t item, size_t first, size_t rows, mw_thread_pool_worker *worker, mw_error *err) {
  (void)item, (void)worker, (void)err;
  losses *l = w->context;
  float unsaved[SAVED];
  uint32_t next;
  for (size_t r = first; r < first + rows; r++)
    if (counts(w->call, r, &next))
      l->rows[r] = row_loss(w->call, l->x->values + r * w->columns, l->z ? l->z->values + r * w->columns : NULL, w->columns,
                            next, l->saved ? l->saved + r * SAVED : unsaved);
  return true;
}

bool mw_losses_forward(const mw_net_call *call, mw_error *err) {
  losses l = {.x = mw_net_slot(call, 0), .z = call->y->facts.operands > 2 ? mw_net_slot(call, 1) : NULL, .saved = call->y->saved};
  mw_net_rows_work work = {call, mw_net_rows(call, l.x), mw_net_columns(call, l.x), &l, some_losses};
  if (!(l.rows = mw_mem_new(work.rows, sizeof *l.rows, err))) return false;
  bool ok = mw_net_by_rows(&work, err);
  call->y->scalar = 0;
  for (size_t r = 0; r < work.rows; r++) call->y->scalar += l.rows[r];
  call->y->scalar *= factor(call);
  free(l.rows);
  return ok;
}

/* With p = softmax(x scale), q = softmax(z scale), a and b the logarithms of their sums, and the row's loss L = sum p (log p -
 * log q): dL/dx = scale p ((x - z) scale - a + b - L). */
static bool teacher_back(const mw_net_rows_work *w, float *dx, const float *x, const float *z, const float *saved, float scale,
                         float weight, mw_thread_pool_worker *worker, mw_error *err) {
  const mw_kernel_rows *k = w->call->k;
  size_t n = w->columns;
  float *p = mw_thread_pool_reserve(&worker->work, 2 * n * sizeof *p, err), *gap = p + n;
  if (!p) return false;
  k->exp_sum(p, x, scale, saved[0], n);
  k->scale(gap, x, scale, n);
  k->add(gap, z, -scale, n);
  k->softmax_back(gap, p, gap, saved[0] - saved[1] + saved[2], weight, n);
  k->add(dx, gap, 1, n);
  return true;
}

static bool row_back(const mw_net_rows_work *w, size_t row, uint32_t next, float *dx, float *dz,
                     mw_thread_pool_worker *worker, mw_error *err) {
  const losses *l = w->context;
  const mw_kernel_rows *k = w->call->k;
  size_t n = w->columns;
  const float *x = l->x->values + row * n, *z = l->z ? l->z->values + row * n : NULL, *saved = l->saved + row * SAVED;
  float scale;
  switch (w->call->y->facts.op) {
  case MW_OP_KL:
    scale = (float)(1 / mw_net_number(w->call));
    if (dz) k->exp_difference(dz, z, x, scale, saved[1], saved[0], l->weight * scale, n);
    return !dx || teacher_back(w, dx, x, z, saved, scale, l->weight * scale, worker, err);
  case MW_OP_CROSS_ENTROPY:
    k->exp_add(dx, x, 1, saved[0], l->weight, n);
    dx[next] -= l->weight;
    return true;
  case MW_OP_ENTROPY: k->entropy_back(dx, x, saved[0], saved[1], l->weight, n); return true;
  default:
    for (int side = 0; side < 2; side++) {
      float *to = side ? dz : dx, twice = 2 * l->weight / (float)n;
      if (!to) continue;
      k->add(to, side ? z : x, twice, n);
      k->add(to, side ? x : z, -twice, n);
    }
    return true;
  }
}

static bool some_back(const mw_net_rows_work *w, size_t item, size_t first, size_t rows, mw_thread_pool_worker *worker, mw_error *err) {
  (void)item;
  const losses *l = w->context;
  uint32_t next;
  for (size_t r = first; r < first + rows; r++) {
    float *dx = mw_net_gradient(w->call, 0, r * w->columns, w->columns);
    float *dz = l->z ? mw_net_gradient(w->call, 1, r * w->columns, w->columns) : NULL;
    if (counts(w->call, r, &next)) MW_TRY(row_back(w, r, next, dx, dz, worker, err));
  }
  return true;
}

bool mw_losses_back(const mw_net_call *call, mw_error *err) {
  losses l = {.x = mw_net_slot(call, 0), .z = call->y->facts.operands > 2 ? mw_net_slot(call, 1) : NULL, .saved = call->y->saved};
  l.weight = (float)(call->y->scalar_gradient * factor(call));
  mw_net_rows_work work = {call, mw_net_rows(call, l.x), mw_net_columns(call, l.x), &l, some_back};
  return mw_net_by_rows(&work, err);
}
