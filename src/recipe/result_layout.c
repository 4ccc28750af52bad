/* result_layout.c: written and read as message.h says. */
#include "recipe/result_layout.h"
#include <string.h>

enum { MOST_SHOWN = 65536, MOST_SETS = 4096, MOST_KEYS = 16, DEEPEST = 64 };

void mw_result_layout_put(mw_text *out, const mw_result_layout *layout, const mw_message_choice *choice) {
  mw_message_put_u32(out, layout->own);
  mw_message_put_u32(out, layout->adapter);
  mw_message_put_u32(out, (uint32_t)layout->set_count);
  for (size_t i = 0; i < layout->set_count; i++) {
    const mw_config_edit_set *set = &layout->sets[i];
    mw_message_put_u32(out, (uint32_t)set->depth);
    for (size_t k = 0; k < set->depth; k++) mw_message_put_text(out, set->path[k], strlen(set->path[k]));
    mw_message_put_text(out, set->json, strlen(set->json));
  }
  mw_message_put_u32(out, (uint32_t)layout->shown_count);
  for (size_t i = 0; i < layout->shown_count; i++) {
    mw_message_put_text(out, layout->shown[i].name, strlen(layout->shown[i].name));
    mw_message_put_u32(out, mw_message_node(choice, layout->shown[i].node));
  }
}

static const char *take_text(mw_message *in, mw_arena *arena, mw_error *err) {
  size_t length;
  const char *text = mw_message_text(in, &length);
  return memchr(text, 0, length) ? NULL : mw_mem_copy(arena, text, length, err);
}

static bool take_set(mw_message *in, mw_arena *arena, mw_config_edit_set *set, mw_error *err) {
  mw_json value;
  set->depth = mw_message_u32(in);
  if (in->failed || set->depth < 1 || set->depth > MOST_KEYS) return false;
  const char **path = mw_mem_take(arena, set->depth * sizeof *path, err);
  if (!path) return false;
  for (size_t k = 0; k < set->depth; k++)
    if (!(path[k] = take_text(in, arena, err)) || !*path[k]) return false;
  set->path = path;
  return (set->json = take_text(in, arena, err)) && !in->failed &&
         mw_json_check("with_config", set->json, strlen(set->json), DEEPEST, &value, err);
}

/* A number that only learn computes is known to no pass. */
static bool take_shown(mw_message *in, const mw_graph *graph, const mw_node *map, uint32_t nodes, mw_arena *arena, mw_graph_output *shown,
                       mw_error *err) {
  mw_error_set(err, MW_DATA, "the recipe's process sent broken numbers to be shown");
  if (!(shown->name = take_text(in, arena, err))) return false;
  uint32_t node = mw_message_u32(in);
  if (in->failed || node == 0 || node > nodes || mw_graph_facts(graph, map[node]).shape) return false;
  shown->node = map[node];
  return !mw_graph_facts(graph, map[node]).whole ||
         mw_error_set(err, MW_DATA, "show(): '%s' is a number that only learn computes", shown->name);
}

bool mw_result_layout_take(mw_message *in, const mw_graph *graph, const mw_node *map, uint32_t nodes, mw_arena *arena,
                           mw_result_layout *out, mw_error *err) {
  *out = (mw_result_layout){.own = mw_message_u32(in) != 0};
  out->adapter = mw_message_u32(in) != 0;
  uint32_t count = mw_message_u32(in);
  mw_error_set(err, MW_DATA, "the recipe's process sent a broken configuration");
  if (in->failed || count > MOST_SETS) return false;
  if (!(out->sets = mw_mem_take(arena, (count + 1) * sizeof *out->sets, err))) return false;
  for (; out->set_count < count; out->set_count++) MW_TRY(take_set(in, arena, &out->sets[out->set_count], err));
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < i; k++)
      if (mw_config_edit_same(&out->sets[i], &out->sets[k]))
        return mw_error_set(err, MW_DATA, "with_config sets '%s' twice", out->sets[i].path[0]);
  count = mw_message_u32(in);
  mw_error_set(err, MW_DATA, "the recipe's process sent broken numbers to be shown");
  if (in->failed || count > MOST_SHOWN || !(out->shown = mw_mem_take(arena, (count + 1) * sizeof *out->shown, err))) return false;
  for (; out->shown_count < count; out->shown_count++)
    MW_TRY(take_shown(in, graph, map, nodes, arena, &out->shown[out->shown_count], err));
  return true;
}
