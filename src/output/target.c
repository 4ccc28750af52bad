/* target.c: the rules for an output's place. Whether two paths are the same place, or one is inside the other, is decided by device
 * and inode, of the folder and all its parents. So links, bind mounts, ".." or another case of letters cannot deceive it. */
#include "output/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "format/aside.h"
#include "format/file.h"
#include "format/lone.h"
#include "format/safetensors.h"
#include "output/lock.h"
#include "output/side_files.h"

/* The temporary folder's name adds ".replaced-" and 8 digits to the output's, and names end at 255 bytes. */
#define LONGEST_NAME 230

static bool cannot(mw_error *err, const char *what, const char *path) {
  mw_text_escaped escaped;
  return mw_error_set(err, MW_CANNOT_CREATE, "%s: %s", mw_text_escape_z(&escaped, path), what);
}

/* "x.safetensors" -> "x.lock.json". */
static const char *beside(const mw_target *target, const char *ending, mw_arena *arena, mw_error *err) {
  size_t stem = strlen(target->path) - strlen(MW_SAFETENSORS_ENDING), length = strlen(ending);
  char *path = mw_mem_take(arena, stem + length + 1, err);
  if (!path) return NULL;
  memcpy(path, target->path, stem);
  memcpy(path + stem, ending, length + 1);
  return path;
}

static bool name_company(mw_target *target, mw_arena *arena, mw_error *err) {
  bool lone = mw_text_ends_with(target->typed, MW_SAFETENSORS_ENDING);
  target->lock = lone ? beside(target, ".lock.json", arena, err) : mw_file_join(arena, target->path, "merge.lock.json", err);
  target->card = lone ? beside(target, ".md", arena, err) : NULL;
  target->seal = lone ? beside(target, ".seal.json", arena, err) : NULL;
  return target->lock && (!lone || (target->card && target->seal));
}

bool mw_target_resolve(const char *out, mw_arena *arena, mw_target *target, mw_error *err) {
  mw_text_escaped escaped;
  size_t end = strlen(out);
  while (end > 1 && out[end - 1] == '/') end--;
  size_t begin = end;
  while (begin > 0 && out[begin - 1] != '/') begin--;
  target->typed = out;
  target->name = mw_mem_copy(arena, out + begin, end - begin, err);
  MW_TRY(target->name != NULL);
  if (!*target->name || !strcmp(target->name, ".") || !strcmp(target->name, ".."))
    return mw_error_set(err, MW_USAGE, "output \"%s\" does not name a new folder", mw_text_escape_z(&escaped, out));
  if (strlen(target->name) > LONGEST_NAME) return cannot(err, "the name is too long", out);
  const char *above = begin ? mw_mem_copy(arena, out, begin, err) : ".";
  MW_TRY(above != NULL);
  char *resolved = realpath(above, NULL);
  if (!resolved) {
    int number = errno;
    if (number == ENOMEM) return mw_error_memory(err, 4096);
    mw_error_set(err, MW_CANNOT_CREATE, "%s: the folder to put it in: %s", mw_text_escape_z(&escaped, out), strerror(number));
    return number == ENOENT ? mw_error_hint(err, "make that folder first (mkdir -p)") : false;
  }
  target->parent = mw_mem_copy(arena, resolved, strlen(resolved), err);
  free(resolved);
  MW_TRY(target->parent != NULL);
  target->path = mw_file_join(arena, target->parent, target->name, err);
  return target->path != NULL && mw_aside_mend(target->path, err) && mw_lone_mend(target->path, err) &&
         name_company(target, arena, err);
}

