/* divide.c: see divide.h. What a rank notes has the number of the step that gave it. At the meeting the steps are gone through in their
 * order: where they are another rank's than before, gradients are handed on. */
#include "learn/divide.h"
#include "learn/net.h"
#include <stdlib.h>
#include <string.h>

typedef struct note {
  uint32_t step, slot;
  size_t at; /* of a tensor */
  double value;
} note;

struct mw_divide {
  const mw_ranks *ranks;
  uint32_t step; /* that is running */
  note *notes;
  size_t count, capacity;
  uint64_t *numbers; /* what is told: of scalars, or of gradients */
  size_t scalars, gradients; /* how many there are of each */
  uint32_t *owners; /* of every slot: the rank of its unit */
};

/* What is a unit's: an activation, or a scalar of activations, but no arithmetic of such scalars. */
static bool is_network(const mw_tape_slot *s) {
  return s->facts.whole && (s->facts.shape || mw_graph_op_class(s->facts.op) != MW_CLASS_MAP);
}

/* A gradient that terms of several ranks may add to. */
static bool is_shared(const mw_tape_slot *s) { return !s->facts.whole && s->wants; }

/* ---- who does what ---- */

static uint32_t find(uint32_t *parent, uint32_t i) {
  while (parent[i] != i) i = parent[i] = parent[parent[i]];
  return i;
}

/* unit[i]: the lowest slot of the unit of slot i. */
static void find_units(const mw_tape *tape, uint32_t *unit) {
  for (uint32_t i = 0; i < tape->slot_count; i++) unit[i] = i;
  for (uint32_t i = 0; i < tape->slot_count; i++) {
    const mw_tape_slot *s = &tape->slots[i];
    for (uint32_t o = mw_graph_op_first(s->facts.op); is_network(s) && o < s->facts.operands; o++) {
      const mw_tape_slot *operand = s->facts.op == MW_OP_ROPE && o ? NULL : mw_tape_find(tape, s->facts.operand[o]);
      if (!operand || !is_network(operand)) continue;
      uint32_t a = find(unit, i), b = find(unit, (uint32_t)(operand - tape->slots));
      if (a < b) unit[b] = a;
      else unit[a] = b;
    }
  }
  for (uint32_t i = 0; i < tape->slot_count; i++) unit[i] = find(unit, i);
}

/* Whether all that leaves a unit is scalars, and what is noted. */
static bool can_be(const mw_tape *tape) {
  bool meets = false;
  for (size_t i = 0; i < tape->weight_count; i++)
    if (!mw_weights_shares_rows(&tape->weights[i])) return false;
  for (size_t i = 0; i < tape->step_count; i++) {
    const mw_tape_step *step = &tape->steps[i];
    meets |= step->kind == MW_STEP_MEET;
    for (size_t p = 0; p < step->propagation_count && is_network(&tape->slots[step->slot]); p++)
      if (step->propagations[p].how == MW_PROPAGATE_STORE && is_shared(&tape->slots[step->propagations[p].slot])) return false;
  }
  return meets;
}

/* Deals out the units, in their order, by what their slots cost. unit[i] becomes the rank of slot i. False: there is but one unit. */
static bool deal_out(const mw_tape *tape, uint32_t *unit, uint64_t *costs) {
  uint64_t all = 0, at = 0;
  bool several = false;
  for (uint32_t i = 0; i < tape->slot_count; i++) {
    uint64_t cost = is_network(&tape->slots[i]) ? (uint64_t)mw_cost_of_slot(tape, &tape->slots[i]) + 1 : 0;
    costs[unit[i]] += cost;
    all += cost;
  }
  for (uint32_t i = 0; i < tape->slot_count; i++) {
    uint32_t first = unit[i];
    if (first < i) {
      unit[i] = unit[first]; /* a rank by now */
      continue;
    }
    unit[i] = mw_ranks_at(at, costs[i], all, tape->world->ranks->count);
    at += costs[i];
    several |= costs[i] && costs[i] != all;
  }
  return several;
}

