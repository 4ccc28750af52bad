/* test_openblas.c: OpenBLAS is loaded when it is asked for, with one thread and without a trace in the environment; where it is
 * not installed, or a limit leaves its buffers no space, that is told in numbers and nobody waits. */
#include "num/gemm.h"
#include "num/openblas.h"
#include "unit.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/resource.h>

static mw_error err;

/* A system without the library: ours stands in for the call. */
static bool library_is_missing;
void *dlopen(const char *name, int flags) {
  static void *(*real)(const char *, int);
  if (library_is_missing) return NULL;
  if (!real) {
    void *symbol = dlsym(RTLD_NEXT, "dlopen");
    memcpy(&real, &symbol, sizeof real);
  }
  return real(name, flags);
}

static void missing(void) {
  library_is_missing = true;
  CHECK(!mw_gemm_begin(&err) && err.status == MW_UNAVAILABLE);
  CHECK(strstr(err.text, "OpenBLAS") && strstr(err.hint, "libopenblas0"));
  library_is_missing = false;
}

static void loaded(void) {
  setenv("OPENBLAS_NUM_THREADS", "7", 1);
  CHECK(mw_gemm_begin(&err));
  CHECK_TEXT(getenv("OPENBLAS_NUM_THREADS"), "7");
  CHECK(*mw_gemm_core());
  int (*threads)(void) = (int (*)(void))mw_openblas_find("openblas_get_num_threads");
  CHECK(threads() == 1);
  float a[] = {1, 2, 3, 4}, b[] = {5, 6, 7, 8}, c[4];
  mw_gemm_nn(2, 2, 2, 1, (mw_gemm_matrix){a, 2}, (mw_gemm_matrix){b, 2}, 0, c, 2);
  CHECK(c[0] == 19 && c[1] == 22 && c[2] == 43 && c[3] == 50);
}

#ifndef MW_SANITIZED /* whose shadow is larger than any limit */
static void limited(void) {
  struct rlimit before, tight;
  CHECK(getrlimit(RLIMIT_AS, &before) == 0);
  tight = (struct rlimit){(rlim_t)1 << 30, before.rlim_max};
  CHECK(mw_gemm_fits(8, 0, &err) && setrlimit(RLIMIT_AS, &tight) == 0);
  CHECK(mw_gemm_fits(8, 1 << 20, &err)); /* found to fit already */
  CHECK(!mw_gemm_fits(8, (uint64_t)2 << 30, &err) && err.status == MW_MEMORY && strstr(err.text, "2147483648 bytes of address space"));
  CHECK(!mw_gemm_fits(16, 0, &err) && strstr(err.text, "this process may take") && strstr(err.hint, "--threads 1"));
  CHECK(!mw_gemm_fits(8, UINT64_MAX - 1, &err));
  CHECK(setrlimit(RLIMIT_AS, &before) == 0 && mw_gemm_fits(16, 0, &err));
}
#endif

int main(void) {
  RUN(missing());
  RUN(loaded());
#ifndef MW_SANITIZED
  RUN(limited());
#endif
  UNIT_END();
}
