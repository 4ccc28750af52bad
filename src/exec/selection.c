/* selection.c: from a node to a search and from its end to a value. Of a KTH the values keep how many of the elements equal
 * to it have its rank or above, so that a TIE looks for an index only where these are not all of them. */
#include "exec/selection.h"
#include <stdlib.h>
#include <string.h>

/* Selections over fewer elements than SAMPLE_FROM are not sampled; a sample has SAMPLE elements at most, and one of
 * SAMPLE_STRIDE at most: so many that the guess is mostly within 2^15 floats of the truth, and else not far from it. Counting
 * such a sample costs a quarter of what it spares, which is to count everything once more, bin by bin. */
enum { SAMPLE = 4 << 20, SAMPLE_FROM = 1 << 20, SAMPLE_STRIDE = 8 };

/* MOONWELD_SAMPLE=0 samples everything: a test of what large models do. */
static bool is_large(uint64_t elements) {
  const char *set = getenv("MOONWELD_SAMPLE");
  uint64_t from = SAMPLE_FROM;
  if (set) mw_text_parse_u64(set, strlen(set), &from);
  return elements >= from;
}

uint64_t mw_selection_stride(uint64_t elements) {
  return elements / SAMPLE > SAMPLE_STRIDE ? elements / SAMPLE : SAMPLE_STRIDE;
}

static bool is_sampled(mw_graph_node_facts facts, uint64_t total) {
  return facts.op != MW_OP_TIE && !facts.f64 && is_large(total);
}

static uint64_t elements_of(const mw_graph *graph, mw_node node) {
  return mw_graph_elements(graph, mw_graph_facts(graph, node).shape);
}

static mw_select begin(mw_graph_node_facts facts, double threshold, uint64_t rank, uint64_t total) {
  mw_select_key key = facts.op == MW_OP_TIE ? MW_SELECT_TIE : facts.op == MW_OP_KTH ? MW_SELECT_MAGNITUDE : MW_SELECT_VALUE;
  return mw_select_begin(key, facts.f64, threshold, rank, total);
}

unsigned mw_selection_expected(const mw_graph *graph, mw_node node) {
  mw_graph_node_facts facts = mw_graph_facts(graph, node);
  uint64_t total = 0;
  for (uint32_t i = 0; i < mw_graph_selected(facts); i++) total += elements_of(graph, facts.operand[i]);
  if (is_sampled(facts, total)) return 1;
  mw_select select = begin(facts, 0, 0, total);
  return mw_select_passes(&select);
}

/* Where a number is NaN, nothing equals it. */
static bool start_tie(mw_selection *s, mw_graph_node_facts facts, mw_values *values, mw_error *err) {
  mw_node kth = facts.operand[mw_graph_selected(facts)];
  double threshold;
  MW_TRY(mw_values_get(values, kth, &threshold, err));
  uint64_t cut = values->ties[kth];
  s->select = begin(facts, threshold, cut ? cut - 1 : 0, s->total);
  s->select.found = !cut || threshold != threshold;
  return !s->select.found || mw_values_set(values, s->node, (double)s->total, err);
}

bool mw_selection_new(const mw_graph *graph, mw_node node, mw_values *values, mw_selection *out, mw_error *err) {
  mw_graph_node_facts facts = mw_graph_facts(graph, node);
  uint32_t tensors = mw_graph_selected(facts);
  *out = (mw_selection){.node = node, .bins = mw_mem_new(MW_SELECT_BINS, sizeof *out->bins, err)};
  if (!out->bins || !(out->origins = mw_mem_new(tensors + 1, sizeof *out->origins, err))) return false;
  for (uint32_t i = 0; i < tensors; i++) out->origins[i + 1] = out->total += elements_of(graph, facts.operand[i]);
  if (facts.op == MW_OP_TIE) return start_tie(out, facts, values, err);
  out->select = begin(facts, 0, facts.extra[0], out->total);
  out->sampling = is_sampled(facts, out->total);
  return true;
}

void mw_selection_free(mw_selection *s) {
  free(s->bins);
  free(s->origins);
}

void mw_selection_range(const mw_selection *s, uint32_t part, uint64_t *from, uint64_t *to) {
  uint64_t origin = s->origins[part], end = s->origins[part + 1];
  *from = 0, *to = end - origin;
  if (s->select.key != MW_SELECT_TIE) return;
  uint64_t low = (uint64_t)s->select.low, above = (uint64_t)s->select.last + 1;
  if (above < end) *to = above > origin ? above - origin : 0;
  if (low > origin) *from = low < end ? low - origin : *to;
}

void mw_selection_sample(mw_selection *s) {
  if (!s->sampling) return;
  uint64_t rank = (uint64_t)((double)s->select.rank / (double)s->total * (double)s->sampled);
  s->sample = mw_select_begin(s->select.key, false, 0, rank < s->sampled || !rank ? rank : s->sampled - 1, s->sampled);
}

void mw_selection_clear(mw_selection *s) {
  if (!s->select.found) memset(s->bins, 0, MW_SELECT_BINS * sizeof *s->bins);
  s->below = 0;
}

void mw_selection_end_sample(mw_selection *s) {
  if (!s->sampling) return;
  s->sampling = mw_select_narrow(&s->sample, s->bins, s->below) && !s->sample.found;
  if (s->sample.found) mw_select_aim(&s->select, mw_select_value(&s->sample));
}

bool mw_selection_end(mw_selection *s, mw_values *values, mw_error *err) {
  if (s->select.found) return true;
  if (!mw_select_narrow(&s->select, s->bins, s->below))
    return mw_error_set(err, MW_BUG, "a selection found too few elements");
  if (!s->select.found) return true;
  values->ties[s->node] = mw_select_cut(&s->select);
  return mw_values_set(values, s->node, mw_select_value(&s->select), err);
}
