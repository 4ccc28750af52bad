/* compare.c: a walk over the sorted names of all models gives the rows. The sums of all rows are the scalars of one graph, which the
 * executor computes in one pass (exec/run.h). Tensors that are not real numbers are compared byte by byte. */
#include "report/compare.h"
#include "exec/run.h"
#include "model/pipeline.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const mw_compare_state_names[MW_COMPARE_STATES] = {"same",      "differs", "only_a", "only_b",
                                                               "only_base", "no_base", "shape",  "dtype"};

/* ---- rows ---- */

/* The layer of a name: all up to its first part that is a number: "model.layers.3". */
static void place(mw_compare_row *row) {
  const char *name = row->name, *last = strrchr(name, '.');
  for (const char *part = name; part; part = strchr(part, '.') ? strchr(part, '.') + 1 : NULL) {
    size_t digits = strspn(part, "0123456789");
    if (!digits || part[digits] != '.' || !mw_text_parse_u64(part, digits, &row->layer)) continue;
    row->key = (size_t)(part - name) + digits;
    row->place = 1;
    return;
  }
  row->key = last ? (size_t)(last - name) : strlen(name);
  row->place = strstr(name, "embed") || strstr(name, "wte") || strstr(name, "wpe") ? 0 : 2;
}

static size_t before_number(const mw_compare_row *row) {
  size_t end = row->key;
  while (row->place == 1 && end && row->name[end - 1] != '.') end--;
  return end;
}

static int by_bytes(const char *a, size_t n, const char *b, size_t m) {
  int order = memcmp(a, b, n < m ? n : m);
  return order ? order : (n > m) - (n < m);
}

static int by_place(const void *a, const void *b) {
  const mw_compare_row *x = a, *y = b;
  if (x->place != y->place) return x->place < y->place ? -1 : 1;
  int order = by_bytes(x->name, before_number(x), y->name, before_number(y));
  if (!order && x->layer != y->layer) order = x->layer < y->layer ? -1 : 1;
  if (!order) order = by_bytes(x->name, x->key, y->name, y->key);
  return order ? order : strcmp(x->name, y->name);
}

static bool is_real(const mw_tensor *tensor) { return mw_dtype_kind_of((mw_dtype)tensor->dtype) == MW_DTYPE_KIND_REAL; }

static bool same_shape(const mw_tensor *x, const mw_tensor *y) {
  return x->rank == y->rank && (!x->rank || memcmp(x->shape, y->shape, x->rank * sizeof *x->shape) == 0);
}

/* The state as far as the headers tell; DIFFERS if the data must be compared. */
static mw_compare_state judge(const mw_compare_row *row, size_t models) {
  const mw_tensor *a = row->tensor[MW_COMPARE_A], *b = row->tensor[MW_COMPARE_B], *c = row->tensor[MW_COMPARE_BASE];
  if (!a && !b) return MW_COMPARE_ONLY_BASE;
  if (!a || !b) return a ? MW_COMPARE_ONLY_A : MW_COMPARE_ONLY_B;
  if (!same_shape(a, b)) return MW_COMPARE_SHAPE;
  if (is_real(a) != is_real(b) || (!is_real(a) && a->dtype != b->dtype)) return MW_COMPARE_DTYPE;
  bool based = models == 2 || !is_real(a) || (c && is_real(c) && same_shape(a, c));
  return based ? MW_COMPARE_DIFFERS : MW_COMPARE_NO_BASE;
}

static bool list_rows(mw_compare *compare, mw_error *err) {
  size_t at[MW_COMPARE_MODELS] = {0}, capacity = 0;
  for (;;) {
    const char *name = NULL;
    for (size_t m = 0; m < compare->models; m++) {
      const mw_model *model = compare->members[m].model;
      if (at[m] == model->tensor_count) continue;
      const char *own = model->tensors[at[m]].name;
      if (!name || strcmp(own, name) < 0) name = own;
    }
    if (!name) break;
    MW_TRY(mw_mem_grow(&compare->rows, &capacity, compare->count + 1, sizeof *compare->rows, err));
    mw_compare_row *row = &compare->rows[compare->count++];
    *row = (mw_compare_row){.name = name};
    for (size_t m = 0; m < compare->models; m++) {
      const mw_model *model = compare->members[m].model;
      if (at[m] < model->tensor_count && strcmp(model->tensors[at[m]].name, name) == 0)
        row->tensor[m] = &model->tensors[at[m]++];
    }
    row->state = judge(row, compare->models);
    place(row);
  }
  if (compare->count) qsort(compare->rows, compare->count, sizeof *compare->rows, by_place);
  return true;
}

