/* adapter.h: adapters (LoRA and its kin) are no models by themselves: what they change is a product of factors, and the product of two
 * means is not the mean of two products. MODEL+ADAPTER is the model with that product added (adapted.h). */
#ifndef MW_MODEL_ADAPTER_H
#define MW_MODEL_ADAPTER_H

#include "model/model.h"

/* Whether a folder holds an adapter and no model. */
bool mw_adapter_is_folder(const char *folder);
/* The base that such a folder names, from the arena. MW_DATA where it names none. */
bool mw_adapter_base(const char *folder, mw_arena *arena, const char **base, mw_error *err);
/* Adds the adapter to an open model: its files become the model's, and the tensors that it changes are seen as F32 from now on.
 * `where` is a folder of peft, a file of peft, diffusers or kohya's scripts, or a hub id. Of a whole pipeline each part of the adapter is
 * given a component, which gets it when it is opened (mw_pipeline_component). MW_DATA, naming the file and what is wrong, where anything
 * in it meets no tensor of the model, or a part no component. */
bool mw_adapter_add(mw_model *model, const char *where, mw_warning *warnings, mw_error *err);
/* Adds to an open component the parts that its pipeline's adapter has for it. */
bool mw_adapter_add_component(mw_model *model, const mw_model_adapter *adapter, const char *component, mw_error *err);

/* Always false: MW_DATA, that `shown` is an adapter, and what to do. */
bool mw_adapter_refuse(const char *shown, mw_error *err);
/* False with the same error where a tensor's name is that of a factor ("x.lora_A.weight", "x.lora_down.weight", "x.hada_w1_a"). */
bool mw_adapter_check(const mw_model *model, mw_error *err);

#endif
