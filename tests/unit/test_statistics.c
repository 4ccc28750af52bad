/* test_statistics.c: statistics of data have the same bits whatever the parts of their network are; parts are small where the network lets
 * them be, and one where a tensor is read at both ends; memory that fails, and a watcher that stops, leave nothing behind. */
#include "memory.h"
#include "nets.h"
#include "learn/parts.h"
#include "learn/statistics.h"

enum { LENGTH = 7, WIDTH = 12, INNER = 20, VOCABULARY = 10, LAYERS = 4, MOST = 64 };
enum { EMBED_T, HEAD_T, UP_T, DOWN_T = UP_T + LAYERS };
static const net_tensor tensors[] = {{"a.embed", VOCABULARY, WIDTH}, {"b.head", VOCABULARY, WIDTH},
                                     {"c.up.0", INNER, WIDTH},       {"c.up.1", INNER, WIDTH},
                                     {"c.up.2", INNER, WIDTH},       {"c.up.3", INNER, WIDTH},
                                     {"d.down.0", WIDTH, INNER},     {"d.down.1", WIDTH, INNER},
                                     {"d.down.2", WIDTH, INNER},     {"d.down.3", WIDTH, INNER}};

static uint32_t ids[][LENGTH + 1] = {{3, 1, 4, 1, 5, 9, 2, 6}, {5, 8, 9, 7}, {2, 7, 1, 8, 2, 8, 1, 8}, {0, 6}, {9, 9, 8, 8, 7}};
static mw_dataset_window windows[] = {{ids[0], 8}, {ids[1], 4}, {ids[2], 8}, {ids[3], 2}, {ids[4], 5}};
static const mw_dataset set = {.windows = windows, .count = 5, .tokens = 27, .longest = 8};

typedef struct wanted {
  mw_node nodes[MOST];
  size_t count;
} wanted;

static void want(wanted *w, mw_node node) { w->nodes[w->count++] = node; }

/* x + down(silu(up(x))), LAYERS times, then the head, which may be the embedding. Statistics of each kind. */
static wanted net(bool tied) {
  wanted w = {.count = 0};
  mw_node all = tokens(0, 2 * LENGTH, LENGTH), x = DO(EMBED, all, input(0, EMBED_T));
  for (uint32_t l = 0; l < LAYERS; l++) {
    want(&w, DO(GRAM, x));
    want(&w, WITH(MOMENT, 0, 1, x));
    mw_node inner = DO(SILU, DO(LINEAR, x, input(0, UP_T + l)));
    want(&w, DO(GRAM, inner));
    want(&w, WITH(MOMENT, 1, 0, DO(MUL, inner, inner)));
    x = DO(ADD, x, DO(LINEAR, inner, input(0, DOWN_T + l)));
  }
  mw_node one = tokens(0, LENGTH, LENGTH), y = DO(EMBED, one, input(0, EMBED_T));
  for (uint32_t l = 0; l < LAYERS; l++) y = DO(ADD, y, DO(LINEAR, DO(SILU, DO(LINEAR, y, input(0, UP_T + l))), input(0, DOWN_T + l)));
  mw_node loss = DO(CROSS_ENTROPY, DO(LINEAR, y, input(0, tied ? EMBED_T : HEAD_T)), one);
  for (uint32_t t = 0; t < DOWN_T + LAYERS; t++) {
    if (tied && t == HEAD_T) continue;
    want(&w, DO(FISHER, loss, input(0, t)));
    want(&w, DO(GRADIENT, loss, input(0, t)));
  }
  return w;
}

typedef struct results {
  const wanted *w;
  float *values[MOST];
  size_t found, batches, stop;
} results;

static size_t elements_of(mw_node node) { return (size_t)mw_graph_elements(graph, mw_graph_facts(graph, node).shape); }

static bool found(void *context, mw_node node, const float *values, mw_error *e) {
  results *r = context;
  size_t i = 0;
  while (r->w->nodes[i] != node) i++;
  CHECK(!r->values[i]);
  r->values[i] = mw_mem_new(elements_of(node), sizeof *values, e);
  if (!r->values[i]) return false;
  memcpy(r->values[i], values, elements_of(node) * sizeof *values);
  r->found++;
  return true;
}

static bool goes_on(void *context, uint64_t done, uint64_t total) {
  results *r = context;
  CHECK(done == ++r->batches && done <= total);
  return !r->stop || done < r->stop;
}

static bool find(const wanted *w, uint64_t room, int threads, size_t stop, results *r) {
  mw_train_world world = net_world(threads);
  mw_statistics_watch watch = {r, found, goes_on};
  world.finding = true;
  *r = (results){.w = w, .stop = stop};
  return mw_statistics_find(&world, w->nodes, w->count, room, &watch, &err);
}

static void forget(results *r) {
  for (size_t i = 0; i < MOST; i++) free(r->values[i]);
}

static void compare(bool tied) {
  wanted w = net(tied);
  results all, cut;
  CHECK(find(&w, UINT64_MAX, 1, 0, &all) && all.found == w.count);
  for (uint64_t room = 1; room < 100000; room *= 7)
    for (int threads = 1; threads <= 3; threads += 2) {
      bool good = find(&w, room, threads, 0, &cut);
      if (!good) printf("%s\n", err.text);
      CHECK(good && cut.found == w.count);
      for (size_t i = 0; i < w.count; i++) CHECK(memcmp(all.values[i], cut.values[i], elements_of(w.nodes[i]) * sizeof(float)) == 0);
      forget(&cut);
    }
  forget(&all);
}

