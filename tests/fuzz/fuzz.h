/* fuzz.h: a fuzz target reads any bytes and must neither crash nor hang; REQUIRE states what holds whatever they are.
 * The entry point is libFuzzer's, so that the same target runs under it (make fuzz) and under driver.c (make test). */
#ifndef MW_FUZZ_H
#define MW_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Seeds that a target makes itself, numbered from 0: their length, or 0 after the last. driver.c knows a target without. */
size_t fuzz_seed(unsigned number, uint8_t *room, size_t size);

/* The same of a list of texts. */
static inline size_t fuzz_text(const char *const *texts, size_t count, unsigned number, uint8_t *room, size_t size) {
  if (number >= count || strlen(texts[number]) > size) return 0;
  memcpy(room, texts[number], strlen(texts[number]));
  return strlen(texts[number]);
}

#define REQUIRE(condition)                                                                                             \
  do {                                                                                                                 \
    if (!(condition)) fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition), abort();         \
  } while (0)

#endif
