/* select.h: exact selection by histogram passes over integer keys whose order is the order sought. Counts commute, so
 * that any thread count gives the same answer. A selection of rank r runs `passes` times over all elements: each pass
 * counts the keys that share the prefix found so far by their next digit of 16 bits. */
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
  bool wide;          /* elements are double */
  double threshold;   /* TIE */
  uint64_t rank;      /* sought: the rank-th smallest, counted from 0, among the keys that share `prefix` */
  uint64_t prefix;    /* digits found so far */
  unsigned pass, passes;
} mw_select;

/* `total` elements at most (sets the passes of TIE). */
mw_select mw_select_begin(mw_select_key key, bool wide, double threshold, uint64_t rank, uint64_t total);
/* Counts n elements of which the first has index `start`. bins: MW_SELECT_BINS counters. */
void mw_select_count(const mw_select *select, const void *x, uint64_t start, size_t n, uint32_t *bins);
/* Takes the merged counts of a pass: narrows prefix and rank, and advances `pass`. False if fewer keys than rank. */
bool mw_select_narrow(mw_select *select, const uint64_t *bins);
/* After the last pass: |x|, x, or the index. */
double mw_select_value(const mw_select *select);
#endif
