/* program.c: from a cone to code, in these steps, for each section:
 *   choose     trees of operations become one fused operation, if the inner ones have no other use; the result has the same
 *              bits. For example a * b + c becomes MUL_ADD(a, b, c) and saves a tile that is written and read.
 *   generate   one instruction for each node that is left, operands first; an operand is the index of its cone node
 *   finish     an instruction for each root: a store or a sink
 *   assign     cone indices become registers: a linear scan gives each result a register that is free, and frees a register
 *              after its last use */
#include "expr/disjoint_mean.h"
#include "expr/sections.h"
#include <stdlib.h>
#include <string.h>

typedef struct scratch {
  mw_cone cone;
  uint8_t *fused;       /* of each cone node: it is a part of its only user's fused operation */
  uint32_t *last;       /* of each cone node: the last instruction that reads it */
  uint16_t *place;      /* of each cone node: its register */
  uint16_t *free;       /* registers that can be used again */
  void *targets;        /* what a section ends with */
  uint32_t *slots;      /* of each node of the graph: 1 + its index among the program's inputs, scalars or vectors; 0: not there */
  mw_node *values;      /* of all DISJOINT_MEANs of the section */
  size_t fused_capacity, last_capacity, place_capacity, free_capacity, free_count, slot_count, target_capacity, value_count, value_capacity;
} scratch;

typedef struct compiler {
  mw_program *program;
  const mw_graph *graph;
  scratch *s;
  mw_error *err;
} compiler;

enum { MAX_REGISTERS = 4096 };

/* Index of `node` in the one of the program's lists that it belongs to, appended if it is not there. */
static bool slot(compiler *c, mw_node **list, size_t *count, size_t *capacity, mw_node node, uint16_t *out) {
  uint32_t *known = &c->s->slots[node];
  if (!*known) {
    if (*count > UINT16_MAX) return mw_error_set(c->err, MW_DATA, "a recipe's expression uses more than %d numbers", UINT16_MAX);
    MW_TRY(mw_mem_grow(list, capacity, *count + 1, sizeof **list, c->err));
    (*list)[(*count)++] = node;
    *known = (uint32_t)*count;
  }
  *out = (uint16_t)(*known - 1);
  return true;
}

static void forget(scratch *s, const mw_node *list, size_t count) {
  for (size_t i = 0; i < count; i++) s->slots[list[i]] = 0;
}

/* Empties the lists of the program before, and makes a place for every node of the graph. */
static bool clear_slots(mw_program *p, const mw_graph *graph, mw_error *err) {
  scratch *s = p->scratch;
  forget(s, p->inputs, p->input_count);
  forget(s, p->scalars, p->scalar_count);
  forget(s, p->vectors, p->vector_count);
  p->input_count = p->scalar_count = p->vector_count = 0;
  size_t before = s->slot_count;
  MW_TRY(mw_mem_grow(&s->slots, &s->slot_count, mw_graph_count(graph) + 1, sizeof *s->slots, err));
  if (s->slot_count > before) memset(s->slots + before, 0, (s->slot_count - before) * sizeof *s->slots);
  return true;
}

/* The trees of operations that are fused: the outermost operation first, each followed by its operands. A to E are any operands,
 * which become those of the fused operation; ZERO is the number 0. For example {ADD, MUL, A, B, C} is a * b + c. Inner
 * operations must have no other use. The first tree that matches is taken. */
