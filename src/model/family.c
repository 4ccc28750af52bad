/* family.c: the donor's names rule. Every member must have each of them, in the same shape; what a member has beyond
 * them, or lacks, is an error unless the user said otherwise. */
#include "model/family.h"
#include "model/tied_head.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct joining {
  const mw_family_member *members;
  size_t count, donor;
  const mw_family_rules *rules;
  mw_warning *warnings;
  mw_family *out;
  mw_tied_head head;
  mw_error *err;
} joining;

/* ---- one member on its own ---- */

/* C7: raw quantised values cannot be averaged. */
static bool check_quantized(const joining *j, const mw_family_member *member) {
  static const char *const marks[] = {".weight_scale", "_scale_inv", ".qweight", ".qzeros", ".absmax", ".SCB",
                                      ".weight_packed", "scaled_fp8", ".weight_scale_2", ".quant_map"};
  const char *found = member->model->config.quantized ? "quantization_config in config.json" : NULL;
  for (size_t i = 0; i < member->model->tensor_count && !found; i++)
    for (size_t k = 0; k < sizeof marks / sizeof *marks; k++)
      if (mw_text_ends_with(member->model->tensors[i].name, marks[k])) found = member->model->tensors[i].name;
  mw_text_escaped shown;
  if (!found) return true;
  mw_error_set(j->err, MW_DATA, "%s: a quantised input (%s)", member->label, mw_text_escape_z(&shown, found));
  return mw_error_hint(j->err, "merge the models that it was made from, or dequantise it first");
}

/* The layers that names speak of: 1 + the largest N of "layers.N.", or fewer where there are gaps between them. Names
 * are sorted, so a layer's tensors stand together. */
static uint64_t layers_present(const mw_model *model) {
  uint64_t layers = 0, distinct = 0, n, last = UINT64_MAX;
  for (size_t i = 0; i < model->tensor_count; i++) {
    const char *at = strstr(model->tensors[i].name, "layers.");
    size_t digits = at ? strspn(at + 7, "0123456789") : 0;
    if (!digits || at[7 + digits] != '.' || !mw_text_parse_u64(at + 7, digits, &n) || n == UINT64_MAX) continue;
    if (n + 1 > layers) layers = n + 1;
    distinct += n != last;
    last = n;
  }
  return distinct < layers ? distinct : layers;
}

static bool refuse_count(const joining *j, const mw_family_member *member, const char *key, uint64_t found,
                         const mw_tensor *embedding, unsigned axis) {
  return mw_error_set(j->err, MW_DATA, "%s: config.json: %s: found %llu, but '%s' has %llu %s", member->label, key,
                      (unsigned long long)found, embedding->name, (unsigned long long)embedding->shape[axis],
                      axis ? "columns" : "rows");
}

/* C4. Some architectures have a head_dim of their own where the key is absent. */
static bool check_heads(const joining *j, const mw_family_member *member) {
  const mw_config *config = &member->model->config;
  mw_json own = mw_json_member(config->root, "head_dim");
  bool given = own.kind != MW_JSON_END && own.kind != MW_JSON_NULL;
  if (given || config->architecture->head_dim || !config->heads || config->hidden % config->heads == 0) return true;
  return mw_error_set(j->err, MW_DATA, "%s: config.json: num_attention_heads: found %llu, which does not divide hidden_size %llu",
                      member->label, (unsigned long long)config->heads, (unsigned long long)config->hidden);
}

