/* statistics.c: runs each group of parts.h: forward once through all parts, for gradients then back from the last to the first.
 * Where a part ends its activation is stored for all batches: forward only the latest end is needed, back all of them. Batches are run in
 * rounds: one each process. */
#include "learn/statistics.h"
#include "learn/parts.h"
#include "learn/tape.h"
#include "num/gemm.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 64, ELEMENTS = 16 << 10 }; /* of an item of work */
enum { TRADED = 1 << 20 };                  /* elements of a gradient that are given to another process at once */

/* One statistic while it is found. */
typedef struct gathered {
  mw_node node;
  mw_graph_node_facts facts;
  float *sums;      /* of GRAM, GRADIENT and FISHER; at last the result */
  double *columns;  /* of MOMENT */
  size_t elements;
} gathered;

typedef struct finder {
  const mw_train_world *world;
  const mw_statistics_watch *watch;
  mw_thread_pool pool;
  const mw_parts_group *group;
  const mw_dataset *set;
  mw_batch batch;       /* the current one: which rows hold tokens */
  size_t batches;       /* of the data set */
  gathered *gathered;   /* of the current part */
  size_t count;
  float **ends;         /* [parts] what the part ends with, of all batches */
  float *gradients;     /* of the same, of the part that goes back next */
  float *come;          /* what all ranks have found of one statistic in a round, or NULL where there is one */
  size_t room;          /* floats of it */
  uint64_t done, total; /* batches of all groups and parts */
} finder;

static mw_graph_node_facts facts_of(const finder *f, mw_node node) { return mw_graph_facts(f->world->graph, node); }
static size_t elements_of(const finder *f, mw_node node) { return (size_t)mw_graph_elements(f->world->graph, facts_of(f, node).shape); }

/* ---- what a tape of a part is for ---- */

/* `nodes` has room for all statistics and one more. Forward: what they are of and where the part ends are kept. */
static mw_tape_aim aim_of(const mw_graph *graph, const mw_parts_group *g, const mw_parts_part *part, bool back, mw_node *nodes) {
  mw_tape_aim aim = {.given = part->from, .kept = back ? NULL : nodes, .trained = back ? nodes : NULL};
  for (size_t i = 0; i < part->count && (back || !g->loss); i++) {
    mw_graph_node_facts facts = mw_graph_facts(graph, g->nodes[part->first + i]);
    nodes[back ? aim.trained_count++ : aim.kept_count++] = facts.operand[back];
  }
  if (back && part->to) aim.last = part->to;
  if (back && !part->to) aim.loss = g->loss;
  if (!back && part->to) nodes[aim.kept_count++] = part->to;
  return aim;
}

/* Whether the gradient of what a part begins with is wanted: there is something to be found below it. */
static bool goes_on_back(const mw_parts_group *g, const mw_parts_part *part) { return part->first > 0 && g->loss; }

static bool make_tape(const mw_train_world *world, const mw_parts_group *g, const mw_parts_part *part, bool back, mw_thread_pool *pool,
                      mw_tape **tape, mw_error *err) {
  mw_node *nodes = mw_mem_new(part->count + 1, sizeof *nodes, err);
  if (!nodes) return false;
  mw_tape_aim aim = aim_of(world->graph, g, part, back, nodes);
  aim.given_wants = back && goes_on_back(g, part);
  bool ok = mw_tape_make(world, &aim, pool, tape, err);
  free(nodes);
  return ok;
}

/* The parts that a group runs forward before it goes back: all but the last one. */
static size_t forward_parts(const mw_parts_group *g) { return g->loss ? g->part_count - 1 : g->part_count; }
/* The first part that goes back. */
static size_t first_back(const mw_parts_group *g) {
  size_t p = 0;
  while (p + 1 < g->part_count && !g->parts[p].count) p++;
  return p;
}

static size_t batches_of(const mw_train_world *world, const mw_parts_group *g) {
  mw_graph_node_facts tokens = mw_graph_facts(world->graph, g->tokens);
  size_t windows = (size_t)(mw_graph_elements(world->graph, tokens.shape) / tokens.extra[1]);
  return tokens.extra[0] < world->set_count ? (world->sets[tokens.extra[0]]->count + windows - 1) / windows : 0;
}

