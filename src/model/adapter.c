/* adapter.c: an adapter's parts, each to the model that it is for. One model takes what fits it; of a file for a pipeline it is only one
 * of several, so parts that do not fit are left out with a warning, as long as one does. A whole pipeline has a place for every part. */
#include "model/adapter.h"
#include "model/adapter_part.h"
#include "model/pipeline.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- recognising ---------------------------------------------------------------------------------------------------- */

bool mw_adapter_refuse(const char *shown, mw_error *err) {
  mw_error_set(err, MW_DATA, "%s: a LoRA (PEFT) adapter, not a model: its factors cannot be merged by themselves", shown);
  return mw_error_hint(err, "give BASE+ADAPTER, its base and it with a + between them, wherever a model is expected");
}

bool mw_adapter_check(const mw_model *model, mw_error *err) {
  mw_text_escaped file, name;
  for (size_t i = 0; i < model->tensor_count; i++) {
    const mw_tensor *tensor = &model->tensors[i];
    if (!mw_adapter_name_is_factor(tensor->name)) continue;
    mw_adapter_refuse(mw_text_escape_z(&file, mw_model_path(model, tensor)), err);
    return mw_error_wrap(err, "tensor '%.100s'", mw_text_escape_z(&name, tensor->name));
  }
  return true;
}


bool mw_adapter_is_folder(const char *folder) {
  return mw_file_is_folder(folder) && mw_adapter_file_holds(folder, MW_ADAPTER_FILE_CONFIG) &&
         !mw_adapter_file_holds(folder, "config.json");
}

bool mw_adapter_base(const char *folder, mw_arena *arena, const char **base, mw_error *err) {
  mw_adapter_config config;
  mw_text_escaped shown;
  char *text;
  size_t length;
  const char *path = mw_file_join(arena, folder, MW_ADAPTER_FILE_CONFIG, err);
  if (!path || !mw_file_slurp(path, MW_ADAPTER_FILE_LARGEST_CONFIG, &text, &length, err)) return false;
  bool ok = mw_adapter_config_read(mw_text_escape_z(&shown, path), text, length, NULL, arena, &config, err);
  free(text);
  MW_TRY(ok);
  *base = config.base;
  if (config.base && *config.base) return true;
  mw_adapter_refuse(mw_text_escape_z(&shown, folder), err);
  return mw_error_hint(err, "it names no base (base_model_name_or_path): give BASE+ADAPTER, its base and it with a + between them");
}

/* ---- the base that it names --------------------------------------------------------------------------------------------- */

/* The last part of a path or hub id, without a revision: "llama" of "models/llama/" and of "org/llama@main". */
static const char *last_part(const char *where, size_t *length) {
  size_t end = strlen(where);
  while (end && where[end - 1] == '/') end--;
  size_t from = end;
  while (from && where[from - 1] != '/') from--;
  *length = end - from;
  const char *revision = memchr(where + from, '@', *length);
  if (revision) *length = (size_t)(revision - where - from);
  return where + from;
}

static bool is_called_alike(const char *base, const char *other) {
  size_t a, b;
  if (!other) return false;
  const char *x = last_part(base, &a), *y = last_part(other, &b);
  return a == b && strncasecmp(x, y, a) == 0;
}

/* Whether the base that an adapter names is in this folder, as far as names tell: one place, or one name in two places. */
static bool is_in(const char *folder, const char *base) {
  if (is_called_alike(base, folder)) return true;
  char *named = realpath(base, NULL), *own = realpath(folder, NULL);
  bool same = named && own && strcmp(named, own) == 0;
  free(named);
  free(own);
  return same;
}

/* Whether it is this model, or the pipeline of which this is a component. */
static bool is_base(const mw_model *model, const char *base) {
  char above[4096];
  int length = snprintf(above, sizeof above, "%s/..", model->folder);
  if (is_in(model->folder, base) || is_called_alike(base, model->where) || is_called_alike(base, model->hub) ||
      is_called_alike(base, model->commit))
    return true;
  if (length < 0 || (size_t)length >= sizeof above || !mw_adapter_file_holds(above, MW_PIPELINE_INDEX)) return false;
  char *pipeline = realpath(above, NULL);
  bool same = pipeline && is_in(pipeline, base);
  free(pipeline);
  return same;
}

