/* factors.c: see factors.h. */
#include "exec/factors.h"
#include <stdlib.h>

static void forget_unused(mw_factors *f) {
  size_t left = 0;
  for (size_t i = 0; i < f->count; i++)
    if (f->lent[i].users) f->lent[left++] = f->lent[i];
    else mw_adapted_close(f->lent[i].factors);
  f->count = left;
}

bool mw_factors_take(mw_factors *f, const mw_model *model, const mw_adapted *adapted, const mw_adapted_factors **out, mw_error *err) {
  size_t i = 0;
  while (i < f->count && f->lent[i].adapted != adapted) i++;
  if (i == f->count) {
    forget_unused(f);
    i = f->count;
    MW_TRY(mw_mem_grow(&f->lent, &f->capacity, i + 1, sizeof *f->lent, err));
    f->lent[i] = (mw_factors_lent){.adapted = adapted};
    MW_TRY(mw_adapted_open(model, adapted, &f->lent[i].factors, err));
    f->count++;
  }
  f->lent[i].users++;
  *out = f->lent[i].factors;
  return true;
}

void mw_factors_give(mw_factors *f, const mw_adapted_factors *taken) {
  for (size_t i = 0; i < f->count; i++)
    if (f->lent[i].factors == taken) f->lent[i].users--;
}

void mw_factors_free(mw_factors *f) {
  for (size_t i = 0; i < f->count; i++) mw_adapted_close(f->lent[i].factors);
  free(f->lent);
}
