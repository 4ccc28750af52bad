/* linux.h: calls that only Linux has, or has under such a name: another system needs another linux.c, and another src/recipe/sandbox.c,
 * which locks a process. What they cannot do where they run (an old kernel, a file system without it) their callers do in another
 * way. */
#ifndef MW_BASE_LINUX_H
#define MW_BASE_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each returns 0, or -1 with errno: EINVAL, ENOSYS or EOPNOTSUPP where it is not to be had here. */

/* Renames, and replaces nothing: EEXIST. Folders are descriptors, or AT_FDCWD. */
int mw_linux_rename_new(int from_folder, const char *from, int to_folder, const char *to);
/* Exchanges two names in a folder, in one step. */
int mw_linux_exchange(int folder, const char *a, const char *b);
/* Takes the space of a file from the disk. */
int mw_linux_allocate(int fd, uint64_t size);
/* Begins to write what is in memory of a file; `wait`: after what was begun before is written. It makes nothing durable. */
int mw_linux_write_back(int fd, bool wait);

/* Reads what is in memory of `length` bytes at `offset`, without waiting for a disk: how many bytes, or -1 (EAGAIN: none). */
long mw_linux_read_ready(int fd, uint64_t offset, void *bytes, size_t length);
/* Where an open file lies, without a NUL behind it: its length, or -1. */
long mw_linux_place(int fd, char *path, size_t room);

#endif