/* C8: the dtype that the config names should be that of at least one tensor. */
static void check_dtype(const joining *j, const mw_family_member *member) {
  static const struct { const char *name; mw_dtype dtype; } names[] = {
      {"float32", MW_DTYPE_F32}, {"bfloat16", MW_DTYPE_BF16}, {"float16", MW_DTYPE_F16}, {"float64", MW_DTYPE_F64}};
  const mw_model *model = member->model;
  mw_json value = mw_json_member(model->config.root, "dtype");
  if (value.kind != MW_JSON_STRING) value = mw_json_member(model->config.root, "torch_dtype");
  for (size_t i = 0; value.kind == MW_JSON_STRING && i < sizeof names / sizeof *names; i++) {
    if (!mw_json_equals(value, names[i].name)) continue;
    for (size_t t = 0; t < model->tensor_count; t++)
      if (model->tensors[t].dtype == names[i].dtype) return;
    mw_warning_add(j->warnings, "%s: config.json: the dtype is %s, but no tensor has it", member->label, names[i].name);
  }
}

/* A model with another end (a classifier's or a reward model's) has no use for a head. */
static bool wants_head(const mw_config *config) {
  mw_json list = mw_json_member(config->root, "architectures");
  return list.kind != MW_JSON_ARRAY || memmem(list.bytes, list.length, "ForCausalLM", 11);
}

/* C3-C5, C8: for architectures that we know, config and tensors must tell the same. */
static bool check_config(const joining *j, const mw_family_member *member) {
  const mw_config *config = &member->model->config;
  if (!config->text) return true;
  check_dtype(j, member);
  if (!config->architecture) {
    mw_text_escaped shown;
    if (*config->model_type)
      mw_warning_add(j->warnings, "%s: model_type '%s' is not known: tensors are matched by name alone", member->label,
                  mw_text_escape_z(&shown, config->model_type));
    else mw_warning_add(j->warnings, "%s: config.json names no model_type: tensors are matched by name alone", member->label);
    return true;
  }
  uint64_t present = layers_present(member->model);
  if (config->layers && present != config->layers)
    return mw_error_set(j->err, MW_DATA, "%s: config.json: num_hidden_layers: found %llu, but the tensors have %llu layers",
                        member->label, (unsigned long long)config->layers, (unsigned long long)present);
  MW_TRY(check_heads(j, member));
  const mw_tensor *embedding = mw_tied_head_embedding(member->model);
  if (!embedding || embedding->rank != 2) return true;
  if (config->vocabulary && embedding->shape[0] != config->vocabulary)
    return refuse_count(j, member, "vocab_size", config->vocabulary, embedding, 0);
  if (config->hidden && embedding->shape[1] != config->hidden)
    return refuse_count(j, member, "hidden_size", config->hidden, embedding, 1);
  if (config->tied || mw_model_find(member->model, mw_tied_head_name) || !wants_head(config)) return true;
  mw_error_set(j->err, MW_DATA, "%s: config.json: tie_word_embeddings is false, but there is no '%s'", member->label, mw_tied_head_name);
  return mw_error_hint(j->err, "the head is missing from the files, or the key should be true");
}

/* ---- joining ---- */

static void spell(const mw_tensor *tensor, char room[128]) {
  size_t used = (size_t)snprintf(room, 128, "[");
  for (unsigned i = 0; i < tensor->rank && used < 100; i++)
    used += (size_t)snprintf(room + used, 128 - used, i ? ",%llu" : "%llu", (unsigned long long)tensor->shape[i]);
  snprintf(room + used, 128 - used, "]");
}

