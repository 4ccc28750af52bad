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
} product;

struct mw_adapted_factors {
  const mw_kernels *kernels;
  uint64_t row, rows, column, columns; /* the first ones that are here, and how many */
  size_t count, left_stride, right_size; /* right_size: floats of a rank in all strips */
  product *products; /* [count] */
  mw_arena arena;
};

typedef struct reading {
  const mw_model *model;
  const mw_adapted *adapted;
  mw_adapted_factors *factors;
  bool counted;
  void *room; /* NULL, or where as many elements of the base have place as are formed */
  mw_error *err;
} reading;

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
    else floats += c->kind == MW_ADAPTED_LOHA ? 2 * pair : pair;
    if (c->magnitude) floats += c->turned ? a->columns : a->rows;
  }
  return floats * sizeof(float);
}

/* ---- the elements -------------------------------------------------------------------------------------------------- */

static bool read_stored(const reading *r, uint64_t first, size_t count, void *to) {
  const mw_tensor *source = &r->adapted->source;
  size_t size = mw_dtype_size((mw_dtype)source->dtype);
  return (r->counted ? mw_model_read_counted : mw_model_read)(r->model, source, first * size, to, count * size, r->err);
}

/* Elements of the base as floats. They are read at once to the end of `out`, where smaller ones lie behind the floats that are made of
 * them: of eight bf16 the first four are copied from bytes 16 to 23 and become the floats of bytes 0 to 15. */
static bool read_source(const reading *r, uint64_t first, size_t count, float *out) {
  const mw_tensor *source = &r->adapted->source;
  size_t size = mw_dtype_size((mw_dtype)source->dtype);
  unsigned char piece[STEP * sizeof(float)], *stored = (unsigned char *)out + count * (sizeof(float) - size);
  MW_TRY(read_stored(r, first, count, stored));
  for (size_t done = 0; done < count && source->dtype != MW_DTYPE_F32; done += STEP) {
    size_t n = count - done < STEP ? count - done : STEP;
    memcpy(piece, stored + done * size, n * size);
    r->factors->kernels->type[0].load[source->dtype](out + done, piece, n);
  }
  return true;
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
static void add_loha(const reading *r, const product *p, const mw_adapted_change *c, block b) {
  const mw_adapted_factors *f = r->factors;
  const mw_kernel_rows *k = &f->kernels->rows;
  float x[STEP], y[STEP];
  for (size_t i = 0; i < b.rows; i++)
    for (size_t done = 0, n; done < b.columns; done += n) {
      const size_t below = (size_t)(b.row - f->row) + i, before = (size_t)(b.column - f->column) + done;
      float *at = b.at + i * b.columns + done;
      n = b.columns - done < STEP ? b.columns - done : STEP;
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
      const size_t left = b.columns - done, n = columns - from < left ? (size_t)(columns - from) : left;
      const float factor = first[column / columns];
      float *at = b.at + i * b.columns + done;
      for (size_t e = 0; e < n; e++) at[e] = sum_of(at[e], factor * second[from + e] * c->scale);
      done += n;
    }
  }
}

/* Adds one change to a block whose elements are there, or stored in `bf16`. */
static void add_change(const reading *r, size_t which, const uint16_t *bf16, block b) {
  const mw_adapted_change *change = &r->adapted->changes[which];
  const mw_adapted_factors *f = r->factors;
  const product *p = &f->products[which];
  const mw_kernel_rows *k = &f->kernels->rows;
  if (change->kind == MW_ADAPTED_LOHA) return add_loha(r, p, change, b);
  if (change->kind == MW_ADAPTED_LOKR) return add_lokr(p, change, b);
  size_t below = (size_t)(b.row - f->row), before = (size_t)(b.column - f->column);
  k->add_product(b.at, b.columns, bf16, p->left + below, f->left_stride, p->right, before, change->scale, b.rows, (size_t)change->rank,
                 b.columns);
  for (size_t i = 0; p->gains && i < b.rows; i++) {
    float *at = b.at + i * b.columns;
    if (change->turned) k->times(at, at, p->gains + before, 1, b.columns);
    else k->scale(at, at, p->gains[below + i], b.columns);
  }
}

/* Elements [first, first + count) with the first `changes` changes. A LoRA that is the first takes bf16 as it is stored, where it has a
 * place. */
