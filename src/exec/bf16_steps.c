/* bf16_steps.c: first assumes that every load of a bf16 input and every store of a map's only result can go away, then takes
 * back what no kernel exists for (num/bf16_steps.def): a map whose combination is missing gives up its store, and if that
 * is not enough, all its inputs are loaded again. That may take a kernel from another map that reads the same input, so the
 * steps are looked at until nothing changes. A DOT, which is no map, reads its two tensors where they lie if both are bf16. It
 * cannot tell of a value that is not finite before it is added: of what it reads, the load becomes a look at it. */
#include "exec/bf16_steps.h"
#include <stdlib.h>
#include <string.h>

enum { NONE = UINT32_MAX };

/* A step, and which steps make its operands and store its result, by index. */
typedef struct flow {
  uint32_t maker[MW_PROGRAM_OPERANDS]; /* the step that computes an operand; NONE: it is a scalar, or there is none */
  uint32_t readers;                    /* how often its own result is read */
  uint32_t store;                      /* the store that this step does itself, or NONE */
  bool loads;                          /* this is a load that is left out: its readers read what is stored */
  bool bf16;                           /* and it is stored as bf16, else as floats, which serve as a tile where they lie */
  bool merged;                         /* this is a store that is left out: the step that computes its operand stores it */
  bool stored;                         /* this is a DOT of two bf16 */
  bool summed;                         /* this is a load that is left out, and such a DOT reads it */
  const mw_kernel_direct *direct;
} flow;

/* Whether a step that is no map can read two bf16 where they lie. */
static bool reads_two(const mw_tile *tile, uint32_t i) {
  return tile->steps[i].code->code == MW_OP_DOT && tile->kernels->dot_stored;
}

/* Finds the step that makes each operand, and the loads of bf16 and floats that only maps and such steps read. writer[r] is the step that
 * wrote register r. */
static void follow(const mw_tile *tile, flow *flows, uint32_t *writer, const mw_dtype *dtypes) {
  for (uint32_t i = 0; i < tile->step_count; i++) {
    const mw_program_instruction *code = tile->steps[i].code;
    flow *f = &flows[i];
    unsigned first, last;
    *f = (flow){.maker = {NONE, NONE, NONE, NONE}, .store = NONE};
    f->bf16 = code->code == MW_OP_INPUT && dtypes[code->index] == MW_DTYPE_BF16;
    f->loads = f->bf16 || (code->code == MW_OP_INPUT && dtypes[code->index] == MW_DTYPE_F32);
    mw_program_reads(code, &first, &last);
    for (unsigned o = first; o < last; o++) {
      if (code->form >> o & 1) continue;
      flow *maker = &flows[f->maker[o] = writer[code->operand[o]]];
      maker->readers++;
      if (!tile->steps[i].map && !reads_two(tile, i)) maker->loads = false;
    }
    if (mw_program_writes(code)) writer[code->dst] = i;
  }
}

/* Leaves out stores whose operand is the result of a map that nothing else reads. */
static void merge_stores(const mw_tile *tile, flow *flows) {
  for (uint32_t i = 0; i < tile->step_count; i++) {
    if (tile->steps[i].code->code != MW_PROGRAM_STORE || flows[i].maker[0] == NONE) continue;
    uint32_t maker = flows[i].maker[0];
    if (!tile->steps[maker].map || flows[maker].readers != 1) continue;
    flows[maker].store = i;
    flows[i].merged = true;
  }
}

static bool is_in_place(const flow *flows, const flow *f, int operand) {
  return f->maker[operand] != NONE && flows[f->maker[operand]].loads;
}

/* Which operands of a map are read from an input's buffer: a bit each; and of these, which are bf16. */
static uint8_t in_place_of(const flow *flows, const flow *f, uint8_t *stored) {
  uint8_t in_place = *stored = 0;
  for (int o = 0; o < MW_PROGRAM_OPERANDS; o++)
    if (is_in_place(flows, f, o)) {
      in_place |= (uint8_t)(1u << o);
      if (flows[f->maker[o]].bf16) *stored |= (uint8_t)(1u << o);
    }
  return in_place;
}

/* The kernel for this combination, or NULL. */
static const mw_kernel_direct *find(const mw_kernel_set *kernels, const mw_tile_step *step, uint8_t stored, bool stores) {
  for (size_t i = 0; i < kernels->direct_count; i++) {
    const mw_kernel_direct *d = &kernels->direct[i];
    if (d->kernel == step->kernel && d->one == step->code->form && d->stored == stored && d->stores == stores) return d;
  }
  return NULL;
}

/* Finds the kernel of a step. If there is none, gives up its store, or if it has none its inputs. Returns whether it gave up
 * anything: then this map, or others that read the same input, must be looked at again. */
static bool settle(const mw_tile *tile, flow *flows, uint32_t i) {
  flow *f = &flows[i];
  uint8_t stored, in_place = in_place_of(flows, f, &stored);
  f->direct = NULL;
  if ((!tile->steps[i].map && !reads_two(tile, i)) || (!in_place && f->store == NONE)) return false;
  if ((f->stored = reads_two(tile, i) && stored == 3)) return false;
  if (tile->steps[i].map && (f->direct = find(tile->kernels, &tile->steps[i], stored, f->store != NONE))) return false;
  if (f->store != NONE) {
    flows[f->store].merged = false;
    f->store = NONE;
    return true;
  }
  for (int o = 0; o < MW_PROGRAM_OPERANDS; o++)
    if (f->maker[o] != NONE) flows[f->maker[o]].loads = false;
  return true;
}