static bool begin(mw_tape *tape, uint32_t *owners, mw_error *err) {
  struct mw_divide *d = tape->divided = mw_mem_new(1, sizeof *d, err);
  if (!d) return free(owners), false;
  d->ranks = tape->world->ranks;
  d->owners = owners;
  for (size_t i = 0; i < tape->slot_count; i++) {
    const mw_tape_slot *s = &tape->slots[i];
    d->scalars += is_network(s) && !s->facts.shape;
    if (is_shared(s)) d->gradients += s->facts.shape ? (s->elements + 1) / 2 : 1;
  }
  return (d->numbers = mw_mem_new((d->scalars > d->gradients ? d->scalars : d->gradients) + 1, sizeof *d->numbers, err)) != NULL;
}

bool mw_divide_steps(mw_tape *tape, mw_error *err) {
  tape->together = tape->world->ranks != NULL;
  if (!tape->together || !can_be(tape)) return true;
  size_t n = tape->slot_count + 1;
  uint32_t *unit = mw_mem_new(n, sizeof *unit, err);
  uint64_t *costs = unit ? mw_mem_new(n, sizeof *costs, err) : NULL;
  if (costs) find_units(tape, unit);
  bool several = costs && deal_out(tape, unit, costs);
  free(costs);
  if (!several) return free(unit), costs != NULL;
  for (size_t i = 0; i < tape->step_count; i++) {
    mw_tape_step *step = &tape->steps[i];
    bool network = (step->kind == MW_STEP_FORWARD || step->kind == MW_STEP_BACK) && is_network(&tape->slots[step->slot]);
    step->rank = network ? unit[step->slot] : MW_RANKS_EVERY;
  }
  tape->together = false;
  return begin(tape, unit, err);
}

void mw_divide_free(mw_tape *tape) {
  if (!tape->divided) return;
  free(tape->divided->notes);
  free(tape->divided->numbers);
  free(tape->divided->owners);
  free(tape->divided);
}

bool mw_divide_is_own(const mw_tape *tape, const mw_tape_step *step) {
  struct mw_divide *d = tape->divided;
  if (!d) return true;
  d->step = (uint32_t)(step - tape->steps);
  return step->rank == MW_RANKS_EVERY || step->rank == d->ranks->rank;
}

/* ---- gradients ---- */

bool mw_divide_reserve(mw_tape *tape, size_t count, mw_error *err) {
  struct mw_divide *d = tape->divided;
  return !d || mw_mem_grow(&d->notes, &d->capacity, d->count + count, sizeof *d->notes, err);
}

static void add(mw_tape_slot *slot, size_t at, double value) {
  if (slot->facts.shape) slot->gradient[at] += (float)value;
  else slot->scalar_gradient += value;
}

void mw_divide_add(mw_tape *tape, mw_tape_slot *slot, size_t at, double value) {
  struct mw_divide *d = tape->divided;
  if (!d || !is_shared(slot) || tape->steps[d->step].rank == MW_RANKS_EVERY) add(slot, at, value);
  else d->notes[d->count++] = (note){d->step, (uint32_t)(slot - tape->slots), at, value};
}

/* ---- the meeting ---- */

/* Puts numbers in a row, zeros for those that are another rank's; or takes all of them from there. */
static void pass_scalars(mw_tape *tape, bool take) {
  const struct mw_divide *d = tape->divided;
  uint64_t *next = d->numbers;
  for (size_t i = 0; i < tape->slot_count; i++) {
    mw_tape_slot *s = &tape->slots[i];
    if (!is_network(s) || s->facts.shape) continue;
    if (take) memcpy(&s->scalar, next, sizeof s->scalar);
    else *next = 0;
    if (!take && d->owners[i] == d->ranks->rank) memcpy(next, &s->scalar, sizeof s->scalar);
    next++;
  }
}

static void pass_gradients(mw_tape *tape, bool own, bool take) {
  struct mw_divide *d = tape->divided;
  uint64_t *next = d->numbers;
  if (!take) memset(next, 0, d->gradients * sizeof *next);
  for (size_t i = 0; i < tape->slot_count; i++) {
    mw_tape_slot *s = &tape->slots[i];
    if (!is_shared(s)) continue;
    void *bytes = s->facts.shape ? (void *)s->gradient : (void *)&s->scalar_gradient;
    size_t size = s->facts.shape ? s->elements * sizeof *s->gradient : sizeof s->scalar_gradient;
    if (take) memcpy(bytes, next, size);
    else if (own) memcpy(next, bytes, size);
    next += (size + sizeof *next - 1) / sizeof *next;
  }
}

