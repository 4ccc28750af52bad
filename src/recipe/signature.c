/* signature.c: checks a signature again, although recipe.lua and arg.lua have checked it in the child: the child may be hostile. */
#include "recipe/signature.h"
#include "recipe/prelude_core.h"
#include <string.h>

static const char *take_text(mw_message *in, mw_arena *arena, mw_error *err) {
  size_t length;
  const char *text = mw_message_text(in, &length);
  return mw_mem_copy(arena, text, length, err);
}

/* A text that is shown: nothing in it may steer a terminal. */
static const char *take_plain(mw_message *in, mw_arena *arena, mw_error *err) {
  const char *text = take_text(in, arena, err);
  return text && mw_text_is_plain(text, strlen(text)) ? text : NULL;
}

static bool take_kind(const char *word, mw_arg_kind *out) {
  static const char *const words[] = {"number", "string", "flag",  "maybe", "choice", "each",
                                      "model",  "models", "words", "parts", "seed",  "score",  "calibration"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(words[i], word) == 0) return *out = (mw_arg_kind)i, true;
  return false;
}

/* The names that recipe.lua and arg.lua allow; a bound argument has the name of its option. */
static bool is_argument(const mw_arg *arg) {
  static const char *const bound[] = {"seed", "score", "data"};
  if (arg->kind >= MW_ARG_SEED) return strcmp(arg->name, bound[arg->kind - MW_ARG_SEED]) == 0;
  size_t length = strspn(arg->name, "abcdefghijklmnopqrstuvwxyz0123456789_");
  for (const char *const *word = mw_prelude_core_reserved; *word; word++)
    if (strcmp(arg->name, *word) == 0) return false;
  return *arg->name >= 'a' && length == strlen(arg->name) && length <= 64 && *arg->doc;
}

/* A counted list of texts; NULL for none. */
static bool take_words(mw_message *in, mw_arena *arena, const char *const **out, mw_error *err) {
  uint32_t count = mw_message_u32(in);
  if (in->failed || count > 1024) return false;
  const char **words = count ? mw_mem_take(arena, (count + 1) * sizeof *words, err) : NULL;
  if (count && !words) return false;
  for (uint32_t i = 0; i < count; i++) MW_TRY(words[i] = take_text(in, arena, err));
  *out = words;
  return true;
}

static bool are_plain(const char *const *words) {
  for (; words && *words; words++)
    if (!mw_text_is_plain(*words, strlen(*words))) return false;
  return true;
}

static bool take_arg(mw_message *in, mw_arena *arena, mw_arg *arg, mw_error *err) {
  const char *kind;
  MW_TRY(arg->name = take_plain(in, arena, err));
  MW_TRY(kind = take_plain(in, arena, err));
  MW_TRY(arg->doc = take_plain(in, arena, err));
  MW_TRY(arg->fallback = take_text(in, arena, err)); /* any text: as it would be typed */
  uint32_t flags = mw_message_u32(in);
  arg->optional = flags & 1, arg->whole = flags & 2, arg->has_min = flags & 4, arg->has_max = flags & 8;
  arg->adapter = flags & 16 && (strcmp(kind, "model") == 0 || strcmp(kind, "models") == 0);
  arg->min = mw_message_double(in);
  arg->max = mw_message_double(in);
  return take_kind(kind, &arg->kind) && is_argument(arg) && take_words(in, arena, &arg->choices, err) && are_plain(arg->choices) &&
         take_words(in, arena, &arg->profiled, err) && !in->failed && (arg->choices || arg->kind != MW_ARG_CHOICE);
}

static size_t words_in(const char *const *words) {
  size_t count = 0;
  while (words && words[count]) count++;
  return count;
}

/* No two arguments have one name, and profiled defaults belong to a `profile` that has as many words. */
static bool is_consistent(const mw_signature *signature) {
  size_t profiles = 0;
  for (size_t i = 0; i < signature->count; i++) {
    if (strcmp(signature->args[i].name, "profile") == 0) profiles = words_in(signature->args[i].choices);
    for (size_t k = 0; k < i; k++)
      if (strcmp(signature->args[i].name, signature->args[k].name) == 0) return false;
  }
  for (size_t i = 0; i < signature->count; i++)
    if (signature->args[i].profiled && words_in(signature->args[i].profiled) != profiles) return false;
  return true;
}

bool mw_signature_take(mw_signature *signature, mw_arena *arena, const char *bytes, size_t length, mw_error *err) {
  mw_message in = {bytes, bytes + length, false};
  mw_error_set(err, MW_DATA, "the recipe's process sent a broken signature");
  MW_TRY(signature->summary = take_plain(&in, arena, err));
  MW_TRY(signature->paper = take_plain(&in, arena, err));
  MW_TRY(signature->mergekit = take_text(&in, arena, err));
  uint32_t count = mw_message_u32(&in);
  if (in.failed || count > MW_SIGNATURE_ARGS) return false;
  for (uint32_t i = 0; i < count; i++) MW_TRY(take_arg(&in, arena, &signature->args[i], err));
  signature->count = count;
  return in.at == in.end && is_consistent(signature);
}
