/* options.c: the options of all merges are one table. A recipe's arguments, or a command's own options, are found by the same lookup,
 * so suggestions and the rules for values are the same for all of them. */
#include "options.h"
#include "term.h"
#include "settings.h"
#include "base/option_table.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum arity { SWITCH, ONE, MANY } arity;

/* Switches of the command line alone. All others are lines of options.def. */
static const struct { const char *name; size_t at; } flags[] = {
  { "help", offsetof(mw_options_line, help) },       { "json", offsetof(mw_options_line, json) },
  { "explain", offsetof(mw_options_line, explain) }, { "quiet", offsetof(mw_options_line, quiet) },
  { "log_json", offsetof(mw_options_line, log_json) },
};
enum {
  FLAGS = sizeof flags / sizeof *flags,
#define MW_OPTION(...) +1
  ROWS = 0
#include "options.def"
#undef MW_OPTION
  , NAME_LENGTH = 80, MOST_OWN = 32
};

typedef struct parser {
  mw_options_line *line;
  const mw_arg *args;
  size_t arg_count, word_count;
  bool lenient;          /* no signature yet */
  const mw_options_doc *command; /* a command's options, or NULL: a merge's */
  const char *recipe;    /* the name of a merge's recipe, once that is known */
  char *const *words;    /* all there are, and the one that is read */
  size_t at;
  bool given[ROWS];      /* rows of options.def with a value that have been typed */
  bool ended;            /* `--` was read */
  /* The option that the next word belongs to. */
  char option[NAME_LENGTH];
  bool own;              /* it is a flag or a row; else it is an argument, or not known */
  const mw_option_table_row *row;
  const mw_arg *arg;
  size_t flag;           /* of a SWITCH that is no argument: the offset of its bool in the line */
  arity arity;
  bool open, filled;     /* it may take a word; it has one */
} parser;

const char *mw_options_spell(mw_options_name *buffer, const char *name) {
  size_t n = 0;
  buffer->text[n++] = '-';
  buffer->text[n++] = '-';
  for (; *name && n + 1 < sizeof buffer->text; name++) buffer->text[n++] = *name == '_' ? '-' : *name;
  buffer->text[n] = '\0';
  return buffer->text;
}

/* Whether a word is an option: it begins with '-', but "-0.5", "-.5", "-1,0" and "-" are values. */
static bool is_option(const char *word) {
  return word[0] == '-' && word[1] != '\0' && !strchr("0123456789.", word[1]);
}

static arity arity_of(const mw_arg *arg) {
  if (arg->kind == MW_ARG_FLAG) return SWITCH;
  return arg->kind == MW_ARG_MODELS || arg->kind == MW_ARG_EACH || arg->kind == MW_ARG_WORDS || arg->kind == MW_ARG_PARTS ? MANY : ONE;
}

/* An argument that is bound to a reserved option (a seed) is no option itself. */
static bool is_bound(const mw_arg *arg) {
  return arg->kind == MW_ARG_SEED || arg->kind == MW_ARG_SCORE || arg->kind == MW_ARG_CALIBRATION;
}

/* Whether an option of the program is one of the command's. */
static bool is_known(const parser *p, const char *name) {
  if (!p->command) return true;
  for (const mw_options_doc *known = p->command; known->name; known++)
    if (strcmp(known->name, name) == 0) return true;
  return strcmp(name, "help") == 0;
}

static bool find_own(parser *p, const char *name) {
  for (size_t i = 0; i < FLAGS; i++) {
    if (strcmp(name, flags[i].name) != 0) continue;
    p->flag = flags[i].at;
    p->arity = SWITCH;
    return true;
  }
  p->row = mw_option_table_find(name);
  if (!p->row) return false;
  bool many = p->row->form == MW_OPTION_TEXTS || p->row->form == MW_OPTION_SCORE;
  p->flag = offsetof(mw_options_line, options) + p->row->at;
  p->arity = p->row->form == MW_OPTION_SWITCH ? SWITCH : many ? MANY : ONE;
  return true;
}

