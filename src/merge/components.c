/* components.c: a list of plans that are published as one output. Each makes its folder as any merge does, but within the temporary
 * folder of the whole: OUT.partial-HASH/unet.partial-HASH, with a journal of its own. So when the whole is stopped, the same command finds
 * the components that were finished, and the tensors of the one that was not. They get their names when the last is complete. What is no
 * model (scheduler, tokenizer, model_index.json) is carried as side files are. Card and lock file are of the whole, and list the files of
 * all components. */
#include "merge/components.h"
#include "merge/plan_facts.h"
#include "merge/plan_identity.h"
#include "merge/proof.h"
#include "merge/seal.h"
#include "merge/shared_plan.h"
#include "base/json_writer.h"
#include "cluster/cluster.h"
#include "model/hub.h"
#include "model/pipeline.h"
#include "output/publish.h"
#include <stdlib.h>
#include <string.h>

/* ---- which components ---- */

bool mw_components_expected(const mw_input_set *inputs, bool *pipelines, mw_error *err) {
  const mw_family_member *whole = NULL, *one = NULL;
  for (size_t i = 0; i < inputs->count; i++) {
    const mw_family_member *member = &inputs->members[i];
    if (member->model->component_count) whole = member;
    else one = member;
  }
  *pipelines = whole != NULL;
  if (!whole || !one) return true;
  mw_text_escaped shown;
  mw_error_set(err, MW_USAGE, "%s is a whole pipeline of diffusers, and %s is one model", whole->label, one->label);
  return mw_error_hint(err, "give pipelines everywhere, or a component of each: %s/%s", mw_text_escape_z(&shown, whole->model->where),
                       whole->model->components[0]);
}

/* What needs one model is refused. */
static bool check_request(const mw_plan *plan, mw_error *err) {
  const mw_options *options = &plan->options;
  bool lone = options->output && mw_text_ends_with(options->output, MW_SAFETENSORS_ENDING);
  const char *no = options->score ? "--score" : options->data_count ? "--data" : lone ? "-o NAME" MW_SAFETENSORS_ENDING : NULL;
  if (!no) return true;
  mw_error_set(err, MW_USAGE, "%s is not for whole pipelines of diffusers", no);
  return mw_error_hint(err, lone ? "name a folder: -o NAME" : "give one component of each: A/unet B/unet");
}

/* The label of the first input that lacks the component, or NULL. */
static const char *lacking(const mw_input_set *inputs, const char *name) {
  for (size_t i = 0; i < inputs->count; i++)
    if (!mw_pipeline_has(inputs->members[i].model, name)) return inputs->members[i].label;
  return NULL;
}

/* An input of which nothing is merged is refused; what only other inputs have than the donor stays behind, and is told of. */
static bool check_shared(mw_plan *plan, mw_error *err) {
  const mw_family_member *donor = &plan->inputs.members[plan->inputs.donor];
  bool any = false;
  for (size_t c = 0; c < donor->model->component_count; c++) any = any || !lacking(&plan->inputs, donor->model->components[c]);
  if (!any) return mw_error_set(err, MW_DATA, "the pipelines have no component that is in all of them: nothing would be merged");
  for (size_t i = 0; i < plan->inputs.count; i++) {
    const mw_family_member *member = &plan->inputs.members[i];
    for (size_t c = 0; c < member->model->component_count; c++)
      if (!mw_pipeline_has(donor->model, member->model->components[c]))
        mw_warning_add(&plan->warnings, "%s: its %s stays behind, since %s, the donor, has none", member->label,
                       member->model->components[c], donor->label);
  }
  return true;
}

/* ---- their plans ---- */

static bool is_for(const mw_model_adapter *adapter, const char *name) {
  bool any = false;
  for (size_t p = 0; p < adapter->part_count; p++) any = any || strcmp(adapter->parts[p].component, name) == 0;
  return any;
}

/* A component as one would type it: "A/unet", or "org/name/unet@main" in the hub's cache, and behind it "+ADAPTER" for each that has
 * something for it. */
