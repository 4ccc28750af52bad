/* buffers.c: numbers are compared as numbers, since one tool stores positions as I64 and another as F16. Equal bytes, the usual case,
 * are told without looking at numbers. */
#include "model/buffers.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum kind { WEIGHT, EXACT, ROUNDED, SQUARE, COUNT, STATISTIC } kind;

static const struct { const char *end; kind kind; } known[] = {
#define MW_BUFFER(end, exact) {end, (exact) ? EXACT : ROUNDED},
#define MW_BUFFER_SQUARE(end) {end, SQUARE},
#define MW_BUFFER_COUNT(end) {end, COUNT},
#define MW_BUFFER_STATISTIC(end) {end, STATISTIC},
#include "model/buffers.def"
};

/* Whether a name ends with these parts: "bn.running_var", but not "prerunning_var". */
static bool has_end(const char *name, const char *end) {
  size_t length = strlen(name), own = strlen(end);
  return mw_text_ends_with(name, end) && (length == own || name[length - own - 1] == '.');
}

/* [n, n], or [1, 1, n, n] */
static bool is_square(const mw_tensor *tensor) {
  unsigned r = tensor->rank;
  if (r != 2 && !(r == 4 && tensor->shape[0] == 1 && tensor->shape[1] == 1)) return false;
  return tensor->shape[r - 1] == tensor->shape[r - 2];
}

/* Most names end in "weight" or "bias" and need no search. */
static kind kind_of(const mw_tensor *tensor) {
  if (has_end(tensor->name, "weight") || (has_end(tensor->name, "bias") && tensor->rank < 2)) return WEIGHT;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (has_end(tensor->name, known[i].end)) return known[i].kind != SQUARE ? known[i].kind : is_square(tensor) ? ROUNDED : WEIGHT;
  return WEIGHT;
}

static bool is_real(const mw_tensor *tensor) { return mw_dtype_kind_of((mw_dtype)tensor->dtype) == MW_DTYPE_KIND_REAL; }

bool mw_buffers_is_kept(const mw_tensor *tensor) {
  kind k = is_real(tensor) ? kind_of(tensor) : EXACT;
  return k == EXACT || k == ROUNDED || k == COUNT;
}

/* ---- numbers ---- */

/* An element as a number; false for dtypes that hold none, such as packed floats. */
static bool number_of(mw_dtype dtype, const unsigned char *bytes, double *out) {
  size_t size = mw_dtype_size(dtype);
  uint64_t bits = 0;
  if (mw_dtype_kind_of(dtype) == MW_DTYPE_KIND_REAL) return *out = mw_dtype_number(dtype, bytes), true;
  if (mw_dtype_kind_of(dtype) != MW_DTYPE_KIND_INTEGER) return false;
  memcpy(&bits, bytes, size);
  unsigned unused = 64 - 8 * (unsigned)size;
  *out = mw_dtype_name(dtype)[0] == 'I' ? (double)((int64_t)(bits << unused) >> unused) : (double)bits;
  return true;
}

/* A number that was stored in 16 bits differs by 2^-9 of itself where it was BF16, and by 2^-25 where it was a small one of F16. */
static bool is_near(double a, double b, bool exact) {
  return a == b || (isnan(a) && isnan(b)) || (!exact && fabs(a - b) <= 0x1p-8 * fmax(fabs(a), fabs(b)) + 0x1p-24);
}

/* Two tensors of one name: the first element that differs, or that none does. */
typedef struct difference {
  bool found, shapes; /* shapes: they cannot be compared by element */
  uint64_t at;
  double here, there;
} difference;

static bool same_shape(const mw_tensor *a, const mw_tensor *b) { return mw_tensor_elements(a) == mw_tensor_elements(b); }

static bool compare_numbers(const mw_family_member *donor, const mw_tensor *x, const mw_family_member *member, const mw_tensor *y,
                            difference *out, mw_error *err) {
  enum { STEP = 2048 };
  unsigned char here[STEP * 8], there[STEP * 8];
  const mw_dtype a = (mw_dtype)x->dtype, b = (mw_dtype)y->dtype;
  const bool exact = !is_real(x) || !is_real(y) || kind_of(x) == EXACT;
  for (uint64_t at = 0, end = mw_tensor_elements(x); at < end && !out->found; at += STEP) {
    size_t n = end - at < STEP ? (size_t)(end - at) : STEP, wide = mw_dtype_size(a), wide_b = mw_dtype_size(b);
    MW_TRY(mw_model_read(donor->model, x, at * wide, there, n * wide, err) &&
           mw_model_read(member->model, y, at * wide_b, here, n * wide_b, err));
    for (size_t i = 0; i < n && !out->found; i++) {
      if (!number_of(a, there + i * wide, &out->there) || !number_of(b, here + i * wide_b, &out->here)) out->shapes = true;
      bool whole = a == b && !is_real(x); /* of 64 bits: more than a double tells apart */
      bool same = whole ? memcmp(there + i * wide, here + i * wide, wide) == 0 : is_near(out->here, out->there, exact);
      out->found = out->shapes || !same;
      out->at = at + i;
    }
  }
  return true;
}

