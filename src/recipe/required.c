/* required.c: names come from a locked child, and may be anything. */
#include "recipe/required.h"
#include "base/sha256.h"
#include "format/file.h"
#include "recipe/builtins.h"
#include "recipe/homes.h"
#include "recipe/source.h"
#include <stdio.h>
#include <string.h>

/* What stands before the name where a built-in recipe requires another one. */
static const char mark[] = "recipes/";

static const char *plain_name(const char *name) { return strncmp(name, mark, strlen(mark)) == 0 ? name + strlen(mark) : name; }

/* ---- finding ---- */

/* Whether it is the recipe's own name. Then the built-in recipe is meant, of which the file may be a variant. */
static bool is_itself(const mw_required_place *place, const char *name) {
  const char *slash = strrchr(place->name, '/'), *file = slash ? slash + 1 : place->name;
  return strncmp(file, name, strlen(name)) == 0 && strcmp(file + strlen(name), ".lua") == 0;
}

/* Reads NAME.lua in the folder of the recipe, if it is there. A link that leads out of the folder is refused. */
static bool read_beside(const mw_required_place *place, const char *name, mw_required *out, bool *found, mw_error *err) {
  mw_text file = {0};
  *found = false;
  if (!place->folder || is_itself(place, name)) return true;
  mw_text_format(&file, "%s%s.lua", place->folder, name);
  bool ok = mw_text_check(&file, err);
  *found = ok && mw_file_exists(file.bytes);
  ok = ok && (!*found || mw_source_read(file.bytes, place->folder, &out->owned, &out->length, err));
  mw_text_free(&file);
  return ok;
}

static bool read_home(const char *name, mw_required *out, bool *found, mw_error *err) {
  mw_arena arena = {0};
  const char *path, *home;
  bool ok = mw_homes_find(name, &arena, &path, &home, err);
  *found = ok && path;
  ok = ok && (!*found || mw_source_read(path, home, &out->owned, &out->length, err));
  mw_mem_release(&arena);
  return ok;
}

static bool take_built_in(const char *name, mw_required *out) {
  const mw_embed *embedded = mw_builtins_find(name);
  if (!embedded) return false;
  snprintf(out->chunk, sizeof out->chunk, "@recipes/%s.lua", name);
  out->bytes = embedded->bytes;
  out->length = embedded->length;
  return out->built_in = true;
}

static bool find(const mw_required_place *place, const char *name, mw_required *out, mw_error *err) {
  const char *plain = plain_name(name);
  bool own = plain == name, found = false;
  if (own) MW_TRY(read_beside(place, plain, out, &found, err));
  if (!found && take_built_in(plain, out)) return true;
  if (!found && own && place->folder) MW_TRY(read_home(plain, out, &found, err));
  out->bytes = out->owned;
  if (found) return true;
  if (!own || is_itself(place, plain)) return mw_error_set(err, MW_DATA, "'%s' requires itself", plain); /* and none is built in */
  mw_error_set(err, MW_DATA, "there is no recipe '%s' to require%s", plain,
               place->folder ? ": neither beside this file, nor built in, nor in a home of recipes" : "");
  return false;
}

static const mw_recipe_required *recorded(const mw_recipe_required *all, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(all[i].name, name) == 0) return &all[i];
  return NULL;
}

/* An own recipe is recorded by its name, a built-in one with the mark; by its name alone in locks of version 0.1.0. */
static bool find_given(const mw_required_place *place, const char *name, mw_required *out, mw_error *err) {
  char marked[160];
  const char *plain = plain_name(name);
  snprintf(marked, sizeof marked, "%s%s", mark, plain);
  const mw_recipe_required *found = recorded(place->given, place->given_count, name);
  if (!found) found = recorded(place->given, place->given_count, plain == name ? marked : plain);
  if (!found) return mw_error_set(err, MW_DATA, "there is no recipe '%s' among those that were recorded", plain);
  out->bytes = found->text;
  out->length = found->length;
  out->built_in = plain_name(found->name) != found->name;
  return mw_source_check(plain, plain, found->text, found->length, err);
}

bool mw_required_find(const mw_required_place *place, const char *name, mw_required *out, mw_error *err) {
  *out = (mw_required){0};
  if (!mw_homes_is_name(plain_name(name))) return mw_error_set(err, MW_DATA, "require takes a recipe's name: letters, digits, _ and -");
  snprintf(out->chunk, sizeof out->chunk, "@%s.lua", plain_name(name));
  return (place->from_text ? find_given : find)(place, name, out, err);
}

/* ---- recording ---- */

bool mw_required_record(mw_recipe_result *result, const char *name, const mw_required *found, mw_error *err) {
  char hex[65], called[160];
  snprintf(called, sizeof called, "%s%s", found->built_in ? mark : "", plain_name(name));
  if (recorded(result->required, result->required_count, called)) return true;
  MW_TRY(mw_mem_grow(&result->required, &result->required_capacity, result->required_count + 1, sizeof *result->required, err));
  mw_recipe_required *new = &result->required[result->required_count];
  mw_sha256_of(found->bytes, found->length, hex);
  if (!(new->name = mw_mem_copy(&result->arena, called, strlen(called), err))) return false;
  if (!(new->sha256 = mw_mem_copy(&result->arena, hex, 64, err))) return false;
  if (!(new->text = mw_mem_copy(&result->arena, found->bytes, found->length, err))) return false;
  new->length = found->length;
  result->required_count++;
  return true;
}
