/* cpu.c: chooses the table of kernels. A table is used only if the CPU has all features that its object was compiled for. LZCNT and
 * MOVBE are not asked for: every CPU with AVX2 and BMI2 has them. */
#include "num/cpu.h"

#include <stdlib.h>
#include <string.h>

#ifdef __x86_64__
#include <cpuid.h>

static bool has_avx2(void) {
  unsigned a, b, c = 0, d;
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi")
    && __builtin_cpu_supports("bmi2") && __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

static bool has_avx512(void) {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
    && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

static bool has_base(void) { return true; }

bool mw_cpu_kernels(const mw_kernels **out, mw_error *err) {
  /* Best first. */
  const struct { const mw_kernels *kernels; bool (*present)(void); } choices[] = {
#ifdef __x86_64__
    {&mw_kernels_avx512, has_avx512},
    {&mw_kernels_avx2, has_avx2},
#endif
    {&mw_kernels_base, has_base},
  };
  const char *wanted = getenv("MOONWELD_ISA");
  bool any = !wanted || !*wanted;
  for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
    const mw_kernels *kernels = choices[i].kernels;
    bool named = !any && strcmp(wanted, kernels->isa) == 0;
    if ((any || named) && choices[i].present()) {
      *out = kernels;
      return true;
    }
    if (named)
      return mw_error_set(err, MW_USAGE, "MOONWELD_ISA is %s, which this CPU does not have", kernels->isa);
  }
  return mw_error_set(err, MW_USAGE, "MOONWELD_ISA must be base, avx2 or avx512 (base alone on other CPUs than x86-64)");
}
