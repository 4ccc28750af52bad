/* sandbox.h: the locked process in which a recipe is loaded and evaluated. There a recipe cannot read or write files, start programs,
 * use the network, run for ever, exhaust memory or crash the program. The kernel enforces this, so it holds even if a recipe
 * finds a fault in Lua. recipe.h shows how both processes work together. */
#ifndef MW_RECIPE_SANDBOX_H
#define MW_RECIPE_SANDBOX_H

#include "recipe/interpreter.h"

typedef struct mw_sandbox_limits {
  double seconds;  /* of CPU, soft: the error names the line; one second later, hard */
  uint64_t memory; /* of Lua */
  double patience; /* seconds in all for which the parent waits while the child neither works nor would if the machine let it;
                      0: 30 s + 30 times `seconds` */
} mw_sandbox_limits;

/* The child's work, when it is locked; `fd` is the socket to the parent. False: err is sent to the parent. */
typedef bool (*mw_sandbox_work)(mw_interpreter *state, void *context, int fd, mw_error *err);
/* Takes a message in the parent, and may answer through `fd`. False: the child is ended, and err is the result. */
typedef bool (*mw_sandbox_message)(void *context, int fd, uint32_t kind, char *bytes, size_t length, mw_error *err);

/* Runs `work` in a locked child and feeds its messages to `message`, until a result (SIGNATURE, GRAPH). How a child without one
 * ended becomes one clear error. `state` is a copy of an opened template with its inputs, sets, seed, scores and trace; only
 * the child runs it. *line_hidden (may be NULL): the recipe failed at a line that only a traced run finds. */
bool mw_sandbox_run(const mw_interpreter *state, mw_sandbox_limits limits, mw_sandbox_work work, mw_sandbox_message message,
                    void *context, bool *line_hidden, mw_error *err);
/* Waits for the end of the last child that gave a result. */
void mw_sandbox_settle(void);
/* "seccomp" or "resource limits": what locks recipes on this system. */
const char *mw_sandbox_wall(void);

#endif