static bool find(parser *p, const char *name) {
  p->row = NULL;
  p->arg = NULL;
  if ((p->own = is_known(p, name) && find_own(p, name))) return true;
  for (size_t i = 0; i < p->arg_count; i++) {
    if (is_bound(&p->args[i]) || strcmp(name, p->args[i].name) != 0) continue;
    p->arg = &p->args[i];
    p->arity = arity_of(p->arg);
    return true;
  }
  return false;
}

static bool unknown(parser *p, mw_error *err) {
  const char *candidates[FLAGS + ROWS + 64];
  size_t count = 0;
  for (size_t i = 0; i < FLAGS + ROWS; i++) {
    const char *name = i < FLAGS ? flags[i].name : mw_option_table[i - FLAGS].name;
    if (is_known(p, name)) candidates[count++] = name;
  }
  for (size_t i = 0; i < p->arg_count && count < FLAGS + ROWS + 64; i++)
    if (!is_bound(&p->args[i])) candidates[count++] = p->args[i].name;
  const char *near = mw_recipe_nearest(p->option, candidates, count);
  mw_options_name typed, meant;
  mw_options_spell(&typed, p->option);
  if (near)
    return mw_term_fail(err, MW_USAGE, "there is no option %s -- did you mean %s?", typed.text,
                        mw_options_spell(&meant, near));
  if (p->command)
    return mw_term_fail(err, MW_USAGE, "there is no option %s\n`--help` behind the command lists its options", typed.text);
  char arguments[300] = "";
  size_t length = 0;
  for (size_t i = 0; i < p->arg_count && length + NAME_LENGTH < sizeof arguments; i++)
    if (!is_bound(&p->args[i]))
      length += (size_t)snprintf(arguments + length, sizeof arguments - length, "%s%s", length ? ", " : "",
                                 mw_options_spell(&meant, p->args[i].name));
  return mw_term_fail(err, MW_USAGE, "there is no option %s\n`moonweld %s --help` lists the arguments of this recipe: %s", typed.text,
                      p->recipe, length ? arguments : "none");
}

/* Adds a word to an argument's binding, which is made for the first word. Each list has a place for all words of the line. */
static bool bind(parser *p, const mw_arg *arg, const char *word, mw_error *err) {
  mw_options_line *line = p->line;
  size_t at = 0;
  while (at < line->count && strcmp(line->bindings[at].name, arg->name) != 0) at++;
  if (at == line->count) {
    const char **buffer = calloc(p->word_count + 1, sizeof *buffer);
    if (!buffer) return mw_term_fail(err, MW_MEMORY, "no memory for the command line");
    line->bindings[line->count++] = (mw_binding){ .name = arg->name, .words = buffer };
  } else if (p->arity == ONE) {
    mw_options_name name;
    return mw_term_fail(err, MW_USAGE, "%s is given twice", mw_options_spell(&name, arg->name));
  }
  mw_binding *binding = &line->bindings[at];
  if (p->arity == SWITCH) binding->count = 0; /* the last of --x and --no-x counts */
  ((const char **)binding->words)[binding->count++] = word;
  return true;
}

static bool set_switch(parser *p, bool value, mw_error *err) {
  p->open = false;
  if (p->arg) return bind(p, p->arg, value ? "true" : "false", err);
  *(bool *)((char *)p->line + p->flag) = value;
  return true;
}

static bool is_given(const parser *p, const char *name) {
  for (size_t i = 0; i < p->line->count; i++)
    if (strcmp(p->line->bindings[i].name, name) == 0) return true;
  return false;
}

