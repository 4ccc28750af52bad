/* linear.c: y = x W^T. W has a row for each column of y. An item is a panel of some rows of W: forward it computes these columns
 * of y; back it computes these rows of dW, and propagates them at once (weights.h), so that no panel is kept. Other items of
 * the way back are panels of dx = dy W. Panels depend on the shapes only, not on the threads, nor on the processes that divide them. */
#include "learn/divide.h"
#include "learn/layers.h"
#include "num/gemm.h"
#include <string.h>

typedef struct linear {
  const mw_net_call *call;
  mw_tape_slot *x, *y;
  mw_tape_weight *w;
  size_t rows, in, out, out_panel, in_panel, in_items, out_items;
  mw_divide_panels of_out, of_in; /* that this process makes: of y and dW, and of dx */
} linear;

static linear linear_of(const mw_net_call *call) {
  linear l = {.call = call, .x = mw_net_slot(call, 0), .y = call->y, .w = mw_net_weight(call, 1)};
  l.rows = mw_net_rows(call, l.x), l.in = mw_net_columns(call, l.x), l.out = mw_net_columns(call, l.y);
  l.out_panel = mw_gemm_panel(l.out), l.in_panel = 2 * mw_gemm_panel(l.in);
  l.in_items = l.x->wants ? (l.in + l.in_panel - 1) / l.in_panel : 0;
  l.out_items = (l.out + l.out_panel - 1) / l.out_panel;
  double operations = 2.0 * (double)l.rows * (double)l.in * (double)l.out;
  l.of_out = mw_divide_product(call->tape, l.out_items, operations);
  l.of_in = mw_divide_product(call->tape, l.in_items, operations);
  return l;
}

static size_t width_of(size_t item, size_t panel, size_t total) {
  return total - item * panel < panel ? total - item * panel : panel;
}

static bool forward_panel(void *context, size_t item, mw_thread_pool_worker *worker, mw_error *err) {
  const linear *l = context;
  item += l->of_out.first;
  size_t first = item * l->out_panel, n = width_of(item, l->out_panel, l->out);
  float *work = mw_thread_pool_reserve(&worker->work, n * l->in * sizeof *work, err);
  const float *w;
  MW_TRY(work && mw_weights_rows(l->call->tape, l->w, worker, work, first, n, &w, err));
  mw_gemm_nt(l->rows, n, l->in, 1, (mw_gemm_matrix){l->x->values, l->in}, (mw_gemm_matrix){w, l->in}, 0, l->y->values + first, l->out);
  return true;
}

bool mw_linear_forward(const mw_net_call *call, mw_error *err) {
  linear l = linear_of(call);
  MW_TRY(mw_thread_pool_run(call->tape->pool, l.of_out.count, forward_panel, &l, err));
  return !l.of_out.shared || mw_divide_gather(call->tape, l.y->values, l.rows, l.out, l.out_panel, l.out_items, err);
}

/* Items are panels of dx = dy W, then panels of dW = dy^T x. Panels of dx are twice as wide: the product packs all of dy again
 * for each, so few are better; there are enough panels of dW for the other threads. */
static bool back_panel(void *context, size_t item, mw_thread_pool_worker *worker, mw_error *err) {
  const linear *l = context;
  if (item < l->of_in.count) {
    item += l->of_in.first;
    size_t first = item * l->in_panel, n = width_of(item, l->in_panel, l->in);
    mw_gemm_nn(l->rows, n, l->out, 1, (mw_gemm_matrix){l->y->gradient, l->out}, (mw_gemm_matrix){l->w->values + first, l->in},
               !(l->call->fresh & 1), l->x->gradient + first, l->in);
    return true;
  }
  item = item - l->of_in.count + l->of_out.first;
  size_t first = item * l->out_panel, n = width_of(item, l->out_panel, l->out);
  float *panel = mw_thread_pool_reserve(&worker->work, n * l->in * sizeof *panel, err);
  if (!panel) return false;
  mw_gemm_tn(n, l->in, l->rows, 1, (mw_gemm_matrix){l->y->gradient + first, l->out}, (mw_gemm_matrix){l->x->values, l->in},
             0, panel, l->in);
  return mw_weights_propagate(l->call->tape, l->w, worker, item, first, n, panel, err);
}

bool mw_linear_back(const mw_net_call *call, mw_error *err) {
  linear l = linear_of(call);
  size_t items = l.w->wants ? l.out_items : 0;
  /* A gradient of each element of W is in one place, and no partial result of a panel. */
  if (!items || !mw_weights_shares_rows(l.w)) l.of_out = (mw_divide_panels){0, items, false};
  if (items) MW_TRY(mw_weights_begin(l.w, items, err));
  MW_TRY(mw_thread_pool_run(call->tape->pool, l.of_in.count + l.of_out.count, back_panel, &l, err));
  if (l.of_in.shared) MW_TRY(mw_divide_gather(call->tape, l.x->gradient, l.rows, l.in, l.in_panel, l.in_items, err));
  if (l.of_out.shared)
    MW_TRY(mw_divide_gather(call->tape, l.w->partials, 1, items * l.w->partial_size, l.w->partial_size, items, err));
  return !items || mw_weights_end(call->tape, l.w, items, err);
}

/* ---- embedding ---- */

/* The id of a row of the batch. */
static uint32_t id_at(const mw_batch *batch, size_t row) {
  return batch->ids[row / batch->length * (batch->length + 1) + row % batch->length];
}

static bool embed_rows(const mw_net_rows_work *w, size_t item, size_t first, size_t rows, mw_thread_pool_worker *worker, mw_error *err) {
  (void)item;
  const mw_batch *batch = mw_net_batch(w->call, 0);
  for (size_t r = first; r < first + rows; r++) {
    float *to = w->call->y->values + r * w->columns;
    const float *from;
    MW_TRY(mw_weights_rows(w->call->tape, mw_net_weight(w->call, 1), worker, to, id_at(batch, r), 1, &from, err));
    if (from != to) memcpy(to, from, w->columns * sizeof *to);
  }
  return true;
}

static bool embed_rows_back(const mw_net_rows_work *w, size_t item, size_t first, size_t rows, mw_thread_pool_worker *worker,
                            mw_error *err) {
  const mw_batch *batch = mw_net_batch(w->call, 0);
  for (size_t r = first; r < first + rows; r++)
    MW_TRY(mw_weights_propagate(w->call->tape, mw_net_weight(w->call, 1), worker, item, id_at(batch, r), 1,
                           w->call->y->gradient + r * w->columns, err));
  return true;
}

static mw_net_rows_work embedding(const mw_net_call *call) {
  return (mw_net_rows_work){call, mw_net_rows(call, call->y), mw_net_columns(call, call->y), NULL, embed_rows};
}

bool mw_linear_embed(const mw_net_call *call, mw_error *err) {
  mw_net_rows_work work = embedding(call);
  return mw_net_by_rows(&work, err);
}

bool mw_linear_embed_back(const mw_net_call *call, mw_error *err) {
  mw_net_rows_work work = embedding(call);
  mw_tape_weight *weight = mw_net_weight(call, 1);
  size_t items = (work.rows + MW_NET_ROWS - 1) / MW_NET_ROWS;
  work.work = embed_rows_back;
  MW_TRY(mw_weights_begin(weight, items, err));
  if (mw_weights_shares_rows(weight)) MW_TRY(mw_net_by_rows(&work, err));
  else MW_TRY(embed_rows_back(&work, 0, 0, work.rows, &call->tape->pool->workers[0], err));
  return mw_weights_end(call->tape, weight, items, err);
}
