/* interpreter.h: a Lua state that knows the graph it builds and the models it may name; the C half of the prelude. */
#ifndef MW_RECIPE_INTERPRETER_H
#define MW_RECIPE_INTERPRETER_H

#include "recipe/embed.h"
#include "model/input_set.h"
#include "recipe/learn_spec.h"
#include <lua.h>

typedef struct mw_state mw_state;

/* How a state reaches the world outside: a child asks its parent, a trusted program looks itself. */
typedef struct mw_state_world {
  void *context;
  /* The text of a required recipe (malloc'd), or NULL with a message in err. */
  char *(*require)(void *context, const char *name, size_t *length, char chunk[256], mw_error *err);
  void (*print)(void *context, const char *bytes, size_t length);
  void (*drawn)(void *context, const char *what, double value);
  /* A candidate's score, or NULL where --score was not given. */
  bool (*score)(void *context, const mw_state *state, const mw_wire_output *outputs, size_t count, double *value,
                mw_error *err);
} mw_state_world;

struct mw_state {
  lua_State *L;
  size_t used, limit; /* bytes of Lua's memory */
  mw_graph *graph;
  const mw_inputs *inputs; /* NULL while only a signature is asked for */
  uint64_t seed;
  bool scores;       /* there is a --score */
  mw_state_world world;
  const mw_lesson_set *sets; /* of --data; NULL where there are none */
  size_t set_count;
  mw_lesson *lessons; /* what the recipe asked to be learned so far, for any candidate; their parts lie in `arena` */
  size_t lesson_count, lesson_capacity;
  uint64_t coefficients; /* made so far */
  mw_arena arena;
  bool trace;        /* a hook remembers where the recipe is */
  struct mw_state_place {
    int line; /* 0: none yet */
    char chunk[256];
  } last, main; /* in any file, and in the one that was asked for */
};

/* Opens Lua with the prelude loaded, which takes milliseconds and knows nothing of what is asked: `state` is a template. */
bool mw_state_open(mw_state *state, mw_error *err);
/* Goes on with the copy of a template, in a process that is the template's own copy: the prelude learns of inputs, sets,
 * seed and scores. mw_state lies at a fixed address from here on. */
bool mw_state_begin(mw_state *state, mw_error *err);
void mw_state_close(mw_state *state);
/* Calls the prelude's function `name` with `args` values that the caller has pushed; leaves `results` on the stack.
 * On failure err has kind and text, with the recipe's line where one is known. */
bool mw_state_call(mw_state *state, const char *name, int args, int results, mw_error *err);
/* The state of a running lua_State. */
mw_state *mw_state_of(lua_State *L);
/* Raises an error that carries its status; the recipe's line is put before it. */
int mw_state_raise(lua_State *L, mw_status status, const char *text);

/* prelude_core.c: the options of every merge, which no recipe may declare; NULL-terminated. */
extern const char *const mw_core_reserved[];
/* Fills the table `core` on top of the stack: with functions, and later with what the state knows. */
void mw_core_fill(lua_State *L);
void mw_core_tell(lua_State *L);
/* The node, or the number as a node, at a place of the stack; raises for anything else. */
mw_node mw_core_node(lua_State *L, int index);
int mw_core_push(lua_State *L, mw_node node);
/* The operation whose name lies there; raises for another word. */
mw_op mw_core_op(lua_State *L, int index);
/* The list of {name, tensor} at `index`, which must stay there: it owns the names. free() the result. */
mw_wire_output *mw_core_outputs(lua_State *L, int index, size_t *count, mw_error *err);

#endif
