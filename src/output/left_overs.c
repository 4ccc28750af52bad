/* left_overs.c: left-overs are known by their names alone, since a killed run may have written nothing into them. */
#include "output/left_overs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/file.h"
#include "format/folder.h"
#include "output/resume.h"

typedef enum kind { NONE, PARTIAL, SCORING, REPLACED, LEARNING } kind;

static bool is_hex(const char *text) { return strspn(text, "0123456789abcdef") == 8 && !text[8]; }

static kind kind_by_name(const mw_target *target, const char *name) {
  size_t length = strlen(target->name);
  if (strncmp(name, target->name, length) != 0) return NONE;
  name += length;
  if (strcmp(name, ".learning") == 0) return LEARNING;
  if (strncmp(name, ".partial-", 9) == 0 && is_hex(name + 9)) return PARTIAL;
  if (strncmp(name, ".scoring-", 9) == 0 && is_hex(name + 9)) return SCORING;
  return strncmp(name, ".replaced-", 10) == 0 && is_hex(name + 10) ? REPLACED : NONE;
}

/* We leave a training as a file, all else as folders: what has such a name and is something else is not ours. */
static kind kind_of(int parent, const mw_target *target, const char *name) {
  struct stat st;
  kind is = kind_by_name(target, name);
  if (is == NONE || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0) return NONE;
  return (is == LEARNING ? S_ISREG(st.st_mode) : S_ISDIR(st.st_mode)) ? is : NONE;
}

/* ---- their size ---- */

