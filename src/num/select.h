/* select.h: exact selection: finds the element of a certain rank (a threshold, a median) by counting, without sorting and
 * without keeping the elements.
 *
 * An element's key is an integer whose order is the order that is sought: the bits of |x| order magnitudes. A search has a
 * range of keys, at first all keys, in 65536 bins of 2^shift keys each. One pass over the elements counts the keys below the
 * range, and those in every bin. The bin that holds the rank sought becomes the next range, with smaller bins; when a bin is
 * one key, that key is the answer. For floats this takes two passes: 2^15 keys a bin, then one key a bin.
 *
 * For example, with keys of 4 bits and 4 bins (instead of 32 bits and 65536 bins): the keys are 1 2 2 5 6 6 7 9 12 14, and
 * the rank sought is 5, counted from 0.
 *
 *   pass 1   range 0 to 15, 4 keys a bin    0 below, bins 3 4 1 2    ranks 3 to 6 are in bin 1, which is keys 4 to 7
 *   pass 2   range 4 to 7, 1 key a bin      3 below, bins 0 1 2 1    rank 3 is key 5, ranks 4 and 5 are key 6: found
 *
 * Prediction. A caller with an estimate may set the first range; a wrong estimate costs one pass, never a wrong answer. In
 * the example, from an estimate of 7:
 *
 *   pass 1   range 5 to 8, 1 key a bin      3 below, bins 1 2 1 0    ranks 4 and 5 are key 6: found in one pass
 *
 * If the rank falls outside of the range, the counts say on which side, how many elements away, and how dense the keys are
 * there. So the next range is predicted again from these, if it is not too far away. From an estimate of 13:
 *
 *   pass 1   range 11 to 14, 1 key a bin    8 below, bins 0 1 0 1    rank 5 is 3 elements below the range; in the range there
 *                                                                   are 2 elements in 4 keys, so 3 of them take 6 keys: 5
 *   pass 2   range 3 to 6, 1 key a bin      3 below, bins 0 0 1 2    ranks 4 and 5 are key 6: found
 *
 * After a second miss, or one that is too far away, the search begins with all keys.
 *
 * Counts may be added in any order, so the answer depends neither on threads nor on tiles nor on the estimate. */
#ifndef MW_NUM_SELECT_H
#define MW_NUM_SELECT_H

#include "num/kernels.h"

typedef enum mw_select_key {
  MW_SELECT_MAGNITUDE, /* |x|: its bits without the sign */
  MW_SELECT_VALUE,     /* x: its bits mapped so that integer order is numeric order; -0 counts as +0 */
  MW_SELECT_TIE        /* the index of an element whose |x| equals `threshold`; other elements do not count */
} mw_select_key;

/* Bits of a key that a pass decides. Fuzz targets, whose passes are over few elements, are built with fewer. */
#ifndef MW_SELECT_DIGIT
#define MW_SELECT_DIGIT 16
#endif
enum { MW_SELECT_BINS = 1 << MW_SELECT_DIGIT };

typedef struct mw_select {
  mw_select_key key;
  bool f64;          /* elements are double */
  double threshold;  /* TIE */
  uint64_t rank;     /* sought: the rank-th smallest, counted from 0 */
  int64_t low, last; /* the key range, both included, in MW_SELECT_BINS bins of 2^shift keys */
  unsigned shift;
  int64_t common;    /* a key that many elements may have: the prediction; before one 0, the key of 0 */
  int64_t lowest, highest; /* the range of all keys, and its shift */
  unsigned full_shift;
  uint64_t less;     /* elements below the range; after a prediction known only when the range was narrowed once */
  uint64_t equal;    /* once found: how many elements have this key */
  bool predicted;    /* the range comes from an estimate; after a miss it may be predicted once more */
  bool found;        /* `low` is the key sought */
} mw_select;

/* A search among `total` elements. */
mw_select mw_select_begin(mw_select_key key, bool f64, double threshold, uint64_t rank, uint64_t total);
/* Passes over all elements that it takes without an estimate. */
unsigned mw_select_passes(const mw_select *select);
/* Predicts: the range becomes the 65536 keys around an estimate of the answer. Not for TIE. */
void mw_select_predict(mw_select *select, double value);
/* Of a search among a sample that has found no more than a bin: whether a prediction need not know the key there. So it is of zeros, and
 * where the bins beside it are about as full, since values that are mostly different lie evenly in them. Then the search ends with
 * the key at the rank's place in the bin, and about how many elements have that. `bins`: the counts that mw_select_narrow took. */
bool mw_select_settle(mw_select *select, const uint64_t *bins);
/* After a prediction of values that are mostly different, which no estimate tells exactly: the range becomes so many keys around the
 * prediction, 2^20 at most, and none of them is common: each can be listed. If they are, the list tells keys that share a bin, and bins
 * are few, so that they stay in the cache. */
void mw_select_widen(mw_select *select, uint64_t keys, bool listed);
/* Counts n elements, the first of which has index `start`, into MW_SELECT_BINS counters. Returns how many lie below the
 * range. Of TIE only elements whose index is in the range are read. `list`: NULL, or what takes those in a range of 2^20 keys or less. */
uint64_t mw_select_count(const mw_select *select, const mw_kernel_set *kernels, const void *x, uint64_t start, size_t n,
                         uint32_t *bins, mw_kernel_list *list);
/* Takes the counts of a whole pass and sets the next range. False if there are not more elements than the rank sought. */
bool mw_select_narrow(mw_select *select, const uint64_t *bins, uint64_t below);
/* Once found: |x|, x, or the index. */
double mw_select_value(const mw_select *select);
/* Once found: how many of the elements equal to it have the rank sought or a higher one; 0 if all of them have. */
uint64_t mw_select_cut(const mw_select *select);
#endif