/* Words without an option are mostly models: "a b" of a recipe that takes --a and --b are told as "--a a --b b". */
static bool refuse_stray(const parser *p, mw_error *err) {
  char said[400] = "";
  const char *word = p->words[p->at], *equals = strchr(word, '=');
  for (size_t i = 0; equals && i < p->arg_count; i++) {
    const size_t length = (size_t)(equals - word);
    if (strlen(p->args[i].name) == length && strncmp(p->args[i].name, word, length) == 0)
      return mw_term_fail(err, MW_USAGE, "'%s' belongs to no option\noptions begin with two dashes: --%s", word, word);
  }
  size_t next = p->at, end = next, used = 0;
  while (end < p->word_count && !is_option(p->words[end])) end++;
  for (size_t i = 0; i < p->arg_count && next < end; i++) {
    mw_options_name name;
    const mw_arg *arg = &p->args[i];
    const bool many = arg->kind == MW_ARG_MODELS || arg->kind == MW_ARG_PARTS;
    if ((arg->kind != MW_ARG_MODEL && !many) || is_given(p, arg->name)) continue;
    size_t last = many ? end : next + 1;
    if (used < sizeof said) used += (size_t)snprintf(said + used, sizeof said - used, " %s", mw_options_spell(&name, arg->name));
    for (; next < last; next++)
      if (used < sizeof said) used += (size_t)snprintf(said + used, sizeof said - used, " %s", p->words[next]);
  }
  bool whole = used && used < sizeof said;
  return mw_term_fail(err, MW_USAGE, "'%s' belongs to no option\n%s%s", p->words[p->at],
                      whole ? "models follow their option:" : "values follow their option: --t 0.5", whole ? said : "");
}

static bool take_value(parser *p, const char *word, mw_error *err) {
  mw_options_name name;
  if (!p->open && p->command) {
    p->line->operands[p->line->operand_count++] = word;
    return true;
  }
  if (!p->open) return p->lenient || refuse_stray(p, err); /* told when the recipe's arguments are known */
  if (p->command && !*word) return mw_term_fail(err, MW_USAGE, "%s needs a value", mw_options_spell(&name, p->option));
  p->filled = true;
  p->open = p->arity == MANY;
  if (p->arg) return bind(p, p->arg, word, err);
  if (!p->own) return p->open = true; /* not ours; the recipe's arguments are not known yet */
  bool *given = &p->given[p->row - mw_option_table];
  if (*given && p->arity == ONE) return mw_term_fail(err, MW_USAGE, "%s is given twice", mw_options_spell(&name, p->option));
  *given = true;
  return mw_settings_set(&p->line->options, p->row, word, p->word_count, err);
}

/* When an option begins, the one before must have its value. */
static bool finish_option(parser *p, mw_error *err) {
  mw_options_name name;
  if (p->open && !p->filled && !(p->lenient && !p->own))
    return mw_term_fail(err, MW_USAGE, "%s needs a value", mw_options_spell(&name, p->option));
  p->open = false;
  return true;
}

/* "--no-x" of a switch x. */
static bool find_negated(parser *p) {
  return strncmp(p->option, "no_", 3) == 0 && find(p, p->option + 3) && p->arity == SWITCH;
}

static bool begin_option(parser *p, const char *word, mw_error *err) {
  if (!finish_option(p, err)) return false;
  bool is_long = word[1] == '-';
  const char *start = word + (is_long ? 2 : 1), *equals = strchr(start, '=');
  size_t length = equals ? (size_t)(equals - start) : strlen(start);
  if (length == 0 || length >= sizeof p->option)
    return mw_term_fail(err, MW_USAGE, "'%s' is no option", word);
  for (size_t i = 0; i < length; i++) p->option[i] = start[i] == '-' ? '_' : start[i];
  p->option[length] = '\0';
  if (!is_long) {
    const char *full = strcmp(p->option, "o") == 0 ? "output" : strcmp(p->option, "h") == 0 ? "help" : NULL;
    if (!full && p->lenient) return p->open = true, p->own = false, p->arg = NULL, p->arity = MANY, p->filled = true;
    if (!full && find(p, p->option)) return mw_term_fail(err, MW_USAGE, "there is no option '%s' -- did you mean --%s?", word, p->option);
    if (!full)
      return mw_term_fail(err, MW_USAGE, "there is no option '%s'\nonly -o and -h are short; all others begin with --",
                          word);
    strcpy(p->option, full);
  }
  p->filled = false;
  p->open = true;
  if (find(p, p->option)) {
    if (p->arity == SWITCH) {
      if (!equals) return set_switch(p, true, err);
      bool yes = strcmp(equals + 1, "true") == 0;
      if (yes || strcmp(equals + 1, "false") == 0) return set_switch(p, yes, err);
      return mw_term_fail(err, MW_USAGE, "'%s': true or false is expected", word);
    }
  } else if (find_negated(p)) {
    if (equals) return mw_term_fail(err, MW_USAGE, "'%s' takes no value", word);
    return set_switch(p, false, err);
  } else {
    p->own = false;
    p->arg = NULL;
    p->arity = MANY;
    if (!p->lenient) return unknown(p, err);
  }
  if (!equals) return true;
  return take_value(p, equals + 1, err) && ((p->open = false), true);
}