/* The gradients as they are when rank `from` has added what it has noted. */
static bool hand_on(mw_tape *tape, uint32_t from, mw_error *err) {
  struct mw_divide *d = tape->divided;
  pass_gradients(tape, from == d->ranks->rank, false);
  MW_TRY(d->ranks->combine(MW_RANKS_UNITE, d->numbers, d->gradients, err));
  pass_gradients(tape, false, true);
  return true;
}

bool mw_divide_meet(mw_tape *tape, mw_error *err) {
  struct mw_divide *d = tape->divided;
  if (!d) return true;
  pass_scalars(tape, false);
  MW_TRY(d->ranks->combine(MW_RANKS_UNITE, d->numbers, d->scalars, err));
  pass_scalars(tape, true);
  uint32_t adds = MW_RANKS_EVERY; /* the rank whose steps these are */
  size_t next = 0;
  for (size_t i = 0; i < tape->step_count; i++) {
    const mw_tape_step *step = &tape->steps[i];
    if (step->kind != MW_STEP_BACK || step->rank == MW_RANKS_EVERY) continue;
    if (adds != MW_RANKS_EVERY && step->rank != adds) MW_TRY(hand_on(tape, adds, err));
    adds = step->rank;
    for (const note *n; next < d->count && (n = &d->notes[next])->step == i; next++) add(&tape->slots[n->slot], n->at, n->value);
  }
  d->count = 0;
  return adds == MW_RANKS_EVERY || hand_on(tape, adds, err);
}

/* ---- within a product ---- */

/* Below so many floating-point operations of a product it takes longer to tell the others. */
static const double worth = 4e6;

static size_t first_of(size_t items, uint32_t rank, uint32_t count) { return items * rank / count; }

mw_divide_panels mw_divide_product(const mw_tape *tape, size_t items, double operations) {
  const mw_ranks *ranks = tape->world->ranks;
  if (!tape->together || items < 2 || operations < worth) return (mw_divide_panels){0, items, false};
  size_t first = first_of(items, ranks->rank, ranks->count);
  return (mw_divide_panels){first, first_of(items, ranks->rank + 1, ranks->count) - first, true};
}

/* Copies the columns of a rank out of the matrix, one after the other a row of them, or into it. */
static void copy_columns(float *matrix, size_t rows, size_t columns, size_t first, size_t end, float *packed, bool out) {
  for (size_t r = 0; r < rows && first < end; r++) {
    float *row = matrix + r * columns + first, *part = packed + r * (end - first);
    memcpy(out ? part : row, out ? row : part, (end - first) * sizeof *row);
  }
}

static bool gather_rows(const mw_ranks *ranks, float *matrix, size_t rows, size_t columns, size_t panel, size_t items, float *own,
                        size_t most, mw_error *err) {
  float *all = own + most;
  for (uint32_t turn = 0; turn <= ranks->count; turn++) { /* this rank's out, then of each rank in */
    uint32_t rank = turn ? turn - 1 : ranks->rank;
    size_t first = first_of(items, rank, ranks->count) * panel, end = first_of(items, rank + 1, ranks->count) * panel;
    copy_columns(matrix, rows, columns, first, end < columns ? end : columns, turn ? all + rank * most : own, !turn);
    if (!turn) MW_TRY(ranks->gather(own, all, most * sizeof *own, err));
  }
  return true;
}

/* Some rows at a time, of about 16 MiB. */
bool mw_divide_gather(const mw_tape *tape, float *matrix, size_t rows, size_t columns, size_t panel, size_t items, mw_error *err) {
  const mw_ranks *ranks = tape->world->ranks;
  size_t width = (items + ranks->count - 1) / ranks->count * panel; /* of the rank with most */
  size_t step = (4u << 20) / (width * ranks->count) + 1;
  if (step > rows) step = rows;
  float *buffer = mw_mem_new((ranks->count + 1) * step, width * sizeof *buffer, err);
  bool ok = buffer != NULL;
  for (size_t r = 0; r < rows && ok; r += step) {
    size_t n = rows - r < step ? rows - r : step;
    ok = gather_rows(ranks, matrix + r * columns, n, columns, panel, items, buffer, n * width, err);
  }
  free(buffer);
  return ok;
}
