/* adapted.c: a range of elements is cut into whole rows and the parts of rows before and behind them, since the kernel adds a product
 * to a block of rows. Who reads once only needs the factors' rows and columns of that range. */
#include "model/adapted.h"
#include "model/model.h"
#include "num/cpu.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* GAP: floats between ranks of `left`; without it those of 4096 rows would all compete for the same few lines of the cache. LINE: bytes of
 * such a line, at which `right` and so each of its strips begins. */
enum { STEP = 4096, GAP = 16, LINE = 64 };

/* Factors lie as the kernel reads them (add_product of num/rows.def). */
typedef struct product {
  float *left;  /* [rank, left_stride]: rank after rank, of each its rows */
  float *right; /* [strips, rank, MW_STRIP]: the first 16 columns of all ranks, then the next 16 ... */
  float *gains; /* DoRA: what each row (turned: column) is multiplied by; NULL without, and while the lengths are measured */
  float *second_left, *second_right; /* LoHa: as the first two. LoKr: left and second_left are the two matrices, row after row */
  size_t first, count; /* trained tokens: those of the rows that are here; left has them, row after row */
} product;

struct mw_adapted_factors {
  const mw_kernels *kernels;
  uint64_t row, rows, column, columns; /* the first ones that are here, and how many */
  uint64_t expert, experts; /* the first one that has rows here, and how many have; of all others 0, 1 */
  size_t count, left_stride, right_size; /* right_size: floats of a rank in all strips */
  product *products; /* [count] */
  mw_arena arena;
};

typedef struct reading {
  const mw_model *model;
  const mw_adapted *adapted;
  mw_adapted_factors *factors;
  mw_error *err;
} reading;

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t left_stride_of(uint64_t rows) { return (rows + GAP - 1) / GAP * GAP + GAP; }
static uint64_t right_size_of(uint64_t columns) { return (columns + MW_STRIP - 1) / MW_STRIP * MW_STRIP; }

/* Columns of one side of a LoKr, whose rows are those of `left`. */
static uint64_t side_columns(const mw_tensor *left, const mw_tensor *right) {
  const mw_tensor *last = right ? right : left;
  return mw_tensor_elements(last) / last->shape[0];
}

/* Floats of one side: its factors, and what they give. */
static uint64_t side_floats(const mw_tensor *left, const mw_tensor *right) {
  const uint64_t whole = left->shape[0] * side_columns(left, right);
  return right ? whole + mw_tensor_elements(left) + mw_tensor_elements(right) : whole;
}

uint64_t mw_adapted_bytes(const mw_adapted *a) {
  uint64_t floats = 0;
  for (size_t i = 0; i < a->count; i++) {
    const mw_adapted_change *c = &a->changes[i];
    const uint64_t pair = c->rank * (left_stride_of(a->rows) + right_size_of(a->columns)) + LINE / sizeof(float);
    if (c->kind == MW_ADAPTED_LOKR) floats += side_floats(c->left, c->right) + side_floats(c->second_left, c->second_right);
    else if (c->kind == MW_ADAPTED_ROWS) floats += c->rank * a->columns;
    else if (c->kind != MW_ADAPTED_GAINS) floats += c->kind == MW_ADAPTED_LOHA ? 2 * pair : pair;
    if (c->kind == MW_ADAPTED_EXPERTS) floats += (a->experts - 1) * c->rank * right_size_of(a->columns);
    if (c->magnitude) floats += c->turned ? a->columns : a->rows;
  }
  return floats * sizeof(float);
}

/* ---- the elements -------------------------------------------------------------------------------------------------- */

/* Elements as floats. They may lie at the end of `out`, where smaller ones lie behind the floats that are made of them: of eight bf16 the
 * first four are copied from bytes 16 to 23 and become the floats of bytes 0 to 15. */
