/* layers.c: operations without weights. Each row is computed without the others, so the threads share the rows. */
#include "learn/layers.h"
#include "base/mathx.h"
#include <stdlib.h>
#include <string.h>

typedef bool rows_function(const mw_net_rows_work *, size_t, size_t, size_t, mw_thread_pool_worker *, mw_error *);

static bool by_rows(const mw_net_call *call, rows_function *function, void *context, mw_error *err) {
  mw_net_rows_work work = {call, mw_net_rows(call, call->y), mw_net_columns(call, call->y), context, function};
  return mw_net_by_rows(&work, err);
}

/* ---- SILU and GELU ---- */

static bool pointwise(const mw_net_rows_work *w, size_t item, size_t first, size_t rows, mw_thread_pool_worker *worker, mw_error *err) {
  (void)item, (void)worker, (void)err;
  const mw_kernel_rows *k = w->call->k;
  size_t at = first * w->columns, n = rows * w->columns;
  const float *x = mw_net_slot(w->call, 0)->values + at;
  mw_graph_node_facts facts = w->call->y->facts;
  (facts.op == MW_OP_SILU ? k->silu : facts.extra[0] ? k->gelu_tanh : k->gelu_erf)(w->call->y->values + at, x, n);
  return true;
}

static bool pointwise_back(const mw_net_rows_work *w, size_t item, size_t first, size_t rows, mw_thread_pool_worker *worker,
                           mw_error *err) {
  (void)item, (void)worker, (void)err;
  const mw_kernel_rows *k = w->call->k;
  size_t at = first * w->columns, n = rows * w->columns;
  const float *x = mw_net_slot(w->call, 0)->values + at, *dy = w->call->y->gradient + at;
  mw_graph_node_facts facts = w->call->y->facts;
  (facts.op == MW_OP_SILU ? k->silu_back : facts.extra[0] ? k->gelu_tanh_back : k->gelu_erf_back)(
      mw_net_gradient(w->call, 0, at, n), x, dy, n);
  return true;
}

bool mw_layers_pointwise(const mw_net_call *call, mw_error *err) { return by_rows(call, pointwise, NULL, err); }
bool mw_layers_pointwise_back(const mw_net_call *call, mw_error *err) { return by_rows(call, pointwise_back, NULL, err); }

/* ---- SOFTMAX and LOG_SOFTMAX ---- */

static bool softmax(const mw_net_rows_work *w, size_t item, size_t first, size_t rows, mw_thread_pool_worker *worker, mw_error *err) {
  (void)item, (void)worker, (void)err;
  const mw_kernel_rows *k = w->call->k;
  size_t n = w->columns;
  for (size_t at = first * n; at < (first + rows) * n; at += n) {
    const float *x = mw_net_slot(w->call, 0)->values + at;
    float *y = w->call->y->values + at, most = k->max(x, n);
    if (w->call->y->facts.op == MW_OP_SOFTMAX) {
      double sum = k->exp_sum(y, x, 1, most, n);
      k->scale(y, y, (float)(1 / sum), n);
    } else {
      double log_sum = mw_mathx_log(k->exp_total(x, 1, most, n));
      k->shift(y, x, most, 1, n);
      k->shift(y, y, (float)log_sum, 1, n);
    }
  }
  return true;
}

static bool softmax_back(const mw_net_rows_work *w, size_t item, size_t first, size_t rows, mw_thread_pool_worker *worker, mw_error *err) {
  (void)item;
  const mw_kernel_rows *k = w->call->k;
  size_t n = w->columns;
  float *work = mw_thread_pool_reserve(&worker->work, n * sizeof *work, err);
  if (!work) return false;
  for (size_t at = first * n; at < (first + rows) * n; at += n) {
    const float *y = w->call->y->values + at, *dy = w->call->y->gradient + at;
    float *dx = mw_net_gradient(w->call, 0, at, n);
    if (w->call->y->facts.op == MW_OP_SOFTMAX) {
      k->softmax_back(work, y, dy, (float)k->dot(y, dy, n), 1, n);
      k->add(dx, work, 1, n);
    } else {
      k->add(dx, dy, 1, n);
      k->exp_add(dx, y, 1, 0, (float)-k->sum(dy, n), n);
    }
  }
  return true;
}

