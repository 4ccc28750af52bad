/* look_ahead.c: see look_ahead.h. Scores that are kept are known too, but a candidate that has one counts in the numbers. */
#include "merge/look_ahead.h"
#include "merge/subprocess.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One evaluation with invented scores. */
typedef struct looking {
  mw_search *search;
  mw_look_ahead *found;
  size_t most;
  double step;      /* from one invention to the next */
  bool compares;    /* the second evaluation: it only shortens what the first has found */
  size_t unknown;   /* so many that are not measured have been asked for */
  char (*fresh)[65]; /* those that are asked for the first time, measured or not */
  double *invented; /* of each, what it was told to score */
  size_t fresh_count, fresh_capacity, invented_capacity;
} looking;

static bool seen(const looking *l, const char *identity, double *value) {
  for (size_t i = 0; i < l->fresh_count; i++)
    if (strcmp(l->fresh[i], identity) == 0) return *value = l->invented[i], true;
  return false;
}

/* One that has not been asked for: the next of those to be measured, or known from an earlier run. False: enough is known. */
static bool take(looking *l, mw_recipe_candidate *candidate, const char *identity, double *value, mw_error *err) {
  mw_look_ahead *found = l->found;
  bool measured = mw_search_measured(l->search, identity, value);
  MW_TRY(mw_mem_grow(&l->fresh, &l->fresh_capacity, l->fresh_count + 1, sizeof *l->fresh, err));
  MW_TRY(mw_mem_grow(&l->invented, &l->invented_capacity, l->fresh_count + 1, sizeof *l->invented, err));
  if (!measured) {
    size_t i = l->unknown++;
    *value = l->step * (double)l->unknown;
    if (i >= (l->compares ? found->count : l->most)) return false;
    if (l->compares && strcmp(found->all[i].identity, identity) != 0) return l->unknown--, false;
    if (!l->compares && i) {
      found->owned[i] = *candidate;
      *candidate = (mw_recipe_candidate){0};
      found->all[i] = (mw_score_commands_one){.candidate = &found->owned[i], .number = l->search->count + 1 + l->fresh_count};
      memcpy(found->all[i].identity, identity, 65);
      found->count = i + 1;
    }
  }
  memcpy(l->fresh[l->fresh_count], identity, 65);
  l->invented[l->fresh_count++] = *value;
  return true;
}

static bool answer(void *context, mw_recipe_candidate *candidate, mw_recipe_draws drawn, double *value, mw_error *err) {
  looking *l = context;
  char identity[65];
  bool *models = NULL;
  (void)drawn;
  bool ok = mw_search_identify(l->search, candidate, identity, &models, err);
  free(models);
  ok = ok && (mw_search_known(l->search, identity, value) || seen(l, identity, value) || take(l, candidate, identity, value, err));
  mw_recipe_candidate_free(candidate);
  return ok || mw_error_set(err, MW_INTERRUPTED, "no more is asked");
}

static size_t look(mw_search *search, mw_look_ahead *found, size_t most, double step, bool compares) {
  looking l = {.search = search, .found = found, .most = most, .step = step, .compares = compares};
  const mw_recipe_scorer scorer = {&l, answer, false};
  search->evaluate(search->context, &scorer);
  free(l.fresh);
  free(l.invented);
  return l.unknown;
}

bool mw_look_ahead_find(mw_search *search, const mw_recipe_candidate *asked, const char *identity, mw_look_ahead *out, mw_error *err) {
  size_t most = search->options->score_jobs > 1 && search->evaluate ? (size_t)search->options->score_jobs : 1;
  if (most > MW_SUBPROCESS_MOST) most = MW_SUBPROCESS_MOST;
  *out = (mw_look_ahead){.all = mw_mem_new(most, sizeof *out->all, err)};
  out->owned = out->all ? mw_mem_new(most, sizeof *out->owned, err) : NULL;
  if (!out->owned) return false;
  out->all[0] = (mw_score_commands_one){.candidate = asked, .number = search->count + 1};
  memcpy(out->all[0].identity, identity, 65);
  out->count = 1;
  if (most == 1) return true;
  look(search, out, most, -1e6, false);
  size_t common = out->count > 1 ? look(search, out, most, 1e6, true) : 1;
  for (; out->count > common && out->count > 1; out->count--) mw_recipe_candidate_free(&out->owned[out->count - 1]);
  return true;
}

void mw_look_ahead_free(mw_look_ahead *ahead) {
  for (size_t i = 1; i < ahead->count; i++) mw_recipe_candidate_free(&ahead->owned[i]);
  free(ahead->owned);
  free(ahead->all);
}
