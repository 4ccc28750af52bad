/* selection.c: makes the search that a node needs, and a value of what it found. Of a KTH, values->ties keeps how many of the
 * elements equal to it have its rank or a higher one. For example, of 5 3 3 3 1 the third largest is 3, and two of the three
 * elements 3 are among the three largest: ties = 2. A TIE then looks for the index of the second 3. Where all equal elements
 * have the rank (the fourth largest of these: all three), no index is needed and the TIE takes no pass. */
#include "exec/selection.h"
#include "exec/sample.h"
#include <stdlib.h>
#include <string.h>

/* An index has nothing to predict it from, 65536 keys of f64 are too few for a prediction, and a sample is not made of whole rows. */
static bool is_sampled(mw_graph_node_facts facts, uint64_t total) {
  return facts.op != MW_OP_TIE && !facts.f64 && !facts.rowed && mw_sample_pays(total);
}

static uint64_t elements_of(const mw_graph *graph, mw_node node) {
  return mw_graph_elements(graph, mw_graph_facts(graph, node).shape);
}

static uint64_t total_of(const mw_graph *graph, mw_graph_node_facts facts) {
  uint64_t total = 0;
  for (uint32_t i = 0; i < mw_graph_selected(facts); i++) total += elements_of(graph, facts.operand[i]);
  return total;
}

static mw_select begin(mw_graph_node_facts facts, uint64_t rank, uint64_t total) {
  bool magnitude = facts.op == MW_OP_KTH || facts.op == MW_OP_KTH_LAZY;
  mw_select_key key = facts.op == MW_OP_TIE ? MW_SELECT_TIE : magnitude ? MW_SELECT_MAGNITUDE : MW_SELECT_VALUE;
  return mw_select_begin(key, facts.f64, 0, rank, total);
}

unsigned mw_selection_expected(const mw_graph *graph, mw_node node) {
  mw_graph_node_facts facts = mw_graph_facts(graph, node);
  const uint64_t total = total_of(graph, facts);
  if (facts.op == MW_OP_TIE) {
    mw_graph_node_facts threshold = mw_graph_facts(graph, facts.operand[mw_graph_selected(facts)]);
    return mw_selection_expected(graph, facts.operand[mw_graph_selected(facts)]) + !is_sampled(threshold, total);
  }
  if (is_sampled(facts, total)) return 1;
  mw_select select = begin(facts, 0, total);
  return mw_select_passes(&select);
}

void mw_selection_assume(mw_selection *s, double threshold) {
  s->select = mw_select_begin(MW_SELECT_TIE, s->select.f64, threshold, 0, s->total);
  s->assumes = true;
  s->waits = false;
}

/* A key is common (select.h) if by the sample it is that of one element of SPARSE or more. Elements near the prediction are listed if
 * by the sample the narrowest range has at most ROOM; and of at most LONGEST in all, since longer ones have more than that. */
enum { SPARSE = 1024, SPARSEST = 16384, ROOM = MW_KERNEL_LISTED / 4 * 3, LONGEST = 64 << 20 };

bool mw_selection_differs(const mw_selection *s) {
  return s->threshold || (s->sample.found && (double)s->sample.equal * SPARSEST < (double)s->sampled);
}

bool mw_selection_may_list(const mw_graph *graph, mw_node node) {
  mw_graph_node_facts facts = mw_graph_facts(graph, node);
  const uint64_t total = total_of(graph, facts);
  return is_sampled(facts, total) && total <= LONGEST;
}

/* Sets the range of values that are mostly different: as wide as may be listed, else as it is. */
static void widen(mw_selection *s, bool may_list) {
  const double each = s->density * ((double)s->total / (double)s->sampled), most = UINT64_C(1) << MW_KERNEL_LISTED_KEYS;
  s->lists = may_list && s->total <= LONGEST && each * MW_SELECT_BINS <= ROOM;
  mw_select_widen(&s->select, !s->lists ? MW_SELECT_BINS : each * most > ROOM ? (uint64_t)(ROOM / each) : (uint64_t)most, s->lists);
}

void mw_selection_take_list(mw_selection *s, const mw_kernel_list *list) {
  mw_error ignored;
  size_t need = s->listed.count + list->count;
  if (!list->count || !mw_mem_grow(&s->listed.items, &s->listed_capacity, need, sizeof *s->listed.items, &ignored)) return;
  memcpy(s->listed.items + s->listed.count, list->items, list->count * sizeof *list->items);
  s->listed.count += list->count;
}

static const uint64_t LISTED_KEY = (UINT64_C(1) << MW_KERNEL_LISTED_KEYS) - 1;

