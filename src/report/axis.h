/* axis.h: the scale of a chart. Its grid lines lie at whole multiples of a step of 1, 2 or 5 times a power of ten, about four
 * steps in all, and they are counted by whole numbers, so that drawing them always ends:
 *   values from 0.013 to 0.042 give step 0.01, first 1, last 5: lines at 0.01, 0.02, 0.03, 0.04 and 0.05 */
#ifndef MW_REPORT_AXIS_H
#define MW_REPORT_AXIS_H

#include "base/text.h"
#include <stdint.h>

typedef struct mw_axis {
  double step;
  int64_t first, last; /* the axis reaches from first * step to last * step */
} mw_axis;

/* The axis for finite values from `low` to `high`. Values that differ by less than a billionth of their size are one value:
 * the axis then reaches 5 % below and above it, instead of showing how sums were rounded. */
mw_axis mw_axis_of(double low, double high);
double mw_axis_line(const mw_axis *axis, int64_t line); /* the value at grid line `line`, from `first` to `last` */
/* The place of a value on the axis: 0 at the lower end, 1 at the upper. */
double mw_axis_share(const mw_axis *axis, double value);
/* The text at a grid line: its value times `scale` (100: per cent), with so many digits that it differs from its neighbours. */
void mw_axis_label(const mw_axis *axis, int64_t line, double scale, mw_text *out);

#endif
