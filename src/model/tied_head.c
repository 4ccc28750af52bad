/* tied_head.c: the output has the donor's config, so it is tied if the donor is. Other models are brought to that form: if the
 * output has a head, a tied model's embedding is taken as its head; if the output is tied, a stored head that equals the
 * embedding is dropped. */
#include "model/tied_head.h"
#include <string.h>

const char mw_tied_head_name[] = "lm_head.weight";

const mw_tensor *mw_tied_head_embedding(const mw_model *model) {
  const mw_tensor *tensor = NULL;
  if (model->config.architecture) tensor = mw_model_find(model, model->config.architecture->embedding);
  for (const char *const *name = mw_architecture_embeddings; *name && !tensor; name++) tensor = mw_model_find(model, *name);
  return tensor;
}

/* Of a tied model that stores the shared tensor under another name alone: some tools write `lm_head.weight` and leave the embedding out. */
const mw_tensor *mw_tied_head_stand_in(const mw_family_member *member) {
  const mw_model *model = member->model;
  if (!member->tied || mw_tied_head_embedding(model)) return NULL;
  const mw_tensor *own = mw_model_find(model, mw_tied_head_name);
  for (size_t i = 0; i < model->tensor_count && !own; i++) {
    const char *of = mw_architecture_alias(model->tensors[i].name);
    if (of && !*of) own = &model->tensors[i];
  }
  return own;
}

/* The tensor that a tied model has as embedding and as head. */
static const mw_tensor *shared_of(const mw_family_member *member) {
  const mw_tensor *embedding = mw_tied_head_embedding(member->model);
  return embedding ? embedding : mw_tied_head_stand_in(member);
}

static bool differs(const mw_family_member *member, bool *out, mw_error *err) {
  const mw_tensor *own = mw_model_find(member->model, mw_tied_head_name), *shared = shared_of(member);
  bool same = !own || own == shared;
  if (own && shared && !same) MW_TRY(mw_model_same(member->model, own, member->model, shared, &same, err));
  *out = !same;
  return true;
}

/* A configuration says whether its model is tied. A lone file is, if its head is the embedding bit for bit while another model has an
 * embedding and no head; then a lone file without a head is tied too. */
static bool find_tied(mw_family_member *members, size_t count, mw_error *err) {
  bool headless = false, any = false;
  for (size_t m = 0; m < count; m++) {
    members[m].tied = members[m].model->config.text && members[m].model->config.tied;
    headless |= !mw_model_find(members[m].model, mw_tied_head_name) && mw_tied_head_embedding(members[m].model);
  }
  for (size_t m = 0; m < count && headless; m++) {
    const mw_model *model = members[m].model;
    bool other = true;
    if (!model->config.text && mw_model_find(model, mw_tied_head_name) && mw_tied_head_embedding(model)) {
      MW_TRY(differs(&members[m], &other, err));
      members[m].tied = !other;
      any |= !other;
    }
  }
  for (size_t m = 0; m < count && any; m++)
    members[m].tied |= !members[m].model->config.text && !mw_model_find(members[m].model, mw_tied_head_name);
  return true;
}

bool mw_tied_head_decide(mw_family_member *members, size_t count, size_t donor, const char *tied, mw_tied_head *out,
                    mw_error *err) {
  const mw_model *first = members[donor].model;
  bool any = false, differ = false;
  size_t who = 0;
  *out = (mw_tied_head){MW_TIED_HEAD_KEEP, false};
  MW_TRY(find_tied(members, count, err));
  for (size_t m = 0; m < count; m++) any |= members[m].tied;
  if (!any) return true;
  /* A donor that is a single file has no config. If it has no lm_head, treat the output as tied, because another model is. */
  bool tied_output = first->config.text ? first->config.tied : !mw_model_find(first, mw_tied_head_name);
  for (size_t m = 0; m < count && !differ; m++) {
    /* An output with a head can take the heads of untied models; a tied output has no place for them. */
    if (tied_output || members[m].tied) MW_TRY(differs(&members[m], &differ, err));
    who = m;
  }
  if (tied_output) out->fate = MW_TIED_HEAD_DROP;
  if (tied && strcmp(tied, "store") == 0) {
    bool stored = false;
    for (size_t m = 0; m < count; m++) stored |= mw_model_find(members[m].model, mw_tied_head_name) != NULL;
    if (stored) *out = (mw_tied_head){tied_output ? MW_TIED_HEAD_UNTIE : MW_TIED_HEAD_KEEP, true};
    return true;
  }
  if (!differ || (tied && strcmp(tied, "ignore") == 0)) return true;
  if (tied && strcmp(tied, "untie") == 0) {
    *out = (mw_tied_head){tied_output ? MW_TIED_HEAD_UNTIE : MW_TIED_HEAD_KEEP, true};
    return true;
  }
  if (members[who].tied)
    mw_error_set(err, MW_DATA, "%s: tie_word_embeddings is true, but '%s' differs from the embedding", members[who].label,
                 mw_tied_head_name);
  else
    mw_error_set(err, MW_DATA, "%s: '%s' differs from the embedding, but tie_word_embeddings is true in %s",
                 members[who].label, mw_tied_head_name, members[donor].label);
  return mw_error_hint(err, tied_output ? "--tied untie writes both and unties them, --tied ignore drops the head"
                                        : "--tied untie takes this head, --tied ignore its embedding");
}

const mw_tensor *mw_tied_head_of(mw_tied_head head, const mw_family_member *member) {
  const mw_tensor *own = mw_model_find(member->model, mw_tied_head_name);
  bool shares = member->tied || head.fate == MW_TIED_HEAD_UNTIE;
  return own && (head.stored || !shares) ? own : shares ? shared_of(member) : NULL;
}

/* Encoders and decoders take the tokens' embedding from `shared` whatever the configuration says of the head (T5, BART). A lone file,
 * which has no configuration, keeps what it has: its loader may want it. */
static bool is_input(const mw_model *model, const char *name, const mw_tensor *shared) {
  return model->config.text && mw_text_ends_with(name, "coder.embed_tokens.weight") && mw_text_ends_with(shared->name, "shared.weight");
}

/* T5Gemma's encoder has an embedding of its own, beside that of the decoder and its head. */
static bool is_own(const mw_model *model, const char *name) {
  return model->config.text && strcmp(model->config.model_type, "t5gemma") == 0 && mw_text_ends_with(name, "encoder.embed_tokens.weight");
}

bool mw_tied_head_is_alias(const mw_family_member *member, const mw_tensor *tensor, bool *alias, mw_error *err) {
  const mw_model *model = member->model;
  const char *of = mw_architecture_alias(tensor->name);
  *alias = false;
  if (!of || is_own(model, tensor->name)) return true;
  const mw_tensor *tied = *of ? mw_model_find(model, of) : shared_of(member);
  if (!tied || strcmp(tied->name, tensor->name) == 0 || !(member->tied || is_input(model, tensor->name, tied))) return true;
  MW_TRY(mw_model_same(model, tied, model, tensor, alias, err));
  mw_text_escaped name, other;
  return *alias || !member->tied ||
         mw_error_set(err, MW_DATA, "%s: its configuration ties '%s' to '%s', but the two differ", member->label,
                      mw_text_escape_z(&name, tensor->name), mw_text_escape_z(&other, tied->name));
}
