/* family.c: the donor's names rule. Every member must have each of them, in the same shape; what a member has beyond
 * them, or lacks, is an error unless the user said otherwise. */
#include "io/family.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char head[] = "lm_head.weight";
static const char *const embeddings[] = {"model.embed_tokens.weight", "transformer.wte.weight", "model.language_model.embed_tokens.weight"};

typedef struct joining {
  const mw_family_member *members;
  size_t count, donor;
  const mw_family_rules *rules;
  mw_note *notes;
  mw_family *out;
  mw_error *err;
} joining;

/* ---- one member on its own ---- */

static bool ends_with(const char *text, const char *end) {
  size_t n = strlen(text), m = strlen(end);
  return n >= m && strcmp(text + n - m, end) == 0;
}

/* C7: raw quantised values cannot be averaged. */
static bool check_quantized(const joining *j, const mw_family_member *member) {
  static const char *const marks[] = {".weight_scale", "_scale_inv", ".qweight", ".qzeros", ".absmax", ".SCB",
                                      ".weight_packed", "scaled_fp8", ".weight_scale_2", ".quant_map"};
  const char *found = member->model->config.quantized ? "quantization_config in config.json" : NULL;
  for (size_t i = 0; i < member->model->tensor_count && !found; i++)
    for (size_t k = 0; k < sizeof marks / sizeof *marks; k++)
      if (ends_with(member->model->tensors[i].name, marks[k])) found = member->model->tensors[i].name;
  mw_shown shown;
  if (!found) return true;
  mw_error_set(j->err, MW_DATA, "%s: a quantised input (%s)", member->label, mw_text_shown_z(&shown, found));
  return mw_error_hint(j->err, "merge the models that it was made from, or dequantise it first");
}

/* Number of layers by names: 1 + the largest N of ".layers.N." */
static uint64_t layers_present(const mw_model *model) {
  uint64_t layers = 0, n;
  for (size_t i = 0; i < model->tensor_count; i++) {
    const char *at = strstr(model->tensors[i].name, "layers.");
    size_t digits = at ? strspn(at + 7, "0123456789") : 0;
    if (digits && at[7 + digits] == '.' && mw_text_parse_u64(at + 7, digits, &n) && n + 1 > layers) layers = n + 1;
  }
  return layers;
}

static const mw_tensor *embedding_of(const mw_model *model) {
  for (size_t i = 0; i < sizeof embeddings / sizeof *embeddings; i++) {
    const mw_tensor *tensor = mw_model_find(model, embeddings[i]);
    if (tensor) return tensor;
  }
  return NULL;
}

/* C2-C5, C8, C10: for architectures that we know, config and tensors must tell the same. */
static bool check_config(const joining *j, const mw_family_member *member) {
  const mw_config *config = &member->model->config;
  if (!config->text) return true;
  if (!config->known) {
    mw_shown shown;
    mw_note_add(j->notes, "%s: model_type '%s' is not known: tensors are matched by name alone", member->label,
                mw_text_shown_z(&shown, config->model_type));
    return true;
  }
  uint64_t present = layers_present(member->model);
  if (config->layers && present != config->layers)
    return mw_error_set(j->err, MW_DATA, "%s: config.json: num_hidden_layers: found %llu, but the tensors have %llu layers",
                        member->label, (unsigned long long)config->layers, (unsigned long long)present);
  const mw_tensor *embedding = embedding_of(member->model);
  if (!embedding || embedding->rank != 2) return true;
  if (config->vocabulary && embedding->shape[0] != config->vocabulary)
    return mw_error_set(j->err, MW_DATA, "%s: config.json: vocab_size: found %llu, but '%s' has %llu rows", member->label,
                        (unsigned long long)config->vocabulary, embedding->name, (unsigned long long)embedding->shape[0]);
  if (config->hidden && embedding->shape[1] != config->hidden)
    return mw_error_set(j->err, MW_DATA, "%s: config.json: hidden_size: found %llu, but '%s' has %llu columns", member->label,
                        (unsigned long long)config->hidden, embedding->name, (unsigned long long)embedding->shape[1]);
  if (!config->tied && !mw_model_find(member->model, head)) {
    mw_error_set(j->err, MW_DATA, "%s: config.json: tie_word_embeddings is false, but there is no '%s'", member->label, head);
    return mw_error_hint(j->err, "the head is missing from the files, or the key should be true");
  }
  return true;
}

