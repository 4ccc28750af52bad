/* file_checksum.h: the checksum of a file: XXH3-128 of each chunk of 4 MiB (the last one may be shorter), then XXH3-128 of these
 * checksums, 16 bytes each, in order. So it can be computed by several threads while a file is read or written in pieces, from
 * bytes that lie in the cache; and whoever has the checksums of the chunks can tell where a file has changed. */
#ifndef MW_FORMAT_FILE_CHECKSUM_H
#define MW_FORMAT_FILE_CHECKSUM_H

#include <stdatomic.h>

#include "base/checksum.h"
#include "format/file.h"

enum { MW_FILE_CHECKSUM_CHUNK = 4 << 20 };

/* Bytes that all checksums which share it may keep aside: pieces that came a little too early. */
typedef struct mw_file_checksum_memory { atomic_llong left; } mw_file_checksum_memory;

typedef struct mw_file_checksum mw_file_checksum;

/* For an input that stays open; or for a file that is being `written`, where `file` is how it can be read back, and where a place may
 * be written again. Both must stay where they are. */
bool mw_file_checksum_new(const mw_file *file, bool written, mw_file_checksum_memory *memory, mw_file_checksum **out, mw_error *err);
void mw_file_checksum_free(mw_file_checksum *checksum);
/* Takes bytes that were read, or have been written. Any thread may call it, in any order. A chunk that comes in order, or nearly so,
 * costs only the computation; of another one the rest is read again when all of it has been seen, or by the function below. So it is
 * when a chunk that is complete is written again, in order or not. */
void mw_file_checksum_add(mw_file_checksum *checksum, uint64_t offset, const void *bytes, size_t length);
size_t mw_file_checksum_count(const mw_file_checksum *checksum);
/* Reads what is missing of a chunk, if anything is: `missing` says how many bytes. Different threads may do different chunks, when
 * nothing is added any more. */
uint64_t mw_file_checksum_missing(const mw_file_checksum *checksum, size_t chunk);
bool mw_file_checksum_complete(mw_file_checksum *checksum, size_t chunk, mw_error *err);
/* Of what another process has read or written: takes its checksum of a chunk, which is complete then. */
void mw_file_checksum_take(mw_file_checksum *checksum, size_t chunk, mw_checksum sum);
/* When every chunk is complete: their checksums, and that of the file. */
const mw_checksum *mw_file_checksum_chunks(const mw_file_checksum *checksum);
mw_checksum mw_file_checksum_total(const mw_checksum *chunks, size_t count);
/* Bytes that it takes for a file of `size` bytes, at most, beside what is kept aside. */
uint64_t mw_file_checksum_cost(uint64_t size);

/* Of bytes in memory. */
mw_checksum mw_file_checksum_of(const void *bytes, size_t length);
/* How many chunks a file of `size` bytes has. */
static inline size_t mw_file_checksum_chunks_of(uint64_t size) {
  return (size_t)(size / MW_FILE_CHECKSUM_CHUNK + (size % MW_FILE_CHECKSUM_CHUNK != 0));
}
/* Of one chunk, read now. */
bool mw_file_checksum_read(const mw_file *file, size_t chunk, mw_checksum *out, mw_error *err);

#endif
