/* plot.h: the picture of plot.c within a page. */
#ifndef MW_REPORT_PLOT_H
#define MW_REPORT_PLOT_H

#include "base/text.h"
#include "moonweld.h"

/* An <svg class="plot">, whose colours the page's style gives: --c0, --c1 ... (mw_plot_write draws a file with a style of its own). */
bool mw_plot_draw(const mw_plot *plot, mw_text *out, mw_error *err);

#endif
