/* file_checksum.c: XXH3 takes the bytes of a chunk in their order. So of each chunk it is known how far it is `done`, and a piece
 * that begins just there is added at once. A piece that begins a little later is kept aside until its turn comes; before one that
 * is missing a little in an input, the gap is read. Any other piece is dropped: its bytes are read again when all pieces of the
 * chunk have been seen, most of them still in the cache. For example, of a chunk whose pieces come as A C B D:
 *
 *   A        is added; done = 1
 *   C        is kept aside if it is small, else dropped
 *   B        is added, and C if it is here; done = 3, or 2
 *   D        is added; or, since all has been seen now, C and D are read and added
 *
 * A chunk of a file being written may be written again. Of one that is complete, and is written again from its beginning, the checksum
 * begins anew. Otherwise what is written behind `done` makes it stale, and mw_file_checksum_complete reads it all.
 *
 * The lock is held for the few steps that decide what to do with a piece, never while bytes are read or added. */
#include "format/file_checksum.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL = 64 << 10 };

/* A piece that came too early. */
typedef struct early {
  struct early *next;
  uint32_t at, length;
  unsigned char bytes[];
} early;

typedef struct progress {
  mw_checksum_state *state; /* of its first `done` bytes; NULL: it is empty, or complete */
  early *waiting;
  uint32_t done, seen; /* bytes; `done` counts what a thread is adding just now */
  bool busy;           /* a thread is adding */
  bool complete, stale;
} progress;

struct mw_file_checksum {
  const mw_file *file;
  bool written;
  mw_file_checksum_memory *memory;
  atomic_flag lock;
  size_t count;
  progress *chunks;
  mw_checksum *sums;
};

static void lock(mw_file_checksum *c) {
  while (atomic_flag_test_and_set_explicit(&c->lock, memory_order_acquire)) sched_yield();
}

static void unlock(mw_file_checksum *c) { atomic_flag_clear_explicit(&c->lock, memory_order_release); }

static uint32_t size_of(const mw_file *file, size_t chunk) {
  uint64_t left = file->size - (uint64_t)chunk * MW_FILE_CHECKSUM_CHUNK;
  return left < MW_FILE_CHECKSUM_CHUNK ? (uint32_t)left : MW_FILE_CHECKSUM_CHUNK;
}

/* ---- memory that is kept aside ---- */

static void *take(mw_file_checksum_memory *memory, size_t bytes) {
  void *taken = NULL;
  if (atomic_fetch_sub(&memory->left, (long long)bytes) >= (long long)bytes) taken = aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (!taken) atomic_fetch_add(&memory->left, (long long)bytes);
  return taken;
}

static void give_back(mw_file_checksum_memory *memory, void *taken, size_t bytes) {
  if (taken) atomic_fetch_add(&memory->left, (long long)bytes);
  free(taken);
}

static void drop_state(mw_file_checksum *c, progress *k) {
  give_back(c->memory, k->state, sizeof *k->state);
  k->state = NULL;
}

static void drop_early(mw_file_checksum *c, early *piece) { give_back(c->memory, piece, sizeof *piece + piece->length); }

/* Takes from the waiting pieces the one that begins at `at`, or NULL. Pieces before it are of no use any more. */
static early *next_waiting(mw_file_checksum *c, progress *k, uint32_t at) {
  early *found = NULL;
  for (early **link = &k->waiting; *link;) {
    early *piece = *link;
    bool past = piece->at < at, next = piece->at == at && !found;
    if (past || next) *link = piece->next;
    else link = &piece->next;
    if (past) drop_early(c, piece);
    if (next) found = piece;
  }
  return found;
}

static void drop_all(mw_file_checksum *c, progress *k) {
  next_waiting(c, k, UINT32_MAX);
  drop_state(c, k);
}

/* ---- adding ---- */

/* Reads bytes [from, to) of a chunk and adds them. */
static bool add_read(const mw_file *file, size_t index, uint32_t from, uint32_t to, mw_checksum_state *state, mw_error *err) {
  unsigned char bytes[SMALL];
  for (uint32_t at = from; at < to; at += SMALL) {
    size_t n = to - at < SMALL ? to - at : SMALL;
    MW_TRY(mw_file_read(file, (uint64_t)index * MW_FILE_CHECKSUM_CHUNK + at, bytes, n, err));
    mw_checksum_add(state, bytes, n);
  }
  return true;
}

/* Keeps a copy of a piece, where it is small enough and there is memory. */
static void keep_aside(mw_file_checksum *c, progress *k, uint32_t at, const void *bytes, uint32_t length) {
  early *piece = length <= SMALL ? take(c->memory, sizeof *piece + length) : NULL;
  if (!piece) return;
  *piece = (early){k->waiting, at, length};
  memcpy(piece->bytes, bytes, length);
  k->waiting = piece;
}

/* Adds what can be added now, beginning with bytes [from, at), which are read, and a piece at `at`. The chunk is this thread's (busy),
 * and `done` is the end of the piece already. */
static void advance(mw_file_checksum *c, size_t index, uint32_t from, uint32_t at, const void *bytes, size_t length) {
  progress *k = &c->chunks[index];
  mw_error ignored;
  mw_checksum_state rest, *state = k->state;
  early *kept = NULL;
  bool good = true;
  uint32_t size = size_of(c->file, index);
  unlock(c);
  if (!state && !from) {
    if (at + length < size) state = take(c->memory, sizeof *state);
    else state = &rest;
    if (state) mw_checksum_begin(state);
  }
  for (;;) {
    good = good && state && add_read(c->file, index, from, at, state, &ignored);
    if (good && length) mw_checksum_add(state, bytes, length);
    lock(c);
    if (kept) drop_early(c, kept);
    if (!good || k->stale || k->done == size) break;
    from = at = k->done;
    if ((kept = next_waiting(c, k, from))) bytes = kept->bytes, length = kept->length, k->done += kept->length;
    else if (k->seen >= size) at = size, length = 0, k->done = size;
    else break;
    unlock(c);
  }
  k->busy = false;
  if (state != &rest) k->state = state;
  if (!good) k->stale = true;
  if (!k->stale && k->done < size) return;
  if (!k->stale) c->sums[index] = mw_checksum_end(state), k->complete = true;
  drop_all(c, k);
}

