/* cmd_help.c: the program's help, and a recipe's own, written from its signature. */
#include "commands.h"
#include "print.h"
#include "base/option_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const mw_command_text mw_cmd_help_texts = {
  .what = "merges model checkpoints by recipes: short Lua files, built in or your own.",
  .merge = { { "RECIPE|FILE.lua [--ARG VALUE...]... -o OUT", "merge; a file is named with a '/' or .lua" },
             { "RECIPE|FILE.lua --help", "a recipe's arguments" } },
  .others = { { "help [COMMAND|RECIPE]", "this, or the help of one" }, { "--version", "" } },
  .models = "A model is a .safetensors file, a folder, or the name of a model in the local hub cache (org/name[@revision]).",
  .lists = "Lists are several words (--models A B C), gradients over depth have commas (--t 0,0.5,1).",
  .example = "moonweld slerp --a ./one --b ./two --t 0.3 -o ./merged",
  .options = { { "quiet", "", "say nothing but errors" },
               { "log_json", "", "report on standard error as JSON, a line an event" } },
};

static void print_option(FILE *out, const char *name, const char *value, const char *doc) {
  mw_options_name spelt;
  char buffer[sizeof spelt.text + 32];
  snprintf(buffer, sizeof buffer, "%s%s%s%s", strcmp(name, "output") == 0 ? "-o, " : "", mw_options_spell(&spelt, name),
           *value ? " " : "", value);
  bool wide = strlen(buffer) > 22; /* its text begins on a line of its own */
  fprintf(out, wide ? "  %s\n%25s%s\n" : "  %-22s%s %s\n", buffer, "", doc);
}

static void print_form(FILE *out, const char *words, const char *usage, const char *meaning) {
  fprintf(out, "  moonweld %s%s%s\n", words, *usage ? " " : "", usage);
  if (*meaning) fprintf(out, "      %s\n", meaning);
}

void mw_cmd_help(FILE *to) {
  const mw_command_text *text = &mw_cmd_help_texts;
  mw_print_page all;
  FILE *out = mw_print_page_open(&all, to);
  fprintf(out, "moonweld %s\n\n", text->what);
  for (size_t i = 0; i < 2; i++) print_form(out, text->merge[i].words, "", text->merge[i].meaning);
  for (size_t i = 0; mw_commands_all[i]; i++) {
    const mw_command *c = mw_commands_all[i];
    print_form(out, c->word, c == &mw_cmd_merge_plan ? "RECIPE ... [--json]" : c->usage, c->summary);
  }
  for (size_t i = 0; i < 2; i++) print_form(out, text->others[i].words, "", text->others[i].meaning);
  fprintf(out, "\n%s\n\nOptions of every merge\n", text->models);
  for (const mw_option_table_row *row = mw_option_table; row->name; row++) print_option(out, row->name, row->value, row->doc);
  for (size_t i = 0; i < 2; i++) print_option(out, text->options[i].name, text->options[i].value, text->options[i].doc);
  fprintf(out, "\n%s\nExample: %s\n", text->lists, text->example);
  mw_print_page_close(&all);
}

void mw_cmd_help_command(FILE *to, const mw_command *command) {
  mw_commands_buffer buffer;
  mw_print_page all;
  FILE *out = mw_print_page_open(&all, to);
  fprintf(out, "%s: %s\n\nusage: %s\n", command->word, command->summary, mw_commands_usage(&buffer, command));
  for (const mw_options_doc *o = command->options; o->name; o++) {
    if (o == command->options) putc('\n', out);
    print_option(out, o->name, o->value, o->doc);
  }
  if (command == &mw_cmd_merge_plan)
    fputs("\n`moonweld RECIPE --help` lists a recipe's arguments, `moonweld --help` the options of every merge.\n", out);
  mw_print_page_close(&all);
}

/* What is typed for an argument. */
static const char *value_of(const mw_arg *arg) {
  switch (arg->kind) {
    case MW_ARG_NUMBER: case MW_ARG_MAYBE: return arg->whole ? "COUNT" : "NUMBER";
    case MW_ARG_STRING: return "TEXT";
    case MW_ARG_CHOICE: return "WORD";
    case MW_ARG_WORDS: return "WORD...";
    case MW_ARG_EACH: return "NUMBER...";
    case MW_ARG_MODEL: return arg->adapter ? "ADAPTER" : "MODEL";
    case MW_ARG_MODELS: return arg->adapter ? "ADAPTER..." : "MODEL...";
    case MW_ARG_PARTS: return "MODEL:FIRST-END...";
    default: return "";
  }
}

const mw_command_bound mw_cmd_help_bound[] = {
  { MW_ARG_SEED, "--seed N", "where its random numbers come from (default 0)" },
  { MW_ARG_SCORE, "--score COMMAND", "measures a candidate in the folder {dir}; greater is better" },
  { MW_ARG_SCORE, "--score loss:FILE...", "or its negated mean loss on data" },
  { MW_ARG_CALIBRATION, "--data FILE...", "what it learns from: token windows (.safetensors, .jsonl) or texts" },
  { MW_ARG_CALIBRATION, "--window N", "tokens a window of text (default 256)" },
  { MW_ARG_CALIBRATION, "--coefficients FILE", "coefficients to start from (OUT/moonweld/coefficients.safetensors of another run)" },
  { 0, NULL, NULL },
};