enum { A = MW_OP_COUNT, B, C, D, E, ZERO, LETTERS = 5 };
static const struct pattern {
  uint8_t fused, tree[12];
} patterns[] = {
    {MW_OP_MIX, {MW_OP_ADD, MW_OP_MUL, A, B, MW_OP_MUL, C, D}},
    {MW_OP_MUL_ADD, {MW_OP_ADD, MW_OP_MUL, A, B, C}},
    {MW_OP_MUL_ADD, {MW_OP_ADD, C, MW_OP_MUL, A, B}},
    {MW_OP_DROP_SCALED_DELTA, {MW_OP_MUL, MW_OP_WHERE, MW_OP_NOT, MW_OP_BERNOULLI, E, C, MW_OP_SUB, A, B, ZERO, D}},
    {MW_OP_SCALED_DELTA, {MW_OP_MUL, MW_OP_SUB, A, B, C}},
    {MW_OP_SCALED_DELTA, {MW_OP_MUL, C, MW_OP_SUB, A, B}},
    {MW_OP_SCALED_SUM, {MW_OP_MUL, MW_OP_ADD, A, B, C}},
    {MW_OP_SCALED_SUM, {MW_OP_MUL, C, MW_OP_ADD, A, B}},
    {MW_OP_TALLY, {MW_OP_ADD, MW_OP_NE, A, B, C}},
    {MW_OP_TALLY, {MW_OP_ADD, C, MW_OP_NE, A, B}},
    {MW_OP_ADD3, {MW_OP_ADD, MW_OP_ADD, A, B, C}},
    {MW_OP_CLAMP, {MW_OP_MIN, MW_OP_MAX, A, B, C}},
    {MW_OP_CAP, {MW_OP_MIN, MW_OP_ABS, A, B}},
    {MW_OP_DROP_DELTA, {MW_OP_WHERE, MW_OP_NOT, MW_OP_BERNOULLI, D, C, MW_OP_SUB, A, B, ZERO}},
    {MW_OP_DROP, {MW_OP_WHERE, MW_OP_NOT, MW_OP_BERNOULLI, A, B, A, ZERO}},
    {MW_OP_KEEP_TOP, {MW_OP_WHERE, MW_OP_TOP, A, B, C, A, ZERO}},
    {MW_OP_KEEP, {MW_OP_WHERE, MW_OP_LE, B, MW_OP_ABS, A, A, ZERO}},
    {MW_OP_WHERE, {MW_OP_WHERE, MW_OP_NOT, A, C, B}},
    {MW_OP_SIDE, {MW_OP_WHERE, MW_OP_WHERE, A, MW_OP_LT, ZERO, B, MW_OP_LT, B, ZERO, B, ZERO}},
    {MW_OP_ELECT, {MW_OP_LT, ZERO, MW_OP_ADD, A, MW_OP_MUL, MW_OP_EQ, A, ZERO, B}},
    {MW_OP_WHERE_EQ, {MW_OP_WHERE, MW_OP_EQ, A, B, C, D}},
};
typedef struct match {
  mw_node operands[LETTERS], swallowed[8];
  unsigned swallowed_count;
} match;

/* Matches the tree at `tree` with the expression at `node`. Returns the place in the tree after it, or NULL: no match. */
static const uint8_t *lay(const compiler *c, const uint8_t *tree, mw_node node, bool outermost, match *m) {
  double value;
  if (*tree == ZERO) return mw_graph_is_number(c->graph, node, &value) && value == 0 ? tree + 1 : NULL;
  if (*tree >= A) {
    mw_node *bound = &m->operands[*tree - A];
    if (*bound && *bound != node) return NULL;
    *bound = node;
    return tree + 1;
  }
  mw_graph_node_facts facts = mw_graph_facts(c->graph, node);
  if (facts.op != *tree++) return NULL;
  if (!outermost) {
    long at = mw_cone_find(&c->s->cone, node);
    if (at < 0 || c->s->cone.uses[at] != 1 || c->s->fused[at]) return NULL;
    m->swallowed[m->swallowed_count++] = node;
  }
  for (uint32_t i = 0; i < facts.operands && tree; i++) tree = lay(c, tree, facts.operand[i], false, m);
  return tree;
}

/* A dropped delta is of two tensors, and is scaled by a scalar. */
static bool has_kernel(const compiler *c, mw_op fused, const mw_node *operands) {
  if (fused == MW_OP_DROP_SCALED_DELTA && mw_graph_facts(c->graph, operands[3]).shape) return false;
  return (fused != MW_OP_DROP_DELTA && fused != MW_OP_DROP_SCALED_DELTA) ||
         (mw_graph_facts(c->graph, operands[0]).shape && mw_graph_facts(c->graph, operands[1]).shape);
}

