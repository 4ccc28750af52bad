/* eval_models.c: models on the disk, evaluated on data. All networks are made before any is run: they are made in children, and no process
 * forks once MPI runs (cluster/cluster.h). */
#include "base/option_table.h"
#include "base/sha256.h"
#include "cluster/cluster.h"
#include "merge/shared_plan.h"
#include "model/fingerprint.h"
#include "num/gemm.h"
#include "train/evaluate.h"
#include <stdlib.h>

static const mw_evaluate_candidate itself; /* the model as it is */

typedef struct evaluated {
  mw_input_set inputs;
  mw_calibration data;
  mw_evaluate_network network;
} evaluated;

static bool check_one(const mw_model *model, mw_error *err) {
  mw_text_escaped shown;
  return !model->component_count || mw_error_set(err, MW_UNAVAILABLE, "%s: a whole pipeline of diffusers predicts no tokens",
                                                 mw_text_escape_z(&shown, model->where));
}

static bool open(evaluated *e, const char *model, const mw_options *options, mw_error *err) {
  static const mw_arg arg = {.name = "model", .doc = "the model to evaluate", .kind = MW_ARG_MODEL};
  const mw_binding binding = {"model", &model, 1};
  return mw_input_set_open(&e->inputs, &arg, 1, &binding, 1, options, NULL, err) && check_one(e->inputs.members[0].model, err) &&
         mw_calibration_open(&e->data, options->data, options->data_count, options->window, &e->inputs.members[0], err) &&
         mw_evaluate_make(&itself, &e->inputs, &e->data, options, &e->network, err);
}

static void forget(evaluated *e) {
  mw_evaluate_forget(&e->network);
  mw_calibration_close(&e->data);
  mw_input_set_close(&e->inputs);
}

/* All that a loss depends on, which must be the same in all processes. */
static bool identify(const evaluated *e, mw_text *out, mw_error *err) {
  mw_text graph = {0};
  char hex[65] = "";
  bool ok = mw_message_put_graph(&graph, e->network.graph, e->network.losses, e->network.count, NULL, err) && mw_text_check(&graph, err);
  if (ok) mw_sha256_of(graph.bytes, graph.length, hex);
  mw_text_free(&graph);
  mw_text_format(out, "the network: %s\n", hex);
  for (size_t i = 0; i < e->data.count; i++) mw_text_format(out, "the data: %s %u\n", e->data.hashes[i], e->data.facts[i].length);
  return ok && mw_fingerprint_shared(&e->inputs, out, err);
}

static bool compare(const evaluated *all, size_t count, mw_error *err) {
  mw_text own = {0};
  bool ok = mw_gemm_begin(err);
  if (ok) mw_text_format(&own, "the version of moonweld: %s\nthe core type of OpenBLAS: %s\n", MW_VERSION, mw_gemm_core());
  for (size_t i = 0; i < count && ok; i++) ok = identify(&all[i], &own, err);
  ok = ok && mw_text_check(&own, err) && mw_cluster_start(err) && mw_shared_plan_same(&own, err);
  mw_text_free(&own);
  return ok;
}

bool mw_eval_models(const char *const *models, size_t count, const mw_options *options, mw_learning progress, void *context,
                    mw_evaluation *results, mw_error *err) {
  MW_TRY(mw_option_table_check(options, err));
  const mw_ranks *ranks = mw_cluster_ranks();
  evaluated *all = mw_mem_new(count + 1, sizeof *all, err);
  if (!all) return false;
  bool ok = true;
  for (size_t i = 0; i < count && ok; i++) ok = open(&all[i], models[i], options, err);
  ok = ok && (!ranks || compare(all, count, err));
  for (size_t i = 0; i < count && ok; i++)
    ok = mw_evaluate_run(&all[i].network, ranks, options, progress, context, results + i * options->data_count, err);
  for (size_t i = 0; i < count; i++) forget(&all[i]);
  free(all);
  return ok;
}
