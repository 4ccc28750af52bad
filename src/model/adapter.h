/* adapter.h: adapters (LoRA and its kin) are no models: what they change is a product of factors, and the product of two means is
 * not the mean of two products. They are merged into their base first. */
#ifndef MW_MODEL_ADAPTER_H
#define MW_MODEL_ADAPTER_H

#include "model/model.h"

/* Always false: MW_DATA, that `shown` is an adapter, and what to do. */
bool mw_adapter_refuse(const char *shown, mw_error *err);
/* False with the same error where a tensor's name is that of a factor ("x.lora_A.weight", "x.lora_down.weight", "x.hada_w1_a"). */
bool mw_adapter_check(const mw_model *model, mw_error *err);

#endif