/* The step with its kernel: operands whose load is left out come from an input's buffer, a stored result goes to the output's. */
static mw_tile_step step_of(const mw_tile *tile, const flow *flows, uint32_t i) {
  const flow *f = &flows[i];
  mw_tile_step step = tile->steps[i];
  step.checks = f->summed;
  if (!f->direct && !f->stored) return step;
  step.direct = f->direct ? f->direct->map : NULL;
  step.sums_stored = f->stored;
  if (f->store != NONE) step.dst = NULL;
  for (int o = 0; o < MW_PROGRAM_OPERANDS; o++)
    if (is_in_place(flows, f, o)) {
      step.operand[o] = NULL;
      step.input[o] = tile->steps[f->maker[o]].code->index;
    }
  return step;
}

/* Marks the loads that a DOT does without. Returns whether any step reads or writes what is stored. */
static bool mark_sums(const mw_tile *tile, flow *flows) {
  bool any = false;
  for (uint32_t i = 0; i < tile->step_count; i++) {
    any |= flows[i].direct || flows[i].stored;
    for (int o = 0; o < 2 && flows[i].stored; o++) flows[flows[i].maker[o]].summed = true;
  }
  return any;
}

/* The inputs whose DOT step i is, where it reads both as they are stored. */
static bool is_dot_of(const mw_tile *tile, const flow *f, uint32_t *x, uint32_t *y) {
  if (f->stored) *x = tile->steps[f->maker[0]].code->index, *y = tile->steps[f->maker[1]].code->index;
  return f->stored;
}

/* The step of the dot of these two inputs, or NONE. */
static uint32_t dot_of(const mw_tile *tile, const flow *flows, uint32_t x, uint32_t y) {
  uint32_t i = 0, a, b;
  while (i < tile->step_count && !(is_dot_of(tile, &flows[i], &a, &b) && a == x && b == y)) i++;
  return i < tile->step_count ? i : NONE;
}

/* Finds two inputs whose dot and whose own squares are summed, as of a cosine: which steps do so, of both, of x and of y. */
static bool find_dots(const mw_tile *tile, const flow *flows, uint32_t which[3]) {
  for (uint32_t i = 0, x, y; i < tile->step_count; i++) {
    if (!is_dot_of(tile, &flows[i], &x, &y) || x == y) continue;
    which[0] = i, which[1] = dot_of(tile, flows, x, x), which[2] = dot_of(tile, flows, y, y);
    if (which[1] != NONE && which[2] != NONE) return true;
  }
  return false;
}

/* Three dots become one step, the first of all sinks, since it can still tell that a value is not finite. It looks at what it reads, so
 * that no other step need do so. */
static void join_dots(mw_tile *tile, const flow *flows) {
  uint32_t which[3];
  if (!find_dots(tile, flows, which)) return;
  const mw_program_instruction *code = tile->steps[which[0]].code;
  mw_tile_step all = {.code = code, .sums_all = true};
  for (int o = 0; o < 2; o++) all.input[o] = tile->steps[flows[which[0]].maker[o]].code->index;
  for (int d = 0; d < 3; d++) all.gathers[d] = tile->steps[which[d]].code->index;
  size_t kept = 0, place = SIZE_MAX;
  for (size_t i = 0; i < tile->fast_count; i++) {
    const mw_tile_step step = tile->fast[i];
    bool joined = step.checks && (step.code->index == all.input[0] || step.code->index == all.input[1]);
    for (int d = 0; d < 3; d++) joined |= step.code == tile->steps[which[d]].code;
    if (place == SIZE_MAX && !mw_program_writes(step.code)) place = kept++; /* this step is a sink, perhaps one of the three */
    if (!joined) tile->fast[kept++] = step;
  }
  tile->fast[place] = all;
  tile->fast_count = kept;
}

bool mw_bf16_steps_choose(mw_tile *tile, unsigned registers, const mw_dtype *dtypes, mw_dtype output, mw_error *err) {
  if (!tile->kernels->direct_count) return true;
  flow *flows = mw_mem_new(tile->step_count + 1, sizeof *flows, err);
  uint32_t *writer = flows ? mw_mem_new(registers + 1, sizeof *writer, err) : NULL;
  bool ok = writer && mw_mem_grow(&tile->fast, &tile->fast_capacity, tile->step_count, sizeof *tile->fast, err);
  if (ok) {
    follow(tile, flows, writer, dtypes);
    if (output == MW_DTYPE_BF16) merge_stores(tile, flows);
    for (bool again = true; again;) {
      again = false;
      for (uint32_t i = 0; i < tile->step_count; i++) again |= settle(tile, flows, i);
    }
    bool any = mark_sums(tile, flows);
    for (uint32_t i = 0; i < tile->step_count && any; i++)
      if (flows[i].summed || (!flows[i].loads && !flows[i].merged)) tile->fast[tile->fast_count++] = step_of(tile, flows, i);
    if (any) join_dots(tile, flows);
  }
  free(writer);
  free(flows);
  return ok;
}