static bool group_rows(mw_compare *compare, mw_error *err) {
  size_t capacity = 0;
  for (size_t i = 0; i < compare->count; i++) {
    mw_compare_row *row = &compare->rows[i];
    if (!i || row->place != row[-1].place || by_bytes(row->name, row->key, row[-1].name, row[-1].key) != 0) {
      MW_TRY(mw_mem_grow(&compare->groups, &capacity, compare->group_count + 1, sizeof *compare->groups, err));
      compare->groups[compare->group_count++] = (mw_compare_group){.first = i};
    }
    row->group = (uint32_t)compare->group_count - 1;
    compare->groups[row->group].count++;
  }
  return true;
}

static bool has_data(const mw_compare_row *row) {
  return row->state == MW_COMPARE_DIFFERS || row->state == MW_COMPARE_NO_BASE;
}

/* ---- tensors that are compared byte by byte ---- */

typedef struct watch {
  mw_progress progress;
  void *context;
  uint64_t before, total; /* bytes compared here, of all that are */
  uint64_t run;           /* bytes of the executor's job */
} watch;

static bool go_on(watch *w, uint64_t bytes, mw_error *err) {
  w->before += bytes;
  if (!w->progress || w->progress(w->context, w->before, w->total, 1)) return true;
  return mw_error_set(err, MW_INTERRUPTED, "interrupted");
}

/* How many elements of `size` bytes differ; if several elements share a byte, how many bytes. */
static uint64_t count_changes(const unsigned char *x, const unsigned char *y, size_t bytes, size_t size) {
  uint64_t changed = 0;
  if (memcmp(x, y, bytes) == 0) return 0;
  for (size_t i = 0; i < bytes; i += size) changed += memcmp(x + i, y + i, size) != 0;
  return changed;
}

static bool compare_bytes(const mw_compare *compare, mw_compare_row *row, watch *w, mw_error *err) {
  enum { STEP = 256 << 10 };
  const mw_tensor *a = row->tensor[MW_COMPARE_A], *b = row->tensor[MW_COMPARE_B];
  uint64_t bytes = mw_tensor_bytes(a), changed = 0;
  size_t size = mw_dtype_bits((mw_dtype)a->dtype) % 8 ? 1 : mw_dtype_size((mw_dtype)a->dtype);
  unsigned char *buffer = mw_mem_new(2, STEP, err);
  bool ok = buffer != NULL;
  for (uint64_t at = 0; ok && at < bytes; at += STEP) {
    size_t n = (size_t)(bytes - at < STEP ? bytes - at : STEP);
    ok = mw_model_read(compare->members[MW_COMPARE_A].model, a, at, buffer, n, err) &&
         mw_model_read(compare->members[MW_COMPARE_B].model, b, at, buffer + STEP, n, err) &&
         go_on(w, 2 * n, err);
    if (ok) changed += count_changes(buffer, buffer + STEP, n, size);
  }
  free(buffer);
  row->sums.of[MW_COMPARE_ELEMENTS] = (double)(bytes / size);
  row->sums.of[MW_COMPARE_CHANGED] = (double)changed;
  return ok;
}

static bool compare_integers(mw_compare *compare, watch *w, mw_error *err) {
  for (size_t i = 0; i < compare->count; i++) {
    const mw_compare_row *row = &compare->rows[i];
    if (has_data(row) && !is_real(row->tensor[MW_COMPARE_A])) w->total += 2 * mw_tensor_bytes(row->tensor[MW_COMPARE_A]);
  }
  for (size_t i = 0; i < compare->count; i++) {
    mw_compare_row *row = &compare->rows[i];
    if (has_data(row) && !is_real(row->tensor[MW_COMPARE_A])) MW_TRY(compare_bytes(compare, row, w, err));
  }
  return true;
}

