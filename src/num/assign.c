/* assign.c: one row after the other gets a column, on the shortest path over the rows that have one, by the reduced costs
 * cost[i, j] - of_row[i] - of_column[j], which are never below zero. Rows are those of the shorter side. */
#include "num/assign.h"
#include "base/mem.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct finder {
  size_t rows, columns;
  const double *cost;
  size_t down, across; /* steps from a row, and from a column, to the next one */
  double *of_row, *of_column, *distance;
  size_t *row_of, *before; /* of each column: its row, 1 + i; the column before it on the path. Column 0 is where a path begins */
  bool *done;
} finder;

static void add_row(finder *f, size_t row) {
  size_t at = 0;
  f->row_of[0] = row + 1;
  for (size_t j = 0; j <= f->columns; j++) f->distance[j] = INFINITY, f->done[j] = false;
  do {
    size_t own = f->row_of[at] - 1, next = 0;
    double least = INFINITY;
    f->done[at] = true;
    for (size_t j = 1; j <= f->columns; j++) {
      if (f->done[j]) continue;
      double reduced = f->cost[own * f->down + (j - 1) * f->across] - f->of_row[own] - f->of_column[j];
      if (reduced < f->distance[j]) f->distance[j] = reduced, f->before[j] = at;
      if (f->distance[j] < least) least = f->distance[j], next = j;
    }
    for (size_t j = 0; j <= f->columns; j++)
      if (f->done[j]) f->of_row[f->row_of[j] - 1] += least, f->of_column[j] -= least;
      else f->distance[j] -= least;
    at = next;
  } while (f->row_of[at]);
  for (; at; at = f->before[at]) f->row_of[at] = f->row_of[f->before[at]];
}

bool mw_assign(size_t m, size_t n, const double *cost, size_t *column_of, mw_error *err) {
  bool turned = m > n;
  finder f = {.rows = turned ? n : m, .columns = turned ? m : n, .cost = cost, .down = turned ? 1 : n, .across = turned ? n : 1};
  f.of_row = mw_mem_new(f.rows + 1, sizeof *f.of_row, err);
  f.of_column = f.of_row ? mw_mem_new(f.columns + 1, 2 * sizeof *f.of_column, err) : NULL;
  f.row_of = f.of_column ? mw_mem_new(f.columns + 1, 2 * sizeof *f.row_of, err) : NULL;
  f.done = f.row_of ? mw_mem_new(f.columns + 1, sizeof *f.done, err) : NULL;
  bool ok = f.done != NULL;
  if (ok) {
    f.distance = f.of_column + f.columns + 1;
    f.before = f.row_of + f.columns + 1;
    for (size_t i = 0; i < f.rows; i++) add_row(&f, i);
    for (size_t i = 0; i < m; i++) column_of[i] = SIZE_MAX;
    for (size_t j = 1; j <= f.columns; j++)
      if (f.row_of[j] && turned) column_of[j - 1] = f.row_of[j] - 1;
      else if (f.row_of[j]) column_of[f.row_of[j] - 1] = j - 1;
  }
  free(f.of_row);
  free(f.of_column);
  free(f.row_of);
  free(f.done);
  return ok;
}
