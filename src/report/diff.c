/* diff.c: what a comparison says: JSON for programs, text for people. */
#include "base/option_table.h"
#include "report/document.h"
#include "report/advice.h"
#include "report/diff.h"
#include "report/page.h"
#include "report/pairs.h"
#include "format/atomic_file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- JSON ---- */

static void put_tensor(mw_json_writer *json, const char *key, const mw_tensor *tensor) {
  if (!tensor) {
    mw_json_writer_string(json, key, NULL);
    return;
  }
  mw_json_writer_object(json, key);
  mw_json_writer_string(json, "dtype", mw_dtype_name(mw_model_written(tensor)));
  mw_json_writer_list(json, "shape");
  for (unsigned i = 0; i < tensor->rank; i++) mw_json_writer_u64(json, NULL, tensor->shape[i]);
  mw_json_writer_end(json);
  mw_json_writer_end(json);
}

static void put_row(mw_json_writer *json, const mw_compare_row *row, bool based) {
  mw_compare_figures f = mw_compare_tell(&row->sums);
  mw_json_writer_object(json, NULL);
  mw_json_writer_string(json, "tensor", row->name);
  mw_json_writer_number(json, "relative_delta", f.relative_delta);
  mw_json_writer_number(json, "changed", f.changed);
  mw_json_writer_number(json, "cosine", f.cosine);
  mw_json_writer_number(json, "sign_conflict", f.sign_conflict);
  if (based) {
    mw_json_writer_number(json, "delta_a", f.delta_a);
    mw_json_writer_number(json, "delta_b", f.delta_b);
    mw_json_writer_number(json, "changed_a", f.changed_a);
    mw_json_writer_number(json, "changed_b", f.changed_b);
  }
  mw_json_writer_bytes(json, "layer", row->name, row->key);
  mw_json_writer_string(json, "state", mw_compare_state_names[row->state]);
  put_tensor(json, "a", row->tensor[MW_COMPARE_A]);
  put_tensor(json, "b", row->tensor[MW_COMPARE_B]);
  if (based) put_tensor(json, "base", row->tensor[MW_COMPARE_BASE]);
  mw_json_writer_end(json);
}

void mw_diff_put_tensors(mw_json_writer *json, const char *name, const mw_compare *compare) {
  mw_json_writer_list(json, name);
  for (size_t i = 0; i < compare->count; i++) put_row(json, &compare->rows[i], compare->models == MW_COMPARE_MODELS);
  mw_json_writer_end(json);
}

static bool compose_json(const mw_compare *compare, mw_text *out, mw_error *err) {
  mw_json_writer json = {.out = out, .layout = MW_JSON_WRITER_LINES, .streamed = 1};
  mw_diff_put_tensors(&json, NULL, compare);
  return mw_json_writer_finish(&json, err);
}

/* ---- text ---- */

static void put_percent(mw_text *text, double value) {
  if (isnan(value)) mw_text_format(text, "%9s", "-");
  else if (value > 0 && value < 5e-5) mw_text_format(text, "%9s", "<0.01 %");
  else if (value >= 100) mw_text_format(text, "%8.3gx", value);
  else mw_text_format(text, "%7.2f %%", 100 * value);
}

void mw_diff_put_figures(mw_text *text, const mw_compare_sums *sums, bool based) {
  mw_compare_figures f = mw_compare_tell(sums);
  if (based) {
    put_percent(text, f.delta_a);
    put_percent(text, f.delta_b);
  }
  put_percent(text, f.relative_delta);
  if (isnan(f.cosine)) mw_text_format(text, "%9s", "-");
  else mw_text_format(text, "%9.4f", f.cosine);
  put_percent(text, f.sign_conflict);
  put_percent(text, f.changed);
}

void mw_diff_put_heading(mw_text *text, const char *title, bool based) {
  mw_text_format(text, "\n%s%9s%9s%9s%9s  %s\n", based ? "   A-base   B-base" : "", "B-A", "cosine", "conflict",
                 "changed", title);
}

static void put_layers(mw_text *text, const mw_compare *compare, bool based) {
  mw_text_escaped name;
  mw_diff_put_heading(text, "layer or module (tensors)", based);
  for (size_t g = 0; g < compare->group_count; g++) {
    const mw_compare_group *group = &compare->groups[g];
    const mw_compare_row *row = &compare->rows[group->first];
    mw_diff_put_figures(text, &group->sums, based);
    mw_text_format(text, "  %s (%zu)\n", mw_text_escape(&name, row->name, row->key), group->count);
  }
  mw_diff_put_figures(text, &compare->all, based);
  mw_text_format(text, "  all (%zu)\n", compare->count);
}