static void load(const mw_adapted_factors *f, mw_dtype dtype, const void *stored, size_t count, float *out) {
  const size_t size = mw_dtype_size(dtype);
  unsigned char piece[STEP * sizeof(double)];
  if (dtype == MW_DTYPE_F32) memmove(out, stored, count * size);
  for (size_t done = 0; done < count && dtype != MW_DTYPE_F32; done += STEP) {
    const size_t n = (size_t)least(count - done, STEP);
    memcpy(piece, (const unsigned char *)stored + done * size, n * size);
    f->kernels->type[0].load[dtype](out + done, piece, n);
  }
}

/* Elements of `rows` rows, `columns` of each from (row, column) on. */
typedef struct block {
  uint64_t row, column;
  size_t rows, columns;
  float *at;
} block;

/* Where nothing is added, the sign of a zero stays. */
static inline float sum_of(float x, float change) { return change != 0 ? x + change : x; }

/* Both products are formed for a piece of a row, then multiplied. */
static void add_loha(const mw_adapted_factors *f, const product *p, const mw_adapted_change *c, block b) {
  const mw_kernel_rows *k = &f->kernels->rows;
  float x[STEP], y[STEP];
  for (size_t i = 0; i < b.rows; i++)
    for (size_t done = 0, n; done < b.columns; done += n) {
      const size_t below = (size_t)(b.row - f->row) + i, before = (size_t)(b.column - f->column) + done;
      float *at = b.at + i * b.columns + done;
      n = (size_t)least(b.columns - done, STEP);
      memset(x, 0, n * sizeof *x);
      memset(y, 0, n * sizeof *y);
      k->add_product(x, n, NULL, p->left + below, f->left_stride, p->right, before, 1, 1, (size_t)c->rank, n);
      k->add_product(y, n, NULL, p->second_left + below, f->left_stride, p->second_right, before, 1, 1, (size_t)c->rank, n);
      for (size_t e = 0; e < n; e++) at[e] = sum_of(at[e], x[e] * y[e] * c->scale);
    }
}

/* A row of the second matrix comes again for each element of a row of the first. */
static void add_lokr(const product *p, const mw_adapted_change *c, block b) {
  const uint64_t rows = c->second_left->shape[0], columns = side_columns(c->second_left, c->second_right),
                 width = side_columns(c->left, c->right);
  for (size_t i = 0; i < b.rows; i++) {
    const uint64_t row = b.row + i;
    const float *first = p->left + row / rows * width, *second = p->second_left + row % rows * columns;
    for (size_t done = 0; done < b.columns;) {
      const uint64_t column = b.column + done, from = column % columns;
      const size_t n = (size_t)least(columns - from, b.columns - done);
      const float factor = first[column / columns];
      float *at = b.at + i * b.columns + done;
      for (size_t e = 0; e < n; e++) at[e] = sum_of(at[e], factor * second[from + e] * c->scale);
      done += n;
    }
  }
}

/* Rows of several experts: each with its own `right`. */
static void add_experts(const mw_adapted *a, const mw_adapted_factors *f, const product *p, const mw_adapted_change *c, block b) {
  const uint64_t each = a->rows / a->experts;
  for (size_t done = 0, n; done < b.rows; done += n) {
    const uint64_t row = b.row + done;
    const float *right = p->right + (size_t)(row / each - f->expert) * f->right_size * (size_t)c->rank;
    n = (size_t)least(b.rows - done, each - row % each);
    f->kernels->rows.add_product(b.at + done * b.columns, b.columns, NULL, p->left + (size_t)(row - f->row), f->left_stride, right,
                                 (size_t)(b.column - f->column), c->scale, n, (size_t)c->rank, b.columns);
  }
}

/* Rows that were trained take the place of what is there. */
static void put_rows(const mw_adapted_factors *f, const product *p, const mw_adapted_change *c, block b) {
  for (size_t i = 0; i < p->count; i++) {
    const uint64_t row = c->replaced[p->first + i].row;
    if (row >= b.row && row < b.row + b.rows)
      memcpy(b.at + (size_t)(row - b.row) * b.columns, p->left + i * (size_t)f->columns + (size_t)(b.column - f->column),
             b.columns * sizeof *b.at);
  }
}

