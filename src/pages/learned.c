/* learned.c: a curve a training, with at most 600 points, and a map of the means of coefficients for each model that has them. */
#include "pages/learned.h"
#include "format/json.h"
#include "model/model.h"
#include "num/cpu.h"
#include "report/document.h"
#include "report/heat.h"
#include "report/markup.h"
#include "report/plot.h"
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 256 << 20, DEPTH = 8, MOST_POINTS = 600, STEP = 4096 };

/* ---- losses ---- */

typedef struct losses {
  double *values;
  uint64_t *training;
  size_t count, room, training_room;
} losses;

static bool read_line(const char *path, const char *line, size_t length, losses *l, mw_error *err) {
  mw_json root;
  mw_text_escaped shown;
  MW_TRY(mw_json_check(path, line, length, DEPTH, &root, err));
  MW_TRY(mw_mem_grow(&l->values, &l->room, l->count + 1, sizeof *l->values, err) &&
         mw_mem_grow(&l->training, &l->training_room, l->count + 1, sizeof *l->training, err));
  if (root.kind != MW_JSON_OBJECT || !mw_json_double(mw_json_member(root, "loss"), &l->values[l->count]) ||
      !mw_json_u64(mw_json_member(root, "training"), &l->training[l->count]))
    return mw_error_set(err, MW_DATA, "%s: line %zu: found no number of a training and its loss, as moonweld writes them",
                        mw_text_escape_z(&shown, path), l->count + 1);
  l->count++;
  return true;
}

static bool put_curve(const losses *l, size_t first, size_t count, mw_arena *arena, mw_text *out, mw_error *err) {
  size_t stride = count / MOST_POINTS + 1, points = (count + stride - 1) / stride;
  const char **steps = mw_mem_take(arena, points * sizeof *steps, err);
  double *values = mw_mem_take(arena, points * sizeof *values, err);
  MW_TRY(steps && values);
  for (size_t i = 0; i < points; i++) {
    char text[32];
    size_t step = i * stride;
    mw_text_number(text, (double)step + 1);
    MW_TRY(steps[i] = mw_mem_copy(arena, text, strlen(text), err));
    values[i] = l->values[first + step];
  }
  const char *label = "";
  mw_plot plot = {.x = "step", .y = "loss", .values = steps, .count = points, .labels = &label, .figures = values, .curves = 1};
  mw_text_format(out, "<figure><figcaption><p>Training %llu: %zu steps, the loss at first %.5g, at last %.5g.</p></figcaption>",
                 (unsigned long long)l->training[first], count, l->values[first], l->values[first + count - 1]);
  MW_TRY(mw_plot_draw(&plot, false, out, err));
  mw_markup_raw(out, "</figure>\n");
  return true;
}

static bool put_losses(const char *path, mw_arena *arena, mw_text *out, mw_error *err) {
  char *text;
  size_t length;
  losses l = {0};
  MW_TRY(mw_file_slurp(path, LARGEST, &text, &length, err));
  bool ok = true;
  for (char *line = text, *end; ok && line < text + length; line = end + 1) {
    end = memchr(line, '\n', (size_t)(text + length - line));
    if (!end) end = text + length;
    if (end > line) ok = read_line(path, line, (size_t)(end - line), &l, err);
  }
  if (ok && l.count) mw_markup_raw(out, "<section>\n<h2>Losses</h2>\n");
  for (size_t first = 0, count; ok && first < l.count; first += count) {
    for (count = 1; first + count < l.count && l.training[first + count] == l.training[first]; count++) continue;
    ok = put_curve(&l, first, count, arena, out, err);
  }
  if (ok && l.count) mw_markup_raw(out, "</section>\n");
  free(text);
  free(l.values);
  free(l.training);
  return ok;
}

/* ---- coefficients ---- */

static bool mean_of(const mw_model *model, const mw_tensor *tensor, double *mean, mw_error *err) {
  const mw_kernels *kernels;
  float stored[STEP];
  double values[STEP], sum = 0;
  uint64_t elements = mw_tensor_elements(tensor);
  MW_TRY(mw_cpu_kernels(&kernels, err));
  for (uint64_t at = 0, n; at < elements; at += n) {
    n = elements - at < STEP ? elements - at : STEP;
    MW_TRY(mw_model_read(model, tensor, at * sizeof *stored, stored, n * sizeof *stored, err));
    kernels->type[1].load[tensor->dtype](values, stored, n);
    for (size_t i = 0; i < n; i++) sum += values[i];
  }
  *mean = elements ? sum / (double)elements : 0;
  return true;
}

