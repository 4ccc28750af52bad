/* chart.c: each chart is a row of a table: its curves, how far its axis reaches, the line to compare with. */
#include "report/chart.h"
#include "model/layer_name.h"
#include "report/axis.h"
#include "report/kind.h"
#include "report/markup.h"
#include <math.h>
#include <stddef.h>
#include <string.h>

/* A curve: which figure of a comparison, with its name and colour. */
typedef struct series {
  const char *label, *class; /* class "a", "b" or "d" (of both): its colour */
  size_t figure;             /* offset in mw_compare_figures */
} series;

typedef struct chart {
  const char *title, *note;
  bool percent, signed_axis;
  double rule, reach; /* a line to compare with, drawn if the values reach `reach`; 0: none */
  const char *rule_label;
  double least_top;   /* the axis reaches at least up to here */
  bool least;         /* the tensor of the least figure is named, not that of the greatest */
  series series[2];
} chart;

#define FIGURE(name) offsetof(mw_compare_figures, name)

static const chart delta_of_base = {
    "Relative delta", "Length of the task vector, as a share of the base\xe2\x80\x99s.", true, false, 0.2, 0.15,
    "20 %: longer ones merge badly", 0.01, false,
    {{"A \xe2\x88\x92 base", "a", FIGURE(delta_a)}, {"B \xe2\x88\x92 base", "b", FIGURE(delta_b)}}};
static const chart delta_alone = {
    "Relative delta", "Distance of B from A, as a share of A\xe2\x80\x99s length.", true, false, 0.2, 0.15,
    "20 %: longer ones merge badly", 0.01, false, {{"B \xe2\x88\x92 A", "d", FIGURE(relative_delta)}}};
static const chart angle_of_base = {
    "Cosine", "Of the two task vectors: 0 is at right angles, as unrelated tasks are.", false, true, 0, 0, NULL, 0.1, false,
    {{"A and B", "d", FIGURE(cosine)}}};
static const chart angle_alone = {
    "Cosine", "Of the weights themselves: near 1 for models of one family, near 0 for strangers.", false, true, 0, 0,
    NULL, 1, true, {{"A and B", "d", FIGURE(cosine)}}};
static const chart conflict_of_base = {
    "Sign conflict", "Share of the elements that the two task vectors push in opposite directions.", true, false, 0.5, 0,
    "50 %: chance", 0.6, false, {{"A and B", "d", FIGURE(sign_conflict)}}};
static const chart conflict_alone = {
    "Sign conflict", "Share of the weights that have opposite signs.", true, false, 0.5, 0.3, "50 %: chance", 0.1, false,
    {{"A and B", "d", FIGURE(sign_conflict)}}};
static const chart change_of_base = {
    "Changed", "Share of the elements that are not the base\xe2\x80\x99s.", true, false, 0, 0, NULL, 1, false,
    {{"A", "a", FIGURE(changed_a)}, {"B", "b", FIGURE(changed_b)}}};
static const chart change_alone = {"Changed", "Share of the elements of B that are not A\xe2\x80\x99s.", true, false, 0, 0,
                                   NULL, 1, false, {{"B", "d", FIGURE(changed)}}};
static const chart *const charts_of_base[] = {&delta_of_base, &angle_of_base, &conflict_of_base, &change_of_base};
static const chart *const charts_alone[] = {&delta_alone, &angle_alone, &conflict_alone, &change_alone};

typedef struct plot {
  mw_text *out;
  const mw_compare *compare;
  bool based;
  size_t first, count; /* the layers on the x axis, or all groups if there are no layers; before and behind them the other groups */
} plot;

static double value_of(const mw_compare_sums *sums, size_t figure) {
  mw_compare_figures figures = mw_compare_tell(sums);
  double value;
  memcpy(&value, (const char *)&figures + figure, sizeof value);
  return value;
}

static const mw_compare_row *head(const plot *p, size_t g) { return &p->compare->rows[p->compare->groups[g].first]; }