/* A mean or a sum of those that agree becomes one instruction, and its values VALUEs before it. */
static bool choose_mean(const compiler *c, mw_node node, mw_node operands[MW_PROGRAM_OPERANDS], mw_op *op) {
  scratch *s = c->s;
  mw_disjoint_mean m = {.graph = c->graph, .cone = &s->cone, .fused = s->fused};
  if (!(*op = mw_disjoint_mean_match(&m, node))) return true;
  MW_TRY(mw_mem_grow(&s->values, &s->value_capacity, s->value_count + m.count, sizeof *s->values, c->err));
  for (unsigned i = 0; i < m.swallowed_count; i++) s->fused[mw_cone_find(&s->cone, m.swallowed[i])] = 1;
  memcpy(s->values + s->value_count, m.values, m.count * sizeof *m.values);
  s->value_count += m.count;
  operands[0] = m.a;
  operands[1] = m.b;
  return true;
}

/* The operation that computes `*of`, fused if possible, and its operands. Views, matrices and coefficients are read like inputs. `*of`
 * becomes the node whose `extra` the operation needs (the random stream, if a BERNOULLI was fused; the first index, if a TOP was). */
static mw_op choose(const compiler *c, mw_node *of, mw_node operands[MW_PROGRAM_OPERANDS], uint32_t *count) {
  const mw_node node = *of;
  mw_graph_node_facts facts = mw_graph_facts(c->graph, node);
  *count = 0;
  if (mw_graph_op_class(facts.op) == MW_CLASS_SPREAD)
    return mw_graph_is_memory(mw_graph_facts(c->graph, facts.operand[0]).op) ? (mw_op)MW_PROGRAM_ACROSS : MW_OP_SPREAD;
  if (mw_graph_op_class(facts.op) == MW_CLASS_ROW) return (mw_op)MW_PROGRAM_KEPT;
  if (mw_graph_op_class(facts.op) == MW_CLASS_VIEW || mw_graph_is_memory(facts.op)) return MW_OP_INPUT;
  if (c->program->known && c->program->known[node]) return MW_OP_INPUT;
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
    match m = {.swallowed_count = 0};
    if (patterns[i].tree[0] != facts.op || !lay(c, patterns[i].tree, node, true, &m) ||
        !has_kernel(c, patterns[i].fused, m.operands))
      continue;
    for (unsigned k = 0; k < m.swallowed_count; k++) {
      c->s->fused[mw_cone_find(&c->s->cone, m.swallowed[k])] = 1;
      const mw_graph_class class = mw_graph_op_class(mw_graph_facts(c->graph, m.swallowed[k]).op);
      if (class == MW_CLASS_CHANCE || class == MW_CLASS_MASK) *of = m.swallowed[k];
    }
    *count = (uint32_t)mw_graph_op_operands((mw_op)patterns[i].fused);
    memcpy(operands, m.operands, *count * sizeof *operands);
    return (mw_op)patterns[i].fused;
  }
  *count = facts.operands;
  for (uint32_t i = 0; i < facts.operands && i < MW_PROGRAM_OPERANDS; i++) operands[i] = facts.operand[i];
  return facts.op;
}

static mw_program_instruction *emit(compiler *c, uint8_t code, mw_node node) {
  mw_program *p = c->program;
  if (!mw_mem_grow(&p->code, &p->code_capacity, p->length + 1, sizeof *p->code, c->err)) return NULL;
  p->code[p->length] = (mw_program_instruction){.code = code, .node = node};
  return &p->code[p->length++];
}

/* Operands are cone indices at first; `assign` replaces them by registers. More than 65535 cone nodes are refused: no recipe has
 * nearly as many. */
