/* page.c: the page's head, its charts, and two tables whose lengths have bars behind them. */
#include "report/page.h"
#include "report/chart.h"
#include "report/heat.h"
#include "report/markup.h"
#include "report/style.h"
#include <math.h>
#include <string.h>

const char mw_page_mark[] = "<!doctype html>";

typedef struct page {
  mw_text *out;
  const mw_compare *compare;
  bool based;
} page;

static const mw_compare_row *head(const page *p, size_t g) { return &p->compare->rows[p->compare->groups[g].first]; }

static void put_head(page *p) {
  static const char *const labels[] = {"A", "B", "base"}, *const classes[] = {"a", "b", "c"};
  const mw_family_member *members = p->compare->members;
  mw_markup_raw(p->out, mw_page_mark);
  mw_markup_raw(p->out, "\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                        "<meta name=\"color-scheme\" content=\"light dark\">\n"
                        "<meta name=\"generator\" content=\"moonweld " MW_VERSION "\">\n"
                        "<meta http-equiv=\"Content-Security-Policy\" "
                        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>");
  mw_markup_last(p->out, members[MW_COMPARE_A].model->where);
  mw_markup_raw(p->out, " and ");
  mw_markup_last(p->out, members[MW_COMPARE_B].model->where);
  mw_markup_raw(p->out, " \xc2\xb7 moonweld diff</title>\n<style>\n");
  mw_markup_raw(p->out, mw_style_text);
  mw_markup_raw(p->out, "</style>\n</head>\n<body>\n<main>\n<header>\n<p class=\"brand\">moonweld diff</p>\n<h1>");
  mw_markup_last(p->out, members[MW_COMPARE_A].model->where);
  mw_markup_raw(p->out, " <span>and</span> ");
  mw_markup_last(p->out, members[MW_COMPARE_B].model->where);
  mw_markup_raw(p->out, "</h1>\n<dl>\n");
  for (size_t m = 0; m < p->compare->models; m++) {
    mw_text_format(p->out, "<div><dt class=\"%s\">%s</dt><dd>", classes[m], labels[m]);
    mw_markup_put(p->out, members[m].model->where, strlen(members[m].model->where));
    mw_markup_raw(p->out, "</dd></div>\n");
  }
  mw_markup_raw(p->out, "</dl>\n</header>\n");
}

static void put_warnings(page *p, const mw_warning *warnings) {
  if (!warnings->count) return;
  mw_markup_raw(p->out, "<section class=\"warnings\" aria-label=\"Warnings\">\n<ul>\n");
  for (size_t i = 0; i < warnings->count; i++) {
    mw_markup_raw(p->out, "<li>");
    mw_markup_line(p->out, warnings->lines[i]);
    mw_markup_raw(p->out, "</li>\n");
  }
  mw_markup_raw(p->out, "</ul>\n</section>\n");
}

static void put_tile(page *p, const char *label, double value, bool percent) {
  mw_text_format(p->out, "<div><dt>%s</dt><dd>", label);
  mw_markup_number(p->out, value, percent);
  mw_markup_raw(p->out, "</dd></div>\n");
}

static void put_tiles(page *p) {
  mw_compare_figures f = mw_compare_tell(&p->compare->all);
  mw_markup_raw(p->out, "<dl class=\"tiles\">\n");
  if (p->based) {
    put_tile(p, "A from the base", f.delta_a, true);
    put_tile(p, "B from the base", f.delta_b, true);
  }
  put_tile(p, "B from A", f.relative_delta, true);
  put_tile(p, p->based ? "cosine of the task vectors" : "cosine of the weights", f.cosine, false);
  put_tile(p, "sign conflict", f.sign_conflict, true);
  put_tile(p, "changed", f.changed, true);
  mw_markup_raw(p->out, "</dl>\n");
}

/* A length, with a bar behind it; `full` is the length of a whole bar. */
static void put_bar(page *p, double value, double full, const char *class) {
  double part = full > 0 && value > 0 ? 100 * value / full : 0;
  mw_text_format(p->out, "<td class=\"bar %s\" style=\"--v:%.1f%%\">", class, part > 100 ? 100 : part);
  mw_markup_number(p->out, value, true);
  mw_markup_raw(p->out, "</td>");
}

static void put_cell(page *p, double value, bool percent) {
  mw_markup_raw(p->out, "<td>");
  mw_markup_number(p->out, value, percent);
  mw_markup_raw(p->out, "</td>");
}

static void put_cells(page *p, const mw_compare_sums *sums, double full) {
  mw_compare_figures f = mw_compare_tell(sums);
  if (p->based) {
    put_bar(p, f.delta_a, full, "a");
    put_bar(p, f.delta_b, full, "b");
  }
  put_bar(p, f.relative_delta, full, "d");
  put_cell(p, f.cosine, false);
  put_cell(p, f.sign_conflict, true);
  put_cell(p, f.changed, true);
}

static void put_columns(page *p, const char *const *titles) {
  for (; *titles; titles++) mw_text_format(p->out, "<th scope=\"col\">%s</th>", *titles);
}

/* `first` are the columns before the figures. */
static void begin_table(page *p, const char *title, const char *id, const char *first) {
  static const char *const of_base[] = {"A&#8239;\xe2\x88\x92&#8239;base", "B&#8239;\xe2\x88\x92&#8239;base", NULL};
  static const char *const of_all[] = {"B&#8239;\xe2\x88\x92&#8239;A", "cosine", "conflict", "changed", NULL};
  mw_text_format(p->out,
                 "<section>\n<h2 id=\"%s\">%s</h2>\n<div class=\"scroll\" role=\"region\" aria-labelledby=\"%s\" "
                 "tabindex=\"0\">\n<table>\n<thead><tr>%s",
                 id, title, id, first);
  if (p->based) put_columns(p, of_base);
  put_columns(p, of_all);
  mw_markup_raw(p->out, "</tr></thead>\n<tbody>\n");
}

/* The largest length in a list of sums, that of a whole bar. */
static double longest(const page *p, const mw_compare_sums *sums, double so_far) {
  mw_compare_figures f = mw_compare_tell(sums);
  double lengths[] = {f.relative_delta, p->based ? f.delta_a : 0, p->based ? f.delta_b : 0};
  for (size_t i = 0; i < 3; i++)
    if (lengths[i] > so_far) so_far = lengths[i];
  return so_far;
}

static void put_layers(page *p) {
  double full = 0;
  for (size_t g = 0; g < p->compare->group_count; g++) full = longest(p, &p->compare->groups[g].sums, full);
  begin_table(p, "Layers and modules", "layers", "<th scope=\"col\">layer or module</th><th scope=\"col\">tensors</th>");
  for (size_t g = 0; g < p->compare->group_count; g++) {
    mw_markup_raw(p->out, "<tr><th scope=\"row\">");
    mw_markup_name(p->out, head(p, g)->name, head(p, g)->key);
    mw_text_format(p->out, "</th><td>%zu</td>", p->compare->groups[g].count);
    put_cells(p, &p->compare->groups[g].sums, full);
    mw_markup_raw(p->out, "</tr>\n");
  }
  mw_text_format(p->out, "</tbody>\n<tfoot><tr><th scope=\"row\">all</th><td>%zu</td>", p->compare->count);
  put_cells(p, &p->compare->all, full);
  mw_markup_raw(p->out, "</tr></tfoot>\n</table>\n</div>\n</section>\n");
}

/* "BF16 160x160"; of two models, if they differ. */
static void put_kind(page *p, const mw_tensor *tensor) {
  mw_text_format(p->out, "%s ", mw_dtype_name(mw_model_written(tensor)));
  for (unsigned i = 0; i < tensor->rank; i++)
    mw_text_format(p->out, i ? "\xc3\x97%llu" : "%llu", (unsigned long long)tensor->shape[i]);
}

static void put_row(page *p, const mw_compare_row *row, double full) {
  static const char *const said[MW_COMPARE_STATES] = {
      [MW_COMPARE_ONLY_A] = "only in A", [MW_COMPARE_ONLY_B] = "only in B", [MW_COMPARE_ONLY_BASE] = "only in the base",
      [MW_COMPARE_SHAPE] = "the shapes differ", [MW_COMPARE_DTYPE] = "the kinds of dtype differ"};
  const mw_tensor *a = row->tensor[MW_COMPARE_A], *b = row->tensor[MW_COMPARE_B];
  const mw_tensor *shown = a ? a : b ? b : row->tensor[MW_COMPARE_BASE];
  mw_markup_raw(p->out, "<tr><th scope=\"row\">");
  mw_markup_name(p->out, row->name, strlen(row->name));
  mw_markup_raw(p->out, "</th><td class=\"kind\">");
  put_kind(p, shown);
  if (a && b && (mw_model_written(a) != mw_model_written(b) || row->state == MW_COMPARE_SHAPE)) {
    mw_markup_raw(p->out, " \xe2\x86\x92 ");
    put_kind(p, b);
  }
  mw_markup_raw(p->out, "</td>");
  if (said[row->state])
    mw_text_format(p->out, "<td class=\"said\" colspan=\"%d\">%s</td>", p->based ? 6 : 4, said[row->state]);
  else put_cells(p, &row->sums, full);
  mw_markup_raw(p->out, "</tr>\n");
}

static void put_tensors(page *p) {
  enum { SHOWN = 5000 };
  double full = 0;
  for (size_t i = 0; i < p->compare->count; i++) full = longest(p, &p->compare->rows[i].sums, full);
  begin_table(p, "Tensors", "tensors",
              "<th scope=\"col\">tensor</th><th scope=\"col\" class=\"kind\">dtype and shape</th>");
  for (size_t i = 0; i < p->compare->count && i < SHOWN; i++) put_row(p, &p->compare->rows[i], full);
  mw_markup_raw(p->out, "</tbody>\n</table>\n</div>\n");
  if (p->compare->count > SHOWN)
    mw_text_format(p->out, "<p class=\"key\">The first %d of %zu; <code>diff --json</code> lists all.</p>\n", SHOWN,
                   p->compare->count);
  mw_markup_raw(p->out, "</section>\n");
}

bool mw_page_compose(const mw_compare *compare, const mw_warning *warnings, mw_text *out, mw_error *err) {
  page p = {out, compare, compare->models == 3};
  put_head(&p);
  put_warnings(&p, warnings);
  put_tiles(&p);
  mw_chart_put(compare, out);
  MW_TRY(mw_heat_put(compare, out, err));
  put_layers(&p);
  put_tensors(&p);
  mw_markup_raw(out, "<footer>moonweld " MW_VERSION "</footer>\n</main>\n</body>\n</html>\n");
  return mw_text_check(out, err);
}
