/* memory.h: a test's own malloc: it counts what is held, and can refuse. Not under a sanitizer, which has one of its own: there
 * MEMORY_COUNTED is 0 and nothing is counted or refused. */
#ifndef MW_UNIT_MEMORY_H
#define MW_UNIT_MEMORY_H

#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>

static long memory_left = -1; /* so many more pieces can be had; below 0: all */
static __attribute__((unused)) bool memory_once;                /* one piece cannot be had, and all after it */
static __attribute__((unused)) size_t memory_held, memory_peak; /* bytes; the greatest since it was set last */

#ifdef MW_SANITIZED
enum { MEMORY_COUNTED = 0 };
/* A size that no machine has is refused here too; the sanitizer would end the program. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1"; }
#else
enum { MEMORY_COUNTED = 1 };

void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);
void __libc_free(void *);

static void *memory_taken(void *fresh) {
  size_t held = __atomic_add_fetch(&memory_held, fresh ? malloc_usable_size(fresh) : 0, __ATOMIC_RELAXED);
  if (held > memory_peak) memory_peak = held;
  return fresh;
}

static void memory_given(void *old) { __atomic_sub_fetch(&memory_held, old ? malloc_usable_size(old) : 0, __ATOMIC_RELAXED); }

static int memory_refused(void) {
  if (memory_left != 0) return memory_left -= memory_left > 0, 0;
  if (memory_once) memory_left = -1;
  errno = ENOMEM;
  return 1;
}

/* Libraries must see them too: what one of them allocates is freed here, and the other way round. */
#pragma GCC visibility push(default)
void *malloc(size_t size) { return memory_refused() ? NULL : memory_taken(__libc_malloc(size)); }
void *calloc(size_t count, size_t size) { return memory_refused() ? NULL : memory_taken(__libc_calloc(count, size)); }

void *memalign(size_t alignment, size_t size) { return memory_refused() ? NULL : memory_taken(__libc_memalign(alignment, size)); }
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void **out, size_t alignment, size_t size) { return (*out = memalign(alignment, size)) ? 0 : ENOMEM; }

void *realloc(void *old, size_t size) {
  if (memory_refused()) return NULL;
  size_t before = old ? malloc_usable_size(old) : 0;
  void *fresh = __libc_realloc(old, size);
  if (fresh) __atomic_sub_fetch(&memory_held, before, __ATOMIC_RELAXED);
  return memory_taken(fresh);
}

void free(void *old) { memory_given(old), __libc_free(old); }
#pragma GCC visibility pop
#endif

#endif
