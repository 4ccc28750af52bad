/* file.h: regular files, read by pread (a mapping of a file that shrinks would read zeros or die) and written by
 * pwrite, with the loops that EINTR, short transfers and the 2 GiB limit of one call ask for. */
#ifndef MW_FORMAT_FILE_H
#define MW_FORMAT_FILE_H

#include "base/mem.h"
#include "base/text.h"

/* An input file that stays open. Its identity is remembered, to notice that it changed under us. */
typedef struct mw_file {
  char *path;
  int fd;
  uint64_t size;
  uint64_t device, inode;
  int64_t modified_ns, changed_ns;
} mw_file;

/* Opens for reading (O_NONBLOCK | O_CLOEXEC, then S_ISREG: a FIFO or device is refused, never waited for).
 * MW_MISSING where it is not there or not readable, MW_DATA where it is no regular file. */
bool mw_file_open(mw_file *file, const char *path, mw_error *err);
void mw_file_close(mw_file *file);
/* Exactly `length` bytes at `offset`. A short file is MW_CHANGED ("shrank while it was read"), EIO is MW_IO. */
bool mw_file_read(const mw_file *file, uint64_t offset, void *bytes, size_t length, mw_error *err);
/* MW_CHANGED if size, inode, mtime or ctime are not what they were when it was opened. */
bool mw_file_unchanged(const mw_file *file, mw_error *err);

/* The SHA-256 of all of it, from its beginning to the size that it had when it was opened. */
bool mw_file_hash(const mw_file *file, char hex[65], mw_error *err);

/* The whole of a small file, at most `limit` bytes, NUL-terminated for convenience; free() it. */
bool mw_file_slurp(const char *path, size_t limit, char **bytes, size_t *length, mw_error *err);

/* All of `bytes` at `offset` of a file open for writing. `path` is for messages. */
bool mw_file_write(int fd, const char *path, uint64_t offset, const void *bytes, size_t length, mw_error *err);

/* "a/b" in the arena. */
const char *mw_file_join(mw_arena *arena, const char *folder, const char *name, mw_error *err);
bool mw_file_exists(const char *path);
/* The path without links, "." and ".."; *resolved is NULL where nothing is there (or it cannot be reached). free() it.
 * False only where the question could not be answered: MW_MEMORY, MW_IO. */
bool mw_file_resolve(const char *path, char **resolved, mw_error *err);
/* Whether one path lies in the folder of another, at any depth; both as mw_file_resolve gives them, NULL lies nowhere. */
bool mw_file_lies_in(const char *path, const char *folder);
bool mw_file_is_folder(const char *path);

/* Names in a folder, sorted by bytes, without "." and "..", from the arena. */
bool mw_file_list(const char *folder, mw_arena *arena, const char ***names, size_t *count, mw_error *err);

#endif
