/* learn_spec.c: which trainings a model needs, and whether what a child says of them is valid. Operands have lower ids than their
 * users, so a walk over the graph is a loop over its ids: downwards from the users to all that they depend on. */
#include "recipe/learn_spec.h"
#include "base/utf8.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool mw_learn_spec_choose(const mw_graph *graph, const mw_graph_output *outputs, size_t output_count, const mw_learn_spec *specs,
                      size_t count, mw_message_choice *choice, mw_error *err) {
  size_t ids = mw_graph_count(graph) + 1u;
  uint32_t *nodes = mw_mem_new(ids + count, sizeof *nodes, err), next = 0, spec_next = 0;
  if (!nodes) return false;
  uint32_t *trainings = nodes + ids;
  for (size_t i = 0; i < output_count; i++) nodes[outputs[i].node] = 1;
  for (size_t id = ids - 1; id > 0; id--) { /* a spec depends only on nodes older than what it learned */
    if (!nodes[id]) continue;
    mw_graph_node_facts facts = mw_graph_facts(graph, (mw_node)id);
    for (uint32_t i = 0; i < facts.operands; i++) nodes[facts.operand[i]] = 1;
    if (facts.op != MW_OP_LEARNED || facts.extra[0] >= count || trainings[facts.extra[0]]) continue;
    const mw_learn_spec *spec = &specs[facts.extra[0]];
    trainings[facts.extra[0]] = 1;
    if (spec->loss) nodes[spec->loss] = 1;
    for (size_t k = 0; k < spec->count; k++) nodes[spec->parts[k].node] = 1;
  }
  for (size_t id = 1; id < ids; id++)
    if (nodes[id]) nodes[id] = ++next;
  for (size_t i = 0; i < count; i++)
    if (trainings[i]) trainings[i] = ++spec_next;
  *choice = (mw_message_choice){nodes, trainings};
  if (spec_next <= MW_LEARN_SPEC_MOST) return true;
  free(nodes);
  return mw_error_set(err, MW_DATA, "a model is made of at most %d learn{...}, not of %u", MW_LEARN_SPEC_MOST, spec_next);
}

void mw_learn_spec_put(mw_text *out, const mw_learn_spec *specs, size_t count, const mw_message_choice *choice) {
  uint32_t sent = 0;
  for (size_t i = 0; i < count; i++) sent += !choice || choice->trainings[i];
  mw_message_put_u32(out, sent);
  for (size_t i = 0; i < count; i++) {
    if (choice && !choice->trainings[i]) continue;
    const mw_learn_spec *spec = &specs[i];
    const double settings[] = {spec->rate, spec->decay, spec->clip, spec->share};
    mw_message_put_u32(out, mw_message_node(choice, spec->loss));
    mw_message_put_u32(out, spec->steps);
    mw_message_put_u32(out, spec->windows);
    for (size_t k = 0; k < 4; k++) mw_message_put_double(out, settings[k]);
    mw_message_put_u64(out, spec->seed);
    mw_message_put_u32(out, (uint32_t)spec->count);
    for (size_t k = 0; k < spec->count; k++) {
      mw_message_put_u32(out, mw_message_node(choice, spec->parts[k].node));
      mw_message_put_text(out, spec->parts[k].tensor, strlen(spec->parts[k].tensor));
      mw_message_put_text(out, spec->parts[k].label, strlen(spec->parts[k].label));
    }
  }
}

static bool broken(mw_error *err) { return mw_error_set(err, MW_DATA, "the recipe's process sent broken trainings"); }

static const char *take_name(mw_message *in, mw_arena *arena, mw_error *err) {
  size_t length;
  const char *text = mw_message_text(in, &length);
  if (in->failed || length > 4096 || memchr(text, 0, length) || !mw_utf8_valid(text, length))
    return broken(err), NULL;
  return mw_mem_copy(arena, text, length, err);
}

static bool in_range(double value, double low, double high) { return value >= low && value <= high; }