/* Adds one change to a block whose elements are there, or stored in `bf16`. */
static void add_change(const mw_adapted *a, const mw_adapted_factors *f, size_t which, const uint16_t *bf16, block b) {
  const mw_adapted_change *change = &a->changes[which];
  const product *p = &f->products[which];
  const mw_kernel_rows *k = &f->kernels->rows;
  if (change->kind == MW_ADAPTED_LOHA) return add_loha(f, p, change, b);
  if (change->kind == MW_ADAPTED_LOKR) return add_lokr(p, change, b);
  if (change->kind == MW_ADAPTED_EXPERTS) return add_experts(a, f, p, change, b);
  if (change->kind == MW_ADAPTED_ROWS) return put_rows(f, p, change, b);
  size_t below = (size_t)(b.row - f->row), before = (size_t)(b.column - f->column);
  if (change->kind == MW_ADAPTED_LORA)
    k->add_product(b.at, b.columns, bf16, p->left + below, f->left_stride, p->right, before, change->scale, b.rows, (size_t)change->rank,
                   b.columns);
  for (size_t i = 0; p->gains && i < b.rows; i++) {
    float *at = b.at + i * b.columns;
    if (change->turned) k->times(at, at, p->gains + before, 1, b.columns);
    else k->scale(at, at, p->gains[below + i], b.columns);
  }
}

/* Adds the first `changes` changes to elements [first, first + count), which are there; the first of them to `bf16`, if it is not NULL. */
static void add_changes(const mw_adapted *a, const mw_adapted_factors *f, size_t changes, const uint16_t *bf16, uint64_t first,
                        size_t count, float *out) {
  const uint64_t width = a->columns;
  for (size_t done = 0; done < count;) {
    const uint64_t row = (first + done) / width, column = (first + done) % width, whole = column ? 0 : (count - done) / width;
    const block b = {row, column, whole ? (size_t)whole : 1, (size_t)least(width - column, count - done), out + done};
    for (size_t c = 0; c < changes; c++) add_change(a, f, c, bf16 && !c ? bf16 + done : NULL, b);
    done += b.rows * b.columns;
  }
}

/* A LoRA that is the first takes bf16 as it is stored. */
void mw_adapted_form(const mw_adapted *a, const mw_adapted_factors *f, const void *stored, uint64_t first, size_t count, float *out) {
  const bool direct = a->count && a->changes[0].kind == MW_ADAPTED_LORA && a->source.dtype == MW_DTYPE_BF16;
  if (!direct) load(f, (mw_dtype)a->source.dtype, stored, count, out);
  add_changes(a, f, a->count, direct ? stored : NULL, first, count, out);
}

/* Reads elements [first, first + count) of the base, and adds the first `changes` changes. */
static bool read_formed(const reading *r, size_t changes, bool counted, uint64_t first, size_t count, float *out) {
  const mw_tensor *source = &r->adapted->source;
  const size_t size = mw_dtype_size((mw_dtype)source->dtype);
  const bool fits = size <= sizeof(float); /* what is stored lies at the end of `out`; f64 is read step by step */
  unsigned char wide[STEP * sizeof(double)];
  for (size_t done = 0, n; done < count; done += n) {
    n = fits ? count : (size_t)least(count - done, STEP);
    void *stored = fits ? (unsigned char *)out + n * (sizeof(float) - size) : wide;
    MW_TRY((counted ? mw_model_read_counted : mw_model_read)(r->model, source, (first + done) * size, stored, n * size, r->err));
    load(r->factors, (mw_dtype)source->dtype, stored, n, out + done);
  }
  add_changes(r->adapted, r->factors, changes, NULL, first, count, out);
  return true;
}

/* ---- the factors --------------------------------------------------------------------------------------------------- */

