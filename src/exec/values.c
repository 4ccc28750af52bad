/* values.c: a scalar is computed when it is first asked for, by an iterative walk over the scalars it depends on. The walk
 * ends at sinks, which passes must have set. For example, 1 / sqrt(DOT) where the DOT is known to be 4: the division waits for
 * the square root; the root is computed as 2, then the division as 0.5, and both are kept.
 *
 * During speculation the same functions work on guesses. A node then has three states: unknown with a guess (known is false,
 * value is the guess), assumed (known is true, and the node is in the journal), and known for good (known, not in the journal).
 * What is computed from something assumed is in the journal too, since it was set during speculation. For example, with
 * majority = sign(t1 + t2), where the pass has guessed t1 = 5 and t2 = -3:
 *
 *                                 t1         t2          t1 + t2    majority   journal
 *   before the pass               guess 5    guess -3    -          -
 *   speculative = true; assume    5          -3          -          -          t1 t2
 *   an output asks for majority   5          -3          2          1          t1 t2 sum majority
 *   roll back                     guess 5    guess -3    -          -
 *   speculative = false; set t1   1          guess -3    -          -
 *
 * Rolling back only makes nodes unknown; it keeps the values, so a guess is still there for the next pass. */
#include "exec/values.h"
#include "expr/compute.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool mw_values_new(mw_values *values, const mw_graph *graph, const mw_expansion *expansion, mw_error *err) {
  *values = (mw_values){.graph = graph, .weights = {.graph = graph, .expansion = expansion}};
  size_t count = mw_graph_count(graph) + 1u;
  values->value = mw_mem_new(count, sizeof *values->value, err);
  values->known = mw_mem_new(count, sizeof *values->known, err);
  values->ties = mw_mem_new(count, sizeof *values->ties, err);
  return values->value && values->known && values->ties;
}

void mw_values_free(mw_values *values) {
  mw_masks_free(&values->masks);
  for (size_t i = 0; i < values->vector_count; i++) {
    free(values->vectors[i].f64);
    free(values->vectors[i].f32);
  }
  for (size_t i = 0; i < values->coefficient_count; i++)
    free(values->coefficients[i].own);
  free(values->coefficients);
  free(values->matrices);
  free(values->vectors);
  free(values->value);
  free(values->known);
  free(values->ties);
  free(values->stack);
  free(values->journal);
  mw_sum_weights_free(&values->weights);
  *values = (mw_values){0};
}

/* Also what mw_values_get computes comes here, so that nothing that depends on an assumption can stay out of the journal. */
bool mw_values_set(mw_values *values, mw_node node, double value, mw_error *err) {
  values->value[node] = value;
  values->known[node] = true;
  if (!values->speculative) return true;
  MW_TRY(mw_mem_grow(&values->journal, &values->journal_capacity, values->journal_count + 1, sizeof *values->journal, err));
  values->journal[values->journal_count++] = node;
  return true;
}

void mw_values_guess(mw_values *values, mw_node node, double value) { values->value[node] = value; }

bool mw_values_assume(mw_values *values, mw_node node, mw_error *err) {
  return values->known[node] || mw_values_set(values, node, values->value[node], err);
}

void mw_values_roll_back(mw_values *values) {
  for (size_t i = 0; i < values->journal_count; i++) values->known[values->journal[i]] = false;
  values->journal_count = 0;
}

/* Pushes an operand that is not known yet. */
static bool wait_for(mw_values *values, mw_node node, size_t *depth, mw_error *err) {
  if (values->known[node]) return true;
  MW_TRY(mw_mem_grow(&values->stack, &values->stack_capacity, *depth + 1, sizeof *values->stack, err));
  values->stack[(*depth)++] = node;
  return true;
}

/* Whether a tensor that an expanded dot is made of is no atom. */
static bool is_sum(const mw_values *values, mw_node tensor) {
  return mw_expansion_of(values->weights.expansion, tensor).atoms[0] != tensor;
}

