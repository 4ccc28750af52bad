/* adapter_file.h: an adapter as it lies on the disk: found, opened, its modules listed. Its files become files of a model. */
#ifndef MW_MODEL_ADAPTER_FILE_H
#define MW_MODEL_ADAPTER_FILE_H

#include "model/adapter_module.h"

/* peft's configuration, and whether FOLDER/NAME is there. A path that is too long is not. */
#define MW_ADAPTER_FILE_CONFIG "adapter_config.json"
enum { MW_ADAPTER_FILE_LARGEST_CONFIG = 1 << 20 };
bool mw_adapter_file_holds(const char *folder, const char *name);

/* All texts and lists are in the model's arena. */
typedef struct mw_adapter_file {
  mw_model *model;        /* whose files its files are */
  mw_model_adapter facts;
  const char *shown;      /* the file, for messages */
  const char *config;     /* the text of adapter_config.json, or NULL */
  size_t config_length;
  const char *metadata;   /* what diffusers says in the file, or NULL */
  mw_adapter_module *modules; /* sorted by part */
  size_t module_count;
} mw_adapter_file;

/* Opens the adapter at `where`: a folder of peft, a file, or a hub id. MW_MISSING, or MW_DATA where a tensor's name says nothing. */
bool mw_adapter_file_open(mw_model *model, const char *where, mw_adapter_file *out, mw_error *err);
/* It is one of the model's adapters from now on. */
bool mw_adapter_file_keep(const mw_adapter_file *file, mw_error *err);

#endif