static void same_bits(void) { compare(false); }
static void same_bits_tied(void) { compare(true); }

/* With room for nothing a part has one layer: its statistics, between two sums. */
static void parts_are_layers(void) {
  wanted w = net(false);
  mw_parts parts;
  CHECK(mw_parts_make(&parts, graph, w.nodes, w.count, 1, &err) && parts.count == 2);
  const mw_parts_group *forward = &parts.groups[0], *back = &parts.groups[1];
  CHECK(!forward->loss && back->loss && forward->part_count == LAYERS + 2 && back->part_count == LAYERS + 2);
  for (size_t g = 0; g < 2; g++) {
    size_t next = 0;
    for (size_t p = 0; p < parts.groups[g].part_count; p++) {
      const mw_parts_part *part = &parts.groups[g].parts[p];
      CHECK(part->first == next && part->count <= 4 && part->from == (p ? part[-1].to : 0));
      next += part->count;
    }
    CHECK(next == parts.groups[g].count);
  }
  mw_parts_free(&parts);
  CHECK(mw_parts_make(&parts, graph, w.nodes, w.count, UINT64_MAX, &err));
  CHECK(parts.groups[0].part_count == 1 && parts.groups[1].part_count == 1);
  mw_parts_free(&parts);
  w = net(true);
  CHECK(mw_parts_make(&parts, graph, w.nodes, w.count, 1, &err));
  CHECK(parts.groups[1].part_count == 1); /* the embedding is the head */
  mw_parts_free(&parts);
}

/* A part's memory is measured, and less than that of the whole. */
static void memory_is_a_layers(void) {
  wanted w = net(false);
  mw_train_world world = net_world(1);
  mw_statistics_cost small, large;
  world.finding = true;
  CHECK(mw_statistics_measure(&world, w.nodes, w.count, 1, &small, &err) && mw_statistics_measure(&world, w.nodes, w.count, UINT64_MAX, &large, &err));
  CHECK(small.memory < large.memory && small.bytes == large.bytes && small.batches > large.batches);
}

/* What is held at a time is no more than was said, and any of its pieces may be refused. */
static void memory(void) {
  wanted w = net(false);
  mw_train_world world = net_world(1);
  mw_statistics_cost cost;
  results r;
  world.finding = true;
  if (!MEMORY_COUNTED) return;
  CHECK(find(&w, 1, 1, 0, &r)); /* what libraries keep is there now */
  forget(&r);
  CHECK(mw_statistics_measure(&world, w.nodes, w.count, 1, &cost, &err));
  size_t before = memory_held;
  memory_peak = memory_held;
  CHECK(find(&w, 1, 1, 0, &r) && memory_peak - before <= cost.memory + cost.bytes); /* the test keeps the results */
  forget(&r);
  CHECK(memory_held == before);
  bool good = false;
  long refused_at = 0;
  for (; !good; refused_at += 1 + refused_at / 8) {
    memory_left = refused_at;
    good = find(&w, 1, 1, 0, &r);
    memory_left = -1;
    forget(&r);
    CHECK(memory_held == before && (good || err.status == MW_MEMORY));
  }
  CHECK(refused_at > 100);
}

static void stopped(void) {
  wanted w = net(false);
  results r;
  CHECK(!find(&w, 1, 2, 5, &r) && err.status == MW_INTERRUPTED && r.batches == 5);
  forget(&r);
}

static void refused(void) {
  mw_node x = DO(EMBED, tokens(0, LENGTH, LENGTH), input(0, EMBED_T)), node;
  mw_node loss = DO(TOTAL, DO(LINEAR, x, input(0, HEAD_T)));
  const mw_node operands[] = {loss, input(0, UP_T)};
  CHECK(mw_graph_apply(graph, MW_OP_FISHER, operands, 2, NULL, &node, &err));
  wanted w = {{node}, 1};
  results r;
  CHECK(!find(&w, 1, 1, 0, &r) && strstr(err.text, "a tensor that the loss does not depend on"));
  CHECK(!mw_graph_apply(graph, MW_OP_GRAM, &operands[1], 1, NULL, &node, &err) && strstr(err.text, "depends on no data"));
  CHECK(!mw_graph_apply(graph, MW_OP_GRAM, &loss, 1, NULL, &node, &err));
  CHECK(!mw_graph_apply(graph, MW_OP_MOMENT, &x, 1, (uint64_t[]){2, 0}, &node, &err));
  CHECK(!mw_graph_apply(graph, MW_OP_FISHER, (mw_node[]){x, operands[1]}, 2, NULL, &node, &err));
  CHECK(!mw_graph_apply(graph, MW_OP_FISHER, (mw_node[]){loss, x}, 2, NULL, &node, &err));
}

int main(void) {
  net_begin(tensors, sizeof tensors / sizeof *tensors);
  net_sets[0] = &set;
  RUN(same_bits());
  RUN(same_bits_tied());
  RUN(parts_are_layers());
  RUN(memory_is_a_layers());
  RUN(memory());
  RUN(stopped());
  RUN(refused());
  net_end();
  UNIT_END();
}