/* How far a tensor moved, by which the list of the largest changes is sorted; below 0 if nothing was measured. */
static double distance(const mw_compare_row *row, bool based) {
  mw_compare_figures f = mw_compare_tell(&row->sums);
  if (row->sums.of[MW_COMPARE_MEASURED] == 0) return -1;
  double a = based && row->state != MW_COMPARE_NO_BASE ? f.delta_a : f.relative_delta;
  double b = based && row->state != MW_COMPARE_NO_BASE ? f.delta_b : f.relative_delta;
  if (isnan(a) || isnan(b)) return INFINITY; /* from zero to something */
  return a > b ? a : b;
}

typedef struct ranked { double distance; size_t row; } ranked;

static int farthest_first(const void *a, const void *b) {
  const ranked *x = a, *y = b;
  if (x->distance != y->distance) return x->distance > y->distance ? -1 : 1;
  return (x->row > y->row) - (x->row < y->row);
}

static bool put_worst(mw_text *text, const mw_compare *compare, bool based, mw_error *err) {
  enum { SHOWN = 10 };
  mw_text_escaped name;
  ranked *list = mw_mem_new(compare->count, sizeof *list, err);
  if (!list) return false;
  for (size_t i = 0; i < compare->count; i++) list[i] = (ranked){distance(&compare->rows[i], based), i};
  qsort(list, compare->count, sizeof *list, farthest_first);
  for (size_t i = 0; i < compare->count && i < SHOWN && list[i].distance > 0; i++) {
    if (i == 0) mw_diff_put_heading(text, "tensors that moved farthest", based);
    mw_diff_put_figures(text, &compare->rows[list[i].row].sums, based);
    mw_text_format(text, "  %s\n", mw_text_escape_z(&name, compare->rows[list[i].row].name));
  }
  free(list);
  return true;
}

static void put_shape(mw_text *text, const char *label, const mw_tensor *tensor) {
  if (!tensor) return;
  mw_text_format(text, "  %s %s ", label, mw_dtype_name(mw_model_written(tensor)));
  mw_text_shape(text, tensor->shape, tensor->rank);
}

static bool in_state(const mw_compare_row *row, mw_compare_state state) { return row->state == state; }

static bool other_dtype(const mw_compare_row *row, mw_compare_state state) {
  (void)state;
  const mw_tensor *a = row->tensor[MW_COMPARE_A], *b = row->tensor[MW_COMPARE_B];
  return a && b && mw_model_written(a) != mw_model_written(b) && row->state != MW_COMPARE_DTYPE;
}

static bool other_bytes(const mw_compare_row *row, mw_compare_state state) {
  return row->state == state && row->sums.of[MW_COMPARE_MEASURED] == 0;
}

/* Tensors that were not compared: a list for each reason, with at most 20 names. */
static void put_lists(mw_text *text, const mw_compare *compare) {
  enum { SHOWN = 20 };
  static const struct {
    const char *title;
    bool (*belongs)(const mw_compare_row *row, mw_compare_state state);
    mw_compare_state state;
  } lists[] = {{"only in A", in_state, MW_COMPARE_ONLY_A},
               {"only in B", in_state, MW_COMPARE_ONLY_B},
               {"only in the base", in_state, MW_COMPARE_ONLY_BASE},
               {"the shapes differ; not compared", in_state, MW_COMPARE_SHAPE},
               {"the kinds of dtype differ; not compared", in_state, MW_COMPARE_DTYPE},
               {"the base has no such tensor; compared without it", in_state, MW_COMPARE_NO_BASE},
               {"the dtypes differ; the values are compared", other_dtype, MW_COMPARE_DIFFERS},
               {"compared by their bytes, which differ", other_bytes, MW_COMPARE_DIFFERS}};
  mw_text_escaped name;
  for (size_t l = 0; l < sizeof lists / sizeof *lists; l++) {
    size_t found = 0;
    for (size_t i = 0; i < compare->count; i++) {
      const mw_compare_row *row = &compare->rows[i];
      if (!lists[l].belongs(row, lists[l].state) || ++found > SHOWN) continue;
      if (found == 1) mw_text_format(text, "\n%s\n", lists[l].title);
      mw_text_format(text, "  %s", mw_text_escape_z(&name, row->name));
      put_shape(text, "A", row->tensor[MW_COMPARE_A]);
      put_shape(text, "B", row->tensor[MW_COMPARE_B]);
      put_shape(text, "base", row->tensor[MW_COMPARE_BASE]);
      mw_text_format(text, "\n");
    }
    if (found > SHOWN) mw_text_format(text, "  ... and %zu more; --json lists all\n", found - SHOWN);
  }
}

