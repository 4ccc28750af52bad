/* train.c: the loops of training and evaluating. A step of training draws its batches, runs the tape, which gives the loss and
 * the gradients, and lets the optimiser change the coefficients. */
#include "learn/train.h"
#include "base/machine.h"
#include "learn/divide.h"
#include "learn/optim.h"
#include "learn/tape.h"
#include "num/gemm.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- state ---- */

static size_t elements_of(const mw_graph *graph, mw_node node) {
  return (size_t)mw_graph_elements(graph, mw_graph_facts(graph, node).shape);
}

bool mw_train_state_new(mw_train_state *state, const mw_graph *graph, const mw_train_spec *training, mw_error *err) {
  *state = (mw_train_state){0};
  for (size_t i = 0; i < training->coefficient_count; i++) state->count += elements_of(graph, training->coefficients[i]);
  state->values = mw_mem_new(state->count, sizeof(float), err);
  state->momentum = state->values ? mw_mem_new(state->count, sizeof(float), err) : NULL;
  state->variance = state->momentum ? mw_mem_new(state->count, sizeof(float), err) : NULL;
  if (!state->variance) return mw_train_state_free(state), false;
  float *next = state->values;
  for (size_t i = 0; i < training->coefficient_count; i++) {
    double initial;
    memcpy(&initial, &mw_graph_facts(graph, training->coefficients[i]).extra[1], sizeof initial);
    for (size_t k = elements_of(graph, training->coefficients[i]); k > 0; k--) *next++ = (float)initial;
  }
  return true;
}

void mw_train_state_free(mw_train_state *state) {
  free(state->values);
  free(state->momentum);
  free(state->variance);
  *state = (mw_train_state){0};
}

/* ---- what is common to training and evaluating ---- */

bool mw_train_vocabulary(const struct mw_tape *tape, mw_error *err) {
  const mw_graph *graph = tape->world->graph;
  for (size_t b = 0; b < tape->batch_count; b++) {
    const mw_dataset *set = tape->world->sets[mw_graph_facts(graph, tape->tokens[b]).extra[0]];
    uint32_t largest;
    uint64_t predicted;
    mw_batch_survey(set, tape->batches[b].length, &largest, &predicted);
    for (size_t i = 0; i < tape->slot_count; i++) {
      mw_graph_node_facts facts = tape->slots[i].facts;
      bool embeds = facts.op == MW_OP_EMBED && facts.operand[0] == tape->tokens[b];
      if (!embeds && !(facts.op == MW_OP_CROSS_ENTROPY && facts.operand[1] == tape->tokens[b])) continue;
      uint64_t size = mw_graph_dims(graph, mw_graph_facts(graph, facts.operand[embeds]).shape)[!embeds];
      mw_text_escaped path;
      if (largest >= size) {
        mw_error_set(err, MW_DATA, "%s: token %u, where the model's vocabulary has %llu",
                     mw_text_escape_z(&path, set->path ? set->path : "data"), largest, (unsigned long long)size);
        return mw_error_hint(err, "the data must be tokenised by the model's own tokenizer");
      }
    }
  }
  return true;
}

static bool check_coefficients(const mw_graph *graph, const mw_node *coefficients, size_t count, mw_error *err) {
  for (size_t i = 0; i < count; i++)
    if (!coefficients[i] || coefficients[i] > mw_graph_count(graph) || mw_graph_facts(graph, coefficients[i]).op != MW_OP_COEFFICIENT)
      return mw_error_set(err, MW_DATA, "a training of something that is not a coefficient");
  return true;
}

static bool check_scalar(const mw_graph *graph, mw_node node, mw_error *err) {
  return (node && node <= mw_graph_count(graph) && !mw_graph_facts(graph, node).shape) ||
         mw_error_set(err, MW_DATA, "a loss must be one number");
}

/* ---- memory and time ---- */

bool mw_train_measure(const mw_train_world *world, mw_node loss, const mw_node *coefficients, size_t coefficient_count,
                      mw_train_cost *cost, mw_error *err) {
  mw_tape *tape = NULL;
  MW_TRY(check_coefficients(world->graph, coefficients, coefficient_count, err) && check_scalar(world->graph, loss, err));
  MW_TRY(mw_tape_new(world, loss, NULL, 0, coefficients, coefficient_count, NULL, &tape, err));
  *cost = mw_cost_of(tape, coefficients, coefficient_count);
  mw_tape_free(tape);
  return true;
}

bool mw_train_fits(const mw_train_cost *cost, int threads, mw_error *err) {
  uint64_t there = mw_machine_memory();
  if (cost->memory <= there) return mw_gemm_fits(threads, cost->memory, err);
  mw_error_set(err, MW_MEMORY, "%llu bytes of memory are needed, of them %llu for a batch of %llu tokens; this process may take %llu",
               (unsigned long long)cost->memory, (unsigned long long)cost->activations, (unsigned long long)cost->tokens,
               (unsigned long long)there);
  return mw_error_hint(err, cost->memory - cost->activations <= there
                                ? "a smaller batch takes less: fewer `windows`, or shorter ones by --window"
                                : "weights in f32 are too large for this machine, whatever the batch");
}

