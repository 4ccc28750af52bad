/* bf16_steps.c: section by section, first assumes that every load of a bf16 input and every store of a map's only result can go
 * away, then takes back what no kernel exists for (num/bf16_steps.def): a map whose combination is missing gives up its store, and if that
 * is not enough, all its inputs are loaded again. That may take a kernel from another map that reads the same input, so the
 * steps are looked at until nothing changes. A DOT, which is no map, reads its two tensors where they lie if both are bf16. It
 * cannot tell of a value that is not finite before it is added: of what it reads, the load becomes a look at it. (Squares of rows look
 * themselves.) A SPREAD that only maps read is one number for them, if tiles end where its runs do. In the end, machine code
 * takes the place of steps where there is some for them (coded_steps.h). */
#include "exec/bf16_steps.h"
#include <stdlib.h>
#include <string.h>

enum { NONE = UINT32_MAX, LEAST_RUN = 256 };

/* A section. */
typedef struct part {
  mw_tile *tile;
  const mw_graph *graph;
  const mw_tile_step *steps;
  uint32_t count;
  uint64_t run; /* of its SPREADs */
} part;

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
  bool mixed;                          /* and one of them reads another input too */
  bool squares;                        /* this is a ROW_DOT of one bf16 and itself */
  bool lone;                           /* this is a SPREAD of one number */
  const mw_kernel_direct *direct;
} flow;

/* Whether a step that is no map can read two bf16 where they lie. Runs end where groups of lanes do. */
static bool reads_two(const part *p, uint32_t i) {
  const mw_program_instruction *code = p->steps[i].code;
  if (!p->tile->kernels->dot_stored) return false;
  return code->code == MW_OP_DOT || (code->code == MW_OP_ROW_DOT && p->tile->kept[code->index].run % MW_LANES == 0);
}

/* Whether a SPREAD is of runs that all others have too. */
static bool may_be_lone(part *p, const mw_program_instruction *code) {
  if (code->code != MW_OP_SPREAD) return false;
  const uint64_t run = p->tile->kept[code->index].run;
  if (run % MW_LANES || run < LEAST_RUN || (p->run && p->run != run)) return false;
  p->run = run;
  return true;
}

/* Which operands of a map are one number for a tile: scalars and lone SPREADs. */
static uint8_t ones_of(const part *p, const flow *flows, uint32_t i) {
  uint8_t ones = p->steps[i].code->form;
  for (int o = 0; o < MW_PROGRAM_OPERANDS; o++)
    if (flows[i].maker[o] != NONE && flows[flows[i].maker[o]].lone) ones |= (uint8_t)(1u << o);
  return ones;
}

/* A map has at least one tile. */
static void keep_tiles(const part *p, flow *flows) {
  for (uint32_t i = 0; i < p->count; i++) {
    unsigned first, last;
    mw_program_reads(p->steps[i].code, &first, &last);
    if (!p->steps[i].map || ones_of(p, flows, i) != (1u << last) - 1) continue;
    for (unsigned o = first; o < last; o++)
      if (flows[i].maker[o] != NONE) flows[flows[i].maker[o]].lone = false;
  }
}

/* Finds the step that makes each operand, and the loads of bf16 and floats that only maps and such steps read. writer[r] is the step that
 * wrote register r. */
static void follow(part *p, flow *flows, uint32_t *writer, const mw_dtype *dtypes) {
  for (uint32_t i = 0; i < p->count; i++) {
    const mw_program_instruction *code = p->steps[i].code;
    flow *f = &flows[i];
    unsigned first, last;
    *f = (flow){.maker = {NONE, NONE, NONE, NONE}, .store = NONE, .lone = may_be_lone(p, code)};
    f->bf16 = code->code == MW_OP_INPUT && dtypes[code->index] == MW_DTYPE_BF16;
    f->loads = f->bf16 || (code->code == MW_OP_INPUT && dtypes[code->index] == MW_DTYPE_F32);
    mw_program_reads(code, &first, &last);
    for (unsigned o = first; o < last; o++) {
      if (code->form >> o & 1) continue;
      flow *maker = &flows[f->maker[o] = writer[code->operand[o]]];
      maker->readers++;
      if (!p->steps[i].map) maker->lone = false;
      if (!p->steps[i].map && !reads_two(p, i)) maker->loads = false;
    }
    if (mw_program_writes(code)) writer[code->dst] = i;
  }
  keep_tiles(p, flows);
}

