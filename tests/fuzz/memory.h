/* memory.h: says what a file holds. Where memory.c is not linked there is no such function, and the file is written. */
#ifndef MW_FUZZ_MEMORY_H
#define MW_FUZZ_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From now on the file of this path, open as fd, holds `length` bytes, and zeros up to `size`. Both stay the caller's, and must outlive
 * what reads them. false: it cannot be. */
__attribute__((weak)) bool fuzz_memory_put(int fd, const char *path, const void *bytes, size_t length, uint64_t size);

#endif
