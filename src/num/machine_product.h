/* machine_product.h: the product of two thin matrices as a part of machine code (num/machine_code.h): what a LoRA adds is formed in
 * registers, a group of columns of some rows at a time, and is read by the rows' maps while it is still in the nearest cache. Sums are
 * those of add_product (rows.def), bit for bit. */
#ifndef MW_NUM_MACHINE_PRODUCT_H
#define MW_NUM_MACHINE_PRODUCT_H

#include "num/machine_code.h"

enum { MW_MACHINE_PRODUCT_ROWS = 5 };

/* Where a function finds its factors, among the addresses of its streams. */
typedef enum mw_machine_product_slot {
  MW_MACHINE_PRODUCT_RIGHT,  /* the strips of the right matrix (rows.def); after a run behind those that were read */
  MW_MACHINE_PRODUCT_LEFT,   /* the first row's value of rank 0; those of the next rows follow it */
  MW_MACHINE_PRODUCT_END,    /* where that of the rank behind the last would be */
  MW_MACHINE_PRODUCT_STRIDE, /* bytes from rank to rank */
  MW_MACHINE_PRODUCT_SCALE,  /* a float */
  MW_MACHINE_PRODUCT_SLOTS
} mw_machine_product_slot;

/* Values `value`, value + 1 ... of the frame, one for each of MW_MACHINE_PRODUCT_ROWS rows: scale * the row's sums, of factors of this rank
 * whose slots begin at the address `slot`. */
void mw_machine_product_write(mw_machine_code *c, uint64_t rank, unsigned slot, unsigned value);
/* Adds such a value to another one, which stays as it is where it is 0. */
void mw_machine_product_add(mw_machine_code *c, unsigned dst, unsigned value);

#endif