static const char *word_of(const mw_model *model, const char *name, mw_arena *arena, mw_error *err) {
  const char *where = model->adapter_count ? model->base : model->where, *at = mw_hub_is_id(where) ? strchr(where, '@') : NULL;
  const char *id = mw_mem_copy(arena, where, at ? (size_t)(at - where) : strlen(where), err);
  const char *word = id ? mw_file_join(arena, id, name, err) : NULL;
  mw_text whole = {0};
  if (!word) return NULL;
  mw_text_format(&whole, "%s%s", word, at ? at : "");
  for (size_t a = 0; a < model->adapter_count; a++)
    if (is_for(&model->adapters[a], name)) mw_text_format(&whole, "+%s", model->adapters[a].where);
  word = mw_text_check(&whole, err) ? mw_mem_copy(arena, whole.bytes, whole.length, err) : NULL;
  mw_text_free(&whole);
  return word;
}

/* The binding itself, or where it binds models their components of that name; adapters are added to those. */
static bool bind(mw_plan *plan, const mw_binding *binding, const char *name, mw_binding *out, mw_error *err) {
  *out = *binding;
  for (size_t p = 0; p < plan->inputs.place_count; p++) {
    const mw_input_set_place *place = &plan->inputs.places[p];
    if (strcmp(place->argument, binding->name) != 0) continue;
    const char **words = mw_mem_take(&plan->arena, (place->count + 1) * sizeof *words, err);
    if (!words) return false;
    for (size_t i = 0; i < place->count; i++) {
      const mw_model *model = plan->inputs.members[place->members[i]].model;
      const size_t length = strlen(model->where);
      const bool adapter = strncmp(binding->words[i], model->where, length) != 0;
      const char *word = adapter ? binding->words[i] : word_of(model, name, &plan->arena, err);
      const char *range = adapter ? "" : binding->words[i] + length; /* MODEL:FIRST-END */
      char *whole = word ? mw_mem_take(&plan->arena, strlen(word) + strlen(range) + 1, err) : NULL;
      if (!whole) return false;
      words[i] = strcat(strcpy(whole, word), range);
    }
    *out = (mw_binding){binding->name, words, place->count};
  }
  return true;
}

/* The component of an input, which is open: its word is only what it is called. */
static mw_placed place(const mw_family_member *member, const char *label, const char *name) {
  return (mw_placed){.label = label, .path = name, .pipeline = member->model, .hub = member->model->hub, .commit = member->model->commit};
}

static bool place_all(mw_plan *plan, const char *name, mw_options *options, mw_error *err) {
  const size_t count = plan->inputs.count;
  mw_placed *placed = mw_mem_take(&plan->arena, count * sizeof *placed, err);
  if (!placed) return false;
  for (size_t i = 0; i < count; i++) placed[i] = place(&plan->inputs.members[i], plan->inputs.members[i].label, name);
  options->placed = placed, options->placed_count = count;
  return true;
}

/* Warnings of a component are warnings of the whole. */
static void tell(mw_plan *plan, const char *name, const mw_plan *of, size_t first) {
  for (size_t i = first; i < of->warnings.count; i++) mw_warning_add(&plan->warnings, "%s: %s", name, of->warnings.lines[i]);
}

static bool make_plan(mw_plan *plan, size_t index, const mw_recipe *recipe, const mw_binding *bindings, size_t count,
                      const mw_options *options, mw_error *err) {
  mw_components *components = plan->components;
  mw_plan_component *component = &components->of[index];
  if (!mw_plan_make(recipe, bindings, count, options, &components->plans[index], err)) return mw_error_wrap(err, "%s", component->name);
  mw_text *inputs = &components->inputs[component->carried ? plan->inputs.donor : 0];
  components->plans[index]->component = component->name;
  components->plans[index]->rows = (mw_side_files_rows){&components->outputs, inputs};
  component->facts = mw_plan_measure(components->plans[index]);
  return true;
}