static int by_index(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* Keeps of the list only the elements within the search's range. False if it does not have all of them. */
static bool keep_listed(const mw_selection *s, mw_kernel_list *list) {
  const uint64_t low = (uint64_t)(s->select.low - s->listed_low), keys = (uint64_t)(s->select.last - s->select.low);
  size_t found = 0;
  if (!s->lists || s->select.low < s->listed_low) return false;
  for (size_t i = 0; i < list->count; i++)
    if ((list->items[i] & LISTED_KEY) - low <= keys) list->items[found++] = list->items[i];
  list->count = found;
  return found == s->select.equal;
}

/* Looks in the list for the key of a rank whose bin of several keys is known. */
static void find_key(mw_selection *s) {
  if (!keep_listed(s, &s->listed)) return;
  memset(s->bins, 0, MW_SELECT_BINS * sizeof *s->bins);
  for (size_t i = 0; i < s->listed.count; i++)
    s->bins[(s->listed.items[i] & LISTED_KEY) - (uint64_t)(s->select.low - s->listed_low)]++;
  mw_select_narrow(&s->select, s->bins, s->select.less);
}

/* Looks in the list for the index of a TIE: of the elements that equal the threshold, of which it cuts off the first `cut`, the last of
 * these. */
static bool find_listed(mw_selection *threshold, uint64_t cut, uint64_t *index) {
  mw_kernel_list *list = &threshold->listed;
  if (!keep_listed(threshold, list)) return false;
  qsort(list->items, list->count, sizeof *list->items, by_index);
  *index = list->items[cut - 1] >> MW_KERNEL_LISTED_KEYS;
  return true;
}

/* Begins a TIE whose threshold was found; or goes on, if it has counted the ties of just this threshold, which sets `counted`.
 * Nothing equals a threshold that is NaN: then there is no index to look for. */
static bool start_tie(mw_selection *s, mw_selection *of, bool *counted, mw_values *values, mw_error *err) {
  double threshold;
  uint64_t index = s->total, cut = values->ties[s->threshold];
  MW_TRY(mw_values_get(values, s->threshold, &threshold, err));
  const bool all = !cut || threshold != threshold;
  if (s->last && !all) cut = of->select.equal - cut;
  *counted = s->assumes && threshold == s->select.threshold;
  if (!*counted) s->select = mw_select_begin(MW_SELECT_TIE, s->select.f64, threshold, 0, s->total);
  s->select.rank = cut ? cut - 1 : 0;
  s->select.found = all || find_listed(of, cut, &index);
  s->waits = s->assumes = false;
  return !s->select.found || mw_values_set(values, s->node, all && s->last ? -1 : (double)index, err);
}

bool mw_selection_new(const mw_graph *graph, mw_node node, mw_values *values, mw_selection *out, mw_error *err) {
  mw_graph_node_facts facts = mw_graph_facts(graph, node);
  uint32_t tensors = mw_graph_selected(facts);
  *out = (mw_selection){.node = node, .bins = mw_mem_new(MW_SELECT_BINS, sizeof *out->bins, err)};
  if (!out->bins || !(out->origins = mw_mem_new(tensors + 1, sizeof *out->origins, err))) return false;
  for (uint32_t i = 0; i < tensors; i++) out->origins[i + 1] = out->total += elements_of(graph, facts.operand[i]);
  if (facts.op == MW_OP_TIE) {
    out->threshold = facts.operand[tensors];
    out->last = facts.extra[0] == 1;
    out->waits = true;
    out->select = begin(facts, 0, out->total);
    return true;
  }
  uint64_t rank = facts.extra[0];
  if (facts.op == MW_OP_KTH_LAZY) {
    double k;
    MW_TRY(mw_values_get(values, facts.operand[tensors], &k, err));
    rank = out->total - (k >= (double)out->total ? out->total : k >= 1 ? (uint64_t)k : 1);
  }
  out->select = begin(facts, rank, out->total);
  out->sampling = is_sampled(facts, out->total);
  return true;
}

void mw_selection_free(mw_selection *s) {
  free(s->bins);
  free(s->origins);
  free(s->listed.items);
}

void mw_selection_range(const mw_selection *s, uint32_t part, uint64_t *from, uint64_t *to) {
  uint64_t origin = s->origins[part], end = s->origins[part + 1];
  *from = 0, *to = end - origin;
  if (s->select.key != MW_SELECT_TIE) return;
  uint64_t low = (uint64_t)s->select.low, above = (uint64_t)s->select.last + 1;
  if (above < end) *to = above > origin ? above - origin : 0;
  if (low > origin) *from = low < end ? low - origin : *to;
}

/* The sample's rank is in proportion: rank / total = sample's rank / sampled. */
void mw_selection_sample(mw_selection *s) {
  if (!s->sampling) return;
  uint64_t rank = (uint64_t)((double)s->select.rank / (double)s->total * (double)s->sampled);
  s->sample = mw_select_begin(s->select.key, false, 0, rank < s->sampled || !rank ? rank : s->sampled - 1, s->sampled);
}

void mw_selection_clear(mw_selection *s) {
  if (!s->select.found) memset(s->bins, 0, MW_SELECT_BINS * sizeof *s->bins);
  s->below = 0;
  s->listed.count = 0;
  s->listed_low = s->select.low;
}

void mw_selection_end_sample(mw_selection *s, bool may_list) {
  if (!s->sampling) return;
  bool ended = !mw_select_narrow(&s->sample, s->bins, s->below) || s->sample.found;
  if (!ended) s->density = (double)s->sample.equal / ((double)(s->sample.last - s->sample.low) + 1);
  s->sampling = !ended && !mw_select_settle(&s->sample, s->bins);
  if (!s->sample.found) return;
  mw_select_predict(&s->select, mw_select_value(&s->sample));
  if ((double)s->sample.equal * SPARSE < (double)s->sampled) widen(s, may_list);
}

bool mw_selection_end(mw_selection *s, mw_selection *threshold, mw_values *values, mw_error *err) {
  if (s->select.found) return true;
  if (s->waits || s->assumes) {
    bool counted = false;
    if (values->known[s->threshold]) MW_TRY(start_tie(s, threshold, &counted, values, err));
    else s->waits = true, s->assumes = false;
    if (!counted || s->select.found) return true;
  }
  if (!mw_select_narrow(&s->select, s->bins, s->below))
    return mw_error_set(err, MW_BUG, "a selection found too few elements");
  if (!s->select.found && s->lists) find_key(s);
  if (!s->select.found) return true;
  values->ties[s->node] = mw_select_cut(&s->select);
  return mw_values_set(values, s->node, mw_select_value(&s->select), err);
}
