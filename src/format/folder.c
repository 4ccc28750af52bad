/* folder.c: locked folders and their removal.
 *
 * A lock belongs to the inode, so it stays with a folder that is renamed. Between opening a folder by its name and locking it,
 * another process may have renamed or removed it; so after locking we check that the name still refers to the same inode, and
 * begin again if not.
 *
 * Removal keeps a stack of open folders and unlinks by name within the deepest one. A symbolic link in the tree is removed, and
 * never followed. */
#include "format/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

#define DEEPEST 64
#define TRIES 100

static bool fail(mw_error *err, mw_status status, const char *what, const char *name) {
  int number = errno;
  mw_text_escaped escaped;
  if (number == ENOMEM) return mw_error_memory(err, strlen(name));
  return mw_error_set(err, status, "%s: %s: %s", mw_text_escape_z(&escaped, name), what, strerror(number));
}

static int open_folder(int parent, const char *name) {
  return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Whether `name` still refers to the folder that is open as `fd`. */
static bool is_same(int parent, const char *name, int fd) {
  struct stat named, opened;
  if (fstatat(parent, name, &named, AT_SYMLINK_NOFOLLOW) != 0 || fstat(fd, &opened) != 0) return false;
  return named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

static bool in_use(const char *shown, mw_error *err) {
  mw_text_escaped escaped;
  mw_error_set(err, MW_CHANGED, "%s: is being written by another run", mw_text_escape_z(&escaped, shown));
  return mw_error_hint(err, "wait until that one has ended, or choose another name");
}

/* Locks the folder. Some file systems (NFS, FUSE) have no locks on folders: then *locked is false, and that is no error. */
static bool take_lock(int fd, const char *shown, bool *locked, mw_error *err) {
  *locked = true;
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) return in_use(shown, err);
    *locked = false;
    break;
  }
  return true;
}

static bool cannot_know(const char *name, mw_error *err) {
  mw_text_escaped room;
  mw_error_set(err, MW_CANNOT_CREATE, "%s: another run is writing it, or was killed", mw_text_escape_z(&room, name));
  return mw_error_hint(err, "this file system has no locks; remove that folder if no other run is there");
}

static bool lock(int parent, const char *name, const char *shown, bool must, int *fd, mw_error *err) {
  *fd = open_folder(parent, name);
  if (*fd < 0) return fail(err, MW_CANNOT_CREATE, "cannot open the folder", shown);
  bool locked, ok = take_lock(*fd, shown, &locked, err);
  if (ok && must && !locked) ok = cannot_know(name, err);
  if (ok && (is_same(parent, name, *fd) || mw_error_set(err, MW_CHANGED, "the output folder was replaced by another run meanwhile")))
    return true;
  close(*fd);
  *fd = -1;
  return false;
}

bool mw_folder_lock(int parent, const char *name, const char *shown, int *fd, mw_error *err) {
  return lock(parent, name, shown, false, fd, err);
}

bool mw_folder_claim(int parent, const char *name, const char *shown, int *fd, mw_error *err) {
  return lock(parent, name, shown, true, fd, err);
}

/* A folder that exists but is not locked was left by a run that was killed: it is locked and removed. Without locks this cannot be
 * known, so the folder stays. */
static bool remove_stale(int parent, const char *name, int fd, bool locked, mw_error *err) {
  if (!is_same(parent, name, fd)) return true;
  return locked ? mw_folder_remove(parent, name, err) : cannot_know(name, err);
}

/* Whether the folder is this user's: another one may have put there what would be written through. */
static bool is_own(int fd) {
  struct stat opened;
  return fstat(fd, &opened) == 0 && opened.st_uid == geteuid();
}

