/* training_log.c: see training_log.h. Charts are plain SVG 1.1 with one style element that follows a reader's dark or light theme. */
#include "train/training_log.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 720, HEIGHT = 300, LEFT = 64, RIGHT = 16, TOP = 36, BOTTOM = 40, MOST_POINTS = 600 };

bool mw_training_log_lines(const mw_training_log *curves, size_t count, mw_text *out, mw_error *err) {
  char loss[32], gradient[32];
  for (size_t t = 0; t < count; t++)
    for (size_t i = 0; i < curves[t].count; i++) {
      const mw_training_log *c = &curves[t];
      mw_text_format(out, "{\"training\":%zu,\"step\":%zu,\"loss\":%s,\"gradient\":%s,\"terms\":{", t + 1, i + 1,
                     mw_text_number(loss, c->points[i].loss), mw_text_number(gradient, c->points[i].gradient));
      for (size_t k = 0; k < c->term_count; k++) {
        mw_text_format(out, "%s\"%s\":", k ? "," : "", c->names[k]);
        mw_text_json_number(out, c->terms[i * c->term_count + k]);
      }
      mw_text_format(out, "}}\n");
    }
  return mw_text_check(out, err);
}

/* The distance of grid lines: 1, 2 or 5 times a power of ten, so that 3 to 8 of them fit. */
static double step_of(double range) {
  double step = pow(10, floor(log10(range / 3)));
  if (range / step > 14) return step * 5;
  return range / step > 7 ? step * 2 : step;
}

/* A number of `digits` significant digits, whatever the locale. */
static void put_number(mw_text *out, double value, int digits) {
  char room[40];
  snprintf(room, sizeof room, "%.*g", digits, value);
  for (char *c = room; *c; c++)
    if (*c == ',') *c = '.';
  mw_text_add(out, room, strlen(room));
}

static void put_text(mw_text *out, double x, double y, const char *anchor, const char *words, double value) {
  mw_text_format(out, "<text x=\"");
  put_number(out, x, 5);
  mw_text_format(out, "\" y=\"");
  put_number(out, y, 5);
  mw_text_format(out, "\" text-anchor=\"%s\">%s", anchor, words);
  put_number(out, value, 6);
  mw_text_format(out, "</text>\n");
}

static void put_point(mw_text *out, const char *before, double x, double y) {
  mw_text_format(out, "%s", before);
  put_number(out, x, 5);
  mw_text_format(out, ",");
  put_number(out, y, 5);
}

/* The mean of the last steps up to `i`, a twentieth of all. */
static double trend(const mw_training_log *curve, size_t i) {
  size_t span = curve->count / 20 + 1, first = i + 1 > span ? i + 1 - span : 0;
  double sum = 0;
  for (size_t k = first; k <= i; k++) sum += curve->points[k].loss;
  return sum / (double)(i + 1 - first);
}

static void put_chart(mw_text *out, const mw_training_log *curve, size_t number, size_t count, double offset) {
  double low = curve->points[0].loss, high = low, width = WIDTH - LEFT - RIGHT, height = HEIGHT - TOP - BOTTOM;
  for (size_t i = 0; i < curve->count; i++) {
    if (curve->points[i].loss < low) low = curve->points[i].loss;
    if (curve->points[i].loss > high) high = curve->points[i].loss;
  }
  double span = high - low, pad = span > 0 ? span * 0.05 : fmax(fabs(high), 1) * 0.05;
  low -= pad, span = high + pad - low;
  double step = step_of(span), steps = curve->count > 1 ? (double)(curve->count - 1) : 1;
  double base = offset + TOP + height;
  if (count > 1) put_text(out, LEFT, offset + 22, "start", "loss of training ", (double)number + 1);
  else put_text(out, LEFT, offset + 22, "start", "loss, at last ", curve->points[curve->count - 1].loss);
  for (double line = ceil(low / step) * step; line <= low + span; line += step) {
    double y = base - (line - low) / span * height;
    put_point(out, "<path class=\"grid\" d=\"M", LEFT, y);
    mw_text_format(out, "H%d\"/>\n", WIDTH - RIGHT);
    put_text(out, LEFT - 8, y + 4, "end", "", fabs(line) < step * 1e-6 ? 0 : line);
  }
  put_text(out, LEFT, base + 18, "middle", "", 1);
  put_text(out, WIDTH - RIGHT, base + 18, "end", "step ", (double)curve->count);
  size_t stride = curve->count / MOST_POINTS + 1, last = curve->count - 1;
  for (int smooth = 0; smooth < 2; smooth++) {
    mw_text_format(out, smooth ? "<polyline points=\"" : "<polyline class=\"raw\" points=\"");
    for (size_t i = 0; i <= last; i = i == last ? last + 1 : i + stride < last ? i + stride : last) {
      double loss = smooth ? trend(curve, i) : curve->points[i].loss;
      put_point(out, i ? " " : "", LEFT + (double)i / steps * width, base - (loss - low) / span * height);
    }
    mw_text_format(out, "\"/>\n");
  }
}

bool mw_training_log_chart(const mw_training_log *curves, size_t count, mw_text *out, mw_error *err) {
  size_t charts = 0;
  for (size_t i = 0; i < count; i++) charts += curves[i].count > 0;
  mw_text_format(out,
                 "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %zu\" width=\"%d\" height=\"%zu\" role=\"img\" "
                 "aria-label=\"loss by step\">\n<style>svg{background:#fff;font:12px system-ui,sans-serif}text{fill:#444}"
                 ".grid{stroke:#888;stroke-opacity:.3;fill:none}"
                 "polyline{fill:none;stroke:#2563eb;stroke-width:1.8;stroke-linejoin:round}.raw{stroke-width:1;stroke-opacity:.35}"
                 "@media(prefers-color-scheme:dark){svg{background:#111}text{fill:#bbb}polyline{stroke:#7aa2ff}}</style>\n",
                 WIDTH, charts * HEIGHT, WIDTH, charts * HEIGHT);
  double offset = 0;
  for (size_t i = 0; i < count; i++) {
    if (!curves[i].count) continue;
    put_chart(out, &curves[i], i, charts, offset);
    offset += HEIGHT;
  }
  mw_text_format(out, "</svg>\n");
  return mw_text_check(out, err);
}
