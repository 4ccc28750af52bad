/* losses.h: KL, CROSS_ENTROPY, ENTROPY and MSE: means over the tokens of a batch. Padding does not count. */
#ifndef MW_LEARN_LOSSES_H
#define MW_LEARN_LOSSES_H

#include "learn/net.h"

bool mw_losses_forward(const mw_net_call *call, mw_error *err);
bool mw_losses_back(const mw_net_call *call, mw_error *err);
size_t mw_losses_saves(mw_graph_node_facts facts, size_t rows, size_t columns);

#endif
