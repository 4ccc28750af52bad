/* gemm.c: the only file that knows <cblas.h>. */
#include "num/gemm.h"
#include <cblas.h>

enum { PANELS = 4, NARROW = 128, WIDE = 512, ROUND = 16 };

static void multiply(CBLAS_TRANSPOSE left, CBLAS_TRANSPOSE right, size_t m, size_t n, size_t k, float scale, mw_gemm_matrix a,
                     mw_gemm_matrix b, int add, float *out, size_t stride) {
  cblas_sgemm(CblasRowMajor, left, right, (blasint)m, (blasint)n, (blasint)k, scale, a.values, (blasint)a.stride, b.values,
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

void mw_gemm_begin(void) { openblas_set_num_threads(1); }

const char *mw_gemm_core(void) { return openblas_get_corename(); }

size_t mw_gemm_panel(size_t columns) {
  size_t wanted = columns / PANELS < NARROW ? NARROW : columns / PANELS > WIDE ? WIDE : columns / PANELS;
  size_t panels = (columns + wanted - 1) / wanted;
  panels += panels % 2;
  size_t panel = (columns + panels - 1) / panels;
  return (panel + ROUND - 1) / ROUND * ROUND;
}
