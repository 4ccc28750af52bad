/* test_program.c: programs against the graph taken literally, operation by operation: thousands of random expressions, in
 * which every fused operation must turn up, bit for bit (NaN equals NaN), for any tile size and cut into blocks; on floats,
 * and on bf16 with floats among them, by machine code or where every kernel must turn up that works on what is stored. What an exact count keeps beyond 2^24. */
#include "exec/tile.h"
#include "num/cpu.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ELEMENTS = 700, ROOM = 720, HALVES = ROOM + 16, MOST = 60, INPUTS = 4 };

static uint64_t state = 88172645463325252u;
static uint64_t next(void) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return state; }

static const mw_op maps[] = {MW_OP_ADD, MW_OP_ADD, MW_OP_ADD, MW_OP_SUB, MW_OP_MUL, MW_OP_MUL, MW_OP_MIN, MW_OP_MAX,
                             MW_OP_LT, MW_OP_LT, MW_OP_LE, MW_OP_EQ, MW_OP_NE, MW_OP_WHERE, MW_OP_WHERE, MW_OP_ABS,
                             MW_OP_SIGN, MW_OP_NEG, MW_OP_AND, MW_OP_RATIO};
static const double numbers[] = {0, 0, 1, 0.5, -2};

static mw_graph *graph;
static mw_error err;
static mw_node nodes[MOST];
static size_t count;
static float inputs[INPUTS][ROOM];
static uint16_t halves[INPUTS][HALVES]; /* the same, if they are bf16, with room for whole sixteens */
static mw_dtype dtype, given[INPUTS]; /* of the output, of the inputs */
static bool harmless;

static mw_node number(double value) {
  mw_node node = 0;
  CHECK(mw_graph_number(graph, value, &node, &err));
  return node;
}

static mw_node apply(mw_op op, mw_node a, mw_node b, mw_node c) {
  const mw_node operands[3] = {a, b, c};
  mw_node node = 0;
  CHECK(mw_graph_apply(graph, op, operands, (uint32_t)mw_graph_op_operands(op), NULL, &node, &err));
  return node;
}

static void begin(void) {
  const uint64_t dims[] = {ELEMENTS};
  uint32_t shape = 0;
  dtype = next() % 4 ? MW_DTYPE_BF16 : MW_DTYPE_F32;
  harmless = next() % 2;
  CHECK(mw_graph_new(&graph, &err) && mw_graph_shape(graph, dims, 1, &shape, &err));
  for (count = 0; count < INPUTS; count++) {
    given[count] = next() % 4 ? dtype : MW_DTYPE_F32;
    CHECK(mw_graph_input(graph, 0, (uint32_t)count, given[count], shape, &nodes[count], &err));
  }
  const float special[] = {0, -0.0f, 1, -1, INFINITY, -INFINITY, 0.5f, 1e-41f};
  for (size_t k = 0; k < INPUTS; k++)
    for (size_t i = 0; i < ELEMENTS; i++) {
      uint32_t bits;
      inputs[k][i] = next() % 3 ? (float)(int32_t)next() * 0x1p-30f : special[next() % 8];
      if (harmless && isinf(inputs[k][i])) inputs[k][i] = 3;
      if (given[k] != MW_DTYPE_BF16) continue;
      memcpy(&bits, &inputs[k][i], sizeof bits);
      halves[k][i] = (uint16_t)(bits >> 16);
      bits &= 0xffff0000;
      memcpy(&inputs[k][i], &bits, sizeof bits);
    }
}

/* An operand: mostly what was made last, so that much is used once only, now and then a number. */
static mw_node any(void) {
  if (next() % 4 == 0) return number(numbers[next() % 5]);
  return nodes[next() % 2 ? count - 1 - next() % 2 : next() % count];
}

static mw_node any_tensor(void) {
  mw_node node = any();
  while (!mw_graph_facts(graph, node).shape) node = any();
  return node;
}

static const mw_kernels *kernels;

