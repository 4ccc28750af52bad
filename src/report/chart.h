/* chart.h: the figures of a comparison over depth, as four small charts in SVG. */
#ifndef MW_REPORT_CHART_H
#define MW_REPORT_CHART_H

#include "base/text.h"
#include "report/compare.h"

/* Adds a <section> with the charts and the key to them; nothing where there is no tensor. */
void mw_chart_put(const mw_compare *compare, mw_text *out);

#endif
