/* learn_spec.c: see learn_spec.h. Walks over the graph are loops over its ids, since operands come before their users. */
#include "recipe/learn_spec.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool mw_lesson_choose(const mw_graph *graph, const mw_wire_output *outputs, size_t output_count, const mw_lesson *lessons,
                      size_t count, mw_wire_choice *choice, mw_error *err) {
  size_t ids = mw_graph_count(graph) + 1u;
  uint32_t *nodes = mw_mem_new(ids + count, sizeof *nodes, err), *trainings = nodes + ids, next = 0, lesson_next = 0;
  if (!nodes) return false;
  for (size_t i = 0; i < output_count; i++) nodes[outputs[i].node] = 1;
  for (size_t id = ids - 1; id > 0; id--) { /* a lesson is made of nodes that were there before what it learned */
    if (!nodes[id]) continue;
    mw_node_facts facts = mw_graph_facts(graph, (mw_node)id);
    for (uint32_t i = 0; i < facts.operands; i++) nodes[facts.operand[i]] = 1;
    if (facts.op != MW_OP_LEARNED || facts.extra[0] >= count || trainings[facts.extra[0]]) continue;
    const mw_lesson *lesson = &lessons[facts.extra[0]];
    trainings[facts.extra[0]] = 1;
    if (lesson->loss) nodes[lesson->loss] = 1;
    for (size_t k = 0; k < lesson->count; k++) nodes[lesson->parts[k].node] = 1;
  }
  for (size_t id = 1; id < ids; id++)
    if (nodes[id]) nodes[id] = ++next;
  for (size_t i = 0; i < count; i++)
    if (trainings[i]) trainings[i] = ++lesson_next;
  *choice = (mw_wire_choice){nodes, trainings};
  if (lesson_next <= MW_LESSON_MOST) return true;
  free(nodes);
  return mw_error_set(err, MW_DATA, "a model is made of at most %d learn{...}, not of %u", MW_LESSON_MOST, lesson_next);
}

void mw_lesson_put(mw_text *out, const mw_lesson *lessons, size_t count, const mw_wire_choice *choice) {
  uint32_t sent = 0;
  for (size_t i = 0; i < count; i++) sent += !choice || choice->trainings[i];
  mw_wire_put_u32(out, sent);
  for (size_t i = 0; i < count; i++) {
    if (choice && !choice->trainings[i]) continue;
    const mw_lesson *lesson = &lessons[i];
    const double settings[] = {lesson->rate, lesson->decay, lesson->clip, lesson->share};
    mw_wire_put_u32(out, mw_wire_node(choice, lesson->loss));
    mw_wire_put_u32(out, lesson->steps);
    mw_wire_put_u32(out, lesson->windows);
    for (size_t k = 0; k < 4; k++) mw_wire_put_double(out, settings[k]);
    mw_wire_put_u64(out, lesson->seed);
    mw_wire_put_u32(out, (uint32_t)lesson->count);
    for (size_t k = 0; k < lesson->count; k++) {
      mw_wire_put_u32(out, mw_wire_node(choice, lesson->parts[k].node));
      mw_wire_put_text(out, lesson->parts[k].tensor, strlen(lesson->parts[k].tensor));
      mw_wire_put_text(out, lesson->parts[k].label, strlen(lesson->parts[k].label));
    }
  }
}

static bool broken(mw_error *err) { return mw_error_set(err, MW_DATA, "the recipe's process sent broken trainings"); }

static const char *take_name(mw_wire *in, mw_arena *arena, mw_error *err) {
  size_t length;
  const char *text = mw_wire_text(in, &length);
  if (in->failed || length > 4096 || memchr(text, 0, length) || !mw_text_is_utf8(text, length))
    return broken(err), NULL;
  return mw_mem_copy(arena, text, length, err);
}

static bool in_range(double value, double low, double high) { return value >= low && value <= high; }