/* The value of a node, computed without fusion. */
static void literally(mw_node node, float *out) {
  mw_graph_node_facts facts = mw_graph_facts(graph, node);
  double value;
  if (facts.op == MW_OP_INPUT) {
    memcpy(out, inputs[facts.extra[1]], sizeof *inputs);
  } else if (mw_graph_is_number(graph, node, &value)) {
    out[0] = (float)value;
  } else if (facts.op == MW_OP_BERNOULLI) {
    float chance[ROOM];
    literally(facts.operand[1], chance);
    kernels->type[0].bernoulli(out, (mw_kernel_stream){facts.extra[0], facts.extra[1]}, 0, ELEMENTS, (double)chance[0]);
  } else if (facts.op == MW_OP_TOP) {
    float x[ROOM], threshold[ROOM], last[ROOM];
    literally(facts.operand[0], x), literally(facts.operand[1], threshold), literally(facts.operand[2], last);
    kernels->type[0].top(out, x, (double)threshold[0], (size_t)(last[0] + 1 - (float)facts.extra[0]), ELEMENTS);
  } else {
    static const uint8_t kernel[MW_OP_COUNT] = {
#define MW_KERNEL(name, arity, expression) [MW_OP_##name] = MW_KERNEL_##name,
#include "num/kernels.def"
#undef MW_KERNEL
    };
    float operand[3][ROOM];
    unsigned form = 0;
    for (uint32_t i = 0; i < facts.operands; i++) {
      mw_node below = mw_graph_facts(graph, node).operand[i];
      form |= (unsigned)!mw_graph_facts(graph, below).shape << i;
      literally(below, operand[i]);
    }
    kernels->type[0].map[kernel[facts.op]][form](out, operand[0], operand[1], operand[2], NULL, ELEMENTS);
  }
}

/* Notes which kernels of what is stored the program has. */
static void note_direct(const mw_tile *tile, bool *seen) {
  for (size_t i = 0; i < tile->fast_count; i++)
    for (size_t k = 0; k < tile->kernels->direct_count; k++) seen[k] |= tile->fast[i].direct == tile->kernels->direct[k].map;
}

/* Runs the program of `node` in two blocks, and says which fused operations and which kernels of what is stored it has. */
static void compare(mw_node node, bool seen[MW_OP_COUNT], bool *direct) {
  static float wanted[ROOM], got[ROOM];
  static uint16_t wanted_halves[HALVES], got_halves[HALVES];
  const mw_program_root root = {.node = node, .store = true};
  mw_dtype dtypes[INPUTS];
  mw_program program = {0};
  mw_tile tile = {.kernels = &kernels->type[0], .size = next() % 2 ? 64 : 256};
  double scalars[MOST];
  bool bad = false, halved = dtype == MW_DTYPE_BF16;
  CHECK(mw_program_compile(&program, graph, &root, 1, &err));
  for (size_t i = 0; i < program.scalar_count; i++)
    CHECK(mw_graph_is_number(graph, program.scalars[i], &scalars[i]));
  for (size_t i = 0; i < program.input_count; i++) dtypes[i] = given[mw_graph_facts(graph, program.inputs[i]).extra[1]];
  for (size_t i = 0; i < program.length; i++) seen[program.code[i].code % MW_OP_COUNT] = true;
  tile.coded.code.refused = next() % 2; /* half of them without machine code */
  CHECK(mw_tile_bind(&tile, graph, &program, dtypes, dtype, scalars, &err));
  note_direct(&tile, direct);
  size_t cut = next() % ELEMENTS;
  for (size_t from = 0, to = cut; from < ELEMENTS; from = to, to = ELEMENTS) {
    const unsigned char *stored[INPUTS];
    for (size_t i = 0; i < program.input_count; i++) {
      uint64_t k = mw_graph_facts(graph, program.inputs[i]).extra[1];
      stored[i] = given[k] == MW_DTYPE_BF16 ? (const unsigned char *)(halves[k] + from) : (const unsigned char *)(inputs[k] + from);
    }
    mw_tile_block block = {.start = from, .elements = ELEMENTS, .count = to - from, .inputs = stored, .dtypes = dtypes,
                      .output = halved ? (unsigned char *)(got_halves + from) : (unsigned char *)(got + from),
                      .output_dtype = dtype, .bad_input = -1};
    mw_tile_run(&tile, graph, &block);
    bad |= block.bad_output;
    CHECK(!harmless || block.bad_input < 0);
  }
  literally(node, wanted);
  size_t wrong = 0;
  if (halved) {
    CHECK(kernels->type[0].store[MW_DTYPE_BF16](wanted_halves, wanted, ELEMENTS) == bad);
    wrong = (size_t)(memcmp(wanted_halves, got_halves, ELEMENTS * sizeof *got_halves) != 0);
  }
  for (size_t i = 0; i < ELEMENTS && !halved; i++)
    wrong += !(wanted[i] != wanted[i] && got[i] != got[i]) && memcmp(wanted + i, got + i, sizeof *got) != 0;
  CHECK(wrong == 0);
  mw_tile_free(&tile);
  mw_program_free(&program);
}

