/* attention.c: a block of 64 queries is computed at a time: its scores against the keys that it sees (a matrix product), their
 * softmax, and the product with the values. The scores are not kept: only the logarithm of each row's sum of exponentials is
 * saved, and back computes the scores again (as FlashAttention does, Dao et al. 2022).
 *
 * Forward, an item is one block of one head of one window. Back, an item is one key-value head of one window with all query
 * heads that share it: these add to the same gradients of keys and values, so no two threads write to the same place. */
#include "learn/layers.h"
#include "base/mathx.h"
#include "num/gemm.h"
#include <math.h>
#include <string.h>

enum { BLOCK = 64 };

typedef struct attention {
  const mw_net_call *call;
  mw_tape_slot *q, *k, *v, *y;
  size_t length, windows, heads, kv_heads, group, width, q_stride, k_stride, sliding;
  float scale;
} attention;

static attention attention_of(const mw_net_call *call) {
  attention a = {.call = call, .q = mw_net_slot(call, 0), .k = mw_net_slot(call, 1), .v = mw_net_slot(call, 2), .y = call->y};
  const uint64_t *extra = call->y->facts.extra;
  const mw_graph_heads heads = mw_graph_heads_of(extra);
  a.length = (size_t)extra[0], a.heads = heads.query, a.kv_heads = heads.key_value, a.sliding = heads.back;
  a.windows = mw_net_rows(call, a.q) / a.length, a.group = a.heads / a.kv_heads;
  a.q_stride = mw_net_columns(call, a.q), a.k_stride = mw_net_columns(call, a.k), a.width = a.q_stride / a.heads;
  a.scale = (float)(1 / sqrt((double)a.width));
  return a;
}

size_t mw_attention_saves(mw_graph_node_facts facts, size_t rows, size_t columns) {
  (void)columns;
  return rows * (size_t)mw_graph_heads_of(facts.extra).query;
}

/* Queries [first, first + count) of a window see keys in [low, high). Query q sees keys [lowest(q), q]. */
typedef struct seen {
  size_t first, count, low, high;
} seen;

static size_t lowest(const attention *a, size_t query) { return a->sliding && query + 1 > a->sliding ? query + 1 - a->sliding : 0; }

static seen seen_by(const attention *a, size_t block) {
  size_t first = block * BLOCK, count = a->length - first < BLOCK ? a->length - first : BLOCK;
  return (seen){first, count, lowest(a, first), first + count};
}

static mw_gemm_matrix part(const float *values, size_t stride, size_t row, size_t head, size_t width) {
  return (mw_gemm_matrix){values + row * stride + head * width, stride};
}

/* The scaled scores of a block, [count, high - low]. */
static void score(const attention *a, seen s, size_t row, size_t head, float *scores) {
  mw_gemm_matrix q = part(a->q->values, a->q_stride, row + s.first, head, a->width);
  mw_gemm_matrix k = part(a->k->values, a->k_stride, row + s.low, head / a->group, a->width);
  mw_gemm_nt(s.count, s.high - s.low, a->width, a->scale, q, k, 0, scores, s.high - s.low);
}

/* Later blocks see more keys and take longer. They come first, so that the threads end at about the same time. */
static bool forward_block(void *context, size_t item, mw_thread_pool_worker *worker, mw_error *err) {
  const attention *a = context;
  const mw_kernel_rows *k = a->call->k;
  size_t parts = a->windows * a->heads, head = item % a->heads, row = item % parts / a->heads * a->length;
  seen s = seen_by(a, (a->length - 1) / BLOCK - item / parts);
  size_t keys = s.high - s.low;
  float *scores = mw_thread_pool_reserve(&worker->work, BLOCK * a->length * sizeof *scores, err);
  if (!scores) return false;
  score(a, s, row, head, scores);
  for (size_t i = 0; i < s.count; i++) {
    float *line = scores + i * keys;
    size_t from = lowest(a, s.first + i) - s.low, n = s.first + i + 1 - s.low - from;
    float most = k->max(line + from, n);
    double sum = k->exp_sum(line + from, line + from, 1, most, n);
    k->scale(line + from, line + from, (float)(1 / sum), n);
    memset(line, 0, from * sizeof *line);
    memset(line + from + n, 0, (keys - from - n) * sizeof *line);
    if (a->y->saved) a->y->saved[(row + s.first + i) * a->heads + head] = (float)((double)most + mw_mathx_log(sum));
  }
  mw_gemm_nn(s.count, a->width, keys, 1, (mw_gemm_matrix){scores, keys},
             part(a->v->values, a->k_stride, row + s.low, head / a->group, a->width), 0,
             a->y->values + (row + s.first) * a->q_stride + head * a->width, a->q_stride);
  return true;
}