/* Elements of a factor as floats, all of them finite. */
static bool read_floats(const reading *r, const mw_tensor *tensor, uint64_t first, size_t count, float *out) {
  size_t size = mw_dtype_size((mw_dtype)tensor->dtype);
  unsigned char stored[STEP * sizeof(double)];
  mw_text_escaped path, name;
  for (size_t done = 0; done < count; done += STEP) {
    const size_t n = (size_t)least(count - done, STEP);
    MW_TRY(mw_model_read(r->model, tensor, (first + done) * size, stored, n * size, r->err));
    if (!r->factors->kernels->type[0].load[tensor->dtype](out + done, stored, n)) continue;
    size_t i = done;
    while (isfinite(out[i])) i++;
    return mw_error_set(r->err, MW_DATA, "%s: tensor '%s': the value at index %llu is NaN or infinite: the adapter cannot be used",
                        mw_text_escape_z(&path, mw_model_path(r->model, tensor)), mw_text_escape_z(&name, tensor->name),
                        (unsigned long long)(first + i));
  }
  return true;
}

/* Where a factor's value of rank k, for row or column i, lies in memory: i % MW_STRIP + i / MW_STRIP * strip + k * rank. */
typedef struct place {
  float *at;
  size_t strip, rank;
} place;

static inline float *place_of(place to, uint64_t i, uint64_t k) { return to.at + i % MW_STRIP + i / MW_STRIP * to.strip + k * to.rank; }

/* Values of rank k of so many rows or columns, from `first` on, that lie `gap` values apart in `from`. */
static void put_rank(place to, uint64_t k, uint64_t first, uint64_t count, const float *from, size_t gap) {
  for (uint64_t i = first, n; i < first + count; i += n) {
    float *at = place_of(to, i, k);
    n = least(MW_STRIP - i % MW_STRIP, first + count - i);
    for (uint64_t e = 0; e < n; e++) at[e] = from[(i - first + e) * gap];
  }
}

/* Of a factor that is stored [ranks, width], or turned [width, ranks], from the element `start` on, the rows or columns
 * [first, first + count) of all ranks. What is needed of a file's row is read in pieces; several whole rows are one piece. */
static bool read_factor(const reading *r, const mw_tensor *tensor, uint64_t start, bool turned, uint64_t ranks, uint64_t width,
                        uint64_t first, uint64_t count, place to) {
  float piece[STEP];
  const uint64_t row = turned ? ranks : count, rows = turned ? count : ranks, gap = turned ? 0 : width - count;
  const uint64_t from = start + (turned ? first * ranks : first);
  for (uint64_t y = 0, x = 0; y < rows;) {
    const uint64_t n = least(row - x, STEP), m = gap || n < row ? 1 : least(rows - y, STEP / row);
    MW_TRY(read_floats(r, tensor, from + y * (row + gap) + x, (size_t)(m * n), piece));
    for (uint64_t k = 0; k < n && turned; k++) put_rank(to, x + k, y, m, piece + k, (size_t)n);
    for (uint64_t k = 0; k < m && !turned; k++) put_rank(to, y + k, x, n, piece + k * n, 1);
    if ((x += n) == row) x = 0, y += m;
  }
  return true;
}

/* The places of two factors; of `right` as many as there are experts. */
static bool take_pair(const reading *r, size_t rank, float **left, float **right) {
  mw_adapted_factors *f = r->factors;
  if (!(*left = mw_mem_take(&f->arena, rank * f->left_stride * sizeof(float), r->err)) ||
      !(*right = mw_mem_take(&f->arena, (size_t)f->experts * rank * f->right_size * sizeof(float) + LINE, r->err)))
    return false;
  *right += (LINE - (uintptr_t)*right % LINE) % LINE / sizeof(float);
  return true;
}