static bool check_shape(const joining *j, size_t member, const mw_tensor *own, const mw_tensor *donor) {
  mw_text_escaped name;
  const char *label = j->members[member].label, *donor_label = j->members[j->donor].label;
  mw_text_escape_z(&name, donor->name);
  bool real = mw_dtype_kind_of((mw_dtype)own->dtype) == MW_DTYPE_KIND_REAL;
  if (real != (mw_dtype_kind_of((mw_dtype)donor->dtype) == MW_DTYPE_KIND_REAL))
    return mw_error_set(j->err, MW_DATA, "%s: tensor '%s' is %s here and %s in %s", label, name.bytes,
                        mw_dtype_name((mw_dtype)own->dtype), mw_dtype_name((mw_dtype)donor->dtype), donor_label);
  if (own->rank == donor->rank && (!own->rank || memcmp(own->shape, donor->shape, own->rank * sizeof *own->shape) == 0))
    return true;
  char here[128], there[128];
  spell(own, here);
  spell(donor, there);
  mw_error_set(j->err, MW_DATA, "%s: tensor '%s' is %s here and %s in %s", label, name.bytes, here, there, donor_label);
  bool vocabulary = own->rank == 2 && donor->rank == 2 && own->shape[1] == donor->shape[1] &&
                    (strstr(donor->name, "embed") || strstr(donor->name, "wte") || strstr(donor->name, "lm_head"));
  if (vocabulary)
    mw_error_hint(j->err, "the vocabularies differ: give all models one tokenizer (resize_token_embeddings) first");
  return false;
}

/* The names that one side lacks, at most 20 of them. */
typedef struct lacking {
  mw_text names;
  size_t count;
} lacking;

static void lack(lacking *list, const char *name) {
  mw_text_escaped shown;
  if (list->count++ < 20) mw_text_format(&list->names, "%s'%s'", list->count > 1 ? ", " : "", mw_text_escape_z(&shown, name));
}

static bool report_lacking(const joining *j, lacking *list, const char *where, const char *but) {
  char more[40] = "";
  if (list->count > 20) snprintf(more, sizeof more, " ... and %zu more", list->count - 20);
  bool none = list->count == 0;
  if (!none) {
    mw_error_set(j->err, MW_DATA, "%s lacks %zu tensor%s that %s has: %s%s", where, list->count,
                 list->count == 1 ? "" : "s", but, list->names.bytes ? list->names.bytes : "", more);
    mw_error_hint(j->err, "--missing base takes what is missing from the donor and drops what only an input has");
  }
  mw_text_free(&list->names);
  return none;
}

static bool is_head(const mw_tensor *tensor) { return strcmp(tensor->name, mw_tied_head_name) == 0; }

static bool check_extra(const joining *j, size_t member) {
  lacking list = {0};
  const mw_model *model = j->members[member].model, *donor = j->members[j->donor].model;
  for (size_t i = 0; i < model->tensor_count && member != j->donor; i++)
    if (!mw_model_find(donor, model->tensors[i].name) && (j->head.fate == MW_TIED_HEAD_KEEP || !is_head(&model->tensors[i])))
      lack(&list, model->tensors[i].name);
  if (j->rules->missing_base && list.count) {
    mw_warning_add(j->warnings, "%s: %zu tensors that only it has are dropped", j->members[member].label, list.count);
    list.count = 0;
  }
  return report_lacking(j, &list, j->members[j->donor].label, j->members[member].label);
}

static bool fill_member(const joining *j, size_t member) {
  mw_family *out = j->out;
  lacking list = {0};
  const mw_model *model = j->members[member].model;
  for (size_t row = 0; row < out->count; row++) {
    const mw_tensor *donor = out->donor[row];
    const mw_tensor *own = is_head(donor) ? mw_tied_head_of(j->head, model) : mw_model_find(model, donor->name);
    out->tensors[row * out->members + member] = own;
    if (!own) lack(&list, donor->name);
    else if (!check_shape(j, member, own, donor)) {
      mw_text_free(&list.names);
      return false;
    }
  }
  if (j->rules->missing_base && list.count) {
    mw_warning_add(j->warnings, "%s: %zu tensors that it lacks are the donor's", j->members[member].label, list.count);
    list.count = 0;
  }
  return report_lacking(j, &list, j->members[member].label, j->members[j->donor].label);
}

/* The rows: the donor's tensors in name order, without a head that is dropped. A donor that is untied here and has no
 * head of its own gets one: its embedding under the head's name. */
