/* child.c: the locked process (recipe.h shows both): calls functions of the prelude (lua/moonweld) and sends what they return. */
#include "recipe/child.h"
#include "recipe/prelude_nodes.h"
#include "recipe/prelude_layout.h"
#include "recipe/prelude_learn.h"
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 32 << 10 };

/* ---- what a child can ask of its parent, and tell it ---- */

/* The context of these functions. */
typedef struct outside {
  int fd;
  mw_text drawn; /* numbers that were drawn and not sent yet: some recipes draw thousands */
} outside;

static char *ask_require(void *context, const char *name, size_t *length, char chunk[256], bool *built_in, mw_error *err) {
  int fd = ((outside *)context)->fd;
  uint32_t kind;
  char *answer;
  size_t answer_length;
  if (!mw_message_send(fd, MW_MESSAGE_REQUIRE, name, strlen(name)) ||
      !mw_message_receive(fd, 1 << 20, &kind, &answer, &answer_length))
    return mw_error_set(err, MW_DATA, "the parent process is gone"), NULL;
  mw_message in = {answer, answer + answer_length, false};
  size_t chunk_length;
  const char *first = mw_message_text(&in, &chunk_length), *text = mw_message_text(&in, length);
  char *copy = NULL;
  *built_in = kind == MW_MESSAGE_REQUIRE && mw_message_u32(&in);
  if (kind == MW_MESSAGE_ERROR) mw_error_set(err, MW_DATA, "%.*s", (int)chunk_length, first);
  else if (!(copy = malloc(*length + 1))) mw_error_memory(err, *length);
  else {
    memcpy(copy, text, *length);
    size_t n = chunk_length < 255 ? chunk_length : 255;
    memcpy(chunk, first, n);
    chunk[n] = 0;
  }
  free(answer);
  return copy;
}

static bool ask_prompts(void *context, const mw_text *texts, uint64_t facts[4], mw_error *err) {
  int fd = ((outside *)context)->fd;
  uint32_t kind;
  char *answer;
  size_t length;
  if (!mw_message_send(fd, MW_MESSAGE_PROMPTS, texts->bytes, texts->length) || !mw_message_receive(fd, 4096, &kind, &answer, &length))
    return mw_error_set(err, MW_DATA, "the parent process is gone");
  mw_message in = {answer, answer + length, false};
  bool ok = kind == MW_MESSAGE_PROMPTS;
  for (size_t i = 0; i < 4 && ok; i++) facts[i] = mw_message_u64(&in);
  const char *refusal = ok ? NULL : mw_message_text(&in, &length);
  if (!ok) mw_error_set(err, MW_DATA, "%.*s", (int)length, refusal);
  free(answer);
  return ok;
}

static void send_print(void *context, const char *bytes, size_t length) {
  mw_message_send(((outside *)context)->fd, MW_MESSAGE_PRINT, bytes, length);
}

static void send_warning(void *context, const char *bytes, size_t length) {
  mw_message_send(((outside *)context)->fd, MW_MESSAGE_WARNING, bytes, length);
}

static bool send_all_drawn(outside *to, mw_error *err) {
  if (!mw_text_check(&to->drawn, err)) return false;
  if (to->drawn.length && !mw_message_send(to->fd, MW_MESSAGE_DRAWN, to->drawn.bytes, to->drawn.length))
    return mw_error_set(err, MW_DATA, "the parent process is gone");
  to->drawn.length = 0;
  return true;
}

static void send_drawn(void *context, const char *what, double value) {
  outside *to = context;
  mw_error ignored; /* what failed fails again with the result */
  mw_message_put_text(&to->drawn, what, strlen(what));
  mw_message_put_double(&to->drawn, value);
  if (to->drawn.length >= AT_ONCE) send_all_drawn(to, &ignored);
}

static void send_explained(void *context, const char *argument, const char *tensor, double number) {
  mw_text text = {0};
  mw_message_put_text(&text, argument, strlen(argument));
  mw_message_put_text(&text, tensor, strlen(tensor));
  mw_message_put_double(&text, number);
  mw_message_send(((outside *)context)->fd, MW_MESSAGE_EXPLAINED, text.bytes, text.length);
  mw_text_free(&text);
}

/* Writes a model with its trainings and its layout. Nodes that only other candidates of the recipe use are not sent. */
static bool put_made(mw_text *out, const mw_interpreter *state, const mw_graph_output *outputs, size_t count,
                     const mw_result_layout *layout, mw_error *err) {
  mw_message_choice choice = {0};
  size_t all = count + layout->shown_count;
  mw_graph_output *needed = mw_mem_new(all, sizeof *needed, err);
  if (!needed) return false;
  if (count) memcpy(needed, outputs, count * sizeof *needed);
  if (layout->shown_count) memcpy(needed + count, layout->shown, layout->shown_count * sizeof *needed);
  bool chosen = mw_learn_spec_applied(state->graph, needed, all, state->specs, state->spec_count, err) &&
                mw_learn_spec_choose(state->graph, needed, all, state->specs, state->spec_count, &choice, err);
  free(needed);
  MW_TRY(chosen);
  bool ok = mw_message_put_graph(out, state->graph, outputs, count, &choice, err);
  if (ok) mw_learn_spec_put(out, state->specs, state->spec_count, &choice);
  mw_result_layout_put(out, layout, &choice);
  free(choice.nodes);
  return ok && mw_text_check(out, err);
}

