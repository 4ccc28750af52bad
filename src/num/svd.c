/* svd.c: see svd.h. Of the two sides of x one is shorter, `p`, and one longer, `q`; vectors of a side lie in rows. x is read in
 * slabs of SLAB elements of the longer side, since f64 takes twice as much memory. */
#include "num/svd.h"
#include "base/mem.h"
#include "num/lapack.h"
#include "num/product.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OVER = 8, POWER = 2, FEWER = 8, SMALLEST = 128, SLAB = 1024 };
static const double well_conditioned = 1e-5;
static const mw_kernel_stream columns = {.key = 0x6d6174726978, .name = 0x737664}; /* of the random columns */

static size_t least_of(size_t a, size_t b) { return a < b ? a : b; }
static size_t most_of(size_t a, size_t b) { return a < b ? b : a; }

bool mw_svd_is_sampled(size_t least, size_t k) { return least >= SMALLEST && (k + OVER) * FEWER <= least; }

double mw_svd_bound(size_t least, size_t k) {
  double p = OVER, l = (double)k + p;
  double once = 1 + sqrt((double)k / (p - 1)) + exp(1.0) * sqrt(l) / p * sqrt((double)(least - k));
  return pow(once, 1.0 / (2 * POWER + 1));
}

static double element(const void *x, bool f64, size_t i) { return f64 ? ((const double *)x)[i] : (double)((const float *)x)[i]; }
static void put(void *x, bool f64, size_t i, double value) {
  if (f64) ((double *)x)[i] = value;
  else ((float *)x)[i] = (float)value;
}

/* ---- by Gram: f32 ---- */

typedef struct gram {
  const mw_team *team;
  const float *x;
  size_t m, n, p, q, k;
  bool tall;           /* p is the number of columns */
  double *slab;        /* of the longer side from `from` on: [slab, p] where tall, else [p, SLAB] */
  double *eigen;       /* k vectors of the shorter side, where the Gram matrix was */
  double *longer;      /* k vectors of the longer side */
  double *values;      /* p eigenvalues ascending; then k singular values */
  double *rest;        /* k: what reflections left of the longer vectors */
  size_t from, slabs;  /* elements of the longer side in the slab */
  size_t *order;       /* of the k values */
  float *u, *s, *v;
} gram;

/* Row `i` of the slab. */
static void widen_row(void *context, size_t i) {
  const gram *g = context;
  const float *from = g->tall ? g->x + (g->from + i) * g->n : g->x + i * g->n + g->from;
  double *to = g->slab + i * (g->tall ? g->p : SLAB);
  for (size_t j = 0, count = g->tall ? g->p : g->slabs; j < count; j++) to[j] = (double)from[j];
}

static bool next_slab(gram *g, bool begin) {
  g->from = begin ? 0 : g->from + g->slabs;
  g->slabs = least_of(SLAB, g->q - g->from);
  const mw_team team = mw_team_for(g->team, (double)g->slabs * (double)g->p);
  if (g->slabs) mw_team_share(&team, g->tall ? g->slabs : g->p, widen_row, g);
  return g->slabs > 0;
}

/* The slab as a matrix of [p, slabs], or, turned, of [slabs, p]. */
static mw_product_side slab_of(const gram *g, bool turned) {
  return (mw_product_side){g->slab, g->tall ? g->p : SLAB, g->tall != turned};
}

static void reverse_rows(double *a, size_t rows, size_t columns_count) {
  for (size_t i = 0, k = rows; i + 1 < k--; i++)
    for (size_t j = 0; j < columns_count; j++) {
      double held = a[i * columns_count + j];
      a[i * columns_count + j] = a[k * columns_count + j];
      a[k * columns_count + j] = held;
    }
}

/* The eigenvectors of the Gram matrix, by falling value; the singular values. */
static bool find_shorter(gram *g, mw_error *err) {
  for (bool begin = true; next_slab(g, begin); begin = false)
    mw_product_symmetric(g->team, true, g->p, g->slabs, slab_of(g, false), slab_of(g, true), !begin, g->eigen);
  MW_TRY(mw_lapack_eigen_largest(g->p, g->k, g->eigen, g->values, err));
  reverse_rows(g->eigen, g->p, g->p);
  reverse_rows(g->values, g->p, 1);
  for (size_t i = 0; i < g->p; i++) g->values[i] = g->values[i] > 0 ? sqrt(g->values[i]) : 0;
  return true;
}

