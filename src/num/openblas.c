/* openblas.c: see openblas.h. The only file that loads a library. */
#include "num/openblas.h"
#include "base/machine.h"
#include <assert.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const char library[] = "libopenblas.so.0", threads_variable[] = "OPENBLAS_NUM_THREADS";
#define LIBRARY_SPACE ((uint64_t)64 << 20) /* it and what it needs itself take 40 MB */

/* What a thread takes beside OpenBLAS's buffer, and may take before it: its stack, and the 64 MB that malloc sets aside. */
#define THREAD_SPACE ((uint64_t)72 << 20)

/* One library in a process, as the linker's own would be. */
static void *handle;
static int threads_ready; /* that were found to fit */

/* Whether that much address space can be had, whatever limits it. */
static bool has_space(uint64_t bytes) {
  if (bytes > SIZE_MAX) return false;
  void *space = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return space != MAP_FAILED && munmap(space, (size_t)bytes) == 0;
}

static bool refuse(const char *what, uint64_t bytes, mw_error *err) {
  uint64_t there = mw_machine_space();
  unsigned long long needed = bytes;
  if (there == UINT64_MAX)
    return mw_error_set(err, MW_MEMORY, "%llu bytes of address space are needed for %s; the system refuses them", needed, what);
  return mw_error_set(err, MW_MEMORY, "%llu bytes of address space are needed for %s; this process may take %llu more", needed, what,
                      (unsigned long long)there);
}

/* It reads the variable while it loads; programs that we start have it as it was. */
static void *load_alone(void) {
  const char *given = getenv(threads_variable);
  char *before = given ? strdup(given) : NULL;
  setenv(threads_variable, "1", 1);
  void *loaded = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (before) setenv(threads_variable, before, 1);
  else unsetenv(threads_variable);
  free(before);
  return loaded;
}

bool mw_openblas_load(mw_error *err) {
  if (handle) return true;
  if (!has_space(LIBRARY_SPACE)) {
    refuse("OpenBLAS, which learning and losses compute with", LIBRARY_SPACE, err);
    return mw_error_hint(err, "raise `ulimit -v`");
  }
  handle = load_alone();
  if (handle) return true;
  mw_error_set(err, MW_UNAVAILABLE, "OpenBLAS, which learning and losses compute with, cannot be loaded: %s", dlerror());
  return mw_error_hint(err, "install %s: the package libopenblas0 of Debian and Ubuntu, openblas of others", library);
}

void (*mw_openblas_find(const char *name))(void) {
  void (*function)(void) = NULL;
  void *symbol = handle ? dlsym(handle, name) : NULL;
  assert(symbol);
  memcpy(&function, &symbol, sizeof function);
  return function;
}

bool mw_openblas_fits(int threads, uint64_t others, mw_error *err) {
  uint64_t more = threads > threads_ready ? (uint64_t)(threads - threads_ready) : 0, space = more * (MW_OPENBLAS_BUFFER + THREAD_SPACE);
  if (has_space(space + others + 1)) {
    if (more) threads_ready = threads;
    return true;
  }
  refuse("matrix products (210 MB for each thread) and what they compute", space + others, err);
  return mw_error_hint(err, threads > 1 ? "--threads 1 takes less; `ulimit -v` sets what a process may take" : "raise `ulimit -v`");
}
