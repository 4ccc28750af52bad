/* test_learn_spec.c: trainings survive the trip over the wire; what a hostile process could send does not: every truncation,
 * every setting out of its range, coefficients that are none, losses that learn nothing or use what is not there. */
#include "recipe/learn_spec.h"
#include "unit.h"
#include <math.h>
#include <stdlib.h>

static const uint64_t table_dims[] = {5, 4};
static const mw_learn_spec_set sets[] = {{"a.jsonl", 3, 8, 27}, {"b.jsonl", 9, 6, 63}};

typedef struct bench {
  mw_graph *graph;
  mw_node first, second, learned, table, tokens, loss, later, other_windows, other_set;
} bench;

static mw_node apply(mw_graph *graph, mw_op op, uint32_t count, const mw_node *operands) {
  mw_error err;
  mw_node node = 0;
  CHECK(mw_graph_apply(graph, op, operands, count, NULL, &node, &err));
  return node;
}
#define APPLY(op, ...) apply(b.graph, op, (uint32_t)(sizeof((mw_node[]){__VA_ARGS__}) / sizeof(mw_node)), (mw_node[]){__VA_ARGS__})

/* The cross-entropy of a network of one table, scaled by `c`, on a batch. */
static mw_node loss_of(bench b, mw_node c, uint64_t set, uint64_t rows, uint64_t length) {
  mw_error err;
  mw_node tokens = 0;
  CHECK(mw_graph_tokens(b.graph, set, rows, length, &tokens, &err));
  mw_node scaled = APPLY(MW_OP_COLUMNS, b.table, APPLY(MW_OP_VECTOR, c));
  return APPLY(MW_OP_CROSS_ENTROPY, APPLY(MW_OP_LINEAR, APPLY(MW_OP_EMBED, tokens, scaled), b.table), tokens);
}

static bench build(void) {
  bench b = {0};
  mw_error err;
  uint32_t shape = 0;
  CHECK(mw_graph_new(&b.graph, &err) && mw_graph_shape(b.graph, table_dims, 2, &shape, &err));
  CHECK(mw_graph_input(b.graph, 0, 0, MW_DTYPE_F32, shape, &b.table, &err));
  CHECK(mw_graph_coefficient(b.graph, 0, 4, 0.5, &b.first, &err) && mw_graph_coefficient(b.graph, 1, 4, 0.5, &b.second, &err));
  CHECK(mw_graph_learned(b.graph, b.first, 0, &b.learned, &err));
  b.loss = loss_of(b, b.first, 0, 16, 8);
  b.later = APPLY(MW_OP_ADD, loss_of(b, b.second, 0, 16, 8), loss_of(b, b.learned, 1, 12, 6));
  b.other_windows = loss_of(b, b.first, 0, 24, 8);
  b.other_set = loss_of(b, b.first, 2, 16, 8);
  return b;
}

/* What the decoder says to trainings: NULL for yes. Node ids are their own images. */
static const char *decode(const bench *b, const char *bytes, size_t length, mw_learn_spec **specs, size_t *count) {
  static mw_error err;
  static mw_arena arena;
  mw_node map[64];
  uint32_t nodes = mw_graph_count(b->graph);
  for (uint32_t id = 0; id <= nodes && id < 64; id++) map[id] = id;
  mw_mem_release(&arena);
  char *copy = malloc(length ? length : 1); /* where a sanitizer sees the first byte read beyond them */
  if (!copy) return "no memory";
  memcpy(copy, bytes, length);
  mw_message in = {copy, copy + length, false};
  err.text[0] = 0;
  bool ok = mw_learn_spec_take(&in, map, nodes, b->graph, sets, 2, &arena, specs, count, &err) && in.at == in.end;
  free(copy);
  return ok ? NULL : err.text[0] ? err.text : "bytes are left";
}

static void verdict(const bench *b, const mw_learn_spec *specs, size_t count, const char *expected) {
  mw_text text = {0};
  mw_learn_spec *taken;
  size_t taken_count;
  CASE("what is sent arrives");
  mw_learn_spec_put(&text, specs, count, NULL);
  const char *found = decode(b, text.bytes, text.length, &taken, &taken_count);
  if (!expected) CHECK(!found);
  else CHECK(found && strstr(found, expected));
  mw_text_free(&text);
}

static void settings(const bench *b, mw_learn_spec good) {
  mw_learn_spec bad = good;
#define WRONG(field, value) bad = good, bad.field = value, verdict(b, &bad, 1, "broken trainings")
  WRONG(steps, MW_LEARN_SPEC_STEPS + 1);
  WRONG(steps, 0); /* with a loss */
  WRONG(windows, 0);
  WRONG(windows, MW_LEARN_SPEC_WINDOWS + 1);
  WRONG(rate, NAN);
  WRONG(rate, -1);
  WRONG(rate, INFINITY);
  WRONG(decay, -0.1);
  WRONG(clip, NAN);
  WRONG(share, 1.5);
  WRONG(loss, 1000);
  WRONG(loss, 0);
  WRONG(count, 0);
#undef WRONG
  mw_learn_spec_part none = {b->table, "t", "m"}, twice[2] = {{b->first, "t", "m"}, {b->first, "u", "m"}};
  bad = good, bad.parts = &none;
  verdict(b, &bad, 1, "broken trainings");
  bad.parts = twice, bad.count = 2;
  verdict(b, &bad, 1, "broken trainings");
}

