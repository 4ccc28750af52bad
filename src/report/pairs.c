/* pairs.c: a line, an object and three maps for each pair; what all pairs say of their base is said once. */
#include "report/pairs.h"
#include "format/atomic_file.h"
#include "report/advice.h"
#include "report/document.h"
#include "report/heat.h"
#include "report/markup.h"
#include "report/turns.h"
#include <math.h>
#include <string.h>

typedef struct pairs {
  const mw_diff_options *options;
  const char *const *models;
  mw_diff *diff;
  mw_json_writer json;
  mw_text table, maps; /* of the page: its rows, and what follows the table */
  mw_turns turns;
} pairs;

static const char *const letters[MW_PAIRS_MODELS] = {"A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M",
                                                     "N", "O", "P", "Q", "R", "S", "T", "U", "V", "W", "X", "Y", "Z"};

static void put_json(pairs *p, size_t a, size_t b, const mw_compare *compare) {
  mw_compare_figures f = mw_compare_tell(&compare->all);
  mw_json_writer_object(&p->json, NULL);
  mw_json_writer_string(&p->json, "model_a", p->models[a]);
  mw_json_writer_string(&p->json, "model_b", p->models[b]);
  mw_json_writer_number(&p->json, "relative_delta", f.relative_delta);
  mw_json_writer_number(&p->json, "changed", f.changed);
  mw_json_writer_number(&p->json, "cosine", f.cosine);
  mw_json_writer_number(&p->json, "sign_conflict", f.sign_conflict);
  if (p->options->base) {
    mw_json_writer_number(&p->json, "delta_a", f.delta_a);
    mw_json_writer_number(&p->json, "delta_b", f.delta_b);
  }
  mw_diff_put_tensors(&p->json, "tensors", compare);
  mw_json_writer_end(&p->json);
}

static void put_cell(mw_text *out, double value, bool percent) {
  mw_markup_raw(out, "<td>");
  mw_markup_number(out, value, percent);
  mw_markup_raw(out, "</td>");
}

static bool put_page(pairs *p, size_t a, size_t b, const mw_compare *compare, mw_error *err) {
  static const mw_heat_kind maps[] = {
      {"Relative delta", "Distance of the second from the first, as a share of the first\xe2\x80\x99s length.",
       offsetof(mw_compare_figures, relative_delta), true},
      {"Cosine", "Of the two task vectors, or of the weights where there is no base.", offsetof(mw_compare_figures, cosine), false},
      {"Sign conflict", "Share of the elements with opposite signs.", offsetof(mw_compare_figures, sign_conflict), true}};
  mw_compare_figures f = mw_compare_tell(&compare->all);
  mw_text_format(&p->table, "<tr><th scope=\"row\">%s and %s</th>", letters[a], letters[b]);
  if (p->options->base) {
    put_cell(&p->table, f.delta_a, true);
    put_cell(&p->table, f.delta_b, true);
  }
  put_cell(&p->table, f.relative_delta, true);
  put_cell(&p->table, f.cosine, false);
  put_cell(&p->table, f.sign_conflict, true);
  put_cell(&p->table, f.changed, true);
  mw_markup_raw(&p->table, "</tr>\n");
  mw_text_format(&p->maps, "<section><h2>%s and %s: ", letters[a], letters[b]);
  mw_markup_last(&p->maps, p->models[a]);
  mw_markup_raw(&p->maps, " and ");
  mw_markup_last(&p->maps, p->models[b]);
  mw_markup_raw(&p->maps, "</h2></section>\n");
  return mw_heat_section(compare, maps, sizeof maps / sizeof *maps, "Layers and modules", &p->maps, err);
}