static bool tape_fits(const mw_tape *tape, const mw_node *coefficients, size_t count, mw_error *err) {
  mw_train_cost cost = mw_cost_of(tape, coefficients, count);
  return mw_train_fits(&cost, tape->world->threads, err);
}

/* ---- training ---- */

typedef struct run {
  const mw_train_world *world;
  const mw_train_spec *training;
  mw_train_state *state;
  mw_thread_pool pool;
  mw_tape *tape;
  double *term_values;
  const float **gradients;
  size_t *counts;
  float *work; /* as much as all coefficients */
} run;

static bool open_run(run *r, mw_error *err) {
  const mw_train_spec *t = r->training;
  const mw_graph *graph = r->world->graph;
  MW_TRY(check_coefficients(graph, t->coefficients, t->coefficient_count, err) && check_scalar(graph, t->loss, err));
  r->term_values = mw_mem_new(t->term_count + 1, sizeof *r->term_values, err);
  r->gradients = mw_mem_new(t->coefficient_count + 1, sizeof *r->gradients, err);
  r->counts = mw_mem_new(t->coefficient_count + 1, sizeof *r->counts, err);
  r->work = mw_mem_new(r->state->count + 1, sizeof *r->work, err);
  if (!r->term_values || !r->gradients || !r->counts || !r->work) return false;
  for (size_t i = 0; i < t->term_count; i++) MW_TRY(check_scalar(graph, t->terms[i], err));
  MW_TRY(mw_thread_pool_new(&r->pool, r->world->threads, err));
  MW_TRY(mw_tape_new(r->world, t->loss, t->terms, t->term_count, t->coefficients, t->coefficient_count, &r->pool, &r->tape, err));
  MW_TRY(mw_divide_steps(r->tape, err));
  if (!mw_tape_find(r->tape, t->loss)->wants)
    return mw_error_set(err, MW_DATA, "the loss depends on none of the coefficients that are to be learned");
  return tape_fits(r->tape, t->coefficients, t->coefficient_count, err) && mw_train_vocabulary(r->tape, err) &&
         mw_tape_ready(r->tape, err);
}

static void close_run(run *r) {
  mw_tape_free(r->tape);
  mw_thread_pool_free(&r->pool);
  free(r->term_values);
  free(r->gradients);
  free(r->counts);
  free(r->work);
}

static bool draw(run *r, mw_error *err) {
  for (size_t b = 0; b < r->tape->batch_count; b++) {
    uint64_t set = mw_graph_facts(r->world->graph, r->tape->tokens[b]).extra[0];
    MW_TRY(mw_batch_draw(&r->tape->batches[b], r->world->sets[set], set, r->training->seed, r->state->step, err));
  }
  return true;
}

static void load(run *r) {
  const float *next = r->state->values;
  for (size_t i = 0; i < r->training->coefficient_count; i++) {
    mw_tape_slot *slot = mw_tape_find(r->tape, r->training->coefficients[i]);
    memcpy(slot->values, next, slot->elements * sizeof *next);
    next += slot->elements;
  }
}

static bool move(run *r, mw_train_report *report, mw_error *err) {
  const mw_train_spec *t = r->training;
  for (size_t i = 0; i < t->coefficient_count; i++) {
    const mw_tape_slot *slot = mw_tape_find(r->tape, t->coefficients[i]);
    r->gradients[i] = slot->gradient;
    r->counts[i] = slot->elements;
  }
  report->gradient = mw_optim_norm(r->gradients, r->counts, t->coefficient_count);
  if (!isfinite(report->loss) || !isfinite(report->gradient)) {
    mw_error_set(err, MW_DATA, "the loss or its gradient is not finite at step %llu", (unsigned long long)report->step);
    return mw_error_hint(err, "try a smaller rate, or clip");
  }
  double scale = t->clip > 0 && report->gradient > t->clip ? t->clip / report->gradient : 1;
  size_t at = 0;
  for (size_t i = 0; i < t->coefficient_count; at += r->counts[i++])
    mw_optim_step(t, report->step, scale, r->gradients[i], r->counts[i], r->state->values + at, r->state->momentum + at,
                  r->state->variance + at, r->work);
  r->state->step++;
  return true;
}

