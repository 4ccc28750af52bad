/* sample.c: the units of all tasks stand in one row, which is cut into runs of `stride` units; of each run one unit is in
 * the sample. Which one differs from run to run, in an irregular but fixed way: were it always the first, a sample could
 * fall on the same rows or columns of every matrix. For example, with a stride of 8:
 *
 *   run            0             1              2               3
 *   its units      0 ... 7       8 ... 15       16 ... 23       24 ... 31
 *   in the sample  0             9              18              28
 *
 * Of a task with units 0 to 19 the sample reads units 0, 9 and 18, of the next one, which begins at unit 20, it reads 28.
 * A tensor smaller than a run may have no unit in the sample; of many such tensors about one unit in 32 is read. */
#include "exec/sample.h"
#include "base/text.h"
#include "num/kernels.h"
#include <stdlib.h>
#include <string.h>

/* A sample has MOST elements at most, and one element of STRIDE at most. So large a sample mostly tells the answer to within the range
 * that is counted then (selection.h). What it saves is another pass over everything; below FROM elements that is not worth it. */
enum { MOST = 4 << 20, FROM = 1 << 20, STRIDE = 32 };

/* With MOONWELD_SAMPLE=0 in the environment every selection is sampled, so that tests need no large model. */
bool mw_sample_pays(uint64_t elements) {
  const char *set = getenv("MOONWELD_SAMPLE");
  uint64_t from = FROM;
  if (set) mw_text_parse_u64(set, strlen(set), &from);
  return elements >= from;
}

uint64_t mw_sample_stride(uint64_t elements) { return elements / MOST > STRIDE ? elements / MOST : STRIDE; }

uint64_t mw_sample_units(const mw_sample *s) { return (s->elements + MW_UNIT - 1) / MW_UNIT; }

/* The unit of a run that is in the sample: a hash of the run's number chooses it. */
static uint64_t unit_of_run(const mw_sample *s, uint64_t run) {
  return run * s->stride + (run * UINT64_C(0x9e3779b97f4a7c15) >> 32) % s->stride;
}

/* The first run whose chosen unit is `unit` or a later one. */
static uint64_t run_from(const mw_sample *s, uint64_t unit) {
  uint64_t run = unit / s->stride;
  return run + (unit_of_run(s, run) < unit);
}

uint64_t mw_sample_count(const mw_sample *s) {
  return run_from(s, s->first_unit + mw_sample_units(s)) - run_from(s, s->first_unit);
}

void mw_sample_unit(const mw_sample *s, uint64_t k, uint64_t *start, uint64_t *count) {
  *start = (unit_of_run(s, run_from(s, s->first_unit) + k) - s->first_unit) * MW_UNIT;
  *count = s->elements - *start < MW_UNIT ? s->elements - *start : MW_UNIT;
}