/* One attempt: *fd is the folder, locked, or -1 if another process did something with the name meanwhile: try again. */
static bool try_make(int parent, const char *name, const char *shown, int *fd, bool *left, mw_error *err) {
  bool fresh = mkdirat(parent, name, 0777) == 0, locked;
  if (!fresh && errno != EEXIST)
    return fail(err, errno == ENOSPC || errno == EDQUOT || errno == EIO ? MW_IO : MW_CANNOT_CREATE,
                "the temporary folder beside it cannot be made", shown);
  *fd = open_folder(parent, name);
  if (*fd < 0 && errno == ENOENT) return true;
  if (*fd < 0) {
    fail(err, MW_CANNOT_CREATE, fresh ? "cannot be opened" : "is in the way of the temporary folder", name);
    if (fresh) unlinkat(parent, name, AT_REMOVEDIR);
    return false;
  }
  bool done = take_lock(*fd, shown, &locked, err);
  if (done && (fresh || (left && locked && is_own(*fd))) && is_same(parent, name, *fd)) {
    if (left) *left = !fresh;
    return true;
  }
  if (done && !fresh) done = remove_stale(parent, name, *fd, locked, err);
  close(*fd);
  *fd = -1;
  return done;
}

bool mw_folder_make(int parent, const char *name, const char *shown, int *fd, bool *left, mw_error *err) {
  *fd = -1;
  for (int i = 0; i < TRIES && *fd < 0; i++) MW_TRY(try_make(parent, name, shown, fd, left, err));
  return *fd >= 0 || in_use(shown, err);
}

/* An open folder, and what was read of its list: by getdents64, since readdir takes memory, and a run that has none left removes what
 * it has made all the same. */
typedef struct level {
  int fd;
  char name[NAME_MAX + 1]; /* its name in the folder above */
  size_t at, end;          /* in `list` */
  _Alignas(struct dirent64) char list[1024];
} level;

/* Opens `name` of `parent` as the next level. It is no error if it has just been removed. */
static bool enter(level *levels, size_t *depth, int parent, const char *name, mw_error *err) {
  if (*depth == DEEPEST) return mw_error_set(err, MW_IO, "folders to remove lie more than %d deep", DEEPEST);
  if (strlen(name) > NAME_MAX) return mw_error_set(err, MW_IO, "the name of a folder to remove is too long");
  int fd = open_folder(parent, name);
  if (fd < 0 && errno == ENOENT) return true;
  if (fd < 0) return fail(err, MW_IO, "cannot be removed", name);
  level *next = &levels[(*depth)++];
  next->fd = fd;
  next->at = next->end = 0;
  strcpy(next->name, name);
  return true;
}

/* The next entry of a level; NULL at the end (*ok), or where it cannot be read. */
static const char *next_entry(level *last, bool *ok) {
  *ok = true;
  if (last->at == last->end) {
    ssize_t length = getdents64(last->fd, last->list, sizeof last->list);
    *ok = length >= 0;
    if (length <= 0) return NULL;
    last->at = 0;
    last->end = (size_t)length;
  }
  const struct dirent64 *entry = (const struct dirent64 *)(const void *)(last->list + last->at);
  last->at += entry->d_reclen;
  return entry->d_name;
}

/* Takes one entry of the deepest level: unlinks a file, enters a folder; if there is none left, removes the level itself. */
static bool remove_step(level *levels, size_t *depth, int top, mw_error *err) {
  level *last = &levels[*depth - 1];
  bool ok;
  const char *name = next_entry(last, &ok);
  if (!ok) return fail(err, MW_IO, "cannot be read", last->name);
  if (!name) {
    close(last->fd);
    --*depth;
    if (unlinkat(*depth ? levels[*depth - 1].fd : top, last->name, AT_REMOVEDIR) == 0 || errno == ENOENT) return true;
    return fail(err, MW_IO, "cannot be removed", last->name);
  }
  if (!strcmp(name, ".") || !strcmp(name, "..")) return true;
  if (unlinkat(last->fd, name, 0) == 0 || errno == ENOENT) return true;
  if (errno != EISDIR && errno != EPERM) return fail(err, MW_IO, "cannot be removed", name);
  return enter(levels, depth, last->fd, name, err);
}

bool mw_folder_remove(int parent, const char *name, mw_error *err) {
  level levels[DEEPEST];
  size_t depth = 0;
  bool done = enter(levels, &depth, parent, name, err);
  while (done && depth) done = remove_step(levels, &depth, parent, err);
  while (depth) close(levels[--depth].fd);
  return done;
}
