/* test_loss_terms.c: a loss as the sum of its terms, however it is written; a graph from a hostile process costs no more. */
#include "train/loss_terms.h"
#include "unit.h"
#include <math.h>
#include <string.h>

static mw_graph *graph;
static mw_error err;
static mw_arena arena;

static mw_node apply(mw_op op, mw_node a, mw_node b) {
  mw_node node = 0;
  CHECK(mw_graph_apply(graph, op, (mw_node[]){a, b}, b ? 2 : 1, (uint64_t[]){0, 0}, &node, &err));
  return node;
}

static mw_node number(double value) {
  mw_node node = 0;
  CHECK(mw_graph_number(graph, value, &node, &err));
  return node;
}

/* Cross-entropy of an embedding's rows on data set `set`. */
static mw_node loss_on(uint64_t set) {
  mw_node tokens = 0, table = 0;
  uint32_t shape;
  CHECK(mw_graph_tokens(graph, set, 12, 4, &tokens, &err) && mw_graph_shape(graph, (uint64_t[]){50, 16}, 2, &shape, &err) &&
        mw_graph_input(graph, 0, 0, MW_DTYPE_BF16, shape, &table, &err));
  return apply(MW_OP_CROSS_ENTROPY, apply(MW_OP_EMBED, tokens, table), tokens);
}

/* The value of a term where every node is 1, or NAN where there is none of that name. */
static double term(const mw_loss_terms *terms, const char *name) {
  double ones[64], values[MW_TERMS_MOST];
  for (size_t i = 0; i < 64; i++) ones[i] = 1;
  CHECK(terms->node_count <= 64 && terms->count <= MW_TERMS_MOST);
  mw_loss_terms_sum(terms, ones, values);
  for (size_t i = 0; i < terms->count; i++)
    if (strcmp(terms->names[i], name) == 0) return values[i];
  return NAN;
}

int main(void) {
  mw_loss_terms terms;
  mw_node coefficient = 0, one = 0;
  CHECK(mw_graph_new(&graph, &err) && mw_graph_coefficient(graph, 0, 8, 1, &coefficient, &err));
  one = apply(MW_OP_TOTAL, coefficient, 0);
  mw_node first = loss_on(0), second = loss_on(1), square = apply(MW_OP_MUL, second, second);

  CASE("a sum of many kinds");
  /* ((2 first - second) / 4 - one) + -square + 3 first + 7 */
  mw_node sum = apply(MW_OP_DIV, apply(MW_OP_SUB, apply(MW_OP_MUL, number(2), first), second), number(4));
  sum = apply(MW_OP_ADD, apply(MW_OP_SUB, sum, one), apply(MW_OP_NEG, square, 0));
  sum = apply(MW_OP_ADD, apply(MW_OP_ADD, sum, apply(MW_OP_MUL, first, number(3))), number(7));
  CHECK(mw_loss_terms_find(graph, sum, &arena, &terms, &err) && terms.count == 5);
  CHECK(term(&terms, "cross_entropy data[1]") == 3.5 && term(&terms, "cross_entropy data[2]") == -0.25);
  CHECK(term(&terms, "coefficients") == -1 && term(&terms, "other") == -1 && term(&terms, "constant") == 1);

  CASE("one loss");
  /* A lone loss is its own term; one that is added to itself a hundred times over is visited once. */
  CHECK(mw_loss_terms_find(graph, first, &arena, &terms, &err) && terms.count == 1 && term(&terms, "cross_entropy data[1]") == 1);
  mw_node doubled = apply(MW_OP_ADD, one, first);
  for (int i = 0; i < 100; i++) doubled = apply(MW_OP_ADD, doubled, doubled);
  CHECK(mw_loss_terms_find(graph, doubled, &arena, &terms, &err) && terms.count == 2 && term(&terms, "coefficients") == ldexp(1, 100));

  CASE("penalties by name");
  mw_node size = apply(MW_OP_ABS, coefficient, 0), dot = apply(MW_OP_DOT, coefficient, coefficient), length = apply(MW_OP_SQRT, dot, 0);
  mw_node least = apply(MW_OP_TOTAL, apply(MW_OP_ABS, apply(MW_OP_MIN, size, coefficient), 0), 0);
  sum = apply(MW_OP_ADD, apply(MW_OP_TOTAL, size, 0), apply(MW_OP_MUL, number(2), length));
  sum = apply(MW_OP_ADD, sum, apply(MW_OP_MUL, number(3), apply(MW_OP_RATIO, dot, apply(MW_OP_MUL, length, length))));
  sum = apply(MW_OP_ADD, apply(MW_OP_ADD, sum, apply(MW_OP_MUL, number(4), least)), apply(MW_OP_MUL, number(5), dot));
  CHECK(mw_loss_terms_find(graph, sum, &arena, &terms, &err) && terms.count == 5 && term(&terms, "l1") == 1 && term(&terms, "l2") == 2);
  CHECK(term(&terms, "cosine") == 3 && term(&terms, "overlap") == 4 && term(&terms, "coefficients") == 5);

  CASE("more terms than a line holds");
  /* More data sets than a line of the log holds. */
  mw_node all = one;
  for (uint64_t i = 0; i < 60; i++) all = apply(MW_OP_ADD, all, loss_on(i));
  CHECK(mw_loss_terms_find(graph, all, &arena, &terms, &err) && terms.count == MW_TERMS_MOST && term(&terms, "other") == 30);
  mw_mem_release(&arena);
  mw_graph_free(graph);
  UNIT_END();
}
