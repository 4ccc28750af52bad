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

static bool is_tied(const mw_model *model) { return model->config.text && model->config.tied; }

static bool differs(const mw_model *model, bool *out, mw_error *err) {
  const mw_tensor *own = mw_model_find(model, mw_tied_head_name), *embedding = mw_tied_head_embedding(model);
  bool same = !own;
  if (own && embedding) MW_TRY(mw_model_same(model, own, model, embedding, &same, err));
  *out = !same;
  return true;
}

bool mw_tied_head_decide(const mw_family_member *members, size_t count, size_t donor, const char *tied, mw_tied_head *out,
                    mw_error *err) {
  const mw_model *first = members[donor].model;
  bool any = false, differ = false;
  size_t who = 0;
  *out = (mw_tied_head){MW_TIED_HEAD_KEEP, false};
  for (size_t m = 0; m < count; m++) any |= is_tied(members[m].model);
  if (!any) return true;
  /* A donor that is a single file has no config. If it has no lm_head, treat the output as tied, because another model is. */
  bool tied_output = first->config.text ? first->config.tied : !mw_model_find(first, mw_tied_head_name);
  for (size_t m = 0; m < count && !differ; m++) {
    /* An output with a head can take the heads of untied models; a tied output has no place for them. */
    if (tied_output || is_tied(members[m].model)) MW_TRY(differs(members[m].model, &differ, err));
    who = m;
  }
  if (tied_output) out->fate = MW_TIED_HEAD_DROP;
  if (!differ || (tied && strcmp(tied, "ignore") == 0)) return true;
  if (tied && strcmp(tied, "untie") == 0) {
    *out = (mw_tied_head){tied_output ? MW_TIED_HEAD_UNTIE : MW_TIED_HEAD_KEEP, true};
    return true;
  }
  if (is_tied(members[who].model))
    mw_error_set(err, MW_DATA, "%s: tie_word_embeddings is true, but '%s' differs from the embedding", members[who].label,
                 mw_tied_head_name);
  else
    mw_error_set(err, MW_DATA, "%s: '%s' differs from the embedding, but tie_word_embeddings is true in %s",
                 members[who].label, mw_tied_head_name, members[donor].label);
  return mw_error_hint(err, tied_output ? "--tied untie writes both and unties them, --tied ignore drops the head"
                                        : "--tied untie takes this head, --tied ignore its embedding");
}

const mw_tensor *mw_tied_head_of(mw_tied_head head, const mw_model *model) {
  const mw_tensor *own = mw_model_find(model, mw_tied_head_name);
  bool shares = is_tied(model) || head.fate == MW_TIED_HEAD_UNTIE;
  return own && (head.stored || !shares) ? own : shares ? mw_tied_head_embedding(model) : NULL;
}

bool mw_tied_head_is_alias(const mw_family_member *member, const mw_tensor *tensor, bool *alias, mw_error *err) {
  const mw_model *model = member->model;
  *alias = false;
  const char *of = is_tied(model) ? mw_architecture_alias(tensor->name) : NULL;
  if (!of) return true;
  const mw_tensor *tied = *of ? mw_model_find(model, of) : mw_tied_head_embedding(model);
  if (!tied || strcmp(tied->name, tensor->name) == 0) return true;
  MW_TRY(mw_model_same(model, tied, model, tensor, alias, err));
  mw_text_escaped name, other;
  return *alias || mw_error_set(err, MW_DATA, "%s: its configuration ties '%s' to '%s', but the two differ", member->label,
                                mw_text_escape_z(&name, tensor->name), mw_text_escape_z(&other, tied->name));
}