/* Only a warning: an adapter for a model is often put on another one that was tuned from it. A lone file has no name that would tell. */
static void compare_base(const mw_adapter_file *file, const char *base, const mw_model *model, mw_warning *warnings) {
  mw_text_escaped named, own;
  if (!base || !*base || !model->folder || is_base(model, base)) return;
  mw_warning_add(warnings, "%s: it is for '%s' and is added to '%s', which fits it by names and shapes", file->shown,
                 mw_text_escape_z(&named, base), mw_text_escape_z(&own, model->hub ? model->hub : model->folder));
}

/* Only a warning, too: the file has factors for modules of which its configuration says that they have none. */
static void compare_targets(const mw_adapter_part *part, mw_warning *warnings) {
  const char *first = NULL;
  size_t count = 0;
  mw_text_escaped shown;
  for (size_t i = 0; i < part->count && !part->config.parameter_count; i++) {
    const mw_adapter_module *module = &part->modules[i];
    if (module->role[MW_ADAPTER_NAME_WHOLE] || module->role[MW_ADAPTER_NAME_ROWS] || !module->name.peft) continue;
    if (mw_adapter_config_targets(&part->config, module->name.module)) continue;
    if (!count++) first = module->name.module;
  }
  if (count)
    mw_warning_add(warnings, "%s: target_modules of its adapter_config.json leaves out '%s' (%zu of %zu modules), which has factors and "
                   "is added; peft would not add it", part->file->shown, mw_text_escape_z(&shown, first), count, part->count);
}

/* ---- one model ---------------------------------------------------------------------------------------------------------- */

/* Every part: those that fit are added; of the others one error is kept. */
static bool add_to_model(const mw_adapter_file *file, mw_model *model, mw_warning *warnings, mw_error *err) {
  mw_error first = {0};
  size_t added = 0;
  const char *encoder = NULL; /* the part of a text encoder that was added */
  mw_adapter_part part;
  for (size_t at = 0; mw_adapter_part_next(file, at, &part); at += part.count) {
    bool names_encoder = strncmp(mw_adapter_part_component(part.name), "text_encoder", 12) == 0;
    if (!mw_adapter_part_plan(&part, model, err)) {
      if (err->status != MW_DATA) return false;
      if (!first.status) first = *err;
      continue;
    }
    if (encoder && names_encoder) {
      mw_error_set(err, MW_DATA, "%s: its parts '%s' and '%s' both fit this model", file->shown, encoder, part.name);
      return mw_error_hint(err, "give the folder of the pipeline's component, whose name says which is meant: PIPE/text_encoder+FILE");
    }
    if (names_encoder) encoder = part.name;
    compare_base(file, part.config.base, model, warnings);
    compare_targets(&part, warnings);
    MW_TRY(mw_adapter_part_add(&part, err));
    added++;
  }
  if (!added) {
    *err = first;
    return mw_error_wrap(err, "%s", file->shown);
  }
  if (first.status) mw_warning_add(warnings, "%s: a part of it is of another model and is not added: %s", file->shown, first.text);
  return true;
}

/* ---- a whole pipeline ----------------------------------------------------------------------------------------------------- */

typedef struct components {
  const mw_model *pipeline;
  mw_model **opened; /* [pipeline->component_count], without adapters */
} components;

static void close_all(components *all) {
  for (size_t i = 0; i < all->pipeline->component_count && all->opened; i++) mw_model_close(all->opened[i]);
  free(all->opened);
}