/* `seen` has a byte for every node: coefficients of this spec. */
static bool take_parts(mw_message *in, const mw_node *map, uint32_t nodes, const mw_graph *graph, unsigned char *seen,
                       mw_arena *arena, mw_learn_spec *spec, mw_error *err) {
  uint32_t count = mw_message_u32(in);
  if (in->failed || count == 0 || count > nodes) return broken(err);
  spec->parts = mw_mem_take(arena, count * sizeof *spec->parts, err);
  if (!spec->parts) return false;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t id = mw_message_u32(in);
    if (in->failed || id == 0 || id > nodes) return broken(err);
    mw_learn_spec_part *part = &spec->parts[i];
    part->node = map[id];
    if (mw_graph_facts(graph, part->node).op != MW_OP_COEFFICIENT || seen[part->node]) return broken(err);
    seen[part->node] = 1;
    if (!(part->tensor = take_name(in, arena, err)) || !(part->label = take_name(in, arena, err))) return false;
  }
  spec->count = count;
  return true;
}

/* Marks in `reached` all nodes that the loss depends on, and checks their leaves. */
static bool check_loss(const mw_graph *graph, const mw_learn_spec *spec, size_t number, const unsigned char *trained,
                       unsigned char *reached, const mw_learn_spec_set *sets, size_t set_count, mw_error *err) {
  bool depends = false;
  if (mw_graph_facts(graph, spec->loss).shape) return mw_error_set(err, MW_DATA, "learn's loss is a tensor, not one number");
  memset(reached, 0, mw_graph_count(graph) + 1u);
  reached[spec->loss] = 1;
  for (mw_node id = spec->loss; id > 0; id--) {
    if (!reached[id]) continue;
    mw_graph_node_facts facts = mw_graph_facts(graph, id);
    for (uint32_t i = mw_graph_op_first(facts.op); i < facts.operands; i++) reached[facts.operand[i]] = 1;
    depends |= trained[id] != 0;
    if (facts.op == MW_OP_LEARNED && facts.extra[0] >= number)
      return mw_error_set(err, MW_DATA, "a loss uses coefficients that are learned later");
    if (facts.op != MW_OP_TOKENS) continue;
    uint64_t rows = mw_graph_elements(graph, facts.shape);
    if (facts.extra[0] >= set_count || facts.extra[1] != sets[facts.extra[0]].length ||
        rows != (uint64_t)spec->windows * facts.extra[1])
      return mw_error_set(err, MW_DATA, "a loss uses batches of another learn{...} or of data that is not there");
  }
  return depends || mw_error_set(err, MW_DATA, "learn's loss does not depend on the coefficients that it is to learn");
}

/* Checks that a LEARNED node of a spec names one of its coefficients. */
static bool check_learned(const mw_graph *graph, size_t number, const unsigned char *trained, mw_error *err) {
  for (mw_node id = 1; id <= mw_graph_count(graph); id++) {
    mw_graph_node_facts facts = mw_graph_facts(graph, id);
    if (facts.op == MW_OP_LEARNED && facts.extra[0] == number && !trained[facts.operand[0]]) return broken(err);
  }
  return true;
}

static bool take_settings(mw_message *in, mw_learn_spec *spec, mw_error *err) {
  spec->loss = mw_message_u32(in); /* still the child's id */
  spec->steps = mw_message_u32(in);
  spec->windows = mw_message_u32(in);
  spec->rate = mw_message_double(in);
  spec->decay = mw_message_double(in);
  spec->clip = mw_message_double(in);
  spec->share = mw_message_double(in);
  spec->seed = mw_message_u64(in);
  bool good = !in->failed && spec->steps <= MW_LEARN_SPEC_STEPS && in_range(spec->windows, 1, MW_LEARN_SPEC_WINDOWS) &&
              in_range(spec->rate, 0, 1e3) && in_range(spec->decay, 0, 1e3) &&
              in_range(spec->clip, 0, 1e9) && in_range(spec->share, 0, 1) && (spec->loss != 0) == (spec->steps > 0);
  return good || broken(err);
}

