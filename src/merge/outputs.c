/* outputs.c: an output that is computed is a node of the schedule, one that is kept is a copy; both have a place in the output's
 * files. What the child returned is checked here: a name, a shape. */
#include "merge/outputs.h"
#include "base/utf8.h"
#include "expr/cone.h"
#include "expr/widest.h"
#include "format/safetensors.h"
#include "merge/adapter_result.h"
#include "merge/follow.h"
#include <stdlib.h>
#include <string.h>

/* The member and tensor that an INPUT node reads. */
static const mw_tensor *read_by(const mw_plan *plan, mw_graph_node_facts input) {
  return &plan->inputs.members[input.extra[0]].tensors[input.extra[1]];
}

/* A tensor that the donor has must have the donor's shape, unless the layout is the result's own, or it was cut or joined. */
static bool check_output(const mw_plan *plan, const mw_graph_output *output, mw_error *err) {
  const mw_graph *graph = plan->result.made.graph;
  const mw_tensor *donor = mw_family_find(&plan->inputs.members[plan->inputs.donor], output->name);
  const mw_graph_node_facts facts = mw_graph_facts(graph, output->node);
  const uint32_t shape = facts.shape;
  mw_text_escaped name;
  if (!*output->name || !mw_utf8_valid(output->name, strlen(output->name)) || strcmp(output->name, "__metadata__") == 0)
    return mw_error_set(err, MW_DATA, "'%s' is no name for a tensor", mw_text_escape_z(&name, output->name));
  bool same = shape && (!donor || plan->result.made.layout.own || facts.viewed || (mw_graph_rank(graph, shape) == donor->rank &&
                                   (!donor->rank || memcmp(mw_graph_dims(graph, shape), donor->shape,
                                                           donor->rank * sizeof *donor->shape) == 0)));
  return same || mw_error_set(err, MW_DATA, "the recipe's result has another shape for tensor '%s'", mw_text_escape_z(&name, output->name));
}

/* Outputs that are computed get a node, those that are kept a copy; places are in the order of names. */
static bool place(mw_plan *plan, mw_error *err) {
  const mw_recipe_candidate *made = &plan->result.made;
  plan->nodes = mw_mem_new(made->output_count + made->layout.shown_count, sizeof *plan->nodes, err);
  plan->places = mw_mem_new(made->output_count, sizeof *plan->places, err);
  plan->copies = mw_mem_new(made->output_count, sizeof *plan->copies, err);
  if (!plan->nodes || !plan->places || !plan->copies) return false;
  for (size_t i = 0; i < made->output_count; i++) {
    mw_graph_node_facts facts = mw_graph_facts(made->graph, made->outputs[i].node);
    MW_TRY(check_output(plan, &made->outputs[i], err));
    bool kept = facts.op == MW_OP_INPUT && plan->inputs.members[facts.extra[0]].kept[facts.extra[1]];
    if (kept) plan->copies[plan->copy_count++] = (mw_job_copy){(uint32_t)facts.extra[0], (uint32_t)facts.extra[1], (uint32_t)i};
    else plan->places[plan->node_count] = (uint32_t)i, plan->nodes[plan->node_count++] = made->outputs[i].node;
  }
  for (; plan->shown_count < made->layout.shown_count; plan->shown_count++)
    plan->nodes[plan->node_count + plan->shown_count] = made->layout.shown[plan->shown_count].node;
  return true;
}

/* The dtype of a tensor that the donor lacks: that of the first input that it is made of, else the donor's most frequent. */
static mw_dtype dtype_of_new(const mw_plan *plan, mw_node node) {
  const mw_graph *graph = plan->result.made.graph;
  const mw_family_member *donor = &plan->inputs.members[plan->inputs.donor];
  for (;;) {
    mw_graph_node_facts facts = mw_graph_facts(graph, node);
    if (facts.op == MW_OP_INPUT) return mw_model_written(read_by(plan, facts));
    if (!facts.operands) break;
    node = facts.operand[0];
  }
  uint64_t elements[MW_DTYPE_COUNT] = {0};
  mw_dtype most = MW_DTYPE_F32;
  for (size_t i = 0; i < donor->count; i++) {
    mw_dtype dtype = mw_model_written(&donor->tensors[i]);
    elements[dtype] += donor->kept[i] ? 0 : mw_tensor_elements(&donor->tensors[i]);
    if (elements[dtype] > elements[most]) most = dtype;
  }
  return most;
}

