/* sync.h: brings what was written to the disk, so that it is there after a power cut. Only then may a file get its name:
 *   write; mw_sync_file; rename; mw_sync_folder of the folder that the name lies in.
 * A large file is written back behind whoever writes it (mw_sync_behind), so that little is left to wait for at the end.
 *
 * An error is final (MW_IO): the kernel may have dropped the pages that it could not write, and a second try would then find
 * nothing to do and succeed. */
#ifndef MW_FORMAT_SYNC_H
#define MW_FORMAT_SYNC_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Waits until the file's bytes and its size are on the disk. `path` is for messages. */
bool mw_sync_file(int fd, const char *path, mw_error *err);
/* The same of a file that mw_file_keep may have closed (fd -1): it is opened again. */
bool mw_sync_kept(int fd, const char *path, mw_error *err);
/* The same of a folder's entries. A file system that has no such thing (EINVAL) is taken as it is. */
bool mw_sync_folder(int fd, const char *path, mw_error *err);
/* The same of the folder that the file at `path` lies in. */
bool mw_sync_folder_of(const char *path, mw_error *err);
/* Starts to write the file's bytes to the disk, and does not wait. What cannot be begun is left to mw_sync_file. */
void mw_sync_start(int fd);

/* Bytes written to a file so far; zeroed at first. */
typedef struct mw_sync_behind { uint64_t written; } mw_sync_behind;

/* After `length` bytes were written anywhere in the file. At the end of every window of 16 MiB it waits for the window before to
 * reach the disk, and starts to write this one. So at most two windows wait for a disk that is slower than the writers, and the
 * disk is never idle. Any thread may call it. */
bool mw_sync_behind_written(mw_sync_behind *behind, size_t length, int fd, const char *path, mw_error *err);

#endif
