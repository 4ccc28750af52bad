/* advice.c: by lengths and angles of the weights, and by the checks of a merge. */
#include "report/advice.h"
#include <math.h>
#include <string.h>

/* Weights of models that come from the same one have a cosine near 1, those of unrelated models near 0. */
static const double strangers = 0.2;
/* Deltas longer than this share of the base do not merge well. */
static const double longest_delta = 0.2;
static const size_t none = (size_t)-1;

/* A model and the one that it is compared with: the base, or A if there is none. */
typedef struct pair {
  size_t model, from; /* members of the comparison */
  mw_compare_sum from_squares, squares, delta; /* sums: |from|^2, |model|^2, |model - from|^2 */
  mw_compare_sum elements;
} pair;

static const pair pairs_with_base[] = {
    {MW_COMPARE_A, MW_COMPARE_BASE, MW_COMPARE_CC, MW_COMPARE_AA, MW_COMPARE_UU, MW_COMPARE_PAIRED},
    {MW_COMPARE_B, MW_COMPARE_BASE, MW_COMPARE_CC, MW_COMPARE_BB, MW_COMPARE_VV, MW_COMPARE_PAIRED}};
static const pair pair_alone[] = {
    {MW_COMPARE_B, MW_COMPARE_A, MW_COMPARE_AA, MW_COMPARE_BB, MW_COMPARE_DD, MW_COMPARE_MEASURED}};

/* The cosine of the weights, by x y = (|x|^2 + |y|^2 - |x - y|^2) / 2. NAN if one of them is zero, or nothing was measured. */
static double weight_cosine(const pair *p, const mw_compare_sums *sums) {
  double x = sums->of[p->from_squares], y = sums->of[p->squares];
  if (sums->of[p->elements] == 0 || !(x > 0 && y > 0)) return (double)NAN;
  return (x + y - sums->of[p->delta]) / 2 / sqrt(x) / sqrt(y);
}

static double delta_length(const pair *p, const mw_compare_sums *sums) {
  return sums->of[p->from_squares] > 0 ? sqrt(sums->of[p->delta]) / sqrt(sums->of[p->from_squares]) : 0;
}

/* Whether the two models come from the same one, as far as their matrices show. */
static bool check_family(const mw_compare *compare, const pair *p, mw_warning *warnings) {
  size_t matrices = 0, strange = 0, worst = none;
  double least = 2;
  for (size_t i = 0; i < compare->count; i++) {
    const mw_compare_row *row = &compare->rows[i];
    double cosine = weight_cosine(p, &row->sums);
    if (isnan(cosine) || row->tensor[MW_COMPARE_A]->rank < 2) continue;
    matrices++;
    strange += cosine < strangers;
    if (cosine < least) least = cosine, worst = i;
  }
  if (!strange) return true;
  mw_text_escaped name;
  mw_text_escape_z(&name, compare->rows[worst].name);
  bool all = strange * 2 >= matrices, of_base = p->from == MW_COMPARE_BASE;
  mw_warning_add(warnings,
              all ? "%s and %s are not of one family: the cosine of their weights is below %g in %zu of %zu matrices "
                    "('%s': %.3f); a merge of such models fails"
                  : "%s and %s differ wholly in places: the cosine of their weights is below %g in %zu of %zu matrices "
                    "('%s': %.3f); a merge fails there",
              compare->members[of_base ? p->model : p->from].label, compare->members[of_base ? p->from : p->model].label, strangers,
              strange, matrices, name.bytes, least);
  return !all;
}

