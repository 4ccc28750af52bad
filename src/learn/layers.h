/* layers.h: how each operation of networks is computed and propagated. net.c lists them by operation; net.h says what a call has. */
#ifndef MW_LEARN_LAYERS_H
#define MW_LEARN_LAYERS_H

#include "learn/net.h"

/* linear.c: LINEAR and EMBED, the operations with large weights. */
bool mw_linear_forward(const mw_net_call *call, mw_error *err);
bool mw_linear_back(const mw_net_call *call, mw_error *err);
bool mw_linear_embed(const mw_net_call *call, mw_error *err);
bool mw_linear_embed_back(const mw_net_call *call, mw_error *err);

/* norms.c: RMS_NORM, LAYER_NORM and BIAS, whose weights are vectors. */
bool mw_norms_bias(const mw_net_call *call, mw_error *err);
bool mw_norms_bias_back(const mw_net_call *call, mw_error *err);
bool mw_norms_rms(const mw_net_call *call, mw_error *err);
bool mw_norms_rms_back(const mw_net_call *call, mw_error *err);
bool mw_norms_layer(const mw_net_call *call, mw_error *err);
bool mw_norms_layer_back(const mw_net_call *call, mw_error *err);

/* layers.c: operations without weights: SILU and GELU, SOFTMAX and LOG_SOFTMAX, ROPE. */
bool mw_layers_pointwise(const mw_net_call *call, mw_error *err);
bool mw_layers_pointwise_back(const mw_net_call *call, mw_error *err);
bool mw_layers_softmax(const mw_net_call *call, mw_error *err);
bool mw_layers_softmax_back(const mw_net_call *call, mw_error *err);
bool mw_layers_rope(const mw_net_call *call, mw_error *err);
bool mw_layers_rope_back(const mw_net_call *call, mw_error *err);

/* attention.c: ATTENTION: causal, within the windows of a batch, with grouped heads and optionally a sliding window. */
bool mw_attention_forward(const mw_net_call *call, mw_error *err);
bool mw_attention_back(const mw_net_call *call, mw_error *err);
size_t mw_attention_saves(mw_graph_node_facts facts, size_t rows, size_t columns);

/* losses.c: KL, CROSS_ENTROPY, ENTROPY and MSE: means over the tokens of a batch. Padding does not count. */
bool mw_losses_forward(const mw_net_call *call, mw_error *err);
bool mw_losses_back(const mw_net_call *call, mw_error *err);
size_t mw_losses_saves(mw_graph_node_facts facts, size_t rows, size_t columns);

#endif
