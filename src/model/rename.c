/* rename.c: changes names in the lists of tensors that a recipe sees; files are not changed. */
#include "model/rename.h"
#include <stdlib.h>
#include <string.h>

typedef struct renaming {
  const char *typed, *from, *to;
  const char *whom; /* "vae", "experts[2]", or NULL */
} renaming;

/* Whether `whom` names this input, or its whole argument: "experts" also names "experts[2]". */
static bool is_of(const char *label, const char *whom, size_t length) {
  return strncmp(label, whom, length) == 0 && (label[length] == 0 || label[length] == '[');
}

static bool parse(mw_family *family, const char *typed, renaming *out, mw_error *err) {
  mw_text_escaped shown;
  char *text = mw_mem_copy(&family->arena, typed, strlen(typed), err);
  if (!text) return false;
  char *equals = strchr(text, '='), *colon = strchr(text, ':');
  *out = (renaming){.typed = typed, .from = text};
  if (!equals || equals == text || !equals[1]) {
    mw_error_set(err, MW_USAGE, "--rename '%s' is not of the form FROM=TO", mw_text_escape_z(&shown, typed));
    return mw_error_hint(err, "for example --rename 'experts[1]:_orig_mod.*=*'; `*` in TO is what it matched in FROM");
  }
  *equals = 0;
  out->to = equals + 1;
  for (size_t m = 0; colon && colon < equals && m < family->count && !out->whom; m++)
    if (is_of(family->members[m].label, text, (size_t)(colon - text))) out->whom = text;
  if (!out->whom) return true;
  *colon = 0;
  out->from = colon + 1;
  return true;
}

/* The member's tensors with their new names, in the arena. *changed: how many have a new name. */
static mw_tensor *renamed(mw_family *family, const mw_family_member *member, const renaming *r, size_t *changed, mw_error *err) {
  mw_tensor *tensors = mw_mem_take(&family->arena, (member->count + 1) * sizeof *tensors, err);
  mw_text name = {0};
  *changed = 0;
  for (size_t i = 0; tensors && i < member->count; i++) {
    tensors[i] = member->tensors[i];
    name.length = 0;
    if (!mw_text_rename(tensors[i].name, r->from, r->to, &name) || !name.length || strcmp(name.bytes, tensors[i].name) == 0) continue;
    ++*changed;
    if (!mw_text_check(&name, err) || !(tensors[i].name = mw_mem_copy(&family->arena, name.bytes, name.length, err))) tensors = NULL;
  }
  mw_text_free(&name);
  return tensors && mw_tensor_sort(tensors, member->count, mw_tensor_by_name, err) ? tensors : NULL;
}

/* How many names these tensors share with another input: the largest such number. */
static size_t shared(const mw_family *family, const mw_family_member *member, const mw_tensor *tensors) {
  size_t most = 0;
  for (size_t m = 0; m < family->count; m++) {
    size_t count = 0;
    for (size_t i = 0; &family->members[m] != member && i < member->count; i++)
      count += mw_family_find(&family->members[m], tensors[i].name) != NULL;
    if (count > most) most = count;
  }
  return most;
}

static bool take(mw_family_member *member, mw_tensor *tensors, const renaming *r, mw_error *err) {
  mw_text_escaped name, typed;
  for (size_t i = 1; i < member->count; i++)
    if (strcmp(tensors[i - 1].name, tensors[i].name) == 0)
      return mw_error_set(err, MW_DATA, "--rename '%s' gives two tensors of %s the name '%s'", mw_text_escape_z(&typed, r->typed),
                          member->label, mw_text_escape_z(&name, tensors[i].name));
  member->tensors = tensors;
  return true;
}

static bool apply(mw_family *family, const renaming *r, mw_error *err) {
  size_t matched = 0, used = 0;
  for (size_t m = 0; m < family->count; m++) {
    mw_family_member *member = &family->members[m];
    size_t changed;
    if (r->whom && !is_of(member->label, r->whom, strlen(r->whom))) continue;
    mw_tensor *tensors = renamed(family, member, r, &changed, err);
    if (!tensors) return false;
    matched += changed;
    if (!changed || (!r->whom && family->count > 1 && shared(family, member, tensors) <= shared(family, member, member->tensors))) continue;
    MW_TRY(take(member, tensors, r, err));
    used++;
  }
  if (used) return true;
  mw_text_escaped typed, from, name;
  const mw_family_member *first = &family->members[0];
  mw_text_escape_z(&typed, r->typed);
  if (matched) {
    mw_error_set(err, MW_USAGE, "--rename '%s': no input would share more names with another one by it", typed.bytes);
    return mw_error_hint(err, "say which input is meant, as in --rename '%s:%s'", first->label, typed.bytes);
  }
  mw_error_set(err, MW_USAGE, "--rename '%s': no tensor of %s is called '%s'", typed.bytes, r->whom ? r->whom : "the inputs",
               mw_text_escape_z(&from, r->from));
  return mw_error_hint(err, "names are such as '%s'", mw_text_escape_z(&name, first->count ? first->tensors[0].name : ""));
}

bool mw_rename_apply(mw_family *family, const char *const *words, size_t count, mw_error *err) {
  for (size_t i = 0; i < count; i++) {
    renaming r;
    MW_TRY(parse(family, words[i], &r, err) && apply(family, &r, err));
  }
  return true;
}