static bool has_option(const mw_arg *arg) { return arg->kind < MW_ARG_SEED; }

const char *mw_cmd_help_option(mw_options_name *buffer, const mw_arg *arg) {
  if (!has_option(arg)) return NULL;
  mw_options_spell(buffer, arg->name);
  size_t used = strlen(buffer->text);
  const char *value = value_of(arg);
  if (*value) snprintf(buffer->text + used, sizeof buffer->text - used, " %s", value);
  return buffer->text;
}

void mw_cmd_help_limits(FILE *out, const mw_arg *arg, const mw_arg *profile) {
  const char *mark = " (";
  bool one = arg->has_min ? arg->min == 1 && !arg->has_max : arg->max == 1;
  const char *unit = arg->kind != MW_ARG_MODELS ? "" : arg->adapter ? (one ? " adapter" : " adapters") : one ? " model" : " models";
  if (arg->fallback[0]) {
    fprintf(out, "%sdefault ", mark);
    mw_print_plain(out, arg->fallback);
    for (size_t i = 0; arg->profiled && profile && profile->choices[i]; i++)
      if (strcmp(arg->profiled[i], arg->fallback) != 0) {
        fputs(", with ", out);
        mw_print_plain(out, profile->choices[i]);
        putc(' ', out);
        mw_print_plain(out, arg->profiled[i]);
      }
    mark = "; ";
  } else if (arg->optional && arg->kind != MW_ARG_FLAG) {
    fprintf(out, "%soptional", mark);
    mark = "; ";
  }
  for (const char *const *c = arg->choices; c && *c; c++) {
    fprintf(out, "%s", c == arg->choices ? mark : ", ");
    if (c == arg->choices) fputs(arg->kind == MW_ARG_WORDS ? "some of " : "one of ", out);
    mw_print_plain(out, *c);
    mark = "; ";
  }
  if (arg->has_min && arg->has_max) fprintf(out, "%s%.10g to %.10g%s", mark, arg->min, arg->max, unit);
  else if (arg->has_min) fprintf(out, "%sat least %.10g%s", mark, arg->min, unit);
  else if (arg->has_max) fprintf(out, "%sat most %.10g%s", mark, arg->max, unit);
  else if (mark[0] == ' ') return;
  putc(')', out);
}

const mw_arg *mw_cmd_help_profile(const mw_arg *args, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (args[i].kind == MW_ARG_CHOICE && strcmp(args[i].name, "profile") == 0) return &args[i];
  return NULL;
}

static void print_bound(FILE *out, mw_arg_kind kind, int width) {
  for (const mw_command_bound *b = mw_cmd_help_bound; b->words; b++)
    if (b->kind == kind) fprintf(out, "  %-*s  %s\n", width, b->words, b->meaning);
}

/* Of the longest of them. */
static size_t bound_width(mw_arg_kind kind) {
  size_t width = 0;
  for (const mw_command_bound *b = mw_cmd_help_bound; b->words; b++)
    if (b->kind == kind && strlen(b->words) > width) width = strlen(b->words);
  return width;
}

void mw_cmd_help_recipe(FILE *to, const mw_recipe *recipe) {
  const mw_arg *args;
  mw_print_page all;
  FILE *out = mw_print_page_open(&all, to);
  mw_options_name buffer;
  size_t count = mw_recipe_args(recipe, &args), width = 0, shown = 0;
  mw_print_plain(out, mw_recipe_name(recipe));
  fputs(": ", out);
  mw_print_plain(out, mw_recipe_summary(recipe));
  putc('\n', out);
  if (mw_recipe_paper(recipe)[0]) {
    mw_print_plain(out, mw_recipe_paper(recipe));
    putc('\n', out);
  }
  const char *formula = mw_recipe_builtin_formula(mw_recipe_name(recipe));
  if (formula) {
    fputs("\nformula: ", out);
    mw_print_plain(out, formula);
    putc('\n', out);
  }
  fputs("\nusage: moonweld ", out);
  mw_print_plain(out, mw_recipe_name(recipe));
  for (size_t i = 0; i < count; i++) {
    if (!has_option(&args[i])) {
      if (bound_width(args[i].kind) > width) width = bound_width(args[i].kind);
      continue;
    }
    fprintf(out, args[i].optional ? " [%s]" : " %s", mw_cmd_help_option(&buffer, &args[i]));
    if (strlen(buffer.text) > width) width = strlen(buffer.text);
    shown++;
  }
  fputs(" -o OUT\n", out);
  if (shown) putc('\n', out);
  for (size_t i = 0; i < count; i++) {
    if (!has_option(&args[i])) {
      print_bound(out, args[i].kind, (int)width);
      continue;
    }
    fprintf(out, "  %-*s  ", (int)width, mw_cmd_help_option(&buffer, &args[i]));
    mw_print_plain(out, args[i].doc);
    mw_cmd_help_limits(out, &args[i], mw_cmd_help_profile(args, count));
    putc('\n', out);
  }
  fputs("\n`moonweld --help` lists the options of every merge.\n", out);
  mw_print_page_close(&all);
}
