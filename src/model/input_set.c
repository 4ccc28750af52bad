/* input_set.c: opens each model once and joins all to a family. The donor, which gives names, config and side files, is the model of
 * the argument `base`, or of the first model argument if there is no `base`. */
#include "model/input_set.h"
#include "format/file.h"
#include "model/pipeline.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const mw_binding *binding_of(const mw_binding *bindings, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(bindings[i].name, name) == 0) return &bindings[i];
  return NULL;
}

static bool check_count(const mw_arg *arg, size_t count, mw_error *err) {
  const char *word = arg->adapter ? "adapter" : "model", *typed = arg->adapter ? "ADAPTER" : "MODEL";
  if (count == 0 && arg->optional) return true;
  if (arg->kind == MW_ARG_MODEL && count != 1)
    return mw_error_set(err, MW_USAGE, count ? "--%s takes one %s, not %zu" : "--%s %s is needed", arg->name, count ? word : typed, count),
           mw_error_hint(err, "%s", arg->doc);
  if (arg->kind != MW_ARG_MODEL && count == 0)
    return mw_error_set(err, MW_USAGE, "--%s %s%s... is needed", arg->name, typed, arg->kind == MW_ARG_PARTS ? ":FIRST-END" : ""),
           mw_error_hint(err, "%s", arg->doc);
  if (arg->has_min && (double)count < arg->min)
    return mw_error_set(err, MW_USAGE, "--%s needs at least %g %s%s, got %zu", arg->name, arg->min, word, arg->min == 1 ? "" : "s", count);
  if (arg->has_max && (double)count > arg->max)
    return mw_error_set(err, MW_USAGE, "--%s takes at most %g %s%s, got %zu", arg->name, arg->max, word, arg->max == 1 ? "" : "s", count);
  return true;
}

static bool is_model(const mw_arg *arg) {
  return arg->kind == MW_ARG_MODEL || arg->kind == MW_ARG_MODELS || arg->kind == MW_ARG_PARTS;
}

/* "BASE+ADAPTER": the base is what is typed for the model argument `base`, else for the first one. */
static const char *on_base(mw_input_set *inputs, const mw_arg *args, size_t arg_count, const mw_binding *bindings, size_t count,
                           const char *adapter, mw_error *err) {
  const mw_binding *base = NULL;
  for (size_t i = 0; i < arg_count; i++) {
    bool able = is_model(&args[i]) && args[i].kind != MW_ARG_PARTS && !args[i].adapter;
    const mw_binding *found = able ? binding_of(bindings, count, args[i].name) : NULL;
    if (found && found->count && (!base || strcmp(args[i].name, "base") == 0)) base = found;
  }
  if (!base) return mw_error_set(err, MW_USAGE, "this recipe was given no model that its adapters could be added to"), NULL;
  size_t length = strlen(base->words[0]), own = strlen(adapter);
  char *where = mw_mem_take(&inputs->arena, length + own + 2, err);
  if (where) memcpy(where, base->words[0], length), where[length] = '+', memcpy(where + length + 1, adapter, own);
  return where;
}

static const mw_placed *placed_of(const mw_options *options, const char *label) {
  for (size_t i = 0; i < options->placed_count; i++)
    if (strcmp(options->placed[i].label, label) == 0) return &options->placed[i];
  return NULL;
}

static bool keep(char **text, const char *from, mw_arena *arena, mw_error *err) {
  *text = from ? mw_mem_copy(arena, from, strlen(from), err) : NULL;
  return *text || !from;
}

