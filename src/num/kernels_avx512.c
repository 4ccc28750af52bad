/* kernels_avx512.c: the kernels for x86-64-v4 (AVX-512 F, BW, CD, DQ, VL).
 * The Makefile gives this object its instruction set; nothing but cpu.c may call into it unasked. */
#ifdef __x86_64__
#define MW_BODY_X86 1
#define MW_BODY_ISA avx512
#include "num/kernels_body.h"
#endif
