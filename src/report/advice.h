/* advice.h: what speaks against merging the models of a comparison. */
#ifndef MW_REPORT_ADVICE_H
#define MW_REPORT_ADVICE_H

#include "report/compare.h"

/* Warnings: models that are not of one family, deltas too long to merge, what a merge would refuse. They call the models by the labels of
 * the comparison's members. */
void mw_advice_give(const mw_compare *compare, mw_warning *warnings);

#endif