/* ---- tied heads ---- */

static bool same_data(const mw_model *a, const mw_tensor *x, const mw_model *b, const mw_tensor *y, bool *same,
                      mw_error *err) {
  enum { STEP = 256 << 10 };
  uint64_t bytes = mw_safetensors_bytes(x);
  *same = x->dtype == y->dtype && bytes == mw_safetensors_bytes(y);
  char *room = *same ? malloc(2 * STEP) : NULL;
  if (*same && !room) return mw_error_memory(err, 2 * STEP);
  bool ok = true;
  for (uint64_t at = 0; *same && ok && at < bytes; at += STEP) {
    size_t n = (size_t)(bytes - at < STEP ? bytes - at : STEP);
    ok = mw_file_read(&a->files[x->file], x->offset + at, room, n, err) &&
         mw_file_read(&b->files[y->file], y->offset + at, room + STEP, n, err);
    *same = ok && memcmp(room, room + STEP, n) == 0;
  }
  free(room);
  return ok;
}

/* A tied model may carry a head of its own. If it is the embedding's copy it is an alias and is dropped. */
static bool check_tied(const joining *j, bool *drop_head) {
  *drop_head = false;
  bool differs = false, tied = false;
  size_t who = 0;
  for (size_t m = 0; m < j->count; m++) {
    const mw_model *model = j->members[m].model;
    const mw_tensor *own = mw_model_find(model, head), *embedding = embedding_of(model);
    if (!model->config.text || !model->config.tied) continue;
    tied = true;
    bool same = false;
    if (!own || !embedding) continue;
    MW_TRY(same_data(model, own, model, embedding, &same, j->err));
    if (!same) differs = true, who = m;
  }
  if (!tied) return true;
  if (!differs || (j->rules->tied && strcmp(j->rules->tied, "ignore") == 0)) return *drop_head = true;
  if (j->rules->tied && strcmp(j->rules->tied, "untie") == 0) return j->out->untie = true;
  mw_error_set(j->err, MW_DATA, "%s: tie_word_embeddings is true, but '%s' differs from the embedding",
               j->members[who].label, head);
  return mw_error_hint(j->err, "--tied untie writes both and unties them, --tied ignore drops the head");
}

/* ---- joining ---- */

static void spell(const mw_tensor *tensor, char room[128]) {
  size_t used = (size_t)snprintf(room, 128, "[");
  for (unsigned i = 0; i < tensor->rank && used < 100; i++)
    used += (size_t)snprintf(room + used, 128 - used, i ? ",%llu" : "%llu", (unsigned long long)tensor->shape[i]);
  snprintf(room + used, 128 - used, "]");
}

static bool check_shape(const joining *j, size_t member, const mw_tensor *own, const mw_tensor *donor) {
  mw_shown name;
  const char *label = j->members[member].label, *donor_label = j->members[j->donor].label;
  mw_text_shown_z(&name, donor->name);
  bool real = mw_dtype_role((mw_dtype)own->dtype) == MW_ROLE_REAL;
  if (real != (mw_dtype_role((mw_dtype)donor->dtype) == MW_ROLE_REAL))
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
  mw_shown shown;
  if (list->count++ < 20) mw_text_format(&list->names, "%s'%s'", list->count > 1 ? ", " : "", mw_text_shown_z(&shown, name));
}

static bool report_lacking(const joining *j, lacking *list, const char *where, const char *but) {
  char more[40] = "";
  if (list->count > 20) snprintf(more, sizeof more, " and %zu more", list->count - 20);
  bool none = list->count == 0;
  if (!none) {
    mw_error_set(j->err, MW_DATA, "%s lacks %zu tensor%s that %s has: %s%s", where, list->count,
                 list->count == 1 ? "" : "s", but, list->names.bytes ? list->names.bytes : "", more);
    mw_error_hint(j->err, "--missing base takes what is missing from the donor and drops what only an input has");
  }
  mw_text_free(&list->names);
  return none;
}

