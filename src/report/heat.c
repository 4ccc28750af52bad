/* heat.c: a cell is a tensor: its layer is the column, the rest of its name the row.
 *
 *                              0   1   2   3 ...
 *   mlp.down_proj.weight      ##  #.  ..  #.
 *   self_attn.q_proj.weight   .#  ..  ##  #.
 *
 * Colours reach from the least figure to the greatest, which stand above the map. Of several stacks the one with most layers is shown. */
#include "report/heat.h"
#include "report/markup.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEFT = 250, TOP = 26, HIGH = 18, WIDTH = 900, MOST_LAYERS = 200, MOST_MODULES = 60 };

typedef struct map {
  const mw_compare *compare;
  mw_text *out;
  const char **modules; /* the rests of names, in the order in which they come */
  size_t module_count, layer_count, stack; /* the stack's name is so many bytes long */
  const char *name;                        /* of a tensor of the stack */
  const mw_compare_row **cells;            /* [module][layer], or NULL */
} map;

typedef struct kind {
  const char *title, *note;
  size_t figure;
  bool percent;
} kind;

static const kind kinds[] = {
    {"Relative delta", "Length of B \xe2\x88\x92 A, as a share of A\xe2\x80\x99s.", offsetof(mw_compare_figures, relative_delta), true},
    {"Cosine", "Of the two task vectors, or of the weights where there is no base.", offsetof(mw_compare_figures, cosine), false},
    {"Sign conflict", "Share of the elements with opposite signs.", offsetof(mw_compare_figures, sign_conflict), true}};

static double figure_of(const mw_compare_row *row, size_t figure) {
  mw_compare_figures figures = mw_compare_tell(&row->sums);
  double value;
  memcpy(&value, (const char *)&figures + figure, sizeof value);
  return value;
}

/* The length of "model.layers" in "model.layers.3.mlp.weight", of which `key` bytes are the layer's. */
static size_t stack_of(const mw_compare_row *row) {
  size_t n = row->key;
  while (n && row->name[n - 1] != '.') n--;
  return n ? n - 1 : 0;
}

static bool belongs(const map *m, const mw_compare_row *row) {
  return row->place == 1 && row->layer < MOST_LAYERS && row->name[row->key] == '.' && stack_of(row) == m->stack &&
         strncmp(row->name, m->name, m->stack) == 0;
}

/* Takes the stack that has most layers. */
static void choose_stack(map *m) {
  for (size_t i = 0; i < m->compare->count; i++) {
    const mw_compare_row *row = &m->compare->rows[i];
    if (row->place != 1 || row->layer >= MOST_LAYERS || row->layer + 1 <= m->layer_count) continue;
    m->layer_count = (size_t)row->layer + 1;
    m->name = row->name;
    m->stack = stack_of(row);
  }
}

static size_t module_of(map *m, const char *rest) {
  size_t i = 0;
  while (i < m->module_count && strcmp(m->modules[i], rest) != 0) i++;
  if (i == m->module_count && i < MOST_MODULES) m->modules[m->module_count++] = rest;
  return i;
}

static bool place(map *m, mw_error *err) {
  m->modules = mw_mem_new(MOST_MODULES, sizeof *m->modules, err);
  m->cells = mw_mem_new(MOST_MODULES * m->layer_count + 1, sizeof *m->cells, err);
  if (!m->modules || !m->cells) return false;
  for (size_t i = 0; i < m->compare->count; i++) {
    const mw_compare_row *row = &m->compare->rows[i];
    if (!belongs(m, row)) continue;
    size_t module = module_of(m, row->name + row->key + 1);
    if (module < MOST_MODULES) m->cells[module * m->layer_count + row->layer] = row;
  }
  return true;
}

static void put_cells(const map *m, const kind *k, double low, double high) {
  double wide = (double)(WIDTH - LEFT) / (double)m->layer_count;
  for (size_t i = 0; i < m->module_count * m->layer_count; i++) {
    const mw_compare_row *row = m->cells[i];
    double value = row ? figure_of(row, k->figure) : NAN;
    if (isnan(value)) continue;
    double share = high > low ? (value - low) / (high - low) : 0;
    mw_text_format(m->out, "<rect class=\"cell\" x=\"%.1f\" y=\"%zu\" width=\"%.1f\" height=\"%d\" style=\"fill-opacity:%.2f\"><title>",
                   LEFT + wide * (double)(i % m->layer_count), TOP + HIGH * (i / m->layer_count), wide - (wide > 6 ? 1 : 0), HIGH - 1,
                   0.06 + 0.94 * share);
    mw_markup_put(m->out, row->name, strlen(row->name));
    mw_markup_raw(m->out, ": ");
    mw_markup_number(m->out, value, k->percent);
    mw_markup_raw(m->out, "</title></rect>\n");
  }
}

static void put_labels(const map *m) {
  double wide = (double)(WIDTH - LEFT) / (double)m->layer_count;
  size_t every = (m->layer_count + 19) / 20;
  for (size_t l = 0; l < m->layer_count; l += every)
    mw_text_format(m->out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%zu</text>", LEFT + wide * ((double)l + 0.5), TOP - 8, l);
  for (size_t r = 0; r < m->module_count; r++) {
    mw_text_format(m->out, "<text x=\"%d\" y=\"%zu\" text-anchor=\"end\">", LEFT - 8, TOP + HIGH * r + 13);
    mw_markup_put(m->out, m->modules[r], strlen(m->modules[r]));
    mw_markup_raw(m->out, "</text>\n");
  }
}

static void put_map(const map *m, const kind *k) {
  double low = INFINITY, high = -INFINITY;
  for (size_t i = 0; i < m->module_count * m->layer_count; i++) {
    double value = m->cells[i] ? figure_of(m->cells[i], k->figure) : NAN;
    if (!isnan(value)) low = fmin(low, value), high = fmax(high, value);
  }
  if (low > high) return;
  mw_text_format(m->out, "<figure><figcaption><h2>%s</h2><p>%s Palest: ", k->title, k->note);
  mw_markup_number(m->out, low, k->percent);
  mw_markup_raw(m->out, ", deepest: ");
  mw_markup_number(m->out, high, k->percent);
  mw_text_format(m->out,
                 ".</p></figcaption><div class=\"wide\"><svg viewBox=\"0 0 %d %zu\" role=\"img\" "
                 "aria-label=\"%s of each module in each layer\">\n",
                 WIDTH, TOP + HIGH * m->module_count + 4, k->title);
  put_labels(m);
  put_cells(m, k, low, high);
  mw_markup_raw(m->out, "</svg></div></figure>\n");
}

bool mw_heat_put(const mw_compare *compare, mw_text *out, mw_error *err) {
  map m = {.compare = compare, .out = out};
  choose_stack(&m);
  bool ok = m.layer_count < 2 || place(&m, err);
  if (ok && m.layer_count > 1 && m.module_count) {
    mw_markup_raw(out, "<section class=\"heat\" aria-label=\"Layers and modules\">\n");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) put_map(&m, &kinds[i]);
    mw_markup_raw(out, "</section>\n");
  }
  free(m.modules);
  free(m.cells);
  return ok;
}
