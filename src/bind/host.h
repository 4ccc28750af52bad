/* host.h: the parent's side of recipes: it finds their text, has children load and evaluate it, and decides on what they
 * ask for. Implements the recipe part of moonweld.h. */
#ifndef MW_BIND_HOST_H
#define MW_BIND_HOST_H

#include "bind/calibration.h"
#include "bind/inputs.h"

/* What an evaluation gives. */
typedef struct mw_host_result {
  mw_graph *graph;
  mw_wire_output *outputs; /* sorted by name */
  size_t output_count;
  mw_lesson *lessons; /* what is to be learned before the outputs are known, in this order */
  size_t lesson_count;
  const char *drawn_json, *required_json;
  mw_text drawn, required;
  mw_arena arena;
} mw_host_result;

bool mw_host_evaluate(const mw_recipe *recipe, const mw_binding *bindings, size_t count, const mw_inputs *inputs,
                      const mw_calibration *data, const mw_options *options, mw_host_result *out, mw_error *err);
void mw_host_release(mw_host_result *result);
/* The recipe file's own text. */
const char *mw_host_text(const mw_recipe *recipe);

#endif
