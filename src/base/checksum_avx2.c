/* checksum_avx2.c: XXH3 for processors with AVX2. The Makefile gives this object its instruction set; nothing but checksum.c may call
 * into it unasked. */
#ifdef __x86_64__
#define MW_CHECKSUM_FORM mw_checksum_avx2
#include "base/checksum_body.h"
#endif