static mw_node times(mw_node x, mw_node weight) {
  return next() % 2 ? apply(MW_OP_MUL, x, weight, 0) : apply(MW_OP_MUL, weight, x, 0);
}

/* Sums and means of models, and changes put on a base. */
static mw_node sum(void) {
  mw_node half = number(0.5), base = nodes[0], total = nodes[1];
  bool weighted = next() % 2;
  if (next() % 4 == 0) return times(apply(MW_OP_SUB, total, base, 0), half);
  if (next() % 4 == 0) return apply(MW_OP_ADD, next() % 2 ? times(any(), half) : times(any(), any()), base, 0);
  if (weighted) total = times(total, half);
  for (size_t i = 2, most = 2 + next() % 3; i < most; i++)
    total = apply(MW_OP_ADD, total, weighted ? times(nodes[i % INPUTS], half) : nodes[i % INPUTS], 0);
  return weighted ? total : times(total, half);
}

/* TIES' last step: the mean, or the sum, of those that have the elected sign; sometimes of more than an instruction takes, or of one value twice. */
static mw_node disjoint_mean(void) {
  mw_node zero = number(0), one = number(1), a = apply(MW_OP_SIGN, any_tensor(), 0, 0), plus, sum = 0, votes = 0;
  switch (next() % 3) {
  case 0: plus = apply(MW_OP_LE, zero, a, 0); break;
  case 1: plus = apply(MW_OP_LT, zero, a, 0); break;
  default:
    plus = apply(MW_OP_MUL, apply(MW_OP_EQ, a, zero, 0), number(next() % 2 ? 1 : -1), 0);
    plus = apply(MW_OP_LT, zero, apply(MW_OP_ADD, a, plus, 0), 0);
  }
  for (uint64_t i = 0, values = next() % 8 ? 2 + next() % 3 : 17; i < values; i++) {
    mw_node v = i < INPUTS ? nodes[i] : apply(MW_OP_SUB, nodes[i % INPUTS], number((double)i), 0);
    mw_node mask = apply(MW_OP_WHERE, plus, apply(MW_OP_LT, zero, v, 0), apply(MW_OP_LT, v, zero, 0));
    mw_node side = apply(MW_OP_WHERE, mask, v, zero), vote = apply(MW_OP_NE, side, zero, 0);
    sum = sum ? apply(MW_OP_ADD, sum, side, 0) : side;
    votes = votes ? apply(MW_OP_ADD, votes, vote, 0) : vote;
  }
  if (next() % 2) return apply(MW_OP_ADD, next() % 2 ? sum : nodes[0], sum, 0);
  return apply(MW_OP_DIV, sum, apply(MW_OP_WHERE, apply(MW_OP_EQ, votes, zero, 0), one, votes), 0);
}