/* Those of the longer side: x applied to the others, which is their value times the vector. */
static bool find_longer(gram *g, mw_error *err) {
  for (bool begin = true; next_slab(g, begin); begin = false)
    mw_product(g->team, true, g->k, g->slabs, g->p, (mw_product_side){g->eigen, g->p, false}, slab_of(g, false), false,
               g->longer + g->from, g->q);
  if (g->values[g->k - 1] > well_conditioned * g->values[0]) {
    for (size_t i = 0; i < g->k; i++) g->rest[i] = g->values[i];
    return true;
  }
  MW_TRY(mw_lapack_orthonormal(g->k, g->q, g->longer, g->rest, err));
  for (size_t i = 0; i < g->k; i++) {
    g->values[i] = fabs(g->rest[i]);
    g->rest[i] = g->rest[i] < 0 ? -1 : 1;
  }
  return true;
}

/* Pairs by falling value; those of equal value stay as they are. */
static void sort(gram *g) {
  for (size_t i = 0; i < g->k; i++) {
    size_t at = i;
    for (; at > 0 && g->values[g->order[at - 1]] < g->values[i]; at--) g->order[at] = g->order[at - 1];
    g->order[at] = i;
  }
}

/* Value `j` of the result with its two vectors. */
static void store_pair(void *context, size_t j) {
  const gram *g = context;
  size_t i = g->order[j];
  const double *shorter = g->eigen + i * g->p, *longer = g->longer + i * g->q, *u = g->tall ? longer : shorter;
  double scale = 1 / g->rest[i], largest = 0, sign = 1;
  for (size_t r = 0; r < g->m; r++)
    if (fabs(u[r]) > largest) largest = fabs(u[r]), sign = u[r] < 0 ? -1 : 1;
  if (g->tall) sign *= scale < 0 ? -1 : 1;
  double of_u = g->tall ? sign * scale : sign, of_v = g->tall ? sign : sign * scale;
  const double *v = g->tall ? shorter : longer;
  g->s[j] = (float)g->values[i];
  for (size_t r = 0; r < g->m; r++) g->u[r * g->k + j] = (float)(of_u * u[r]);
  for (size_t c = 0; c < g->n; c++) g->v[j * g->n + c] = (float)(of_v * v[c]);
}

static bool by_gram(const mw_team *team, size_t m, size_t n, size_t k, const float *x, float *u, float *s, float *v, mw_error *err) {
  gram g = {.team = team, .x = x, .m = m, .n = n, .p = least_of(m, n), .q = most_of(m, n), .k = k, .tall = m >= n, .u = u, .s = s, .v = v};
  g.slab = mw_mem_new(SLAB, g.p * sizeof(double), err);
  g.eigen = g.slab ? mw_mem_new(g.p, g.p * sizeof(double), err) : NULL;
  g.longer = g.eigen ? mw_mem_new(k, g.q * sizeof(double), err) : NULL;
  g.values = g.longer ? mw_mem_new(g.p + k, sizeof(double), err) : NULL;
  g.order = g.values ? mw_mem_new(k, sizeof *g.order, err) : NULL;
  g.rest = g.values ? g.values + g.p : NULL;
  bool ok = g.order && find_shorter(&g, err) && find_longer(&g, err);
  if (ok) {
    const mw_team storing = mw_team_for(team, (double)k * (double)(m + n));
    sort(&g);
    mw_team_share(&storing, k, store_pair, &g);
  }
  free(g.slab);
  free(g.eigen);
  free(g.longer);
  free(g.values);
  free(g.order);
  return ok;
}

/* ---- gesdd: f64 ---- */

static void fix_signs(size_t m, size_t n, size_t k, double *u, double *v) {
  for (size_t j = 0; j < k; j++) {
    double largest = 0, sign = 1;
    for (size_t r = 0; r < m; r++)
      if (fabs(u[r * k + j]) > largest) largest = fabs(u[r * k + j]), sign = u[r * k + j] < 0 ? -1 : 1;
    for (size_t r = 0; r < m; r++) u[r * k + j] *= sign;
    for (size_t c = 0; c < n; c++) v[j * n + c] *= sign;
  }
}

static bool by_gesdd(size_t m, size_t n, size_t k, const double *x, double *u, double *s, double *v, mw_error *err) {
  size_t all = least_of(m, n);
  double *copy = mw_mem_new(m, n * sizeof *copy, err);
  double *left = copy ? mw_mem_new(m, all * sizeof *left, err) : NULL;
  double *values = left ? mw_mem_new(all, sizeof *values, err) : NULL;
  double *right = values ? mw_mem_new(all, n * sizeof *right, err) : NULL;
  if (right) memcpy(copy, x, m * n * sizeof *copy);
  bool ok = right && mw_lapack_svd(m, n, copy, left, values, right, err);
  for (size_t r = 0; r < m && ok; r++) memcpy(u + r * k, left + r * all, k * sizeof *u);
  if (ok) memcpy(s, values, k * sizeof *s);
  if (ok) memcpy(v, right, k * n * sizeof *v);
  if (ok) fix_signs(m, n, k, u, v);
  free(copy);
  free(left);
  free(values);
  free(right);
  return ok;
}

