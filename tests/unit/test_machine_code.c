/* test_machine_code.c: machine code computes what loads, maps and stores do, bit for bit: every kernel and form on all combinations of special
 * values, in registers and in the frame; every dtype; and expressions drawn at random, by a tile that has machine code and by one that
 * has none, for blocks of any length, values that are not finite among them; so, too, where code takes the place of some steps alone. */
#include "exec/tile.h"
#include "num/cpu.h"
#include "unit.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static mw_error err;
static const mw_kernels *kernels;
static mw_machine_code code;
static uint64_t state = 88172645463325252u;
static uint64_t next(void) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return state; }

/* ---- kernels ---- */

static const uint8_t arity[MW_KERNEL_COUNT] = {
#define MW_KERNEL(name, operands, expression) [MW_KERNEL_##name] = operands,
#include "num/kernels.def"
#undef MW_KERNEL
};
static const char *const names[MW_KERNEL_COUNT] = {
#define MW_KERNEL(name, operands, expression) [MW_KERNEL_##name] = #name,
#include "num/kernels.def"
#undef MW_KERNEL
};

static const float specials[] = {0, -0.0f, 1, -1, 0.5f, -0.5f, 1.5f, 2.5f, -2.5f, 0x1p-149f, -0x1p-130f, 0x1.fep-1f, 0x1.01p0f, -0x1.01fffep0f,
                                 0x1.018p0f, 8388607.5f, -8388608, 0x1.fffffep127f, 0x1p-126f, 3, INFINITY, -INFINITY, NAN};
enum { SPECIALS = sizeof specials / sizeof *specials, MOST = 20000 };
static float in[4][MOST + MW_GROUP], expected[MOST + MW_GROUP], found[MOST + MW_GROUP];

/* Fills the operands with all combinations of specials, or as many drawn ones as there is room for. Returns how many: whole groups. */
static size_t fill(unsigned operands) {
  size_t count = 1;
  for (unsigned k = 0; k < operands; k++) count *= SPECIALS;
  const size_t n = ((count < MOST - MW_GROUP ? count : MOST - MW_GROUP) + MW_GROUP - 1) / MW_GROUP * MW_GROUP;
  for (size_t i = 0; i < n; i++) {
    size_t combination = count <= n ? i % count : (size_t)(next() % count);
    for (unsigned k = 0; k < 4; k++, combination /= SPECIALS) in[k][i] = specials[combination % SPECIALS];
  }
  return n;
}

/* The kernel's code, whose values begin at `first`. False: there is none. */
static bool write_kernel(mw_kernel kernel, unsigned form, unsigned first, size_t *entry) {
  uint16_t operands[4];
  for (int again = 0; again < 2; again++) {
    mw_machine_code_begin(&code, 4, first + 5, again);
    for (unsigned k = 0; k < 4; k++) {
      operands[k] = (uint16_t)(form >> k & 1 ? k : first + k);
      if (!(form >> k & 1)) CHECK(mw_machine_code_load(&code, MW_DTYPE_F32, first + k, k));
    }
    const unsigned to = first % 2 ? first + 4 : first + form % 2; /* a place of its own, or that of an operand */
    if (!mw_machine_code_map(&code, kernel, form, to, operands)) return false;
    CHECK(mw_machine_code_store(&code, MW_DTYPE_F32, to, 4));
  }
  CHECK(mw_machine_code_end(&code, entry));
  return true;
}

static bool same(float x, float y) { return memcmp(&x, &y, sizeof x) == 0 || (x != x && y != y); }

static void check_kernel(mw_kernel kernel, unsigned form, unsigned first) {
  size_t entry, n = fill(arity[kernel]);
  const size_t vectors = mw_machine_code_vectors(4, first + 5);
  float *frame = aligned_alloc(64, (vectors * MW_MACHINE_CODE_VECTOR * sizeof(float) + 63) / 64 * 64);
  const void *streams[5] = {in[0], in[1], in[2], in[3], found};
  CHECK(frame && mw_machine_code_clear(&code));
  for (size_t one = 0; one < (form ? SPECIALS : 1); one++) {
    if (!write_kernel(kernel, form, first, &entry)) break;
    double scalars[4];
    float single[4];
    for (unsigned k = 0; k < 4; k++) single[k] = specials[(one + k * 7) % SPECIALS], scalars[k] = (double)single[k];
    mw_machine_code_frame(frame, scalars, 4);
    mw_machine_code_run(&code, entry, streams, frame, n);
    const void *v[4];
    for (unsigned k = 0; k < 4; k++) v[k] = form >> k & 1 ? &single[k] : in[k];
    kernels->type[0].map[kernel][form](expected, v[0], v[1], v[2], v[3], n);
    size_t bad = 0;
    while (bad < n && same(expected[bad], found[bad])) bad++;
    if (bad < n)
      printf("%s of form %u: %a %a %a %a gives %a, not %a\n", names[kernel], form, (double)in[0][bad], (double)in[1][bad], (double)in[2][bad],
             (double)in[3][bad], (double)found[bad], (double)expected[bad]);
    CHECK(bad == n);
    code.length = 0;
  }
  free(frame);
}