/* --dtype widest: (*wide)[node] is the least dtype that holds all tensors that the node is made of, each as it is stored or as x:as("bf16")
 * rounded it; MW_DTYPE_COUNT where it is made of no model's. NULL with any other --dtype. */
static bool find_widest(const mw_plan *plan, uint8_t **wide, mw_error *err) {
  const mw_graph *graph = plan->result.made.graph;
  const uint32_t count = mw_graph_count(graph);
  *wide = NULL;
  if (!plan->options.dtype || strcmp(plan->options.dtype, "widest") != 0) return true;
  uint8_t *found = *wide = mw_mem_new((size_t)count + 1, 1, err);
  if (!found) return false;
  for (mw_node node = 1; node <= count; node++) { /* operands come before their users */
    mw_graph_node_facts facts = mw_graph_facts(graph, node);
    mw_dtype stored = facts.op == MW_OP_INPUT ? mw_model_written(read_by(plan, facts)) : MW_DTYPE_COUNT;
    found[node] = (uint8_t)mw_widest_of(graph, facts, stored, found);
  }
  return true;
}

/* Whether it is made of statistics of data alone, which have no model's dtype. */
static bool is_statistic(const mw_graph *graph, mw_node node, bool *is, mw_error *err) {
  mw_cone cone = {0};
  *is = false;
  MW_TRY(mw_cone_add(&cone, graph, node, err));
  for (size_t i = 0; i < cone.count; i++) {
    mw_graph_class class = mw_graph_op_class(mw_graph_facts(graph, cone.nodes[i]).op);
    *is |= class == MW_CLASS_DATA;
    if (class == MW_CLASS_DATA || class == MW_CLASS_MAP) continue;
    *is = false;
    break;
  }
  mw_cone_free(&cone);
  return true;
}

/* Output i as a tensor of the output's files; `wide` as find_widest made it. */
static bool describe(const mw_plan *plan, size_t i, const mw_dtype *wanted, const uint8_t *wide, mw_tensor *out, mw_error *err) {
  const mw_graph *graph = plan->result.made.graph;
  const mw_graph_output *output = &plan->result.made.outputs[i];
  mw_graph_node_facts facts = mw_graph_facts(graph, output->node);
  const mw_tensor *donor = mw_family_find(&plan->inputs.members[plan->inputs.donor], output->name);
  bool kept = facts.op == MW_OP_INPUT && plan->inputs.members[facts.extra[0]].kept[facts.extra[1]];
  bool moved = plan->result.made.layout.own && mw_graph_is_stored(facts.op); /* it is copied as it is */
  bool found = false;
  if (facts.factor && facts.shape && !wanted) MW_TRY(is_statistic(graph, output->node, &found, err));
  mw_dtype dtype = kept ? (mw_dtype)read_by(plan, facts)->dtype
                   : wanted ? *wanted
                   : found ? MW_DTYPE_F32
                   : moved ? dtype_of_new(plan, output->node)
                   : donor && mw_dtype_kind_of((mw_dtype)donor->dtype) == MW_DTYPE_KIND_REAL ? mw_model_written(donor)
                   : dtype_of_new(plan, output->node);
  if (!kept && !found && wide && wide[output->node] != MW_DTYPE_COUNT) dtype = (mw_dtype)wide[output->node];
  *out = (mw_tensor){.name = output->name, .shape = mw_graph_dims(graph, facts.shape),
                     .rank = (uint8_t)mw_graph_rank(graph, facts.shape), .dtype = (uint8_t)dtype};
  return true;
}

