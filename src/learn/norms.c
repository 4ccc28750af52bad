/* norms.c: each row (of RMS_NORM: each run of m values) is computed without the others. The gradients of the weights are sums over
 * rows: each item of rows has a partial sum, and these are added in the order of the items. */
#include "learn/layers.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The values of the weight vector that is operand i. */
static const float *vector(const mw_net_call *call, unsigned i) { return mw_net_weight(call, i)->values; }

static mw_net_rows_work rows_work(const mw_net_call *call, bool (*work)(const mw_net_rows_work *, size_t, size_t,
                                                                        size_t, mw_thread_pool_worker *, mw_error *)) {
  return (mw_net_rows_work){call, mw_net_rows(call, call->y), mw_net_columns(call, call->y), NULL, work};
}

/* Runs `work` with n floats of partial sums for every item of rows and each of `vectors` weights, operands 1 and 2, and propagates
 * the sums to these. */
static bool with_partials(mw_net_rows_work *work, size_t n, unsigned vectors, mw_error *err) {
  size_t items = (work->rows + MW_NET_ROWS - 1) / MW_NET_ROWS;
  float *partials = mw_mem_new(items * n * vectors, sizeof *partials, err);
  if (!partials) return false;
  work->context = partials;
  bool ok = mw_net_by_rows(work, err);
  for (unsigned v = 0; v < vectors && ok; v++)
    if (mw_net_weight(work->call, v + 1)->wants)
      ok = mw_net_propagate_vector(work->call, v + 1, partials + v * items * n, items, n, err);
  free(partials);
  return ok;
}

/* ---- BIAS ---- */

static bool bias_rows(const mw_net_rows_work *w, size_t item, size_t first, size_t rows, mw_thread_pool_worker *worker, mw_error *err) {
  (void)item, (void)worker, (void)err;
  const float *x = mw_net_slot(w->call, 0)->values;
  for (size_t r = first; r < first + rows; r++)
    w->call->k->plus(w->call->y->values + r * w->columns, x + r * w->columns, vector(w->call, 1), w->columns);
  return true;
}

static bool bias_rows_back(const mw_net_rows_work *w, size_t item, size_t first, size_t rows, mw_thread_pool_worker *worker,
                           mw_error *err) {
  (void)worker, (void)err;
  float *sums = (float *)w->context + item * w->columns;
  for (size_t r = first; r < first + rows; r++) {
    const float *dy = w->call->y->gradient + r * w->columns;
    float *dx = mw_net_gradient(w->call, 0, r * w->columns, w->columns);
    if (dx) w->call->k->add(dx, dy, 1, w->columns);
    w->call->k->add(sums, dy, 1, w->columns);
  }
  return true;
}

bool mw_norms_bias(const mw_net_call *call, mw_error *err) {
  mw_net_rows_work work = rows_work(call, bias_rows);
  return mw_net_by_rows(&work, err);
}

bool mw_norms_bias_back(const mw_net_call *call, mw_error *err) {
  mw_net_rows_work work = rows_work(call, bias_rows_back);
  return with_partials(&work, work.columns, 1, err);
}

/* ---- RMS_NORM ---- */

static float inverse_rms(const mw_net_call *call, const float *x, size_t m) {
  return (float)(1 / sqrt(call->k->dot(x, x, m) / (double)m + mw_net_number(call)));
}

static bool rms_rows(const mw_net_rows_work *w, size_t item, size_t first, size_t rows, mw_thread_pool_worker *worker, mw_error *err) {
  (void)item, (void)worker, (void)err;
  const float *x = mw_net_slot(w->call, 0)->values;
  size_t m = mw_net_weight(w->call, 1)->columns;
  for (size_t at = first * w->columns; at < (first + rows) * w->columns; at += m)
    w->call->k->times(w->call->y->values + at, x + at, vector(w->call, 1), inverse_rms(w->call, x + at, m), m);
  return true;
}