/* The donor's component passes through, bit for bit but for what --dtype asks. Nothing is computed with it, so all goes through. */
static bool carry(mw_plan *plan, size_t index, const char *why, mw_error *err) {
  mw_components *components = plan->components;
  mw_plan_component *component = &components->of[index];
  const mw_family_member *donor = &plan->inputs.members[plan->inputs.donor];
  const char *word = word_of(donor->model, component->name, &plan->arena, err);
  static const char *const allow[] = {"quantised", "empty"};
  const mw_binding binding = {"model", &word, 1};
  mw_options options, *whole = &plan->options;
  mw_options_init(&options);
  options.dtype = whole->dtype, options.shard_size = whole->shard_size, options.threads = whole->threads;
  options.copy_code = whole->copy_code, options.no_sync = whole->no_sync, options.no_hash = whole->no_hash;
  const mw_placed placed = place(donor, "model", component->name);
  options.placed = &placed, options.placed_count = 1;
  options.nonfinite_keep = true, options.allow = allow, options.allow_count = 2;
  if (!word || (!components->passthrough && !mw_recipe_load("passthrough", &plan->options, &components->passthrough, err))) return false;
  component->carried = why;
  mw_plan_free(components->plans[index]);
  components->plans[index] = NULL;
  return make_plan(plan, index, components->passthrough, &binding, 1, &options, err);
}

static bool merge(mw_plan *plan, size_t index, const mw_binding *bindings, size_t count, mw_error *err) {
  mw_binding *bound = mw_mem_take(&plan->arena, (count + 1) * sizeof *bound, err);
  if (!bound) return false;
  mw_options options = plan->options;
  options.output = options.chat_template = NULL;
  options.sha256 = false; /* the whole is sealed */
  MW_TRY(place_all(plan, plan->components->of[index].name, &options, err));
  if (options.donor) options.donor = plan->inputs.members[plan->inputs.donor].label; /* it may have been named by its path */
  for (size_t i = 0; i < count; i++) MW_TRY(bind(plan, &bindings[i], plan->components->of[index].name, &bound[i], err));
  MW_TRY(make_plan(plan, index, plan->recipe, bound, count, &options, err));
  tell(plan, plan->components->of[index].name, plan->components->plans[index], 0);
  return true;
}

static bool plan_each(mw_plan *plan, const mw_binding *bindings, size_t count, mw_error *err) {
  for (size_t i = 0; i < plan->components->count; i++) {
    const char *without = lacking(&plan->inputs, plan->components->of[i].name), *why = NULL;
    if (without) {
      mw_text text = {0};
      mw_text_format(&text, "%s has none", without);
      why = mw_text_check(&text, err) ? mw_mem_copy(&plan->arena, text.bytes, text.length, err) : NULL;
      mw_text_free(&text);
      if (!why) return false;
    }
    MW_TRY(why ? carry(plan, i, why, err) : merge(plan, i, bindings, count, err));
  }
  return true;
}

/* ---- what they are together ---- */

mw_plan_facts mw_components_measure(const mw_components *components) {
  mw_plan_facts all = {.carried = components->carried.length ? components->carried.bytes : NULL,
                       .adapters = components->adapters.length ? components->adapters.bytes : NULL};
  for (size_t i = 0; i < components->count; i++) {
    const mw_plan_facts *facts = &components->of[i].facts;
    all.bytes_read += facts->bytes_read;
    all.bytes_written += facts->bytes_written;
    all.tensors += facts->tensors;
    all.files += facts->files;
    if (facts->passes > all.passes) all.passes = facts->passes;
    if (facts->peak_memory > all.peak_memory) all.peak_memory = facts->peak_memory;
    if (facts->matrix_memory > all.matrix_memory) all.matrix_memory = facts->matrix_memory;
    all.matrix_flops += facts->matrix_flops;
  }
  return all;
}

void mw_components_put(const mw_components *components, mw_json_writer *json) {
  if (components->adapters.length) mw_json_writer_string(json, "adapters", components->adapters.bytes);
  mw_json_writer_list(json, "components");
  for (size_t i = 0; i < components->count; i++) {
    const mw_plan_component *component = &components->of[i];
    mw_json_writer_object(json, NULL);
    mw_json_writer_string(json, "name", component->name);
    mw_json_writer_string(json, "carried", component->carried);
    mw_json_writer_u64(json, "passes", component->facts.passes);
    mw_json_writer_u64(json, "bytes_read", component->facts.bytes_read);
    mw_json_writer_u64(json, "bytes_written", component->facts.bytes_written);
    mw_json_writer_u64(json, "peak_memory", component->facts.peak_memory);
    mw_json_writer_u64(json, "tensors", component->facts.tensors);
    mw_json_writer_end(json);
  }
  mw_json_writer_end(json);
}