static bool take(mw_message *in, const mw_node *map, uint32_t nodes, const mw_graph *graph, const mw_learn_spec_set *sets,
                 size_t set_count, unsigned char *scratch, mw_arena *arena, mw_learn_spec *spec, size_t number, mw_error *err) {
  size_t ids = mw_graph_count(graph) + 1u;
  memset(scratch, 0, ids);
  MW_TRY(take_settings(in, spec, err));
  if (spec->loss > nodes) return broken(err);
  spec->loss = spec->loss ? map[spec->loss] : 0;
  MW_TRY(take_parts(in, map, nodes, graph, scratch, arena, spec, err));
  for (size_t s = 0; s < set_count && spec->loss; s++)
    if ((uint64_t)spec->windows * sets[s].length > MW_LEARN_SPEC_TOKENS)
      return mw_error_set(err, MW_DATA, "a batch of %u windows of %u tokens is beyond %d tokens", spec->windows,
                          sets[s].length, MW_LEARN_SPEC_TOKENS);
  return (!spec->loss || check_loss(graph, spec, number, scratch, scratch + ids, sets, set_count, err)) &&
         check_learned(graph, number, scratch, err);
}

bool mw_learn_spec_take(mw_message *in, const mw_node *map, uint32_t nodes, const mw_graph *graph, const mw_learn_spec_set *sets,
                    size_t set_count, mw_arena *arena, mw_learn_spec **specs, size_t *count, mw_error *err) {
  *count = mw_message_u32(in);
  if (in->failed || *count > MW_LEARN_SPEC_MOST) return broken(err);
  *specs = mw_mem_take(arena, (*count + 1) * sizeof **specs, err);
  unsigned char *scratch = *specs ? mw_mem_new(2, mw_graph_count(graph) + 1u, err) : NULL;
  if (!scratch) return false;
  bool ok = true;
  uint64_t steps = 0;
  for (size_t i = 0; i < *count && ok; i++) {
    ok = take(in, map, nodes, graph, sets, set_count, scratch, arena, &(*specs)[i], i, err);
    if (ok && (steps += (*specs)[i].steps) > MW_LEARN_SPEC_STEPS)
      ok = mw_error_set(err, MW_DATA, "the recipe learns for more than %d steps in all", MW_LEARN_SPEC_STEPS);
  }
  free(scratch);
  return ok;
}

bool mw_learn_spec_applied(const mw_graph *graph, const mw_graph_output *outputs, size_t output_count, const mw_learn_spec *specs,
                       size_t count, mw_error *err) {
  size_t ids = mw_graph_count(graph) + 1u;
  bool any = false;
  for (size_t i = 0; i < output_count; i++) any |= mw_graph_facts(graph, outputs[i].node).learned;
  if (!any) return true;
  unsigned char *reached = mw_mem_new(2, ids, err);
  if (!reached) return false;
  unsigned char *trained = reached + ids;
  bool ok = true;
  for (size_t i = 0; i < output_count; i++) reached[outputs[i].node] = 1;
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < specs[i].count; k++) trained[specs[i].parts[k].node] = 1;
  for (size_t id = ids - 1; id > 0 && ok; id--) {
    if (!reached[id]) continue;
    uint32_t operands;
    const mw_node *operand = mw_graph_read(graph, (mw_node)id, &operands);
    for (uint32_t i = 0; i < operands; i++) reached[operand[i]] = 1;
    if (trained[id]) ok = mw_error_set(err, MW_DATA, "the result uses coefficients as they were before learn{...}; use what learn returns");
    else if (mw_graph_op(graph, (mw_node)id) == MW_OP_LEARNED && mw_graph_facts(graph, (mw_node)id).extra[0] >= count)
      ok = mw_error_set(err, MW_DATA, "the result uses coefficients that nothing learns");
  }
  free(reached);
  return ok;
}

bool mw_learn_spec_needed(const mw_graph *graph, const mw_graph_output *outputs, size_t output_count, const mw_learn_spec *specs,
                      size_t count, mw_error *err) {
  mw_message_choice choice;
  if (!count) return true;
  MW_TRY(mw_learn_spec_choose(graph, outputs, output_count, specs, count, &choice, err));
  bool ok = true;
  for (size_t i = 0; i < count && ok; i++) ok = choice.trainings[i] || broken(err);
  free(choice.nodes);
  return ok;
}