static void losses(const bench *b, mw_learn_spec good) {
  mw_learn_spec bad = good;
  mw_learn_spec_part part = {b->second, "t", "m"};
  bad.parts = &part;
  verdict(b, &bad, 1, "does not depend");
  bad = good, bad.loss = b->first;
  verdict(b, &bad, 1, "a tensor");
  bad.loss = b->other_windows;
  verdict(b, &bad, 1, "another learn");
  bad.loss = b->other_set;
  verdict(b, &bad, 1, "not there");
  bad = good, bad.loss = b->later, bad.parts = &part;
  verdict(b, &bad, 1, "learned later");
  mw_learn_spec both[2] = {good, bad};
  verdict(b, both, 2, NULL);
  both[0].steps = both[1].steps = MW_LEARN_SPEC_STEPS / 2 + 1;
  verdict(b, both, 2, "steps in all");
}

/* A LEARNED of a coefficient that its spec does not train would be missed only when all is trained; one of no spec
 * may not be looked up, even where only its shape is taken. */
static void foreign(mw_learn_spec good) {
  bench b = build();
  mw_error err;
  mw_node stranger = 0, drawn = 0, half = 0;
  verdict(&b, &good, 1, NULL);
  CHECK(mw_graph_learned(b.graph, b.second, UINT64_MAX, &stranger, &err) && mw_graph_number(b.graph, 0.5, &half, &err));
  CHECK(mw_graph_apply(b.graph, MW_OP_BERNOULLI, (mw_node[]){stranger, half}, 2, (uint64_t[]){1, 77}, &drawn, &err));
  mw_graph_output outputs[] = {{"t", b.learned}, {"u", drawn}};
  CHECK(mw_learn_spec_applied(b.graph, outputs, 2, &good, 1, &err) && mw_learn_spec_needed(b.graph, outputs, 2, &good, 1, &err));
  CHECK(!mw_learn_spec_needed(b.graph, outputs + 1, 1, &good, 1, &err) && strstr(err.text, "broken trainings"));
  CHECK(mw_graph_learned(b.graph, b.second, 0, &stranger, &err));
  verdict(&b, &good, 1, "broken trainings");
  mw_graph_free(b.graph);
}

/* ---- candidates of a search ---- */

/* What a process sends of a recipe with `before` other candidates, whose own candidate learns twice: a second spec
 * builds on what the first has learned. */
static void send(size_t before, mw_text *out) {
  bench b = build();
  mw_error err;
  mw_learn_spec specs[8];
  mw_learn_spec_part parts[8] = {{0}};
  mw_node learned = 0, c = 0;
  mw_message_choice choice;
  for (size_t i = 0; i < before + 2; i++) {
    CHECK(mw_graph_coefficient(b.graph, 10 + i, 4, 0.5, &c, &err));
    parts[i] = (mw_learn_spec_part){c, "model.t", "experts[1]"};
    mw_node loss = loss_of(b, c, 0, 16, 8);
    if (i == before + 1) loss = APPLY(MW_OP_ADD, loss, loss_of(b, learned, 1, 12, 6));
    specs[i] = (mw_learn_spec){.parts = &parts[i], .count = 1, .loss = loss, .steps = 7, .windows = 2, .share = 1};
    CHECK(mw_graph_learned(b.graph, c, i, &learned, &err));
  }
  mw_graph_output output = {"t", learned};
  CHECK(mw_learn_spec_choose(b.graph, &output, 1, specs, before + 2, &choice, &err));
  CHECK(mw_message_put_graph(out, b.graph, &output, 1, &choice, &err));
  mw_learn_spec_put(out, specs, before + 2, &choice);
  CHECK(mw_learn_spec_needed(b.graph, &output, 1, specs, before + 2, &err) == (before == 0));
  free(choice.nodes);
  mw_graph_free(b.graph);
}

/* Other candidates leave no trace in a message; that a spec is needed only by another one's loss, does. */
static void candidates(void) {
  mw_text alone = {0}, among = {0};
  send(0, &alone);
  send(5, &among);
  CHECK(alone.length == among.length && memcmp(alone.bytes, among.bytes, alone.length) == 0);
  mw_text_free(&alone);
  mw_text_free(&among);
}

int main(void) {
  bench b = build();
  mw_learn_spec_part part = {b.first, "model.t", "experts[1]"};
  mw_learn_spec good = {.parts = &part, .count = 1, .loss = b.loss, .steps = 7, .windows = 2, .rate = 1e-3, .decay = 0.01,
                    .clip = 1, .share = 0.3, .seed = 99};
  mw_text text = {0};
  mw_learn_spec *taken;
  size_t count;
  mw_learn_spec_put(&text, &good, 1, NULL);
  CHECK(!decode(&b, text.bytes, text.length, &taken, &count) && count == 1);
  CHECK(taken->steps == 7 && taken->windows == 2 && taken->rate == 1e-3 && taken->decay == 0.01 && taken->clip == 1);
  CHECK(taken->share == 0.3 && taken->seed == 99 && taken->loss == b.loss && taken->count == 1);
  CHECK_TEXT(taken->parts[0].tensor, "model.t");
  CHECK_TEXT(taken->parts[0].label, "experts[1]");
  CASE("truncations");
  bool refused = true;
  for (size_t length = 0; length < text.length; length++) refused &= decode(&b, text.bytes, length, &taken, &count) != NULL;
  CHECK(refused);
  RUN(settings(&b, good));
  RUN(losses(&b, good));
  RUN(foreign(good));
  RUN(candidates());

  CASE("tensors before and after learning");
  mw_error err;
  mw_graph_output before = {"t", b.first}, after = {"t", b.learned};
  CHECK(mw_learn_spec_applied(b.graph, &after, 1, &good, 1, &err));
  CHECK(!mw_learn_spec_applied(b.graph, &before, 1, &good, 1, &err) && strstr(err.text, "before learn"));
  CHECK(!mw_learn_spec_applied(b.graph, &after, 1, NULL, 0, &err) && strstr(err.text, "nothing learns"));
  mw_text_free(&text);
  mw_graph_free(b.graph);
  UNIT_END();
}