/* For the last line, and for the lock file. */
static bool describe(mw_components *components, mw_error *err) {
  mw_json_writer json = {.out = &components->json};
  mw_text_free(&components->carried);
  mw_text_free(&components->json);
  mw_json_writer_list(&json, NULL);
  for (size_t i = 0; i < components->count; i++) {
    const mw_plan_component *component = &components->of[i];
    mw_json_writer_object(&json, NULL);
    mw_json_writer_string(&json, "name", component->name);
    mw_json_writer_string(&json, "carried", component->carried);
    mw_json_writer_end(&json);
    if (component->carried)
      mw_text_format(&components->carried, "%s%s (%s)", components->carried.length ? ", " : "", component->name, component->carried);
  }
  mw_json_writer_end(&json);
  return mw_json_writer_finish(&json, err) && mw_text_check(&components->carried, err);
}

/* "a: lora.safetensors: lora_unet to unet (264 modules), lora_te1 to text_encoder (72 modules)" */
static bool tell_adapters(const mw_plan *plan, mw_text *out, mw_error *err) {
  mw_text_escaped shown;
  for (size_t i = 0; i < plan->inputs.count; i++) {
    const mw_family_member *member = &plan->inputs.members[i];
    for (size_t a = 0; a < member->model->adapter_count; a++) {
      const mw_model_adapter *adapter = &member->model->adapters[a];
      mw_text_format(out, "%s%s: %s:", out->length ? "; " : "", member->label, mw_text_escape_z(&shown, adapter->where));
      for (size_t p = 0; p < adapter->part_count; p++) {
        const mw_model_adapter_part *part = &adapter->parts[p];
        mw_text_format(out, "%s %s%sto %s (%zu module%s)", p ? "," : "", part->part, *part->part ? " " : "", part->component, part->modules,
                       part->modules == 1 ? "" : "s");
      }
    }
  }
  return mw_text_check(out, err);
}

static bool list_files(mw_plan *plan, mw_error *err) {
  mw_components *components = plan->components;
  size_t numbers = 0, files = mw_components_measure(components).files;
  const mw_plan_number *number;
  for (size_t i = 0; i < components->count; i++) numbers += mw_plan_explained(components->plans[i], &number);
  components->files = mw_mem_take(&plan->arena, (files + 1) * sizeof *components->files, err);
  components->explained = mw_mem_take(&plan->arena, (numbers + 1) * sizeof *components->explained, err);
  if (!components->files || !components->explained) return false;
  for (size_t i = 0; i < components->count; i++) {
    const char *name = components->of[i].name;
    for (size_t f = 0; f < components->of[i].facts.files; f++) {
      mw_components_file *file = &components->files[components->file_count++];
      mw_plan_file(components->plans[i], f, &file->name, &file->bytes);
      if (!(file->name = mw_file_join(&plan->arena, name, file->name, err))) return false;
    }
    for (size_t n = mw_plan_explained(components->plans[i], &number); n > 0; n--, number++) {
      mw_plan_number *own = &components->explained[components->explained_count++];
      *own = *number;
      if (!(own->tensor = mw_file_join(&plan->arena, name, number->tensor, err))) return false;
    }
  }
  return true;
}

