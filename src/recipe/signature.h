/* signature.h: a recipe's arguments as its child describes them, taken from hostile bytes. */
#ifndef MW_RECIPE_SIGNATURE_H
#define MW_RECIPE_SIGNATURE_H

#include "recipe/message.h"

enum { MW_SIGNATURE_ARGS = 64 };

typedef struct mw_signature {
  const char *summary, *paper;
  mw_arg args[MW_SIGNATURE_ARGS];
  size_t count;
} mw_signature;

/* Texts go into the arena. Names are words of their own that no option has; defaults of a profile belong to one. */
bool mw_signature_take(mw_signature *signature, mw_arena *arena, const char *bytes, size_t length, mw_error *err);

#endif
