/* writer.h: writes the output folder: first as a temporary folder beside it, which one rename then publishes. So the output is at
 * every moment absent, the old one, or complete. Any thread may write data. */
#ifndef MW_OUTPUT_WRITER_H
#define MW_OUTPUT_WRITER_H

#include "format/file_checksum.h"
#include "output/layout.h"

typedef struct mw_writer mw_writer;

/* Whether OUT may be made: not inside or equal to an input folder or file (R5: MW_USAGE), absent, or with `force` an
 * empty folder or one that Moonweld made (it holds merge.lock.json); else MW_CANNOT_CREATE. Enough free space for
 * `bytes` (MW_CANNOT_CREATE "needs X, has Y"). Changes nothing. */
bool mw_writer_allowed(const char *out, bool force, const char *const *inputs, size_t input_count, uint64_t bytes,
                       mw_error *err);

/* Makes the temporary folder (locked: a second run on the same output is MW_CHANGED), preallocates the shards and
 * writes their headers. With `sync` the output is on the disk when it is published; without it, some time later. */
bool mw_writer_open(const char *out, const mw_layout *layout, bool force, bool sync, mw_writer **writer, mw_error *err);
/* `length` bytes of tensor data at `offset` of shard `shard`. Thread-safe. */
bool mw_writer_write(mw_writer *writer, uint32_t shard, uint64_t offset, const void *bytes, size_t length, mw_error *err);
/* Computes checksums of the shards from now on. `memory` and the layout's headers must stay until the writer is closed. */
bool mw_writer_count(mw_writer *writer, const mw_layout *layout, mw_file_checksum_memory *memory, mw_error *err);
/* Whether that was asked for. */
bool mw_writer_is_counted(const mw_writer *writer);
/* Of a shard, or NULL if they are not counted. */
mw_file_checksum *mw_writer_checksum(const mw_writer *writer, size_t shard);
/* A small file of the output, "config.json" or "sub/name". */
bool mw_writer_file(mw_writer *writer, const char *name, const void *bytes, size_t length, mw_error *err);
/* The small files that were written, in their order. */
typedef struct mw_writer_small {
  char *name;
  uint64_t bytes;
  mw_checksum checksum; /* as format/file_checksum.h computes it */
} mw_writer_small;
size_t mw_writer_files(const mw_writer *writer, const mw_writer_small **first);
/* The path of the temporary folder, for reading it before it is published. */
const char *mw_writer_folder(const mw_writer *writer);
/* Publishes: the folder, or of a lone file (OUT ends with .safetensors) the only shard as OUT, merge.lock.json and README.md
 * as NAME.lock.json and NAME.md beside it. MW_IO if the disk does not take it; an output that it would replace is then still
 * there, or the new one is complete. */
bool mw_writer_publish(mw_writer *writer, mw_error *err);
/* Removes what was not published. */
void mw_writer_close(mw_writer *writer);

#endif