static void check_length(const mw_compare *compare, const pair *p, mw_warning *warnings) {
  const char *model = compare->members[p->model].label, *from = compare->members[p->from].label;
  double whole = delta_length(p, &compare->all), longest = 0;
  size_t beyond = 0, worst = none;
  for (size_t g = 0; g < compare->group_count; g++) {
    double length = delta_length(p, &compare->groups[g].sums);
    beyond += length > longest_delta;
    if (length > longest) longest = length, worst = g;
  }
  if (!beyond && whole <= longest_delta) return;
  if (whole > longest_delta) {
    mw_warning_add(warnings, "the distance of %s from %s is %.0f %% of %s's length: merges of deltas beyond about %.0f %% usually fail",
                model, from, 100 * whole, from, 100 * longest_delta);
    return;
  }
  const mw_compare_row *row = &compare->rows[compare->groups[worst].first];
  mw_text_escaped name;
  mw_warning_add(warnings, "the distance of %s from %s is more than %.0f %% of %s's length in %zu of %zu layers and modules "
              "(%s: %.0f %%): merges of such deltas usually fail",
              model, from, 100 * longest_delta, from, beyond, compare->group_count,
              mw_text_escape(&name, row->name, row->key), 100 * longest);
}

/* Whether a merge would take these models, judged without the others' tensors; if not, a warning says why. */
static bool joins(const mw_family_member *models, size_t count, mw_warning *warnings) {
  mw_family_rules rules = {0};
  mw_family_member members[MW_COMPARE_MODELS];
  mw_family family;
  mw_error refusal;
  memcpy(members, models, count * sizeof *members);
  if (!mw_family_join(members, count, count == 3 ? MW_COMPARE_BASE : MW_COMPARE_A, &rules, NULL, &family, &refusal)) {
    if (refusal.status == MW_MEMORY) warnings->lost = true;
    else mw_warning_add(warnings, "a merge would refuse these models: %s", refusal.text);
    return false;
  }
  mw_family_free(&family);
  return true;
}

/* The models' component of that name, as members of a merge; false where one has none: then it is carried. */
static bool members_of(const mw_compare *compare, const char *component, size_t length, mw_family_member *out) {
  for (size_t m = 0; m < compare->models; m++) {
    const mw_model *model = compare->members[m].model;
    out[m] = (mw_family_member){.label = compare->members[m].label};
    for (size_t i = 0; i < model->component_count; i++)
      if (strncmp(model->components[i], component, length) == 0 && !model->components[i][length]) out[m].model = model->opened[i];
    if (!out[m].model) return false;
  }
  return true;
}

static bool join(const mw_compare *compare, mw_warning *warnings) {
  mw_family_member members[MW_COMPARE_MODELS];
  const mw_model *a = compare->members[MW_COMPARE_A].model;
  bool all = joins(compare->members, compare->models, warnings);
  for (size_t i = 0; i < a->component_count; i++)
    if (members_of(compare, a->components[i], strlen(a->components[i]), members)) all = joins(members, compare->models, warnings) && all;
  return all;
}

/* The warnings and errors that a merge of these would give. */
static void check_merge(const mw_compare *compare, mw_warning *warnings) {
  if (!join(compare, warnings)) return;
  bool pipelines = compare->members[MW_COMPARE_A].model->component_count;
  size_t unmatched = 0, first = none;
  for (size_t i = 0; i < compare->count; i++) {
    mw_family_member members[MW_COMPARE_MODELS];
    const mw_compare_row *row = &compare->rows[i];
    if (row->state == MW_COMPARE_SAME || row->state == MW_COMPARE_DIFFERS) continue;
    if (pipelines && !members_of(compare, row->name, strcspn(row->name, "/"), members)) continue;
    if (!unmatched++) first = i;
  }
  mw_text_escaped name;
  if (unmatched)
    mw_warning_add(warnings, "a merge would refuse these models: not all of them have %zu of the tensors, or have them in another shape, "
                   "'%s' the first", unmatched, mw_text_escape_z(&name, compare->rows[first].name));
}

void mw_advice_give(const mw_compare *compare, mw_warning *warnings) {
  bool based = compare->models == 3;
  const pair *pairs = based ? pairs_with_base : pair_alone;
  for (size_t i = 0; i < (based ? 2 : 1); i++)
    if (check_family(compare, &pairs[i], warnings)) check_length(compare, &pairs[i], warnings);
  check_merge(compare, warnings);
}