/* Computes a node whose operands are known: a scalar, an expanded dot, or the weights of a sum that one is made of. */
static bool compute(mw_values *values, mw_node node, mw_graph_node_facts facts, mw_error *err) {
  double operands[3] = {0};
  if (facts.shape) {
    return (!is_sum(values, node) || mw_sum_weights_add(&values->weights, node, values->value, err)) && mw_values_set(values, node, 0, err);
  }
  if (mw_expansion_has(values->weights.expansion, node))
    return mw_values_set(values, node, mw_sum_weights_dot(&values->weights, node, values->value), err);
  for (uint32_t i = 0; i < facts.operands; i++) operands[i] = values->value[facts.operand[i]];
  return mw_values_set(values, node, mw_compute(facts.op, operands), err);
}

/* The stack holds nodes that wait for their operands. A node on top with unknown operands pushes these; with known operands it is
 * computed and popped. Operands have lower ids than their users, so this ends. */
bool mw_values_get(mw_values *values, mw_node scalar, double *out, mw_error *err) {
  *out = values->value[scalar];
  if (values->known[scalar]) return true;
  size_t depth = 0;
  MW_TRY(wait_for(values, scalar, &depth, err));
  while (depth) {
    mw_node node = values->stack[depth - 1];
    mw_graph_node_facts facts = mw_graph_facts(values->graph, node);
    if (values->known[node]) {
      depth--;
      continue;
    }
    double number;
    if (mw_graph_is_number(values->graph, node, &number)) {
      MW_TRY(mw_values_set(values, node, number, err));
      continue;
    }
    size_t before = depth;
    bool expanded = mw_expansion_has(values->weights.expansion, node);
    if (expanded) {
      mw_node factors[2];
      mw_expansion_factors(values->graph, node, factors);
      MW_TRY(wait_for(values, factors[0], &depth, err) && wait_for(values, factors[1], &depth, err));
    } else if (facts.shape ? is_sum(values, node) : mw_graph_op_class(facts.op) == MW_CLASS_MAP) {
      for (uint32_t i = 0; i < facts.operands; i++) MW_TRY(wait_for(values, facts.operand[i], &depth, err));
    } else if (!facts.shape) return mw_error_set(err, MW_BUG, "'%s' is used before it was computed", mw_graph_op_name(facts.op));
    if (depth > before) continue;
    MW_TRY(compute(values, node, facts, err));
  }
  *out = values->value[scalar];
  return true;
}

/* A run has few vectors, so they are looked up in a plain list. */
bool mw_values_make(mw_values *values, mw_node node, mw_values_vector **out, mw_error *err) {
  for (size_t i = 0; i < values->vector_count; i++)
    if (values->vectors[i].node == node) {
      *out = &values->vectors[i];
      return true;
    }
  MW_TRY(mw_mem_grow(&values->vectors, &values->vector_capacity, values->vector_count + 1, sizeof *values->vectors, err));
  size_t count = (size_t)mw_graph_elements(values->graph, mw_graph_facts(values->graph, node).shape);
  mw_values_vector vector = {.node = node, .count = count, .f64 = mw_mem_new(count, sizeof(double), err)};
  vector.f32 = vector.f64 ? mw_mem_new(count, sizeof(float), err) : NULL;
  if (!vector.f32) {
    free(vector.f64);
    return false;
  }
  bool largest = mw_graph_facts(values->graph, node).op == MW_OP_COLUMN_MAX;
  for (size_t i = 0; i < count && largest; i++) vector.f64[i] = -INFINITY;
  values->vectors[values->vector_count] = vector;
  *out = &values->vectors[values->vector_count++];
  return true;
}