static bool check_extra(const joining *j, size_t member, bool drop_head) {
  lacking list = {0};
  const mw_model *model = j->members[member].model, *donor = j->members[j->donor].model;
  for (size_t i = 0; i < model->tensor_count && member != j->donor; i++)
    if (!mw_model_find(donor, model->tensors[i].name) && !(drop_head && strcmp(model->tensors[i].name, head) == 0))
      lack(&list, model->tensors[i].name);
  if (j->rules->missing_base && list.count) {
    mw_note_add(j->notes, "%s: %zu tensors that only it has are dropped", j->members[member].label, list.count);
    list.count = 0;
  }
  return report_lacking(j, &list, j->members[j->donor].label, j->members[member].label);
}

static bool fill_member(const joining *j, size_t member) {
  mw_family *out = j->out;
  lacking list = {0};
  bool tied_here = j->members[member].model->config.tied;
  for (size_t row = 0; row < out->count; row++) {
    const mw_tensor *donor = out->donor[row], *own = mw_model_find(j->members[member].model, donor->name);
    if (!own && out->untie && tied_here && strcmp(donor->name, head) == 0) own = embedding_of(j->members[member].model);
    out->tensors[row * out->members + member] = own;
    if (!own) lack(&list, donor->name);
    else if (!check_shape(j, member, own, donor)) {
      mw_text_free(&list.names);
      return false;
    }
  }
  if (j->rules->missing_base && list.count) {
    mw_note_add(j->notes, "%s: %zu tensors that it lacks are the donor's", j->members[member].label, list.count);
    list.count = 0;
  }
  return report_lacking(j, &list, j->members[member].label, j->members[j->donor].label);
}

static bool join(joining *j) {
  mw_family *out = j->out;
  const mw_model *donor = j->members[j->donor].model;
  bool drop_head;
  for (size_t m = 0; m < j->count; m++) MW_TRY(check_quantized(j, &j->members[m]) && check_config(j, &j->members[m]));
  if (!donor->config.text)
    mw_note_add(j->notes, "%s is a lone file: the output will hold weights but no config and no tokenizer", j->members[j->donor].label);
  MW_TRY(check_tied(j, &drop_head));
  out->members = j->count;
  out->donor_index = j->donor;
  out->donor = mw_mem_take(&out->arena, donor->tensor_count * sizeof *out->donor + 1, j->err);
  out->tensors = mw_mem_take(&out->arena, donor->tensor_count * j->count * sizeof *out->tensors + 1, j->err);
  if (!out->donor || !out->tensors) return false;
  for (size_t i = 0; i < donor->tensor_count; i++)
    if (!drop_head || strcmp(donor->tensors[i].name, head) != 0) out->donor[out->count++] = &donor->tensors[i];
  for (size_t m = 0; m < j->count; m++) MW_TRY(fill_member(j, m) && check_extra(j, m, drop_head));
  return true;
}

bool mw_family_join(const mw_family_member *members, size_t count, size_t donor, const mw_family_rules *rules,
                    mw_note *notes, mw_family *out, mw_error *err) {
  *out = (mw_family){0};
  joining j = {members, count, donor, rules, notes, out, err};
  if (join(&j)) return true;
  mw_family_free(out);
  return false;
}

bool mw_family_same_integers(const mw_family *family, const mw_family_member *members, const mw_family_rules *rules,
                             mw_error *err) {
  for (size_t row = 0; row < family->count; row++) {
    const mw_tensor *donor = family->donor[row];
    if (mw_dtype_role((mw_dtype)donor->dtype) == MW_ROLE_REAL || rules->donor_integers) continue;
    for (size_t m = 0; m < family->members; m++) {
      const mw_tensor *own = family->tensors[row * family->members + m];
      bool same = true;
      mw_shown name;
      if (!own || m == family->donor_index) continue;
      MW_TRY(same_data(members[family->donor_index].model, donor, members[m].model, own, &same, err));
      if (same) continue;
      mw_error_set(err, MW_DATA, "%s: %s tensor '%s' differs from that of %s", members[m].label,
                   mw_dtype_name((mw_dtype)donor->dtype), mw_text_shown_z(&name, donor->name),
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
