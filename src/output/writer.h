/* writer.h: writes an output as a temporary folder beside its place; publish.h then gives it its name. Any thread may write data. */
#ifndef MW_OUTPUT_WRITER_H
#define MW_OUTPUT_WRITER_H

#include "base/warning.h"
#include "format/file_checksum.h"
#include "output/layout.h"

typedef struct mw_writer mw_writer;

/* Whether OUT may be made: not inside or equal to an input folder or file (R5: MW_USAGE), absent, or with `force` an
 * empty folder or one that Moonweld made (it holds merge.lock.json); else MW_CANNOT_CREATE. Enough free space for
 * `bytes` (MW_CANNOT_CREATE "needs X, has Y"). Changes nothing. */
bool mw_writer_allowed(const char *out, bool force, const char *const *inputs, size_t input_count, uint64_t bytes,
                       mw_error *err);

typedef struct mw_writer_how {
  bool force;            /* replace what Moonweld made */
  bool sync;             /* the output is on the disk when it is published; without it, some time later */
  const char *plan;      /* NULL, or what exactly is made: a later run of the same plan goes on where this one was stopped. Lines of
                            "what: value", of which the first that differs is told of (left_overs.h) */
  mw_warning *warnings;  /* may be NULL */
  uint32_t rank;         /* of several processes (exec/ranks.h) 0 opens it first; the others join: folder and shards are there, and are not
                            theirs to remove or publish */
  const char *const *parts; /* [part_count] names of folders in it that have writers of their own, with `part` set */
  size_t part_count;
  bool part;             /* when it is published it keeps its temporary name and its journal until mw_publish_part: a later run of the
                            whole finds it, finished or not, and goes on with it */
} mw_writer_how;

/* Makes the temporary folder (locked: a second run on the same output is MW_CHANGED), preallocates the shards and
 * writes their headers. What runs of other plans have left of this output is removed first. `layout` and the texts are borrowed. */
bool mw_writer_open(const char *out, const mw_layout *layout, const mw_writer_how *how, mw_writer **writer, mw_error *err);
/* Whether tensor `index` of the layout is there, made by an earlier run of the same plan. */
bool mw_writer_has(const mw_writer *writer, size_t index);
/* Likewise, and rank 0 has told this rank so. */
void mw_writer_found(mw_writer *writer, size_t index);
/* All bytes of tensor `index` were written, and none will be written again. Thread-safe; may be told more than once. */
bool mw_writer_done(mw_writer *writer, size_t index, mw_error *err);
/* The run has failed in one of several processes: each records what it has finished, before rank 0 keeps it. */
void mw_writer_record(mw_writer *writer);
/* The run has failed with `err`. If it was stopped, or the disk failed, what is finished is kept for a later run of the same plan, and
 * the error's hint says so. */
void mw_writer_keep(mw_writer *writer, mw_error *err);
/* `length` bytes of tensor data at `offset` of shard `shard`. Thread-safe. */
bool mw_writer_write(mw_writer *writer, uint32_t shard, uint64_t offset, const void *bytes, size_t length, mw_error *err);
/* Computes checksums of the shards from now on. `memory` and the layout's headers must stay until the writer is closed. */
bool mw_writer_count(mw_writer *writer, const mw_layout *layout, mw_file_checksum_memory *memory, mw_error *err);
/* Whether that was asked for. */
bool mw_writer_is_counted(const mw_writer *writer);
/* Of a shard, or NULL if they are not counted. */
mw_file_checksum *mw_writer_checksum(const mw_writer *writer, size_t shard);
/* The one small file that a lone output has beside its lock and card. */
#define MW_WRITER_SEAL "moonweld/seal.json"
/* A small file of the output, "config.json" or "sub/name". */
bool mw_writer_file(mw_writer *writer, const char *name, const void *bytes, size_t length, mw_error *err);
/* The small files that were written, in their order. */
typedef struct mw_writer_small {
  char *name;
  uint64_t bytes;
  mw_checksum checksum; /* as format/file_checksum.h computes it */
} mw_writer_small;
size_t mw_writer_files(const mw_writer *writer, const mw_writer_small **first);
/* Reads every file back, from the disk if the system lets go of what it holds in memory: MW_IO where one has not its checksum. The
 * shards must be counted. */
bool mw_writer_verify(mw_writer *writer, mw_error *err);
/* Of a rank that joined: all that it has written is on the disk (with `sync`), and its shards are closed, so that others can read them. */
bool mw_writer_settle(mw_writer *writer, mw_error *err);
/* The path of the temporary folder, for reading it before it is published. Its last part names it in mw_publish_part. */
const char *mw_writer_folder(const mw_writer *writer);
/* Removes what was neither published nor kept. */
void mw_writer_close(mw_writer *writer);

#endif