/* Two factors as the kernel reads them. */
static bool read_pair(const reading *r, const mw_adapted_change *c, const mw_tensor *stored_left, const mw_tensor *stored_right,
                      float **left, float **right) {
  const mw_adapted_factors *f = r->factors;
  const size_t rank = (size_t)c->rank;
  MW_TRY(take_pair(r, rank, left, right));
  if (!stored_left)
    for (uint64_t i = 0; i < f->rows; i++) (*left)[i] = 1;
  else
    MW_TRY(read_factor(r, stored_left, 0, !c->turned, rank, r->adapted->rows, f->row, f->rows, (place){*left, MW_STRIP, f->left_stride}));
  return read_factor(r, stored_right, 0, c->turned, rank, r->adapted->columns, f->column, f->columns,
                     (place){*right, rank * MW_STRIP, MW_STRIP});
}

/* The factor of the experts' outputs, B [outputs, rank * experts]: one walk over the outputs that are needed, of which each value goes
 * to the place of its expert. */
static bool read_outputs(const reading *r, const mw_adapted_change *c, const product *p) {
  const mw_adapted_factors *f = r->factors;
  const mw_tensor *stored = c->turned ? c->right : c->left;
  const uint64_t width = c->rank * c->experts, each = r->adapted->rows / r->adapted->experts;
  const size_t rank = (size_t)c->rank, strip = rank * MW_STRIP, right = rank * f->right_size;
  const uint64_t from = c->first + (c->turned ? f->column : f->experts == 1 ? f->row % each : 0);
  const uint64_t count = c->turned ? f->columns : f->experts == 1 ? f->rows : each;
  float piece[STEP];
  for (uint64_t done = 0; done < count * width; done += STEP) {
    const size_t n = (size_t)least(count * width - done, STEP);
    MW_TRY(read_floats(r, stored, from * width + done, n, piece));
    for (size_t i = 0; i < n; i++) {
      const uint64_t output = from + (done + i) / width - c->first, at = (done + i) % width, expert = at % c->experts - c->expert;
      const size_t k = (size_t)(at / c->experts);
      if (expert < f->expert || expert >= f->expert + f->experts) continue; /* one before c->expert is a very large number */
      const uint64_t row = expert * each + output - f->row;
      const place to = {p->right + (size_t)(expert - f->expert) * right, strip, MW_STRIP};
      if (c->turned) *place_of(to, output - f->column, k) = piece[i];
      else if (row < f->rows) p->left[k * f->left_stride + (size_t)row] = piece[i];
    }
  }
  return true;
}

/* The factors of each expert that has rows here. */
static bool read_experts(const reading *r, const mw_adapted_change *c, product *p) {
  const mw_adapted_factors *f = r->factors;
  const mw_tensor *inputs = c->turned ? c->left : c->right; /* A [experts * rank, inputs] */
  const uint64_t each = r->adapted->rows / r->adapted->experts, width = c->turned ? each : r->adapted->columns;
  const size_t rank = (size_t)c->rank;
  MW_TRY(take_pair(r, rank, &p->left, &p->right));
  for (uint64_t e = f->expert; e < f->expert + f->experts; e++) {
    const uint64_t start = (c->expert + e) * c->rank * width, low = e * each < f->row ? f->row : e * each;
    const uint64_t high = least((e + 1) * each, f->row + f->rows);
    const place left = {p->left + (size_t)(low - f->row), MW_STRIP, f->left_stride},
                right = {p->right + (size_t)(e - f->expert) * rank * f->right_size, rank * MW_STRIP, MW_STRIP};
    MW_TRY(c->turned ? read_factor(r, inputs, start, false, c->rank, width, low - e * each, high - low, left)
                     : read_factor(r, inputs, start, false, c->rank, width, f->column, f->columns, right));
  }
  return read_outputs(r, c, p);
}

/* The trained rows that are here, of each the columns that are. */
static bool read_rows(const reading *r, const mw_adapted_change *c, product *p) {
  mw_adapted_factors *f = r->factors;
  for (; p->first < c->rank && c->replaced[p->first].row < f->row; p->first++) {}
  while (p->first + p->count < c->rank && c->replaced[p->first + p->count].row < f->row + f->rows) p->count++;
  if (!(p->left = mw_mem_take(&f->arena, (p->count * (size_t)f->columns + 1) * sizeof *p->left, r->err))) return false;
  for (size_t i = 0; i < p->count; i++)
    MW_TRY(read_floats(r, c->left, c->replaced[p->first + i].from * r->adapted->columns + f->column, (size_t)f->columns,
                       p->left + i * (size_t)f->columns));
  return true;
}