/* ---- what it takes ---- */

static bool add_cost(const mw_train_world *world, const mw_parts_group *g, const mw_parts_part *part, bool back, uint64_t stored,
                     mw_statistics_cost *cost, mw_error *err) {
  mw_tape *tape;
  size_t batches = batches_of(world, g);
  MW_TRY(make_tape(world, g, part, back, NULL, &tape, err));
  mw_train_cost own = mw_cost_of(tape, NULL, 0);
  uint64_t memory = own.memory + stored;
  for (size_t i = 0; i < part->count; i++) {
    mw_graph_node_facts facts = mw_graph_facts(world->graph, g->nodes[part->first + i]);
    double elements = (double)mw_graph_elements(world->graph, facts.shape);
    if (back || !g->loss) memory += (uint64_t)elements * (facts.op == MW_OP_MOMENT ? sizeof(double) + sizeof(float) : sizeof(float));
    if (facts.op == MW_OP_GRAM)
      own.products += elements * (double)mw_graph_dims(world->graph, mw_graph_facts(world->graph, facts.operand[0]).shape)[0];
    own.touched += 2 * elements;
  }
  mw_tape_free(tape);
  if (memory > cost->memory) cost->memory = memory;
  cost->products += own.products * (double)batches;
  cost->touched += own.touched * (double)batches;
  cost->batches += batches;
  return true;
}

/* Bytes of an activation of all batches. */
static uint64_t stored_bytes(const mw_train_world *world, const mw_parts_group *g, mw_node end) {
  return end ? mw_graph_elements(world->graph, mw_graph_facts(world->graph, end).shape) * sizeof(float) * batches_of(world, g) : 0;
}

static bool measure_group(const mw_train_world *world, const mw_parts_group *g, mw_statistics_cost *cost, mw_error *err) {
  uint64_t stored = 0, most = 0;
  for (size_t p = 0; p < forward_parts(g); p++) {
    uint64_t own = stored_bytes(world, g, g->parts[p].to);
    stored = g->loss ? stored + own : stored_bytes(world, g, g->parts[p].from) + own;
    if (own > most) most = own;
    MW_TRY(add_cost(world, g, &g->parts[p], false, stored, cost, err));
  }
  for (size_t p = g->loss ? g->part_count : 0; p-- > first_back(g);)
    MW_TRY(add_cost(world, g, &g->parts[p], true, stored + most, cost, err));
  for (size_t i = 0; i < g->count; i++)
    cost->bytes += mw_graph_elements(world->graph, mw_graph_facts(world->graph, g->nodes[i]).shape) * sizeof(float);
  return true;
}

bool mw_statistics_measure(const mw_train_world *world, const mw_node *nodes, size_t count, uint64_t room, mw_statistics_cost *cost,
                           mw_error *err) {
  mw_parts parts;
  *cost = (mw_statistics_cost){0};
  MW_TRY(mw_parts_make(&parts, world->graph, nodes, count, room, err));
  bool ok = true;
  for (size_t g = 0; g < parts.count && ok; g++) ok = measure_group(world, &parts.groups[g], cost, err);
  mw_parts_free(&parts);
  return ok;
}

/* ---- adding up ---- */

/* The rows of window w that count: first[0 .. n). */
static size_t rows_of(const finder *f, const gathered *s, size_t w, size_t *first) {
  size_t count = f->batch.counts[w], used = count < f->batch.length ? count : f->batch.length;
  *first = w * f->batch.length;
  if (s->facts.op != MW_OP_MOMENT || s->facts.extra[1] != 1 || !used) return used;
  *first += used - 1;
  return 1;
}

/* Items of which this process does every so many-th. */
typedef struct adding {
  const finder *f;
  gathered *s;
  const float *x; /* an activation, or a gradient */
  size_t n, panel, first, every; /* item i of the pool is item first + i * every */
} adding;

