/* signature.h: a recipe's arguments, as a child describes them in a message that may be hostile. */
#ifndef MW_RECIPE_SIGNATURE_H
#define MW_RECIPE_SIGNATURE_H

#include "recipe/message.h"

enum { MW_SIGNATURE_ARGS = 64 };

typedef struct mw_signature {
  const char *summary, *paper;
  const char *mergekit; /* the configuration that it was made of, any text, or "" */
  mw_arg args[MW_SIGNATURE_ARGS];
  size_t count;
} mw_signature;

/* Reads a signature; texts are in the arena. Checks that names of arguments differ from each other and from all options, and that
 * there are profiled defaults only if there is a `profile`. */
bool mw_signature_take(mw_signature *signature, mw_arena *arena, const char *bytes, size_t length, mw_error *err);

#endif