/* What is to be told of them is told when they are opened to be merged. */
static bool open_all(components *all, mw_error *err) {
  const mw_model *pipeline = all->pipeline;
  mw_warning unheard = {0};
  mw_arena arena = {0};
  bool ok = (all->opened = mw_mem_new(pipeline->component_count, sizeof *all->opened, err)) != NULL;
  for (size_t i = 0; i < pipeline->component_count && ok; i++) {
    const char *place = mw_file_join(&arena, pipeline->folder, pipeline->components[i], err);
    ok = place && mw_model_open(place, &unheard, &all->opened[i], err);
  }
  mw_mem_release(&arena);
  mw_warning_free(&unheard);
  return ok;
}

/* The component that a part is for: the one that it names if the pipeline has that, else the only one that it fits. */
static bool find_component(const components *all, mw_adapter_part *part, size_t *found, mw_error *err) {
  const mw_model *pipeline = all->pipeline;
  const char *meant = mw_adapter_part_component(part->name);
  bool named = mw_pipeline_has(pipeline, meant);
  const mw_adapter_part plain = *part;
  mw_error nearest = {0};
  size_t fitting = 0, near = 0;
  for (size_t i = 0; i < pipeline->component_count; i++) {
    if (named && strcmp(pipeline->components[i], meant) != 0) continue;
    mw_adapter_part tried = plain;
    if (mw_adapter_part_plan(&tried, all->opened[i], err)) {
      if (fitting++) {
        mw_error_set(err, MW_DATA, "its part '%s' fits %s and %s", part->name, pipeline->components[*found], pipeline->components[i]);
        return mw_error_hint(err, "give the component that is meant: PIPE/%s+FILE", pipeline->components[*found]);
      }
      *found = i;
      *part = tried;
      continue;
    }
    if (err->status != MW_DATA) return false;
    if (!nearest.status || (tried.met && !part->met)) nearest = *err, near = i, part->met = tried.met;
  }
  if (fitting) return true;
  *err = nearest;
  if (named || part->met) return mw_error_wrap(err, "its part '%s', for %s", part->name, pipeline->components[near]);
  mw_error_set(err, MW_DATA, "its part '%s' fits no component of the pipeline %s", part->name, pipeline->folder);
  return mw_error_hint(err, "it is an adapter of another pipeline");
}

/* Finds a component for each part; they are added when the components are opened. */
static bool add_to_pipeline(mw_adapter_file *file, mw_model *pipeline, mw_warning *warnings, mw_error *err) {
  components all = {.pipeline = pipeline};
  mw_adapter_part part;
  mw_model_adapter_part *parts = mw_mem_take(&pipeline->arena, (file->module_count + 1) * sizeof *parts, err);
  bool ok = parts && open_all(&all, err);
  size_t at = 0, found = 0;
  for (; ok && mw_adapter_part_next(file, at, &part); at += part.count) {
    ok = find_component(&all, &part, &found, err) || mw_error_wrap(err, "%s", file->shown);
    if (!ok) break;
    parts[file->facts.part_count++] = (mw_model_adapter_part){part.name, pipeline->components[found], part.count};
    if (!at) compare_base(file, part.config.base, pipeline, warnings);
  }
  close_all(&all);
  file->facts.parts = parts;
  return ok;
}

bool mw_adapter_add_component(mw_model *model, const mw_model_adapter *adapter, const char *component, mw_error *err) {
  mw_adapter_file file;
  mw_adapter_part part;
  size_t which = 0;
  MW_TRY(mw_adapter_file_open(model, adapter->place, &file, err));
  for (size_t at = 0; mw_adapter_part_next(&file, at, &part); at += part.count)
    if (strcmp(adapter->parts[which++].component, component) == 0)
      MW_TRY((mw_adapter_part_plan(&part, model, err) || mw_error_wrap(err, "%s", file.shown)) && mw_adapter_part_add(&part, err));
  return mw_adapter_file_keep(&file, err);
}

bool mw_adapter_add(mw_model *model, const char *where, mw_warning *warnings, mw_error *err) {
  mw_adapter_file file;
  return mw_adapter_file_open(model, where, &file, err) &&
         (model->component_count ? add_to_pipeline(&file, model, warnings, err) : add_to_model(&file, model, warnings, err)) &&
         mw_adapter_file_keep(&file, err);
}
