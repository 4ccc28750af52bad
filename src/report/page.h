/* page.h: a comparison as one HTML file: figures over depth as small charts, tables of layers and tensors. It needs
 * neither scripts nor the network. */
#ifndef MW_REPORT_PAGE_H
#define MW_REPORT_PAGE_H

#include "base/text.h"
#include "report/compare.h"

/* How every page begins; nothing else is ever replaced by one. */
extern const char mw_page_mark[];

/* `warnings` are shown on it. */
bool mw_page_compose(const mw_compare *compare, const mw_warning *warnings, mw_text *out, mw_error *err);

#endif