/* The upper half of X'X, a panel of rows of it: the columns of a window's rows times those that follow them. */
static bool add_products(void *context, size_t item, mw_thread_pool_worker *worker, mw_error *err) {
  const adding *a = context;
  size_t at = (a->first + item * a->every) * a->panel, m = a->n - at < a->panel ? a->n - at : a->panel, first;
  (void)worker, (void)err;
  for (size_t w = 0; w < a->f->batch.windows; w++) {
    size_t rows = rows_of(a->f, a->s, w, &first);
    mw_gemm_matrix x = {a->x + first * a->n + at, a->n};
    if (rows) mw_gemm_tn(m, a->n - at, rows, 1, x, x, 1, a->s->sums + at * a->n + at, a->n);
  }
  return true;
}

static bool add_columns(void *context, size_t item, mw_thread_pool_worker *worker, mw_error *err) {
  const adding *a = context;
  size_t from = (a->first + item * a->every) * COLUMNS, to = a->n - from < COLUMNS ? a->n : from + COLUMNS, first;
  (void)worker, (void)err;
  bool own_means = a->s->facts.extra[1] == 2;
  for (size_t w = 0; w < a->f->batch.windows; w++)
    for (size_t rows = rows_of(a->f, a->s, w, &first), r = first; r < first + rows; r++)
      for (size_t c = from; c < to; c++) {
        double x = (double)a->x[r * a->n + c], *sum = &a->s->columns[c];
        if (!a->s->facts.extra[0]) *sum += own_means ? x / (double)rows : x;
        else if (!(fabs(x) <= *sum)) *sum = fabs(x); /* what is no number stays */
      }
  return true;
}

static bool add_gradient(void *context, size_t item, mw_thread_pool_worker *worker, mw_error *err) {
  const adding *a = context;
  size_t from = item * ELEMENTS, to = a->n - from < ELEMENTS ? a->n : from + ELEMENTS;
  (void)worker, (void)err;
  float *sums = a->s->sums + a->first;
  if (a->s->facts.op == MW_OP_GRADIENT) for (size_t i = from; i < to; i++) sums[i] += a->x[i];
  else for (size_t i = from; i < to; i++) sums[i] += a->x[i] * a->x[i];
  return true;
}

static bool is_of_gradient(const gathered *s) { return s->facts.op == MW_OP_GRADIENT || s->facts.op == MW_OP_FISHER; }

/* Adds elements [first, first + n) of a gradient, which begin at x. */
static bool add_elements(finder *f, gathered *s, const float *x, size_t first, size_t n, mw_error *err) {
  adding a = {.f = f, .s = s, .x = x, .n = n, .first = first};
  return mw_thread_pool_run(&f->pool, (n + ELEMENTS - 1) / ELEMENTS, add_gradient, &a, err);
}

/* Adds an activation of the batch that f->batch is, this process its share of the items. */
static bool add_activation(finder *f, gathered *s, const float *x, mw_error *err) {
  const mw_ranks *ranks = f->world->ranks;
  bool products = s->facts.op != MW_OP_MOMENT;
  adding a = {f, s, x, s->elements, COLUMNS, ranks ? ranks->rank : 0, ranks ? ranks->count : 1};
  if (products) a.n = (size_t)mw_graph_dims(f->world->graph, s->facts.shape)[0], a.panel = mw_gemm_panel(a.n);
  size_t items = (a.n + a.panel - 1) / a.panel, own = items > a.first ? (items - a.first + a.every - 1) / a.every : 0;
  return mw_thread_pool_run(&f->pool, own, products ? add_products : add_columns, &a, err);
}

/* ---- what all processes have found in a round ---- */

static bool make_room(finder *f, size_t floats, mw_error *err) {
  if (floats <= f->room) return true;
  free(f->come);
  f->come = mw_mem_new(f->room = floats, sizeof *f->come, err);
  if (!f->come) f->room = 0;
  return f->come != NULL;
}

/* A gradient is cut into as many slices as there are processes; each adds its own slice of all gradients, a part of it at a time. */
static bool trade_gradients(finder *f, gathered *s, const float *x, size_t batches, mw_error *err) {
  const mw_ranks *ranks = f->world->ranks;
  size_t slice = (s->elements + ranks->count - 1) / ranks->count, part = slice < TRADED ? slice : TRADED;
  MW_TRY(make_room(f, 2 * part * ranks->count, err));
  float *given = f->come + part * ranks->count;
  for (size_t at = 0; at < slice; at += part) {
    size_t n = slice - at < part ? slice - at : part;
    for (size_t r = 0; r < ranks->count; r++)
      for (size_t i = 0; i < n; i++) given[r * n + i] = r * slice + at + i < s->elements ? x[r * slice + at + i] : 0;
    MW_TRY(ranks->trade(given, f->come, n * sizeof *given, err));
    size_t first = ranks->rank * slice + at, own = first < s->elements ? s->elements - first : 0;
    for (size_t b = 0; b < batches; b++) MW_TRY(add_elements(f, s, f->come + b * n, first, own < n ? own : n, err));
  }
  return true;
}

