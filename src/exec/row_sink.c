/* row_sink.c: a piece is cut where a run ends, and for sums where a unit ends or where the kernel of whole groups can begin. */
#include "exec/row_sink.h"
#include "num/rank.h"
#include <string.h>

static bool is_sum(mw_op op) { return op == MW_OP_ROW_TOTAL || op == MW_OP_ROW_DOT; }
static bool is_ordered(mw_op op) { return op == MW_OP_ROW_QUANTILE || op == MW_OP_ROW_RANK; }
static size_t value_size(const mw_row_sink *s) { return s->f64 ? sizeof(double) : sizeof(float); }

uint64_t mw_row_sink_bytes(mw_graph_node_facts facts) {
  if (!is_ordered(facts.op)) return 0;
  return facts.extra[0] * sizeof(double) + mw_rank_scratch((size_t)facts.extra[0]);
}

static void clear_lanes(mw_row_sink *s) { memset(s->lanes, 0, MW_LANES * value_size(s)); }

/* The lanes are clear: the last unit of the run before has left them so. */
static void begin_run(mw_row_sink *s) {
  s->at = 0;
  s->sum = 0;
}

void mw_row_sink_make(mw_row_sink *s, mw_graph_node_facts facts, bool f64, unsigned char *kept, unsigned char *memory) {
  s->op = facts.op;
  s->f64 = f64;
  s->width = facts.extra[0];
  s->parameter = facts.extra[1];
  s->kept = kept;
  s->run = memory;
  s->scratch = memory ? memory + facts.extra[0] * sizeof(double) : NULL;
}

void mw_row_sink_begin(mw_row_sink *s) {
  s->next = 0;
  clear_lanes(s);
  begin_run(s);
}

/* One half is added to the other, element by element, until four are left (two doubles), all in registers: compilers do not see that a loop
 * over halves may be so. `parts` vectors are a power of two. */
typedef float floats __attribute__((vector_size(16)));
typedef double pair __attribute__((vector_size(16)));
#define TAKE(i) memcpy(&x[i], (const unsigned char *)lanes + (i) * sizeof x[i], sizeof x[i])

static inline __attribute__((always_inline)) floats fold_floats(const void *lanes) {
  floats x[16];
#pragma GCC unroll 16
  for (size_t i = 0; i < 16; i++) TAKE(i);
#pragma GCC unroll 8
  for (size_t i = 0; i < 8; i++) x[i] += x[i + 8];
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; i++) x[i] += x[i + 4];
  x[0] += x[2], x[1] += x[3];
  return x[0] + x[1];
}

double mw_row_sink_fold(void *lanes, bool f64) {
  if (!f64) {
    const floats x = fold_floats(lanes);
    return (double)((x[0] + x[2]) + (x[1] + x[3]));
  }
  pair x[MW_LANES / 2];
  for (size_t i = 0; i < MW_LANES / 2; i++) TAKE(i);
  for (size_t width = MW_LANES / 4; width >= 2; width /= 2)
    for (size_t i = 0; i < width; i++) x[i] += x[i + width];
  return (x[0][0] + x[1][0]) + (x[0][1] + x[1][1]);
}

static double value_at(const unsigned char *x, bool f64, size_t i) {
  float f32;
  double value;
  if (f64) memcpy(&value, x + i * sizeof value, sizeof value);
  else memcpy(&f32, x + i * sizeof f32, sizeof f32), value = (double)f32;
  return value;
}

static void put(mw_row_sink *s, double value) {
  float f32 = (float)value;
  if (s->f64) memcpy(s->kept + s->next * sizeof value, &value, sizeof value);
  else memcpy(s->kept + s->next * sizeof f32, &f32, sizeof f32);
}

