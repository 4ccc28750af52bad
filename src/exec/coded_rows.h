/* coded_rows.h: a program whose elements are a matrix, as machine code that takes some whole rows at a time, where adapters are among the
 * inputs: what a LoRA adds is formed in registers (num/machine_product.h), so that no floats of the adapted matrix are written to memory.
 * Only programs that load, compute element by element and store have it. */
#ifndef MW_EXEC_CODED_ROWS_H
#define MW_EXEC_CODED_ROWS_H

#include "model/adapted.h"
#include "num/machine_product.h"

struct mw_tile;

/* What a function reads or writes of one row: an input, or the output. */
typedef struct mw_coded_rows_stream {
  bool output;
  uint32_t index, row;
  mw_dtype dtype;
} mw_coded_rows_stream;

/* A thread's function, of the program it has made it for last. */
typedef struct mw_coded_rows {
  mw_machine_code code;
  size_t entry, products, slots; /* the address at which the first product's factors are told */
  uint32_t odd;                  /* bits that say that something may not be finite */
  mw_coded_rows_stream *streams;
  size_t stream_count, stream_capacity;
  const void **addresses;
  size_t address_capacity;
  float *frame;
  size_t frame_bytes;
} mw_coded_rows;

/* Makes the function of a tile's program, of whose inputs i is stored in sources[i], and formed by a product of rank ranks[i] if that is
 * not 0. *made: there is one. */
bool mw_coded_rows_make(mw_coded_rows *rows, const struct mw_tile *tile, const mw_dtype *sources, const uint64_t *ranks, mw_dtype output,
                        bool *made, mw_error *err);
/* Runs it on MW_MACHINE_PRODUCT_ROWS rows of so many columns, a multiple of MW_MACHINE_CODE_GROUP. They begin `first` elements behind
 * where the inputs, as they are stored, and the output do; products[k] are the factors of the k-th input that has some, from the first of
 * these rows on. True if a value was NaN or infinite: then the result must not be used. */
bool mw_coded_rows_run(mw_coded_rows *rows, const struct mw_tile *tile, const unsigned char *const *inputs, unsigned char *output,
                       uint64_t first, size_t columns, const mw_adapted_product *products);
void mw_coded_rows_free(mw_coded_rows *rows);

#endif
