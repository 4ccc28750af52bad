/* gemm.h: matrix products of f32 by OpenBLAS, one thread a call. Parallel callers give every thread panels of its own,
 * cut by the shapes alone: OpenBLAS's own threads would change the bits of a result. Bits still depend on the kernels
 * that OpenBLAS chose for this CPU, so the lock file records mw_gemm_core(). All matrices are row-major. */
#ifndef MW_NUM_GEMM_H
#define MW_NUM_GEMM_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

/* A matrix in memory: row i begins at values + i * stride. */
typedef struct mw_gemm_matrix {
  const float *values;
  size_t stride;
} mw_gemm_matrix;

/* out[m, n] (row i at out + i * stride) = scale * product, added to what is there where `add`.
 *   nt: a[m, k] times b[n, k] transposed; nn: a[m, k] times b[k, n]; tn: a[k, m] transposed times b[k, n] */
void mw_gemm_nt(size_t m, size_t n, size_t k, float scale, mw_gemm_matrix a, mw_gemm_matrix b, int add, float *out, size_t stride);
void mw_gemm_nn(size_t m, size_t n, size_t k, float scale, mw_gemm_matrix a, mw_gemm_matrix b, int add, float *out, size_t stride);
void mw_gemm_tn(size_t m, size_t n, size_t k, float scale, mw_gemm_matrix a, mw_gemm_matrix b, int add, float *out, size_t stride);

/* The same of f32 or f64, with either factor transposed as it lies: a is [m, k], or [k, m] where it is turned; b likewise. */
void mw_gemm_any(bool f64, bool a_turned, bool b_turned, size_t m, size_t n, size_t k, const void *a, size_t a_stride, const void *b,
                 size_t b_stride, bool add, void *out, size_t stride);

/* Comes before all products: loads OpenBLAS (openblas.h) and makes it use one thread. MW_UNAVAILABLE where it is not installed.
 * An OpenMP build of it then takes OpenMP's default number of threads down to 1: whoever owns that default puts it back. */
bool mw_gemm_begin(mw_error *err);
/* Comes before products of `threads` at a time that take `others` bytes beside: MW_MEMORY where a limit of address space leaves
 * OpenBLAS no space for its buffers, for which it would wait for ever. */
bool mw_gemm_fits(int threads, uint64_t others, mw_error *err);
/* The core type whose kernels run here, once they are loaded: "Zen", "Haswell", "SkylakeX" ... */
const char *mw_gemm_core(void);

/* How many columns of a product one panel has; it depends on `columns` only. The number of panels is even, so that two threads
 * share them well. It is about four, but a panel should not be too narrow (the other factor is packed again for each panel) nor
 * too wide for the cache. */
size_t mw_gemm_panel(size_t columns);

#endif