static bool parse(mw_options_line *line, char *const *words, size_t count, parser p, mw_error *err) {
  *line = (mw_options_line){ 0 };
  mw_options_init(&line->options);
  p.line = line;
  p.words = words;
  p.word_count = count;
  line->bindings = calloc(count + 1, sizeof *line->bindings);
  line->operands = calloc(count + 1, sizeof *line->operands);
  if (!line->bindings || !line->operands) return mw_term_fail(err, MW_MEMORY, "no memory for the command line");
  for (; p.at < count; p.at++) {
    const char *word = words[p.at];
    if (!p.ended && strcmp(word, "--") == 0) {
      p.ended = true;
      if (p.command && !finish_option(&p, err)) return false;
    } else if (!p.ended && is_option(word) ? !begin_option(&p, word, err) : !take_value(&p, word, err)) return false;
  }
  return finish_option(&p, err);
}

bool mw_options_parse(mw_options_line *line, char *const *words, size_t count, const mw_recipe *signature,
                      mw_error *err) {
  parser p = { .lenient = !signature };
  if (signature) p.arg_count = mw_recipe_args(signature, &p.args);
  if (signature) p.recipe = mw_recipe_name(signature);
  return parse(line, words, count, p, err);
}

static mw_arg_kind kind_of(const char *value) {
  size_t length = strlen(value);
  if (length > 3 && strcmp(value + length - 3, "...") == 0) return MW_ARG_WORDS;
  return length ? MW_ARG_STRING : MW_ARG_FLAG;
}

/* A command's own options are read like a recipe's arguments. */
bool mw_options_command(mw_options_line *line, char *const *words, size_t count, const mw_options_doc *options, mw_error *err) {
  mw_arg args[MOST_OWN];
  parser p = { .command = options, .args = args };
  for (; options->name; options++) {
    if (find_own(&p, options->name)) continue;
    assert(p.arg_count < MOST_OWN);
    args[p.arg_count++] = (mw_arg){ .name = options->name, .kind = kind_of(options->value) };
  }
  return parse(line, words, count, p, err);
}

const char *mw_options_text(const mw_options_line *line, const char *name) {
  for (size_t i = 0; i < line->count; i++)
    if (strcmp(line->bindings[i].name, name) == 0) return line->bindings[i].words[0];
  return NULL;
}

size_t mw_options_texts(const mw_options_line *line, const char *name, const char *const **words) {
  *words = NULL;
  for (size_t i = 0; i < line->count; i++)
    if (strcmp(line->bindings[i].name, name) == 0) return (*words = line->bindings[i].words), line->bindings[i].count;
  return 0;
}

bool mw_options_flag(const mw_options_line *line, const char *name) {
  const char *text = mw_options_text(line, name);
  return text && strcmp(text, "true") == 0;
}

void mw_options_free(mw_options_line *line) {
  for (size_t i = 0; i < line->count; i++) free((void *)line->bindings[i].words);
  free(line->bindings);
  free(line->operands);
  mw_settings_free(&line->options);
  line->bindings = NULL;
  line->operands = NULL;
  line->count = 0;
}
