/* plot.h: the picture of plot.c within a page, or within files that are not written yet. */
#ifndef MW_REPORT_PLOT_H
#define MW_REPORT_PLOT_H

#include "base/text.h"
#include "moonweld.h"

/* An <svg class="plot">, whose colours the page's style gives: --c0, --c1 ...; `file`: with a style and ground of its own, the bytes of a
 * picture file. */
bool mw_plot_draw(const mw_plot *plot, bool file, mw_text *out, mw_error *err);

#endif