/* ---- tensors that are computed: a graph ---- */

typedef struct builder {
  mw_graph *graph;
  mw_error *err;
  bool ok;
} builder;

static mw_node apply(builder *b, mw_op op, mw_node x, mw_node y) {
  mw_node operands[2] = {x, y}, node = 0;
  b->ok = b->ok && mw_graph_apply(b->graph, op, operands, (uint32_t)mw_graph_op_operands(op), NULL, &node, b->err);
  return node;
}

static mw_node number(builder *b, double value) {
  mw_node node = 0;
  b->ok = b->ok && mw_graph_number(b->graph, value, &node, b->err);
  return node;
}

static mw_node input(builder *b, size_t model, uint32_t row, const mw_tensor *tensor) {
  mw_node node = 0;
  uint32_t shape;
  b->ok = b->ok && mw_graph_shape(b->graph, tensor->shape, tensor->rank, &shape, b->err) &&
          mw_graph_input(b->graph, (uint32_t)model, row, (mw_dtype)tensor->dtype, shape, &node, b->err);
  return node;
}

static mw_node dot(builder *b, mw_node x, mw_node y) { return apply(b, MW_OP_DOT, x, y); }

static mw_node count_unequal(builder *b, mw_node x, mw_node y) {
  return apply(b, MW_OP_TOTAL, apply(b, MW_OP_NE, x, y), 0);
}

/* The product of the signs: that of the values may be so small that it is 0. */
static mw_node count_conflicts(builder *b, mw_node x, mw_node y) {
  mw_node product = apply(b, MW_OP_MUL, apply(b, MW_OP_SIGN, x, 0), apply(b, MW_OP_SIGN, y, 0));
  return apply(b, MW_OP_TOTAL, apply(b, MW_OP_LT, product, number(b, 0)), 0);
}

/* Makes the node of each sum of one row. */
static void describe(builder *b, const mw_compare_row *row, uint32_t index, bool with_base, mw_node *sums) {
  mw_node x = input(b, MW_COMPARE_A, index, row->tensor[MW_COMPARE_A]);
  mw_node y = input(b, MW_COMPARE_B, index, row->tensor[MW_COMPARE_B]);
  mw_node zero = number(b, 0), elements = number(b, (double)mw_tensor_elements(row->tensor[MW_COMPARE_A]));
  mw_node delta = apply(b, MW_OP_SUB, y, x), u = x, v = y;
  for (size_t i = 0; i < MW_COMPARE_SUMS; i++) sums[i] = zero;
  sums[MW_COMPARE_ELEMENTS] = sums[MW_COMPARE_MEASURED] = elements;
  sums[MW_COMPARE_CHANGED] = count_unequal(b, x, y);
  sums[MW_COMPARE_AA] = dot(b, x, x);
  sums[MW_COMPARE_BB] = dot(b, y, y);
  sums[MW_COMPARE_DD] = dot(b, delta, delta);
  if (row->state == MW_COMPARE_NO_BASE) return;
  if (with_base) {
    mw_node c = input(b, MW_COMPARE_BASE, index, row->tensor[MW_COMPARE_BASE]);
    u = apply(b, MW_OP_SUB, x, c);
    v = apply(b, MW_OP_SUB, y, c);
    sums[MW_COMPARE_CC] = dot(b, c, c);
    sums[MW_COMPARE_CHANGED_A] = count_unequal(b, x, c);
    sums[MW_COMPARE_CHANGED_B] = count_unequal(b, y, c);
    sums[MW_COMPARE_LEFT] = apply(b, MW_OP_TOTAL, apply(b, MW_OP_MUL, apply(b, MW_OP_NE, x, c), apply(b, MW_OP_EQ, y, c)), 0);
  }
  sums[MW_COMPARE_PAIRED] = elements;
  sums[MW_COMPARE_CONFLICT] = count_conflicts(b, u, v);
  sums[MW_COMPARE_UU] = dot(b, u, u);
  sums[MW_COMPARE_VV] = dot(b, v, v);
  sums[MW_COMPARE_UV] = dot(b, u, v);
}

