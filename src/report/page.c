/* page.c: the page's head, its charts, and two tables whose lengths have bars behind them. */
#include "report/page.h"
#include "report/chart.h"
#include "report/document.h"
#include "report/heat.h"
#include "report/kind.h"
#include "report/markup.h"
#include <math.h>
#include <string.h>

static const mw_heat_kind maps[] = {
    {"Relative delta", "Length of B \xe2\x88\x92 A, as a share of A\xe2\x80\x99s.", offsetof(mw_compare_figures, relative_delta), true},
    {"Cosine", "Of the two task vectors, or of the weights where there is no base.", offsetof(mw_compare_figures, cosine), false},
    {"Sign conflict", "Share of the elements with opposite signs.", offsetof(mw_compare_figures, sign_conflict), true}};

static const char well_of_base[] =
    "Nothing speaks against a merge: both are of the base\xe2\x80\x99s family, no delta is longer than a fifth "
    "of it, and all tensors have partners.";
static const char well_alone[] =
    "Nothing speaks against a merge: both are of one family, they lie less than a fifth of their length apart, "
    "and all tensors have partners.";

typedef struct page {
  mw_text *out;
  const mw_compare *compare;
  bool based;
} page;

static const mw_compare_row *head(const page *p, size_t g) { return &p->compare->rows[p->compare->groups[g].first]; }

static void put_head(page *p) {
  static const char *const labels[] = {"A", "B", "base"}, *const colours[] = {"a", "b", "c"};
  mw_document_subject subjects[MW_COMPARE_MODELS];
  for (size_t m = 0; m < p->compare->models; m++)
    subjects[m] = (mw_document_subject){labels[m], colours[m], p->compare->members[m].model->where};
  mw_document_begin(p->out, "moonweld diff", subjects, p->compare->models, 2);
}

static bool has_kind(const page *p, mw_kind kind) {
  for (size_t i = 0; i < p->compare->count; i++)
    if (mw_kind_of(p->compare->rows[i].name) == kind) return true;
  return false;
}

/* Buttons that stand before all that they filter; the bar with their words comes later. The style does the rest. */
static void put_filter(page *p) {
  mw_markup_raw(p->out, "<input type=\"radio\" name=\"kind\" id=\"k-all\" checked>");
  for (mw_kind k = 0; k < MW_KINDS; k++)
    if (has_kind(p, k)) mw_text_format(p->out, "<input type=\"radio\" name=\"kind\" id=\"k-%s\">", mw_kind_names[k]);
  mw_markup_raw(p->out, "\n");
}

static void put_filter_bar(page *p) {
  mw_markup_raw(p->out, "<p class=\"filter\">Tensors shown: <label for=\"k-all\">all</label>");
  for (mw_kind k = 0; k < MW_KINDS; k++)
    if (has_kind(p, k))
      mw_text_format(p->out, "<label for=\"k-%s\">%s</label>", mw_kind_names[k], k == MW_KIND_MLP ? "MLP" : mw_kind_names[k]);
  mw_markup_raw(p->out, "</p>\n");
}

static void put_tiles(page *p) {
  mw_compare_figures f = mw_compare_tell(&p->compare->all);
  mw_markup_raw(p->out, "<dl class=\"tiles\">\n");
  if (p->based) {
    mw_document_tile(p->out, "A from the base", f.delta_a, true);
    mw_document_tile(p->out, "B from the base", f.delta_b, true);
  }
  mw_document_tile(p->out, "B from A", f.relative_delta, true);
  mw_document_tile(p->out, p->based ? "cosine of the task vectors" : "cosine of the weights", f.cosine, false);
  mw_document_tile(p->out, "sign conflict", f.sign_conflict, true);
  mw_document_tile(p->out, "changed", f.changed, true);
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
  mw_document_begin_table(p->out, title, id);
  mw_text_format(p->out, "<thead><tr>%s", first);
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
  mw_markup_raw(p->out, "</tr></tfoot>\n");
  mw_document_end_table(p->out);
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
  mw_text_format(p->out, "<tr class=\"k %s\"><th scope=\"row\">", mw_kind_names[mw_kind_of(row->name)]);
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
  mw_markup_raw(p->out, "</tbody>\n");
  mw_document_end_table(p->out);
  if (p->compare->count > SHOWN)
    mw_text_format(p->out, "<p class=\"key\">The first %d of %zu; <code>diff --json</code> lists all.</p>\n", SHOWN,
                   p->compare->count);
}

bool mw_page_compose(const mw_compare *compare, const mw_warning *warnings, mw_text *out, mw_error *err) {
  page p = {out, compare, compare->models == 3};
  put_head(&p);
  put_filter(&p);
  mw_document_warnings(out, warnings, p.based ? well_of_base : well_alone);
  put_tiles(&p);
  put_filter_bar(&p);
  mw_chart_put(compare, out);
  MW_TRY(mw_heat_section(compare, maps, sizeof maps / sizeof *maps, "Layers and modules", out, err));
  put_layers(&p);
  put_tensors(&p);
  mw_document_end(out);
  return mw_text_check(out, err);
}