/* -o NAME.safetensors: one file and no folder. What needs a folder is refused. */
static bool name_lone(mw_plan *plan, const mw_model *donor, mw_layout_names *names, mw_error *err) {
  const char *out = plan->options.output;
  if (!out || !mw_text_ends_with(out, MW_SAFETENSORS_ENDING)) return true;
  const char *slash = strrchr(out, '/'), *name = slash ? slash + 1 : out;
  bool learned = plan->result.made.spec_count;
  const char *needs = donor->part_count ? "has parts in folders" : learned ? "is learned, with files of its own" : NULL;
  mw_text_escaped shown;
  if (needs) {
    mw_error_set(err, MW_USAGE, "%s: the model %s, so that one file cannot hold it", mw_text_escape_z(&shown, out), needs);
    return mw_error_hint(err, "name a folder: -o NAME");
  }
  names->lone = true;
  names->stem = mw_mem_copy(&plan->arena, name, strlen(name) - strlen(MW_SAFETENSORS_ENDING), err);
  return names->stem != NULL;
}

static bool lay_out(mw_plan *plan, mw_error *err) {
  size_t count = plan->result.made.output_count;
  mw_dtype wanted;
  bool keep = !plan->options.dtype || !mw_dtype_of_word(plan->options.dtype, &wanted); /* the options were checked */
  mw_tensor *tensors = mw_mem_new(count, sizeof *tensors, err);
  if (!tensors) return false;
  uint8_t *wide;
  bool ok = find_widest(plan, &wide, err);
  for (size_t i = 0; i < count && ok; i++) ok = describe(plan, i, keep ? NULL : &wanted, wide, &tensors[i], err);
  free(wide);
  const mw_model *donor = plan->inputs.members[plan->inputs.donor].model;
  bool adapter = plan->result.made.layout.adapter;
  mw_layout_names names = {.stem = donor->stem, .parts = donor->parts, .part_count = donor->part_count, .metadata = donor->metadata};
  if (adapter) names = (mw_layout_names){.stem = "adapter_model"};
  ok = ok && name_lone(plan, donor, &names, err) &&
            mw_layout_make(tensors, count, names.lone || adapter ? UINT64_MAX : plan->options.shard_size, &names, &plan->layout, err);
  free(tensors);
  return ok;
}

/* The same as a JSON text, for the plan's facts. */
static bool tell_config(mw_plan *plan, mw_error *err) {
  mw_json_writer json = {.out = &plan->config};
  mw_text_free(&plan->config);
  if (!plan->set_count) return true;
  mw_config_edit_tell(plan->sets, plan->set_count, NULL, &json);
  MW_TRY(mw_json_writer_finish(&json, err));
  plan->config.bytes[--plan->config.length] = 0; /* the line's end */
  return true;
}

bool mw_outputs_place(mw_plan *plan, mw_error *err) {
  mw_recipe_candidate *made = &plan->result.made;
  if (made->layout.adapter && plan->vocabulary)
    return mw_error_set(err, MW_USAGE, "--tokenizer is not for adapters: the result's base keeps its vocabulary");
  MW_TRY(made->layout.adapter ? mw_adapter_result_place(plan, err)
                              : mw_follow_config(&plan->inputs, made, plan->vocabulary, &made->arena, &plan->warnings, &plan->sets,
                                                 &plan->set_count, err));
  MW_TRY(tell_config(plan, err));
  return place(plan, err) &&
         mw_expansion_make(made->graph, plan->nodes, plan->node_count + plan->shown_count, &plan->expansion, err) &&
         mw_schedule_make(made->graph, plan->expansion, plan->nodes, plan->node_count + plan->shown_count, &plan->schedule, err) &&
         lay_out(plan, err);
}

void mw_outputs_free(mw_plan *plan) {
  mw_text_free(&plan->config);
  mw_schedule_free(&plan->schedule);
  mw_expansion_free(plan->expansion);
  mw_layout_free(&plan->layout);
  free(plan->nodes);
  free(plan->places);
  free(plan->copies);
  plan->schedule = (mw_schedule){0};
  plan->expansion = NULL;
  plan->layout = (mw_layout){0};
  plan->nodes = NULL;
  plan->places = NULL;
  plan->copies = NULL;
  plan->copy_count = plan->node_count = plan->shown_count = 0;
}