static bool same_file(const struct stat *a, const struct stat *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whether `path` (absolute, resolved) is `place` or inside it. Shortens `path`. */
static bool lies_in(char *path, const struct stat *place) {
  struct stat at;
  for (;;) {
    if (stat(path, &at) == 0 && same_file(&at, place)) return true;
    char *slash = strrchr(path, '/');
    if (!slash || !strcmp(path, "/")) return false;
    if (slash == path) slash++;
    *slash = 0;
  }
}

static bool apart_from(const mw_target *target, const char *input, mw_error *err) {
  struct stat of_input, of_target;
  mw_text_escaped escaped[2];
  char *resolved;
  MW_TRY(mw_file_resolve(input, &resolved, err));
  if (!resolved) return true; /* there is no such input: whoever opens it reports that */
  const char *how = NULL;
  char *path = strdup(target->path);
  bool known = path && stat(resolved, &of_input) == 0;
  if (known && stat(target->path, &of_target) == 0) {
    if (same_file(&of_input, &of_target)) how = "is";
    else if (lies_in(resolved, &of_target)) how = "contains";
  }
  if (known && !how && lies_in(path, &of_input)) how = "lies in";
  bool memory = path != NULL;
  free(path);
  free(resolved);
  if (!memory) return mw_error_memory(err, strlen(target->path));
  if (!how) return true;
  mw_error_set(err, MW_USAGE, "output %s %s the input %s", mw_text_escape_z(&escaped[0], target->typed), how,
               mw_text_escape_z(&escaped[1], input));
  return mw_error_hint(err, "choose an output folder apart from the inputs; they are never changed");
}

bool mw_target_apart(const mw_target *target, const char *const *inputs, size_t count, mw_error *err) {
  for (size_t i = 0; i < count; i++) MW_TRY(apart_from(target, inputs[i], err));
  return true;
}

static bool may_replace(const mw_target *target, bool force, mw_error *err) {
  mw_arena arena = {0};
  const char **names;
  size_t count = 0;
  bool listed = mw_file_list(target->path, &arena, &names, &count, err);
  mw_mem_release(&arena);
  if (!listed) return err->status == MW_MEMORY ? false : cannot(err, "exists and cannot be read", target->typed);
  mw_lock_kind lock = MW_LOCK_NONE;
  if (count) MW_TRY(mw_lock_look(target->lock, &lock, err));
  if (count && lock == MW_LOCK_NONE) {
    cannot(err, "exists and was not made by Moonweld", target->typed);
    return mw_error_hint(err, "choose another name, or remove it yourself; --force replaces only what Moonweld made");
  }
  if (!force) {
    cannot(err, lock == MW_LOCK_SPOILED ? "exists already, and is not complete: its lock file is what a power cut leaves"
                                        : "exists already", target->typed);
    return mw_error_hint(err, count ? "--force replaces it" : "it is empty: --force uses its name");
  }
  if (access(target->path, W_OK | X_OK) != 0) return cannot(err, "is read-only and cannot be replaced", target->typed);
  return true;
}

/* A lone file, its lock and its card. Without the file a lock of ours is what somebody has left of an output. */
static bool may_make_lone(const mw_target *target, bool force, const struct stat *here, mw_error *err) {
  struct stat status;
  mw_lock_kind lock;
  MW_TRY(mw_lock_look(target->lock, &lock, err));
  if (here && !S_ISREG(here->st_mode)) {
    cannot(err, S_ISLNK(here->st_mode) ? "is a symbolic link" : "exists and is not a file", target->typed);
    return mw_error_hint(err, "choose another name, or remove it yourself");
  }
  const char *taken = lock != MW_LOCK_NONE ? NULL : here ? target->path : lstat(target->lock, &status) == 0 ? target->lock
                                                         : lstat(target->card, &status) == 0 ? target->card
                                                         : lstat(target->seal, &status) == 0 ? target->seal : NULL;
  if (taken) {
    cannot(err, "exists and was not made by Moonweld", taken == target->path ? target->typed : taken);
    return mw_error_hint(err, "choose another name, or remove it yourself; --force replaces only what Moonweld made");
  }
  if (!here || force) return true;
  cannot(err, "exists already", target->typed);
  return mw_error_hint(err, "--force replaces it");
}

/* "merged.gguf": whoever types that wants a file of this form, and would get a folder of this name. "merged.gguf/" is a folder. */
static bool names_other_form(const mw_target *target, mw_error *err) {
  const char *end = strrchr(target->name, '.');
  size_t length = strlen(target->typed), tail = end ? strlen(end) : 0;
  mw_text_escaped name, stem, form;
  if (!end || end == target->name || target->typed[length - 1] == '/' || !mw_side_files_are_weights(target->name)) return false;
  mw_text_escape(&stem, target->typed, length - tail);
  if (mw_text_ends_with(target->typed, MW_SAFETENSORS_ENDING) || mw_text_ends_with(stem.bytes, MW_SAFETENSORS_ENDING)) return false;
  mw_error_set(err, MW_USAGE, "output \"%s\": what is written is safetensors, not '%s'", mw_text_escape_z(&name, target->typed),
               mw_text_escape_z(&form, end + 1));
  mw_error_hint(err, "-o %s makes a folder, -o %s.safetensors one file", stem.bytes, stem.bytes);
  return true;
}

bool mw_target_free(const mw_target *target, bool force, bool *exists, mw_error *err) {
  struct stat here, parent;
  if (names_other_form(target, err)) return false;
  *exists = lstat(target->path, &here) == 0;
  if (!*exists && errno != ENOENT) return cannot(err, strerror(errno), target->typed);
  if (access(target->parent, W_OK | X_OK) != 0 || stat(target->parent, &parent) != 0) {
    mw_text_escaped escaped;
    mw_error_set(err, MW_CANNOT_CREATE, "%s: nothing can be made in the folder it lies in: %s",
                 mw_text_escape_z(&escaped, target->typed), strerror(errno));
    return mw_error_hint(err, "choose another folder, or ask for the right to write to this one");
  }
  if (target->card) return may_make_lone(target, force, *exists ? &here : NULL, err);
  if (!*exists) return true;
  if (S_ISLNK(here.st_mode) || !S_ISDIR(here.st_mode)) {
    cannot(err, S_ISLNK(here.st_mode) ? "is a symbolic link" : "exists and is not a folder", target->typed);
    return mw_error_hint(err, "choose another name, or remove it yourself");
  }
  if (here.st_dev != parent.st_dev) {
    cannot(err, "is a mount point, which cannot be replaced", target->typed);
    return mw_error_hint(err, "name a new folder in it");
  }
  return may_replace(target, force, err);
}

bool mw_target_room(const mw_target *target, uint64_t bytes, uint64_t more, mw_error *err) {
  struct statvfs disk;
  char buffers[2][32];
  mw_text_escaped escaped;
  if (bytes == 0 || statvfs(target->parent, &disk) != 0) return true;
  uint64_t block = disk.f_frsize ? disk.f_frsize : disk.f_bsize, has;
  if (__builtin_mul_overflow((uint64_t)disk.f_bavail, block, &has) || __builtin_add_overflow(has, more, &has) || has >= bytes)
    return true;
  /* Some network and user-space file systems report no sizes at all. */
  if (disk.f_blocks == 0) return true;
  mw_error_set(err, MW_CANNOT_CREATE, "%s: the disk needs %s, has %s", mw_text_escape_z(&escaped, target->typed),
               mw_text_size(buffers[0], (double)bytes), mw_text_size(buffers[1], (double)has));
  return mw_error_hint(err, "make room on it, or choose a folder on another disk");
}
