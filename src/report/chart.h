/* chart.h: four small charts in SVG: the figures of a comparison, layer by layer. */
#ifndef MW_REPORT_CHART_H
#define MW_REPORT_CHART_H

#include "base/text.h"
#include "report/compare.h"

/* Adds a <section> with the charts and their key; nothing if there is no tensor. */
void mw_chart_put(const mw_compare *compare, mw_text *out);

#endif