static bool operands_of(compiler *c, mw_program_instruction *step, const mw_node *operands, uint32_t first, uint32_t count) {
  mw_program *p = c->program;
  for (uint32_t i = first; i < count; i++) {
    long at = mw_cone_find(&c->s->cone, operands[i]);
    if (at >= 0) {
      step->operand[i] = (uint16_t)at;
      c->s->last[at] = (uint32_t)p->length - 1;
      continue;
    }
    step->form |= (uint8_t)(1u << i);
    MW_TRY(slot(c, &p->scalars, &p->scalar_count, &p->scalar_capacity, operands[i], &step->operand[i]));
  }
  return true;
}

static bool emit_value(compiler *c, const mw_node *value, mw_node mean) {
  mw_program_instruction *step = emit(c, MW_PROGRAM_VALUE, mean);
  return step && operands_of(c, step, value, 0, 1);
}

/* A tree is matched from its outermost operation, so operations are chosen first, from the last node backwards; then the code is
 * generated forwards. */
static bool generate(compiler *c) {
  mw_program *p = c->program;
  mw_cone *cone = &c->s->cone;
  typedef struct choice { mw_node operands[MW_PROGRAM_OPERANDS]; uint32_t count; mw_node of; uint8_t op; size_t value, values; } choice;
  choice *choices = mw_mem_new(cone->count + 1, sizeof *choices, c->err);
  if (!choices) return false;
  bool ok = true;
  mw_op mean;
  c->s->value_count = 0;
  for (size_t i = cone->count; i-- > 0;)
    if (!c->s->fused[i]) {
      choices[i].of = cone->nodes[i];
      choices[i].value = c->s->value_count;
      if (!(ok = choose_mean(c, cone->nodes[i], choices[i].operands, &mean))) break;
      choices[i].values = c->s->value_count - choices[i].value;
      if (mean) choices[i].op = (uint8_t)mean, choices[i].count = (uint32_t)mw_graph_op_operands(mean);
      else choices[i].op = (uint8_t)choose(c, &choices[i].of, choices[i].operands, &choices[i].count);
    }
  for (size_t i = 0; i < cone->count && ok; i++) {
    if (c->s->fused[i]) continue;
    mw_node node = cone->nodes[i];
    for (size_t v = 0; v < choices[i].values && ok; v++) ok = emit_value(c, &c->s->values[choices[i].value + v], node);
    mw_program_instruction *step = ok ? emit(c, choices[i].op, choices[i].of) : NULL;
    if (!step) { ok = false; break; }
    step->dst = (uint16_t)i;
    uint16_t index = (uint16_t)choices[i].values;
    if (choices[i].op == MW_OP_INPUT)
      ok = slot(c, &p->inputs, &p->input_count, &p->input_capacity, node, &index);
    else if (mw_sections_read(c->graph, node))
      index = (uint16_t)mw_sections_kept(p, mw_sections_read(c->graph, node));
    else if (choices[i].op == MW_PROGRAM_ACROSS)
      ok = slot(c, &p->vectors, &p->vector_count, &p->vector_capacity, mw_graph_facts(c->graph, node).operand[0], &index);
    else if (choices[i].op == MW_OP_COLUMNS)
      ok = slot(c, &p->vectors, &p->vector_count, &p->vector_capacity, choices[i].operands[1], &index) &&
           operands_of(c, step, choices[i].operands, 0, 1);
    else
      ok = operands_of(c, step, choices[i].operands,
                       mw_graph_op_first((mw_op)choices[i].op), choices[i].count);
    step->index = index;
  }
  free(choices);
  return ok;
}

/* What a section ends with: a root of the program, or a value that is kept. */
typedef struct target {
  mw_program_root root;
  uint32_t index; /* among the roots, or in `kept` */
  bool keep;      /* a vector's values are kept */
} target;

static bool finish(compiler *c, const target *targets, size_t count) {
  for (size_t t = 0; t < count; t++) {
    mw_program_root root = targets[t].root;
    mw_node values[2];
    unsigned n = mw_cone_values(c->graph, root, values);
    uint8_t code = targets[t].keep ? MW_PROGRAM_KEEP : root.store ? MW_PROGRAM_STORE : root.remember ? MW_PROGRAM_REMEMBER
                   : (uint8_t)mw_graph_facts(c->graph, root.node).op;
    mw_program_instruction *step = emit(c, code, root.node);
    if (!step) return false;
    step->index = targets[t].index;
    MW_TRY(operands_of(c, step, values, 0, n));
  }
  return true;
}