static void check_kernels(void) {
  for (unsigned k = 0; k < MW_KERNEL_COUNT; k++) {
    CASE("%s", names[k]);
    for (unsigned form = 0; form + 1 < 1u << arity[k]; form++)
      for (unsigned first = 0; first < 8; first += form ? 7 : 1) check_kernel((mw_kernel)k, form, first);
  }
}

/* ---- programs ---- */

enum { DIM = 3000, OPS = 40 };
static const mw_op maps[] = {MW_OP_ADD, MW_OP_SUB, MW_OP_MUL, MW_OP_DIV, MW_OP_RATIO, MW_OP_MIN, MW_OP_MAX, MW_OP_LT, MW_OP_LE, MW_OP_EQ, MW_OP_NE,
                             MW_OP_AND, MW_OP_OR, MW_OP_NOT, MW_OP_WHERE, MW_OP_NEG, MW_OP_ABS, MW_OP_SIGN, MW_OP_FLOOR, MW_OP_ROUND, MW_OP_SQRT,
                             MW_OP_AS_BF16};
static const mw_dtype stored_as[] = {MW_DTYPE_BF16, MW_DTYPE_F16, MW_DTYPE_F32};
static unsigned char inputs[3][DIM * 4], outputs[2][DIM * 4 + 64];

/* An expression over three inputs: operations on what is there already and on numbers. */
static mw_node draw(mw_graph *graph, mw_node *nodes, unsigned operations) {
  unsigned count = 3;
  for (unsigned i = 0; i < operations; i++) {
    const mw_op op = maps[next() % (sizeof maps / sizeof *maps)];
    mw_node operands[3];
    for (unsigned k = 0; k < 3; k++) {
      operands[k] = nodes[next() % 3 ? count - 1 - next() % (count < 4 ? count : 4) : next() % count];
      if (k && next() % 3 == 0) CHECK(mw_graph_number(graph, (double)specials[next() % 20], &operands[k], &err));
    }
    CHECK(mw_graph_apply(graph, op, operands, (uint32_t)mw_graph_op_operands(op), NULL, &nodes[count], &err));
    if (mw_graph_facts(graph, nodes[count]).shape) count++;
  }
  return nodes[count - 1];
}

static bool run(mw_graph *graph, mw_node node, const mw_dtype *dtypes, mw_dtype output, bool fast, size_t size, size_t start, size_t n,
                unsigned char *out, int *bad_input, bool *bad_output) {
  const mw_program_root root = {.node = node, .store = true};
  mw_program program = {0};
  mw_tile tile = {.kernels = &kernels->type[0], .size = size};
  mw_dtype own[3];
  const unsigned char *stored[3];
  CHECK(mw_program_compile(&program, graph, &root, 1, &err));
  double *scalars = mw_mem_new(program.scalar_count + 1, sizeof *scalars, &err);
  for (size_t i = 0; i < program.scalar_count; i++) CHECK(mw_graph_is_number(graph, program.scalars[i], &scalars[i]));
  for (size_t i = 0; i < program.input_count; i++) {
    const uint64_t which = mw_graph_facts(graph, program.inputs[i]).extra[1];
    own[i] = dtypes[which];
    stored[i] = inputs[which] + start * mw_dtype_size(own[i]);
  }
  CHECK(mw_tile_bind(&tile, graph, &program, fast ? own : NULL, output, scalars, &err));
  mw_tile_block block = {.start = start, .elements = DIM, .count = n, .inputs = stored, .dtypes = own, .output = out, .output_dtype = output,
                         .bad_input = -1};
  bool coded = tile.coded.part_count;
  mw_tile_run(&tile, graph, &block);
  *bad_input = block.bad_input;
  *bad_output = block.bad_output;
  free(scalars);
  mw_tile_free(&tile);
  mw_program_free(&program);
  return coded;
}

