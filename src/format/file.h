/* file.h: regular files, read by pread and written by pwrite. Files are not mapped: if a mapped file shrinks while it is read, the
 * program reads zeros or is killed by SIGBUS. */
#ifndef MW_FORMAT_FILE_H
#define MW_FORMAT_FILE_H

#include "base/mem.h"
#include "base/text.h"
#include "format/in_turn.h"

/* An input file that stays open, with size and times as they were then, so that a change is noticed. Where descriptors are few it is
 * opened again each time, and must then be the same file. */
typedef struct mw_file {
  char *path;
  int fd; /* -1: it does not stay open */
  uint64_t size;
  uint64_t device, inode; /* 0: one that we write, which changes */
  int64_t modified_ns, changed_ns;
  mw_in_turn *turn; /* of long reads, or NULL */
  struct mw_file_checksum *checksum; /* takes what is read of it (file_checksum.h), or NULL; its owner is whoever set it */
} mw_file;

/* Opens for reading. A FIFO or device is refused at once (O_NONBLOCK, then S_ISREG) and never waited for. MW_MISSING if there is no
 * such file or it cannot be read, MW_DATA if it is not a regular file. */
bool mw_file_open(mw_file *file, const char *path, mw_error *err);
void mw_file_close(mw_file *file);
/* Exactly `length` bytes at `offset`. A short file is MW_CHANGED ("shrank while it was read"), EIO is MW_IO. */
bool mw_file_read(const mw_file *file, uint64_t offset, void *bytes, size_t length, mw_error *err);
/* Whether the byte at `offset` is in memory, as far as the system says; and lets go of what is in memory of some bytes. Single pages that
 * are read here and there, and stay, keep the system from reading ahead in large pieces. */
bool mw_file_is_ready(const mw_file *file, uint64_t offset);
void mw_file_let_go(const mw_file *file, uint64_t offset, size_t length);
/* MW_CHANGED if the size, mtime or ctime of the open file are not what they were when it was opened. */
bool mw_file_unchanged(const mw_file *file, mw_error *err);

/* Where the first hole at or behind `from` begins and ends: a part of the file that was never written, and is read as zeros. Both are
 * the file's size where there is none, or the file system does not tell. */
void mw_file_hole(const mw_file *file, uint64_t from, uint64_t *begin, uint64_t *end);

/* The SHA-256 of the file, as long as it was when it was opened. */
bool mw_file_hash(const mw_file *file, char hex[65], mw_error *err);

/* The whole of a small file, at most `limit` bytes, NUL-terminated for convenience; free() it. */
bool mw_file_slurp(const char *path, size_t limit, char **bytes, size_t *length, mw_error *err);
bool mw_file_slurp_open(const mw_file *file, size_t limit, char **bytes, size_t *length, mw_error *err);
/* Where an open file lies, without links; free() it. NULL where nobody can tell. A path that was resolved, and is opened then, may lead
 * elsewhere meanwhile; a file that is open stays the one that it is. */
bool mw_file_place(const mw_file *file, char **resolved, mw_error *err);
/* Whether both are one file in one state. */
bool mw_file_is_same(const mw_file *a, const mw_file *b);

/* A file that we write stays open like an input, where descriptors are not few: keep() may close it and set -1. borrow() then opens it
 * again (-1: MW_IO), until give_back(). False with errno where closing failed, which may be the first that is said of a write. */
bool mw_file_keep(int *fd);
int mw_file_borrow(int fd, const char *path, mw_error *err);
bool mw_file_give_back(int fd, int borrowed);

/* All of `bytes` at `offset` of a file open for writing. `path` is for messages. */
bool mw_file_write(int fd, const char *path, uint64_t offset, const void *bytes, size_t length, mw_error *err);

/* "a/b" in the arena. */
const char *mw_file_join(mw_arena *arena, const char *folder, const char *name, mw_error *err);
bool mw_file_exists(const char *path);
/* The path without links, "." and "..". *resolved is NULL if there is no such file or it cannot be reached. free() it. False only if
 * the system gave no answer: MW_MEMORY, MW_IO. */
bool mw_file_resolve(const char *path, char **resolved, mw_error *err);
/* Whether a path is inside a folder, at any depth. Both come from mw_file_resolve; false if one is NULL. */
bool mw_file_lies_in(const char *path, const char *folder);
bool mw_file_is_folder(const char *path);
/* Makes a folder, if it is not there: MW_CANNOT_CREATE. */
bool mw_file_make_folder(const char *path, mw_error *err);

/* Names in a folder, sorted by bytes, without "." and "..", from the arena. */
bool mw_file_list(const char *folder, mw_arena *arena, const char ***names, size_t *count, mw_error *err);

#endif