static bool read_multipliers(const reading *r, const mw_adapted_change *c, product *p) {
  mw_adapted_factors *f = r->factors;
  const size_t count = (size_t)(c->turned ? f->columns : f->rows);
  p->gains = mw_mem_take(&f->arena, count * sizeof *p->gains, r->err);
  return p->gains && read_floats(r, c->magnitude, c->turned ? f->column : f->row, count, p->gains);
}

static float *read_whole(const reading *r, const mw_tensor *tensor) {
  const size_t count = (size_t)mw_tensor_elements(tensor);
  float *out = mw_mem_take(&r->factors->arena, count * sizeof *out, r->err);
  return out && read_floats(r, tensor, 0, count, out) ? out : NULL;
}

/* One side of a LoKr, whole: a matrix, or the product of two. */
static bool read_side(const reading *r, const mw_tensor *left, const mw_tensor *right, float **out) {
  const size_t rows = (size_t)left->shape[0], rank = (size_t)(mw_tensor_elements(left) / rows), columns = (size_t)side_columns(left, right);
  if (!right) return (*out = read_whole(r, left)) != NULL;
  const float *x = read_whole(r, left), *y = x ? read_whole(r, right) : NULL;
  if (!y || !(*out = mw_mem_take(&r->factors->arena, rows * columns * sizeof **out, r->err))) return false;
  memset(*out, 0, rows * columns * sizeof **out);
  for (size_t i = 0; i < rows; i++)
    for (size_t k = 0; k < rank; k++)
      for (size_t j = 0; j < columns; j++) (*out)[i * columns + j] += x[i * rank + k] * y[k * columns + j];
  return true;
}

static bool read_change(const reading *r, size_t which) {
  const mw_adapted_change *c = &r->adapted->changes[which];
  product *p = &r->factors->products[which];
  if (c->kind == MW_ADAPTED_LOKR)
    return read_side(r, c->left, c->right, &p->left) && read_side(r, c->second_left, c->second_right, &p->second_left);
  if (c->kind == MW_ADAPTED_EXPERTS) return read_experts(r, c, p);
  if (c->kind == MW_ADAPTED_ROWS) return read_rows(r, c, p);
  if (c->kind == MW_ADAPTED_GAINS) return read_multipliers(r, c, p);
  return read_pair(r, c, c->left, c->right, &p->left, &p->right) &&
         (c->kind == MW_ADAPTED_LORA || read_pair(r, c, c->second_left, c->second_right, &p->second_left, &p->second_right));
}

/* The lengths of the rows (turned: the columns) that are here, with all changes up to this one. Squares are added in doubles, row
 * after row. */
static bool measure_lengths(const reading *r, size_t which, double *squares) {
  const mw_adapted_factors *f = r->factors;
  uint64_t width = r->adapted->columns;
  float *row = mw_mem_new((size_t)width, sizeof *row, r->err);
  bool ok = row != NULL;
  for (uint64_t i = 0; i < f->rows && ok; i++) {
    ok = read_formed(r, which + 1, false, (f->row + i) * width, (size_t)width, row);
    for (uint64_t j = 0; j < width && ok; j++) squares[r->adapted->changes[which].turned ? j : i] += (double)row[j] * (double)row[j];
  }
  free(row);
  return ok;
}

