/* cpu.h: the table of kernels for the instruction set of this machine. */
#ifndef MW_NUM_CPU_H
#define MW_NUM_CPU_H

#include "base/error.h"
#include "num/kernels.h"

/* The best table, or the one that MOONWELD_ISA names (base, avx2, avx512; MW_USAGE for an unknown one or one that this
 * CPU lacks). */
bool mw_cpu_kernels(const mw_kernels **out, mw_error *err);
#endif
