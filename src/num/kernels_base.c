/* kernels_base.c: the kernels for every machine of the target: SSE2 on x86-64, NEON on aarch64.
 * The Makefile gives this object its instruction set; nothing but cpu.c may call into it unasked. */
#define MW_BODY_ISA base
#include "num/kernels_body.h"
