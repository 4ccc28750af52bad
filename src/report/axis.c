/* axis.c: the step is the smallest of 1, 2, 5 times a power of ten that gives few enough grid lines. */
#include "report/axis.h"
#include <math.h>

/* As shares of the larger value: what counts as one value, and how far its axis then reaches. */
static const double same = 1e-9, margin = 0.05;
static const double smallest = 1e-300; /* of a size or step, so that nothing is divided by 0 */

mw_axis mw_axis_of(double low, double high) {
  double size = fmax(fabs(low), fabs(high));
  if (high - low <= size * same) {
    double around = size > smallest ? size * margin : margin;
    low -= around, high += around;
  }
  double rough = fmax((high - low) / 4, smallest), power = pow(10, floor(log10(rough)));
  double times = rough / power <= 1 ? 1 : rough / power <= 2 ? 2 : rough / power <= 5 ? 5 : 10;
  mw_axis axis = {.step = times * power};
  axis.first = (int64_t)floor(low / axis.step + 1e-9);
  axis.last = (int64_t)ceil(high / axis.step - 1e-9);
  return axis;
}

double mw_axis_line(const mw_axis *axis, int64_t line) { return (double)line * axis->step; }

double mw_axis_share(const mw_axis *axis, double value) {
  return (value / axis->step - (double)axis->first) / (double)(axis->last - axis->first);
}

void mw_axis_label(const mw_axis *axis, int64_t line, double scale, mw_text *out) {
  double step = axis->step * scale, size = fabs(mw_axis_line(axis, line)) * scale;
  if (line == 0) {
    mw_text_format(out, "0");
    return;
  }
  if (line < 0) mw_text_format(out, "\xe2\x88\x92");
  if (size < 1e6 && step > 9e-5) mw_text_format(out, "%.*f", step >= 0.999 ? 0 : (int)ceil(-log10(step) - 1e-9), size);
  else mw_text_format(out, "%.*g", 1 + (int)floor(log10(size / step) + 1), size);
}
