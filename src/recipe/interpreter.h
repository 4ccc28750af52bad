/* interpreter.h: a Lua state that builds a graph, and knows the models that a recipe may use. */
#ifndef MW_RECIPE_INTERPRETER_H
#define MW_RECIPE_INTERPRETER_H

#include "base/embed.h"
#include "model/input_set.h"
#include "recipe/learn_spec.h"
#include "recipe/lua_memory.h"
#include "recipe/result_layout.h"
#include "recipe/score_words.h"
#include <lua.h>

typedef struct mw_interpreter mw_interpreter;

/* What a state asks of the outside: in a child these functions send messages to the parent. */
typedef struct mw_interpreter_world {
  void *context;
  /* The text of a required recipe (malloc'd), or NULL with a message in err. `built_in`: whether it is. */
  char *(*require)(void *context, const char *name, size_t *length, char chunk[256], bool *built_in, mw_error *err);
  void (*print)(void *context, const char *bytes, size_t length);
  void (*warn)(void *context, const char *bytes, size_t length);
  void (*drawn)(void *context, const char *what, double value);
  void (*explained)(void *context, const char *argument, const char *tensor, double number); /* NULL: nobody asks */
  /* Has the texts, a count and each with its length as in message.h, read as prompts: the number of their data set, from 0, its
   * windows, their length (as in mw_learn_spec_set), its tokens. */
  bool (*prompts)(void *context, const mw_text *texts, uint64_t facts[4], mw_error *err);
  /* A candidate's score number `which`; NULL if there is no --score. */
  bool (*score)(void *context, const mw_interpreter *state, uint32_t which, const mw_graph_output *outputs, size_t count,
                const mw_result_layout *layout, double *value, mw_error *err);
} mw_interpreter_world;

/* The C half of the prelude: functions that fill the table `core` on top of the stack, when a state is opened, and again when it
 * knows its inputs, data and seed. */
typedef struct mw_interpreter_prelude {
  void (*fill)(lua_State *L), (*tell)(lua_State *L);
} mw_interpreter_prelude;

struct mw_interpreter {
  lua_State *L;
  const mw_interpreter_prelude *prelude;
  size_t used, limit; /* bytes of Lua's memory */
  bool refused;       /* the last piece that could not be had was refused by the system, not by the limit */
  mw_lua_memory memory;
  mw_graph *graph;
  uint8_t *widest;      /* of the first `widest_count` nodes: expr/widest.h */
  size_t widest_count, widest_capacity;
  const mw_input_set *inputs; /* NULL while only a signature is asked for */
  uint64_t seed;
  const mw_score_words *scores; /* NULL: there is no --score */
  bool built_in;     /* the recipe is: what it requires is built in, too */
  bool converted;    /* the recipe is a configuration's: an error in one that it requires is told by its line, too */
  const char *asked; /* the name of the result that is wanted; NULL: the first one */
  bool explain;      /* the parent wants to know what varying arguments give every tensor */
  mw_interpreter_world world;
  const mw_learn_spec_set *sets; /* of --data; NULL where there are none */
  size_t set_count;
  mw_learn_spec *specs; /* the trainings that the recipe has asked for so far, for all candidates; parts in `arena` */
  size_t spec_count, spec_capacity;
  uint64_t coefficients; /* made so far */
  mw_arena arena;
  bool line_hidden;  /* of the last error: it has a line, which a tail call hides; a traced run finds it */
  bool trace;        /* a hook remembers where the recipe is */
  struct mw_interpreter_place {
    int line; /* 0: none yet */
    char chunk[256];
  } last, main; /* the last line in any file, and in the recipe's own */
};

/* Opens Lua and loads the prelude, which takes milliseconds. `state` is then a template: it has no inputs yet, and children begin
 * with copies of it. */
bool mw_interpreter_open(mw_interpreter *state, const mw_interpreter_prelude *prelude, mw_error *err);
/* Begins work with a copy of a template, in a forked process: tells the prelude the inputs, data sets, seed and whether there are
 * scores. From now on the mw_interpreter must stay at its address. */
bool mw_interpreter_begin(mw_interpreter *state, mw_error *err);
void mw_interpreter_close(mw_interpreter *state);
/* Calls the prelude's function `name` with `args` values that the caller has pushed; leaves `results` on the stack.
 * On failure err has kind and text, with the recipe's line where one is known. */
bool mw_interpreter_call(mw_interpreter *state, const char *name, int args, int results, mw_error *err);
/* The state of a running lua_State. */
mw_interpreter *mw_interpreter_of(lua_State *L);
/* Raises an error that carries its status; the recipe's line is put before it. */
int mw_interpreter_raise(lua_State *L, mw_status status, const char *text);
/* The same for what may come at any moment, as the end of the time does: the innermost line of a recipe that is still on the
 * stack is good enough, even if a tail call hides one above it. */
int mw_interpreter_interrupt(lua_State *L, mw_status status, const char *text);
/* Raises an error about the models that a recipe was given: MW_DATA, with a hint or "". A line of a built-in recipe would
 * say nothing to who typed the models' names, so only that of an own recipe is put before it. */
int mw_interpreter_raise_input(lua_State *L, const char *text, const char *hint);
/* Raises an error of the recipe or its inputs whose text begins with the line. */
int mw_interpreter_raise_placed(lua_State *L, const char *text);

#endif