static bool ask_score(void *context, const mw_interpreter *state, uint32_t which, const mw_graph_output *outputs, size_t count,
                      const mw_result_layout *layout, double *value, mw_error *err) {
  int fd = ((outside *)context)->fd;
  mw_text out = {0};
  uint32_t kind;
  char *answer;
  size_t length;
  mw_message_put_u32(&out, which);
  bool sent = send_all_drawn(context, err) && put_made(&out, state, outputs, count, layout, err) &&
              (mw_message_send(fd, MW_MESSAGE_SCORE, out.bytes, out.length) || mw_error_set(err, MW_DATA, "the parent process is gone"));
  mw_text_free(&out);
  MW_TRY(sent);
  if (!mw_message_receive(fd, 64, &kind, &answer, &length)) return mw_error_set(err, MW_DATA, "the parent process is gone");
  mw_message in = {answer, answer + length, false};
  *value = mw_message_double(&in);
  free(answer);
  return true;
}

static void connect_world(mw_interpreter *state, outside *to) {
  state->world = (mw_interpreter_world){to, ask_require, send_print, send_warning, send_drawn, state->explain ? send_explained : NULL,
                                        ask_prompts, state->scores ? ask_score : NULL};
}

static void push_recipe(lua_State *L, const mw_child_task *task) {
  lua_pushlstring(L, task->text, task->length);
  lua_pushstring(L, task->chunk);
}

/* ---- signatures ---- */

static void put_field(lua_State *L, mw_text *out, int table, const char *name) {
  size_t length;
  lua_getfield(L, table, name);
  const char *text = lua_tolstring(L, -1, &length);
  mw_message_put_text(out, text ? text : "", text ? length : 0);
  lua_pop(L, 1);
}

static uint32_t flag(lua_State *L, int table, const char *name, uint32_t bit) {
  lua_getfield(L, table, name);
  uint32_t set = lua_toboolean(L, -1) ? bit : 0;
  lua_pop(L, 1);
  return set;
}

static double limit(lua_State *L, int table, const char *name) {
  lua_getfield(L, table, name);
  double value = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return value;
}

/* The texts of the list on top of the stack, or none of what is no list. */
static void put_list(lua_State *L, mw_text *out) {
  lua_Integer count = lua_istable(L, -1) ? luaL_len(L, -1) : 0;
  mw_message_put_u32(out, (uint32_t)count);
  for (lua_Integer i = 1; i <= count; i++) {
    size_t length;
    lua_rawgeti(L, -1, i);
    const char *word = lua_tolstring(L, -1, &length);
    mw_message_put_text(out, word ? word : "", word ? length : 0);
    lua_pop(L, 1);
  }
}

static void put_words(lua_State *L, mw_text *out, int table, const char *name) {
  lua_getfield(L, table, name);
  put_list(L, out);
  lua_pop(L, 1);
}

static void put_arg(lua_State *L, mw_text *out) {
  int arg = lua_gettop(L);
  put_field(L, out, arg, "name");
  put_field(L, out, arg, "kind");
  put_field(L, out, arg, "doc");
  put_field(L, out, arg, "fallback");
  mw_message_put_u32(out, flag(L, arg, "optional", 1) | flag(L, arg, "whole", 2) | flag(L, arg, "min", 4) | flag(L, arg, "max", 8) |
                              flag(L, arg, "adapter", 16));
  mw_message_put_double(out, limit(L, arg, "min"));
  mw_message_put_double(out, limit(L, arg, "max"));
  put_words(L, out, arg, "choices");
  put_words(L, out, arg, "profiled");
}

bool mw_child_describe(mw_interpreter *state, void *task, int fd, mw_error *err) {
  lua_State *L = state->L;
  outside to = {.fd = fd};
  connect_world(state, &to);
  push_recipe(L, task);
  MW_TRY(mw_interpreter_call(state, "signature", 2, 1, err));
  mw_text out = {0};
  int signature = lua_gettop(L);
  put_field(L, &out, signature, "summary");
  put_field(L, &out, signature, "paper");
  put_field(L, &out, signature, "mergekit");
  lua_getfield(L, signature, "args");
  lua_Integer count = luaL_len(L, -1);
  mw_message_put_u32(&out, (uint32_t)count);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, signature + 1, i);
    put_arg(L, &out);
    lua_pop(L, 1);
  }
  return mw_text_check(&out, err) && mw_message_send(fd, MW_MESSAGE_SIGNATURE, out.bytes, out.length);
}

