/* homes.c: finds and lists the recipes that people keep, and implements what moonweld.h tells of them. */
#include "recipe/homes.h"
#include "recipe/builtins.h"
#include "format/file.h"
#include "moonweld.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct mw_recipe_homes {
  const char **folders; /* each with a '/' at its end */
  const char **names, **paths;
  size_t folder_count, folder_capacity, count, capacity;
  mw_arena arena;
};

bool mw_homes_is_name(const char *name) {
  return *name && strlen(name) < 128 &&
         strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(name);
}

/* Adds the folder `length` bytes long, with `rest` behind it. */
static bool add_folder(mw_recipe_homes *homes, const char *folder, size_t length, const char *rest, mw_error *err) {
  if (!length) return true;
  mw_text text = {0};
  mw_text_add(&text, folder, length);
  if (folder[length - 1] != '/') mw_text_add(&text, "/", 1);
  mw_text_add(&text, rest, strlen(rest));
  bool ok = mw_text_check(&text, err) &&
            mw_mem_grow(&homes->folders, &homes->folder_capacity, homes->folder_count + 1, sizeof *homes->folders, err) &&
            (homes->folders[homes->folder_count] = mw_mem_copy(&homes->arena, text.bytes, text.length, err));
  if (ok) homes->folder_count++;
  mw_text_free(&text);
  return ok;
}

static bool add_folders(mw_recipe_homes *homes, mw_error *err) {
  const char *path = getenv("MOONWELD_PATH"), *config = getenv("XDG_CONFIG_HOME"), *user = getenv("HOME");
  for (; path && *path; path += strcspn(path, ":"), path += *path == ':')
    MW_TRY(add_folder(homes, path, strcspn(path, ":"), "", err));
  if (config && *config == '/') return add_folder(homes, config, strlen(config), "moonweld/recipes/", err);
  return !user || add_folder(homes, user, strlen(user), ".config/moonweld/recipes/", err);
}

static bool has(const mw_recipe_homes *homes, const char *name) {
  for (size_t i = 0; i < homes->count; i++)
    if (strcmp(homes->names[i], name) == 0) return true;
  return false;
}

/* One more recipe, if the file is called like one and no home before has it. */
static bool add_recipe(mw_recipe_homes *homes, const char *folder, const char *file, mw_error *err) {
  size_t length = strlen(file);
  if (length < 5 || strcmp(file + length - 4, ".lua") != 0) return true;
  const char *name = mw_mem_copy(&homes->arena, file, length - 4, err);
  if (!name) return false;
  if (!mw_homes_is_name(name) || has(homes, name) || mw_builtins_find(name)) return true;
  size_t capacity = homes->capacity;
  MW_TRY(mw_mem_grow(&homes->names, &capacity, homes->count + 1, sizeof *homes->names, err) &&
         mw_mem_grow(&homes->paths, &homes->capacity, homes->count + 1, sizeof *homes->paths, err));
  homes->names[homes->count] = name;
  homes->paths[homes->count] = mw_file_join(&homes->arena, folder, file, err);
  return homes->paths[homes->count++] != NULL;
}

static bool add_recipes(mw_recipe_homes *homes, mw_error *err) {
  for (size_t i = 0; i < homes->folder_count; i++) {
    const char **files;
    size_t count;
    if (!mw_file_is_folder(homes->folders[i])) continue;
    MW_TRY(mw_file_list(homes->folders[i], &homes->arena, &files, &count, err));
    for (size_t f = 0; f < count; f++) MW_TRY(add_recipe(homes, homes->folders[i], files[f], err));
  }
  return true;
}

bool mw_recipe_homes_open(mw_recipe_homes **out, mw_error *err) {
  mw_recipe_homes *homes = mw_mem_new(1, sizeof *homes, err);
  if (!homes) return false;
  *out = homes;
  if (add_folders(homes, err) && add_recipes(homes, err)) return true;
  mw_recipe_homes_free(homes);
  return false;
}

void mw_recipe_homes_free(mw_recipe_homes *homes) {
  if (!homes) return;
  free(homes->folders);
  free(homes->names);
  free(homes->paths);
  mw_mem_release(&homes->arena);
  free(homes);
}

const char *mw_recipe_homes_folder(const mw_recipe_homes *homes) { return homes->folder_count ? homes->folders[0] : NULL; }

size_t mw_recipe_homes_own(const mw_recipe_homes *homes, const char *const **names, const char *const **paths) {
  *names = homes->names;
  *paths = homes->paths;
  return homes->count;
}

bool mw_homes_find(const char *name, mw_arena *arena, const char **path, const char **home, mw_error *err) {
  mw_recipe_homes *homes = mw_mem_new(1, sizeof *homes, err);
  *path = *home = NULL;
  if (!homes) return false;
  mw_text text = {0};
  struct stat there;
  bool ok = add_folders(homes, err);
  for (size_t i = 0; ok && !*path && i < homes->folder_count && mw_homes_is_name(name); i++) {
    text.length = 0;
    mw_text_format(&text, "%s%s.lua", homes->folders[i], name);
    if (!(ok = mw_text_check(&text, err)) || lstat(text.bytes, &there) != 0) continue; /* of a link that leads nowhere its opening tells */
    ok = (*path = mw_mem_copy(arena, text.bytes, text.length, err)) &&
         (*home = mw_mem_copy(arena, homes->folders[i], strlen(homes->folders[i]), err));
  }
  mw_text_free(&text);
  mw_recipe_homes_free(homes);
  return ok;
}
