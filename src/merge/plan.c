/* plan.c: from a recipe and its arguments to a plan. Planning opens headers only; every fact that the run needs is fixed
 * before its first byte is written. */
#include "merge/plan.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- checks of what came back from the child ---- */

static bool same_shape(const mw_graph *graph, uint32_t shape, const mw_tensor *tensor) {
  return mw_graph_rank(graph, shape) == tensor->rank &&
         (tensor->rank == 0 || memcmp(mw_graph_dims(graph, shape), tensor->shape, tensor->rank * sizeof *tensor->shape) == 0);
}

/* The outputs are exactly the donor's tensors that compute; everything else of the donor is copied. */
static bool place_outputs(mw_plan *plan, mw_error *err) {
  const mw_family *family = &plan->inputs.family;
  size_t count = plan->result.made.output_count, next = 0;
  plan->nodes = mw_mem_new(count, sizeof *plan->nodes, err);
  plan->places = mw_mem_new(count, sizeof *plan->places, err);
  plan->copies = mw_mem_new(family->count, 2 * sizeof *plan->copies, err);
  if (!plan->nodes || !plan->places || !plan->copies) return false;
  for (size_t row = 0; row < family->count; row++) {
    const mw_tensor *donor = family->donor[row];
    if (mw_dtype_kind_of((mw_dtype)donor->dtype) != MW_DTYPE_KIND_REAL) {
      plan->copies[2 * plan->copy_count] = plan->copies[2 * plan->copy_count + 1] = (uint32_t)row;
      plan->copy_count++;
      continue;
    }
    mw_text_escaped name;
    if (next >= count || strcmp(plan->result.made.outputs[next].name, donor->name) != 0)
      return mw_error_set(err, MW_DATA, "the recipe's result lacks tensor '%s'", mw_text_escape_z(&name, donor->name));
    mw_node node = plan->result.made.outputs[next].node;
    uint32_t shape = mw_graph_facts(plan->result.made.graph, node).shape;
    if (!shape || !same_shape(plan->result.made.graph, shape, donor))
      return mw_error_set(err, MW_DATA, "the recipe's result has another shape for tensor '%s'",
                          mw_text_escape_z(&name, donor->name));
    plan->nodes[next] = node;
    plan->places[next++] = (uint32_t)row;
  }
  return next == count || mw_error_set(err, MW_DATA, "the recipe's result has %zu tensors that the donor lacks", count - next);
}

static bool output_dtype(const mw_options *options, mw_dtype *out, bool *keep, mw_error *err) {
  static const struct { const char *word; mw_dtype dtype; } words[] = {
      {"f32", MW_DTYPE_F32}, {"f16", MW_DTYPE_F16}, {"bf16", MW_DTYPE_BF16}, {"f64", MW_DTYPE_F64}};
  *keep = !options->dtype || strcmp(options->dtype, "keep") == 0;
  for (size_t i = 0; i < sizeof words / sizeof *words && !*keep; i++)
    if (strcmp(words[i].word, options->dtype) == 0) {
      *out = words[i].dtype;
      return true;
    }
  if (*keep) return true;
  mw_text_escaped word;
  return mw_error_set(err, MW_USAGE, "--dtype %s is none of f32 f16 bf16 f64 keep", mw_text_escape_z(&word, options->dtype));
}

static bool lay_out(mw_plan *plan, mw_error *err) {
  const mw_family *family = &plan->inputs.family;
  mw_dtype wanted = MW_DTYPE_F32;
  bool keep;
  MW_TRY(output_dtype(&plan->options, &wanted, &keep, err));
  mw_tensor *tensors = mw_mem_new(family->count, sizeof *tensors, err);
  if (!tensors) return false;
  for (size_t i = 0; i < family->count; i++) {
    tensors[i] = *family->donor[i];
    if (!keep && mw_dtype_kind_of((mw_dtype)tensors[i].dtype) == MW_DTYPE_KIND_REAL) tensors[i].dtype = (uint8_t)wanted;
  }
  bool ok = mw_layout_make(tensors, family->count, plan->options.shard_size, &plan->layout, err);
  free(tensors);
  return ok;
}

mw_job mw_plan_job(mw_plan *plan) {
  return (mw_job){.graph = plan->result.made.graph, .schedule = &plan->schedule, .family = &plan->inputs.family,
                  .members = plan->inputs.members, .layout = &plan->layout, .places = plan->places,
                  .copies = plan->copies, .copy_count = plan->copy_count,
                  .threads = mw_run_threads(plan->options.threads), .nonfinite_keep = plan->options.nonfinite_keep};
}

uint64_t mw_plan_written(const mw_plan *plan) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < plan->layout.shard_count; i++) bytes += plan->layout.shards[i].size;
  return bytes;
}

static void compose_learning(mw_plan *plan) {
  mw_text *json = &plan->json;
  mw_text_format(json, ",\"learning\":[");
  for (size_t i = 0; i < plan->training_count; i++) {
    const mw_plan_training *t = &plan->trainings[i];
    char flops[32], seconds[32];
    mw_text_format(json, "%s{\"steps\":%llu,\"windows\":%llu,\"coefficients\":%llu,\"tokens_per_step\":%llu,\"memory\":%llu,"
                   "\"weight_memory\":%llu,\"activation_memory\":%llu,\"flops_per_step\":%s,\"seconds_per_step\":%s}",
                   i ? "," : "", (unsigned long long)t->steps, (unsigned long long)t->windows,
                   (unsigned long long)t->coefficients, (unsigned long long)t->tokens, (unsigned long long)t->memory,
                   (unsigned long long)t->weights, (unsigned long long)t->activations, mw_text_number(flops, t->flops),
                   mw_text_number(seconds, t->seconds));
  }
  mw_text_format(json, "]");
}

