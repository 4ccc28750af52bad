/* plot.c: curves as an SVG picture of its own, which a browser, an editor or a page shows: light or dark as the reader's screen is. */
#include "report/plot.h"
#include "report/axis.h"
#include "report/markup.h"
#include "format/atomic_file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 720, HEIGHT = 380, LEFT = 84, RIGHT = 24, TOP = 40, BOTTOM = 56, LEGEND = 20, MOST = 8, LABELS = 12, POINTS = 60 };

static const char mark[] = "<!-- moonweld plot -->"; /* by it we know a picture that we may replace */

static const char style[] =
    "<style>:root{--ground:#fff;--ink:#1c1f24;--soft:#5c636e;--grid:#e6e7ea;--c0:#1f5fd0;--c1:#b8480c;--c2:#0d7a5f;--c3:#8a3fb0;"
    "--c4:#8a6a00;--c5:#b3245e;--c6:#00738a;--c7:#5c636e}\n"
    "@media(prefers-color-scheme:dark){:root{--ground:#1a1d22;--ink:#e7e9ec;--soft:#9da4b0;--grid:#2a2e36;--c0:#82aaff;--c1:#ff9d66;"
    "--c2:#56cfa8;--c3:#d3a0f0;--c4:#e0c050;--c5:#ff8fb5;--c6:#5fd3ea;--c7:#9da4b0}}\n"
    "text{font:13px system-ui,'Segoe UI',Roboto,'Liberation Sans',Arial,sans-serif;fill:var(--soft)}.name{fill:var(--ink)}"
    "line{stroke:var(--grid)}path{fill:none;stroke-width:2;stroke-linejoin:round}</style>\n";

typedef struct drawing {
  const mw_plot *plot;
  mw_text *out;
  double *places; /* of the values on the x axis, from 0 to 1 */
  bool numbers;   /* they lie where their numbers are */
  mw_axis x, y;
} drawing;

static double x_of(const drawing *d, size_t point) { return LEFT + d->places[point] * (WIDTH - LEFT - RIGHT); }
static double y_of(const drawing *d, double value) { return HEIGHT - BOTTOM - mw_axis_share(&d->y, value) * (HEIGHT - TOP - BOTTOM); }

static void place_values(drawing *d) {
  double low = INFINITY, high = -INFINITY;
  size_t count = d->plot->count;
  d->numbers = true;
  for (size_t i = 0; i < count; i++) {
    d->numbers = d->numbers && mw_text_parse_number(d->plot->values[i], &d->places[i]);
    if (d->numbers) low = fmin(low, d->places[i]), high = fmax(high, d->places[i]);
  }
  if (d->numbers) d->x = mw_axis_of(low, high);
  for (size_t i = 0; i < count; i++)
    d->places[i] = d->numbers ? mw_axis_share(&d->x, d->places[i]) : ((double)i + 0.5) / (double)count;
}

static void fit(drawing *d) {
  double low = INFINITY, high = -INFINITY;
  for (size_t i = 0; i < d->plot->curves * d->plot->count; i++)
    if (isfinite(d->plot->figures[i])) low = fmin(low, d->plot->figures[i]), high = fmax(high, d->plot->figures[i]);
  d->y = low <= high ? mw_axis_of(low, high) : mw_axis_of(0, 1);
}

