/* family.c: first the checks of each model without the others, then the list of its tensors as a recipe sees them. */
#include "model/family.h"
#include "model/adapter.h"
#include "model/buffers.h"
#include "model/fit.h"
#include "model/marks.h"
#include "model/modules.h"
#include "model/pipeline.h"
#include "model/quantised.h"
#include "model/rename.h"
#include "model/scaled.h"
#include "model/shapes.h"
#include "model/tied_head.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct joining {
  mw_family_member *members;
  size_t count, donor;
  const mw_family_rules *rules;
  mw_warning *warnings;
  mw_family *out;
  mw_tied_head head;
  mw_error *err;
  bool wrong;     /* with rules->explain: something does not fit, and this is said of it */
  mw_error first;
} joining;

/* Whether to go on after a check. */
static bool go_on(joining *j, bool fits) {
  if (fits || !j->rules->explain || j->err->status != MW_DATA) return fits;
  if (j->wrong) mw_warning_add(j->warnings, "%s (%s)", j->err->text, *j->err->hint ? j->err->hint : "no option lets it through");
  else j->first = *j->err;
  return j->wrong = true;
}

/* ---- checks of one member ---- */

/* C7: codes of weights cannot be averaged. */
static bool check_quantised(const joining *j, const mw_family_member *member) {
  mw_text_escaped escaped;
  bool configured_only;
  const char *found = mw_quantised_mark(member, member->scaled, &configured_only, &escaped);
  if (!found) return true;
  if (j->rules->allow_quantised) {
    mw_warning_add(j->warnings, "%s: a quantised input (%s), let through by --allow quantised", member->label, found);
    return true;
  }
  mw_error_set(j->err, MW_DATA, "%s: a quantised input (%s)", member->label, found);
  if (configured_only)
    return mw_error_hint(j->err, "its tensors look plain: where they are, --allow quantised merges them, and leaves that key out");
  return mw_error_hint(j->err, "merge the models that it was made from, or dequantise it first");
}

static bool check_empty(const joining *j, const mw_family_member *member) {
  mw_text_escaped name;
  const mw_tensor *empty = mw_quantised_empty(member->model);
  if (!empty) return true;
  mw_text_escape_z(&name, empty->name);
  if (j->rules->allow_empty) {
    mw_warning_add(j->warnings, "%s: tensor '%s' has no elements, let through by --allow empty", member->label, name.bytes);
    return true;
  }
  mw_error_set(j->err, MW_DATA, "%s: tensor '%s' has no elements: a weight is missing", member->label, name.bytes);
  return mw_error_hint(j->err, "was it saved from DeepSpeed ZeRO-3 without gathering? its zero_to_fp32.py makes the whole model");
}

/* C8: the dtype that the config names should be that of at least one tensor. */
static void check_dtype(const joining *j, const mw_family_member *member) {
  const mw_model *model = member->model;
  bool held[MW_DTYPE_COUNT] = {false};
  for (size_t t = 0; t < model->tensor_count; t++) held[mw_model_written(&model->tensors[t])] = true;
  const char *absent = mw_config_absent_dtype(&model->config, held);
  if (absent) mw_warning_add(j->warnings, "%s: config.json: the dtype is %s, but no tensor has it", member->label, absent);
}

/* C3-C5, C8: for architectures that we know, config and tensors must agree. */
static bool check_config(const joining *j, const mw_family_member *member) {
  const mw_config *config = &member->model->config;
  if (!config->text) return true;
  check_dtype(j, member);
  if (!config->architecture) {
    mw_text_escaped shown;
    if (*config->model_type)
      mw_warning_add(j->warnings, "%s: model_type '%s' is not known: tensors are matched by name alone", member->label,
                  mw_text_escape_z(&shown, config->model_type));
    else if (mw_json_member(config->root, "_class_name").kind != MW_JSON_STRING) /* which a model of diffusers has */
      mw_warning_add(j->warnings, "%s: config.json names no model_type: tensors are matched by name alone", member->label);
    return true;
  }
  return mw_shapes_check(member->model, member->label, j->err);
}

/* ---- what a recipe sees of a member ---- */

static bool is_head(const mw_tensor *tensor) { return strcmp(tensor->name, mw_tied_head_name) == 0; }

/* What the embedding is called: by the donor, else by another member that has it, else as the donor stores it. */
static const char *embedding_name(const joining *j) {
  const mw_tensor *tensor = mw_tied_head_embedding(j->members[j->donor].model);
  for (size_t m = 0; m < j->count && !tensor; m++) tensor = mw_tied_head_embedding(j->members[m].model);
  if (!tensor) tensor = mw_tied_head_stand_in(&j->members[j->donor]);
  return tensor ? tensor->name : mw_tied_head_name;
}

/* Lists a member's tensors. The head is left out, or the embedding is taken as the head, as the output needs it. */
static bool list_tensors(const joining *j, mw_family_member *member) {
  size_t count = member->count;
  const mw_tensor *head = j->head.fate == MW_TIED_HEAD_DROP ? NULL : mw_tied_head_of(j->head, member);
  if (j->head.fate == MW_TIED_HEAD_UNTIE && !head && member == &j->members[j->donor])
    return mw_error_set(j->err, MW_DATA, "%s: has neither '%s' nor an embedding that could become it", member->label, mw_tied_head_name);
  const mw_tensor *stand_in = mw_tied_head_stand_in(member);
  member->count = 0;
  for (size_t i = 0; i < count; i++) {
    bool alias = false, shared = stand_in && strcmp(stand_in->name, member->tensors[i].name) == 0;
    mw_tensor tensor = member->tensors[i];
    if (shared) tensor.name = embedding_name(j);
    else MW_TRY(mw_tied_head_is_alias(member, &tensor, &alias, j->err));
    if (shared || (!alias && !is_head(&tensor))) member->tensors[member->count++] = tensor;
  }
  if (head) {
    member->tensors[member->count] = *head;
    member->tensors[member->count++].name = mw_tied_head_name;
  }
  return !(head || stand_in) || mw_tensor_sort(member->tensors, member->count, mw_tensor_by_name, j->err);
}

