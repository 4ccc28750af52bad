/* test_row_steps.c: what is computed along rows of bf16 by steps on what is stored, with one number for a tile where it lies within a row, equals
 * the plain steps bit for bit: for rows that whole groups of lanes fill and others, tiles of any size, and values that are not finite. */
#include "exec/tile.h"
#include "num/cpu.h"
#include "unit.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 5, WIDEST = 4160, ROOM = ROWS * WIDEST + 64, KINDS = 5 };

static mw_error err;
static mw_graph *graph;
static const mw_kernels *kernels;
static uint16_t inputs[2][ROOM], outputs[2][ROOM];
static uint64_t state = 88172645463325252u;
static uint64_t next(void) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return state; }

static mw_node apply(mw_op op, mw_node a, mw_node b, uint64_t run) {
  const mw_node operands[2] = {a, b};
  const uint64_t extra[2] = {run};
  mw_node node = 0;
  CHECK(mw_graph_apply(graph, op, operands, (uint32_t)mw_graph_op_operands(op), extra, &node, &err));
  return node;
}

static mw_node number(double value) {
  mw_node node = 0;
  CHECK(mw_graph_number(graph, value, &node, &err));
  return node;
}

static mw_node unit(mw_node x, uint64_t run) { return apply(MW_OP_DIV, x, apply(MW_OP_SQRT, apply(MW_OP_ROW_DOT, x, x, run), 0, 0), 0); }

static mw_node weighted(mw_node a, mw_node b, double t) {
  return apply(MW_OP_ADD, apply(MW_OP_MUL, number(1 - t), a, 0), apply(MW_OP_MUL, number(t), b, 0), 0);
}

/* Unit rows, a projection, rows by their largest, one vector beside another of other runs, and a vector that more than maps read. */
static mw_node formula(int kind, mw_node a, mw_node b, uint64_t width) {
  const uint64_t part = width % 64 ? width : 64;
  mw_node along;
  switch (kind) {
  case 0: return weighted(unit(a, width), unit(b, width), 0.3);
  case 1: along = apply(MW_OP_DIV, apply(MW_OP_ROW_DOT, a, b, width), apply(MW_OP_ROW_DOT, b, b, width), 0); break;
  case 2: return apply(MW_OP_DIV, a, apply(MW_OP_ROW_MAX, b, 0, width), 0);
  case 3: return weighted(unit(a, width), unit(b, part), 0.3);
  default: return apply(MW_OP_ROW_RANK, apply(MW_OP_MUL, b, apply(MW_OP_ROW_TOTAL, a, 0, width), 0), 0, width);
  }
  return apply(MW_OP_SUB, a, apply(MW_OP_MUL, along, b, 0), 0);
}

/* Runs the program; `fast`: with steps on what is stored. Returns the input that was found not to be finite, or -1. */
static int run(mw_node node, uint64_t elements, bool fast, size_t size, uint16_t *out) {
  const mw_program_root root = {.node = node, .store = true};
  const mw_dtype dtypes[2] = {MW_DTYPE_BF16, MW_DTYPE_BF16};
  mw_program program = {0};
  mw_tile tile = {.kernels = &kernels->type[0], .size = size};
  double scalars[8];
  const unsigned char *stored[2];
  CHECK(mw_program_compile(&program, graph, &root, 1, &err) && program.quantum);
  for (size_t i = 0; i < program.scalar_count; i++) CHECK(mw_graph_is_number(graph, program.scalars[i], &scalars[i]));
  for (size_t i = 0; i < program.input_count; i++) stored[i] = (unsigned char *)inputs[mw_graph_facts(graph, program.inputs[i]).extra[1]];
  tile.coded.code.refused = next() % 2;
  CHECK(mw_tile_bind(&tile, graph, &program, fast ? dtypes : NULL, MW_DTYPE_BF16, scalars, &err));
  mw_tile_block block = {.elements = elements, .count = elements, .inputs = stored, .dtypes = dtypes, .output = (unsigned char *)out,
                         .output_dtype = MW_DTYPE_BF16, .bad_input = -1};
  mw_tile_run(&tile, graph, &block);
  mw_tile_free(&tile);
  mw_program_free(&program);
  return block.bad_input;
}

static void compare(uint64_t width, int kind, bool finite) {
  const uint64_t dims[2] = {ROWS, width}, elements = ROWS * width;
  uint32_t shape;
  mw_node leaf[2];
  CHECK(mw_graph_new(&graph, &err) && mw_graph_shape(graph, dims, 2, &shape, &err));
  for (uint32_t k = 0; k < 2; k++) {
    CHECK(mw_graph_input(graph, 0, k, MW_DTYPE_BF16, shape, &leaf[k], &err));
    for (uint64_t i = 0; i < elements; i++) inputs[k][i] = (uint16_t)(next() % 2 << 15 | (0x3c00 + next() % 0x400));
  }
  if (!finite) inputs[1][elements / 2] = next() % 2 ? 0x7f80 : 0x7fc0, inputs[0][next() % elements] = 0;
  mw_node node = formula(kind, leaf[0], leaf[1], width);
  static const size_t sizes[] = {64, 192, 1024, 4096};
  const int plain = run(node, elements, false, 1024, outputs[0]);
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    memset(outputs[1], 0, sizeof outputs[1]);
    CHECK((run(node, elements, true, sizes[s], outputs[1]) < 0) == (plain < 0) && finite == (plain < 0));
    CHECK(memcmp(outputs[0], outputs[1], elements * sizeof *outputs[0]) == 0);
  }
  mw_graph_free(graph);
}

int main(void) {
  CHECK(mw_cpu_kernels(&kernels, &err));
  static const uint64_t widths[] = {64, 100, 192, 256, 320, 1024, 2112, 4160};
  for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
    CASE("rows of %d", (int)widths[w]);
    for (int kind = 0; kind < KINDS; kind++)
      for (int finite = 0; finite < 2; finite++) compare(widths[w], kind, finite);
  }
  UNIT_END();
}