static void fill_input(unsigned which, mw_dtype dtype, bool finite) {
  static float values[DIM];
  for (size_t i = 0; i < DIM; i++) {
    values[i] = (float)((double)(next() % 4096) / 1024 - 2) * (next() % 7 ? 1 : 0.001f);
    if (next() % 20 == 0) values[i] = specials[next() % (finite ? 17 : SPECIALS)];
    if (dtype == MW_DTYPE_F16 && values[i] - values[i] == 0 && fabsf(values[i]) > 60000) values[i] = 2;
    if (dtype == MW_DTYPE_BF16 && values[i] - values[i] == 0 && fabsf(values[i]) > 1e38f) values[i] = 2;
  }
  kernels->type[0].store[dtype](inputs[which], values, DIM);
}

/* ---- parts of programs ---- */

static mw_node apply(mw_graph *graph, mw_op op, const mw_node *operands, const uint64_t *extra) {
  mw_node node = 0;
  CHECK(mw_graph_apply(graph, op, operands, (uint32_t)mw_graph_op_operands(op), extra, &node, &err));
  return node;
}

static mw_node number(mw_graph *graph, double value) {
  mw_node node = 0;
  CHECK(mw_graph_number(graph, value, &node, &err));
  return node;
}

/* A delta of which some is dropped, or what is less than a threshold; of equal ones the first, or the last, are kept. */
static mw_node thinned(mw_graph *graph, const mw_node *nodes, unsigned k) {
  const mw_node tau = apply(graph, MW_OP_SUB, (mw_node[]){nodes[k], nodes[0]}, NULL), zero = number(graph, 0);
  if (next() % 2) {
    const double p = next() % 3 == 0 ? 0.3 : next() % 2 ? 0.9 : 0.5;
    mw_node drawn = apply(graph, MW_OP_BERNOULLI, (mw_node[]){tau, number(graph, p)}, (uint64_t[]){next(), next()});
    if (next() % 4 == 0) return drawn;
    drawn = apply(graph, MW_OP_NOT, &drawn, NULL);
    const mw_node left = apply(graph, MW_OP_WHERE, (mw_node[]){drawn, tau, zero}, NULL);
    return next() % 2 ? left : apply(graph, MW_OP_MUL, (mw_node[]){left, number(graph, -1.5)}, NULL);
  }
  const mw_node operands[] = {tau, number(graph, next() % 4 ? 0.5 : 0), number(graph, (double)(1000 + next() % DIM))};
  const mw_node top = apply(graph, MW_OP_TOP, operands, (uint64_t[]){1000, next() % 2});
  return next() % 4 ? apply(graph, MW_OP_WHERE, (mw_node[]){top, tau, zero}, NULL) : top;
}

/* What is left of two deltas, and votes on it; one of them through a function that has no code. */
static mw_node vote(mw_graph *graph, const mw_node *nodes, mw_node *sign) {
  const mw_node zero = number(graph, 0), one = number(graph, 1);
  mw_node v[2] = {thinned(graph, nodes, 1), thinned(graph, nodes, 2)}, sum = 0, votes = 0, plus;
  if (next() % 4 == 0) v[1] = apply(graph, MW_OP_TANH, &v[1], NULL);
  sum = apply(graph, MW_OP_ADD, v, NULL);
  *sign = apply(graph, MW_OP_SIGN, &sum, NULL);
  const mw_node drawn = apply(graph, MW_OP_EQ, (mw_node[]){*sign, zero}, NULL);
  const mw_node b = apply(graph, MW_OP_MUL, (mw_node[]){drawn, number(graph, next() % 2 ? 1 : -1)}, NULL);
  plus = apply(graph, MW_OP_LT, (mw_node[]){zero, apply(graph, MW_OP_ADD, (mw_node[]){*sign, b}, NULL)}, NULL);
  if (next() % 3 == 0) plus = apply(graph, MW_OP_LE, (mw_node[]){zero, *sign}, NULL);
  mw_node side[2], any[2];
  for (int k = 0; k < 2; k++) {
    const mw_node above = apply(graph, MW_OP_LT, (mw_node[]){zero, v[k]}, NULL), below = apply(graph, MW_OP_LT, (mw_node[]){v[k], zero}, NULL);
    const mw_node mask = apply(graph, MW_OP_WHERE, (mw_node[]){plus, above, below}, NULL);
    side[k] = apply(graph, MW_OP_WHERE, (mw_node[]){mask, v[k], zero}, NULL);
    any[k] = apply(graph, MW_OP_NE, (mw_node[]){side[k], zero}, NULL);
  }
  sum = apply(graph, MW_OP_ADD, side, NULL);
  votes = apply(graph, MW_OP_ADD, any, NULL);
  const mw_node none = apply(graph, MW_OP_EQ, (mw_node[]){votes, zero}, NULL);
  const mw_node mean = apply(graph, MW_OP_DIV, (mw_node[]){sum, apply(graph, MW_OP_WHERE, (mw_node[]){none, one, votes}, NULL)}, NULL);
  return apply(graph, MW_OP_ADD, (mw_node[]){nodes[0], next() % 3 ? mean : sum}, NULL);
}