/* An input that lies elsewhere is told of as it was called. */
static bool call_as(mw_model *model, const mw_placed *placed, const char *where, mw_error *err) {
  size_t count = model->adapter_count;
  mw_model_adapter *adapters = mw_mem_take(&model->arena, (count + 1) * sizeof *adapters, err);
  if (!adapters) return false;
  for (size_t i = 0; i < count; i++) {
    adapters[i] = model->adapters[i];
    if (i >= placed->adapter_count) continue;
    const mw_placed *own = &placed->adapters[i];
    MW_TRY(keep((char **)&adapters[i].where, own->label, &model->arena, err));
    MW_TRY(keep((char **)&adapters[i].hub, own->hub, &model->arena, err));
    MW_TRY(keep((char **)&adapters[i].commit, own->commit, &model->arena, err));
    MW_TRY(keep((char **)&adapters[i].file, own->file, &model->arena, err));
  }
  model->adapters = adapters;
  MW_TRY(model->folder || keep(&model->lone, placed->file, &model->arena, err));
  MW_TRY(!placed->base || keep(&model->base, placed->base, &model->arena, err));
  return keep(&model->where, where, &model->arena, err) && keep(&model->hub, placed->hub, &model->arena, err) &&
         keep(&model->commit, placed->commit, &model->arena, err);
}

static bool open_at(const mw_placed *placed, const char *where, mw_warning *warnings, mw_model **out, mw_error *err) {
  if (placed && placed->pipeline) return mw_pipeline_component(placed->pipeline, placed->path, warnings, out, err);
  return mw_model_open(placed ? placed->path : where, warnings, out, err);
}

static bool open_one(mw_input_set *inputs, const mw_arg *arg, const char *where, size_t number, const mw_options *options,
                     mw_warning *warnings, mw_error *err) {
  char label[96];
  if (arg->kind != MW_ARG_MODEL) snprintf(label, sizeof label, "%s[%zu]", arg->name, number);
  else snprintf(label, sizeof label, "%s", arg->name);
  MW_TRY(mw_mem_grow(&inputs->members, &inputs->capacity, inputs->count + 1, sizeof *inputs->members, err));
  const char *kept = mw_mem_copy(&inputs->arena, label, strlen(label), err);
  mw_model *model;
  const mw_placed *placed = placed_of(options, label);
  if (!kept || !open_at(placed, where, warnings, &model, err)) return false;
  inputs->members[inputs->count++] = (mw_family_member){.model = model, .label = kept};
  return !placed || call_as(model, placed, where, err);
}

/* What "MODEL:FIRST-END" names: the model. A path that exists is a model, whatever it is called. */
static const char *model_of(mw_input_set *inputs, const char *word, mw_error *err) {
  const char *colon = strrchr(word, ':'), *end = word + strlen(word);
  size_t first = colon ? strspn(colon + 1, "0123456789") : 0;
  if (!first || colon[1 + first] != '-' || mw_file_exists(word) || mw_file_is_folder(word)) return word;
  const char *rest = colon + 2 + first;
  return rest + strspn(rest, "0123456789") == end ? mw_mem_copy(&inputs->arena, word, (size_t)(colon - word), err) : word;
}

/* Of a word for parts that is no model and has a colon: how layers are written. */
static bool hint_layers(const mw_arg *arg, const char *word, mw_error *err) {
  if (arg->kind != MW_ARG_PARTS || err->status != MW_MISSING || !strchr(word, ':')) return false;
  return mw_error_hint(err, "layers are written MODEL:FIRST-END, END not among them: A:0-24, A:24- to the last, A+ADAPTER:0-24");
}

/* The member from `first` on that was opened from there, or the next one: a model of several parts is opened once. */
static size_t opened(const mw_input_set *inputs, size_t first, const char *where) {
  while (first < inputs->count && strcmp(inputs->members[first].model->where, where) != 0) first++;
  return first;
}

static bool allow(const mw_options *options, mw_family_rules *rules, mw_error *err) {
  for (size_t i = 0; i < options->allow_count; i++) {
    const char *word = options->allow[i];
    mw_text_escaped shown;
    if (strcmp(word, "config") == 0) rules->allow_config = true;
    else if (strcmp(word, "tokenizer") == 0) rules->allow_tokenizer = true;
    else if (strcmp(word, "quantised") == 0) rules->allow_quantised = true;
    else if (strcmp(word, "empty") == 0) rules->allow_empty = true;
    else return mw_error_set(err, MW_USAGE, "--allow '%s' is none of config tokenizer quantised empty", mw_text_escape_z(&shown, word));
  }
  return true;
}

