/* gathered.c: a range of elements is cut into runs: parts of rows that lie one behind the other in one source, so that a vocabulary
 * which differs in a few tokens is read in a few pieces. */
#include "model/gathered.h"
#include "model/adapted.h"
#include "model/model.h"
#include "num/cpu.h"
#include <stdlib.h>
#include <string.h>

/* COUNTED: shorter pieces, which come in any order, are not given to the checksum of their file: it would fill its memory with them, and
 * that of the other files, too, would be read again. What the file lacks then is read at the end, as one piece. */
enum { STEP = 4096, COUNTED = 32 << 10 };

typedef struct reading {
  const mw_gathered *gathered;
  mw_dtype dtype; /* of the elements that are made */
  size_t size;
  bool counted;
  mw_error *err;
} reading;

static reading begin(const mw_tensor *tensor, bool counted, mw_error *err) {
  return (reading){.gathered = tensor->gathered, .dtype = (mw_dtype)tensor->dtype, .size = mw_dtype_size((mw_dtype)tensor->dtype),
                   .counted = counted, .err = err};
}

/* Elements [first, first + count) of a source, as they are stored there. */
static bool read_stored(const reading *r, size_t which, uint64_t first, size_t count, void *out) {
  const mw_gathered *g = r->gathered;
  const mw_gathered_source *source = &g->sources[which];
  const size_t size = mw_dtype_size((mw_dtype)source->tensor.dtype);
  const mw_adapted_factors *factors = g->factors ? g->factors[which] : NULL;
  const bool counted = r->counted && which == g->own && count * size >= COUNTED;
  if (factors)
    return mw_adapted_read(source->model, source->tensor.adapted, factors, counted, first * size, out, count * size, r->err);
  return (counted ? mw_model_read_counted : mw_model_read)(source->model, &source->tensor, first * size, out, count * size, r->err);
}

/* The same as they are made. */
static bool read_source(const reading *r, size_t which, uint64_t first, uint64_t count, unsigned char *out) {
  const mw_dtype dtype = (mw_dtype)r->gathered->sources[which].tensor.dtype;
  const mw_kernels *kernels;
  unsigned char stored[STEP * sizeof(double)];
  if (dtype == r->dtype) return read_stored(r, which, first, (size_t)count, out);
  MW_TRY(mw_cpu_kernels(&kernels, r->err));
  for (uint64_t done = 0; done < count; done += STEP) {
    size_t n = count - done < STEP ? (size_t)(count - done) : STEP;
    MW_TRY(read_stored(r, which, first + done, n, stored));
    kernels->type[r->dtype == MW_DTYPE_F64].load[dtype](out + done * r->size, stored, n);
  }
  return true;
}

/* Adds `count` elements that were made to sums. */
static void add(const reading *r, const unsigned char *made, size_t count, double *sums) {
  for (size_t i = 0; i < count; i++) {
    double wide;
    float value;
    if (r->dtype == MW_DTYPE_F64) memcpy(&wide, made + i * sizeof wide, sizeof wide);
    else memcpy(&value, made + i * sizeof value, sizeof value), wide = value;
    sums[i] += wide;
  }
}

static void put(const reading *r, double value, unsigned char *out) {
  const float rounded = (float)value;
  if (r->dtype == MW_DTYPE_F64) memcpy(out, &value, sizeof value);
  else memcpy(out, &rounded, sizeof rounded);
}

/* Elements [within, within + count) of a row that is a mean: in doubles, in the order of its parts, rounded once. */
static bool read_mean(const reading *r, uint32_t which, uint64_t within, uint64_t count, unsigned char *out) {
  const mw_gathered_rows *rows = r->gathered->rows;
  const mw_gathered_mean *mean = &rows->means[which];
  unsigned char made[STEP * sizeof(double)];
  double sums[STEP];
  for (uint64_t done = 0; done < count; done += STEP) {
    const size_t n = count - done < STEP ? (size_t)(count - done) : STEP;
    memset(sums, 0, n * sizeof *sums);
    for (uint32_t p = 0; p < mean->count; p++) {
      const mw_gathered_row part = rows->parts[mean->first + p];
      MW_TRY(read_source(r, part.source, part.row * r->gathered->width + within + done, n, made));
      add(r, made, n, sums);
    }
    for (size_t i = 0; i < n; i++) put(r, sums[i] / mean->count, out + (done + i) * r->size);
  }
  return true;
}