/* Leaves out stores whose operand is the result of a map that nothing else reads. */
static void merge_stores(const part *p, flow *flows) {
  for (uint32_t i = 0; i < p->count; i++) {
    if (p->steps[i].code->code != MW_PROGRAM_STORE || flows[i].maker[0] == NONE) continue;
    uint32_t maker = flows[i].maker[0];
    if (!p->steps[maker].map || flows[maker].readers != 1) continue;
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
static const mw_kernel_direct *find(const mw_kernel_set *kernels, mw_kernel kernel, uint8_t ones, uint8_t stored, bool stores) {
  for (size_t i = 0; i < kernels->direct_count; i++) {
    const mw_kernel_direct *d = &kernels->direct[i];
    if (d->kernel == kernel && d->one == ones && d->stored == stored && d->stores == stores) return d;
  }
  return NULL;
}

/* Finds the kernel of a step. If there is none, gives up its store, or if it has none its inputs. Returns whether it gave up
 * anything: then this map, or others that read the same input, must be looked at again. */
static bool settle(const part *p, flow *flows, uint32_t i) {
  flow *f = &flows[i];
  const mw_tile_step *step = &p->steps[i];
  uint8_t stored, in_place = in_place_of(flows, f, &stored);
  f->direct = NULL;
  if ((!step->map && !reads_two(p, i)) || (!in_place && f->store == NONE)) return false;
  if ((f->stored = reads_two(p, i) && stored == 3)) return false;
  if (step->map && (f->direct = find(p->tile->kernels, step->kernel, ones_of(p, flows, i), stored, f->store != NONE))) return false;
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
static mw_tile_step step_of(const part *p, const flow *flows, uint32_t i) {
  const flow *f = &flows[i];
  mw_tile_step step = p->steps[i];
  step.checks = f->summed;
  step.lone = f->lone;
  if (step.map) step.map = p->tile->kernels->map[step.kernel][ones_of(p, flows, i)];
  if (!f->direct && !f->stored) return step;
  step.direct = f->direct ? f->direct->map : NULL;
  step.sums_stored = f->stored;
  step.squares = f->squares;
  if (f->store != NONE) step.dst = NULL;
  for (int o = 0; o < MW_PROGRAM_OPERANDS; o++)
    if (is_in_place(flows, f, o)) {
      step.operand[o] = NULL;
      step.input[o] = p->steps[f->maker[o]].code->index;
    }
  return step;
}

/* Marks the loads that a DOT does without. Returns whether any step reads or writes what is stored, or is one number. */
static bool mark_sums(const part *p, flow *flows) {
  bool any = false;
  for (uint32_t i = 0; i < p->count; i++) {
    flow *f = &flows[i];
    any |= f->direct || f->stored || f->lone;
    f->squares = f->stored && p->steps[i].code->code == MW_OP_ROW_DOT && f->maker[0] == f->maker[1];
    for (int o = 0; o < 2 && f->stored; o++) {
      flows[f->maker[o]].summed = true;
      flows[f->maker[o]].mixed |= !f->squares;
    }
  }
  return any;
}

/* The inputs whose DOT step i is, where it reads both as they are stored. */
static bool is_dot_of(const part *p, const flow *flows, uint32_t i, uint32_t *x, uint32_t *y) {
  const flow *f = &flows[i];
  if (!f->stored || p->steps[i].code->code != MW_OP_DOT) return false;
  *x = p->steps[f->maker[0]].code->index, *y = p->steps[f->maker[1]].code->index;
  return true;
}

/* The step of the dot of these two inputs, or NONE. */
static uint32_t dot_of(const part *p, const flow *flows, uint32_t x, uint32_t y) {
  uint32_t i = 0, a, b;
  while (i < p->count && !(is_dot_of(p, flows, i, &a, &b) && a == x && b == y)) i++;
  return i < p->count ? i : NONE;
}

/* Finds two inputs whose dot and whose own squares are summed, as of a cosine: which steps do so, of both, of x and of y. */
static bool find_dots(const part *p, const flow *flows, uint32_t which[3]) {
  for (uint32_t i = 0, x, y; i < p->count; i++) {
    if (!is_dot_of(p, flows, i, &x, &y) || x == y) continue;
    which[0] = i, which[1] = dot_of(p, flows, x, x), which[2] = dot_of(p, flows, y, y);
    if (which[1] != NONE && which[2] != NONE) return true;
  }
  return false;
}

/* Three dots become one step, the first of all sinks, since it can still tell that a value is not finite. It looks at what it reads, so
 * that no other step need do so. */
static void join_dots(const part *p, mw_tile_fast *fast, const flow *flows) {
  uint32_t which[3];
  if (!find_dots(p, flows, which)) return;
  const mw_program_instruction *code = p->steps[which[0]].code;
  mw_tile_step all = {.code = code, .sums_all = true}, *steps = p->tile->fast + fast->first;
  for (int o = 0; o < 2; o++) all.input[o] = p->steps[flows[which[0]].maker[o]].code->index;
  for (int d = 0; d < 3; d++) all.gathers[d] = p->steps[which[d]].code->index;
  size_t kept = 0, place = SIZE_MAX;
  for (size_t i = 0; i < fast->count; i++) {
    const mw_tile_step step = steps[i];
    bool joined = step.checks && (step.code->index == all.input[0] || step.code->index == all.input[1]);
    for (int d = 0; d < 3; d++) joined |= step.code == p->steps[which[d]].code;
    if (place == SIZE_MAX && !mw_program_writes(step.code)) place = kept++; /* this step is a sink, perhaps one of the three */
    if (!joined) steps[kept++] = step;
  }
  steps[place] = all;
  fast->count = kept;
}

/* Puts machine code in the place of all steps, or of runs of them where no other step sums what is stored, or has one number for a tile. */
static bool choose_code(part *p, mw_tile_fast *fast, const flow *flows, const mw_dtype *dtypes, mw_dtype output, mw_error *err) {
  mw_tile *tile = p->tile;
  size_t count = p->count;
  bool made, may_divide = true;
  if (!tile->kernels->direct_count) return true;
  mw_tile_step *all = mw_mem_new(p->count, sizeof *all, err);
  if (!all) return false;
  for (uint32_t i = 0; i < p->count; i++) {
    may_divide &= !flows[i].stored && !flows[i].lone;
    all[i] = p->steps[i];
    all[i].lone = flows[i].lone;
  }
  bool ok = mw_coded_steps_choose(tile, p->graph, all, &count, may_divide, dtypes, output, &made, err);
  if (ok && made) {
    *fast = (mw_tile_fast){.first = tile->fast_count, .count = count, .run = p->run};
    memcpy(tile->fast + tile->fast_count, all, count * sizeof *all);
  }
  free(all);
  return ok;
}

/* The fast steps of a section go behind those of the sections before it. */
static bool choose(part *p, mw_tile_fast *fast, flow *flows, uint32_t *writer, const mw_dtype *dtypes, mw_dtype output, mw_error *err) {
  mw_tile *tile = p->tile;
  follow(p, flows, writer, dtypes);
  if (output == MW_DTYPE_BF16) merge_stores(p, flows);
  for (bool again = true; again;) {
    again = false;
    for (uint32_t i = 0; i < p->count; i++) again |= settle(p, flows, i);
  }
  if (mark_sums(p, flows)) {
    *fast = (mw_tile_fast){.first = tile->fast_count, .run = p->run};
    mw_tile_step *steps = tile->fast + tile->fast_count;
    for (uint32_t i = 0; i < p->count; i++)
      if (flows[i].summed ? flows[i].mixed : !flows[i].loads && !flows[i].merged) steps[fast->count++] = step_of(p, flows, i);
    join_dots(p, fast, flows);
  }
  bool ok = choose_code(p, fast, flows, dtypes, output, err);
  tile->fast_count += fast->count;
  return ok;
}

bool mw_bf16_steps_choose(mw_tile *tile, const mw_graph *graph, unsigned registers, const mw_dtype *dtypes, mw_dtype output,
                          mw_error *err) {
  const mw_program *program = tile->program;
  if (!tile->kernels->direct_count && !program->quantum) return true;
  flow *flows = mw_mem_new(tile->step_count + 1, sizeof *flows, err);
  uint32_t *writer = flows ? mw_mem_new(registers + 1, sizeof *writer, err) : NULL;
  bool ok = writer && mw_mem_grow(&tile->fast, &tile->fast_capacity, tile->step_count, sizeof *tile->fast, err);
  for (size_t s = 0; s < program->section_count && ok; s++) {
    const mw_program_section *section = &program->sections[s];
    part p = {tile, graph, tile->steps + section->first, (uint32_t)section->length, 0};
    if (section->run == 1 || !program->quantum) ok = choose(&p, &tile->parts[s], flows, writer, dtypes, output, err);
  }
  free(writer);
  free(flows);
  return ok;
}
