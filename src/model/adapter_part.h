/* adapter_part.h: the modules of an adapter that are for one model: all of them, or a part of a file that has several (the unet, the text
 * encoders of a pipeline). A part is held against the model, and only if all of it fits it is added. */
#ifndef MW_MODEL_ADAPTER_PART_H
#define MW_MODEL_ADAPTER_PART_H

#include "model/adapter_config.h"
#include "model/adapter_file.h"

/* What becomes of one tensor of the model. */
typedef struct mw_adapter_part_change {
  size_t index;              /* SIZE_MAX: the head, which the model does not store */
  const mw_tensor *whole;    /* replaces it, or NULL */
  mw_adapted_change change;  /* where there is no `whole` */
} mw_adapter_part_change;

typedef struct mw_adapter_part {
  const mw_adapter_file *file;
  mw_model *base;
  const mw_adapter_module *modules; /* [count] of one part */
  size_t count;
  const char *name;        /* "unet", "lora_te1"; "" where names speak of none */
  bool peft, configured;
  bool met;                /* all its names are names of the base: what is wrong then is not that it is another model */
  mw_adapter_config config;
  mw_adapter_module_fit fit;
  mw_adapter_part_change *changes; /* [change_count] */
  size_t change_count;
} mw_adapter_part;

/* The part of the file that begins with module `first`; false where there is no further one. */
bool mw_adapter_part_next(const mw_adapter_file *file, size_t first, mw_adapter_part *out);
/* Which folder of a pipeline a part is called by: "text_encoder" of "lora_te1". It may have another one in a pipeline without that. */
const char *mw_adapter_part_component(const char *name);
/* All that the part does to the base, which is not changed yet. MW_DATA: the reason why it cannot. */
bool mw_adapter_part_plan(mw_adapter_part *part, mw_model *base, mw_error *err);
/* Does it. The files of part->file are the base's. */
bool mw_adapter_part_add(const mw_adapter_part *part, mw_error *err);

#endif