static bool gather_activations(finder *f, gathered *s, const float *x, size_t first, size_t batches, mw_error *err) {
  const mw_ranks *ranks = f->world->ranks;
  size_t n = elements_of(f, s->facts.operand[0]);
  MW_TRY(make_room(f, n * ranks->count, err) && ranks->gather(x, f->come, n * sizeof *x, err));
  for (size_t b = 0; b < batches; b++) {
    mw_batch_fill(&f->batch, f->set, (first + b) * f->batch.windows);
    MW_TRY(add_activation(f, s, f->come + b * n, err));
  }
  return true;
}

/* Adds what the batches [first, first + batches) have given, of which this process has run one, or in the last round none. */
static bool add(finder *f, const mw_tape *tape, gathered *s, size_t first, size_t batches, mw_error *err) {
  bool of_gradient = is_of_gradient(s);
  const mw_tape_slot *slot = mw_tape_find(tape, s->facts.operand[of_gradient]);
  const float *x = of_gradient ? slot->gradient : slot->values;
  if (f->world->ranks) return of_gradient ? trade_gradients(f, s, x, batches, err) : gather_activations(f, s, x, first, batches, err);
  return of_gradient ? add_elements(f, s, x, 0, s->elements, err) : add_activation(f, s, x, err);
}

/* What each has added to its elements, zeros elsewhere, is known to all. */
static bool unite(finder *f, gathered *s, mw_error *err) {
  const mw_ranks *ranks = f->world->ranks;
  if (!ranks) return true;
  if (s->columns) return ranks->combine(MW_RANKS_UNITE, (uint64_t *)(void *)s->columns, s->elements, err);
  return ranks->combine(MW_RANKS_UNITE, (uint64_t *)(void *)s->sums, (s->elements + 1) / 2, err);
}

/* ---- results ---- */

static bool begin(finder *f, const mw_parts_part *part, mw_error *err) {
  f->gathered = mw_mem_new(part->count + 1, sizeof *f->gathered, err);
  f->count = 0;
  if (!f->gathered) return false;
  for (; f->count < part->count; f->count++) {
    gathered *s = &f->gathered[f->count];
    s->node = f->group->nodes[part->first + f->count];
    s->facts = facts_of(f, s->node);
    s->elements = elements_of(f, s->node);
    s->columns = s->facts.op == MW_OP_MOMENT ? mw_mem_new(s->elements, sizeof *s->columns, err) : NULL;
    s->sums = mw_mem_new(s->elements + 1, sizeof *s->sums, err); /* one more: numbers of 8 bytes are told */
    if (!s->sums || (s->facts.op == MW_OP_MOMENT && !s->columns)) return f->count++, false;
  }
  return true;
}

static void end(finder *f) {
  for (size_t i = 0; i < f->count; i++) {
    free(f->gathered[i].sums);
    free(f->gathered[i].columns);
  }
  free(f->gathered);
  f->gathered = NULL;
  f->count = 0;
}

/* How many tokens or windows a statistic is the mean of. */
static double weight_of(const finder *f, const gathered *s) {
  double tokens = 0;
  if (s->facts.op == MW_OP_GRADIENT || s->facts.op == MW_OP_FISHER) return (double)f->batches;
  if (s->facts.op == MW_OP_MOMENT && s->facts.extra[1]) return (double)f->set->count;
  for (size_t w = 0; w < f->set->count; w++)
    tokens += f->set->windows[w].length < f->batch.length ? (double)f->set->windows[w].length : (double)f->batch.length;
  return tokens;
}