/* --donor names one of the inputs. */
static bool choose_donor(mw_input_set *inputs, const char *word, mw_error *err) {
  mw_text_escaped shown;
  const mw_family opened = {.members = inputs->members, .count = inputs->count};
  const mw_family_member *named = word ? mw_family_named(&opened, word) : NULL;
  if (named) inputs->donor = (size_t)(named - inputs->members);
  if (!word || named) return true;
  mw_error_set(err, MW_USAGE, "--donor '%s' is none of the inputs", mw_text_escape_z(&shown, word));
  return mw_error_hint(err, "it is named by its argument, such as '%s', or as it was typed, '%s'", inputs->members[inputs->count - 1].label,
                       mw_text_escape_z(&shown, inputs->members[inputs->count - 1].model->where));
}

bool mw_input_set_open(mw_input_set *inputs, const mw_arg *args, size_t arg_count, const mw_binding *bindings, size_t count,
                    const mw_options *options, mw_warning *warnings, mw_error *err) {
  bool have_donor = false;
  for (size_t i = 0; i < arg_count; i++) {
    const mw_arg *arg = &args[i];
    if (!is_model(arg)) continue;
    const mw_binding *binding = binding_of(bindings, count, arg->name);
    size_t words = binding ? binding->count : 0;
    MW_TRY(check_count(arg, words, err));
    if (!words) continue;
    MW_TRY(mw_mem_grow(&inputs->places, &inputs->place_capacity, inputs->place_count + 1, sizeof *inputs->places, err));
    size_t *members = mw_mem_take(&inputs->arena, words * sizeof *members, err);
    if (!members) return false;
    inputs->places[inputs->place_count++] = (mw_input_set_place){arg->name, members, words};
    if (strcmp(arg->name, "base") == 0 || (!have_donor && !arg->adapter)) inputs->donor = inputs->count;
    have_donor = have_donor || !arg->adapter;
    const size_t first = inputs->count;
    for (size_t w = 0; w < words; w++) {
      const char *where = arg->kind == MW_ARG_PARTS ? model_of(inputs, binding->words[w], err) : binding->words[w];
      if (arg->adapter) where = on_base(inputs, args, arg_count, bindings, count, where, err);
      members[w] = arg->kind == MW_ARG_PARTS && where ? opened(inputs, first, where) : inputs->count;
      if (!where) return false;
      if (members[w] == inputs->count && !open_one(inputs, arg, where, w + 1, options, warnings, err)) return hint_layers(arg, where, err);
    }
  }
  if (!inputs->count) return mw_error_set(err, MW_USAGE, "this recipe was given no model");
  mw_family_rules rules = {.missing_base = options->missing_base, .donor_integers = options->donor_integers, .tied = options->tied,
                           .explain = options->explain, .aligned = options->tokenizer != NULL,
                           .renames = options->rename, .rename_count = options->rename_count};
  MW_TRY(allow(options, &rules, err) && choose_donor(inputs, options->donor, err));
  MW_TRY(mw_family_join(inputs->members, inputs->count, inputs->donor, &rules, warnings, &inputs->family, err));
  return inputs->joined = true;
}

bool mw_input_set_find(const void *context, uint64_t model, uint64_t index, mw_dtype *dtype, const uint64_t **dims,
                       unsigned *rank) {
  const mw_input_set *inputs = context;
  if (model >= inputs->count || index >= inputs->members[model].count) return false;
  const mw_tensor *tensor = &inputs->members[model].tensors[index];
  *dtype = (mw_dtype)tensor->dtype;
  *dims = tensor->shape;
  *rank = tensor->rank;
  return true;
}

size_t mw_input_set_tensors(const mw_input_set *inputs) {
  size_t tensors = 0;
  for (size_t m = 0; m < inputs->count; m++) tensors += inputs->members[m].count;
  return tensors;
}

void mw_input_set_close(mw_input_set *inputs) {
  if (inputs->joined) mw_family_free(&inputs->family);
  for (size_t i = 0; i < inputs->count; i++) mw_model_close((mw_model *)inputs->members[i].model);
  free(inputs->members);
  free(inputs->places);
  mw_mem_release(&inputs->arena);
  memset(inputs, 0, sizeof *inputs);
}
