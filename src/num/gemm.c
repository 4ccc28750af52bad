/* gemm.c: the only file that knows <cblas.h>, for the types of what is found in the loaded library. */
#include "num/gemm.h"
#include "num/openblas.h"
#include <cblas.h>
#include <string.h>

enum { PANELS = 4, NARROW = 128, WIDE = 512, ROUND = 16 };

static struct {
  __typeof__(cblas_sgemm) *sgemm;
  __typeof__(cblas_dgemm) *dgemm;
  __typeof__(openblas_set_num_threads) *set_threads;
  __typeof__(openblas_get_corename) *core;
} blas;

static void multiply(CBLAS_TRANSPOSE left, CBLAS_TRANSPOSE right, size_t m, size_t n, size_t k, float scale, mw_gemm_matrix a,
                     mw_gemm_matrix b, int add, float *out, size_t stride) {
  blas.sgemm(CblasRowMajor, left, right, (blasint)m, (blasint)n, (blasint)k, scale, a.values, (blasint)a.stride, b.values,
              (blasint)b.stride, add ? 1 : 0, out, (blasint)stride);
}

void mw_gemm_nt(size_t m, size_t n, size_t k, float scale, mw_gemm_matrix a, mw_gemm_matrix b, int add, float *out, size_t stride) {
  multiply(CblasNoTrans, CblasTrans, m, n, k, scale, a, b, add, out, stride);
}

void mw_gemm_nn(size_t m, size_t n, size_t k, float scale, mw_gemm_matrix a, mw_gemm_matrix b, int add, float *out, size_t stride) {
  multiply(CblasNoTrans, CblasNoTrans, m, n, k, scale, a, b, add, out, stride);
}

void mw_gemm_tn(size_t m, size_t n, size_t k, float scale, mw_gemm_matrix a, mw_gemm_matrix b, int add, float *out, size_t stride) {
  multiply(CblasTrans, CblasNoTrans, m, n, k, scale, a, b, add, out, stride);
}

void mw_gemm_any(bool f64, bool a_turned, bool b_turned, size_t m, size_t n, size_t k, const void *a, size_t a_stride, const void *b,
                 size_t b_stride, bool add, void *out, size_t stride) {
  CBLAS_TRANSPOSE left = a_turned ? CblasTrans : CblasNoTrans, right = b_turned ? CblasTrans : CblasNoTrans;
  blasint lengths[] = {(blasint)m, (blasint)n, (blasint)k, (blasint)a_stride, (blasint)b_stride, (blasint)stride};
  if (f64)
    blas.dgemm(CblasRowMajor, left, right, lengths[0], lengths[1], lengths[2], 1, a, lengths[3], b, lengths[4], add, out, lengths[5]);
  else blas.sgemm(CblasRowMajor, left, right, lengths[0], lengths[1], lengths[2], 1, a, lengths[3], b, lengths[4], add, out, lengths[5]);
}

static void find(void *function, const char *name) {
  void (*found)(void) = mw_openblas_find(name);
  memcpy(function, &found, sizeof found);
}

bool mw_gemm_begin(mw_error *err) {
  MW_TRY(mw_openblas_load(err));
  find(&blas.sgemm, "cblas_sgemm");
  find(&blas.dgemm, "cblas_dgemm");
  find(&blas.core, "openblas_get_corename");
  find(&blas.set_threads, "openblas_set_num_threads");
  blas.set_threads(1);
  return true;
}

bool mw_gemm_fits(int threads, uint64_t others, mw_error *err) { return mw_openblas_fits(threads, others, err); }

const char *mw_gemm_core(void) { return blas.core(); }

size_t mw_gemm_panel(size_t columns) {
  size_t wanted = columns / PANELS < NARROW ? NARROW : columns / PANELS > WIDE ? WIDE : columns / PANELS;
  size_t panels = (columns + wanted - 1) / wanted;
  panels += panels % 2;
  size_t panel = (columns + panels - 1) / panels;
  return (panel + ROUND - 1) / ROUND * ROUND;
}
