/* proof.c: the plan's layout is seen as a model that is not there yet, so that one function proves what was planned and what was
 * written. */
#include "merge/proof.h"
#include "merge/components.h"
#include "model/adapter.h"
#include "model/pipeline.h"
#include "model/shapes.h"
#include "model/tied_head.h"
#include "model/vocabulary.h"
#include "output/side_files.h"
#include <stdlib.h>
#include <string.h>

static const char label[] = "the result";
enum { SHOWN = 5 };

/* ---- config.json ---- */

/* Every dtype that config.json names is that of some tensor. */
static bool check_dtype(const mw_model *model, mw_error *err) {
  bool held[MW_DTYPE_COUNT] = {false};
  for (size_t i = 0; i < model->tensor_count; i++) held[model->tensors[i].dtype] = true;
  const char *absent = mw_config_absent_dtype(&model->config, held);
  return !absent || mw_error_set(err, MW_DATA, "%s: config.json: the dtype is %s, but no tensor has it", label, absent);
}

/* The rows of its embedding, or 0. */
static uint64_t rows_of(const mw_model *model) {
  const mw_tensor *embedding = mw_tied_head_embedding(model);
  return embedding && embedding->rank == 2 ? embedding->shape[0] : 0;
}

/* Of an architecture that is not known the embedding has as many rows as config.json says if the donor's has: elsewhere the key may mean
 * something else. */
static bool check_vocabulary(const mw_model *model, const mw_model *donor, mw_error *err) {
  const uint64_t rows = rows_of(model), before = rows_of(donor), says = model->config.vocabulary;
  mw_text_escaped name;
  if (!says || !rows || rows == says || before != donor->config.vocabulary) return true;
  return mw_error_set(err, MW_DATA, "%s: config.json: vocab_size: found %llu, but '%s' has %llu rows", label, (unsigned long long)says,
                      mw_text_escape_z(&name, mw_tied_head_embedding(model)->name), (unsigned long long)rows);
}

static bool check_config(const mw_model *model, const mw_model *donor, mw_error *err) {
  if (!model->config.text) return true;
  if (mw_shapes_check(model, label, err) && check_dtype(model, err) && check_vocabulary(model, donor, err)) return true;
  return *err->hint ? false : mw_error_hint(err, "m:with_config{...} in the recipe says what the result's config.json has");
}

/* A tied model has one place for head and embedding. */
static bool refuse_head(mw_error *err) {
  mw_error_set(err, MW_DATA, "%s: config.json: tie_word_embeddings is true, but '%s' is not the embedding", label, mw_tied_head_name);
  return mw_error_hint(err, "m:except \"%s\" in the recipe leaves it out, m:with_config{tie_word_embeddings = false} unties it",
                       mw_tied_head_name);
}

/* ---- what was planned ---- */

static const mw_graph_output *output_called(const mw_plan *plan, const char *name) {
  for (size_t i = 0; i < plan->result.made.output_count; i++)
    if (strcmp(plan->result.made.outputs[i].name, name) == 0) return &plan->result.made.outputs[i];
  return NULL;
}

/* Equal values are one node of the graph. */
static bool check_planned_head(const mw_plan *plan, const mw_model *model, mw_error *err) {
  const mw_tensor *embedding = mw_tied_head_embedding(model);
  const mw_graph_output *head = output_called(plan, mw_tied_head_name);
  if (!model->config.tied || !head || !embedding || head->node == output_called(plan, embedding->name)->node) return true;
  return refuse_head(err);
}

/* The layout's tensors by their whole names, and config.json as it will be. */
static bool foresee(const mw_plan *plan, mw_model *model, mw_error *err) {
  mw_side_files_provenance provenance = mw_provenance_of(&plan->provenance, plan->recipe, NULL, &plan->options);
  mw_text text = {0};
  model->tensor_count = plan->layout.count;
  if (!(model->tensors = mw_mem_new(plan->layout.count, sizeof *model->tensors, err))) return false;
  for (size_t i = 0; i < plan->layout.count; i++) {
    model->tensors[i] = plan->layout.tensors[i];
    model->tensors[i].name = mw_layout_name_of(&plan->layout, &plan->layout.tensors[i]);
  }
  provenance.sets = plan->sets;
  provenance.set_count = plan->set_count;
  if (mw_side_files_config(&plan->layout, &plan->inputs.family, &provenance, &text, err))
    return mw_config_read(&model->config, text.bytes, text.length, "config.json of the result", err);
  mw_text_free(&text);
  return false;
}