bool mw_attention_forward(const mw_net_call *call, mw_error *err) {
  attention a = attention_of(call);
  return mw_thread_pool_run(call->tape->pool, a.windows * a.heads * ((a.length + BLOCK - 1) / BLOCK), forward_block, &a, err);
}

/* ---- backward ---- */

/* Sets the columns of a head in an operand's gradient to 0, if nothing was propagated to it before. */
static void clear(const attention *a, unsigned operand, size_t row, size_t head) {
  mw_tape_slot *slot = operand == 0 ? a->q : operand == 1 ? a->k : a->v;
  size_t stride = operand ? a->k_stride : a->q_stride;
  if (slot->wants && (a->call->fresh >> operand & 1))
    for (size_t r = row; r < row + a->length; r++) memset(slot->gradient + r * stride + head * a->width, 0, a->width * sizeof(float));
}

static float *gradient_at(mw_tape_slot *slot, size_t stride, size_t row, size_t head, size_t width) {
  return slot->gradient + row * stride + head * width;
}

/* Back through one block of one head. p: scratch for its probabilities, ds: for the gradient of its scores. */
static void back_block(const attention *a, seen s, size_t row, size_t head, float *p, float *ds) {
  const mw_kernel_rows *k = a->call->k;
  size_t keys = s.high - s.low, kv = head / a->group, width = a->width;
  mw_gemm_matrix dy = part(a->y->gradient, a->q_stride, row + s.first, head, width);
  mw_gemm_matrix y = part(a->y->values, a->q_stride, row + s.first, head, width);
  score(a, s, row, head, p);
  mw_gemm_nt(s.count, keys, width, 1, dy, part(a->v->values, a->k_stride, row + s.low, kv, width), 0, ds, keys);
  for (size_t i = 0; i < s.count; i++) {
    float *line = p + i * keys, *slope = ds + i * keys, shift = a->y->saved[(row + s.first + i) * a->heads + head];
    size_t from = lowest(a, s.first + i) - s.low, n = s.first + i + 1 - s.low - from;
    k->exp_sum(line + from, line + from, 1, shift, n);
    memset(line, 0, from * sizeof *line);
    memset(line + from + n, 0, (keys - from - n) * sizeof *line);
    /* The sum over the keys of p * dp equals dy . y. */
    double mean = k->dot(dy.values + i * dy.stride, y.values + i * y.stride, width);
    k->softmax_back(slope + from, line + from, slope + from, (float)mean, a->scale, n);
    memset(slope, 0, from * sizeof *slope);
    memset(slope + from + n, 0, (keys - from - n) * sizeof *slope);
  }
  mw_gemm_matrix scores = {ds, keys};
  if (a->v->wants)
    mw_gemm_tn(keys, width, s.count, 1, (mw_gemm_matrix){p, keys}, dy, 1, gradient_at(a->v, a->k_stride, row + s.low, kv,
                                                                                      width), a->k_stride);
  if (a->q->wants)
    mw_gemm_nn(s.count, width, keys, 1, scores, part(a->k->values, a->k_stride, row + s.low, kv, width), 1,
               gradient_at(a->q, a->q_stride, row + s.first, head, width), a->q_stride);
  if (a->k->wants)
    mw_gemm_tn(keys, width, s.count, 1, scores, part(a->q->values, a->q_stride, row + s.first, head, width), 1,
               gradient_at(a->k, a->k_stride, row + s.low, kv, width), a->k_stride);
}

static bool back_group(void *context, size_t item, mw_thread_pool_worker *worker, mw_error *err) {
  const attention *a = context;
  size_t kv = item % a->kv_heads, row = item / a->kv_heads * a->length;
  float *work = mw_thread_pool_reserve(&worker->work, 2 * BLOCK * a->length * sizeof *work, err);
  if (!work) return false;
  clear(a, 1, row, kv);
  clear(a, 2, row, kv);
  for (size_t head = kv * a->group; head < (kv + 1) * a->group; head++) {
    clear(a, 0, row, head);
    for (size_t b = 0; b * BLOCK < a->length; b++) back_block(a, seen_by(a, b), row, head, work, work + BLOCK * a->length);
  }
  return true;
}

bool mw_attention_back(const mw_net_call *call, mw_error *err) {
  attention a = attention_of(call);
  return mw_thread_pool_run(call->tape->pool, a.windows * a.kv_heads, back_group, &a, err);
}
