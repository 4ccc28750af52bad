/* coded_steps.h: sections of maps as machine code (num/machine_code.h): where all steps of a section load, compute element by element and
 * store, one step does them all, and no value between them is written to memory. */
#ifndef MW_EXEC_CODED_STEPS_H
#define MW_EXEC_CODED_STEPS_H

#include "base/error.h"
#include "num/machine_code.h"

struct mw_tile;
struct mw_tile_step;
struct mw_tile_block;

/* What a function reads or writes: an input, the output, or one value of what is kept. */
typedef struct mw_coded_steps_stream {
  enum { MW_CODED_STEPS_INPUT, MW_CODED_STEPS_OUTPUT, MW_CODED_STEPS_KEPT } what;
  uint32_t index;
  mw_dtype dtype;
} mw_coded_steps_stream;

/* A section's function. */
typedef struct mw_coded_steps_part {
  size_t entry, first, count; /* its streams */
  uint32_t odd;               /* bits that say that something may not be finite */
} mw_coded_steps_part;

/* A tile's functions. */
typedef struct mw_coded_steps {
  mw_machine_code code;
  mw_coded_steps_stream *streams;
  size_t stream_count, stream_capacity;
  mw_coded_steps_part *parts;
  size_t part_count, part_capacity;
  const void **addresses; /* of a part's streams */
  size_t address_capacity;
  unsigned char *memory;  /* the frame, and behind it room for the last elements of each stream */
  size_t memory_bytes, frame_bytes;
} mw_coded_steps;

/* Forgets the functions of the program before. */
void mw_coded_steps_clear(mw_coded_steps *c);
void mw_coded_steps_free(mw_coded_steps *c);
/* Makes a function of these steps, a section of the tile's program: *part becomes 1 + its index among the tile's parts, or 0: there is
 * none. */
bool mw_coded_steps_make(struct mw_tile *tile, const struct mw_tile_step *steps, size_t count, const mw_dtype *dtypes, mw_dtype output,
                         size_t *part, mw_error *err);
/* Runs it on n elements from `offset` of the block; `within` is their place in what values along rows are counted from. True if one was
 * NaN or infinite: then the result must not be used. */
bool mw_coded_steps_run(struct mw_tile *tile, size_t part, const struct mw_tile_block *block, size_t offset, uint64_t within, size_t n);

#endif