enum { UNITS = DIM / MW_UNIT + 2 };
typedef struct found_of {
  double units[UNITS];
  uint64_t open, below;
  unsigned char out[DIM * 4];
  int bad_input;
  bool bad_output, divided;
} found_of;
static uint32_t bins[2][MW_SELECT_BINS];

/* An output, a total and a search: what is found with code and without. */
static void run_part(const mw_graph *graph, const mw_program_root *roots, const mw_dtype *dtypes, bool fast, size_t size, size_t start,
                     found_of *result) {
  mw_program program = {0};
  mw_tile tile = {.kernels = &kernels->type[0], .size = size};
  mw_dtype own[3];
  double scalars[16];
  const unsigned char *stored[3];
  const mw_select select = mw_select_begin(MW_SELECT_MAGNITUDE, false, 0, DIM / 2, DIM);
  mw_tile_gather gathers[3] = {{.units = result->units}, {.bins = bins[fast], .below = &result->below, .select = &select}};
  CHECK(mw_program_compile(&program, graph, roots, 3, &err) && program.scalar_count <= 16);
  for (size_t i = 0; i < program.scalar_count; i++) CHECK(mw_graph_is_number(graph, program.scalars[i], &scalars[i]));
  for (size_t i = 0; i < program.input_count; i++) {
    const uint64_t which = mw_graph_facts(graph, program.inputs[i]).extra[1];
    own[i] = dtypes[which];
    stored[i] = inputs[which] + start * mw_dtype_size(own[i]);
  }
  memset(bins[fast], 0, sizeof bins[fast]);
  CHECK(mw_tile_bind(&tile, graph, &program, fast ? own : NULL, MW_DTYPE_BF16, scalars, &err));
  mw_tile_block block = {.start = start, .elements = DIM, .count = DIM - start, .inputs = stored, .dtypes = own, .output = result->out,
                         .output_dtype = MW_DTYPE_BF16, .gathers = gathers, .open = &result->open, .bad_input = -1};
  mw_tile_run(&tile, graph, &block);
  result->bad_input = block.bad_input;
  result->bad_output = block.bad_output;
  result->divided = tile.coded.part_count && tile.fast_count > 1;
  mw_tile_free(&tile);
  mw_program_free(&program);
}

static bool check_part(bool finite) {
  static found_of found_by[2];
  const uint64_t dims[1] = {DIM};
  mw_graph *graph;
  uint32_t shape;
  mw_node nodes[3], sign;
  mw_dtype dtypes[3];
  CHECK(mw_graph_new(&graph, &err) && mw_graph_shape(graph, dims, 1, &shape, &err));
  for (uint32_t k = 0; k < 3; k++) {
    dtypes[k] = stored_as[next() % 2 ? 0 : next() % 3];
    CHECK(mw_graph_input(graph, 0, k, dtypes[k], shape, &nodes[k], &err));
    fill_input(k, dtypes[k], finite);
  }
  const mw_node output = vote(graph, nodes, &sign);
  mw_program_root roots[3] = {{.node = apply(graph, MW_OP_TOTAL, &sign, NULL)}, {.store = false}, {.node = output, .store = true}};
  CHECK(mw_graph_apply(graph, MW_OP_KTH, &output, 1, (uint64_t[]){DIM / 2, 0}, &roots[1].node, &err));
  const size_t start = next() % 2 ? 0 : next() % 2000, size = next() % 2 ? 1024 : 192;
  memset(found_by, 0, sizeof found_by);
  for (int fast = 0; fast < 2; fast++) run_part(graph, roots, dtypes, fast, size, start, &found_by[fast]);
  CHECK(memcmp(found_by[0].units, found_by[1].units, sizeof found_by[0].units) == 0);
  CHECK(memcmp(found_by[0].out, found_by[1].out, sizeof found_by[0].out) == 0 && found_by[0].open == found_by[1].open);
  CHECK(memcmp(bins[0], bins[1], sizeof bins[0]) == 0 && found_by[0].below == found_by[1].below);
  CHECK((found_by[0].bad_input < 0) == (found_by[1].bad_input < 0) && found_by[0].bad_output == found_by[1].bad_output);
  mw_graph_free(graph);
  return found_by[1].divided;
}

