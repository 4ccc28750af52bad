/* candidates.c: reads {"drawn": [{"what": "seed/m3:beta(0.5, 0.5)", "value": 0.31}], "score": -3.2} and draws them in the order of x. */
#include "report/candidates.h"
#include "report/plot.h"
#include <stdlib.h>
#include <string.h>

enum { MOST = 2000 };

typedef struct point { const char *value; double at, score; } point;

/* The one number that a candidate has drawn, or something that is no object. */
static mw_json drawn_once(mw_json candidate) {
  mw_json drawn = mw_json_member(candidate, "drawn"), key, one = {0}, more = {0};
  mw_json_walk walk = mw_json_enter(drawn);
  bool good = drawn.kind == MW_JSON_ARRAY && mw_json_next(&walk, &key, &one) && !mw_json_next(&walk, &key, &more);
  return good ? one : (mw_json){0};
}

static int by_place(const void *a, const void *b) {
  const point *x = a, *y = b;
  return (x->at > y->at) - (x->at < y->at);
}

/* *drawn: what all have drawn one of, {"what", "value"}; no object where that is not so. */
static bool read_points(mw_json candidates, mw_json *drawn, mw_arena *arena, point *points, size_t *count, mw_error *err) {
  mw_json key, one;
  const char *first = NULL;
  size_t length;
  bool all = true;
  for (mw_json_walk walk = mw_json_enter(candidates); *count < MOST && mw_json_next(&walk, &key, &one);) {
    point *p = &points[*count];
    mw_json by = mw_json_member(one, "by");
    const bool named = by.kind == MW_JSON_STRING && mw_json_is_text(by);
    if (named && !first) MW_TRY(mw_json_string(by, arena, &first, &length, err));
    if (named && !mw_json_equals(by, first)) continue; /* of several scores the first one that was asked for */
    if (one.kind != MW_JSON_OBJECT || !mw_json_double(mw_json_member(one, "score"), &p->score)) continue;
    *drawn = drawn_once(one);
    all = all && drawn->kind == MW_JSON_OBJECT && mw_json_double(mw_json_member(*drawn, "value"), &p->at);
    ++*count;
  }
  if (!all) *drawn = (mw_json){0};
  for (size_t i = 0; i < *count; i++) {
    char text[32];
    if (!all) points[i].at = (double)i + 1;
    mw_text_number(text, points[i].at);
    MW_TRY(points[i].value = mw_mem_copy(arena, text, strlen(text), err));
  }
  qsort(points, *count, sizeof *points, by_place);
  return true;
}

/* What the axis is called: "drawn: seed/m3:beta(0.5, 0.5)". */
static bool name_axis(mw_json drawn, mw_arena *arena, mw_text *name, mw_error *err) {
  mw_json what = drawn.kind == MW_JSON_OBJECT ? mw_json_member(drawn, "what") : (mw_json){0};
  const char *text;
  size_t length;
  mw_text_format(name, drawn.kind == MW_JSON_OBJECT ? "drawn" : "candidate");
  if (what.kind == MW_JSON_STRING && mw_json_is_text(what)) {
    MW_TRY(mw_json_string(what, arena, &text, &length, err));
    mw_text_format(name, ": %.*s", (int)(length < 80 ? length : 80), text);
  }
  return mw_text_check(name, err);
}

static bool draw(mw_json candidates, bool file, mw_arena *arena, mw_text *name, mw_text *out, size_t *count, mw_error *err) {
  mw_json drawn = {0};
  point *points = mw_mem_take(arena, MOST * sizeof *points, err);
  MW_TRY(points && read_points(candidates, &drawn, arena, points, count, err));
  if (!*count) return true;
  const char **values = mw_mem_take(arena, *count * sizeof *values, err), *label = "";
  double *scores = mw_mem_take(arena, *count * sizeof *scores, err);
  MW_TRY(values && scores && name_axis(drawn, arena, name, err));
  for (size_t i = 0; i < *count; i++) values[i] = points[i].value, scores[i] = points[i].score;
  mw_plot plot = {.x = name->bytes, .y = "score", .values = values, .count = *count, .labels = &label, .figures = scores, .curves = 1};
  return mw_plot_draw(&plot, file, out, err);
}

bool mw_candidates_draw(mw_json candidates, bool file, mw_text *out, size_t *count, mw_error *err) {
  mw_arena arena = {0};
  mw_text name = {0};
  *count = 0;
  bool ok = candidates.kind != MW_JSON_ARRAY || draw(candidates, file, &arena, &name, out, count, err);
  mw_text_free(&name);
  mw_mem_release(&arena);
  return ok;
}
