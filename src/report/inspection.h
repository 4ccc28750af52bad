/* inspection.h: what inspect.c has found, for those who write it down. */
#ifndef MW_REPORT_INSPECTION_H
#define MW_REPORT_INSPECTION_H

#include "base/warning.h"
#include "model/model.h"

typedef struct mw_inspection_stats {
  double smallest, largest, sum, squares;
  uint64_t bad; /* NaN or infinite, and in none of the others */
} mw_inspection_stats;

struct mw_inspection {
  mw_warning warnings;
  mw_model *model;
  const char *path; /* as it was given */
  mw_inspection_stats *stats; /* of every tensor, or NULL */
  size_t verified;  /* files whose hash is the one in their name in the hub's cache */
  mw_text json;     /* once it was asked for */
  uint64_t parameters, bytes;
  mw_arena arena;
};

/* Whether the data of a tensor was read. */
bool mw_inspect_measured(const mw_inspection *inspection, const mw_tensor *tensor);

/* The statistics of a tensor, of its finite elements; zeros where it has none. */
typedef struct mw_inspection_figures { double min, max, mean, norm; } mw_inspection_figures;
mw_inspection_figures mw_inspect_figures(const mw_inspection *inspection, size_t index);

#endif