bool mw_proof_plan(const mw_plan *plan, mw_error *err) {
  const mw_model *donor = plan->inputs.members[plan->inputs.donor].model;
  mw_model planned = {0};
  if (!donor->config.text || plan->layout.names.lone || plan->result.made.layout.adapter) return true;
  bool ok = foresee(plan, &planned, err) && check_config(&planned, donor, err) && check_planned_head(plan, &planned, err);
  mw_config_close(&planned.config);
  free(planned.tensors);
  return ok;
}

/* ---- what was written ---- */

static bool is_same(const mw_tensor *a, const mw_tensor *b) {
  return a->dtype == b->dtype && a->rank == b->rank && (!a->rank || memcmp(a->shape, b->shape, a->rank * sizeof *a->shape) == 0);
}

enum { ANY_FILE = -1 };

/* Both lists are in the order of names. `file`: the model is only that one. */
static bool check_tensors(const mw_model *model, const mw_layout *layout, int64_t file, mw_error *err) {
  mw_text_escaped shown;
  for (size_t w = 0, p = 0;; w++, p++) {
    while (p < layout->count && file != ANY_FILE && layout->tensors[p].file != file) p++;
    if (w == model->tensor_count && p == layout->count) return true;
    const mw_tensor *written = &model->tensors[w], *planned = &layout->tensors[p];
    const char *name = p == layout->count ? NULL : mw_layout_name_of(layout, planned);
    const int order = w == model->tensor_count ? 1 : !name ? -1 : strcmp(written->name, name);
    if (!order && is_same(written, planned)) continue;
    mw_text_escape_z(&shown, order < 0 ? written->name : name);
    return mw_error_set(err, MW_IO, "%s: tensor '%s' %s", label, shown.bytes,
                        order < 0 ? "was not planned" : order ? "is missing in what was written" : "was written otherwise than planned");
  }
}

static bool check_head(const mw_model *model, mw_error *err) {
  const mw_tensor *head = mw_model_find(model, mw_tied_head_name), *embedding = mw_tied_head_embedding(model);
  bool same = true;
  if (model->config.tied && head && embedding) MW_TRY(mw_model_same(model, head, model, embedding, &same, err));
  return same || refuse_head(err);
}

/* How many ids the tokens of a folder need; 0 where they cannot be read. */
static bool ids_of(const char *folder, uint64_t *ids, mw_error *err) {
  mw_vocabulary vocabulary = {0};
  *ids = 0;
  bool read = mw_vocabulary_open(&vocabulary, folder, err) && mw_vocabulary_skim(&vocabulary, err);
  if (read) *ids = vocabulary.count;
  mw_vocabulary_close(&vocabulary);
  return read || err->status == MW_DATA;
}

/* Each token has a row. Where the donor's had not, neither must they here; and what did not change is not read again. */
static bool check_tokens(const mw_model *model, const mw_model *donor, mw_error *err) {
  const uint64_t rows = rows_of(model);
  uint64_t ids, before;
  bool equal = false;
  if (!rows || !model->folder || !donor->folder) return true;
  if (rows >= rows_of(donor)) MW_TRY(mw_vocabulary_equal(donor->folder, model->folder, &equal, err));
  if (equal) return true;
  MW_TRY(ids_of(model->folder, &ids, err) && (ids <= rows || ids_of(donor->folder, &before, err)));
  if (ids <= rows || before > rows_of(donor)) return true;
  mw_text_escaped name;
  mw_error_set(err, MW_DATA, "%s: '%s' has %llu rows, but the tokenizer has ids up to %llu", label,
               mw_text_escape_z(&name, mw_tied_head_embedding(model)->name), (unsigned long long)rows, (unsigned long long)ids - 1);
  return mw_error_hint(err, "keep a row for every token of the donor's tokenizer");
}

