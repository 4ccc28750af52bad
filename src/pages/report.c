/* report.c: a page about an output. Every input is compared with the output, over their base where the recipe has one: then the cosine
 * says how much of the input's task vector is in the merged one, and the share that was left out is what a drop or a trim took. */
#include "format/atomic_file.h"
#include "format/file.h"
#include "merge/find_inputs.h"
#include "pages/learned.h"
#include "pages/made.h"
#include "report/compare.h"
#include "report/document.h"
#include "report/heat.h"
#include "report/markup.h"
#include "report/turns.h"
#include <string.h>

typedef struct report {
  const mw_report_options *options;
  mw_verify_options finding; /* where inputs are looked for */
  mw_record record;
  mw_json lock;
  mw_find_inputs_place *places; /* of all inputs */
  size_t base;                  /* the input called "base"; input_count where there is none */
  const char *output;           /* what is compared with the inputs: the folder or the lone file */
  mw_warning warnings;
  mw_text body;                 /* all behind the warnings */
} report;

#define FIGURE(name) offsetof(mw_compare_figures, name)
static const mw_heat_kind of_base[] = {
    {"Its task vector in the merged one: cosine", "1: the merge went where this input went; 0: at right angles.", FIGURE(cosine), false},
    {"Sign conflict", "Share of the elements that this input and the merge push in opposite directions.", FIGURE(sign_conflict), true},
    {"Left out",
     "Of the elements that this input changed, the share that are the base\xe2\x80\x99s in the merge: dropped, trimmed, or rounded away.",
     FIGURE(left), true},
    {"Its relative delta", "Length of its task vector, as a share of the base\xe2\x80\x99s.", FIGURE(delta_a), true}};
static const mw_heat_kind merged_of_base[] = {
    {"Relative delta of the merge", "Length of the merged task vector, as a share of the base\xe2\x80\x99s.", FIGURE(delta_b), true}};
static const mw_heat_kind alone[] = {
    {"Relative delta", "Distance of the merge from this input, as a share of the input\xe2\x80\x99s length.", FIGURE(relative_delta), true},
    {"Cosine", "Of the weights of this input and the merge.", FIGURE(cosine), false},
    {"Sign conflict", "Share of the weights that have opposite signs.", FIGURE(sign_conflict), true}};

/* ---- the comparisons ---- */

static void say_missing(report *r, const char *label, const char *wanted) {
  mw_text_escaped shown;
  mw_warning_add(&r->warnings, "input %s is not here, so what the merge did to it is not shown; wanted is %s",
                 mw_text_escape_z(&shown, label), wanted);
}

static bool find_inputs(report *r, mw_error *err) {
  mw_record *record = &r->record;
  r->places = mw_mem_take(&record->arena, (record->input_count + 1) * sizeof *r->places, err);
  MW_TRY(r->places && mw_find_inputs_check(record, &r->finding, err));
  r->base = record->input_count;
  for (size_t i = 0; i < record->input_count; i++) {
    mw_text wanted = {0};
    bool ok = mw_find_inputs(record, i, &r->finding, &record->arena, &r->places[i], &wanted, err);
    if (ok && !r->places[i].where) say_missing(r, record->inputs[i].label, wanted.bytes ? wanted.bytes : "");
    mw_text_free(&wanted);
    MW_TRY(ok);
    if (strcmp(record->inputs[i].label, "base") == 0) r->base = i;
  }
  return true;
}

static void put_tiles(report *r, const mw_compare *compare, bool based) {
  mw_compare_figures f = mw_compare_tell(&compare->all);
  mw_markup_raw(&r->body, "<dl class=\"tiles\">\n");
  if (based) {
    mw_document_tile(&r->body, "its task vector, of the base", f.delta_a, true);
    mw_document_tile(&r->body, "the merged one", f.delta_b, true);
    mw_document_tile(&r->body, "cosine of the two", f.cosine, false);
    mw_document_tile(&r->body, "sign conflict", f.sign_conflict, true);
    mw_document_tile(&r->body, "left out of its changes", f.left, true);
  } else {
    mw_document_tile(&r->body, "the merge from it", f.relative_delta, true);
    mw_document_tile(&r->body, "cosine of the weights", f.cosine, false);
    mw_document_tile(&r->body, "sign conflict", f.sign_conflict, true);
    mw_document_tile(&r->body, "changed", f.changed, true);
  }
  mw_markup_raw(&r->body, "</dl>\n");
}