bool mw_layers_softmax(const mw_net_call *call, mw_error *err) { return by_rows(call, softmax, NULL, err); }
bool mw_layers_softmax_back(const mw_net_call *call, mw_error *err) { return by_rows(call, softmax_back, NULL, err); }

/* ---- ROPE ---- */

/* The table for the frequencies of this operation, made at the first call. */
static bool rotations_of(const mw_net_call *call, const mw_tape_rotations **out, mw_error *err) {
  mw_tape *tape = call->tape;
  const mw_graph_node_facts facts = call->y->facts;
  size_t half = facts.operands - 1, length = (size_t)facts.extra[0];
  for (size_t i = 0; i < tape->rotation_count; i++) {
    *out = &tape->rotations[i];
    if ((*out)->half == half && (*out)->length == length && memcmp((*out)->frequencies, facts.operand + 1, half * sizeof(mw_node)) == 0)
      return true;
  }
  MW_TRY(mw_mem_grow(&tape->rotations, &tape->rotation_capacity, tape->rotation_count + 1, sizeof *tape->rotations, err));
  mw_tape_rotations rotations = {facts.operand + 1, half, length, mw_mem_new(2 * half * length, sizeof(float), err)};
  if (!rotations.table) return false;
  for (size_t p = 0; p < length; p++)
    for (size_t j = 0; j < half; j++) {
      double frequency = 0;
      mw_graph_is_number(tape->world->graph, facts.operand[1 + j], &frequency);
      rotations.table[p * half + j] = (float)mw_mathx_cos((double)p * frequency);
      rotations.table[(length + p) * half + j] = (float)mw_mathx_sin((double)p * frequency);
    }
  tape->rotations[tape->rotation_count] = rotations;
  *out = &tape->rotations[tape->rotation_count++];
  return true;
}

static bool rope(const mw_net_rows_work *w, size_t item, size_t first, size_t rows, mw_thread_pool_worker *worker, mw_error *err) {
  (void)item, (void)worker, (void)err;
  const mw_tape_rotations *rotations = w->context;
  size_t half = rotations->half;
  for (size_t r = first; r < first + rows; r++) {
    const float *c = rotations->table + r % rotations->length * half, *s = c + rotations->length * half;
    const float *x = mw_net_slot(w->call, 0)->values + r * w->columns;
    float *y = w->call->y->values + r * w->columns;
    for (size_t h = 0; h < w->columns; h += 2 * half)
      w->call->k->rotate(y + h, y + h + half, x + h, x + h + half, c, s, 1, half);
  }
  return true;
}

/* The inverse of a rotation is the rotation by the opposite angle. */
static bool rope_back(const mw_net_rows_work *w, size_t item, size_t first, size_t rows, mw_thread_pool_worker *worker, mw_error *err) {
  (void)item, (void)worker, (void)err;
  const mw_tape_rotations *rotations = w->context;
  size_t half = rotations->half;
  for (size_t r = first; r < first + rows; r++) {
    const float *c = rotations->table + r % rotations->length * half, *s = c + rotations->length * half;
    const float *dy = w->call->y->gradient + r * w->columns;
    float *dx = mw_net_gradient(w->call, 0, r * w->columns, w->columns);
    for (size_t h = 0; h < w->columns; h += 2 * half)
      w->call->k->rotate_add(dx + h, dx + h + half, dy + h, dy + h + half, c, s, -1, half);
  }
  return true;
}

bool mw_layers_rope(const mw_net_call *call, mw_error *err) {
  const mw_tape_rotations *rotations;
  return rotations_of(call, &rotations, err) && by_rows(call, rope, (void *)(uintptr_t)rotations, err);
}

bool mw_layers_rope_back(const mw_net_call *call, mw_error *err) {
  const mw_tape_rotations *rotations;
  return rotations_of(call, &rotations, err) && by_rows(call, rope_back, (void *)(uintptr_t)rotations, err);
}
