/* aside.c: see aside.h. */
#include "format/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sha256.h"
#include "format/folder.h"
#include "format/sync.h"

const char *mw_aside_name(const char *name, mw_arena *arena, mw_error *err) {
  char hex[65];
  size_t length = strlen(name) + sizeof ".replaced-01234567";
  char *aside = mw_mem_take(arena, length, err);
  mw_sha256_of(name, strlen(name), hex);
  if (aside) snprintf(aside, length, "%s.replaced-%.8s", name, hex);
  return aside;
}

/* Whoever replaces the folder holds its lock from before the first rename on. */
static bool give_back(int parent, const char *aside, const char *name, mw_error *err) {
  int fd;
  mw_error ignored;
  if (!mw_folder_lock(parent, aside, name, &fd, &ignored)) return true;
  bool ok = renameat(parent, aside, parent, name) != 0 || mw_sync_folder(parent, name, err);
  close(fd);
  return ok;
}

bool mw_aside_mend(const char *path, mw_error *err) {
  struct stat st;
  mw_arena arena = {0};
  size_t end = strlen(path);
  while (end > 1 && path[end - 1] == '/') end--;
  size_t begin = end;
  while (begin > 0 && path[begin - 1] != '/') begin--;
  if (end == begin || lstat(path, &st) == 0 || errno != ENOENT) return true;
  const char *name = mw_mem_copy(&arena, path + begin, end - begin, err);
  const char *above = !name ? NULL : begin ? mw_mem_copy(&arena, path, begin, err) : ".";
  const char *aside = above ? mw_aside_name(name, &arena, err) : NULL;
  bool ok = aside != NULL;
  int parent = ok ? open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (parent >= 0 && fstatat(parent, aside, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)) ok = give_back(parent, aside, name, err);
  if (parent >= 0) close(parent);
  mw_mem_release(&arena);
  return ok;
}
