/* conversion.c: the parent's side of a translation, which lua/moonweld/mergekit makes in the child. What the child says is checked: the
 * recipe's text like any recipe's, words by their number and length, and by whoever reads options and arguments. */
#include "recipe/conversion.h"
#include "base/text.h"
#include "base/utf8.h"
#include "recipe/child.h"
#include "recipe/message.h"
#include "recipe/source.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NAMES = 64, MOST_WORDS = 4096, MOST_WARNINGS = 1000 };

typedef struct converting {
  mw_child_conversion task; /* must be first: what the child takes */
  mw_conversion *out;
  mw_arena *arena;
  char *recipe;
  size_t length;
} converting;

bool mw_conversion_is_one(const char *name) { return mw_text_ends_with(name, ".yml") || mw_text_ends_with(name, ".yaml"); }

static const char *take_text(mw_message *in, mw_arena *arena, mw_error *err) {
  size_t length;
  const char *text = mw_message_text(in, &length);
  return mw_mem_copy(arena, text, length, err);
}

static bool take_words(converting *c, mw_message *in, mw_error *err) {
  uint32_t count = mw_message_u32(in);
  if (in->failed || count > MOST_NAMES) return mw_error_set(err, MW_DATA, "the translation is broken");
  MW_TRY(c->out->words = mw_mem_take(c->arena, (count + 1) * sizeof *c->out->words, err));
  for (; c->out->count < count; c->out->count++) {
    const char *name = take_text(in, c->arena, err);
    uint32_t words = mw_message_u32(in);
    if (in->failed || words > MOST_WORDS) return mw_error_set(err, MW_DATA, "the translation is broken");
    const char **list = mw_mem_take(c->arena, (words + 1) * sizeof *list, err);
    MW_TRY(name && list);
    for (uint32_t w = 0; w < words; w++) MW_TRY(list[w] = take_text(in, c->arena, err));
    c->out->words[c->out->count] = (mw_binding){name, list, words};
  }
  return !in->failed || mw_error_set(err, MW_DATA, "the translation is broken");
}

static bool on_message(void *context, int fd, uint32_t kind, char *bytes, size_t length, mw_error *err) {
  converting *c = context;
  mw_message in = {bytes, bytes + length, false};
  mw_text_escaped shown;
  (void)fd;
  if (kind == MW_MESSAGE_WARNING) {
    if (c->out->warnings.count < MOST_WARNINGS) mw_warning_add(&c->out->warnings, "%s", mw_text_escape(&shown, bytes, length));
    return true;
  }
  if (kind != MW_MESSAGE_CONVERTED) return mw_error_set(err, MW_DATA, "the translation's process sent what was not asked for");
  const char *text = mw_message_text(&in, &c->length);
  MW_TRY(c->recipe = mw_mem_new(c->length + 1, 1, err));
  memcpy(c->recipe, text, c->length);
  return take_words(c, &in, err);
}

bool mw_conversion_run(const mw_interpreter *opened, mw_sandbox_limits limits, const char *name, const char *text, size_t length,
                       bool strict, char **recipe, size_t *recipe_length, mw_conversion *out, mw_arena *arena, mw_error *err) {
  converting c = {.task = {text, name, length, strict}, .out = out, .arena = arena};
  bool ok = mw_sandbox_run(opened, limits, mw_child_convert, on_message, &c, NULL, err) &&
            mw_source_check("", name, c.recipe, c.length, err);
  if (!ok) free(c.recipe), c.recipe = NULL;
  *recipe = c.recipe;
  *recipe_length = c.length;
  return ok;
}

void mw_conversion_free(mw_conversion *conversion) { mw_warning_free(&conversion->warnings); }

/* ---- errors, told by the configuration ---- */

/* Line `number` of a text, from 1; its end is behind it. NULL where there is none. */
static const char *line_of(const char *text, unsigned long number, size_t *length) {
  for (; text && number > 1; number--) {
    const char *end = strchr(text, '\n');
    text = end ? end + 1 : NULL;
  }
  if (text) *length = strcspn(text, "\n");
  return text;
}

/* What stands behind "-- line " in a line of the recipe: "7:5: t". */
static const char *origin_in(const char *line, size_t length, size_t *origin_length) {
  static const char mark[] = "-- line ";
  const char *at = line ? memmem(line, length, mark, sizeof mark - 1) : NULL;
  if (!at) return NULL;
  at += sizeof mark - 1;
  *origin_length = (size_t)(line + length - at);
  return at;
}

static void replace(mw_error *err, const char *at, size_t length, const char *new, size_t new_length) {
  mw_error old = *err;
  size_t before = (size_t)(at - err->text);
  snprintf(err->text, sizeof err->text, "%.*s%.*s%s", (int)before, old.text, (int)new_length, new, old.text + before + length);
}