static bool read_gains(const reading *r, size_t which) {
  const mw_adapted_change *c = &r->adapted->changes[which];
  mw_adapted_factors *f = r->factors;
  size_t count = (size_t)(c->turned ? f->columns : f->rows);
  mw_text_escaped name;
  double *squares = mw_mem_new(count, sizeof *squares, r->err);
  float *gains = squares ? mw_mem_take(&f->arena, count * sizeof *gains, r->err) : NULL;
  bool ok = gains && measure_lengths(r, which, squares) && read_floats(r, c->magnitude, c->turned ? f->column : f->row, count, gains);
  for (size_t i = 0; ok && i < count; i++) {
    ok = squares[i] > 0 && isfinite(squares[i]);
    if (!ok)
      mw_error_set(r->err, MW_DATA, "tensor '%s': %s %llu has no length that its magnitude could scale",
                   mw_text_escape_z(&name, r->adapted->source.name), c->turned ? "column" : "row", (unsigned long long)(f->row + i));
    else gains[i] /= (float)sqrt(squares[i]);
  }
  if (ok) f->products[which].gains = gains;
  free(squares);
  return ok;
}

static bool is_dora(const mw_adapted_change *c) { return c->magnitude && c->kind != MW_ADAPTED_GAINS; }

/* Whether the lengths of rows are needed, then whole rows are; or those of columns, then the whole matrix is. */
static bool measures(const mw_adapted *a, bool columns) {
  bool any = false;
  for (size_t c = 0; c < a->count; c++) any |= is_dora(&a->changes[c]) && a->changes[c].turned == columns;
  return any;
}

/* The factors of elements [first, first + count). */
static bool open_range(const mw_model *model, const mw_adapted *a, uint64_t first, uint64_t count, mw_adapted_factors **out,
                       mw_error *err) {
  mw_adapted_factors *f = mw_mem_new(1, sizeof *f, err);
  if (!f) return false;
  reading r = {model, a, f, err};
  uint64_t last = count ? first + count - 1 : first;
  f->row = first / a->columns;
  f->rows = last / a->columns - f->row + 1;
  f->columns = a->columns;
  if (measures(a, true)) f->row = 0, f->rows = a->rows;
  else if (f->rows == 1 && !measures(a, false)) f->column = first % a->columns, f->columns = last % a->columns - f->column + 1;
  f->expert = f->row / (a->rows / a->experts);
  f->experts = (f->row + f->rows - 1) / (a->rows / a->experts) - f->expert + 1;
  f->left_stride = (size_t)left_stride_of(f->rows);
  f->right_size = (size_t)right_size_of(f->columns);
  f->count = a->count;
  bool ok = mw_cpu_kernels(&f->kernels, err) && (f->products = mw_mem_take(&f->arena, (a->count + 1) * sizeof *f->products, err)) != NULL;
  for (size_t c = 0; c < a->count && ok; c++) ok = read_change(&r, c) && (!is_dora(&a->changes[c]) || read_gains(&r, c));
  if (ok) *out = f;
  else mw_adapted_close(f);
  return ok;
}

bool mw_adapted_open(const mw_model *model, const mw_adapted *a, mw_adapted_factors **out, mw_error *err) {
  return open_range(model, a, 0, a->rows * a->columns, out, err);
}

void mw_adapted_close(mw_adapted_factors *factors) {
  if (!factors) return;
  mw_mem_release(&factors->arena);
  free(factors);
}

bool mw_adapted_read(const mw_model *model, const mw_adapted *a, const mw_adapted_factors *factors, bool counted, uint64_t at, void *bytes,
                     size_t length, mw_error *err) {
  uint64_t first = at / sizeof(float), count = length / sizeof(float);
  mw_adapted_factors *own = NULL;
  if (!count) return true;
  if (!factors) MW_TRY(open_range(model, a, first, count, &own, err));
  reading r = {model, a, own ? own : (mw_adapted_factors *)factors, err};
  bool ok = read_formed(&r, a->count, counted, first, (size_t)count, bytes);
  mw_adapted_close(own);
  return ok;
}

mw_tensor *mw_adapted_source(const mw_adapted *a, mw_arena *arena, const mw_adapted **copy, mw_error *err) {
  mw_adapted *own = mw_mem_take(arena, sizeof *own, err);
  if (!own) return NULL;
  *own = *a;
  own->written = MW_DTYPE_BF16;
  *copy = own;
  return &own->source;
}
