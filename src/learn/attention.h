/* attention.h: ATTENTION: causal, within the windows of a batch, with grouped heads and optionally a sliding window. */
#ifndef MW_LEARN_ATTENTION_H
#define MW_LEARN_ATTENTION_H

#include "learn/net.h"

bool mw_attention_forward(const mw_net_call *call, mw_error *err);
bool mw_attention_back(const mw_net_call *call, mw_error *err);
size_t mw_attention_saves(mw_graph_node_facts facts, size_t rows, size_t columns);

#endif