/* The rows to compute, as a family that a job reads from: tensor i of each model is that of row rows[i]. */
typedef struct measuring {
  mw_family family;
  mw_family_member members[MW_COMPARE_MODELS];
  size_t *rows; /* of the comparison */
  size_t count;
  mw_node *nodes;
  double *values;
  mw_graph *graph;
  mw_schedule schedule;
} measuring;

static bool select_rows(const mw_compare *compare, measuring *m, mw_error *err) {
  m->family.members = m->members;
  m->family.count = compare->models;
  m->rows = mw_mem_new(compare->count, sizeof *m->rows, err);
  MW_TRY(m->rows);
  for (size_t i = 0; i < compare->count; i++)
    if (has_data(&compare->rows[i]) && is_real(compare->rows[i].tensor[MW_COMPARE_A])) m->rows[m->count++] = i;
  for (size_t k = 0; k < compare->models; k++) {
    mw_tensor *tensors = mw_mem_take(&m->family.arena, (m->count + 1) * sizeof *tensors, err);
    MW_TRY(tensors);
    for (size_t i = 0; i < m->count; i++) {
      const mw_tensor *own = compare->rows[m->rows[i]].tensor[k];
      tensors[i] = own ? *own : (mw_tensor){0}; /* what a model lacks is not read */
    }
    m->members[k] = (mw_family_member){.model = compare->members[k].model, .tensors = tensors, .count = m->count};
  }
  return true;
}

static bool shifted(void *context, uint64_t done, uint64_t total, unsigned pass) {
  watch *w = context;
  w->run = total;
  return !w->progress || w->progress(w->context, w->before + done, w->total + total, pass);
}

static bool run(const mw_compare *compare, measuring *m, int threads, watch *w, mw_error *err) {
  size_t count = m->count * MW_COMPARE_SUMS;
  mw_layout nothing = {0};
  MW_TRY(mw_graph_new(&m->graph, err));
  m->nodes = mw_mem_new(count, sizeof *m->nodes, err);
  m->values = mw_mem_new(count, sizeof *m->values, err);
  MW_TRY(m->nodes && m->values);
  builder b = {m->graph, err, true};
  for (size_t i = 0; i < m->count && b.ok; i++)
    describe(&b, &compare->rows[m->rows[i]], (uint32_t)i, compare->models == 3, m->nodes + i * MW_COMPARE_SUMS);
  MW_TRY(b.ok && mw_schedule_make(m->graph, NULL, m->nodes, count, &m->schedule, err));
  mw_job job = {.graph = m->graph, .schedule = &m->schedule, .family = &m->family,
                .layout = &nothing, .threads = mw_run_threads(threads), .nonfinite_keep = true, .progress = shifted,
                .context = w};
  return mw_run_values(&job, m->nodes, count, m->values, err);
}

static bool measure(mw_compare *compare, int threads, watch *w, mw_error *err) {
  measuring m = {0};
  bool ok = select_rows(compare, &m, err) && run(compare, &m, threads, w, err);
  for (size_t i = 0; i < m.count && ok; i++)
    memcpy(compare->rows[m.rows[i]].sums.of, m.values + i * MW_COMPARE_SUMS, sizeof(mw_compare_sums));
  mw_schedule_free(&m.schedule);
  mw_graph_free(m.graph);
  mw_family_free(&m.family);
  free(m.rows);
  free(m.nodes);
  free(m.values);
  return ok;
}

/* ---- from sums to figures ---- */

/* If the squares are not finite, the tensor has no length; then only the share of different elements is told, by their bytes. */
static bool check_finite(mw_compare *compare, watch *w, mw_warning *warnings, mw_error *err) {
  w->before += w->run;
  w->total += w->run;
  for (size_t i = 0; i < compare->count; i++) {
    mw_compare_row *row = &compare->rows[i];
    double sum = 0;
    mw_text_escaped name;
    for (size_t k = 0; k < MW_COMPARE_SUMS; k++) sum += row->sums.of[k] - row->sums.of[k];
    if (sum == 0) continue;
    mw_warning_add(warnings, "'%s' holds NaN, infinities or numbers too large to square: it is not measured",
                mw_text_escape_z(&name, row->name));
    row->sums = (mw_compare_sums){0};
    if (row->tensor[MW_COMPARE_A]->dtype != row->tensor[MW_COMPARE_B]->dtype) continue;
    w->total += 2 * mw_tensor_bytes(row->tensor[MW_COMPARE_A]);
    MW_TRY(compare_bytes(compare, row, w, err));
  }
  return true;
}

