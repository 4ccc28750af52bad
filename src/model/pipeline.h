/* pipeline.h: a whole pipeline of diffusers: a folder with a model_index.json, which names its components. Each lies in a folder of
 * its name: some are models (unet, vae, text_encoder), the others parts without weights (scheduler, tokenizer). A pipeline opens
 * as a model that has no tensors of its own. */
#ifndef MW_MODEL_PIPELINE_H
#define MW_MODEL_PIPELINE_H

#include "model/family.h"

/* The file that makes a folder a pipeline. */
#define MW_PIPELINE_INDEX "model_index.json"

/* Reads model_index.json of model->folder: which components are models (model->components), which are not (model->parts). MW_DATA where
 * it is malformed; MW_MISSING where a model that it names is not there. */
bool mw_pipeline_read(mw_model *model, mw_warning *warnings, mw_error *err);
/* As mw_model_open; of a pipeline the components are opened too, and their tensors are the model's, each with its component before
 * its name: "unet/conv_in.weight". */
bool mw_pipeline_open(const char *where, mw_warning *warnings, mw_model **out, mw_error *err);
/* Opens a component of an open pipeline, which is one of its names, with what the pipeline's adapters have for it. */
bool mw_pipeline_component(const mw_model *pipeline, const char *name, mw_warning *warnings, mw_model **out, mw_error *err);
/* Whether a pipeline has a model of that name. */
bool mw_pipeline_has(const mw_model *model, const char *component);
/* Holds the parts of a pipeline against the donor's, which is carried: its tokenizers, and its schedulers, since equal weights that
 * predict noise here and velocity there have no mean. MW_DATA as fit.h does, unless the rules allow it. */
bool mw_pipeline_fit(const mw_family_member *donor, const mw_family_member *other, const mw_family_rules *rules, mw_warning *warnings,
                     mw_error *err);

#endif