static void put_label(const drawing *d, double x, double y, const char *anchor, const char *text) {
  mw_text_format(d->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
  mw_markup_put(d->out, text, strlen(text));
  mw_markup_raw(d->out, "</text>\n");
}

static void draw_grid(const drawing *d) {
  for (int64_t line = d->y.first; line <= d->y.last; line++) {
    double y = y_of(d, mw_axis_line(&d->y, line));
    mw_text_format(d->out, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", LEFT,
                   WIDTH - RIGHT, y, y, LEFT - 8, y + 4);
    mw_axis_label(&d->y, line, 1, d->out);
    mw_markup_raw(d->out, "</text>\n");
  }
  for (int64_t line = d->x.first; d->numbers && line <= d->x.last; line++) {
    mw_text_format(d->out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">",
                   LEFT + mw_axis_share(&d->x, mw_axis_line(&d->x, line)) * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM + 20);
    mw_axis_label(&d->x, line, 1, d->out);
    mw_markup_raw(d->out, "</text>\n");
  }
  size_t every = (d->plot->count + LABELS - 1) / LABELS;
  for (size_t i = 0; !d->numbers && i < d->plot->count; i += every)
    put_label(d, x_of(d, i), HEIGHT - BOTTOM + 20, "middle", d->plot->values[i]);
  put_label(d, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 14, "middle", d->plot->x);
  put_label(d, LEFT - 8, TOP - 18, "end", d->plot->y);
}

static void draw_curve(const drawing *d, size_t curve) {
  const double *figures = &d->plot->figures[curve * d->plot->count];
  unsigned colour = (unsigned)(curve % MOST);
  bool joined = false;
  mw_text_format(d->out, "<path style=\"stroke:var(--c%u)\" d=\"", colour);
  for (size_t i = 0; i < d->plot->count; i++) {
    bool there = isfinite(figures[i]);
    if (there) mw_text_format(d->out, "%s%.1f %.1f", joined ? "L" : "M", x_of(d, i), y_of(d, figures[i]));
    joined = there;
  }
  mw_markup_raw(d->out, "\"/>\n");
  for (size_t i = 0; i < d->plot->count && d->plot->count <= POINTS; i++) {
    if (!isfinite(figures[i])) continue;
    mw_text_format(d->out, "<circle style=\"fill:var(--c%u)\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"><title>", colour, x_of(d, i),
                   y_of(d, figures[i]));
    mw_markup_put(d->out, d->plot->values[i], strlen(d->plot->values[i]));
    mw_text_format(d->out, ": %.6g</title></circle>\n", figures[i]);
  }
}

/* Below the picture, a line a curve; without a name there is none. */
static void put_legend(const drawing *d) {
  for (size_t c = 0; c < d->plot->curves; c++) {
    if (!*d->plot->labels[c]) continue;
    double y = HEIGHT + (double)c * LEGEND;
    mw_text_format(d->out, "<circle style=\"fill:var(--c%u)\" cx=\"%d\" cy=\"%.1f\" r=\"4\"/>", (unsigned)(c % MOST), LEFT, y - 4);
    put_label(d, LEFT + 12, y, "start", d->plot->labels[c]);
  }
}

/* `file`: as a picture of its own, with its style and ground. */
static void compose(drawing *d, bool file) {
  bool named = *d->plot->labels[0];
  int height = HEIGHT + (named ? (int)d->plot->curves * LEGEND : 0);
  if (file) mw_text_format(d->out, "%s\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\"", mark, WIDTH);
  else mw_markup_raw(d->out, "<svg class=\"plot\"");
  mw_text_format(d->out, " viewBox=\"0 0 %d %d\" role=\"img\">\n", WIDTH, height);
  if (file) {
    mw_markup_raw(d->out, style);
    mw_text_format(d->out, "<rect width=\"%d\" height=\"%d\" style=\"fill:var(--ground)\"/>\n", WIDTH, height);
  }
  draw_grid(d);
  for (size_t c = 0; c < d->plot->curves; c++) draw_curve(d, c);
  put_legend(d);
  mw_markup_raw(d->out, "</svg>\n");
}

bool mw_plot_draw(const mw_plot *plot, bool file, mw_text *out, mw_error *err) {
  drawing d = {.plot = plot, .out = out, .places = mw_mem_new(plot->count, sizeof(double), err)};
  if (!d.places) return false;
  place_values(&d);
  fit(&d);
  compose(&d, file);
  free(d.places);
  return mw_text_check(out, err);
}

bool mw_plot_allowed(const char *file, mw_error *err) { return mw_atomic_file_allowed(file, mark, err); }

bool mw_plot_write(const mw_plot *plot, const char *file, mw_error *err) {
  mw_text text = {0};
  bool ok = mw_plot_draw(plot, true, &text, err) && mw_atomic_file_write(file, mark, text.bytes, text.length, err);
  mw_text_free(&text);
  return ok;
}
