/* norms.h: RMS_NORM, LAYER_NORM and BIAS, whose weights are vectors. */
#ifndef MW_LEARN_NORMS_H
#define MW_LEARN_NORMS_H

#include "learn/net.h"

bool mw_norms_bias(const mw_net_call *call, mw_error *err);
bool mw_norms_bias_back(const mw_net_call *call, mw_error *err);
bool mw_norms_rms(const mw_net_call *call, mw_error *err);
bool mw_norms_rms_back(const mw_net_call *call, mw_error *err);
bool mw_norms_layer(const mw_net_call *call, mw_error *err);
bool mw_norms_layer_back(const mw_net_call *call, mw_error *err);

#endif