static void add(mw_file_checksum *c, size_t index, uint32_t at, const void *bytes, uint32_t length) {
  progress *k = &c->chunks[index];
  lock(c);
  if (k->complete && c->written && !at) *k = (progress){0};
  if (k->complete || k->stale || at < k->done) {
    if (c->written && !k->stale) k->stale = true, k->complete = false;
    unlock(c);
    return;
  }
  uint32_t gap = at - k->done, size = size_of(c->file, index);
  for (const early *piece = k->waiting; piece && c->written; piece = piece->next)
    k->stale |= piece->at < at + length && at < piece->at + piece->length;
  k->seen += length;
  if (!k->busy && (!gap || (!c->written && gap <= SMALL) || k->seen >= size)) {
    bool all = k->seen >= size && gap;
    uint32_t from = k->done;
    k->busy = true;
    k->done = all ? size : at + length;
    advance(c, index, from, all ? size : at, bytes, all ? 0 : length);
  } else keep_aside(c, k, at, bytes, length);
  unlock(c);
}

void mw_file_checksum_add(mw_file_checksum *c, uint64_t offset, const void *bytes, size_t length) {
  for (const unsigned char *from = bytes; length;) {
    size_t index = (size_t)(offset / MW_FILE_CHECKSUM_CHUNK);
    uint32_t at = (uint32_t)(offset % MW_FILE_CHECKSUM_CHUNK), left = MW_FILE_CHECKSUM_CHUNK - at;
    uint32_t n = length < left ? (uint32_t)length : left;
    if (index >= c->count) return;
    add(c, index, at, from, n);
    from += n, offset += n, length -= n;
  }
}

/* ---- beginning and end ---- */

bool mw_file_checksum_new(const mw_file *file, bool written, mw_file_checksum_memory *memory, mw_file_checksum **out, mw_error *err) {
  mw_file_checksum *c = mw_mem_new(1, sizeof *c, err);
  *out = c;
  if (!c) return false;
  *c = (mw_file_checksum){.file = file, .written = written, .memory = memory, .lock = ATOMIC_FLAG_INIT,
                          .count = mw_file_checksum_chunks_of(file->size)};
  c->chunks = mw_mem_new(c->count + 1, sizeof *c->chunks, err);
  c->sums = c->chunks ? mw_mem_new(c->count + 1, sizeof *c->sums, err) : NULL;
  return c->sums != NULL;
}

void mw_file_checksum_free(mw_file_checksum *c) {
  if (!c) return;
  for (size_t i = 0; c->chunks && i < c->count; i++) drop_all(c, &c->chunks[i]);
  free(c->chunks);
  free(c->sums);
  free(c);
}

size_t mw_file_checksum_count(const mw_file_checksum *c) { return c->count; }

uint64_t mw_file_checksum_missing(const mw_file_checksum *c, size_t index) {
  const progress *k = &c->chunks[index];
  return k->complete ? 0 : size_of(c->file, index) - (k->stale ? 0 : k->done);
}

bool mw_file_checksum_complete(mw_file_checksum *c, size_t index, mw_error *err) {
  progress *k = &c->chunks[index];
  if (k->complete) return true;
  if (k->stale || !k->state) {
    MW_TRY(mw_file_checksum_read(c->file, index, &c->sums[index], err));
  } else {
    MW_TRY(add_read(c->file, index, k->done, size_of(c->file, index), k->state, err));
    c->sums[index] = mw_checksum_end(k->state);
  }
  drop_all(c, k);
  return k->complete = true;
}

void mw_file_checksum_take(mw_file_checksum *c, size_t index, mw_checksum sum) {
  drop_all(c, &c->chunks[index]);
  c->sums[index] = sum;
  c->chunks[index].complete = true;
}

const mw_checksum *mw_file_checksum_chunks(const mw_file_checksum *c) { return c->sums; }

mw_checksum mw_file_checksum_total(const mw_checksum *chunks, size_t count) { return mw_checksum_of(chunks, count * sizeof *chunks); }

uint64_t mw_file_checksum_cost(uint64_t size) {
  return sizeof(mw_file_checksum) + (mw_file_checksum_chunks_of(size) + 1) * (sizeof(progress) + sizeof(mw_checksum));
}

mw_checksum mw_file_checksum_of(const void *bytes, size_t length) {
  mw_checksum_state state;
  mw_checksum_begin(&state);
  for (size_t at = 0; at < length; at += MW_FILE_CHECKSUM_CHUNK) {
    size_t n = length - at < MW_FILE_CHECKSUM_CHUNK ? length - at : MW_FILE_CHECKSUM_CHUNK;
    mw_checksum sum = mw_checksum_of((const unsigned char *)bytes + at, n);
    mw_checksum_add(&state, sum.bytes, sizeof sum.bytes);
  }
  return mw_checksum_end(&state);
}

bool mw_file_checksum_read(const mw_file *file, size_t chunk, mw_checksum *out, mw_error *err) {
  mw_checksum_state state;
  mw_checksum_begin(&state);
  MW_TRY(add_read(file, chunk, 0, size_of(file, chunk), &state, err));
  *out = mw_checksum_end(&state);
  return true;
}