/* y = x g / r with r^2 = mean(x^2) + eps: dx = g dy / r - x * sum(g dy x) / (m r^3). */
static bool rms_rows_back(const mw_net_rows_work *w, size_t item, size_t first, size_t rows, mw_thread_pool_worker *worker, mw_error *err) {
  const mw_kernel_rows *k = w->call->k;
  const float *x = mw_net_slot(w->call, 0)->values, *g = vector(w->call, 1);
  size_t m = mw_net_weight(w->call, 1)->columns;
  float *product = mw_thread_pool_reserve(&worker->work, m * sizeof *product, err), *sums = (float *)w->context + item * m;
  if (!product) return false;
  for (size_t at = first * w->columns; at < (first + rows) * w->columns; at += m) {
    const float *dy = w->call->y->gradient + at;
    float inverse = inverse_rms(w->call, x + at, m), *dx = mw_net_gradient(w->call, 0, at, m);
    k->times_add(sums, dy, x + at, inverse, m);
    if (!dx) continue;
    k->times(product, g, dy, 1, m);
    double back = k->dot(product, x + at, m) * (double)inverse * (double)inverse * (double)inverse / (double)m;
    k->norm_back(dx, x + at, g, dy, inverse, (float)back, m);
  }
  return true;
}

bool mw_norms_rms(const mw_net_call *call, mw_error *err) {
  mw_net_rows_work work = rows_work(call, rms_rows);
  return mw_net_by_rows(&work, err);
}

bool mw_norms_rms_back(const mw_net_call *call, mw_error *err) {
  mw_net_rows_work work = rows_work(call, rms_rows_back);
  return with_partials(&work, mw_net_weight(call, 1)->columns, 1, err);
}

/* ---- LAYER_NORM ---- */

static void moments(const mw_net_call *call, const float *x, size_t n, float *mean, float *inverse) {
  double m = call->k->sum(x, n) / (double)n, square = 0;
  *mean = (float)m;
  /* Squares of differences from the mean: with squares of x, a large mean would round the variance away. */
  for (size_t i = 0; i < n; i++) square += ((double)x[i] - m) * ((double)x[i] - m);
  *inverse = (float)(1 / sqrt(square / (double)n + mw_net_number(call)));
}

static bool layer_rows(const mw_net_rows_work *w, size_t item, size_t first, size_t rows, mw_thread_pool_worker *worker, mw_error *err) {
  (void)item, (void)worker, (void)err;
  const mw_kernel_rows *k = w->call->k;
  for (size_t r = first; r < first + rows; r++) {
    const float *x = mw_net_slot(w->call, 0)->values + r * w->columns;
    float *y = w->call->y->values + r * w->columns, mean, inverse;
    moments(w->call, x, w->columns, &mean, &inverse);
    k->shift(y, x, mean, inverse, w->columns);
    k->times(y, y, vector(w->call, 1), 1, w->columns);
    k->plus(y, y, vector(w->call, 2), w->columns);
  }
  return true;
}

/* With u = (x - mean) / deviation: dx = (g dy - mean(g dy) - u mean(g dy u)) / deviation. */
static bool layer_rows_back(const mw_net_rows_work *w, size_t item, size_t first, size_t rows, mw_thread_pool_worker *worker,
                            mw_error *err) {
  const mw_kernel_rows *k = w->call->k;
  size_t n = w->columns, items = (w->rows + MW_NET_ROWS - 1) / MW_NET_ROWS;
  float *u = mw_thread_pool_reserve(&worker->work, 2 * n * sizeof *u, err), *product = u + n;
  float *gains = (float *)w->context + item * n, *shifts = gains + items * n;
  if (!u) return false;
  for (size_t r = first; r < first + rows; r++) {
    const float *x = mw_net_slot(w->call, 0)->values + r * n, *dy = w->call->y->gradient + r * n;
    float mean, inverse, *dx = mw_net_gradient(w->call, 0, r * n, n);
    moments(w->call, x, n, &mean, &inverse);
    k->shift(u, x, mean, inverse, n);
    k->times_add(gains, dy, u, 1, n);
    k->add(shifts, dy, 1, n);
    if (!dx) continue;
    k->times(product, dy, vector(w->call, 1), 1, n);
    double along = k->dot(product, u, n) / (double)n;
    k->shift(product, product, (float)(k->sum(product, n) / (double)n), inverse, n);
    k->add(dx, product, 1, n);
    k->add(dx, u, (float)(-along * (double)inverse), n);
  }
  return true;
}

bool mw_norms_layer(const mw_net_call *call, mw_error *err) {
  mw_net_rows_work work = rows_work(call, layer_rows);
  return mw_net_by_rows(&work, err);
}

bool mw_norms_layer_back(const mw_net_call *call, mw_error *err) {
  mw_net_rows_work work = rows_work(call, layer_rows_back);
  return with_partials(&work, work.columns, 2, err);
}
