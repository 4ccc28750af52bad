/* page.h: a comparison as one HTML file: small charts of its figures, layer by layer, and tables of layers and tensors. It needs
 * neither scripts nor the network. */
#ifndef MW_REPORT_PAGE_H
#define MW_REPORT_PAGE_H

#include "base/text.h"
#include "report/compare.h"

/* The page also shows the `warnings`. */
bool mw_page_compose(const mw_compare *compare, const mw_warning *warnings, mw_text *out, mw_error *err);

#endif