/* What --nonfinite keep let through, though no input had it there. */
static bool tell_spoiled(mw_plan *plan, mw_error *err) {
  mw_text names = {0};
  mw_text_escaped name;
  size_t count = 0;
  for (size_t i = 0; plan->spoiled && i < plan->layout.count; i++)
    if (plan->spoiled[i] && count++ < SHOWN)
      mw_text_format(&names, "%s'%s'", names.length ? ", " : "", mw_text_escape_z(&name, plan->layout.tensors[i].name));
  bool ok = mw_text_check(&names, err);
  if (ok && count)
    mw_warning_add(&plan->warnings, "%zu tensor%s of the result %s NaN or infinite values where no input has any, let through by "
                   "--nonfinite keep: %s%s", count, count == 1 ? "" : "s", count == 1 ? "has" : "have", names.bytes,
                   count > SHOWN ? " ..." : "");
  mw_text_free(&names);
  return ok;
}

/* Opens what was written; `name` is a file in the folder, or NULL for all of it. */
static bool open_written(const mw_writer *writer, const char *name, mw_model **model, mw_error *err) {
  mw_arena arena = {0};
  mw_warning unheard = {0}; /* of the inputs all is told */
  const char *folder = mw_writer_folder(writer), *where = name ? mw_file_join(&arena, folder, name, err) : folder;
  bool ok = where && (mw_model_open(where, &unheard, model, err) || mw_error_wrap(err, "%s cannot be opened", label));
  mw_warning_free(&unheard);
  mw_mem_release(&arena);
  return ok;
}

static bool check_model(const mw_plan *plan, const mw_writer *writer, mw_error *err) {
  const mw_model *donor = plan->inputs.members[plan->inputs.donor].model;
  mw_model *model;
  MW_TRY(open_written(writer, NULL, &model, err));
  bool ok = check_tensors(model, &plan->layout, ANY_FILE, err) && check_config(model, donor, err) && check_head(model, err) &&
            check_tokens(model, donor, err);
  mw_model_close(model);
  return ok;
}

/* Without a config.json each file is a model. */
static bool check_files(const mw_plan *plan, const mw_writer *writer, mw_error *err) {
  bool ok = true;
  for (size_t i = 0; i < plan->layout.shard_count && ok; i++) {
    mw_model *model;
    MW_TRY(open_written(writer, plan->layout.shards[i].name, &model, err));
    ok = check_tensors(model, &plan->layout, (int64_t)i, err);
    mw_model_close(model);
  }
  return ok;
}

/* An adapter can be added to its base. */
static bool check_adapter(const mw_plan *plan, const mw_writer *writer, mw_error *err) {
  const mw_model *donor = plan->inputs.members[plan->inputs.donor].model;
  mw_warning unheard = {0};
  mw_model *model;
  bool ok = check_files(plan, writer, err) && mw_model_open(donor->folder ? donor->folder : donor->files[0].path, &unheard, &model, err);
  if (ok) {
    ok = mw_adapter_add(model, mw_writer_folder(writer), &unheard, err) || mw_error_wrap(err, "%s cannot be added to its base", label);
    mw_model_close(model);
  }
  mw_warning_free(&unheard);
  return ok;
}

bool mw_proof_written(mw_plan *plan, const mw_writer *writer, mw_error *err) {
  const bool config = plan->inputs.members[plan->inputs.donor].model->config.text && !plan->layout.names.lone;
  bool (*check)(const mw_plan *, const mw_writer *, mw_error *) =
      plan->result.made.layout.adapter ? check_adapter : config ? check_model : check_files;
  return check(plan, writer, err) && tell_spoiled(plan, err);
}

bool mw_proof_pipeline(const mw_plan *plan, const mw_writer *writer, mw_error *err) {
  mw_model *model;
  MW_TRY(open_written(writer, NULL, &model, err));
  bool ok = true;
  for (size_t i = 0; i < plan->components->count && ok; i++) {
    const char *name = plan->components->of[i].name;
    if (!mw_pipeline_has(model, name)) ok = mw_error_set(err, MW_IO, "%s: its component '%s' is missing in what was written", label, name);
  }
  mw_model_close(model);
  return ok;
}