static void check_parts(void) {
  unsigned divided = 0;
  for (unsigned round = 0; round < 1000; round++) {
    if (round % 100 == 0) CASE("votes, draws and thresholds beside sinks, %u to %u", round, round + 99);
    divided += check_part(round % 4 != 0);
  }
  CHECK(divided > 900);
}

/* Bytes of draws are those of bernoulli, wherever they begin and end. */
static void check_draws(void) {
  static float wanted[3000];
  static uint8_t got[3000];
  const mw_kernels *all[] = {&mw_kernels_base, kernels};
  CASE("bytes of draws");
  for (unsigned round = 0; round < 400; round++) {
    const mw_kernel_set *set = &all[round % 2]->type[0];
    const mw_kernel_stream stream = {next(), next()};
    const uint64_t start = next() % 3000;
    const size_t n = 1 + next() % 2999;
    const double p = round % 5 == 0 ? 0.9 : round % 5 == 1 ? 0 : round % 5 == 2 ? 1 : round % 5 == 3 ? 0.5 : 0x1p-9;
    size_t bad = 0;
    set->bernoulli(wanted, stream, start, n, p);
    set->draws(got, stream, start, n, p);
    for (size_t i = 0; i < n; i++) bad += got[i] != (wanted[i] == 1 ? 0xff : 0);
    CHECK(bad == 0);
  }
}

/* ---- whole programs ---- */

/* Returns whether there was machine code. */
static bool check_program(unsigned operations, bool finite) {
  const uint64_t dims[1] = {DIM};
  mw_graph *graph;
  uint32_t shape;
  mw_node nodes[OPS + 3];
  mw_dtype dtypes[3], output = stored_as[next() % 3];
  CHECK(mw_graph_new(&graph, &err) && mw_graph_shape(graph, dims, 1, &shape, &err));
  for (uint32_t k = 0; k < 3; k++) {
    dtypes[k] = stored_as[next() % 2 ? 0 : next() % 3];
    CHECK(mw_graph_input(graph, 0, k, dtypes[k], shape, &nodes[k], &err));
    fill_input(k, dtypes[k], finite);
  }
  const mw_node node = draw(graph, nodes, operations);
  const size_t start = next() % 2 ? 0 : next() % 2000, n = 1 + next() % (DIM - start), size = next() % 2 ? 1024 : 192, bytes = n * mw_dtype_size(output);
  int bad_input[2];
  bool bad_output[2];
  memset(outputs, 0x55, sizeof outputs);
  run(graph, node, dtypes, output, false, 1024, start, n, outputs[0], &bad_input[0], &bad_output[0]);
  const bool coded = run(graph, node, dtypes, output, true, size, start, n, outputs[1], &bad_input[1], &bad_output[1]);
  CHECK(memcmp(outputs[0], outputs[1], bytes) == 0);
  CHECK((bad_input[0] < 0) == (bad_input[1] < 0) && bad_output[0] == bad_output[1]);
  if (coded && bad_input[1] < 0) CHECK(outputs[1][bytes] == 0x55 || bad_output[1]); /* nothing is written behind the end */
  mw_graph_free(graph);
  return coded;
}

static void check_programs(void) {
  unsigned coded = 0;
  for (unsigned round = 0; round < 3000; round++) {
    if (round % 100 == 0) CASE("expressions %u to %u", round, round + 99);
    coded += check_program(1 + round % OPS, round % 4 != 0);
  }
  CHECK(coded > 2800);
}

int main(void) {
  CHECK(mw_cpu_kernels(&kernels, &err));
  if (!kernels->type[0].direct_count) {
    printf("skipped: this processor has no AVX2\n");
    UNIT_END();
  }
  check_kernels();
  check_draws();
  check_programs();
  check_parts();
  mw_machine_code_free(&code);
  UNIT_END();
}