/* The line in which the recipe says which input a model of the file is: "local chat = a.models[2] -- line 5:12: model". */
static const char *line_of_model(const char *recipe, size_t number, size_t *length) {
  char words[48];
  snprintf(words, sizeof words, "= a.models[%zu] ", number);
  const char *at = strstr(recipe, words);
  if (at) *length = strcspn(at, "\n");
  return at;
}

/* The line of the recipe that gives the first weight: "weight = { 1, -1 }, -- line 7:5: weight". */
static const char *line_of_weight(const char *recipe, size_t *length) {
  for (const char *line = recipe; line; line = line[*length] ? line + *length + 1 : NULL) {
    static const char end[] = ": weight";
    size_t tail = sizeof end - 1;
    *length = strcspn(line, "\n");
    if (*length > tail && memcmp(line + *length - tail, end, tail) == 0 && memmem(line, *length, "-- line ", 8)) return line;
  }
  return NULL;
}

static const mw_binding *models_of(const mw_conversion *conversion) {
  for (size_t i = 0; i < conversion->count; i++)
    if (strcmp(conversion->words[i].name, "models") == 0) return &conversion->words[i];
  return NULL;
}

static bool is_in_word(char c) { return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || (c && strchr("/_-", c)); }

/* Whether a text has a word by itself: not as a part of another, such as "oak" in "oak/base". */
static bool speaks_of(const char *text, const char *word) {
  size_t length = strlen(word);
  for (const char *at = strstr(text, word); at && length; at = strstr(at + 1, word)) {
    char before = at > text ? at[-1] : ' ';
    if (!is_in_word(before) && before != '.' && !is_in_word(at[length])) return true;
  }
  return false;
}

/* Where the file, which the recipe carries, first has an option's word of which an error speaks, in quotes: its line and column, from 1.
 * False: nowhere. */
static bool find_word(const mw_conversion *conversion, const char *recipe, const char *said, size_t *line, size_t *column) {
  const char *text = strstr(recipe, "mergekit = [");
  for (size_t i = 0; text && i < conversion->count; i++) {
    bool told = strcmp(conversion->words[i].name, "models") != 0;
    for (size_t w = 0; told && w < conversion->words[i].count; w++) {
      const char *word = conversion->words[i].words[w], *quoted = strstr(said, word);
      bool spoken = quoted > said && quoted[-1] == '\'' && quoted[strlen(word)] == '\'';
      const char *at = spoken && *word ? strstr(text, word) : NULL;
      *line = 0, *column = 1;
      for (const char *c = text; at && c < at; c++) {
        *line += *c == '\n';
        *column = *c == '\n' ? 1 : *column + !mw_utf8_continues(*c);
      }
      if (at && *line) return true;
    }
  }
  return false;
}

/* Which model "models[2]" is, from 1, when it stands at the beginning of a text; *end is behind it. 0: none. */
static unsigned long model_at(const mw_binding *models, const char *text, char **end) {
  unsigned long number = strncmp(text, "models[", 7) == 0 ? strtoul(text + 7, end, 10) : 0;
  return number >= 1 && number <= models->count && **end == ']' ? number : 0;
}

const char *mw_conversion_model(const mw_conversion *conversion, const char *label) {
  const mw_binding *models = models_of(conversion);
  char *end = NULL;
  unsigned long number = models ? model_at(models, label, &end) : 0;
  return number && !end[1] ? models->words[number - 1] : label;
}

void mw_conversion_name_models(const mw_conversion *conversion, mw_warning *warnings) {
  const mw_binding *models = models_of(conversion);
  for (size_t i = 0; models && i < warnings->count; i++) {
    mw_text text = {0};
    for (const char *at = warnings->lines[i]; *at;) {
      char *end = NULL;
      unsigned long number = model_at(models, at, &end);
      mw_text_escaped shown;
      const char *word = number ? mw_text_escape_z(&shown, models->words[number - 1]) : at;
      mw_text_add(&text, word, number ? strlen(word) : 1);
      at = number ? end + 1 : at + 1;
    }
    mw_error err;
    if (mw_text_check(&text, &err)) free(warnings->lines[i]), warnings->lines[i] = text.bytes;
    else mw_text_free(&text);
  }
}

/* The line of the recipe that says where the parameter of which an error speaks, "'epsilon' = -1 is below 0", stands: within the call
 * that begins at `call`, "  epsilon = -1, -- line 7:14: epsilon". NULL: it has none, or no place in the file. */
static const char *line_of_argument(const char *call, const char *said, size_t *length) {
  const char *name = strchr(said, '\''), *end = name ? strchr(name + 1, '\'') : NULL;
  size_t indent = strspn(call, " "), n = end ? (size_t)(end - name) - 1 : 0;
  bool within = false;
  for (const char *before = strchr(call, '\n'); n && before; before = strchr(before + 1, '\n')) {
    const char *line = before + 1, *word = line + strspn(line, " ");
    if ((size_t)(word - line) <= indent) return NULL;
    if (!within) within = strncmp(word, name + 1, n) == 0 && strncmp(word + n, " = ", 3) == 0;
    else if (*word == '}') return NULL; /* a list whose members have no place */
    *length = strcspn(line, "\n");
    if (within && memmem(line, *length, "-- line ", 8)) return line;
  }
  return NULL;
}