static bool take_step(run *r, const mw_train_watch *watch, mw_error *err) {
  const mw_train_spec *t = r->training;
  mw_train_report report = {.step = r->state->step + 1, .steps = t->steps, .terms = r->term_values};
  MW_TRY(draw(r, err));
  load(r);
  MW_TRY(mw_tape_run(r->tape, err));
  report.loss = mw_tape_find(r->tape, t->loss)->scalar;
  for (size_t i = 0; i < t->term_count; i++) {
    const mw_tape_slot *slot = mw_tape_find(r->tape, t->terms[i]);
    if (slot) r->term_values[i] = slot->scalar;
    else mw_graph_is_number(r->world->graph, t->terms[i], &r->term_values[i]);
  }
  MW_TRY(move(r, &report, err));
  if (!watch || !watch->step) return true;
  mw_error_set(err, MW_INTERRUPTED, "training was interrupted after step %llu", (unsigned long long)report.step);
  return watch->step(watch->context, &report, r->state, err);
}

bool mw_train_run(const mw_train_world *world, const mw_train_spec *training, mw_train_state *state,
                  const mw_train_watch *watch, mw_error *err) {
  run r = {.world = world, .training = training, .state = state};
  bool ok = open_run(&r, err);
  while (ok && state->step < training->steps) ok = take_step(&r, watch, err);
  close_run(&r);
  return ok;
}

/* ---- evaluating ---- */

typedef struct evaluation {
  const mw_train_world *world;
  mw_tape *tape;
  mw_node loss;
  size_t batches;
  double *losses, *weights; /* of each batch; weights are how many tokens its loss is a mean of */
} evaluation;

static size_t count_batches(const mw_train_world *world, const mw_tape *tape) {
  size_t most = 0;
  for (size_t b = 0; b < tape->batch_count; b++) {
    size_t windows = world->sets[mw_graph_facts(world->graph, tape->tokens[b]).extra[0]]->count;
    size_t batches = (windows + tape->batches[b].windows - 1) / tape->batches[b].windows;
    if (batches > most) most = batches;
  }
  return most;
}

/* Of several processes each runs every so many-th batch. */
static bool evaluate_batches(evaluation *e, bool (*progress)(void *context, uint64_t done, uint64_t total), void *context, mw_error *err) {
  const mw_graph *graph = e->world->graph;
  mw_graph_node_facts facts = mw_graph_facts(graph, e->loss);
  const mw_ranks *ranks = e->world->ranks;
  for (size_t step = 0; step < e->batches; step++) {
    for (size_t b = 0; b < e->tape->batch_count; b++) {
      mw_batch *filled = &e->tape->batches[b];
      mw_batch_fill(filled, e->world->sets[mw_graph_facts(graph, e->tape->tokens[b]).extra[0]], step * filled->windows);
    }
    const mw_batch *batch = mw_tape_batch(e->tape, facts.operand[facts.operands - 1]);
    e->weights[step] = (double)(facts.op == MW_OP_CROSS_ENTROPY ? batch->predicted : batch->tokens);
    if (ranks && step % ranks->count != ranks->rank) continue;
    MW_TRY(mw_tape_run(e->tape, err));
    e->losses[step] = mw_tape_find(e->tape, e->loss)->scalar;
    if (progress && !progress(context, step + 1, e->batches)) return mw_error_set(err, MW_INTERRUPTED, "interrupted");
  }
  return !ranks || ranks->combine(MW_RANKS_UNITE, (uint64_t *)(void *)e->losses, e->batches, err);
}

bool mw_train_evaluate(const mw_train_world *world, mw_node loss, bool (*progress)(void *context, uint64_t done, uint64_t total),
                       void *context, double *mean, uint64_t *tokens, mw_error *err) {
  mw_thread_pool pool = {0};
  mw_tape *tape = NULL;
  MW_TRY(check_scalar(world->graph, loss, err));
  if (mw_graph_op_class(mw_graph_facts(world->graph, loss).op) != MW_CLASS_NET)
    return mw_error_set(err, MW_DATA, "only the loss of a network can be evaluated on data");
  bool ok = mw_thread_pool_new(&pool, world->threads, err) && mw_tape_new(world, loss, NULL, 0, NULL, 0, &pool, &tape, err) &&
            tape_fits(tape, NULL, 0, err) && mw_train_vocabulary(tape, err);
  evaluation e = {world, tape, loss, ok ? count_batches(world, tape) : 0, NULL, NULL};
  e.losses = ok ? mw_mem_new(e.batches + 1, sizeof *e.losses, err) : NULL;
  e.weights = e.losses ? mw_mem_new(e.batches + 1, sizeof *e.weights, err) : NULL;
  ok = e.weights && evaluate_batches(&e, progress, context, err);
  double sum = 0, count = 0;
  for (size_t i = 0; ok && i < e.batches; i++) {
    sum += e.losses[i] * e.weights[i];
    count += e.weights[i];
  }
  *tokens = (uint64_t)count;
  if (ok && *tokens == 0) ok = mw_error_set(err, MW_DATA, "the data holds no token to predict");
  *mean = ok ? sum / count : NAN;
  if (ok && !isfinite(*mean)) ok = mw_error_set(err, MW_DATA, "the loss is not finite");
  free(e.losses);
  free(e.weights);
  mw_tape_free(tape);
  mw_thread_pool_free(&pool);
  return ok;
}
