/* heat.h: heat maps of a comparison: a column a layer, a row a module, as deep in colour as the figure is great. */
#ifndef MW_REPORT_HEAT_H
#define MW_REPORT_HEAT_H

#include "base/text.h"
#include "report/compare.h"

/* Adds a <section> with the maps; nothing where fewer than two layers have modules in common. */
bool mw_heat_put(const mw_compare *compare, mw_text *out, mw_error *err);

#endif