bool mw_components_plan(mw_plan *plan, const mw_binding *bindings, size_t count, mw_error *err) {
  const mw_model *donor = plan->inputs.members[plan->inputs.donor].model;
  MW_TRY(check_request(plan, err) && check_shared(plan, err));
  mw_components *made = mw_mem_new(1, sizeof *made, err);
  if (!(plan->components = made)) return false;
  made->of = mw_mem_take(&plan->arena, donor->component_count * sizeof *made->of, err);
  made->plans = mw_mem_take(&plan->arena, donor->component_count * sizeof *made->plans, err);
  made->inputs = mw_mem_take(&plan->arena, plan->inputs.count * sizeof *made->inputs, err);
  if (!made->of || !made->plans || !made->inputs) return false;
  made->input_count = plan->inputs.count;
  made->count = donor->component_count;
  for (size_t i = 0; i < made->count; i++) made->of[i].name = donor->components[i];
  if (mw_cluster_ranks()) MW_TRY(mw_recipe_load("passthrough", &plan->options, &made->passthrough, err)); /* before MPI starts */
  return tell_adapters(plan, &made->adapters, err) && plan_each(plan, bindings, count, err) && list_files(plan, err) && describe(made, err);
}

void mw_components_free(mw_components *components) {
  if (!components) return;
  for (size_t i = 0; i < components->count; i++) mw_plan_free(components->plans[i]);
  if (components->passthrough) mw_recipe_free(components->passthrough);
  mw_text_free(&components->carried);
  mw_text_free(&components->adapters);
  mw_text_free(&components->json);
  mw_text_free(&components->outputs);
  for (size_t i = 0; i < components->input_count; i++) mw_text_free(&components->inputs[i]);
  free(components);
}

/* ---- the run ---- */

/* Progress of the whole, from that of a component. */
typedef struct relay {
  mw_progress progress;
  void *context;
  uint64_t before, own, all; /* bytes of the components that are made, of this one, of all */
} relay;

static bool go_on(void *context, uint64_t done, uint64_t total, unsigned pass) {
  const relay *r = context;
  uint64_t part = !total ? 0 : done < total ? (uint64_t)((double)done / (double)total * (double)r->own) : r->own;
  return !r->progress || r->progress(r->context, r->before + part, r->all, pass);
}

static uint64_t work_of(mw_plan_facts facts) { return facts.bytes_read + facts.bytes_written; }

/* Several processes have each compared some tensors. */
static bool agree_on(bool *same, mw_error *err) {
  uint64_t differs = !*same;
  MW_TRY(mw_cluster_ranks()->combine(MW_RANKS_UNITE, &differs, 1, err));
  *same = !differs;
  return true;
}

/* Whether a component is the same in all inputs, tensor by tensor. Reads until they differ. */
static bool same_in_all(const mw_plan *component, relay *r, bool *same, mw_error *err) {
  const mw_ranks *ranks = mw_cluster_ranks();
  const mw_family_member *first = &component->inputs.members[0];
  *same = component->inputs.count > 1;
  for (size_t m = 1; m < component->inputs.count && *same; m++) {
    const mw_family_member *other = &component->inputs.members[m];
    *same = first->count == other->count;
    for (size_t i = 0; i < first->count && *same; i++) {
      const mw_tensor *x = &first->tensors[i], *y = &other->tensors[i];
      *same = strcmp(x->name, y->name) == 0 && x->rank == y->rank && x->dtype == y->dtype &&
              (!x->rank || memcmp(x->shape, y->shape, x->rank * sizeof *x->shape) == 0);
      if (*same && (!ranks || i % ranks->count == ranks->rank)) MW_TRY(mw_model_same(first->model, x, other->model, y, same, err));
      if (!go_on(r, 0, 0, 1)) return mw_error_set(err, MW_INTERRUPTED, "interrupted");
    }
  }
  return !ranks || agree_on(same, err);
}

/* What the whole is: what each component is, with its name before each line. */
static bool identify(const mw_plan *plan, mw_text *out, mw_error *err) {
  const mw_components *components = plan->components;
  mw_text own = {0};
  bool ok = true;
  for (size_t i = 0; i < components->count && ok; i++) {
    if (!(ok = mw_plan_identity_compose(components->plans[i], &own, err))) break;
    for (const char *line = own.bytes; *line; line += strcspn(line, "\n") + 1)
      mw_text_format(out, "%s, %.*s\n", components->of[i].name, (int)strcspn(line, "\n"), line);
    mw_text_free(&own);
  }
  mw_text_free(&own);
  return ok && mw_text_check(out, err);
}

/* Of several processes all but rank 0 only make tensors of components. */
static bool is_helper(void) { return mw_cluster_ranks() && mw_cluster_ranks()->rank; }