static const char legend_of_base[] =
    "A-base, B-base: length of the task vector, of the base's. B-A: distance, of A's length. cosine, conflict:\n"
    "angle and share of opposite signs of the two task vectors. changed: elements of B that are not A's.";
static const char legend_alone[] =
    "B-A: distance, of A's length. cosine, conflict: angle and share of opposite signs of the weights; with\n"
    "--base of the task vectors. changed: elements of B that are not A's.";

const char *mw_diff_legend(bool based) { return based ? legend_of_base : legend_alone; }

static bool is_same(const mw_compare *compare) {
  for (size_t i = 0; i < compare->count; i++)
    if (compare->rows[i].state != MW_COMPARE_SAME) return false;
  return true;
}

static bool compose_text(const mw_compare *compare, mw_text *text, mw_error *err) {
  static const char *const labels[] = {"A   ", "B   ", "base"};
  bool based = compare->models == 3;
  mw_text_escaped where;
  for (size_t m = 0; m < compare->models; m++)
    mw_text_format(text, "%s  %s\n", labels[m], mw_text_escape_z(&where, compare->members[m].model->where));
  mw_text_format(text, "\n%s\n", mw_diff_legend(based));
  put_layers(text, compare, based);
  MW_TRY(put_worst(text, compare, based, err));
  put_lists(text, compare);
  if (is_same(compare)) mw_text_format(text, "\nA and B hold the same values.\n");
  return mw_text_check(text, err);
}

/* ---- the public functions ---- */

static bool compose(mw_diff *diff, const mw_compare *compare, const char *page, mw_error *err) {
  mw_text html = {0};
  mw_advice_give(compare, &diff->warnings);
  if (diff->warnings.lost) return mw_error_set(err, MW_MEMORY, "out of memory for the warnings");
  MW_TRY(compose_json(compare, &diff->json, err) && compose_text(compare, &diff->text, err));
  if (!page) return true;
  bool ok = mw_page_compose(compare, &diff->warnings, &html, err) &&
            mw_atomic_file_write(page, mw_document_mark, html.bytes, html.length, err);
  mw_text_free(&html);
  return ok;
}

static bool compare_two(mw_diff *diff, const char *a, const char *b, const mw_diff_options *options, mw_error *err) {
  mw_compare compare = {0};
  mw_compare_given given[] = {{a, "A"}, {b, "B"}, {options->base, "the base"}};
  bool ok = mw_compare_models(given, options->threads, options->progress, options->context, &diff->warnings, &compare, err) &&
            compose(diff, &compare, options->html, err);
  mw_compare_close(&compare);
  return ok;
}

bool mw_diff_models(const char *const *models, size_t count, const mw_diff_options *options, mw_diff **out, mw_error *err) {
  mw_diff_options plain = {0};
  mw_options shared;
  if (!options) options = &plain;
  mw_options_init(&shared);
  shared.threads = options->threads;
  MW_TRY(mw_option_table_check(&shared, err));
  if (count < 2 || count > MW_PAIRS_MODELS)
    return mw_error_set(err, MW_USAGE, "%zu models: from 2 to %d are compared", count, MW_PAIRS_MODELS);
  if (options->html) MW_TRY(mw_atomic_file_allowed(options->html, mw_document_mark, err));
  mw_diff *diff = mw_mem_new(1, sizeof *diff, err);
  if (!diff) return false;
  bool ok = count == 2 ? compare_two(diff, models[0], models[1], options, err) : mw_pairs_compose(models, count, options, diff, err);
  if (ok) *out = diff;
  else mw_diff_free(diff);
  return ok;
}

bool mw_diff_make(const char *a, const char *b, const mw_diff_options *options, mw_diff **out, mw_error *err) {
  return mw_diff_models((const char *[]){a, b}, 2, options, out, err);
}

void mw_diff_free(mw_diff *diff) {
  if (!diff) return;
  mw_warning_free(&diff->warnings);
  mw_text_free(&diff->json);
  mw_text_free(&diff->text);
  free(diff);
}

const char *mw_diff_json(const mw_diff *diff) { return diff->json.bytes; }
const char *mw_diff_text(const mw_diff *diff) { return diff->text.bytes; }

size_t mw_diff_notes(const mw_diff *diff, const char *const **lines) {
  *lines = (const char *const *)diff->warnings.lines;
  return diff->warnings.count;
}