/* `seen` has a byte for every node: coefficients of this lesson. */
static bool take_parts(mw_wire *in, const mw_node *map, uint32_t nodes, const mw_graph *graph, unsigned char *seen,
                       mw_arena *arena, mw_lesson *lesson, mw_error *err) {
  uint32_t count = mw_wire_u32(in);
  if (in->failed || count == 0 || count > nodes) return broken(err);
  lesson->parts = mw_mem_take(arena, count * sizeof *lesson->parts, err);
  if (!lesson->parts) return false;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t id = mw_wire_u32(in);
    if (in->failed || id == 0 || id > nodes) return broken(err);
    mw_lesson_part *part = &lesson->parts[i];
    part->node = map[id];
    if (mw_graph_facts(graph, part->node).op != MW_OP_COEFFICIENT || seen[part->node]) return broken(err);
    seen[part->node] = 1;
    if (!(part->tensor = take_name(in, arena, err)) || !(part->label = take_name(in, arena, err))) return false;
  }
  lesson->count = count;
  return true;
}

/* Marks in `reached` all that the loss is made of, and checks the leaves on the way. */
static bool check_loss(const mw_graph *graph, const mw_lesson *lesson, size_t number, const unsigned char *trained,
                       unsigned char *reached, const mw_lesson_set *sets, size_t set_count, mw_error *err) {
  bool depends = false;
  if (mw_graph_facts(graph, lesson->loss).shape) return mw_error_set(err, MW_DATA, "learn's loss is a tensor, not one number");
  memset(reached, 0, mw_graph_count(graph) + 1u);
  reached[lesson->loss] = 1;
  for (mw_node id = lesson->loss; id > 0; id--) {
    if (!reached[id]) continue;
    mw_node_facts facts = mw_graph_facts(graph, id);
    for (uint32_t i = mw_graph_op_first(facts.op); i < facts.operands; i++) reached[facts.operand[i]] = 1;
    depends |= trained[id] != 0;
    if (facts.op == MW_OP_LEARNED && facts.extra[0] >= number)
      return mw_error_set(err, MW_DATA, "a loss uses coefficients that are learned later");
    if (facts.op != MW_OP_TOKENS) continue;
    uint64_t rows = mw_graph_elements(graph, facts.shape);
    if (facts.extra[0] >= set_count || facts.extra[1] != sets[facts.extra[0]].length ||
        rows != (uint64_t)lesson->windows * facts.extra[1])
      return mw_error_set(err, MW_DATA, "a loss uses batches of another learn{...} or of data that is not there");
  }
  return depends || mw_error_set(err, MW_DATA, "learn's loss does not depend on the coefficients that it is to learn");
}

/* What is learned of a lesson is one of its coefficients. */
static bool check_learned(const mw_graph *graph, size_t number, const unsigned char *trained, mw_error *err) {
  for (mw_node id = 1; id <= mw_graph_count(graph); id++) {
    mw_node_facts facts = mw_graph_facts(graph, id);
    if (facts.op == MW_OP_LEARNED && facts.extra[0] == number && !trained[facts.operand[0]]) return broken(err);
  }
  return true;
}

static bool take_settings(mw_wire *in, mw_lesson *lesson, mw_error *err) {
  lesson->loss = mw_wire_u32(in); /* still the child's id */
  lesson->steps = mw_wire_u32(in);
  lesson->windows = mw_wire_u32(in);
  lesson->rate = mw_wire_double(in);
  lesson->decay = mw_wire_double(in);
  lesson->clip = mw_wire_double(in);
  lesson->share = mw_wire_double(in);
  lesson->seed = mw_wire_u64(in);
  bool good = !in->failed && lesson->steps <= MW_LESSON_STEPS && in_range(lesson->windows, 1, MW_LESSON_WINDOWS) &&
              in_range(lesson->rate, 0, 1e3) && in_range(lesson->decay, 0, 1e3) &&
              in_range(lesson->clip, 0, 1e9) && in_range(lesson->share, 0, 1) && (lesson->loss != 0) == (lesson->steps > 0);
  return good || broken(err);
}