/* "experts[1]" in "experts[1].model.norm.weight". */
static size_t label_of(const char *name) { return strcspn(name, "]") + (strchr(name, ']') != NULL); }

static void put_row(const mw_heat_cell *cell, uint64_t count, mw_text *out) {
  mw_markup_raw(out, "<tr><th scope=\"row\">");
  mw_markup_name(out, cell->name, strlen(cell->name));
  mw_text_format(out, "</th><td>%llu</td><td>", (unsigned long long)count);
  mw_markup_number(out, cell->value, false);
  mw_markup_raw(out, "</td></tr>\n");
}

/* Means of one model's coefficients, by the tensors' own names. */
static bool put_map(const mw_heat_cell *cells, size_t count, mw_text *out, mw_error *err) {
  mw_text title = {0};
  mw_text_escaped shown;
  size_t label = label_of(cells[0].name);
  mw_heat_cell *own = mw_mem_new(count, sizeof *own, err);
  if (!own) return false;
  for (size_t i = 0; i < count; i++) own[i] = (mw_heat_cell){cells[i].name + label + (cells[i].name[label] == '.'), cells[i].value};
  mw_text escaped = {0};
  mw_markup_line(&escaped, mw_text_escape(&shown, cells[0].name, label));
  mw_text_format(&title, "Coefficients of %s", escaped.bytes ? escaped.bytes : "");
  bool ok = mw_text_check(&title, err) &&
            mw_heat_put(&(mw_heat){title.bytes, "The mean over each tensor\xe2\x80\x99s coefficients.", false, own, count}, out, err);
  mw_text_free(&title);
  mw_text_free(&escaped);
  free(own);
  return ok;
}

static bool put_cells(const mw_model *model, const mw_heat_cell *cells, mw_text *out, mw_error *err) {
  size_t total = model->tensor_count;
  mw_markup_raw(out, "<section class=\"heat\" aria-label=\"Coefficients\">\n");
  for (size_t first = 0, count; first < total; first += count) {
    size_t label = label_of(cells[first].name);
    for (count = 1; first + count < total && strncmp(cells[first + count].name, cells[first].name, label) == 0; count++) continue;
    MW_TRY(put_map(cells + first, count, out, err));
  }
  mw_markup_raw(out, "</section>\n");
  mw_document_begin_table(out, "Coefficients", "coefficients");
  mw_markup_raw(out, "<thead><tr><th scope=\"col\">of</th><th scope=\"col\">how many</th><th scope=\"col\">mean</th></tr></thead>\n"
                     "<tbody>\n");
  for (size_t i = 0; i < total; i++) put_row(&cells[i], mw_tensor_elements(&model->tensors[i]), out);
  mw_markup_raw(out, "</tbody>\n");
  mw_document_end_table(out);
  return true;
}

static bool put_coefficients(const char *path, mw_text *out, mw_error *err) {
  mw_model *model;
  MW_TRY(mw_model_open(path, NULL, &model, err));
  mw_heat_cell *cells = mw_mem_new(model->tensor_count, sizeof *cells, err);
  bool ok = cells != NULL;
  for (size_t i = 0; i < model->tensor_count && ok; i++) {
    cells[i].name = model->tensors[i].name;
    mw_text_escaped shown;
    if (model->tensors[i].dtype != MW_DTYPE_F32)
      ok = mw_error_set(err, MW_DATA, "%s: found %s, expected F32, as moonweld writes it", mw_text_escape_z(&shown, path),
                        mw_dtype_name((mw_dtype)model->tensors[i].dtype));
    else ok = mean_of(model, &model->tensors[i], &cells[i].value, err);
  }
  if (ok && model->tensor_count) ok = put_cells(model, cells, out, err);
  free(cells);
  mw_model_close(model);
  return ok;
}

bool mw_learned_put(const char *folder, mw_text *out, mw_error *err) {
  mw_arena arena = {0};
  const char *curves = mw_file_join(&arena, folder, "moonweld/training.jsonl", err);
  const char *coefficients = mw_file_join(&arena, folder, "moonweld/coefficients.safetensors", err);
  bool ok = curves && coefficients && (!mw_file_exists(curves) || put_losses(curves, &arena, out, err)) &&
            (!mw_file_exists(coefficients) || put_coefficients(coefficients, out, err));
  mw_mem_release(&arena);
  return ok;
}
