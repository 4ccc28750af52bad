/* components.h: merges of whole pipelines of diffusers (model/pipeline.h). Each component that all inputs have is a merge of its own, by
 * the same recipe with the same arguments: that of A/unet and B/unet. A component that some input lacks, or that is the same in
 * all, is carried: the donor's passes through. All are made in one temporary folder, which is published when the last is complete. */
#ifndef MW_MERGE_COMPONENTS_H
#define MW_MERGE_COMPONENTS_H

#include "merge/plan.h"

typedef struct mw_components_file {
  const char *name; /* "unet/diffusion_pytorch_model.safetensors" */
  uint64_t bytes;
} mw_components_file;

typedef struct mw_components {
  mw_plan_component *of; /* [count] in the order of model_index.json */
  mw_plan **plans;       /* [count] of each */
  size_t count;
  mw_components_file *files;
  size_t file_count;
  mw_plan_number *explained;
  size_t explained_count;
  mw_recipe *passthrough; /* NULL until a component is carried */
  mw_text carried;        /* "vae (the same in all inputs), safety_checker (b has none)", or nothing */
  mw_text adapters;       /* which part of each adapter is for which component, or nothing */
  mw_text json;           /* the list of all for the lock file */
  mw_text outputs, *inputs; /* [inputs of the plan]: files of all, for the lock file */
  size_t input_count;
} mw_components;

/* Whether the inputs are pipelines: all of them (*pipelines) or none, else MW_USAGE. */
bool mw_components_expected(const mw_input_set *inputs, bool *pipelines, mw_error *err);
/* Makes plan->components from the plan's inputs, which are pipelines. */
bool mw_components_plan(mw_plan *plan, const mw_binding *bindings, size_t count, mw_error *err);
/* What all components take together: bytes and tensors are added, of passes and memory the most counts. */
mw_plan_facts mw_components_measure(const mw_components *components);
/* A list of all, with what each takes. */
void mw_components_put(const mw_components *components, mw_json_writer *json);
/* Makes them all, and publishes them. */
bool mw_components_run(mw_plan *plan, mw_progress progress, void *context, mw_error *err);
void mw_components_free(mw_components *components);

#endif