static bool put_input(report *r, size_t i, const mw_compare *compare, bool first, mw_error *err) {
  bool based = compare->models == MW_COMPARE_MODELS;
  const char *label = r->record.inputs[i].label;
  if (based && first) MW_TRY(mw_heat_section(compare, merged_of_base, 1, "The merge", &r->body, err));
  mw_markup_raw(&r->body, "<section>\n<h2>In the merge: ");
  mw_markup_put(&r->body, label, strlen(label));
  mw_markup_raw(&r->body, "</h2>\n");
  put_tiles(r, compare, based);
  mw_markup_raw(&r->body, "</section>\n");
  return based ? mw_heat_section(compare, of_base, sizeof of_base / sizeof *of_base, "Layers and modules", &r->body, err)
               : mw_heat_section(compare, alone, sizeof alone / sizeof *alone, "Layers and modules", &r->body, err);
}

/* What cannot be compared, such as an output that is an adapter, is said and left out. */
static bool compare_input(report *r, size_t i, mw_turns *turns, bool *first, mw_error *err) {
  mw_compare compare = {0};
  mw_text_escaped label, shown;
  mw_text_escape_z(&label, r->record.inputs[i].label);
  const char *base = r->base < r->record.input_count ? r->places[r->base].where : NULL;
  mw_compare_given given[] = {{r->places[i].where, label.bytes}, {r->output, "the output"}, {base, "the base"}};
  bool ok = mw_compare_models(given, r->options->threads, mw_turns_follow, turns, &r->warnings, &compare, err);
  mw_turns_next(turns);
  if (ok) {
    ok = put_input(r, i, &compare, *first, err);
    *first = false;
  } else if (err->status != MW_INTERRUPTED && err->status != MW_MEMORY) {
    mw_warning_add(&r->warnings, "%s was not compared: %s", label.bytes, mw_text_escape_z(&shown, err->text));
    ok = true;
  }
  mw_compare_close(&compare);
  return ok;
}

static bool compare_inputs(report *r, mw_error *err) {
  mw_turns turns = {r->options->progress, r->options->context, 0, 0, 0};
  bool first = true;
  for (size_t i = 0; i < r->record.input_count; i++) turns.left += i != r->base && r->places[i].where;
  for (size_t i = 0; i < r->record.input_count; i++)
    if (i != r->base && r->places[i].where) MW_TRY(compare_input(r, i, &turns, &first, err));
  return true;
}

/* ---- the page ---- */

static bool compose_body(report *r, const char *output, mw_error *err) {
  MW_TRY(mw_made_put_arguments(&r->record, r->lock, &r->body, err) && mw_made_put_scores(r->lock, &r->body, err));
  MW_TRY(mw_learned_put(r->record.folder, &r->body, err) && compare_inputs(r, err));
  mw_made_put_inputs(&r->record, &r->body);
  return mw_made_put_recipe(&r->record, output, r->lock, &r->body, err) && mw_text_check(&r->body, err);
}

static bool compose(report *r, const char *output, mw_text *page, mw_error *err) {
  mw_document_subject subject = {"output", "d", output};
  MW_TRY(compose_body(r, output, err));
  if (r->record.edited)
    mw_warning_add(&r->warnings, "the lock's text is not the one that moonweld wrote: what it says was changed by hand");
  if (r->warnings.lost) return mw_error_set(err, MW_MEMORY, "out of memory for the warnings");
  mw_document_begin(page, "moonweld report", &subject, 1, 1);
  mw_document_warnings(page, &r->warnings, "All that this was made of is known and here: the recipe, its arguments, and every input.");
  mw_text_add(page, r->body.bytes, r->body.length);
  mw_document_end(page);
  return mw_text_check(page, err);
}

/* A model without a lock may be meant for a page of models. */
static bool open_record(const char *output, mw_record *record, mw_error *err) {
  if (mw_record_open(output, record, err)) return true;
  if (err->status == MW_MISSING && mw_file_exists(output))
    mw_error_hint(err, "an output of moonweld has one; of models give two or more: moonweld report A B");
  return false;
}

bool mw_report_output(const char *output, const mw_report_options *options, void (*said)(void *context, const char *line), mw_error *err) {
  report r = {.options = options};
  mw_text page = {0};
  r.finding = (mw_verify_options){.models = options->models, .places = options->places, .place_count = options->place_count};
  if (!options->html) return mw_error_set(err, MW_USAGE, "where the page goes is not said");
  MW_TRY(mw_atomic_file_allowed(options->html, mw_document_mark, err));
  bool ok = open_record(output, &r.record, err) && mw_made_open(&r.record, &r.lock, err) && find_inputs(&r, err);
  r.output = r.record.weights ? r.record.weights : r.record.folder;
  ok = ok && compose(&r, output, &page, err) && mw_atomic_file_write(options->html, mw_document_mark, page.bytes, page.length, err);
  for (size_t i = 0; ok && said && i < r.warnings.count; i++) said(options->context, r.warnings.lines[i]);
  mw_warning_free(&r.warnings);
  mw_text_free(&r.body);
  mw_text_free(&page);
  mw_record_close(&r.record);
  return ok;
}