static bool compose_json(mw_plan *plan, mw_error *err) {
  mw_text *json = &plan->json;
  mw_text_format(json, "{\"recipe\":");
  const char *name = mw_recipe_name(plan->recipe);
  mw_text_json(json, name, strlen(name));
  mw_text_format(json,
                 ",\"arguments\":%s,\"passes\":%u,\"bytes_read\":%llu,\"bytes_written\":%llu,\"peak_memory\":%llu,"
                 "\"tensors\":%zu,\"outputs\":[",
                 plan->provenance.arguments.bytes, plan->cost.passes, (unsigned long long)plan->cost.bytes_read,
                 (unsigned long long)mw_plan_written(plan), (unsigned long long)plan->cost.peak_memory,
                 plan->layout.count);
  for (size_t i = 0; i < plan->layout.shard_count; i++)
    mw_text_format(json, "%s{\"file\":\"%s\",\"bytes\":%llu}", i ? "," : "", plan->layout.shards[i].name,
                   (unsigned long long)plan->layout.shards[i].size);
  mw_text_format(json, "],\"donor\":\"%s\"", mw_plan_measure(plan).donor);
  if (plan->candidates) mw_text_format(json, ",\"candidates\":%zu", plan->candidates);
  if (plan->training_count) compose_learning(plan);
  mw_text_format(json, "}\n");
  return mw_text_check(json, err);
}

bool mw_plan_settle(mw_plan *plan, mw_error *err) {
  return place_outputs(plan, err) &&
         mw_schedule_make(plan->result.made.graph, plan->nodes, plan->result.made.output_count, &plan->schedule, err) &&
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
  plan->places = plan->copies = NULL;
  plan->copy_count = 0;
}

/* The run of a recipe that scores evaluates it again, when the caller's words may be gone. */
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

mw_recipe_task mw_plan_task(const mw_plan *plan, const mw_binding *bindings, size_t count, const mw_recipe_scorer *scorer) {
  return (mw_recipe_task){.bindings = bindings, .binding_count = count, .inputs = &plan->inputs, .sets = plan->data.facts,
                          .set_count = plan->data.count, .options = &plan->options, .scorer = scorer};
}

/* Evaluates the recipe. Scores are not measured while planning: each is 0, and their number is kept. */
static bool evaluate(mw_plan *plan, const mw_binding *bindings, size_t count, mw_error *err) {
  mw_search search = {.options = &plan->options, .inputs = &plan->inputs};
  mw_search_begin(&search);
  mw_recipe_scorer scorer = mw_search_scorer(&search);
  mw_recipe_task task = mw_plan_task(plan, bindings, count, plan->options.score ? &scorer : NULL);
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

/* A merge and a training never run at the same time: the peak is that of the greater. */
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

/* The files of --score loss:FILE...: the first is named with the word. */
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
  size_t arg_count = mw_recipe_args(plan->recipe, &args);
  MW_TRY(mw_input_set_open(&plan->inputs, args, arg_count, bindings, count, &plan->options, &plan->warnings, err));
  MW_TRY(mw_calibration_open(&plan->data, plan->options.data, plan->options.data_count, plan->options.window,
                             &plan->inputs.members[plan->inputs.donor], err));
  if (plan->data.count)
    mw_calibration_compare(plan->inputs.members, plan->inputs.count, plan->inputs.donor, &plan->warnings);
  MW_TRY(open_judges(plan, err));
  MW_TRY(evaluate(plan, bindings, count, err));
  MW_TRY(mw_plan_settle(plan, err));
  MW_TRY(mw_provenance_compose(&plan->provenance, plan->recipe, bindings, count, &plan->options, err));
  return measure(plan, err) && compose_json(plan, err);
}

bool mw_plan_make(const mw_recipe *recipe, const mw_binding *bindings, size_t count, const mw_options *options,
                  mw_plan **out, mw_error *err) {
  mw_plan *plan = mw_mem_new(1, sizeof *plan, err);
  if (!plan) return false;
  plan->recipe = recipe;
  plan->options = *options;
  if (make(plan, bindings, count, err)) {
    *out = plan;
    return true;
  }
  mw_plan_free(plan);
  return false;
}

void mw_plan_free(mw_plan *plan) {
  if (!plan) return;
  mw_plan_unsettle(plan);
  mw_recipe_release(&plan->result);
  mw_calibration_close(&plan->data);
  mw_calibration_close(&plan->judges);
  mw_input_set_close(&plan->inputs);
  mw_provenance_free(&plan->provenance);
  mw_warning_free(&plan->warnings);
  mw_text_free(&plan->json);
  mw_mem_release(&plan->arena);
  free(plan);
}

/* ---- what it says ---- */

mw_plan_facts mw_plan_measure(const mw_plan *plan) {
  return (mw_plan_facts){.passes = plan->cost.passes, .bytes_read = plan->cost.bytes_read, .bytes_written = mw_plan_written(plan),
                         .peak_memory = plan->cost.peak_memory, .tensors = plan->layout.count,
                         .files = plan->layout.shard_count, .donor = plan->inputs.members[plan->inputs.donor].label,
                         .candidates = plan->candidates};
}

void mw_plan_file(const mw_plan *plan, size_t index, const char **name, uint64_t *bytes) {
  *name = plan->layout.shards[index].name;
  *bytes = plan->layout.shards[index].size;
}

size_t mw_plan_trainings(const mw_plan *plan, const mw_plan_training **first) {
  *first = plan->trainings;
  return plan->training_count;
}

const char *mw_plan_json(const mw_plan *plan) { return plan->json.bytes; }

size_t mw_plan_notes(const mw_plan *plan, const char *const **lines) {
  *lines = (const char *const *)plan->warnings.lines;
  return plan->warnings.count;
}