static bool take(mw_wire *in, const mw_node *map, uint32_t nodes, const mw_graph *graph, const mw_lesson_set *sets,
                 size_t set_count, unsigned char *room, mw_arena *arena, mw_lesson *lesson, size_t number, mw_error *err) {
  size_t ids = mw_graph_count(graph) + 1u;
  memset(room, 0, ids);
  MW_TRY(take_settings(in, lesson, err));
  if (lesson->loss > nodes) return broken(err);
  lesson->loss = lesson->loss ? map[lesson->loss] : 0;
  MW_TRY(take_parts(in, map, nodes, graph, room, arena, lesson, err));
  for (size_t s = 0; s < set_count && lesson->loss; s++)
    if ((uint64_t)lesson->windows * sets[s].length > MW_LESSON_TOKENS)
      return mw_error_set(err, MW_DATA, "a batch of %u windows of %u tokens is beyond %d tokens", lesson->windows,
                          sets[s].length, MW_LESSON_TOKENS);
  return (!lesson->loss || check_loss(graph, lesson, number, room, room + ids, sets, set_count, err)) &&
         check_learned(graph, number, room, err);
}

bool mw_lesson_take(mw_wire *in, const mw_node *map, uint32_t nodes, const mw_graph *graph, const mw_lesson_set *sets,
                    size_t set_count, mw_arena *arena, mw_lesson **lessons, size_t *count, mw_error *err) {
  *count = mw_wire_u32(in);
  if (in->failed || *count > MW_LESSON_MOST) return broken(err);
  *lessons = mw_mem_take(arena, (*count + 1) * sizeof **lessons, err);
  unsigned char *room = *lessons ? mw_mem_new(2, mw_graph_count(graph) + 1u, err) : NULL;
  if (!room) return false;
  bool ok = true;
  uint64_t steps = 0;
  for (size_t i = 0; i < *count && ok; i++) {
    ok = take(in, map, nodes, graph, sets, set_count, room, arena, &(*lessons)[i], i, err);
    if (ok && (steps += (*lessons)[i].steps) > MW_LESSON_STEPS)
      ok = mw_error_set(err, MW_DATA, "the recipe learns for more than %d steps in all", MW_LESSON_STEPS);
  }
  free(room);
  return ok;
}

bool mw_lesson_applied(const mw_graph *graph, const mw_wire_output *outputs, size_t output_count, const mw_lesson *lessons,
                       size_t count, mw_error *err) {
  size_t ids = mw_graph_count(graph) + 1u;
  unsigned char *reached = mw_mem_new(2, ids, err), *trained = reached + ids;
  if (!reached) return false;
  bool ok = true;
  for (size_t i = 0; i < output_count; i++) reached[outputs[i].node] = 1;
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < lessons[i].count; k++) trained[lessons[i].parts[k].node] = 1;
  for (size_t id = ids - 1; id > 0 && ok; id--) {
    if (!reached[id]) continue;
    mw_node_facts facts = mw_graph_facts(graph, (mw_node)id);
    for (uint32_t i = mw_graph_op_first(facts.op); i < facts.operands; i++) reached[facts.operand[i]] = 1;
    if (trained[id]) ok = mw_error_set(err, MW_DATA, "the result uses coefficients as they were before learn{...}; use what learn returns");
    else if (facts.op == MW_OP_LEARNED && facts.extra[0] >= count)
      ok = mw_error_set(err, MW_DATA, "the result uses coefficients that nothing learns");
  }
  free(reached);
  return ok;
}

bool mw_lesson_needed(const mw_graph *graph, const mw_wire_output *outputs, size_t output_count, const mw_lesson *lessons,
                      size_t count, mw_error *err) {
  mw_wire_choice choice;
  MW_TRY(mw_lesson_choose(graph, outputs, output_count, lessons, count, &choice, err));
  bool ok = true;
  for (size_t i = 0; i < count && ok; i++) ok = choice.trainings[i] || broken(err);
  free(choice.nodes);
  return ok;
}
