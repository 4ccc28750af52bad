/* product.c: tiles of about TILE rows and columns: large enough that OpenBLAS packs little beside what it multiplies, and enough of
 * them for many threads. */
#include "num/product.h"
#include "num/gemm.h"
#include <string.h>

enum { TILE = 512, ROUND = 16, MIRRORED = 32, HALVED = 128 };

typedef struct cutting {
  bool f64, add, half;
  size_t m, n, k, rows, columns, tiles_across, stride;
  mw_product_side a, b;
  unsigned char *out;
} cutting;

/* The side of a tile: the size divided by the number of tiles that have about TILE each. */
static size_t side(size_t size) {
  size_t tiles = (size + TILE / 2) / TILE;
  if (tiles < 2) return size;
  return ((size + tiles - 1) / tiles + ROUND - 1) / ROUND * ROUND;
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static const void *at(const cutting *c, mw_product_side of, size_t row, size_t column) {
  size_t element = of.turned ? column * of.stride + row : row * of.stride + column;
  return (const unsigned char *)of.values + element * (c->f64 ? sizeof(double) : sizeof(float));
}

static void multiply_part(const cutting *c, size_t row, size_t rows, size_t column, size_t columns) {
  mw_gemm_any(c->f64, c->a.turned, c->b.turned, rows, columns, c->k, at(c, c->a, row, 0), c->a.stride, at(c, c->b, 0, column), c->b.stride,
              c->add, c->out + (row * c->stride + column) * (c->f64 ? sizeof(double) : sizeof(float)), c->stride);
}

/* Of half a product, in tiles on the diagonal the upper rows have half the columns. */
static void multiply_tile(void *context, size_t item) {
  const cutting *c = context;
  const size_t row = item / c->tiles_across * c->rows, column = item % c->tiles_across * c->columns;
  const size_t rows = least(c->rows, c->m - row), columns = least(c->columns, c->n - column);
  if (c->half && column > row + c->rows - 1) return;
  const size_t upper = c->half && row == column && rows >= HALVED ? rows / (2 * ROUND) * ROUND : 0;
  if (upper) multiply_part(c, row, upper, column, upper);
  multiply_part(c, row + upper, rows - upper, column, columns);
}

/* MIRRORED rows of the upper half, from the columns of the lower one, square by square. */
static void mirror_rows(void *context, size_t item) {
  const cutting *c = context;
  const size_t first = item * MIRRORED, last = least(first + MIRRORED, c->m);
  for (size_t from = first; from < c->m; from += MIRRORED)
    for (size_t i = first; i < last; i++) {
      const size_t begin = from > i ? from : i + 1, end = least(from + MIRRORED, c->m);
      double *x = (double *)(void *)c->out;
      float *y = (float *)(void *)c->out;
      for (size_t j = begin; j < end && c->f64; j++) x[i * c->m + j] = x[j * c->m + i];
      for (size_t j = begin; j < end && !c->f64; j++) y[i * c->m + j] = y[j * c->m + i];
    }
}

static void mirror(const mw_team *team, cutting *c) {
  const mw_team mirroring = mw_team_for(team, (double)c->m * (double)c->m);
  mw_team_share(&mirroring, (c->m + MIRRORED - 1) / MIRRORED, mirror_rows, c);
}

void mw_product_mirror(const mw_team *team, bool f64, size_t m, void *out) {
  cutting c = {.f64 = f64, .m = m, .out = out};
  mirror(team, &c);
}

static void multiply(const mw_team *team, cutting *c) {
  if (!c->m || !c->n) return;
  if (!c->k) {
    size_t bytes = c->n * (c->f64 ? sizeof(double) : sizeof(float));
    for (size_t i = 0; i < c->m && !c->add; i++) memset(c->out + i * c->stride * (c->f64 ? sizeof(double) : sizeof(float)), 0, bytes);
    return;
  }
  const mw_team sharing = mw_team_for(team, 2.0 * (double)c->m * (double)c->n * (double)c->k);
  c->rows = side(c->m);
  c->columns = side(c->n);
  c->tiles_across = (c->n + c->columns - 1) / c->columns;
  mw_team_share(&sharing, (c->m + c->rows - 1) / c->rows * c->tiles_across, multiply_tile, c);
  if (c->half) mirror(team, c);
}

void mw_product(const mw_team *team, bool f64, size_t m, size_t n, size_t k, mw_product_side a, mw_product_side b, bool add, void *out,
                size_t stride) {
  cutting c = {.f64 = f64, .add = add, .m = m, .n = n, .k = k, .a = a, .b = b, .out = out, .stride = stride};
  multiply(team, &c);
}

void mw_product_symmetric(const mw_team *team, bool f64, size_t m, size_t k, mw_product_side a, mw_product_side b, bool add, void *out) {
  cutting c = {.f64 = f64, .add = add, .half = true, .m = m, .n = m, .k = k, .a = a, .b = b, .out = out, .stride = m};
  multiply(team, &c);
}