/* Adds a piece that begins in the middle of a group of lanes, or a few elements of one. */
static void add_to_lanes(mw_row_sink *s, const unsigned char *x, const unsigned char *y, size_t n) {
  const size_t lane = (size_t)(s->at % MW_LANES);
  float *f32 = (float *)(void *)s->lanes;
  for (size_t i = 0; i < n; i++) {
    double a = value_at(x, s->f64, i), b = y ? value_at(y, s->f64, i) : 1;
    if (s->f64) s->lanes[lane + i] += a * b;
    else f32[lane + i] += (float)a * (float)b;
  }
}

/* How many of n elements are of the unit that the sink is at; `*ends` if they are its last. */
static size_t cut_unit(const mw_row_sink *s, size_t n, bool *ends) {
  const size_t unit = MW_UNIT - (size_t)(s->at % MW_UNIT);
  if (n > unit) n = unit;
  *ends = n == unit || s->at + n == s->width;
  return n;
}

static void end_unit(mw_row_sink *s) {
  s->sum += mw_row_sink_fold(s->lanes, s->f64);
  clear_lanes(s);
}

static size_t add_sum(mw_row_sink *s, const mw_kernel_set *k, const unsigned char *x, const unsigned char *y, size_t n) {
  const size_t lane = (size_t)(s->at % MW_LANES);
  bool ends;
  n = cut_unit(s, lane && n > MW_LANES - lane ? MW_LANES - lane : n, &ends);
  if (lane) add_to_lanes(s, x, y, n);
  else if (y) k->dot(s->lanes, x, y, n);
  else k->sum(s->lanes, x, n);
  if (ends) end_unit(s);
  return n;
}

/* NaN stays. */
static void add_best(mw_row_sink *s, const unsigned char *x, size_t n) {
  const bool least = s->op == MW_OP_ROW_MIN;
  for (size_t i = 0; i < n; i++) {
    double value = value_at(x, s->f64, i);
    if (s->at + i && !(least ? value < s->best : value > s->best) && value == value) continue;
    s->best = value;
    s->place = s->at + i;
  }
}

static void end_run(mw_row_sink *s) {
  const size_t width = (size_t)s->width;
  if (s->op == MW_OP_ROW_RANK)
    mw_rank_places(s->kept + s->next * width * value_size(s), s->run, s->f64, width, s->parameter, s->scratch);
  else if (s->op == MW_OP_ROW_QUANTILE) put(s, mw_rank_value(s->run, s->f64, width, (size_t)s->parameter, s->scratch));
  else put(s, is_sum(s->op) ? s->sum : s->op == MW_OP_ROW_ARGMAX ? (double)s->place : s->best);
  s->next++;
  begin_run(s);
}

void mw_row_sink_add(mw_row_sink *s, const mw_kernel_set *kernels, const unsigned char *x, const unsigned char *y, size_t n) {
  const size_t size = value_size(s);
  for (size_t done = 0, step; done < n; done += step) {
    const uint64_t left = s->width - s->at;
    step = n - done < left ? n - done : (size_t)left;
    const unsigned char *from = x + done * size;
    if (is_sum(s->op)) step = add_sum(s, kernels, from, y ? y + done * size : NULL, step);
    else if (is_ordered(s->op)) memcpy(s->run + s->at * size, from, step * size);
    else add_best(s, from, step);
    s->at += step;
    if (s->at == s->width) end_run(s);
  }
}

bool mw_row_sink_add_stored(mw_row_sink *s, const mw_kernel_set *kernels, const unsigned char *x, const unsigned char *y, size_t n) {
  for (size_t done = 0, step; done < n; done += step) {
    const uint64_t left = s->width - s->at;
    bool ends;
    step = cut_unit(s, n - done < left ? n - done : (size_t)left, &ends);
    if (x != y) kernels->dot_stored(s->lanes, x + done * sizeof(uint16_t), y + done * sizeof(uint16_t), step);
    else if (step < n && !done && kernels->odd_stored(x, n)) return true;
    else if (kernels->squares_stored(s->lanes, x + done * sizeof(uint16_t), step)) return true;
    if (ends) end_unit(s);
    s->at += step;
    if (s->at == s->width) end_run(s);
  }
  return false;
}