bool mw_program_only_elects(const mw_program *p, size_t scalar) {
  if (p->quantum) return false;
  for (const mw_program_instruction *step = p->code; step < p->code + p->length; step++)
    for (unsigned o = 0; o < MW_PROGRAM_OPERANDS; o++)
      if (step->form >> o & 1 && step->operand[o] == scalar && (step->code != MW_OP_DISJOINT_MEAN || o != 1)) return false;
  return true;
}

bool mw_program_writes(const mw_program_instruction *step) {
  if (step->code == MW_PROGRAM_KEPT || step->code == MW_PROGRAM_ACROSS) return true;
  if (step->code >= MW_OP_COUNT) return false;
  return !mw_graph_op_is_sink((mw_op)step->code) && mw_graph_op_class((mw_op)step->code) != MW_CLASS_ROW;
}

void mw_program_reads(const mw_program_instruction *step, unsigned *first, unsigned *last) {
  bool writes = mw_program_writes(step);
  *first = writes && step->code < MW_OP_COUNT ? mw_graph_op_first((mw_op)step->code) : 0;
  if (step->code == MW_OP_DOT || step->code == MW_OP_ROW_DOT || step->code == MW_OP_COLUMN_DOT) *last = 2;
  else if (step->code == MW_OP_SPREAD || step->code == MW_PROGRAM_KEPT || step->code == MW_PROGRAM_ACROSS) *last = 0;
  else if (!writes || step->code == MW_OP_COLUMNS) *last = 1;
  else *last = (unsigned)mw_graph_op_operands((mw_op)step->code);
}

/* Cone indices become registers. A register is free after the last use of its value, so also for the result of that same step. */
static bool assign(compiler *c, size_t from) {
  mw_program *p = c->program;
  scratch *s = c->s;
  unsigned registers = 0;
  s->free_count = 0;
  for (size_t i = from; i < p->length; i++) {
    mw_program_instruction *step = &p->code[i];
    unsigned first, last;
    mw_program_reads(step, &first, &last);
    for (unsigned o = first; o < last; o++) {
      if (step->form >> o & 1) continue;
      uint16_t value = step->operand[o];
      step->operand[o] = s->place[value];
      if (s->last[value] != i) continue;
      s->last[value] = UINT32_MAX; /* freed once, also if it is both operands */
      MW_TRY(mw_mem_grow(&s->free, &s->free_capacity, s->free_count + 1, sizeof *s->free, c->err));
      s->free[s->free_count++] = s->place[value];
    }
    if (!mw_program_writes(step)) continue;
    uint16_t value = step->dst;
    if (!s->free_count && registers >= MAX_REGISTERS)
      return mw_error_set(c->err, MW_DATA, "a recipe's expression keeps more than %d tensors at once", MAX_REGISTERS);
    s->place[value] = step->dst = s->free_count ? s->free[--s->free_count] : (uint16_t)registers++;
  }
  if (registers > p->registers) p->registers = registers;
  return true;
}

/* Compiles the section that ends with these targets, over vectors of `run` elements a value. */
static bool compile_section(compiler *c, const target *targets, size_t count, uint64_t run) {
  mw_program *p = c->program;
  scratch *s = c->s;
  mw_cone_clear(&s->cone);
  for (size_t t = 0; t < count; t++) {
    mw_node values[2];
    unsigned n = mw_cone_values(c->graph, targets[t].root, values);
    for (unsigned i = 0; i < n; i++) MW_TRY(mw_cone_add(&s->cone, c->graph, values[i], c->err));
  }
  size_t nodes = s->cone.count, from = p->length;
  if (nodes > UINT16_MAX)
    return mw_error_set(c->err, MW_DATA, "a recipe's expression for one tensor has more than %d steps", UINT16_MAX);
  MW_TRY(mw_mem_grow(&s->fused, &s->fused_capacity, nodes, sizeof *s->fused, c->err));
  MW_TRY(mw_mem_grow(&s->last, &s->last_capacity, nodes, sizeof *s->last, c->err));
  MW_TRY(mw_mem_grow(&s->place, &s->place_capacity, nodes, sizeof *s->place, c->err));
  memset(s->fused, 0, nodes);
  memset(s->last, 0xff, nodes * sizeof *s->last);
  MW_TRY(generate(c) && finish(c, targets, count) && assign(c, from));
  MW_TRY(mw_mem_grow(&p->sections, &p->section_capacity, p->section_count + 1, sizeof *p->sections, c->err));
  p->sections[p->section_count++] = (mw_program_section){from, p->length - from, run};
  return true;
}