/* A tensor is kept if it is no weight, in this model or in another one. */
static bool mark_kept(const joining *j) {
  for (size_t m = 0; m < j->count; m++)
    if (!(j->members[m].kept = mw_mem_take(&j->out->arena, j->members[m].count + 1, j->err))) return false;
  for (size_t m = 0; m < j->count; m++)
    for (size_t i = 0; i < j->members[m].count; i++) {
      const mw_tensor *tensor = &j->members[m].tensors[i];
      if (!mw_buffers_is_kept(tensor)) continue;
      for (size_t k = 0; k < j->count; k++) {
        const mw_tensor *same = &j->members[m] == &j->members[k] ? tensor : mw_family_find(&j->members[k], tensor->name);
        if (same) j->members[k].kept[same - j->members[k].tensors] = true;
      }
    }
  return true;
}

static bool check_one(joining *j, const mw_family_member *member) {
  return go_on(j, check_quantised(j, member)) && go_on(j, mw_adapter_check(member->model, j->err)) && go_on(j, check_empty(j, member)) &&
         go_on(j, check_config(j, member));
}

static bool is_same_file(const mw_model *a, const mw_model *b) {
  bool plain = a->file_count && a->file_count == b->file_count && !a->adapter_count && !b->adapter_count;
  return plain && a->files[0].device == b->files[0].device && a->files[0].inode == b->files[0].inode;
}

/* Every model must mean by its weights what the donor means by them. */
static bool check_fit(joining *j) {
  const mw_family_member *donor = &j->members[j->donor];
  const mw_family_rules *rules = j->rules;
  mw_vocabulary tokens = {0};
  bool ok = true;
  for (size_t m = 0; m < j->count && ok; m++) {
    const mw_family_member *other = &j->members[m];
    bool align = rules->aligned;
    if (other != donor && strcmp(donor->label, "base") == 0 && is_same_file(donor->model, other->model))
      mw_warning_add(j->warnings, "%s is the same model as base: it changes nothing of it", other->label);
    ok = other == donor || (go_on(j, mw_fit_config(donor, other, "config.json", rules->allow_config, j->warnings, j->err)) &&
                            go_on(j, align || mw_fit_tokens(donor, other, &tokens, rules->allow_tokenizer, j->warnings, j->err)) &&
                            go_on(j, mw_marks_fit(donor, other, rules->allow_config, j->warnings, j->err)) &&
                            mw_fit_beside(donor, other, j->warnings, j->err) &&
                            go_on(j, mw_modules_compare(donor->model, other->model, other->label, j->warnings, j->err)) &&
                            go_on(j, mw_pipeline_fit(donor, other, rules, j->warnings, j->err)));
  }
  mw_vocabulary_close(&tokens);
  return ok;
}

static bool join(joining *j) {
  mw_family *out = j->out;
  const mw_model *donor = j->members[j->donor].model;
  for (size_t m = 0; m < j->count; m++)
    MW_TRY(mw_scaled_list(&j->members[m], &out->arena, &j->members[m].scaled, j->err) && check_one(j, &j->members[m]));
  if (!donor->config.text && !donor->component_count)
    mw_warning_add(j->warnings, donor->folder ? "%s has no config.json: the output will have none either"
                                        : "%s is a lone file: the output will hold weights but no config and no tokenizer",
                j->members[j->donor].label);
  MW_TRY(check_fit(j));
  MW_TRY(go_on(j, mw_tied_head_decide(j->members, j->count, j->donor, j->rules->tied, &j->head, j->err)));
  if (j->wrong) return *j->err = j->first, false;
  out->members = j->members;
  out->count = j->count;
  out->donor = j->donor;
  out->rules = *j->rules;
  out->untie = j->head.fate == MW_TIED_HEAD_UNTIE;
  for (size_t m = 0; m < j->count; m++) MW_TRY(list_tensors(j, &j->members[m]));
  MW_TRY(mw_rename_apply(out, j->rules->renames, j->rules->rename_count, j->err));
  return mark_kept(j);
}

const mw_tensor *mw_family_find(const mw_family_member *member, const char *name) {
  return mw_tensor_named(member->tensors, member->count, name);
}

bool mw_family_join(mw_family_member *members, size_t count, size_t donor, const mw_family_rules *rules,
                    mw_warning *warnings, mw_family *out, mw_error *err) {
  *out = (mw_family){0};
  joining j = {.members = members, .count = count, .donor = donor, .rules = rules, .warnings = warnings, .out = out, .err = err};
  if (join(&j)) return true;
  mw_family_free(out);
  return false;
}

const mw_family_member *mw_family_named(const mw_family *family, const char *word) {
  for (size_t m = 0; m < family->count; m++)
    if (strcmp(family->members[m].label, word) == 0) return &family->members[m];
  for (size_t m = 0; m < family->count; m++)
    if (strcmp(family->members[m].model->where, word) == 0) return &family->members[m];
  return NULL;
}

void mw_family_free(mw_family *family) {
  mw_mem_release(&family->arena);
  *family = (mw_family){0};
}