/* What the methods of merging are made of, as their recipes write it. */
static mw_node idiom(void) {
  mw_node x = any(), y = nodes[0], zero = number(0);
  if (next() % 16 == 0) return disjoint_mean();
  switch (next() % 10) {
  case 7: {
    const uint64_t first = next() % 100;
    const mw_node operands[] = {y, number(next() % 2 ? 0.5 : 0), number((double)(first + next() % ELEMENTS))};
    mw_node top = 0;
    CHECK(mw_graph_apply(graph, MW_OP_TOP, operands, 3, (uint64_t[]){first, 0}, &top, &err));
    return next() % 4 ? apply(MW_OP_WHERE, top, y, zero) : top;
  }
  case 6: return apply(MW_OP_MIN, apply(MW_OP_ABS, y, 0, 0), next() % 2 ? x : number(0.5), 0);
  case 0: return apply(MW_OP_WHERE, apply(MW_OP_LE, number(0.5), apply(MW_OP_ABS, y, 0, 0), 0), y, zero);
  case 1: {
    mw_node g = apply(MW_OP_SIGN, y, 0, 0), drawn = apply(MW_OP_EQ, g, zero, 0);
    return apply(MW_OP_LT, zero, apply(MW_OP_ADD, g, apply(MW_OP_MUL, drawn, number(next() % 2 ? 1 : -1), 0), 0), 0);
  }
  case 2: {
    mw_node sides = apply(MW_OP_WHERE, x, apply(MW_OP_LT, zero, y, 0), apply(MW_OP_LT, y, zero, 0));
    return apply(MW_OP_WHERE, sides, y, zero);
  }
  case 3: return apply(MW_OP_ADD, apply(MW_OP_MUL, x, number(0.5), 0), apply(MW_OP_MUL, y, number(-2), 0), 0);
  case 9:
    if (next() % 8) break;
    return apply(MW_OP_ADD, times(apply(MW_OP_DIV, nodes[1], number(3), 0), number(0.5)), times(apply(MW_OP_DIV, y, number(3), 0), number(-2)), 0);
  case 4: {
    const mw_node values = next() % 2 ? y : apply(MW_OP_SUB, y, any(), 0);
    const mw_node operands[] = {values, number(next() % 2 ? 0.3 : 0.5)};
    mw_node drawn = 0;
    CHECK(mw_graph_apply(graph, MW_OP_BERNOULLI, operands, 2, (uint64_t[]){next(), next()}, &drawn, &err));
    const mw_node dropped = apply(MW_OP_WHERE, apply(MW_OP_NOT, drawn, 0, 0), values, zero);
    return next() % 2 ? dropped : apply(MW_OP_MUL, dropped, next() % 2 ? number(1.5) : any(), 0);
  }
  case 5:
  case 8: return sum();
  default: break;
  }
  return apply(MW_OP_WHERE, apply(MW_OP_EQ, y, zero, 0), number(1), y);
}

/* Equal elements before and after a cut, at indices that floats cannot tell apart, for any tile and block. */
static void test_top(void) {
  const uint64_t origin = (UINT64_C(1) << 24) + 77;
  static float got[ROOM];
  for (int cut = -1; cut <= ELEMENTS; cut += 1 + (int)(next() % 7)) {
    begin();
    for (size_t i = 0; i < ELEMENTS; i++) inputs[0][i] = i % 3 ? -1 : i % 2 ? 2 : 0.5f;
    const mw_node operands[] = {nodes[0], number(1), number((double)origin + cut)};
    mw_program_root root = {.store = true};
    CHECK(mw_graph_apply(graph, MW_OP_TOP, operands, 3, (uint64_t[]){origin, 0}, &root.node, &err));
    mw_program program = {0};
    mw_tile tile = {.kernels = &kernels->type[0], .size = next() % 2 ? 64 : 256};
    double scalars[2];
    CHECK(mw_program_compile(&program, graph, &root, 1, &err) && program.scalar_count == 2);
    for (size_t i = 0; i < 2; i++) CHECK(mw_graph_is_number(graph, program.scalars[i], &scalars[i]));
    CHECK(mw_tile_bind(&tile, graph, &program, NULL, MW_DTYPE_F32, scalars, &err));
    const mw_dtype f32 = MW_DTYPE_F32;
    for (size_t from = 0, to = next() % ELEMENTS; from < ELEMENTS; from = to, to = ELEMENTS) {
      const unsigned char *stored = (const unsigned char *)(inputs[0] + from);
      mw_tile_block block = {.start = from, .elements = ELEMENTS, .count = to - from, .inputs = &stored, .dtypes = &f32,
                        .output = (unsigned char *)(got + from), .output_dtype = f32, .bad_input = -1};
      mw_tile_run(&tile, graph, &block);
    }
    size_t wrong = 0;
    for (int i = 0; i < ELEMENTS; i++) wrong += got[i] != (float)(i % 3 ? i <= cut : i % 2);
    CHECK(wrong == 0);
    mw_tile_free(&tile);
    mw_program_free(&program);
    mw_graph_free(graph);
  }
}