enum { WIDTH = 520, HEIGHT = 232, LEFT = 52, RIGHT = 10, TOP = 16, BOTTOM = 46, DOTS = 3000, MANY = 48 };

static double y_of(const mw_axis *a, double value) { return HEIGHT - BOTTOM - mw_axis_share(a, value) * (HEIGHT - TOP - BOTTOM); }

static double x_of(const plot *p, double place) {
  return LEFT + (place + 0.5) * (WIDTH - LEFT - RIGHT) / (double)p->compare->group_count;
}

static bool shows_dots(const plot *p) { return p->compare->count <= DOTS; }

static mw_axis fit(const plot *p, const chart *c) {
  double low = 0, high = c->least_top;
  for (size_t s = 0; s < 2 && c->series[s].label; s++)
    for (size_t g = 0; g < p->compare->group_count; g++) {
      const mw_compare_group *group = &p->compare->groups[g];
      for (size_t i = 0; i <= group->count; i++) { /* the group itself, then its tensors */
        if (i && !shows_dots(p)) break;
        double value = value_of(i ? &p->compare->rows[group->first + i - 1].sums : &group->sums, c->series[s].figure);
        if (value > high) high = value;
        if (value < low) low = value;
      }
    }
  if (c->rule > 0 && high > c->reach && high < c->rule) high = c->rule;
  if (c->signed_axis && high > 0.5) high = 1;
  if (c->percent && high > 0.8 && high < 1) high = 1;
  if (c->signed_axis && c->least_top < 1 && low > -c->least_top) low = -c->least_top;
  return mw_axis_of(low, high);
}

static void draw_line(plot *p, const char *class, double y) {
  mw_text_format(p->out, "<line class=\"%s\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", class, LEFT, WIDTH - RIGHT, y, y);
}

