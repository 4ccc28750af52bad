/* plan_facts.c: the functions of moonweld.h that tell a plan, and the same as JSON. */
#include "merge/plan_facts.h"
#include "merge/components.h"
#include "base/json_writer.h"

uint64_t mw_plan_facts_written(const mw_plan *plan) {
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

bool mw_plan_facts_compose(mw_plan *plan, mw_error *err) {
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
  if (facts.matrix_memory) {
    mw_json_writer_object(&json, "matrices");
    mw_json_writer_u64(&json, "memory", facts.matrix_memory);
    mw_json_writer_number(&json, "flops", facts.matrix_flops);
    mw_json_writer_end(&json);
  }
  if (facts.statistic_batches) {
    mw_json_writer_object(&json, "statistics");
    mw_json_writer_u64(&json, "memory", facts.statistic_memory);
    mw_json_writer_u64(&json, "bytes", facts.statistic_bytes);
    mw_json_writer_u64(&json, "batches", facts.statistic_batches);
    mw_json_writer_number(&json, "flops", facts.statistic_flops);
    mw_json_writer_end(&json);
  }
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
  if (plan->set_count) mw_json_writer_raw(&json, "config", plan->config.bytes);
  if (plan->vocabulary) mw_alignment_tell(plan->vocabulary, "vocabulary", &json);
  if (plan->components) mw_components_put(plan->components, &json);
  if (plan->candidates) mw_json_writer_u64(&json, "candidates", plan->candidates);
  if (plan->training_count) mw_json_writer_list(&json, "learning");
  for (size_t i = 0; i < plan->training_count; i++) put_training(&json, &plan->trainings[i]);
  if (plan->training_count) mw_json_writer_end(&json);
  if (plan->options.explain) put_explained(&json, plan), put_findings(&json, plan);
  mw_json_writer_end(&json);
  return mw_json_writer_finish(&json, err);
}

/* The donor's label; of a configuration what it calls the model. */
static const char *donor_of(const mw_plan *plan) {
  const mw_conversion *conversion = mw_recipe_conversion(plan->recipe);
  const char *label = plan->inputs.members[plan->inputs.donor].label;
  return conversion ? mw_conversion_model(conversion, label) : label;
}

mw_plan_facts mw_plan_measure(const mw_plan *plan) {
  if (plan->components) {
    mw_plan_facts all = mw_components_measure(plan->components);
    all.resumed = plan->resumed;
    all.donor = donor_of(plan);
    return all;
  }
  return (mw_plan_facts){.passes = plan->cost.passes, .bytes_read = plan->cost.bytes_read, .bytes_written = mw_plan_facts_written(plan),
                         .peak_memory = plan->cost.peak_memory, .matrix_memory = plan->cost.matrices.memory,
                         .matrix_flops = plan->cost.matrices.flops, .statistic_memory = plan->statistics.memory,
                         .statistic_bytes = plan->statistics.bytes, .statistic_batches = plan->statistics.batches,
                         .statistic_flops = plan->statistics.products, .tensors = plan->layout.count,
                         .files = plan->layout.shard_count, .donor = donor_of(plan),
                         .adapter = plan->result.made.layout.adapter,
                         .vocabulary = plan->vocabulary ? plan->vocabulary->told : NULL,
                         .config = plan->config.bytes, .candidates = plan->candidates, .resumed = plan->resumed,
                         .drawn = plan->provenance.told.length ? plan->provenance.told.bytes : NULL};
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
