/* plan.c: makes a plan from a recipe and its arguments, in these steps: open the inputs (headers only), evaluate the recipe in a
 * child, check what it returned, schedule the passes, lay out the output's files, measure what all will cost. All that the run
 * needs is decided before anything is written. */
#include "merge/plan.h"
#include "merge/components.h"
#include "model/chat.h"
#include "merge/request.h"
#include "base/json_writer.h"
#include "base/option_table.h"
#include "base/utf8.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- checks of the child's result ---- */

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
static bool place_outputs(mw_plan *plan, mw_error *err) {
  const mw_recipe_candidate *made = &plan->result.made;
  plan->nodes = mw_mem_new(made->output_count, sizeof *plan->nodes, err);
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

/* Output i as a tensor of the output's files. */
static mw_tensor describe(const mw_plan *plan, size_t i, const mw_dtype *wanted) {
  const mw_graph *graph = plan->result.made.graph;
  const mw_graph_output *output = &plan->result.made.outputs[i];
  mw_graph_node_facts facts = mw_graph_facts(graph, output->node);
  const mw_tensor *donor = mw_family_find(&plan->inputs.members[plan->inputs.donor], output->name);
  bool kept = facts.op == MW_OP_INPUT && plan->inputs.members[facts.extra[0]].kept[facts.extra[1]];
  bool moved = plan->result.made.layout.own && mw_graph_is_stored(facts.op); /* it is copied as it is */
  mw_dtype dtype = kept ? (mw_dtype)read_by(plan, facts)->dtype
                   : wanted ? *wanted
                   : moved ? dtype_of_new(plan, output->node)
                   : donor && mw_dtype_kind_of((mw_dtype)donor->dtype) == MW_DTYPE_KIND_REAL ? mw_model_written(donor)
                   : dtype_of_new(plan, output->node);
  return (mw_tensor){.name = output->name, .shape = mw_graph_dims(graph, facts.shape),
                     .rank = (uint8_t)mw_graph_rank(graph, facts.shape), .dtype = (uint8_t)dtype};
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
  for (size_t i = 0; i < count; i++) tensors[i] = describe(plan, i, keep ? NULL : &wanted);
  const mw_model *donor = plan->inputs.members[plan->inputs.donor].model;
  mw_layout_names names = {.stem = donor->stem, .parts = donor->parts, .part_count = donor->part_count, .metadata = donor->metadata};
  bool ok = name_lone(plan, donor, &names, err) &&
            mw_layout_make(tensors, count, names.lone ? UINT64_MAX : plan->options.shard_size, &names, &plan->layout, err);
  free(tensors);
  return ok;
}

mw_job mw_plan_job(mw_plan *plan) {
  return (mw_job){.graph = plan->result.made.graph, .schedule = &plan->schedule, .family = &plan->inputs.family,
                  .layout = &plan->layout, .places = plan->places,
                  .copies = plan->copies, .copy_count = plan->copy_count,
                  .threads = mw_run_threads(plan->options.threads), .nonfinite_keep = plan->options.nonfinite_keep,
                  .counted = !plan->options.no_hash};
}

uint64_t mw_plan_written(const mw_plan *plan) {
  uint64_t bytes = plan->components ? mw_components_measure(plan->components).bytes_written : 0;
  for (size_t i = 0; i < plan->layout.shard_count; i++) bytes += plan->layout.shards[i].size;
  return bytes;
}

static void put_training(mw_json_writer *json, const mw_plan_training *t) {
  mw_json_writer_object(json, NULL);
  mw_json_writer_u64(json, "steps", t->steps);
  mw_json_writer_u64(json, "windows", t->windows);
  mw_json_writer_u64(json, "coefficients", t->coefficients);
  mw_json_writer_u64(json, "tokens_per_step", t->tokens);
  mw_json_writer_u64(json, "memory", t->memory);
  mw_json_writer_u64(json, "weight_memory", t->weights);
  mw_json_writer_u64(json, "activation_memory", t->activations);
  mw_json_writer_number(json, "flops_per_step", t->flops);
  mw_json_writer_number(json, "seconds_per_step", t->seconds);
  mw_json_writer_end(json);
}

static void put_explained(mw_json_writer *json, const mw_plan *plan) {
  const mw_plan_number *n;
  mw_json_writer_list(json, "explained");
  for (size_t count = mw_plan_explained(plan, &n); count > 0; count--, n++) {
    mw_json_writer_object(json, NULL);
    mw_json_writer_string(json, "argument", n->argument);
    mw_json_writer_string(json, "tensor", n->tensor);
    mw_json_writer_number(json, "number", n->number);
    mw_json_writer_end(json);
  }
  mw_json_writer_end(json);
}

static void put_findings(mw_json_writer *json, const mw_plan *plan) {
  mw_json_writer_list(json, "findings");
  for (size_t i = 0; i < plan->warnings.count; i++) mw_json_writer_string(json, NULL, plan->warnings.lines[i]);
  mw_json_writer_end(json);
}

bool mw_plan_compose_json(mw_plan *plan, mw_error *err) {
  mw_text_free(&plan->json);
  mw_json_writer json = {.out = &plan->json, .streamed = 1};
  mw_plan_facts facts = mw_plan_measure(plan);
  mw_json_writer_object(&json, NULL);
  mw_json_writer_string(&json, "recipe", mw_recipe_name(plan->recipe));
  mw_json_writer_raw(&json, "arguments", plan->provenance.arguments.bytes);
  mw_json_writer_u64(&json, "passes", facts.passes);
  mw_json_writer_u64(&json, "bytes_read", facts.bytes_read);
  mw_json_writer_u64(&json, "bytes_written", facts.bytes_written);
  mw_json_writer_u64(&json, "peak_memory", facts.peak_memory);
  mw_json_writer_u64(&json, "tensors", facts.tensors);
  mw_json_writer_list(&json, "outputs");
  for (size_t i = 0; i < facts.files; i++) {
    const char *name;
    uint64_t bytes;
    mw_plan_file(plan, i, &name, &bytes);
    mw_json_writer_object(&json, NULL);
    mw_json_writer_string(&json, "file", name);
    mw_json_writer_u64(&json, "bytes", bytes);
    mw_json_writer_end(&json);
  }
  mw_json_writer_end(&json);
  mw_json_writer_string(&json, "donor", facts.donor);
  if (plan->components) mw_components_put(plan->components, &json);
  if (plan->candidates) mw_json_writer_u64(&json, "candidates", plan->candidates);
  if (plan->training_count) mw_json_writer_list(&json, "learning");
  for (size_t i = 0; i < plan->training_count; i++) put_training(&json, &plan->trainings[i]);
  if (plan->training_count) mw_json_writer_end(&json);
  if (plan->options.explain) put_explained(&json, plan), put_findings(&json, plan);
  mw_json_writer_end(&json);
  return mw_json_writer_finish(&json, err);
}

bool mw_plan_settle(mw_plan *plan, mw_error *err) {
  plan->sets = plan->result.made.layout.sets;
  plan->set_count = plan->result.made.layout.set_count;
  return place_outputs(plan, err) &&
         mw_schedule_make(plan->result.made.graph, plan->nodes, plan->node_count, &plan->schedule, err) &&
         lay_out(plan, err);
}

void mw_plan_unsettle(mw_plan *plan) {
  mw_schedule_free(&plan->schedule);
  mw_layout_free(&plan->layout);
  free(plan->nodes);
  free(plan->places);
  free(plan->copies);
  plan->schedule = (mw_schedule){0};
  plan->layout = (mw_layout){0};
  plan->nodes = NULL;
  plan->places = NULL;
  plan->copies = NULL;
  plan->copy_count = plan->node_count = 0;
}

/* Copies the bindings: a recipe that scores is evaluated again in the run, when the caller may have freed its words. */
static bool keep_bindings(mw_plan *plan, const mw_binding *bindings, size_t count, mw_error *err) {
  plan->bindings = mw_mem_take(&plan->arena, (count + 1) * sizeof *plan->bindings, err);
  for (size_t i = 0; i < count && plan->bindings; i++) {
    const char **words = mw_mem_take(&plan->arena, (bindings[i].count + 1) * sizeof *words, err);
    const char *name = mw_mem_copy(&plan->arena, bindings[i].name, strlen(bindings[i].name), err);
    if (!words || !name) return false;
    for (size_t w = 0; w < bindings[i].count; w++)
      if (!(words[w] = mw_mem_copy(&plan->arena, bindings[i].words[w], strlen(bindings[i].words[w]), err))) return false;
    plan->bindings[i] = (mw_binding){name, words, bindings[i].count};
  }
  plan->binding_count = count;
  return plan->bindings != NULL;
}

mw_recipe_task mw_plan_task(const mw_plan *plan, const mw_binding *bindings, size_t count, mw_warning *warnings,
                            const mw_recipe_scorer *scorer) {
  return (mw_recipe_task){.bindings = bindings, .binding_count = count, .inputs = &plan->inputs, .sets = plan->data.facts,
                          .set_count = plan->data.count, .options = &plan->options, .warnings = warnings, .scorer = scorer};
}

/* Evaluates the recipe. While planning nothing is measured: every score is 0, and the candidates are counted. */
static bool evaluate(mw_plan *plan, const mw_binding *bindings, size_t count, mw_error *err) {
  mw_search search = {.options = &plan->options, .inputs = &plan->inputs};
  mw_search_begin(&search);
  mw_recipe_scorer scorer = mw_search_scorer(&search);
  mw_recipe_task task = mw_plan_task(plan, bindings, count, &plan->warnings, plan->options.score ? &scorer : NULL);
  bool ok = mw_recipe_evaluate(plan->recipe, &task, &plan->result, err);
  mw_search_take_first(&search, &plan->result.made);
  plan->candidates = search.count;
  mw_search_end(&search);
  if (ok && plan->options.score && !plan->candidates)
    mw_warning_add(&plan->warnings, "the recipe asks for no score: --score is not used");
  return ok && (!plan->candidates || keep_bindings(plan, bindings, count, err));
}

mw_training_job mw_plan_open_training(const mw_plan *plan, const mw_recipe_candidate *made) {
  return (mw_training_job){.graph = made->graph, .outputs = made->outputs, .output_count = made->output_count,
                        .specs = made->specs, .spec_count = made->spec_count, .inputs = &plan->inputs,
                        .data = &plan->data, .options = &plan->options,
                        .threads = mw_run_threads(plan->options.threads)};
}

/* A merge and a training never run at the same time: the peak is the larger of both. */
static bool measure(mw_plan *plan, mw_error *err) {
  mw_job job = mw_plan_job(plan);
  mw_training_job learning = mw_plan_open_training(plan, &plan->result.made);
  MW_TRY(mw_run_measure(&job, &plan->cost, err));
  plan->trainings = mw_mem_take(&plan->arena, (learning.spec_count + 1) * sizeof *plan->trainings, err);
  if (!plan->trainings || !mw_training_measure(&learning, plan->trainings, err)) return false;
  plan->training_count = learning.spec_count;
  for (size_t i = 0; i < learning.spec_count; i++) {
    uint64_t peak = plan->trainings[i].memory + (16u << 20);
    if (plan->trainings[i].memory && peak > plan->cost.peak_memory) plan->cost.peak_memory = peak;
  }
  return true;
}

static bool scores_loss(const mw_plan *plan) { return plan->options.score && strncmp(plan->options.score, "loss:", 5) == 0; }

/* The files of --score loss:FILE...: the first one is a part of the word. */
static bool open_judges(mw_plan *plan, mw_error *err) {
  if (!scores_loss(plan)) return true;
  size_t more = plan->options.score_data_count;
  const char **files = mw_mem_take(&plan->arena, (more + 1) * sizeof *files, err);
  if (!files) return false;
  files[0] = plan->options.score + 5;
  for (size_t i = 0; i < more; i++) files[i + 1] = plan->options.score_data[i];
  return mw_calibration_open(&plan->judges, files, more + 1, plan->options.window,
                             &plan->inputs.members[plan->inputs.donor], err);
}

static bool make(mw_plan *plan, const mw_binding *bindings, size_t count, mw_error *err) {
  const mw_arg *args;
  bool pipelines;
  MW_TRY(mw_request_check(plan->recipe, bindings, count, &plan->options, err));
  MW_TRY(mw_option_table_keep(&plan->options, &plan->arena, err));
  size_t arg_count = mw_recipe_args(plan->recipe, &args);
  MW_TRY(mw_input_set_open(&plan->inputs, args, arg_count, bindings, count, &plan->options, &plan->warnings, err));
  MW_TRY(mw_chat_compare(&plan->inputs.family, &plan->warnings, err));
  MW_TRY(!plan->options.chat_template ||
         mw_chat_template(&plan->inputs.family, plan->options.chat_template, &plan->arena, &plan->chat_template, err));
  MW_TRY(mw_components_expected(&plan->inputs, &pipelines, err));
  if (pipelines)
    return mw_components_plan(plan, bindings, count, err) &&
           mw_provenance_compose(&plan->provenance, plan->recipe, bindings, count, &plan->options, err) && mw_plan_compose_json(plan, err);
  MW_TRY(mw_calibration_open(&plan->data, plan->options.data, plan->options.data_count, plan->options.window,
                             &plan->inputs.members[plan->inputs.donor], err));
  if (plan->data.count)
    mw_calibration_compare(plan->inputs.members, plan->inputs.count, plan->inputs.donor, &plan->warnings);
  MW_TRY(open_judges(plan, err));
  MW_TRY(evaluate(plan, bindings, count, err));
  MW_TRY(mw_plan_settle(plan, err));
  MW_TRY(mw_provenance_compose(&plan->provenance, plan->recipe, bindings, count, &plan->options, err));
  MW_TRY(mw_provenance_take(&plan->provenance, &plan->result, err));
  return measure(plan, err) && mw_plan_compose_json(plan, err);
}

bool mw_plan_make(const mw_recipe *recipe, const mw_binding *bindings, size_t count, const mw_options *options,
                  mw_plan **out, mw_error *err) {
  mw_plan *plan = mw_mem_new(1, sizeof *plan, err);
  *out = NULL;
  if (!plan) return false;
  plan->recipe = recipe;
  plan->options = *options;
  bool made = make(plan, bindings, count, err);
  if (made || options->explain) *out = plan;
  else mw_plan_free(plan);
  return made;
}

void mw_plan_free(mw_plan *plan) {
  if (!plan) return;
  mw_components_free(plan->components);
  mw_plan_unsettle(plan);
  mw_recipe_release(&plan->result);
  mw_calibration_close(&plan->data);
  mw_calibration_close(&plan->judges);
  mw_input_set_close(&plan->inputs);
  mw_provenance_free(&plan->provenance);
  mw_side_files_forget(&plan->side_files);
  mw_warning_free(&plan->warnings);
  mw_text_free(&plan->json);
  mw_mem_release(&plan->arena);
  free(plan);
}

/* ---- the plan as text and JSON ---- */

mw_plan_facts mw_plan_measure(const mw_plan *plan) {
  if (plan->components) {
    mw_plan_facts all = mw_components_measure(plan->components);
    all.donor = plan->inputs.members[plan->inputs.donor].label;
    return all;
  }
  return (mw_plan_facts){.passes = plan->cost.passes, .bytes_read = plan->cost.bytes_read, .bytes_written = mw_plan_written(plan),
                         .peak_memory = plan->cost.peak_memory, .tensors = plan->layout.count,
                         .files = plan->layout.shard_count, .donor = plan->inputs.members[plan->inputs.donor].label,
                         .candidates = plan->candidates};
}

void mw_plan_file(const mw_plan *plan, size_t index, const char **name, uint64_t *bytes) {
  const mw_components *components = plan->components;
  *name = components ? components->files[index].name : plan->layout.shards[index].name;
  *bytes = components ? components->files[index].bytes : plan->layout.shards[index].size;
}

size_t mw_plan_trainings(const mw_plan *plan, const mw_plan_training **first) {
  *first = plan->trainings;
  return plan->training_count;
}

size_t mw_plan_explained(const mw_plan *plan, const mw_plan_number **first) {
  const mw_components *components = plan->components;
  *first = components ? components->explained : plan->result.explained;
  return components ? components->explained_count : plan->result.explained_count;
}

size_t mw_plan_components(const mw_plan *plan, const mw_plan_component **first) {
  *first = plan->components ? plan->components->of : NULL;
  return plan->components ? plan->components->count : 0;
}

const char *mw_plan_json(const mw_plan *plan) { return plan->json.bytes; }

size_t mw_plan_notes(const mw_plan *plan, const char *const **lines) {
  *lines = (const char *const *)plan->warnings.lines;
  return plan->warnings.count;
}