/* The line by which the whole is told: "return stack { -- line 1:1: slices". */
static const char *line_of_result(const char *recipe, size_t *length) {
  const char *at = strstr(recipe, "\n    return ");
  if (at) *length = strcspn(++at, "\n");
  return at;
}

/* Calls models[2] as the file calls it. */
static void name_models(const mw_binding *models, char *text, size_t size) {
  for (size_t m = models ? models->count : 0; m > 0; m--) {
    char label[32], old[1000];
    mw_text_escaped shown;
    const char *word = mw_text_escape_z(&shown, models->words[m - 1]);
    size_t n = (size_t)snprintf(label, sizeof label, "models[%zu]", m), length = strlen(word);
    for (char *at = strstr(text, label); at; at = strlen(at) < length ? NULL : strstr(at + length, label)) { /* NULL: the text is full */
      snprintf(old, sizeof old, "%s", at + n);
      snprintf(at, size - (size_t)(at - text), "%s%s", word, old);
    }
  }
}

/* Says that an error, which has no line yet, is of the line of the file that a line of the recipe comes from. */
static bool place(mw_error *err, const char *recipe_name, const char *line, size_t length) {
  size_t origin_length;
  const char *origin = line ? origin_in(line, length, &origin_length) : NULL;
  if (origin) mw_error_wrap(err, "%s:%.*s", recipe_name, (int)origin_length, origin);
  return origin != NULL;
}

/* The same for an error that begins with a line of the recipe, "their.yml:12: ": a line without a place has that of one before. */
static void replace_line(mw_error *err, const char *recipe_name, const char *recipe) {
  char *number = err->text + strlen(recipe_name) + 1, *end;
  size_t length, origin_length = 0, argument_length;
  unsigned long at = strtoul(number, &end, 10);
  const char *line = line_of(recipe, at, &length);
  const char *argument = line ? line_of_argument(line, end, &argument_length) : NULL;
  if (argument) line = argument, length = argument_length;
  const char *origin = origin_in(line, length, &origin_length);
  while (!origin && line && at > 1) {
    line = line_of(recipe, --at, &length);
    origin = origin_in(line, length, &origin_length);
  }
  if (origin) replace(err, number, (size_t)(end - number), origin, origin_length);
}

/* The same for an error of which a model is the cause: the last one, since the first is what others are held against. Of "A+B" an error
 * may speak of a part alone. */
static bool place_by_model(mw_error *err, const char *recipe_name, const char *recipe, const mw_binding *models) {
  for (size_t m = models ? models->count : 0; m > 0; m--) {
    mw_text_escaped shown;
    size_t length = 0;
    char *word = shown.bytes;
    mw_text_escape_z(&shown, models->words[m - 1]);
    bool spoken = speaks_of(err->text, word);
    for (char *plus = word; !spoken && plus; word = plus) {
      if ((plus = strchr(word, '+'))) *plus++ = '\0';
      spoken = speaks_of(err->text, word);
    }
    const char *line = spoken ? line_of_model(recipe, m, &length) : NULL;
    if (place(err, recipe_name, line, length)) return true;
  }
  return false;
}

void mw_conversion_explain(const mw_conversion *conversion, const char *recipe_name, const char *recipe, mw_error *err) {
  if (strstr(err->text, "has several stacks of layers"))
    mw_error_hint(err, "'modules:' with 'text_decoder', 'vision_tower' and so on takes slices for each part of such a model");
  if (strstr(err->text, "vocab_size") || strstr(err->hint, "the vocabularies differ"))
    mw_error_hint(err, "tokenizer: {source: union} in the file brings all models to one vocabulary");
  const mw_binding *models = models_of(conversion);
  size_t name_length = strlen(recipe_name), length = 0, line, column;
  name_models(models, err->text, sizeof err->text);
  name_models(models, err->hint, sizeof err->hint);
  if (strncmp(err->text, recipe_name, name_length) == 0 && err->text[name_length] == ':') {
    replace_line(err, recipe_name, recipe);
    return;
  }
  if (find_word(conversion, recipe, err->text, &line, &column)) {
    mw_error_wrap(err, "%s:%zu:%zu", recipe_name, line, column);
    return;
  }
  const char *weight = strstr(err->text, "the weights sum to 0") ? line_of_weight(recipe, &length) : NULL;
  if (place(err, recipe_name, weight, length) || place_by_model(err, recipe_name, recipe, models)) return;
  bool whole = strncmp(err->text, "the result", 10) == 0 || strncmp(err->text, "tensor ", 7) == 0;
  const char *result = whole ? line_of_result(recipe, &length) : NULL;
  place(err, recipe_name, result, length);
}