static bool exactly(const mw_team *team, bool f64, size_t m, size_t n, size_t k, const void *x, void *u, void *s, void *v, mw_error *err) {
  return f64 ? by_gesdd(m, n, k, x, u, s, v, err) : by_gram(team, m, n, k, x, u, s, v, err);
}

/* ---- sampled ---- */

typedef struct sampling {
  const mw_team *team;
  const mw_kernel_set *kernels;
  bool f64;
  size_t size;          /* bytes of an element */
  size_t m, n, l;
  const void *x;
  void *left, *right;   /* [m, l], [n, l] */
  double *wide, *small; /* [m, l] or [n, l] in f64; three of [l, l] and l values */
} sampling;

/* y[rows, l] in f64, or its transpose. */
static void widen(const sampling *w, const void *y, size_t rows, bool turned) {
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < w->l; j++) w->wide[turned ? j * rows + i : i * w->l + j] = element(y, w->f64, i * w->l + j);
}

/* Makes the columns of y[rows, l] nearly orthonormal, by the eigenvectors of y'y, so that rounding does not lose the smaller ones in
 * the next product. `spare` is another [rows, l]; the result lies there. `even` becomes false where the columns were so uneven, by more
 * than 1000, that a second time does not make them orthonormal to rounding. */
static bool spread(sampling *w, const void *y, size_t rows, void *spare, bool *even, mw_error *err) {
  size_t l = w->l;
  double *gramian = w->small, *scaled = gramian + l * l, *values = scaled + l * l;
  const mw_team alone = {0};
  widen(w, y, rows, false);
  mw_product_side side = {w->wide, l, false}, turned = {w->wide, l, true};
  mw_product_symmetric(&alone, true, l, rows, turned, side, false, gramian);
  MW_TRY(mw_lapack_eigen(l, gramian, values, err));
  double least = values[l - 1] * DBL_EPSILON;
  *even = values[0] > 1e-6 * values[l - 1];
  for (size_t j = 0; j < l; j++) {
    double scale = values[j] > least ? 1 / sqrt(values[j]) : least > 0 ? 1 / sqrt(least) : 0;
    for (size_t i = 0; i < l; i++) put(scaled, w->f64, i * l + j, gramian[j * l + i] * scale);
  }
  mw_product(w->team, w->f64, rows, l, l, (mw_product_side){y, l, false}, (mw_product_side){scaled, l, false}, false, spare, l);
  return true;
}

/* left = x right, or right = x' left. */
static void apply(const sampling *w, const void *from, bool turned, void *to) {
  mw_product(w->team, w->f64, turned ? w->n : w->m, w->l, turned ? w->m : w->n, (mw_product_side){w->x, w->n, turned},
             (mw_product_side){from, w->l, false}, false, to, w->l);
}

/* An orthonormal basis [m, l] of what x does to random columns. `spare`: room for [max(m, n), l]. */
static bool find_range(sampling *w, void *spare, mw_error *err) {
  bool even, again;
  w->kernels->normal(spare, columns, 0, w->n * w->l);
  apply(w, spare, false, w->left);
  for (int i = 0; i < POWER; i++) {
    MW_TRY(spread(w, w->left, w->m, spare, &even, err));
    apply(w, spare, true, w->right);
    MW_TRY(spread(w, w->right, w->n, spare, &even, err));
    apply(w, spare, false, w->left);
  }
  MW_TRY(spread(w, w->left, w->m, spare, &even, err) && spread(w, spare, w->m, w->left, &again, err));
  if (even && again) return true;
  widen(w, w->left, w->m, true);
  MW_TRY(mw_lapack_orthonormal(w->l, w->m, w->wide, w->small, err));
  for (size_t i = 0; i < w->m; i++)
    for (size_t j = 0; j < w->l; j++) put(w->left, w->f64, i * w->l + j, w->wide[j * w->m + i]);
  return true;
}

