/* openblas.h: OpenBLAS, loaded when something computes with it and not before: a merge needs none of it. The one loader of BLAS
 * (gemm.h), and of LAPACK where somebody needs that.
 *
 * It is loaded with OPENBLAS_NUM_THREADS=1, so that it starts no threads of its own: these would change the bits of a result, and
 * they are started as the library loads, whether anybody computes or not. Every thread of ours that calls it gets a buffer of
 * MW_OPENBLAS_BUFFER bytes of address space, of which it uses little. Where a limit (`ulimit -v`) leaves no space for that, OpenBLAS
 * asks again and again for ever; so whoever is about to compute asks mw_openblas_fits() first. */
#ifndef MW_NUM_OPENBLAS_H
#define MW_NUM_OPENBLAS_H

#include "base/error.h"
#include <stdint.h>

#define MW_OPENBLAS_BUFFER ((uint64_t)128 << 20)

/* Loads it, once in a process. MW_UNAVAILABLE where it is not installed, MW_MEMORY where there is no space for the library. */
bool mw_openblas_load(mw_error *err);
/* A function of the loaded library, which must be there. */
void (*mw_openblas_find(const char *name))(void);
/* Whether `threads` may call it at a time and take `others` bytes beside; MW_MEMORY with the numbers if they may not. Memory
 * that was found to fit before is not asked for again. */
bool mw_openblas_fits(int threads, uint64_t others, mw_error *err);

#endif
