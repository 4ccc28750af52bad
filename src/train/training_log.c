/* training_log.c: charts are plain SVG 1.1, with one style element for dark and light themes. */
#include "train/training_log.h"
#include "base/json_writer.h"
#include "report/axis.h"

enum { WIDTH = 720, HEIGHT = 300, LEFT = 64, RIGHT = 16, TOP = 36, BOTTOM = 40, MOST_POINTS = 600 };

static void put_step(mw_json_writer *json, const mw_training_log *curve, size_t training, size_t step) {
  mw_json_writer_object(json, NULL);
  mw_json_writer_u64(json, "training", training + 1);
  mw_json_writer_u64(json, "step", step + 1);
  mw_json_writer_number(json, "loss", curve->points[step].loss);
  mw_json_writer_number(json, "gradient", curve->points[step].gradient);
  mw_json_writer_object(json, "terms");
  for (size_t k = 0; k < curve->term_count; k++)
    mw_json_writer_number(json, curve->names[k], curve->terms[step * curve->term_count + k]);
  mw_json_writer_end(json);
  mw_json_writer_end(json);
}

bool mw_training_log_lines(const mw_training_log *curves, size_t count, mw_text *out, mw_error *err) {
  mw_json_writer json = {.out = out};
  for (size_t t = 0; t < count; t++)
    for (size_t i = 0; i < curves[t].count; i++) put_step(&json, &curves[t], t, i);
  return mw_json_writer_finish(&json, err);
}

static void put_text(mw_text *out, double x, double y, const char *anchor, const char *words, double value) {
  mw_text_format(out, "<text x=\"%.5g\" y=\"%.5g\" text-anchor=\"%s\">%s%.6g</text>\n", x, y, anchor, words, value);
}

static void put_grid(mw_text *out, const mw_axis *axis, double base, double height) {
  for (int64_t line = axis->first; line <= axis->last; line++) {
    double y = base - mw_axis_share(axis, mw_axis_line(axis, line)) * height;
    mw_text_format(out, "<path class=\"grid\" d=\"M%d,%.5gH%d\"/>\n<text x=\"%d\" y=\"%.5g\" text-anchor=\"end\">", LEFT, y,
                   WIDTH - RIGHT, LEFT - 8, y + 4);
    mw_axis_label(axis, line, 1, out);
    mw_text_format(out, "</text>\n");
  }
}

/* The mean of the last twentieth of all steps, up to step i. */
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
  mw_axis axis = mw_axis_of(low, high);
  double steps = curve->count > 1 ? (double)(curve->count - 1) : 1;
  double base = offset + TOP + height;
  if (count > 1) put_text(out, LEFT, offset + 22, "start", "loss of training ", (double)number + 1);
  else put_text(out, LEFT, offset + 22, "start", "loss, at last ", curve->points[curve->count - 1].loss);
  put_grid(out, &axis, base, height);
  put_text(out, LEFT, base + 18, "middle", "", 1);
  put_text(out, WIDTH - RIGHT, base + 18, "end", "step ", (double)curve->count);
  size_t stride = curve->count / MOST_POINTS + 1, last = curve->count - 1;
  for (int smooth = 0; smooth < 2; smooth++) {
    mw_text_format(out, smooth ? "<polyline points=\"" : "<polyline class=\"raw\" points=\"");
    for (size_t i = 0; i <= last; i = i == last ? last + 1 : i + stride < last ? i + stride : last) {
      double loss = smooth ? trend(curve, i) : curve->points[i].loss;
      mw_text_format(out, "%s%.5g,%.5g", i ? " " : "", LEFT + (double)i / steps * width, base - mw_axis_share(&axis, loss) * height);
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
