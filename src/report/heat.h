/* heat.h: maps of a model: a picture with a cell for each tensor, the layers from left to right, the modules of a layer from top to
 * bottom. Drawn as rectangles, light or dark as the page is. */
#ifndef MW_REPORT_HEAT_H
#define MW_REPORT_HEAT_H

#include "base/text.h"
#include "report/compare.h"

/* A figure of a tensor; NAN: none is known. */
typedef struct mw_heat_cell {
  const char *name;
  double value;
} mw_heat_cell;

typedef struct mw_heat {
  const char *title, *note; /* the note is a sentence of our own */
  bool percent;
  const mw_heat_cell *cells;
  size_t count;
} mw_heat;

/* A <figure>; nothing where there are not two layers. Of several stacks of layers it shows the one with most. */
bool mw_heat_put(const mw_heat *heat, mw_text *out, mw_error *err);

/* A figure of a comparison, as a map of it shows it. */
typedef struct mw_heat_kind {
  const char *title, *note;
  size_t figure; /* offset in mw_compare_figures */
  bool percent;
} mw_heat_kind;

/* A <section> of such maps, called `label` for readers of the page by ear. */
bool mw_heat_section(const mw_compare *compare, const mw_heat_kind *kinds, size_t count, const char *label, mw_text *out, mw_error *err);

#endif