/* The decomposition of left' x, which is [l, n]: u is left times its u. */
static bool within(sampling *w, size_t k, void *spare, void *u, void *s, void *v, mw_error *err) {
  void *inner = w->small;
  mw_product(w->team, w->f64, w->l, w->n, w->m, (mw_product_side){w->left, w->l, true}, (mw_product_side){w->x, w->n, false}, false, spare,
             w->n);
  MW_TRY(exactly(w->team, w->f64, w->l, w->n, k, spare, inner, s, v, err));
  mw_product(w->team, w->f64, w->m, k, w->l, (mw_product_side){w->left, w->l, false}, (mw_product_side){inner, k, false}, false, u, k);
  for (size_t j = 0; j < k; j++) {
    double largest = 0, sign = 1;
    for (size_t r = 0; r < w->m; r++) {
      double value = element(u, w->f64, r * k + j);
      if (fabs(value) > largest) largest = fabs(value), sign = value < 0 ? -1 : 1;
    }
    if (sign > 0) continue;
    for (size_t r = 0; r < w->m; r++) put(u, w->f64, r * k + j, -element(u, w->f64, r * k + j));
    for (size_t c = 0; c < w->n; c++) put(v, w->f64, j * w->n + c, -element(v, w->f64, j * w->n + c));
  }
  return true;
}

static size_t padded(size_t count) { return (count + MW_GROUP) / MW_GROUP * MW_GROUP; } /* as kernels need it */

static bool by_sampling(const mw_team *team, const mw_kernel_set *kernels, bool f64, size_t m, size_t n, size_t k, const void *x, void *u,
                        void *s, void *v, mw_error *err) {
  sampling w = {.team = team, .kernels = kernels, .f64 = f64, .m = m, .n = n, .l = k + OVER, .x = x};
  w.size = f64 ? sizeof(double) : sizeof(float);
  size_t longer = most_of(m, n);
  void *spare = mw_mem_new(padded(longer * w.l), w.size, err);
  w.left = spare ? mw_mem_new(m * w.l, w.size, err) : NULL;
  w.right = w.left ? mw_mem_new(n * w.l, w.size, err) : NULL;
  w.wide = w.right ? mw_mem_new(longer * w.l, sizeof(double), err) : NULL;
  w.small = w.wide ? mw_mem_new(2 * w.l * w.l + w.l, sizeof(double), err) : NULL;
  bool ok = w.small && find_range(&w, spare, err) && within(&w, k, spare, u, s, v, err);
  free(spare);
  free(w.left);
  free(w.right);
  free(w.wide);
  free(w.small);
  return ok;
}

bool mw_svd(const mw_team *team, const mw_kernel_set *kernels, bool f64, size_t m, size_t n, size_t k, const void *x, void *u, void *s,
            void *v, mw_error *err) {
  if (mw_svd_is_sampled(least_of(m, n), k)) return by_sampling(team, kernels, f64, m, n, k, x, u, s, v, err);
  return exactly(team, f64, m, n, k, x, u, s, v, err);
}

static uint64_t exact_bytes(bool f64, uint64_t m, uint64_t n, uint64_t k) {
  uint64_t p = m < n ? m : n, q = m < n ? n : m;
  if (f64) return 8 * (m * n + (m + n) * p + 4 * p * p + 64 * q);
  return 8 * (SLAB * p + p * p + k * q + 2 * p * p + 72 * q); /* eigenvalues take 2 p^2 */
}

uint64_t mw_svd_bytes(bool f64, size_t m, size_t n, size_t k) {
  uint64_t least = least_of(m, n), most = most_of(m, n), l = k + OVER, size = f64 ? 8 : 4;
  if (!mw_svd_is_sampled((size_t)least, k)) return exact_bytes(f64, m, n, k);
  return (most * l + (m + n) * l) * size + 8 * (most * l + 4 * l * l) + exact_bytes(f64, l, n, k);
}

/* dgesdd with both sides' vectors takes about 4 m n^2 + 22 n^3 (Golub, Van Loan); dsyevd about 9 n^3, of which 2 n^3 are the reflections of
 * n vectors. */
static double exact_flops(bool f64, double m, double n, double k) {
  double p = m < n ? m : n, q = m < n ? n : m;
  return f64 ? 4 * q * p * p + 22 * p * p * p : q * p * p + 7 * p * p * p + 2 * p * p * k + 2 * q * p * k;
}

double mw_svd_flops(bool f64, size_t m, size_t n, size_t k) {
  double l = (double)k + OVER;
  if (!mw_svd_is_sampled(least_of(m, n), k)) return exact_flops(f64, (double)m, (double)n, (double)k);
  double products = 2 * (2 * POWER + 2) * (double)m * (double)n * l, bases = (4 * POWER + 6) * (double)most_of(m, n) * l * l;
  return products + bases + exact_flops(f64, l, (double)n, (double)k);
}