static bool compare(const mw_family_member *donor, const mw_tensor *x, const mw_family_member *member, const mw_tensor *y,
                    difference *out, mw_error *err) {
  bool same;
  *out = (difference){0};
  MW_TRY(mw_model_same(donor->model, x, member->model, y, &same, err));
  if (same) return true;
  if (same_shape(x, y)) return compare_numbers(donor, x, member, y, out, err);
  out->found = out->shapes = true;
  return true;
}

/* ---- a family ---- */

static bool check_equal(const mw_family_member *donor, const mw_tensor *kept, const mw_family_member *member, mw_error *err) {
  const mw_tensor *own = mw_family_find(member, kept->name);
  mw_text_escaped name;
  difference d;
  if (!own || member == donor) return true;
  MW_TRY(compare(donor, kept, member, own, &d, err));
  if (!d.found) return true;
  const char *dtype = mw_dtype_name((mw_dtype)own->dtype), *donors = mw_dtype_name((mw_dtype)kept->dtype);
  mw_text_escape_z(&name, kept->name);
  if (!d.shapes)
    mw_error_set(err, MW_DATA, "%s: tensor '%s' is no weight, and differs from %s's: element %llu is %g (%s) here and %g (%s) there",
                 member->label, name.bytes, donor->label, (unsigned long long)d.at, d.here, dtype, d.there, donors);
  else
    mw_error_set(err, MW_DATA, "%s: tensor '%s' is no weight, and has %llu elements (%s) here and %llu (%s) in %s", member->label,
                 name.bytes, (unsigned long long)mw_tensor_elements(own), dtype, (unsigned long long)mw_tensor_elements(kept), donors,
                 donor->label);
  return mw_error_hint(err, "--donor-integers takes that of %s", donor->label);
}

/* Older tools have averaged positions, in thousands of files that are merged again: 39.97 is cut off to 39. */
static bool check_whole(const mw_family_member *donor, const mw_tensor *tensor, mw_warning *warnings, mw_error *err) {
  enum { STEP = 4096 };
  unsigned char bytes[STEP];
  size_t each = mw_dtype_size((mw_dtype)tensor->dtype), count = STEP / each;
  for (uint64_t at = 0, end = mw_tensor_elements(tensor); at < end; at += count) {
    size_t n = end - at < count ? (size_t)(end - at) : count;
    MW_TRY(mw_tensor_read(&donor->model->files[tensor->file], tensor, at * each, bytes, n * each, err));
    for (size_t i = 0; i < n; i++) {
      double value = mw_dtype_number((mw_dtype)tensor->dtype, bytes + i * each);
      mw_text_escaped name;
      if (value == floor(value)) continue;
      mw_warning_add(warnings,
                     "%s: tensor '%s' holds %g, which is no index: an older tool has averaged it; a donor of whole numbers mends it",
                     donor->label, mw_text_escape_z(&name, tensor->name), value);
      return true;
    }
  }
  return true;
}

/* One warning for all statistics: a network has dozens of them, and they differ together. */
static bool check_statistics(const mw_family *family, mw_warning *warnings, mw_error *err) {
  const mw_family_member *donor = &family->members[family->donor];
  const mw_tensor *first = NULL;
  size_t count = 0;
  for (size_t i = 0; i < donor->count; i++) {
    const mw_tensor *tensor = &donor->tensors[i];
    difference d = {0};
    if (donor->kept[i] || tensor->made || kind_of(tensor) != STATISTIC) continue;
    for (size_t m = 0; m < family->count && !d.found; m++) {
      const mw_tensor *own = m == family->donor ? NULL : mw_family_find(&family->members[m], tensor->name);
      if (own) MW_TRY(compare(donor, tensor, &family->members[m], own, &d, err));
    }
    if (d.found && !count++) first = tensor;
  }
  mw_text_escaped name;
  if (first)
    mw_warning_add(warnings, "statistics of batch norms differ, such as '%s' (%zu tensor%s), and are merged like weights: they are not "
                   "those of the merged model; let it see data in training mode to count them anew", mw_text_escape_z(&name, first->name),
                   count, count == 1 ? "" : "s");
  return true;
}

bool mw_buffers_compare(const mw_family *family, mw_warning *warnings, mw_error *err) {
  const mw_family_member *donor = &family->members[family->donor];
  for (size_t i = 0; i < donor->count; i++) {
    const mw_tensor *tensor = &donor->tensors[i];
    if (!donor->kept[i] || kind_of(tensor) == COUNT) continue;
    if (is_real(tensor) && kind_of(tensor) == EXACT && !tensor->made) MW_TRY(check_whole(donor, tensor, warnings, err));
    for (size_t m = 0; m < family->count && !family->rules.donor_integers; m++)
      MW_TRY(check_equal(donor, tensor, &family->members[m], err));
  }
  return check_statistics(family, warnings, err);
}
