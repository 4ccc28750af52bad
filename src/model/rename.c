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

/* How many of `count` tensors have a name that `other` has. */
static size_t found_in(const mw_family_member *other, const mw_tensor *tensors, size_t count) {
  size_t found = 0;
  for (size_t i = 0; i < count; i++) found += mw_family_find(other, tensors[i].name) != NULL;
  return found;
}

/* How many names these tensors share with another input: the largest such number. */
static size_t shared(const mw_family *family, const mw_family_member *member, const mw_tensor *tensors) {
  size_t most = 0;
  for (size_t m = 0; m < family->count; m++) {
    size_t count = &family->members[m] == member ? 0 : found_in(&family->members[m], tensors, member->count);
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

/* --rename auto: names of an input that only lack or only have such a beginning become the donor's. */
static bool apply_auto(mw_family *family, mw_error *err) {
  static const char *const beginnings[][2] = {{"model.*", "*"}, {"*", "model.*"}, {"transformer.*", "*"}, {"*", "transformer.*"}};
  const mw_family_member *donor = &family->members[family->donor];
  for (size_t m = 0; m < family->count; m++) {
    mw_family_member *member = &family->members[m];
    size_t most = found_in(donor, member->tensors, member->count), changed;
    mw_tensor *best = NULL;
    for (size_t i = 0; i < 4 && member != donor && most < member->count; i++) {
      renaming r = {.typed = "auto", .from = beginnings[i][0], .to = beginnings[i][1]};
      mw_tensor *tensors = renamed(family, member, &r, &changed, err);
      if (!tensors) return false;
      size_t count = found_in(donor, tensors, member->count);
      if (count > most) most = count, best = tensors;
    }
    if (best) MW_TRY(take(member, best, &(renaming){.typed = "auto"}, err));
  }
  return true;
}

bool mw_rename_apply(mw_family *family, const char *const *words, size_t count, mw_error *err) {
  for (size_t i = 0; i < count; i++) {
    renaming r;
    if (strcmp(words[i], "auto") == 0) {
      MW_TRY(apply_auto(family, err));
      continue;
    }
    MW_TRY(parse(family, words[i], &r, err) && apply(family, &r, err));
  }
  return true;
}