/* A tensor that a statistic can be known by: its own, or that of the layer that reads what it is of. */
static const char *name_of(const finder *f, const gathered *s) {
  const mw_graph *graph = f->world->graph;
  mw_node found = s->facts.operands > 1 ? s->facts.operand[1] : 0;
  for (mw_node id = 1; id <= mw_graph_count(graph) && !found; id++) {
    mw_graph_node_facts facts = mw_graph_facts(graph, id);
    if (facts.op == MW_OP_LINEAR && facts.operand[0] == s->facts.operand[0]) found = facts.operand[1];
  }
  mw_graph_node_facts facts = mw_graph_facts(graph, found);
  return found && facts.op == MW_OP_INPUT ? f->world->family->members[facts.extra[0]].tensors[facts.extra[1]].name : NULL;
}

static bool tell(finder *f, gathered *s, mw_error *err) {
  MW_TRY(unite(f, s, err));
  double weight = weight_of(f, s);
  size_t n = s->facts.op == MW_OP_GRAM ? (size_t)mw_graph_dims(f->world->graph, s->facts.shape)[0] : 0;
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < i; k++) s->sums[i * n + k] = s->sums[k * n + i];
  bool peak = s->facts.op == MW_OP_MOMENT && s->facts.extra[0];
  bool finite = true;
  for (size_t i = 0; i < s->elements; i++) {
    double sum = s->columns ? s->columns[i] : (double)s->sums[i];
    s->sums[i] = (float)(peak ? sum : sum / weight);
    finite = finite && isfinite(s->sums[i]);
  }
  const char *name = finite ? NULL : name_of(f, s);
  mw_text_escaped shown;
  if (!finite)
    return mw_error_set(err, MW_DATA, "what is found from data%s%s%s is not finite: the model's values or the network's overflow",
                        name ? " for tensor '" : "", name ? mw_text_escape_z(&shown, name) : "", name ? "'" : "");
  return f->watch->found(f->watch->context, s->node, s->sums, err);
}

static bool tell_all(finder *f, mw_error *err) {
  for (size_t i = 0; i < f->count; i++) MW_TRY(tell(f, &f->gathered[i], err));
  return true;
}

/* ---- running ---- */

static void fill(finder *f, mw_tape *tape, size_t batch) {
  mw_batch_fill(&f->batch, f->set, batch * f->batch.windows);
  for (size_t b = 0; b < tape->batch_count; b++) mw_batch_fill(&tape->batches[b], f->set, batch * f->batch.windows);
}

/* Between the slot of an activation and where its values of this batch are stored. */
static void load(const finder *f, const float *stored, mw_node node, float *slot, size_t batch) {
  size_t n = elements_of(f, node);
  memcpy(slot, stored + batch * n, n * sizeof *slot);
}
static void store(const finder *f, float *stored, mw_node node, const float *slot, size_t batch) {
  size_t n = elements_of(f, node);
  memcpy(stored + batch * n, slot, n * sizeof *slot);
}

static bool goes_on(finder *f, size_t batches, mw_error *err) {
  f->done += batches;
  return !f->watch->goes_on || f->watch->goes_on(f->watch->context, f->done, f->total) || mw_error_set(err, MW_INTERRUPTED, "interrupted");
}

static bool run_batch(finder *f, const mw_parts_part *part, size_t p, bool back, mw_tape *tape, size_t batch, mw_error *err) {
  mw_tape_slot *from = part->from ? mw_tape_find(tape, part->from) : NULL, *to = part->to ? mw_tape_find(tape, part->to) : NULL;
  fill(f, tape, batch);
  if (from) load(f, f->ends[p - 1], part->from, from->values, batch);
  if (to && back) load(f, f->gradients, part->to, to->gradient, batch);
  MW_TRY(mw_tape_run(tape, err));
  if (to && !back) store(f, f->ends[p], part->to, to->values, batch);
  if (back && from && from->gradient) store(f, f->gradients, part->from, from->gradient, batch);
  return true;
}

/* The batches from `first` on, one each process. */
static bool run_round(finder *f, const mw_parts_part *part, size_t p, bool back, mw_tape *tape, size_t first, size_t batches,
                      mw_error *err) {
  size_t own = f->world->ranks ? f->world->ranks->rank : 0;
  if (own < batches) MW_TRY(run_batch(f, part, p, back, tape, first + own, err));
  for (size_t i = 0; i < f->count; i++) MW_TRY(add(f, tape, &f->gathered[i], first, batches, err));
  return goes_on(f, batches, err);
}

