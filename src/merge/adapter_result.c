/* adapter_result.c: peft finds the base by "base_model_name_or_path": a name of the hub, with its commit as "revision", where the donor
 * came from the hub's cache, else the path as it was typed. */
#include "merge/adapter_result.h"
#include "base/json_writer.h"
#include "format/safetensors.h"
#include <string.h>

static bool check(const mw_plan *plan, mw_error *err) {
  const mw_family_member *donor = &plan->inputs.members[plan->inputs.donor];
  const char *out = plan->options.output;
  mw_text_escaped shown;
  if (plan->component || donor->model->part_count || donor->model->component_count)
    return mw_error_set(err, MW_DATA, "%s: the recipe returns an adapter, which is of one model and not of several parts", donor->label);
  if (donor->model->adapter_count) {
    mw_error_set(err, MW_DATA, "%s: the recipe returns an adapter of a model with an adapter, which no folder holds", donor->label);
    return mw_error_hint(err, "write that model first: moonweld passthrough --model %s -o NAME", donor->model->where);
  }
  if (!out || !mw_text_ends_with(out, MW_SAFETENSORS_ENDING)) return true;
  mw_error_set(err, MW_USAGE, "%s: an adapter needs adapter_config.json beside its tensors, so that one file cannot hold it",
               mw_text_escape_z(&shown, out));
  return mw_error_hint(err, "name a folder: -o NAME");
}

/* "key": "text" */
static bool add(mw_plan *plan, mw_config_edit_set *set, const char *key, const char *text, mw_error *err) {
  mw_text json = {0};
  mw_json_writer writer = {.out = &json};
  mw_arena *arena = &plan->result.made.arena;
  mw_json_writer_string(&writer, NULL, text);
  const char **path = mw_mem_take(arena, sizeof *path, err);
  bool ok = mw_json_writer_finish(&writer, err) && path && (path[0] = mw_mem_copy(arena, key, strlen(key), err)) &&
            (set->json = mw_mem_copy(arena, json.bytes, json.length - 1, err)); /* without the line's end */
  set->path = path;
  set->depth = 1;
  mw_text_free(&json);
  return ok;
}

bool mw_adapter_result_place(mw_plan *plan, mw_error *err) {
  const mw_result_layout *layout = &plan->result.made.layout;
  const mw_model *donor = plan->inputs.members[plan->inputs.donor].model;
  MW_TRY(check(plan, err));
  mw_config_edit_set *sets = mw_mem_take(&plan->result.made.arena, (layout->set_count + 2) * sizeof *sets, err);
  if (!sets) return false;
  memcpy(sets, layout->sets, layout->set_count * sizeof *sets);
  plan->sets = sets;
  plan->set_count = layout->set_count;
  bool hub = donor->hub && donor->commit;
  MW_TRY(add(plan, &sets[plan->set_count++], "base_model_name_or_path", hub ? donor->hub : donor->where, err));
  return !hub || add(plan, &sets[plan->set_count++], "revision", donor->commit, err);
}
