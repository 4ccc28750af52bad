/* net.c: the table of operations, and the helpers that they share. */
#include "learn/net.h"
#include "learn/layers.h"
#include <stdlib.h>
#include <string.h>

/* So few elements are done sooner than the threads wake up. */
enum { SMALL = 64 << 10 };

static const mw_net_entry entries[MW_OP_COUNT] = {
    [MW_OP_LINEAR] = {mw_linear_forward, mw_linear_back, .weights = 2, .reads = 1},
    [MW_OP_EMBED] = {mw_linear_embed, mw_linear_embed_back, .weights = 2},
    [MW_OP_BIAS] = {mw_norms_bias, mw_norms_bias_back, .weights = 2},
    [MW_OP_RMS_NORM] = {mw_norms_rms, mw_norms_rms_back, .weights = 2, .reads = 1},
    [MW_OP_LAYER_NORM] = {mw_norms_layer, mw_norms_layer_back, .weights = 6, .reads = 1},
    [MW_OP_ROPE] = {mw_layers_rope, mw_layers_rope_back, .reads = 0},
    [MW_OP_ATTENTION] = {mw_attention_forward, mw_attention_back, .reads = 7, .reads_result = true, .saves = mw_attention_saves},
    [MW_OP_SILU] = {mw_layers_pointwise, mw_layers_pointwise_back, .reads = 1},
    [MW_OP_GELU] = {mw_layers_pointwise, mw_layers_pointwise_back, .reads = 1},
    [MW_OP_SOFTMAX] = {mw_layers_softmax, mw_layers_softmax_back, .reads_result = true},
    [MW_OP_LOG_SOFTMAX] = {mw_layers_softmax, mw_layers_softmax_back, .reads_result = true},
    [MW_OP_KL] = {mw_losses_forward, mw_losses_back, .reads = 3, .saves = mw_losses_saves},
    [MW_OP_CROSS_ENTROPY] = {mw_losses_forward, mw_losses_back, .reads = 1, .saves = mw_losses_saves},
    [MW_OP_ENTROPY] = {mw_losses_forward, mw_losses_back, .reads = 1, .saves = mw_losses_saves},
    [MW_OP_MSE] = {mw_losses_forward, mw_losses_back, .reads = 3, .saves = mw_losses_saves},
};

const mw_net_entry *mw_net_entry_of(mw_op op) { return &entries[op]; }

static const uint64_t *dims_of(const mw_net_call *call, const mw_tape_slot *slot) {
  return mw_graph_dims(call->tape->world->graph, slot->facts.shape);
}

size_t mw_net_rows(const mw_net_call *call, const mw_tape_slot *slot) { return (size_t)dims_of(call, slot)[0]; }
size_t mw_net_columns(const mw_net_call *call, const mw_tape_slot *slot) { return (size_t)dims_of(call, slot)[1]; }

mw_tape_slot *mw_net_slot(const mw_net_call *call, unsigned i) { return mw_tape_find(call->tape, call->y->facts.operand[i]); }
mw_tape_weight *mw_net_weight(const mw_net_call *call, unsigned i) { return mw_tape_weight_of(call->tape, call->y->facts.operand[i]); }
const mw_batch *mw_net_batch(const mw_net_call *call, unsigned i) { return mw_tape_batch(call->tape, call->y->facts.operand[i]); }

float *mw_net_gradient(const mw_net_call *call, unsigned i, size_t at, size_t n) {
  mw_tape_slot *slot = mw_net_slot(call, i);
  if (!slot->wants) return NULL;
  float *gradient = slot->gradient + at;
  if (call->fresh >> i & 1) memset(gradient, 0, n * sizeof *gradient);
  return gradient;
}

double mw_net_number(const mw_net_call *call) {
  double value;
  memcpy(&value, &call->y->facts.extra[0], sizeof value);
  return value;
}

static bool some_rows(void *context, size_t item, mw_thread_pool_worker *worker, mw_error *err) {
  const mw_net_rows_work *w = context;
  size_t first = item * MW_NET_ROWS, left = w->rows - first;
  return w->work(w, item, first, left < MW_NET_ROWS ? left : MW_NET_ROWS, worker, err);
}

bool mw_net_by_rows(mw_net_rows_work *work, mw_error *err) {
  mw_thread_pool *pool = work->call->tape->pool;
  size_t items = (work->rows + MW_NET_ROWS - 1) / MW_NET_ROWS;
  if (work->rows * work->columns >= SMALL) return mw_thread_pool_run(pool, items, some_rows, work, err);
  for (size_t i = 0; i < items; i++) MW_TRY(some_rows(work, i, &pool->workers[0], err));
  return true;
}

bool mw_net_propagate_vector(const mw_net_call *call, unsigned operand, const float *partials, size_t rows, size_t n, mw_error *err) {
  mw_tape_weight *weight = mw_net_weight(call, operand);
  float *total = mw_mem_new(n, sizeof *total, err);
  if (!total) return false;
  for (size_t c = 0; c < n; c++) {
    double sum = 0;
    for (size_t r = 0; r < rows; r++) sum += (double)partials[r * n + c];
    total[c] = (float)sum;
  }
  bool ok = mw_weights_begin(weight, 1, err) &&
            mw_weights_propagate(call->tape, weight, &call->tape->pool->workers[0], 0, 0, 1, total, err);
  ok = ok && mw_weights_end(call->tape, weight, 1, err);
  free(total);
  return ok;
}
