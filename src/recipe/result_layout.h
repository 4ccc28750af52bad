/* result_layout.h: what a recipe says of its result beside the tensors: whether their names, shapes and dtypes are the result's own,
 * whether it is an adapter, what config.json is to have (with_config), and which numbers are to be told when the run has found them
 * (show). A child sends it after the graph and the trainings. */
#ifndef MW_RECIPE_RESULT_LAYOUT_H
#define MW_RECIPE_RESULT_LAYOUT_H

#include "model/config_edit.h"
#include "recipe/message.h"

typedef struct mw_result_layout {
  bool own; /* tensors that come from a file as they are keep their dtype; those that the donor has may have another shape */
  bool adapter; /* it is no model but an adapter of the donor, and the sets are all of its adapter_config.json */
  mw_config_edit_set *sets;
  size_t set_count;
  mw_graph_output *shown; /* scalars with what they are called, which need not differ */
  size_t shown_count;
} mw_result_layout;

/* `choice`: as the graph was put. */
void mw_result_layout_put(mw_text *out, const mw_result_layout *layout, const mw_message_choice *choice);
/* Checks what comes from a child: the values are JSON, keys are texts, none is set twice; what is shown are scalars. `map`: the graph's
 * node for each of the message's. Everything is in the arena. */
bool mw_result_layout_take(mw_message *in, const mw_graph *graph, const mw_node *map, uint32_t nodes, mw_arena *arena,
                           mw_result_layout *out, mw_error *err);

#endif
