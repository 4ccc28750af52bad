/* coded_steps.h: runs of steps as machine code (num/machine_code.h): where steps that follow one another load, compute element by element,
 * draw, vote, keep what is above a threshold, or store, one step does them all, and no value between them is written to memory but what
 * other steps need. */
#ifndef MW_EXEC_CODED_STEPS_H
#define MW_EXEC_CODED_STEPS_H

#include "base/error.h"
#include "expr/program.h"
#include "num/machine_code.h"

struct mw_tile;
struct mw_tile_step;
struct mw_tile_block;
struct mw_tile_place;

/* What a function reads or writes: an input, the output, one value of what is kept, a register of the tile, or the bytes of a draw. */
typedef enum mw_coded_steps_what {
  MW_CODED_STEPS_INPUT, MW_CODED_STEPS_OUTPUT, MW_CODED_STEPS_KEPT, MW_CODED_STEPS_TILE, MW_CODED_STEPS_DRAWN
} mw_coded_steps_what;

typedef struct mw_coded_steps_stream {
  mw_coded_steps_what what;
  uint32_t index;
  mw_dtype dtype;
  size_t size; /* of an element */
} mw_coded_steps_stream;

/* A function. */
typedef struct mw_coded_steps_part {
  size_t entry, first, count;    /* its streams */
  size_t first_set, set_count;   /* what must be set before it is run */
  uint32_t odd;                  /* bits that say that something may not be finite */
  bool votes;                    /* it has a mean whose b may matter */
  bool whole;                    /* it may take a block at once */
} mw_coded_steps_part;

/* What must be set before a function is run on a tile: a draw's bytes, or a threshold. */
typedef struct mw_coded_steps_set {
  bool draws;
  uint32_t index;          /* which draw of the part, or which scalar */
  mw_kernel_stream stream; /* a draw */
  double p;
  double threshold, last;  /* a TOP's b and c, and its `extra` */
  uint64_t origin;
  bool behind;
} mw_coded_steps_set;

/* A tile's functions. */
typedef struct mw_coded_steps {
  mw_machine_code code;
  mw_coded_steps_stream *streams;
  size_t stream_count, stream_capacity;
  mw_coded_steps_part *parts;
  size_t part_count, part_capacity;
  mw_coded_steps_set *sets;
  size_t set_count, set_capacity;
  const void **addresses; /* of a part's streams */
  size_t address_capacity;
  unsigned char *memory;  /* the frame, and behind it room for the last elements of each stream */
  size_t memory_bytes, frame_bytes;
  uint8_t *drawn;         /* a tile's bytes for each draw of a part */
  size_t drawn_capacity;
} mw_coded_steps;

/* Forgets the functions of the program before. */
void mw_coded_steps_clear(mw_coded_steps *c);
void mw_coded_steps_free(mw_coded_steps *c);
/* Puts code in the place of steps, `*count` of them, a section of the tile's program: of all, or else of runs of them if it `may_divide`.
 * *made: whether there is any. */
bool mw_coded_steps_choose(struct mw_tile *tile, const mw_graph *graph, struct mw_tile_step *steps, size_t *count, bool may_divide,
                           const mw_dtype *dtypes, mw_dtype output, bool *made, mw_error *err);
/* Whether a part may take a block at once. */
bool mw_coded_steps_takes_blocks(const mw_coded_steps *c, size_t part, const struct mw_tile_block *block);
/* Runs it on n elements. True if one was NaN or infinite, or a threshold cuts equal elements among these: then the result must not be
 * used. */
bool mw_coded_steps_run(struct mw_tile *tile, size_t part, struct mw_tile_block *block, const struct mw_tile_place *at, size_t n);

#endif