bool mw_child_pack(mw_interpreter *state, void *task, int fd, mw_error *err) {
  size_t length;
  outside to = {.fd = fd};
  connect_world(state, &to);
  push_recipe(state->L, task);
  MW_TRY(mw_interpreter_call(state, "pack", 2, 1, err));
  const char *text = lua_tolstring(state->L, -1, &length);
  return mw_message_send(fd, MW_MESSAGE_SIGNATURE, text, length);
}

/* ---- configurations of mergekit ---- */

/* What the prelude returns: { text =, { name =, word, ... }, ... } */
bool mw_child_convert(mw_interpreter *state, void *context, int fd, mw_error *err) {
  const mw_child_conversion *task = context;
  lua_State *L = state->L;
  outside to = {.fd = fd};
  connect_world(state, &to);
  lua_pushlstring(L, task->text, task->length);
  lua_pushstring(L, task->name);
  lua_pushboolean(L, task->strict);
  MW_TRY(mw_interpreter_call(state, "convert", 3, 1, err));
  mw_text out = {0};
  int made = lua_gettop(L);
  put_field(L, &out, made, "text");
  lua_Integer count = luaL_len(L, made);
  mw_message_put_u32(&out, (uint32_t)count);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, made, i);
    put_field(L, &out, made + 1, "name");
    put_list(L, &out);
    lua_pop(L, 1);
  }
  return mw_text_check(&out, err) && mw_message_send(fd, MW_MESSAGE_CONVERTED, out.bytes, out.length);
}

/* ---- evaluation ---- */

static void push_words(lua_State *L, const mw_child_task *task) {
  lua_newtable(L);
  for (size_t i = 0; i < task->binding_count; i++) {
    lua_newtable(L);
    for (size_t w = 0; w < task->bindings[i].count; w++) {
      lua_pushstring(L, task->bindings[i].words[w]);
      lua_rawseti(L, -2, (lua_Integer)w + 1);
    }
    lua_setfield(L, -2, task->bindings[i].name);
  }
}

static void push_places(lua_State *L, const mw_input_set *inputs) {
  lua_newtable(L);
  for (size_t p = 0; p < inputs->place_count; p++) {
    lua_newtable(L);
    for (size_t i = 0; i < inputs->places[p].count; i++) {
      lua_pushinteger(L, (lua_Integer)inputs->places[p].members[i] + 1);
      lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, inputs->places[p].argument);
  }
}

bool mw_child_evaluate(mw_interpreter *state, void *context, int fd, mw_error *err) {
  const mw_child_task *task = context;
  lua_State *L = state->L;
  outside to = {.fd = fd};
  connect_world(state, &to);
  push_recipe(L, task);
  push_words(L, task);
  push_places(L, state->inputs);
  MW_TRY(mw_interpreter_call(state, "evaluate", 4, 1, err));
  size_t count;
  /* The names belong to the result, which stays on the stack. */
  mw_graph_output *outputs = mw_prelude_nodes_outputs(L, lua_gettop(L), &count, err);
  mw_text out = {0};
  mw_result_layout layout;
  return outputs && send_all_drawn(&to, err) && mw_prelude_layout_result(L, lua_gettop(L), &layout, err) &&
         put_made(&out, state, outputs, count, &layout, err) && mw_message_send(fd, MW_MESSAGE_GRAPH, out.bytes, out.length);
}

bool mw_child_losses(mw_interpreter *state, void *context, int fd, mw_error *err) {
  const mw_child_candidate *candidate = context;
  lua_State *L = state->L;
  outside to = {.fd = fd};
  connect_world(state, &to);
  if (candidate->graph) state->graph = candidate->graph;
  if (!candidate->count) lua_pushnil(L);
  else lua_newtable(L);
  for (size_t i = 0; i < candidate->count; i++) {
    if (mw_graph_is_kept(candidate->graph, candidate->outputs[i].node)) continue; /* no forward pass reads integers */
    mw_prelude_nodes_push(L, candidate->outputs[i].node);
    lua_setfield(L, -2, candidate->outputs[i].name);
  }
  if (candidate->config.kind == MW_JSON_OBJECT) mw_prelude_learn_push_json(L, candidate->config);
  else lua_pushnil(L);
  MW_TRY(mw_interpreter_call(state, "losses", 2, 1, err));
  size_t count = (size_t)luaL_len(L, -1);
  mw_graph_output *outputs = mw_mem_new(count, sizeof *outputs, err);
  if (!outputs) return false;
  for (size_t i = 0; i < count; i++) {
    char name[24];
    snprintf(name, sizeof name, "%06zu", i); /* sorted as texts they are in the order of numbers */
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    outputs[i] = (mw_graph_output){lua_pushstring(L, name), mw_prelude_nodes_at(L, -2)};
  }
  mw_text out = {0};
  return mw_message_put_graph(&out, state->graph, outputs, count, NULL, err) && mw_text_check(&out, err) &&
         mw_message_send(fd, MW_MESSAGE_GRAPH, out.bytes, out.length);
}