static bool compare_pair(pairs *p, size_t a, size_t b, mw_error *err) {
  mw_compare compare = {0};
  mw_compare_given given[] = {{p->models[a], letters[a]}, {p->models[b], letters[b]}, {p->options->base, "the base"}};
  bool ok = mw_compare_models(given, p->options->threads, mw_turns_follow, &p->turns, &p->diff->warnings, &compare, err);
  if (ok) {
    mw_turns_next(&p->turns);
    mw_advice_give(&compare, &p->diff->warnings);
    put_json(p, a, b, &compare);
    mw_diff_put_figures(&p->diff->text, &compare.all, p->options->base);
    mw_text_format(&p->diff->text, "  %s and %s\n", letters[a], letters[b]);
    ok = !p->options->html || put_page(p, a, b, &compare, err);
  }
  mw_compare_close(&compare);
  return ok;
}

static bool write_page(pairs *p, size_t count, mw_error *err) {
  mw_document_subject subjects[MW_PAIRS_MODELS + 1];
  mw_text page = {0};
  for (size_t i = 0; i < count; i++) subjects[i] = (mw_document_subject){letters[i], i == 0 ? "a" : i == 1 ? "b" : "c", p->models[i]};
  if (p->options->base) subjects[count] = (mw_document_subject){"base", "c", p->options->base};
  mw_document_begin(&page, "moonweld diff", subjects, count + (p->options->base != NULL), count);
  mw_document_warnings(&page, &p->diff->warnings,
                       "Nothing speaks against a merge: all are of one family, no delta is longer than a fifth of what it is measured "
                       "against, and all tensors have partners.");
  mw_document_begin_table(&page, "Pairs", "pairs");
  mw_text_format(&page, "<thead><tr><th scope=\"col\">pair</th>%s<th scope=\"col\">apart</th><th scope=\"col\">cosine</th>"
                        "<th scope=\"col\">conflict</th><th scope=\"col\">changed</th></tr></thead>\n<tbody>\n",
                 p->options->base ? "<th scope=\"col\">first \xe2\x88\x92 base</th><th scope=\"col\">second \xe2\x88\x92 base</th>" : "");
  mw_text_add(&page, p->table.bytes, p->table.length);
  mw_markup_raw(&page, "</tbody>\n");
  mw_document_end_table(&page);
  mw_text_add(&page, p->maps.bytes, p->maps.length);
  mw_document_end(&page);
  bool ok = mw_text_check(&p->table, err) && mw_text_check(&p->maps, err) && mw_text_check(&page, err) &&
            mw_atomic_file_write(p->options->html, mw_document_mark, page.bytes, page.length, err);
  mw_text_free(&page);
  return ok;
}

bool mw_pairs_compose(const char *const *models, size_t count, const mw_diff_options *options, mw_diff *diff, mw_error *err) {
  pairs p = {.options = options, .models = models, .diff = diff,
             .json = {.out = &diff->json, .layout = MW_JSON_WRITER_LINES, .streamed = 1},
             .turns = {options->progress, options->context, count * (count - 1) / 2, 0, 0}};
  mw_text_escaped where;
  bool ok = true;
  for (size_t i = 0; i < count; i++) mw_text_format(&diff->text, "%-4s  %s\n", letters[i], mw_text_escape_z(&where, models[i]));
  if (options->base) mw_text_format(&diff->text, "base  %s\n", mw_text_escape_z(&where, options->base));
  mw_text_format(&diff->text, "\nOf each pair the first is A, the second B.\n%s\n", mw_diff_legend(options->base));
  mw_diff_put_heading(&diff->text, "pair", options->base);
  mw_json_writer_list(&p.json, NULL);
  for (size_t a = 0; a < count && ok; a++)
    for (size_t b = a + 1; b < count && ok; b++) ok = compare_pair(&p, a, b, err);
  mw_json_writer_end(&p.json);
  if (ok && diff->warnings.lost) ok = mw_error_set(err, MW_MEMORY, "out of memory for the warnings");
  ok = mw_json_writer_finish(&p.json, ok ? err : &(mw_error){0}) && ok && mw_text_check(&diff->text, err);
  ok = ok && (!options->html || write_page(&p, count, err));
  mw_text_free(&p.table);
  mw_text_free(&p.maps);
  return ok;
}