/* All batches of a part, forward, or forward and back. */
static bool run_part(finder *f, size_t p, bool back, mw_error *err) {
  const mw_parts_part *part = &f->group->parts[p];
  const mw_parts_part none = {0};
  mw_tape *tape = NULL;
  if (part->to && !back && !(f->ends[p] = mw_mem_new(f->batches * elements_of(f, part->to), sizeof(float), err))) return false;
  bool ok = make_tape(f->world, f->group, part, back, &f->pool, &tape, err) && mw_train_vocabulary(tape, err) &&
            mw_tape_ready(tape, err) && begin(f, back || !f->group->loss ? part : &none, err);
  size_t each = f->world->ranks ? f->world->ranks->count : 1;
  for (size_t b = 0; b < f->batches && ok; b += each)
    ok = run_round(f, part, p, back, tape, b, f->batches - b < each ? f->batches - b : each, err);
  ok = ok && tell_all(f, err);
  end(f);
  mw_tape_free(tape);
  return ok;
}

/* Floats of the largest activation that a part ends with, of all batches. */
static size_t largest_end(const finder *f) {
  size_t most = 0;
  for (size_t p = 0; p + 1 < f->group->part_count; p++) {
    size_t n = elements_of(f, f->group->parts[p].to);
    if (n > most) most = n;
  }
  return most * f->batches;
}

static bool run_group(finder *f, mw_error *err) {
  const mw_parts_group *g = f->group;
  mw_graph_node_facts tokens = facts_of(f, g->tokens);
  if (!f->batches) return mw_error_set(err, MW_DATA, "there is no data set %llu", (unsigned long long)tokens.extra[0] + 1);
  f->set = f->world->sets[tokens.extra[0]];
  size_t length = (size_t)tokens.extra[1];
  MW_TRY(mw_batch_new(&f->batch, (size_t)mw_graph_elements(f->world->graph, tokens.shape) / length, length, err));
  if (!(f->ends = mw_mem_new(g->part_count, sizeof *f->ends, err))) return false;
  for (size_t p = 0; p < forward_parts(g); p++) {
    MW_TRY(run_part(f, p, false, err));
    if (!g->loss && p) free(f->ends[p - 1]), f->ends[p - 1] = NULL;
  }
  if (!g->loss) return true;
  if (!(f->gradients = mw_mem_new(largest_end(f) + 1, sizeof *f->gradients, err))) return false;
  for (size_t p = g->part_count; p-- > first_back(g);) MW_TRY(run_part(f, p, true, err));
  return true;
}

static void close_group(finder *f) {
  for (size_t p = 0; p < f->group->part_count && f->ends; p++) free(f->ends[p]);
  free(f->ends);
  free(f->gradients);
  f->ends = NULL;
  f->gradients = NULL;
  mw_batch_free(&f->batch);
}

static bool fits(const mw_train_world *world, const mw_statistics_cost *cost, mw_error *err) {
  mw_train_cost own = {.memory = cost->memory, .activations = cost->memory};
  MW_TRY(mw_gemm_begin(err));
  return mw_train_fits(&own, world->threads, err);
}

bool mw_statistics_find(const mw_train_world *world, const mw_node *nodes, size_t count, uint64_t room, const mw_statistics_watch *watch,
                        mw_error *err) {
  finder f = {.world = world, .watch = watch};
  mw_statistics_cost cost;
  mw_parts parts;
  MW_TRY(mw_statistics_measure(world, nodes, count, room, &cost, err) && fits(world, &cost, err));
  MW_TRY(mw_parts_make(&parts, world->graph, nodes, count, room, err));
  f.total = cost.batches;
  bool ok = mw_thread_pool_new(&f.pool, world->threads, err);
  for (size_t g = 0; g < parts.count && ok; g++) {
    f.group = &parts.groups[g];
    f.batches = batches_of(world, f.group);
    ok = run_group(&f, err);
    close_group(&f);
  }
  mw_thread_pool_free(&f.pool);
  free(f.come);
  mw_parts_free(&parts);
  return ok;
}