static void draw_grid(plot *p, const chart *c, const mw_axis *a) {
  for (int64_t line = a->first; line <= a->last; line++) {
    double y = y_of(a, mw_axis_line(a, line));
    draw_line(p, line == 0 ? "zero" : "grid", y);
    mw_text_format(p->out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", LEFT - 7, y + 4);
    mw_axis_label(a, line, c->percent ? 100 : 1, p->out);
    mw_markup_raw(p->out, c->percent ? "&#8201;%</text>" : "</text>");
  }
}

static bool has_rule(const chart *c, const mw_axis *a) { return c->rule > 0 && mw_axis_line(a, a->last) >= c->rule; }

/* Drawn over the points, so that it can be read. */
static void label_rule(plot *p, const chart *c, const mw_axis *a) {
  mw_text_format(p->out, "<text class=\"rule\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>", WIDTH - RIGHT,
                 y_of(a, c->rule) - 5, c->rule_label);
}

/* The names of the groups from `from` to `to`, below the numbers: "embed_tokens", "norm, lm_head". */
static void put_names(plot *p, size_t from, size_t to, double x, const char *anchor) {
  enum { MOST_NAMED = 3 };
  if (from == to) return;
  mw_text_format(p->out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">", x, HEIGHT - BOTTOM + 36, anchor);
  for (size_t g = from; g < to && g < from + MOST_NAMED; g++) {
    const char *name = head(p, g)->name;
    size_t end = head(p, g)->key, begin = end;
    while (begin && name[begin - 1] != '.') begin--;
    if (g > from) mw_markup_raw(p->out, ", ");
    mw_markup_put(p->out, name + begin, end - begin);
  }
  if (to - from > MOST_NAMED) mw_text_format(p->out, " and %zu more", to - from - MOST_NAMED);
  mw_markup_raw(p->out, "</text>\n");
}

/* Whether two neighbours are layers of one stack, so that a line may join them. */
static bool joined(const plot *p, size_t g, size_t h) {
  const mw_compare_row *x = head(p, g), *y = head(p, h);
  size_t n = x->key, m = y->key;
  if (x->place != 1 || y->place != 1) return false;
  while (n && x->name[n - 1] != '.') n--;
  while (m && y->name[m - 1] != '.') m--;
  return n == m && memcmp(x->name, y->name, n) == 0;
}

static void draw_depth(plot *p) {
  size_t every = (p->count + 15) / 16, all = p->compare->group_count;
  bool layers = head(p, p->first)->place == 1;
  for (size_t i = 0; i < p->count; i++) {
    uint64_t number = layers ? head(p, p->first + i)->layer : i + 1;
    if (layers ? number % every : i % every) continue;
    mw_text_format(p->out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%llu</text>", x_of(p, (double)(p->first + i)),
                   HEIGHT - BOTTOM + 19, (unsigned long long)number);
  }
  if (!layers) return;
  put_names(p, 0, p->first, x_of(p, -0.5), "start");
  put_names(p, p->first + p->count, all, x_of(p, (double)all - 0.5), "end");
}

/* Where tensor k of a group stands: those of two curves beside one another, each in its half of the group's place. */
static double place_of(size_t g, size_t k, size_t count, const series *s) {
  double aside = ((double)k + 0.5) / (double)count - 0.5;
  double half = strcmp(s->class, "a") == 0 ? -0.2 : strcmp(s->class, "b") == 0 ? 0.2 : 0;
  return (double)g + (half != 0 ? 0.34 * aside + half : 0.7 * aside);
}

static void draw_dots(plot *p, const series *s, const mw_axis *a) {
  for (size_t g = 0; g < p->compare->group_count; g++) {
    const mw_compare_group *group = &p->compare->groups[g];
    for (size_t k = 0; k < group->count && group->count > 1; k++) {
      const mw_compare_row *row = &p->compare->rows[group->first + k];
      double value = value_of(&row->sums, s->figure);
      if (isnan(value)) continue;
      mw_text_format(p->out, "<circle class=\"dot k %s %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"1.8\"><title>",
                     mw_kind_names[mw_kind_of(row->name)], s->class, x_of(p, place_of(g, k, group->count, s)), y_of(a, value));
      mw_markup_put(p->out, row->name, strlen(row->name));
      mw_markup_raw(p->out, ": ");
      mw_markup_number(p->out, value, s->figure != FIGURE(cosine));
      mw_markup_raw(p->out, "</title></circle>");
    }
  }
}

/* The tensor of the greatest figure has its name beside its point: the one that a reader asks for. At the top of the chart, where other
 * points may lie beside it, its name stands below. */
static void name_farthest(plot *p, const chart *c, size_t series_count, const mw_axis *a) {
  const mw_compare_row *most = NULL;
  double value = c->least ? INFINITY : 0, x = 0;
  for (size_t s = 0; s < series_count; s++)
    for (size_t g = 0; g < p->compare->group_count; g++)
      for (size_t k = 0; k < p->compare->groups[g].count && p->compare->groups[g].count > 1; k++) {
        const mw_compare_row *row = &p->compare->rows[p->compare->groups[g].first + k];
        double own = value_of(&row->sums, c->series[s].figure);
        if (isnan(own) || (c->least ? own >= value : own <= value)) continue;
        most = row, value = own, x = x_of(p, place_of(g, k, p->compare->groups[g].count, &c->series[s]));
      }
  if (!most) return;
  bool left = x > (double)WIDTH / 2;
  mw_layer_name layer;
  size_t begin = mw_layer_name_read(most->name, &layer) ? layer.stack + 1 : 0;
  double y = y_of(a, value);
  mw_text_format(p->out, "<text class=\"named\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x + (left ? -6 : 6), y + (y < TOP + 8 ? 18 : 4),
                 left ? "end" : "start");
  mw_markup_module(p->out, most->name + begin);
  mw_markup_raw(p->out, "</text>");
}

/* A whole layer: a round point of one curve, a square one of the other, so that both are seen where they lie on one another. */
static void begin_point(plot *p, const series *s, double x, double y) {
  const char *many = p->compare->group_count > MANY ? " many" : "";
  if (strcmp(s->class, "b") == 0)
    mw_text_format(p->out, "<rect class=\"point%s b\" x=\"%.1f\" y=\"%.1f\" width=\"5.6\" height=\"5.6\"><title>", many, x - 2.8, y - 2.8);
  else mw_text_format(p->out, "<circle class=\"point%s %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.8\"><title>", many, s->class, x, y);
}

static void draw_series(plot *p, const series *s, const mw_axis *a) {
  bool drawing = false;
  mw_text_format(p->out, "<path class=\"line %s\" d=\"", s->class);
  for (size_t g = 0; g < p->compare->group_count; g++) {
    double value = value_of(&p->compare->groups[g].sums, s->figure);
    drawing = drawing && joined(p, g - 1, g);
    if (!isnan(value)) mw_text_format(p->out, "%s%.1f %.1f", drawing ? "L" : "M", x_of(p, (double)g), y_of(a, value));
    drawing = !isnan(value);
  }
  mw_markup_raw(p->out, "\"/>");
  for (size_t g = 0; g < p->compare->group_count; g++) {
    double value = value_of(&p->compare->groups[g].sums, s->figure);
    if (isnan(value)) continue;
    begin_point(p, s, x_of(p, (double)g), y_of(a, value));
    mw_markup_put(p->out, head(p, g)->name, head(p, g)->key);
    mw_markup_raw(p->out, ": ");
    mw_markup_number(p->out, value, s->figure != FIGURE(cosine));
    mw_text_format(p->out, "</title></%s>", strcmp(s->class, "b") == 0 ? "rect" : "circle");
  }
}

static void put_chart(plot *p, const chart *c) {
  mw_axis a = fit(p, c);
  size_t series_count = c->series[1].label ? 2 : 1;
  mw_text_format(p->out, "<figure><figcaption><h2>%s</h2><p>%s</p>", c->title, c->note);
  if (series_count > 1)
    mw_text_format(p->out, "<p class=\"legend\"><i class=\"a\"></i>%s <i class=\"b\"></i>%s</p>", c->series[0].label,
                   c->series[1].label);
  mw_text_format(p->out,
                 "</figcaption><svg viewBox=\"0 0 %d %d\" role=\"img\" "
                 "aria-label=\"%s by layer: the numbers are in the table below\">",
                 WIDTH, HEIGHT, c->title);
  draw_grid(p, c, &a);
  draw_depth(p);
  if (has_rule(c, &a)) draw_line(p, "rule", y_of(&a, c->rule));
  for (size_t s = 0; s < series_count && shows_dots(p); s++) draw_dots(p, &c->series[s], &a);
  for (size_t s = 0; s < series_count; s++) draw_series(p, &c->series[s], &a);
  if (has_rule(c, &a)) label_rule(p, c, &a);
  bool shares = c->series[0].figure == FIGURE(changed) || c->series[0].figure == FIGURE(changed_a); /* whose greatest is nearly all */
  if (shows_dots(p) && !shares) name_farthest(p, c, series_count, &a);
  mw_markup_raw(p->out, "</svg></figure>\n");
}

void mw_chart_put(const mw_compare *compare, mw_text *out) {
  plot p = {.out = out, .compare = compare, .based = compare->models == 3};
  while (p.first < compare->group_count && head(&p, p.first)->place != 1) p.first++;
  while (p.first + p.count < compare->group_count && head(&p, p.first + p.count)->place == 1) p.count++;
  if (p.count < 2) p.first = 0, p.count = compare->group_count;
  if (!p.count) return;
  mw_markup_raw(out, "<section class=\"charts\" aria-label=\"Charts\">\n");
  for (size_t i = 0; i < 4; i++) put_chart(&p, p.based ? charts_of_base[i] : charts_alone[i]);
  bool layers = head(&p, p.first)->place == 1;
  mw_text_format(out, "</section>\n<p class=\"key\">Left to right: %s",
                 layers ? "what comes before the layers, the layers by their numbers, what comes behind them" :
                          "the modules, in the order of the table below");
  if (shows_dots(&p)) mw_text_format(out, "; large points are whole %s, small ones their tensors", layers ? "layers" : "modules");
  mw_markup_raw(out, ".</p>\n");
}