/* Elements of one row, or of several whose sources lie one behind the other. */
static bool read_run(const reading *r, mw_gathered_row row, uint64_t within, uint64_t count, unsigned char *out) {
  if (row.source == MW_GATHERED_MEAN) return read_mean(r, row.row, within, count, out);
  if (row.source != MW_GATHERED_ZERO) return read_source(r, row.source, row.row * r->gathered->width + within, count, out);
  memset(out, 0, (size_t)count * r->size);
  return true;
}

/* How many elements from (row i, element within) on lie one behind the other, `most` at most. */
static uint64_t run_of(const mw_gathered *g, uint64_t i, uint64_t within, uint64_t most) {
  const mw_gathered_row *rows = g->rows->rows;
  uint64_t n = g->width - within;
  for (uint64_t next = i + 1; n < most && next < g->rows->count && rows[i].source < g->source_count &&
                              rows[next].source == rows[i].source && rows[next].row == rows[i].row + (next - i); next++)
    n += g->width;
  return n < most ? n : most;
}

/* The mean of all rows of tokens: in doubles, row after row. */
static bool sum_rows(const reading *r, double *sums) {
  const mw_gathered *g = r->gathered;
  unsigned char made[STEP * sizeof(double)];
  for (uint64_t i = 0; i < g->rows->count; i++)
    for (uint64_t at = 0; at < g->width; at += STEP) {
      const uint64_t n = g->width - at < STEP ? g->width - at : STEP;
      MW_TRY(read_run(r, g->rows->rows[i], at, n, made));
      add(r, made, (size_t)n, sums + at);
    }
  return true;
}

static bool mean_of_rows(const reading *r, double *mean) {
  const mw_gathered *g = r->gathered;
  MW_TRY(sum_rows(r, mean));
  for (uint64_t e = 0; e < g->width; e++) mean[e] /= (double)g->rows->count;
  return true;
}

/* Elements [within, within + count) of rows of padding. */
static bool read_padding(const reading *r, uint64_t within, uint64_t count, unsigned char *out) {
  const mw_gathered *g = r->gathered;
  double *own = g->padding ? NULL : mw_mem_new((size_t)g->width, sizeof *own, r->err);
  const double *mean = g->padding ? g->padding : own;
  bool ok = mean && (!own || mean_of_rows(r, own));
  for (uint64_t i = 0; i < count && ok; i++) put(r, mean[(within + i) % g->width], out + i * r->size);
  free(own);
  return ok;
}

bool mw_gathered_read(const mw_tensor *tensor, bool counted, uint64_t at, void *bytes, size_t length, mw_error *err) {
  const reading r = begin(tensor, counted, err);
  const mw_gathered *g = r.gathered;
  const uint64_t first = at / r.size, count = length / r.size;
  unsigned char *out = bytes;
  for (uint64_t done = 0; done < count;) {
    const uint64_t i = (first + done) / g->width, within = (first + done) % g->width;
    if (i >= g->rows->count) return read_padding(&r, within, count - done, out + done * r.size);
    const uint64_t n = run_of(g, i, within, count - done);
    MW_TRY(read_run(&r, g->rows->rows[i], within, n, out + done * r.size));
    done += n;
  }
  return true;
}

static bool open_factors(mw_gathered *g, mw_arena *arena, mw_error *err) {
  const mw_adapted_factors **factors = mw_mem_take(arena, g->source_count * sizeof *factors, err);
  if (!factors) return false;
  g->factors = factors;
  for (size_t s = 0; s < g->source_count; s++) {
    const mw_gathered_source *source = &g->sources[s];
    mw_adapted_factors *opened = NULL;
    if (source->tensor.made == MW_TENSOR_ADAPTED) MW_TRY(mw_adapted_open(source->model, source->tensor.adapted, &opened, err));
    factors[s] = opened;
  }
  return true;
}

bool mw_gathered_ready(mw_gathered *g, const mw_tensor *tensor, mw_arena *arena, mw_error *err) {
  const reading r = begin(tensor, false, err);
  if (!g->factors) MW_TRY(open_factors(g, arena, err));
  if (g->padding || !tensor->rank || mw_tensor_elements(tensor) == g->rows->count * g->width) return true;
  double *mean = mw_mem_take(arena, (size_t)g->width * sizeof *mean, err);
  MW_TRY(mean && mean_of_rows(&r, mean));
  g->padding = mean;
  return true;
}

void mw_gathered_close(mw_gathered *g) {
  for (size_t s = 0; s < g->source_count && g->factors; s++) mw_adapted_close((mw_adapted_factors *)(uintptr_t)g->factors[s]);
  g->factors = NULL;
}
