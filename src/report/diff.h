/* diff.h: a difference as it is told: what diff.c writes of two models and pairs.c of several. */
#ifndef MW_REPORT_DIFF_H
#define MW_REPORT_DIFF_H

#include "base/json_writer.h"
#include "report/compare.h"

struct mw_diff {
  mw_warning warnings;
  mw_text json, text;
};

/* A list named `name` (NULL: none) with an object a tensor. */
void mw_diff_put_tensors(mw_json_writer *json, const char *name, const mw_compare *compare);
/* A line that names the columns, `title` the last one; and the figures of a line, in these columns. */
void mw_diff_put_heading(mw_text *text, const char *title, bool based);
void mw_diff_put_figures(mw_text *text, const mw_compare_sums *sums, bool based);
/* What the columns are. */
const char *mw_diff_legend(bool based);

#endif