static bool run_one(mw_plan *plan, size_t index, const char *folder, relay *r, mw_error *err) {
  mw_components *components = plan->components;
  bool same = false;
  r->own = work_of(components->of[index].facts);
  if (!components->of[index].carried) MW_TRY(same_in_all(components->plans[index], r, &same, err));
  if (same) MW_TRY(carry(plan, index, "the same in all inputs", err));
  mw_plan *component = components->plans[index];
  if (!(component->options.output = mw_file_join(&plan->arena, folder, components->of[index].name, err))) return false;
  component->options.force = false;
  size_t told = component->warnings.count;
  bool ok = mw_plan_run(component, go_on, r, err) || (!is_helper() && mw_error_wrap(err, "%s", components->of[index].name));
  tell(plan, components->of[index].name, component, told);
  plan->resumed += component->resumed;
  r->before += r->own;
  return ok;
}

/* The components count what they read; of adapters the lock lists whole files, as files of the pipeline. */
static bool count_adapters(mw_plan *plan, mw_error *err) {
  for (size_t i = 0; i < plan->inputs.count && !plan->options.no_hash; i++) {
    mw_model *model = (mw_model *)(uintptr_t)plan->inputs.members[i].model;
    MW_TRY(mw_model_count(model, &plan->checksums, err));
    for (size_t f = 0; f < model->file_count; f++)
      for (size_t c = 0; c < mw_file_checksum_chunks_of(model->files[f].size); c++)
        MW_TRY(mw_file_checksum_complete(model->files[f].checksum, c, err));
  }
  return true;
}

static bool fill(mw_plan *plan, mw_writer *writer, mw_progress progress, void *context, mw_error *err) {
  relay r = {progress, context, 0, 0, work_of(mw_components_measure(plan->components))};
  for (size_t i = 0; i < plan->components->count; i++) MW_TRY(run_one(plan, i, mw_writer_folder(writer), &r, err));
  if (is_helper()) return true;
  for (size_t i = 0; i < plan->components->count; i++)
    MW_TRY(mw_publish_part(writer, strrchr(plan->components->plans[i]->made, '/') + 1, plan->components->of[i].name, err));
  MW_TRY(describe(plan->components, err) && mw_plan_facts_compose(plan, err) && count_adapters(plan, err)); /* more may be carried now */
  mw_side_files_provenance provenance = mw_provenance_of(&plan->provenance, plan->recipe, NULL, &plan->options);
  provenance.components_json = plan->components->json.bytes;
  provenance.rows = (mw_side_files_rows){&plan->components->outputs, plan->components->inputs};
  provenance.carried = plan->components->carried.length ? plan->components->carried.bytes : NULL;
  return mw_side_files_write(writer, &plan->layout, &plan->inputs.family, &provenance, &plan->side_files, &plan->warnings, err) &&
         mw_proof_pipeline(plan, writer, err) && (!plan->options.sha256 || mw_seal_write(writer, plan->options.output, err)) &&
         (!plan->options.verify || mw_writer_verify(writer, err)) && mw_publish_output(writer, err);
}

bool mw_components_run(mw_plan *plan, mw_progress progress, void *context, mw_error *err) {
  mw_writer *writer = NULL;
  mw_text identity = {0};
  const mw_model *donor = plan->inputs.members[plan->inputs.donor].model;
  bool ok = (is_helper() || identify(plan, &identity, err)) && (!mw_cluster_ranks() || mw_cluster_tell(&identity, err));
  const mw_writer_how how = {.force = plan->options.force, .sync = !plan->options.no_sync, .plan = identity.bytes,
                             .warnings = &plan->warnings, .parts = donor->components, .part_count = donor->component_count};
  ok = ok && mw_shared_plan_open(plan->options.output, &plan->layout, &how, &writer, err) &&
       (plan->options.no_hash || is_helper() || mw_writer_count(writer, &plan->layout, &plan->checksums, err)) &&
       fill(plan, writer, progress, context, err);
  if (!ok && writer && !is_helper()) mw_writer_keep(writer, err);
  mw_writer_close(writer);
  mw_text_free(&identity);
  return ok;
}
