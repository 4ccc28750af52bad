/* linear.h: LINEAR and EMBED, the operations with large weights. */
#ifndef MW_LEARN_LINEAR_H
#define MW_LEARN_LINEAR_H

#include "learn/net.h"

bool mw_linear_forward(const mw_net_call *call, mw_error *err);
bool mw_linear_back(const mw_net_call *call, mw_error *err);
bool mw_linear_embed(const mw_net_call *call, mw_error *err);
bool mw_linear_embed_back(const mw_net_call *call, mw_error *err);

#endif