static void add_up(mw_compare *compare) {
  for (size_t i = 0; i < compare->count; i++) {
    mw_compare_row *row = &compare->rows[i];
    bool known = row->sums.of[MW_COMPARE_ELEMENTS] > 0 || (has_data(row) && !mw_tensor_elements(row->tensor[MW_COMPARE_A]));
    if (row->state == MW_COMPARE_DIFFERS && known && row->sums.of[MW_COMPARE_CHANGED] == 0) row->state = MW_COMPARE_SAME;
    for (size_t k = 0; k < MW_COMPARE_SUMS; k++) {
      compare->groups[row->group].sums.of[k] += row->sums.of[k];
      compare->all.of[k] += row->sums.of[k];
    }
  }
}

/* |x| / |y| from two squared lengths, over so many elements. */
static double ratio(double x, double y, double elements) {
  if (elements == 0 || (y == 0 && x > 0)) return (double)NAN;
  return y > 0 ? sqrt(x) / sqrt(y) : 0;
}

static double share(double part, double whole) { return whole > 0 ? part / whole : (double)NAN; }

static double cosine(double uu, double vv, double uv, double elements) {
  if (elements == 0) return (double)NAN;
  if (!(uu > 0 && vv > 0)) return 0;
  double value = uu == vv ? uv / uu : uv / sqrt(uu) / sqrt(vv);
  return value > 1 ? 1 : value < -1 ? -1 : value;
}

mw_compare_figures mw_compare_tell(const mw_compare_sums *sums) {
  const double *s = sums->of;
  double elements = s[MW_COMPARE_ELEMENTS], measured = s[MW_COMPARE_MEASURED], paired = s[MW_COMPARE_PAIRED];
  return (mw_compare_figures){.relative_delta = ratio(s[MW_COMPARE_DD], s[MW_COMPARE_AA], measured),
                              .delta_a = ratio(s[MW_COMPARE_UU], s[MW_COMPARE_CC], paired),
                              .delta_b = ratio(s[MW_COMPARE_VV], s[MW_COMPARE_CC], paired),
                              .changed = share(s[MW_COMPARE_CHANGED], elements),
                              .changed_a = share(s[MW_COMPARE_CHANGED_A], paired),
                              .changed_b = share(s[MW_COMPARE_CHANGED_B], paired),
                              .cosine = cosine(s[MW_COMPARE_UU], s[MW_COMPARE_VV], s[MW_COMPARE_UV], paired),
                              .sign_conflict = share(s[MW_COMPARE_CONFLICT], paired),
                              .left = share(s[MW_COMPARE_LEFT], s[MW_COMPARE_CHANGED_A])};
}

/* ---- the whole ---- */

bool mw_compare_models(const mw_compare_given given[MW_COMPARE_MODELS], int threads, mw_progress progress, void *context,
                       mw_warning *warnings, mw_compare *out, mw_error *err) {
  watch w = {progress, context, 0, 0, 0};
  for (size_t m = 0; m < MW_COMPARE_MODELS && given[m].where; m++) {
    mw_model *model;
    MW_TRY(mw_pipeline_open(given[m].where, warnings, &model, err));
    out->members[out->models++] = (mw_family_member){.model = model, .label = given[m].label};
  }
  MW_TRY(list_rows(out, err) && group_rows(out, err));
  MW_TRY(compare_integers(out, &w, err) && measure(out, threads, &w, err) && check_finite(out, &w, warnings, err));
  add_up(out);
  return true;
}

void mw_compare_close(mw_compare *compare) {
  for (size_t m = 0; m < compare->models; m++) mw_model_close((mw_model *)compare->members[m].model);
  free(compare->rows);
  free(compare->groups);
  *compare = (mw_compare){0};
}
