/* kernels_avx2.c: the kernels for x86-64-v3 (AVX2, F16C).
 * The Makefile gives this object its instruction set; nothing but cpu.c may call into it unasked. */
#ifdef __x86_64__
#define MW_BODY_X86 1
#define MW_BODY_ISA avx2
#include "num/kernels_body.h"
#endif