/* The values that a training found for a LEARNED node, by binary search in the job's list; NULL if they are not there. */
static const float *learned_of(const mw_job *job, mw_graph_node_facts facts) {
  size_t low = 0, high = job->learned_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const mw_job_learned *l = &job->learned[middle];
    if (l->training == facts.extra[0] && l->coefficient == facts.operand[0]) return l->values;
    if (l->training < facts.extra[0] || (l->training == facts.extra[0] && l->coefficient < facts.operand[0])) low = middle + 1;
    else high = middle;
  }
  return NULL;
}

/* A COEFFICIENT has one initial value for all of its elements, whose bits are in its second extra number. */
bool mw_values_coefficient(mw_values *values, const mw_job *job, mw_node node, const float **out, mw_error *err) {
  for (size_t i = 0; i < values->coefficient_count; i++)
    if (values->coefficients[i].node == node) {
      *out = values->coefficients[i].values;
      return true;
    }
  mw_graph_node_facts facts = mw_graph_facts(values->graph, node);
  size_t count = (size_t)mw_graph_elements(values->graph, facts.shape);
  MW_TRY(mw_mem_grow(&values->coefficients, &values->coefficient_capacity, values->coefficient_count + 1,
                     sizeof *values->coefficients, err));
  mw_values_known known = {.node = node};
  if (facts.op == MW_OP_LEARNED) {
    if (!(known.values = learned_of(job, facts)))
      return mw_error_set(err, MW_BUG, "a learned coefficient is used before it was learned");
  } else {
    double initial;
    memcpy(&initial, &facts.extra[1], sizeof initial);
    if (!(known.own = mw_mem_new(count, sizeof *known.own, err))) return false;
    for (size_t i = 0; i < count; i++) known.own[i] = (float)initial;
    known.values = known.own;
  }
  values->coefficients[values->coefficient_count++] = known;
  *out = known.values;
  return true;
}

/* What was found from data for a DATA node, by binary search in the job's list. */
static const float *statistic_of(const mw_job *job, mw_node node) {
  size_t low = 0, high = job->statistic_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (job->statistics[middle].node == node) return job->statistics[middle].values;
    if (job->statistics[middle].node < node) low = middle + 1;
    else high = middle;
  }
  return NULL;
}

static size_t place_of(const mw_values *values, mw_node matrix) {
  size_t i = 0;
  while (i < values->matrix_count && values->matrices[i].node != matrix) i++;
  return i;
}

bool mw_values_memory(mw_values *values, const mw_job *job, mw_node node, const void **out, mw_error *err) {
  const float *coefficient;
  mw_graph_node_facts facts = mw_graph_facts(values->graph, node);
  if (mw_graph_is_found(facts.op)) {
    mw_values_vector *vector;
    MW_TRY(mw_values_make(values, node, &vector, err));
    *out = facts.f64 ? (const void *)vector->f64 : (const void *)vector->f32;
    return true;
  }
  if (mw_graph_op_class(facts.op) == MW_CLASS_DATA) {
    *out = statistic_of(job, node);
    return *out || mw_error_set(err, MW_BUG, "a statistic is used before it was found");
  }
  if (mw_graph_op_class(facts.op) != MW_CLASS_MATRIX) {
    MW_TRY(mw_values_coefficient(values, job, node, &coefficient, err));
    *out = coefficient;
    return true;
  }
  size_t i = place_of(values, node);
  if (i == values->matrix_count) return mw_error_set(err, MW_BUG, "a matrix is used before it was computed");
  *out = values->matrices[i].values;
  return true;
}

bool mw_values_hold(mw_values *values, mw_node node, const void *elements, mw_error *err) {
  size_t i = place_of(values, node);
  if (!elements) {
    if (i < values->matrix_count) values->matrices[i] = values->matrices[--values->matrix_count];
    return true;
  }
  MW_TRY(mw_mem_grow(&values->matrices, &values->matrix_capacity, values->matrix_count + 1, sizeof *values->matrices, err));
  values->matrices[values->matrix_count++] = (mw_values_matrix){node, elements};
  return true;
}
