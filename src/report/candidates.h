/* candidates.h: the scores of a search as a picture. */
#ifndef MW_REPORT_CANDIDATES_H
#define MW_REPORT_CANDIDATES_H

#include "base/text.h"
#include "format/json.h"

/* A point for each candidate that has a score, 2000 at most, over the number that each has drawn where it is one and no more (the
 * coefficient of m3), else over their numbers. `candidates` is the list of a lock file, which may come from anybody: what is not as we
 * write it is left out. *count: how many points there are; of none nothing is drawn. `file`: as a picture of its own (plot.h). */
bool mw_candidates_draw(mw_json candidates, bool file, mw_text *out, size_t *count, mw_error *err);

#endif