static bool form(const reading *r, size_t changes, uint64_t first, size_t count, float *out) {
  uint64_t width = r->adapted->columns;
  const bool stored = changes && r->adapted->changes[0].kind == MW_ADAPTED_LORA && r->adapted->source.dtype == MW_DTYPE_BF16;
  const uint16_t *bf16 = stored ? r->room : NULL;
  MW_TRY(bf16 ? read_stored(r, first, count, r->room) : read_source(r, first, count, out));
  for (size_t done = 0; done < count;) {
    uint64_t row = (first + done) / width, column = (first + done) % width;
    size_t left = count - done, n = width - column < left ? (size_t)(width - column) : left, rows = column ? 1 : left / (size_t)width;
    if (!rows) rows = 1;
    for (size_t c = 0; c < changes; c++) add_change(r, c, bf16 && !c ? bf16 + done : NULL, (block){row, column, rows, n, out + done});
    done += rows * n;
  }
  return true;
}

/* ---- the factors --------------------------------------------------------------------------------------------------- */

/* Elements of a factor as floats, all of them finite. */
static bool read_floats(const reading *r, const mw_tensor *tensor, uint64_t first, size_t count, float *out) {
  size_t size = mw_dtype_size((mw_dtype)tensor->dtype);
  unsigned char stored[STEP * sizeof(double)];
  mw_text_escaped path, name;
  for (size_t done = 0; done < count; done += STEP) {
    size_t n = count - done < STEP ? count - done : STEP;
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

/* Of a factor that is stored [ranks, width], or turned [width, ranks], the rows or columns [first, first + count) of all ranks. What is
 * needed of a file's row is read in pieces; several whole rows are one piece. */
static bool read_factor(const reading *r, const mw_tensor *tensor, bool turned, uint64_t ranks, uint64_t width, uint64_t first,
                        uint64_t count, place to) {
  float piece[STEP];
  const uint64_t row = turned ? ranks : count, rows = turned ? count : ranks, gap = turned ? 0 : width - count;
  const uint64_t from = turned ? first * ranks : first;
  for (uint64_t y = 0, x = 0; y < rows;) {
    uint64_t left = gap ? row - x : (rows - y) * row - x;
    size_t n = left < STEP ? (size_t)left : STEP;
    MW_TRY(read_floats(r, tensor, from + y * (row + gap) + x, n, piece));
    for (size_t e = 0; e < n;) {
      size_t run = row - x < n - e ? (size_t)(row - x) : n - e;
      for (size_t i, k, end = e + run; e < end; e++, x++) {
        i = (size_t)(turned ? y : x), k = (size_t)(turned ? x : y);
        to.at[i % MW_STRIP + i / MW_STRIP * to.strip + k * to.rank] = piece[e];
      }
      if (x == row) x = 0, y++;
    }
  }
  return true;
}

/* Two factors as the kernel reads them. */
static bool read_pair(const reading *r, const mw_adapted_change *c, const mw_tensor *stored_left, const mw_tensor *stored_right,
                      float **left, float **right) {
  mw_adapted_factors *f = r->factors;
  size_t rank = (size_t)c->rank;
  if (!(*left = mw_mem_take(&f->arena, rank * f->left_stride * sizeof(float), r->err)) ||
      !(*right = mw_mem_take(&f->arena, rank * f->right_size * sizeof(float) + LINE, r->err)))
    return false;
  *right += (LINE - (uintptr_t)*right % LINE) % LINE / sizeof(float);
  if (!stored_left)
    for (uint64_t i = 0; i < f->rows; i++) (*left)[i] = 1;
  else
    MW_TRY(read_factor(r, stored_left, !c->turned, rank, r->adapted->rows, f->row, f->rows, (place){*left, MW_STRIP, f->left_stride}));
  return read_factor(r, stored_right, c->turned, rank, r->adapted->columns, f->column, f->columns,
                     (place){*right, rank * MW_STRIP, MW_STRIP});
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
  return read_pair(r, c, c->left, c->right, &p->left, &p->right) &&
         (c->kind == MW_ADAPTED_LORA || read_pair(r, c, c->second_left, c->second_right, &p->second_left, &p->second_right));
}

/* The lengths of the rows (turned: the columns) that are here, with all changes up to this one. Squares are added in doubles, row
 * after row. */
static bool measure_lengths(const reading *r, size_t which, double *squares) {
  const mw_adapted_factors *f = r->factors;
  uint64_t width = r->adapted->columns;
  bool turned = r->adapted->changes[which].turned;
  float *row = mw_mem_new((size_t)width, sizeof *row, r->err);
  bool ok = row != NULL;
  for (uint64_t i = 0; i < f->rows && ok; i++) {
    ok = form(r, which + 1, (f->row + i) * width, (size_t)width, row);
    for (uint64_t j = 0; j < width && ok; j++) squares[turned ? j : i] += (double)row[j] * (double)row[j];
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

/* Whether the length of a column is needed: then the whole matrix is. */
static bool measures_columns(const mw_adapted *a) {
  bool any = false;
  for (size_t c = 0; c < a->count; c++) any |= a->changes[c].magnitude && a->changes[c].turned;
  return any;
}

/* The lengths of rows: whole rows are needed. */
static bool measures_rows(const mw_adapted *a) {
  bool any = false;
  for (size_t c = 0; c < a->count; c++) any |= a->changes[c].magnitude && !a->changes[c].turned;
  return any;
}

/* The factors of elements [first, first + count). */
static bool open_range(const mw_model *model, const mw_adapted *a, uint64_t first, uint64_t count, mw_adapted_factors **out,
                       mw_error *err) {
  mw_adapted_factors *f = mw_mem_new(1, sizeof *f, err);
  if (!f) return false;
  reading r = {model, a, f, false, NULL, err};
  uint64_t last = count ? first + count - 1 : first;
  f->row = first / a->columns;
  f->rows = last / a->columns - f->row + 1;
  f->columns = a->columns;
  if (measures_columns(a)) f->row = 0, f->rows = a->rows;
  else if (f->rows == 1 && !measures_rows(a)) f->column = first % a->columns, f->columns = last % a->columns - f->column + 1;
  f->left_stride = (size_t)left_stride_of(f->rows);
  f->right_size = (size_t)right_size_of(f->columns);
  f->count = a->count;
  bool ok = mw_cpu_kernels(&f->kernels, err) && (f->products = mw_mem_take(&f->arena, (a->count + 1) * sizeof *f->products, err)) != NULL;
  for (size_t c = 0; c < a->count && ok; c++) ok = read_change(&r, c) && (!a->changes[c].magnitude || read_gains(&r, c));
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
                     size_t length, void *room, mw_error *err) {
  uint64_t first = at / sizeof(float), count = length / sizeof(float);
  mw_adapted_factors *own = NULL;
  if (!count) return true;
  if (!factors) MW_TRY(open_range(model, a, first, count, &own, err));
  reading r = {model, a, own ? own : (mw_adapted_factors *)factors, counted, room, err};
  bool ok = form(&r, a->count, first, (size_t)count, bytes);
  mw_adapted_close(own);
  return ok;
}

static bool move(const mw_tensor **tensor, uint32_t files, mw_arena *arena, mw_error *err) {
  if (!*tensor) return true;
  mw_tensor *moved = mw_mem_take(arena, sizeof *moved, err);
  if (!moved) return false;
  *moved = **tensor;
  moved->file += files;
  *tensor = moved;
  return true;
}

const mw_adapted *mw_adapted_moved(const mw_adapted *a, uint32_t files, mw_arena *arena, mw_error *err) {
  mw_adapted *moved = mw_mem_take(arena, sizeof *moved, err);
  mw_adapted_change *changes = moved ? mw_mem_take(arena, (a->count + 1) * sizeof *changes, err) : NULL;
  if (!changes) return NULL;
  *moved = *a;
  moved->source.file += files;
  moved->changes = changes;
  for (size_t i = 0; i < a->count; i++) {
    mw_adapted_change *change = &changes[i];
    *change = a->changes[i];
    const mw_tensor **const stored[] = {&change->left, &change->right, &change->magnitude, &change->second_left, &change->second_right};
    for (size_t t = 0; t < sizeof stored / sizeof *stored; t++)
      if (!move(stored[t], files, arena, err)) return NULL;
  }
  return moved;
}

mw_tensor *mw_adapted_source(const mw_adapted *a, mw_arena *arena, const mw_adapted **copy, mw_error *err) {
  mw_adapted *own = mw_mem_take(arena, sizeof *own, err);
  if (!own) return NULL;
  *own = *a;
  own->written = MW_DTYPE_BF16;
  *copy = own;
  return &own->source;
}