/* Compiling takes as long as the program is: 60,000 different numbers, each of which was once looked for in a list. */
static void many_numbers(void) {
  const uint64_t dims[] = {ELEMENTS};
  uint32_t shape;
  mw_node x;
  mw_program program = {0};
  CHECK(mw_graph_new(&graph, &err) && mw_graph_shape(graph, dims, 1, &shape, &err));
  CHECK(mw_graph_input(graph, 0, 0, MW_DTYPE_F32, shape, &x, &err));
  for (int i = 0; i < 60000; i++) x = apply(MW_OP_MAX, x, number(-1.0 - i * 1e-6), 0);
  clock_t begun = clock();
  CHECK(mw_program_compile(&program, graph, &(mw_program_root){.node = x, .store = true}, 1, &err));
  CHECK(program.scalar_count == 60000 && clock() - begun < CLOCKS_PER_SEC / 2);
  /* Another one of the same graph starts from empty lists. */
  mw_node y = apply(MW_OP_MAX, x, number(-7), 0);
  CHECK(mw_program_compile(&program, graph, &(mw_program_root){.node = apply(MW_OP_ADD, number(-7), y, 0), .store = true}, 1, &err));
  CHECK(program.scalar_count == 60001 && program.input_count == 1);
  mw_program_free(&program);
  mw_graph_free(graph);
}

int main(void) {
  const char *isas[] = {"base", "avx2", "avx512"};
  for (int i = 0; i < 3; i++) {
    bool seen[MW_OP_COUNT] = {false}, direct[256] = {false};
    setenv("MOONWELD_ISA", isas[i], 1);
    if (!mw_cpu_kernels(&kernels, &err)) {
      printf("skipped: %s is not on this CPU\n", isas[i]);
      continue;
    }
    CASE("programs and plain evaluation agree, %s", isas[i]);
    for (int round = 0; round < 20000; round++) {
      begin();
      for (size_t steps = 1 + next() % 9; steps > 0; steps--) {
        mw_node made = next() % 5 ? apply(maps[next() % (sizeof maps / sizeof *maps)], any(), any(), any()) : idiom();
        if (mw_graph_facts(graph, made).shape) nodes[count++] = made;
      }
      compare(nodes[count - 1], seen, direct);
      mw_graph_free(graph);
    }
    CASE("test_top, %s", isas[i]);
    test_top();
    CASE("every fused step and direct kernel turned up, %s", isas[i]);
    for (int op = 0; op < MW_OP_COUNT; op++)
      if (mw_graph_op_class((mw_op)op) == MW_CLASS_FUSED) {
        if (!seen[op]) printf("%s never turned up\n", mw_graph_op_name((mw_op)op));
        CHECK(seen[op]);
      }
    for (size_t k = 0; k < kernels->type[0].direct_count; k++) {
      const mw_kernel_direct *d = &kernels->type[0].direct[k];
      if (!direct[k]) printf("direct kernel %zu of %d, one %d, stored %d, stores %d, never turned up\n", k, d->kernel, d->one, d->stored, d->stores);
      CHECK(direct[k]);
    }
  }
  RUN(many_numbers());
  UNIT_END();
}
