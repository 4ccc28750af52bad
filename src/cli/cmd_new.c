/* cmd_new.c: begins a recipe of one's own: a commented text that merges as it is. */
#include "commands.h"
#include "print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Makes all folders of a path, up to its last '/'. What cannot be made is told when the file is. */
static void make_folders(char *path) {
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    mkdir(path, 0777);
    *slash = '/';
  }
}

static bool write_new(const char *path, const char *text, mw_error *err) {
  FILE *out = fopen(path, "wx");
  if (!out && errno == EEXIST)
    return mw_term_fail(err, MW_CANNOT_CREATE, "%s is there already\nchoose another name, or edit that file", path);
  if (!out) return mw_term_fail(err, MW_CANNOT_CREATE, "%s: cannot be made: %s", path, strerror(errno));
  bool good = fputs(text, out) >= 0;
  if (fclose(out) == 0 && good) return true;
  good = mw_term_fail(err, MW_IO, "%s: %s", path, strerror(errno));
  remove(path);
  return good;
}

/* The file of a word: a path as it is, a plain name in the first home of own recipes. NULL with err; free() it. */
static char *file_of(const char *word, const mw_recipe_homes *homes, mw_error *err) {
  const char *folder = mw_recipe_homes_folder(homes);
  char *path = NULL;
  if (strpbrk(word, "/.")) path = strdup(word);
  else if (!folder) {
    mw_term_fail(err, MW_USAGE, "there is no home for recipes: neither MOONWELD_PATH nor HOME is set\nname a file: moonweld new ./%s.lua",
                 word);
    return NULL;
  }
  if (!path && asprintf(&path, "%s%s.lua", folder, word) < 0) path = NULL;
  if (!path) mw_term_fail(err, MW_MEMORY, "out of memory");
  return path;
}

/* The name in "some/where/NAME.lua", in place. */
static bool name_of(char *word, const char **name, mw_error *err) {
  char *slash = strrchr(word, '/'), *base = slash ? slash + 1 : word, *end = strrchr(base, '.');
  if (end && strcmp(end, ".lua") == 0) *end = 0;
  else if (end || slash) return mw_term_fail(err, MW_USAGE, "a recipe's file is called NAME.lua, not %s", word);
  *name = base;
  return true;
}

static int run(mw_term *term, const mw_options_line *line) {
  mw_error err;
  mw_recipe_homes *homes;
  const char *word = line->operands[0], *name = word;
  char *path, *stem = strdup(word), *text = NULL;
  if (!mw_recipe_homes_open(&homes, &err)) return free(stem), mw_term_error(term, &err);
  bool good = (path = file_of(word, homes, &err)) != NULL && (stem || mw_term_fail(&err, MW_MEMORY, "out of memory")) &&
              name_of(stem, &name, &err) && mw_recipe_begin(name, &text, &err);
  if (good) make_folders(path);
  good = good && write_new(path, text, &err);
  if (good) {
    printf("made ");
    mw_print_plain(stdout, path);
    printf(": edit it, then `moonweld ");
    mw_print_plain(stdout, strpbrk(word, "/.") ? path : name);
    puts(" --help`");
  }
  mw_recipe_homes_free(homes);
  free(text);
  free(stem);
  free(path);
  return good ? 0 : mw_term_error(term, &err);
}

static const mw_options_doc options[] = { { NULL, NULL, NULL } };

const mw_command mw_cmd_new = { "new", "NAME|FILE.lua", "begin a recipe of your own, to be called by its name or as a file", "a name",
                                1, 1, options, run };
