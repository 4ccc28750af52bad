/* pairs.h: several models, each with each. */
#ifndef MW_REPORT_PAIRS_H
#define MW_REPORT_PAIRS_H

#include "report/diff.h"
#include "moonweld.h"

enum { MW_PAIRS_MODELS = 26 }; /* they are called A to Z */

/* Fills warnings, JSON and text, and writes the page where options->html asks for one. Each pair is a comparison of its own, so a model
 * is read once for each other one. */
bool mw_pairs_compose(const char *const *models, size_t count, const mw_diff_options *options, mw_diff *diff, mw_error *err);

#endif
