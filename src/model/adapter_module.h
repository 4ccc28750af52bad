/* adapter_module.h: the modules that an adapter's tensors speak of, and which tensor of the base each of them means. */
#ifndef MW_MODEL_ADAPTER_MODULE_H
#define MW_MODEL_ADAPTER_MODULE_H

#include "model/adapted.h"
#include "model/adapter_name.h"
#include "model/model.h"

/* One module: tensors of the adapter, NULL where it has none. With `whole` it has no others. */
typedef struct mw_adapter_module {
  mw_adapter_name name;
  const mw_tensor *role[MW_ADAPTER_NAME_WHOLE + 1];
  mw_adapted_kind kind;
  const char *const *others; /* NULL, or names of tensors that show where the module is, to a last one that is NULL (adapter_parameter.h) */
} mw_adapter_module;

/* The modules of these tensors, from the arena, sorted by part and module. MW_DATA: a name that says nothing, two tensors of one module
 * and role, a factor without the other. */
bool mw_adapter_module_list(const mw_tensor *tensors, size_t count, mw_arena *arena, mw_adapter_module **out, size_t *out_count,
                            mw_error *err);

/* How the names of one part become those of the base. Zeroed: not known yet. */
typedef struct mw_adapter_module_fit {
  const char *dropped; /* words in front that are left out, "model.": it is a fit of names that begin so ... */
  const char *before;  /* ... and what is put there; NULL: not known */
  const char **flat;   /* [tensor_count] names of the base's modules behind `before`, with underscores for dots, sorted ... */
  size_t *index;       /* ... and their tensors */
  size_t count;
  struct mw_adapter_module_fit *next; /* for modules that this one leads to no tensor; NULL: none */
} mw_adapter_module_fit;

/* Finds the fit by the first of the modules (all of one part) that any name of the base ends with; and further ones for those that are
 * called otherwise only by words that hold models: "model.visual.blocks.0.qkv" is "visual.blocks.0.qkv" of a base whose layers need another
 * fit, "model.language_model.layers.0.q" is "model.layers.0.q". */
bool mw_adapter_module_meet(const mw_model *base, const mw_adapter_module *modules, size_t count, mw_arena *arena,
                            mw_adapter_module_fit *out, mw_error *err);
/* The index of the base's tensor that is called so by a module, or SIZE_MAX. */
size_t mw_adapter_module_find_name(const mw_model *base, const mw_adapter_module_fit *fit, const char *name);
/* The index of the base's tensor MODULE + end (".weight", ".bias"; "" for a whole tensor), or SIZE_MAX. */
size_t mw_adapter_module_find(const mw_model *base, const mw_adapter_module_fit *fit, const mw_adapter_module *module, const char *end);

/* What the module does to this tensor of the base: [out, in], or [in, out] where it is turned, as all embeddings are; a square one is
 * turned where `turned` says so; a convolution's further dimensions count as inputs. Sets all but the scale. MW_DATA where shapes or
 * ranks disagree. */
bool mw_adapter_module_change(const mw_adapter_module *module, const mw_tensor *target, bool turned, mw_adapted_change *out,
                              mw_error *err);

#endif