/* Adds the bytes on the disk below the open folder; folders lie at most `depth` deep. False where some of them cannot be known. */
static bool add_below(int fd, const char *path, int depth, uint64_t *bytes) {
  mw_arena arena = {0};
  mw_error ignored;
  const char **names;
  size_t count;
  bool known = mw_file_list(path, &arena, &names, &count, &ignored);
  for (size_t i = 0; known && i < count; i++) {
    struct stat st;
    if (!(known = fstatat(fd, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0)) break;
    *bytes += (uint64_t)st.st_blocks * 512;
    if (!S_ISDIR(st.st_mode) || !depth) continue;
    int sub = openat(fd, names[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const char *below = sub >= 0 ? mw_file_join(&arena, path, names[i], &ignored) : NULL;
    known = below && add_below(sub, below, depth - 1, bytes);
    if (sub >= 0) close(sub);
  }
  mw_mem_release(&arena);
  return known;
}

uint64_t mw_left_overs_bytes_below(int fd, const char *path) {
  uint64_t bytes = 0;
  return add_below(fd, path, 2, &bytes) ? bytes : 0;
}

/* Of a folder in the parent, if no other run has it; false where they cannot be known. */
static bool bytes_of(int parent, const mw_target *target, const char *name, uint64_t *bytes) {
  mw_arena arena = {0};
  mw_error ignored;
  int fd = -1;
  *bytes = 0;
  const char *path = mw_file_join(&arena, target->parent, name, &ignored);
  bool known = path && mw_folder_claim(parent, name, target->typed, &fd, &ignored) && add_below(fd, path, 2, bytes);
  if (fd >= 0) close(fd);
  mw_mem_release(&arena);
  return known;
}

uint64_t mw_left_overs_bytes(const mw_target *target) {
  mw_arena arena = {0};
  mw_error ignored;
  const char **names;
  size_t count;
  uint64_t bytes = 0;
  int parent = open(target->parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool listed = parent >= 0 && mw_file_list(target->parent, &arena, &names, &count, &ignored);
  for (size_t i = 0; listed && i < count; i++) {
    kind is = kind_of(parent, target, names[i]);
    uint64_t its;
    if ((is == PARTIAL || is == REPLACED) && bytes_of(parent, target, names[i], &its)) bytes += its;
  }
  if (parent >= 0) close(parent);
  mw_mem_release(&arena);
  return bytes;
}

/* ---- those of other plans ---- */

/* The first line of our plan that theirs has not, up to its colon: "the recipe or its arguments". */
static const char *difference(const char *ours, const char *theirs, mw_arena *arena) {
  mw_error ignored;
  for (const char *line = ours; *line;) {
    size_t length = strcspn(line, "\n");
    const char *whole = mw_mem_copy(arena, line, length + (line[length] != 0), &ignored);
    if (!whole) return NULL;
    if (!strstr(theirs, whole)) return mw_mem_copy(arena, line, strcspn(line, ":"), &ignored);
    line += length + (line[length] != 0);
  }
  return NULL;
}

/* Says what is removed, if anything in it was finished. */
static void tell(int folder, const char *name, const char *plan, mw_warning *warnings) {
  mw_arena arena = {0};
  mw_error ignored;
  mw_journal journal;
  mw_text_escaped escaped[2];
  if (mw_journal_open(folder, mw_resume_journal, &arena, &journal, &ignored) && journal.fd >= 0) {
    const char *what = plan ? difference(plan, journal.text, &arena) : NULL;
    mw_warning_add(warnings, "%s, which a run of another plan has left, is removed; what differs: %s", mw_text_escape_z(&escaped[0], name),
                   what ? mw_text_escape_z(&escaped[1], what) : "its plan");
    mw_journal_close(&journal);
  }
  mw_mem_release(&arena);
}

static bool drop(int parent, const mw_target *target, const char *name, const char *plan, mw_warning *warnings, mw_error *err) {
  int fd;
  struct stat st;
  if (!mw_folder_claim(parent, name, target->typed, &fd, err))
    return fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT; /* it has gone meanwhile */
  tell(fd, name, plan, warnings);
  bool ok = mw_folder_remove(parent, name, err);
  close(fd);
  return ok;
}

bool mw_left_overs_drop(int parent, const mw_target *target, const char *own, const char *plan, mw_warning *warnings, mw_error *err) {
  mw_arena arena = {0};
  const char **names;
  size_t count;
  bool ok = mw_file_list(target->parent, &arena, &names, &count, err);
  for (size_t i = 0; ok && i < count; i++) {
    kind is = kind_of(parent, target, names[i]);
    if ((is == PARTIAL || is == REPLACED) && strcmp(names[i], own) != 0) ok = drop(parent, target, names[i], plan, warnings, err);
  }
  mw_mem_release(&arena);
  return ok;
}

/* ---- all ---- */

static bool clean_one(int parent, const mw_target *target, const char *name, kind is, uint64_t *bytes, mw_error *err) {
  struct stat st;
  mw_text_escaped shown;
  if (is != LEARNING) {
    if (!bytes_of(parent, target, name, bytes)) *bytes = UINT64_MAX;
    return drop(parent, target, name, NULL, NULL, err);
  }
  *bytes = fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? (uint64_t)st.st_blocks * 512 : UINT64_MAX;
  return unlinkat(parent, name, 0) == 0 || errno == ENOENT ||
         mw_error_set(err, MW_IO, "%s: cannot be removed: %s", mw_text_escape_z(&shown, name), strerror(errno));
}

bool mw_left_overs_clean(const mw_target *target, void (*removed)(void *context, const char *path, uint64_t bytes), void *context,
                         mw_error *err) {
  mw_arena arena = {0};
  mw_text_escaped shown;
  const char **names = NULL;
  size_t count = 0;
  int parent = open(target->parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool ok = parent >= 0 ? mw_file_list(target->parent, &arena, &names, &count, err)
                        : mw_error_set(err, MW_IO, "%s: %s", mw_text_escape_z(&shown, target->parent), strerror(errno));
  for (size_t i = 0; ok && i < count; i++) {
    kind is = kind_of(parent, target, names[i]);
    uint64_t bytes;
    if (is == NONE || !(ok = clean_one(parent, target, names[i], is, &bytes, err))) continue;
    const char *path = mw_file_join(&arena, target->parent, names[i], err);
    if ((ok = path != NULL)) removed(context, path, bytes);
  }
  if (parent >= 0) close(parent);
  mw_mem_release(&arena);
  return ok;
}
