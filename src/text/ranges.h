/* ranges.h: sorted ranges of code points, in which a character is looked up. */
#ifndef MW_TEXT_RANGES_H
#define MW_TEXT_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mw_ranges_range { uint32_t first, last; } mw_ranges_range;

static inline bool mw_ranges_hold(const mw_ranges_range *ranges, size_t count, uint32_t code) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (code > ranges[middle].last) low = middle + 1;
    else high = middle;
  }
  return low < count && code >= ranges[low].first;
}

#endif
