/* layers.h: operations without weights: SILU and GELU, SOFTMAX and LOG_SOFTMAX, ROPE. */
#ifndef MW_LEARN_LAYERS_H
#define MW_LEARN_LAYERS_H

#include "learn/net.h"

bool mw_layers_pointwise(const mw_net_call *call, mw_error *err);
bool mw_layers_pointwise_back(const mw_net_call *call, mw_error *err);
bool mw_layers_softmax(const mw_net_call *call, mw_error *err);
bool mw_layers_softmax_back(const mw_net_call *call, mw_error *err);
bool mw_layers_rope(const mw_net_call *call, mw_error *err);
bool mw_layers_rope_back(const mw_net_call *call, mw_error *err);

#endif
