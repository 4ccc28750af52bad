/* adapter_parameter.h: peft's target_parameters: factors for a tensor that no module has as its weight, such as those of the experts of
 * a mixture, which transformers keeps in one tensor [experts, out, in] (some models: [experts, in, out]). The factors' names tell the
 * module alone, "layers.0.mlp.experts", with ".base_layer" behind it where another tensor of the module has factors too; which tensor is
 * meant is told by their shapes. A file may have the experts one by one, under names that transformers makes one of:
 *
 *   mlp.experts.gate_up_proj   mlp.experts.0.gate_proj.weight and .up_proj.weight below it, or .w1 and .w3; "mlp" or "block_sparse_moe"
 *   mlp.experts.down_proj      mlp.experts.0.down_proj.weight or .w2 */
#ifndef MW_MODEL_ADAPTER_PARAMETER_H
#define MW_MODEL_ADAPTER_PARAMETER_H

#include "model/adapter_part.h"

/* Replaces part->modules by copies in which those that target_parameters names are told by `others`. */
bool mw_adapter_parameter_mark(mw_adapter_part *part, mw_error *err);
/* Once the fit is known: a module that has a matrix as its weight is one like any other, also where a parameter's name, such as a mere
 * "down_proj", might be in it. */
void mw_adapter_parameter_settle(mw_adapter_part *part);
/* How many changes mw_adapter_parameter_plan may write for such a module. */
size_t mw_adapter_parameter_most(const mw_adapter_module *module);
/* What the factors do, one change for each tensor, without their scale; `rank` and `scale` are the configuration's. MW_DATA: they fit no
 * tensor that the configuration names, or several. */
bool mw_adapter_parameter_plan(const mw_adapter_part *part, const mw_adapter_module *module, mw_adapter_part_change *changes, size_t *count,
                               mw_error *err);

#endif
