/* heat.c: a cell is a tensor: its layer is the column, the rest of its name the row.
 *
 *                              0   1   2   3 ...
 *   mlp.down_proj.weight      ##  #.  ..  #.
 *   self_attn.q_proj.weight   .#  ..  ##  #.
 *
 * Colours reach from the least figure to the greatest, which stand above the map. */
#include "report/heat.h"
#include "model/layer_name.h"
#include "report/markup.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEFT = 250, TOP = 26, HIGH = 18, WIDTH = 900, MOST_LAYERS = 200, MOST_MODULES = 60 };

typedef struct map {
  const mw_heat *heat;
  mw_text *out;
  const char **modules; /* the rests of names, in the order in which they come */
  size_t module_count, layer_count, stack; /* the stack's name is so many bytes long */
  const char *name;                        /* of a tensor of the stack */
  const mw_heat_cell **cells;              /* [module][layer], or NULL */
} map;

/* The layer of a cell that could be in a map. */
static bool read_layer(const mw_heat_cell *cell, mw_layer_name *layer) {
  return mw_layer_name_read(cell->name, layer) && layer->layer < MOST_LAYERS;
}

/* Takes the stack that has most layers. */
static void choose_stack(map *m) {
  mw_layer_name layer;
  for (size_t i = 0; i < m->heat->count; i++) {
    if (!read_layer(&m->heat->cells[i], &layer) || layer.layer + 1 <= m->layer_count) continue;
    m->layer_count = (size_t)layer.layer + 1;
    m->name = m->heat->cells[i].name;
    m->stack = layer.stack;
  }
}

static size_t module_of(map *m, const char *rest) {
  size_t i = 0;
  while (i < m->module_count && strcmp(m->modules[i], rest) != 0) i++;
  if (i == m->module_count && i < MOST_MODULES) m->modules[m->module_count++] = rest;
  return i;
}

static bool place(map *m, mw_error *err) {
  mw_layer_name layer;
  m->modules = mw_mem_new(MOST_MODULES, sizeof *m->modules, err);
  m->cells = mw_mem_new(MOST_MODULES * m->layer_count + 1, sizeof *m->cells, err);
  if (!m->modules || !m->cells) return false;
  for (size_t i = 0; i < m->heat->count; i++) {
    const mw_heat_cell *cell = &m->heat->cells[i];
    if (!read_layer(cell, &layer) || layer.stack != m->stack || strncmp(cell->name, m->name, m->stack) != 0) continue;
    size_t module = module_of(m, layer.rest);
    if (module < MOST_MODULES) m->cells[module * m->layer_count + layer.layer] = cell;
  }
  return true;
}

static double wide(const map *m) { return (double)(WIDTH - LEFT) / (double)m->layer_count; }

static void put_cells(const map *m, double low, double high) {
  for (size_t i = 0; i < m->module_count * m->layer_count; i++) {
    const mw_heat_cell *cell = m->cells[i];
    if (!cell || isnan(cell->value)) continue;
    double share = high > low ? (cell->value - low) / (high - low) : 0;
    mw_text_format(m->out, "<rect class=\"cell\" x=\"%.1f\" y=\"%zu\" width=\"%.1f\" height=\"%d\" style=\"fill-opacity:%.2f\"><title>",
                   LEFT + wide(m) * (double)(i % m->layer_count), TOP + HIGH * (i / m->layer_count), wide(m) - (wide(m) > 6 ? 1 : 0),
                   HIGH - 1, 0.06 + 0.94 * share);
    mw_markup_put(m->out, cell->name, strlen(cell->name));
    mw_markup_raw(m->out, ": ");
    mw_markup_number(m->out, cell->value, m->heat->percent);
    mw_markup_raw(m->out, "</title></rect>\n");
  }
}

static void put_labels(const map *m) {
  size_t every = (m->layer_count + 19) / 20;
  for (size_t l = 0; l < m->layer_count; l += every)
    mw_text_format(m->out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%zu</text>", LEFT + wide(m) * ((double)l + 0.5), TOP - 8, l);
  for (size_t r = 0; r < m->module_count; r++) {
    mw_text_format(m->out, "<text x=\"%d\" y=\"%zu\" text-anchor=\"end\">", LEFT - 8, TOP + HIGH * r + 13);
    mw_markup_module(m->out, m->modules[r]);
    mw_markup_raw(m->out, "</text>\n");
  }
}

static void put_map(const map *m) {
  double low = INFINITY, high = -INFINITY;
  for (size_t i = 0; i < m->module_count * m->layer_count; i++)
    if (m->cells[i] && !isnan(m->cells[i]->value)) low = fmin(low, m->cells[i]->value), high = fmax(high, m->cells[i]->value);
  if (low > high) return;
  mw_text_format(m->out, "<figure><figcaption><h2>%s</h2><p>%s Palest: ", m->heat->title, m->heat->note);
  mw_markup_number(m->out, low, m->heat->percent);
  mw_markup_raw(m->out, ", deepest: ");
  mw_markup_number(m->out, high, m->heat->percent);
  mw_text_format(m->out,
                 ".</p></figcaption><div class=\"wide\" role=\"region\" aria-label=\"map\" tabindex=\"0\">"
                 "<svg viewBox=\"0 0 %d %zu\" role=\"img\" aria-label=\"%s of each module in each layer\">\n",
                 WIDTH, TOP + HIGH * m->module_count + 4, m->heat->title);
  put_labels(m);
  put_cells(m, low, high);
  mw_markup_raw(m->out, "</svg></div></figure>\n");
}

bool mw_heat_put(const mw_heat *heat, mw_text *out, mw_error *err) {
  map m = {.heat = heat, .out = out};
  choose_stack(&m);
  bool ok = m.layer_count < 2 || place(&m, err);
  if (ok && m.layer_count > 1 && m.module_count) put_map(&m);
  free(m.modules);
  free(m.cells);
  return ok;
}

bool mw_heat_section(const mw_compare *compare, const mw_heat_kind *kinds, size_t count, const char *label, mw_text *out, mw_error *err) {
  mw_heat_cell *cells = mw_mem_new(compare->count, sizeof *cells, err);
  bool ok = cells != NULL;
  mw_text_format(out, "<section class=\"heat\" aria-label=\"%s\">\n", label);
  for (size_t k = 0; k < count && ok; k++) {
    for (size_t i = 0; i < compare->count; i++) {
      mw_compare_figures figures = mw_compare_tell(&compare->rows[i].sums);
      cells[i].name = compare->rows[i].name;
      memcpy(&cells[i].value, (const char *)&figures + kinds[k].figure, sizeof cells[i].value);
    }
    ok = mw_heat_put(&(mw_heat){kinds[k].title, kinds[k].note, kinds[k].percent, cells, compare->count}, out, err);
  }
  mw_markup_raw(out, "</section>\n");
  free(cells);
  return ok;
}