static bool is_row(const compiler *c, const mw_program_kept *kept) {
  return mw_graph_op_class(mw_graph_facts(c->graph, kept->node).op) == MW_CLASS_ROW;
}

/* The section of a phase that finds all its ROWs, or the vectors with the run of kept[first] that come from there on. */
static bool compile_kept(compiler *c, target *targets, unsigned phase, bool rows, size_t first) {
  const mw_program *p = c->program;
  size_t count = 0;
  for (size_t k = first; k < p->kept_count; k++) {
    const mw_program_kept *kept = &p->kept[k];
    if (kept->phase != phase || is_row(c, kept) != rows || (!rows && kept->run != p->kept[first].run)) continue;
    targets[count++] = (target){{.node = kept->node, .store = !rows}, (uint32_t)k, !rows};
  }
  return !count || compile_section(c, targets, count, rows ? 1 : p->kept[first].run);
}

/* All sections before the last one: phase by phase the sweep over the elements that finds its ROWs, then the vectors made of these. */
static bool compile_phases(compiler *c, target *targets) {
  const mw_program *p = c->program;
  unsigned last = 0;
  for (size_t k = 0; k < p->kept_count; k++)
    if (p->kept[k].phase > last) last = p->kept[k].phase;
  for (unsigned phase = 0; phase <= last; phase++) {
    MW_TRY(compile_kept(c, targets, phase, true, 0));
    for (size_t k = 0; k < p->kept_count; k++) {
      bool met = p->kept[k].phase != phase || is_row(c, &p->kept[k]);
      for (size_t i = 0; i < k && !met; i++) met = p->kept[i].phase == phase && !is_row(c, &p->kept[i]) && p->kept[i].run == p->kept[k].run;
      if (!met) MW_TRY(compile_kept(c, targets, phase, false, k));
    }
  }
  return true;
}

bool mw_program_compile(mw_program *program, const mw_graph *graph, const mw_program_root *roots, size_t count, mw_error *err) {
  if (!program->scratch && !(program->scratch = mw_mem_new(1, sizeof(scratch), err))) return false;
  scratch *s = program->scratch;
  program->length = program->section_count = 0;
  program->registers = 0;
  s->cone.known = program->known;
  MW_TRY(clear_slots(program, graph, err) && mw_sections_find(program, graph, roots, count, &s->cone, err));
  compiler c = {program, graph, s, err};
  size_t most = count > program->kept_count ? count : program->kept_count;
  MW_TRY(mw_mem_grow(&s->targets, &s->target_capacity, most, sizeof(target), err));
  target *targets = s->targets;
  MW_TRY(compile_phases(&c, targets));
  for (size_t r = 0; r < count; r++) targets[r] = (target){roots[r], (uint32_t)r, false};
  return compile_section(&c, targets, count, program->run);
}

void mw_program_free(mw_program *program) {
  scratch *s = program->scratch;
  if (s) {
    mw_cone_free(&s->cone);
    free(s->fused);
    free(s->last);
    free(s->place);
    free(s->free);
    free(s->slots);
    free(s->targets);
    free(s->values);
    free(s);
  }
  free(program->code);
  free(program->inputs);
  free(program->scalars);
  free(program->vectors);
  free(program->sections);
  free(program->kept);
  memset(program, 0, sizeof *program);
}