static bool list_rows(const joining *j) {
  mw_family *out = j->out;
  const mw_model *donor = j->members[j->donor].model;
  const mw_tensor *embedding = mw_tied_head_embedding(donor);
  mw_tensor *added = NULL;
  if (j->head.fate == MW_TIED_HEAD_UNTIE && !mw_model_find(donor, mw_tied_head_name)) {
    if (!embedding)
      return mw_error_set(j->err, MW_DATA, "%s: has neither '%s' nor an embedding that could become it",
                          j->members[j->donor].label, mw_tied_head_name);
    if (!(added = mw_mem_take(&out->arena, sizeof *added, j->err))) return false;
    *added = *embedding;
    added->name = mw_tied_head_name;
  }
  for (size_t i = 0; i < donor->tensor_count; i++) {
    const mw_tensor *tensor = &donor->tensors[i];
    if (added && strcmp(mw_tied_head_name, tensor->name) < 0) out->donor[out->count++] = added, added = NULL;
    if (j->head.fate != MW_TIED_HEAD_DROP || !is_head(tensor)) out->donor[out->count++] = tensor;
  }
  if (added) out->donor[out->count++] = added;
  return true;
}

static bool join(joining *j) {
  mw_family *out = j->out;
  const mw_model *donor = j->members[j->donor].model;
  size_t rows = donor->tensor_count + 1;
  for (size_t m = 0; m < j->count; m++) MW_TRY(check_quantized(j, &j->members[m]) && check_config(j, &j->members[m]));
  if (!donor->config.text)
    mw_warning_add(j->warnings, donor->folder ? "%s has no config.json: the output will have none either"
                                        : "%s is a lone file: the output will hold weights but no config and no tokenizer",
                j->members[j->donor].label);
  MW_TRY(mw_tied_head_decide(j->members, j->count, j->donor, j->rules->tied, &j->head, j->err));
  out->members = j->count;
  out->donor_index = j->donor;
  out->untie = j->head.fate == MW_TIED_HEAD_UNTIE;
  out->donor = mw_mem_take(&out->arena, rows * sizeof *out->donor, j->err);
  out->tensors = mw_mem_take(&out->arena, rows * j->count * sizeof *out->tensors, j->err);
  MW_TRY(out->donor && out->tensors && list_rows(j));
  for (size_t m = 0; m < j->count; m++) MW_TRY(fill_member(j, m) && check_extra(j, m));
  return true;
}

bool mw_family_join(const mw_family_member *members, size_t count, size_t donor, const mw_family_rules *rules,
                    mw_warning *warnings, mw_family *out, mw_error *err) {
  *out = (mw_family){0};
  joining j = {members, count, donor, rules, warnings, out, {MW_TIED_HEAD_KEEP, false}, err};
  if (join(&j)) return true;
  mw_family_free(out);
  return false;
}

bool mw_family_same_integers(const mw_family *family, const mw_family_member *members, const mw_family_rules *rules,
                             mw_error *err) {
  for (size_t row = 0; row < family->count; row++) {
    const mw_tensor *donor = family->donor[row];
    if (mw_dtype_kind_of((mw_dtype)donor->dtype) == MW_DTYPE_KIND_REAL || rules->donor_integers) continue;
    for (size_t m = 0; m < family->members; m++) {
      const mw_tensor *own = family->tensors[row * family->members + m];
      bool same = true;
      mw_text_escaped name;
      if (!own || m == family->donor_index) continue;
      MW_TRY(mw_model_same(members[family->donor_index].model, donor, members[m].model, own, &same, err));
      if (same) continue;
      mw_error_set(err, MW_DATA, "%s: %s tensor '%s' differs from that of %s", members[m].label,
                   mw_dtype_name((mw_dtype)donor->dtype), mw_text_escape_z(&name, donor->name),
                   members[family->donor_index].label);
      return mw_error_hint(err, "--donor-integers takes the donor's");
    }
  }
  return true;
}

void mw_family_free(mw_family *family) {
  mw_mem_release(&family->arena);
  *family = (mw_family){0};
}
