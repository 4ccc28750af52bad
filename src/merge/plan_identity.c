/* plan_identity.c: the graph that a recipe returned stands for its text and arguments: it has every number in it. */
#include "merge/plan_identity.h"

#include <string.h>

#include "base/sha256.h"
#include "model/fingerprint.h"
#include "num/gemm.h"
#include "output/lock.h"

static bool put_graph(const mw_recipe_candidate *made, mw_text *out, mw_error *err) {
  mw_text graph = {0};
  char hex[65];
  mw_learn_spec_put(&graph, made->specs, made->spec_count, NULL);
  bool ok = mw_message_put_graph(&graph, made->graph, made->outputs, made->output_count, NULL, err); /* which checks all of the text */
  if (ok) {
    mw_sha256_of(graph.bytes, graph.length, hex);
    mw_text_format(out, "the recipe or its arguments: %s\n", hex);
  }
  mw_text_free(&graph);
  return ok;
}

/* A shard's header has names, dtypes, shapes and places of its tensors. */
static void put_layout(const mw_layout *layout, mw_text *out) {
  mw_sha256 hash;
  char hex[65];
  mw_sha256_init(&hash);
  for (size_t s = 0; s < layout->shard_count; s++) {
    mw_sha256_add(&hash, layout->shards[s].name, strlen(layout->shards[s].name) + 1);
    mw_sha256_add(&hash, layout->shards[s].header.bytes, layout->shards[s].header.length);
  }
  mw_sha256_finish(&hash, hex);
  mw_text_format(out, "the files of the output: %s\n", hex);
}

static void put_data(const char *what, const mw_calibration *data, mw_text *out) {
  for (size_t i = 0; i < data->count; i++) mw_text_format(out, "%s: %s %u\n", what, data->hashes[i], data->facts[i].length);
}

static bool has_matrices(const mw_recipe_candidate *made) {
  for (size_t i = 0; i < made->output_count; i++)
    if (mw_graph_facts(made->graph, made->outputs[i].node).matrices) return true;
  return false;
}

static bool has_statistics(const mw_plan *plan) { return plan->statistics.batches != 0; }

/* On what the values of trainings and matrices depend beside the graph and the models. */
static bool put_trainings(const mw_plan *plan, mw_text *out, mw_error *err) {
  char hex[65] = "";
  mw_file file;
  const char *coefficients = plan->options.coefficients;
  if (plan->result.made.spec_count || has_statistics(plan) || has_matrices(&plan->result.made)) {
    MW_TRY(mw_gemm_begin(err));
    mw_text_format(out, "the core type of OpenBLAS: %s\n", mw_gemm_core());
  }
  if (plan->result.made.spec_count || has_statistics(plan)) put_data("the data to learn from", &plan->data, out);
  if (!plan->result.made.spec_count) return true;
  if (coefficients && mw_file_open(&file, coefficients, err)) { /* one that cannot be read is told of by the training */
    bool ok = mw_file_hash(&file, hex, err);
    mw_file_close(&file);
    MW_TRY(ok);
  }
  mw_text_format(out, "--coefficients: %s\n", hex);
  return true;
}

static void put_version(mw_text *out) {
  mw_text_format(out, "the version of moonweld: %s, numeric profile %d\n", MW_VERSION, MW_LOCK_NUMERIC_PROFILE);
}

/* The command stands for all options: a command that measures a score may look at any file of a candidate. */
bool mw_plan_identity_search(const mw_plan *plan, mw_text *out, mw_error *err) {
  put_version(out);
  mw_text_format(out, "the command: %s\n", plan->provenance.command.bytes);
  put_data("the data to learn from", &plan->data, out);
  put_data("the data to score by", &plan->judges, out);
  return mw_fingerprint_inputs(&plan->inputs, out, err); /* which checks all of the text */
}

static bool compose(const mw_plan *plan, bool (*inputs)(const mw_input_set *, mw_text *, mw_error *), mw_text *out, mw_error *err) {
  put_version(out);
  MW_TRY(put_graph(&plan->result.made, out, err));
  put_layout(&plan->layout, out);
  mw_text_format(out, "--nonfinite: %s\n", plan->options.nonfinite_keep ? "keep" : "");
  return put_trainings(plan, out, err) && inputs(&plan->inputs, out, err);
}

bool mw_plan_identity_compose(const mw_plan *plan, mw_text *out, mw_error *err) { return compose(plan, mw_fingerprint_inputs, out, err); }

bool mw_plan_identity_shared(const mw_plan *plan, mw_text *out, mw_error *err) { return compose(plan, mw_fingerprint_shared, out, err); }
