/* lone.c: a folder without weights that holds a lock file is one whose weights have their name already: weights come into such a
 * folder first, and the lock file last. */
#include "format/lone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/file.h"
#include "format/folder.h"
#include "format/safetensors.h"
#include "format/sync.h"

static const char mark[] = ".partial-";

static bool is_there(int folder, const char *name) {
  struct stat st;
  return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Gives a file of the folder `from` its name beside NAME.safetensors, if it is still there. */
static bool name_one(int from, const char *file, int parent, const char *name, const char *ending, mw_error *err) {
  size_t stem = strlen(name) - strlen(MW_SAFETENSORS_ENDING);
  mw_text to = {0};
  mw_text_format(&to, "%.*s%s", (int)stem, name, ending);
  bool ok = mw_text_check(&to, err);
  if (ok && is_there(from, file)) renameat(from, file, parent, to.bytes);
  mw_text_free(&to);
  return ok;
}

static bool finish(int parent, const char *folder, const char *name, mw_error *err) {
  mw_error ignored;
  int from;
  if (!mw_folder_lock(parent, folder, name, &from, &ignored)) return true;
  bool left = !is_there(from, name) && errno == ENOENT && (is_there(from, "merge.lock.json") || is_there(from, "README.md"));
  bool ok = !left || (name_one(from, "merge.lock.json", parent, name, ".lock.json", err) &&
                      name_one(from, "README.md", parent, name, ".md", err) &&
                      name_one(from, "moonweld/seal.json", parent, name, ".seal.json", err));
  if (ok && left && !is_there(from, "merge.lock.json")) {
    mw_folder_remove(parent, folder, &ignored);
    mw_sync_folder(parent, name, &ignored);
  }
  close(from);
  return ok;
}

bool mw_lone_mend(const char *path, mw_error *err) {
  mw_arena arena = {0};
  mw_error ignored;
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, **names;
  size_t count, length = strlen(name);
  if (!mw_text_ends_with(name, MW_SAFETENSORS_ENDING)) return true;
  const char *above = slash ? mw_mem_copy(&arena, path, (size_t)(name - path), err) : ".";
  bool ok = above != NULL;
  int parent = ok ? open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (parent >= 0 && is_there(parent, name) && mw_file_list(above, &arena, &names, &count, &ignored))
    for (size_t i = 0; i < count && ok; i++)
      if (strncmp(names[i], name, length) == 0 && strncmp(names[i] + length, mark, strlen(mark)) == 0)
        ok = finish(parent, names[i], name, err);
  if (parent >= 0) close(parent);
  mw_mem_release(&arena);
  return ok;
}
