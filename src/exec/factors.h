/* factors.h: the factors of adapted tensors (model/adapted.h) while workers read them. All threads that are at the same tensor share
 * its factors, so that memory holds those of one tensor, and of the next one while some threads are there already. */
#ifndef MW_EXEC_FACTORS_H
#define MW_EXEC_FACTORS_H

#include "model/adapted.h"
#include "model/model.h"

typedef struct mw_factors_lent {
  const mw_adapted *adapted;
  mw_adapted_factors *factors;
  size_t users;
} mw_factors_lent;

/* A zeroed one is empty. Its functions must exclude each other. */
typedef struct mw_factors {
  mw_factors_lent *lent;
  size_t count, capacity;
} mw_factors;

/* Lends a tensor's factors; reads them if nobody has them, and then forgets all that nobody uses. */
bool mw_factors_take(mw_factors *factors, const mw_model *model, const mw_adapted *adapted, const mw_adapted_factors **out, mw_error *err);
/* One user less. They stay until others are read. */
void mw_factors_give(mw_factors *factors, const mw_adapted_factors *taken);
void mw_factors_free(mw_factors *factors);

#endif
