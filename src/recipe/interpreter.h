/* interpreter.h: a Lua state that knows the graph it builds and the models it may name; the C half of the prelude. */
#ifndef MW_RECIPE_INTERPRETER_H
#define MW_RECIPE_INTERPRETER_H

#include "recipe/embed.h"
#include "model/input_set.h"
#include "recipe/learn_spec.h"
#include <lua.h>

typedef struct mw_interpreter mw_interpreter;

/* How a state reaches the world outside: a child asks its parent, a trusted program looks itself. */
typedef struct mw_interpreter_world {
  void *context;
  /* The text of a required recipe (malloc'd), or NULL with a message in err. */
  char *(*require)(void *context, const char *name, size_t *length, char chunk[256], mw_error *err);
  void (*print)(void *context, const char *bytes, size_t length);
  void (*warn)(void *context, const char *bytes, size_t length);
  void (*drawn)(void *context, const char *what, double value);
  /* A candidate's score, or NULL where --score was not given. */
  bool (*score)(void *context, const mw_interpreter *state, const mw_graph_output *outputs, size_t count, double *value,
                mw_error *err);
} mw_interpreter_world;

/* The C half of the prelude: what the table `core` on top of the stack gets when a state is opened, and later of what the
 * state then knows (inputs, data, seed). */
typedef struct mw_interpreter_prelude {
  void (*fill)(lua_State *L), (*tell)(lua_State *L);
} mw_interpreter_prelude;

struct mw_interpreter {
  lua_State *L;
  const mw_interpreter_prelude *prelude;
  size_t used, limit; /* bytes of Lua's memory */
  mw_graph *graph;
  const mw_input_set *inputs; /* NULL while only a signature is asked for */
  uint64_t seed;
  bool scores;       /* there is a --score */
  mw_interpreter_world world;
  const mw_learn_spec_set *sets; /* of --data; NULL where there are none */
  size_t set_count;
  mw_learn_spec *specs; /* what the recipe asked to be learned so far, for any candidate; their parts lie in `arena` */
  size_t spec_count, spec_capacity;
  uint64_t coefficients; /* made so far */
  mw_arena arena;
  bool line_hidden;  /* of the last error: it has a line, which a tail call hides; a traced run finds it */
  bool trace;        /* a hook remembers where the recipe is */
  struct mw_interpreter_place {
    int line; /* 0: none yet */
    char chunk[256];
  } last, main; /* in any file, and in the one that was asked for */
};

/* Opens Lua with the prelude loaded, which takes milliseconds and knows nothing of what is asked: `state` is a template. */
bool mw_interpreter_open(mw_interpreter *state, const mw_interpreter_prelude *prelude, mw_error *err);
/* Goes on with the copy of a template, in a process that is the template's own copy: the prelude learns of inputs, sets,
 * seed and scores. mw_interpreter lies at a fixed address from here on. */
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
 * stack is good enough, whatever a tail call hides above it. */
int mw_interpreter_interrupt(lua_State *L, mw_status status, const char *text);
/* Raises an error about the models that a recipe was given: MW_DATA, with a hint or "". A line of a built-in recipe would
 * say nothing to who typed the models' names, so only that of an own recipe is put before it. */
int mw_interpreter_raise_input(lua_State *L, const char *text, const char *hint);

#endif
