/* select.h: exact selection by counting integer keys whose order is the order sought. Counts commute, so that any thread
 * count gives the same answer. A selection looks at a window of keys: a pass counts the keys below it, and those inside by
 * bins of 2^shift keys; then the window closes in on the bin that holds the rank sought, until a bin is one key. At first
 * it holds all keys. Who can guess the answer aims the window; a guess that was wrong costs a pass and nothing else. Of
 * indices, elements that lie outside of the window need not be looked at again. */
#ifndef MW_NUM_SELECT_H
#define MW_NUM_SELECT_H

#include "num/kernels.h"

typedef enum mw_select_key {
  MW_SELECT_MAGNITUDE, /* |x|: its bits without the sign */
  MW_SELECT_VALUE,     /* x: bits mapped so that integer order is numeric order; -0 counts as +0 */
  MW_SELECT_TIE        /* the index of an element whose |x| equals `threshold` */
} mw_select_key;

enum { MW_SELECT_BINS = 65536 };

typedef struct mw_select {
  mw_select_key key;
  bool f64;         /* elements are double */
  double threshold;  /* TIE */
  uint64_t rank;     /* sought: the rank-th smallest, counted from 0 */
  int64_t low, last; /* the window: these keys and those between, in MW_SELECT_BINS bins of 2^shift keys */
  unsigned shift;
  int64_t first, end; /* the window that holds all keys */
  unsigned widest;
  uint64_t less;     /* keys below the window; of an aimed one it is known when that has been narrowed */
  uint64_t equal;    /* once it is found: keys equal to it */
  bool aimed;        /* at a guess, and not yet beside it */
  bool found;        /* `low` is the key sought */
} mw_select;

/* Among `total` elements. */
mw_select mw_select_begin(mw_select_key key, bool f64, double threshold, uint64_t rank, uint64_t total);
/* Passes over all elements that it takes without a guess. */
unsigned mw_select_passes(const mw_select *select);
/* Aims the narrowest window at a value (not of TIE). */
void mw_select_aim(mw_select *select, double value);
/* Counts n elements of which the first has index `start`, into MW_SELECT_BINS counters. Returns how many lie below the
 * window. */
uint64_t mw_select_count(const mw_select *select, const mw_kernel_set *kernels, const void *x, uint64_t start, size_t n,
                         uint32_t *bins);
/* Takes the merged counts of a pass and moves the window. False if there are fewer keys than the rank sought. */
bool mw_select_narrow(mw_select *select, const uint64_t *bins, uint64_t below);
/* Once it is found: |x|, x, or the index. */
double mw_select_value(const mw_select *select);
/* Once it is found: of the elements equal to it, how many have the rank sought or a higher one; 0 if all of them have. */
uint64_t mw_select_cut(const mw_select *select);
#endif
