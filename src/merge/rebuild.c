/* rebuild.c: makes an output again from its lock. The recipe and all that it required are the lock's texts, run in the locked process
 * like any recipe; arguments and options are the words that were typed then. The inputs keep the names that they had, wherever they lie
 * now, so that the card and the lock come out the same as well. No command of a lock is ever run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/option_table.h"
#include "merge/find_inputs.h"
#include "merge/verify.h"
#include "output/lock.h"
#include "recipe/recipe.h"

typedef struct rebuild {
  mw_verify_run run; /* of the recorded output */
  mw_record record;
  mw_options options;
  mw_binding *bindings;
  mw_placed *placed;
  mw_recipe_required *required;
} rebuild;

static bool cannot(const rebuild *r, const char *why, const char *hint, mw_error *err) {
  mw_text_escaped shown;
  mw_error_set(err, MW_UNAVAILABLE, "%s: %s", mw_text_escape_z(&shown, r->record.path), why);
  return mw_error_hint(err, "%s", hint);
}

/* ---- what was typed ---- */

static bool set_option(rebuild *r, const mw_record_words *typed, mw_error *err) {
  const mw_option_table_row *row = mw_option_table_find(typed->name);
  const char *word = typed->count ? typed->words[0] : "";
  uint64_t count;
  double number;
  size_t *length;
  bool good = true;
  if (!row) return cannot(r, "has an option that this version does not know", "a later version of moonweld made it", err);
  switch (row->form) {
  case MW_OPTION_SWITCH: *(bool *)((char *)&r->options + row->at) = true; break;
  case MW_OPTION_COUNT:
  case MW_OPTION_SIZE: good = mw_text_parse_u64(word, strlen(word), &count) && mw_option_table_set_count(row, &r->options, count); break;
  case MW_OPTION_SECONDS: good = mw_text_parse_number(word, &number) && mw_option_table_set_seconds(row, &r->options, number); break;
  case MW_OPTION_WORD:
  case MW_OPTION_TEXT:
    good = mw_option_table_takes(row, word);
    mw_option_table_set_text(row, &r->options, word);
    break;
  case MW_OPTION_SCORE: mw_option_table_set_text(row, &r->options, word); /* and its files: */ /* fall through */
  case MW_OPTION_TEXTS: {
    size_t text = row->form == MW_OPTION_SCORE && typed->count ? 1 : 0;
    *mw_option_table_list(row, &r->options, &length) = typed->words + text;
    *length = typed->count - text;
    break;
  }
  }
  mw_text_escaped path, name;
  return good || mw_error_set(err, MW_DATA, "%s: option '%s' has no value as it is recorded", mw_text_escape_z(&path, r->record.path),
                              mw_text_escape_z(&name, typed->name));
}

/* Of a word that begins a score. */
static bool is_command(const char *word) {
  size_t name = mw_option_table_score_name(word);
  return strncmp(name ? word + name + 1 : word, "loss:", 5) != 0;
}

static bool take_options(rebuild *r, const mw_options *merge, mw_error *err) {
  r->options = *merge;
  for (size_t i = 0; i < r->record.options.count; i++) MW_TRY(set_option(r, &r->record.options.items[i], err));
  bool commands = r->options.score && is_command(r->options.score);
  for (size_t i = 0; i < r->options.score_data_count; i++)
    commands |= mw_option_table_score_name(r->options.score_data[i]) && is_command(r->options.score_data[i]);
  if (commands)
    return cannot(r, "its candidates were scored by a command, and no command of a lock is run",
                  "look at its \"command\", and run that yourself if you trust it", err);
  return true;
}

static bool take_arguments(rebuild *r, mw_error *err) {
  const mw_record_list *typed = &r->record.arguments;
  r->bindings = mw_mem_new(typed->count, sizeof *r->bindings, err);
  for (size_t i = 0; i < typed->count && r->bindings; i++)
    r->bindings[i] = (mw_binding){typed->items[i].name, typed->items[i].words, typed->items[i].count};
  return r->bindings != NULL;
}

/* ---- where the inputs lie ---- */

static const char *last_of(const mw_record_input *part) { return part->file_count ? part->files[part->file_count - 1].name : NULL; }

/* Adapters are told of as they were, too. */
static bool call_adapters(rebuild *r, const mw_record_input *input, const mw_placed **out, mw_error *err) {
  mw_placed *adapters = mw_mem_take(&r->record.arena, (input->adapter_count + 1) * sizeof *adapters, err);
  for (size_t i = 0; i < input->adapter_count && adapters; i++) {
    const mw_record_input *own = &input->adapters[i];
    adapters[i] = (mw_placed){.label = own->where, .hub = own->hub, .commit = own->commit, .file = last_of(own)};
  }
  return (*out = adapters) != NULL;
}

static bool place(rebuild *r, mw_error *err) {
  mw_record *record = &r->record;
  r->placed = mw_mem_new(record->input_count, sizeof *r->placed, err);
  bool ok = r->placed != NULL;
  for (size_t i = 0; i < record->input_count && ok; i++) {
    const mw_record_input *input = &record->inputs[i];
    mw_find_inputs_place found;
    mw_text wanted = {0};
    mw_text_escaped label;
    ok = mw_find_inputs(record, i, r->run.options, &record->arena, &found, &wanted, err);
    if (ok && !found.where) {
      ok = mw_error_set(err, MW_MISSING, "input %s is not here; wanted is %s", mw_text_escape_z(&label, input->label), wanted.bytes);
      mw_error_hint(err, "--input %s=PATH says where it lies, --models DIR looks for it below DIR", label.bytes);
    }
    mw_text_free(&wanted);
    r->placed[i] = (mw_placed){.label = input->label, .path = found.where, .hub = input->hub, .commit = input->commit,
                               .file = last_of(input), .base = input->base, .adapter_count = input->adapter_count};
    ok = ok && call_adapters(r, input, &r->placed[i].adapters, err);
  }
  r->options.placed = r->placed;
  r->options.placed_count = record->input_count;
  return ok;
}

/* ---- the merge ---- */

static bool load(rebuild *r, mw_recipe **recipe, mw_error *err) {
  const mw_record *record = &r->record;
  r->required = mw_mem_new(record->required_count, sizeof *r->required, err);
  if (!r->required) return false;
  for (size_t i = 0; i < record->required_count; i++)
    r->required[i] = (mw_recipe_required){.name = record->required[i].name, .text = record->required[i].text,
                                          .length = record->required[i].length};
  return mw_recipe_load_text(record->recipe.name, record->recipe.text, record->recipe.length, r->required, record->required_count,
                             &r->options, recipe, err);
}

static bool merge(rebuild *r, mw_error *err) {
  mw_recipe *recipe = NULL;
  mw_plan *plan = NULL;
  bool ok = load(r, &recipe, err) && mw_plan_make(recipe, r->bindings, r->record.arguments.count, &r->options, &plan, err) &&
            mw_plan_run(plan, r->run.options->progress, r->run.options->context, err);
  if (plan) mw_plan_free(plan);
  if (recipe) mw_recipe_free(recipe);
  return ok;
}

/* ---- the comparison ---- */

static bool is_same(const mw_record_file *a, const mw_record_file *b) {
  return a->size == b->size && a->counted == b->counted && (!a->counted || mw_checksum_same(a->checksum, b->checksum));
}

static const mw_record_file *file_of(const mw_record_file *files, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(files[i].name, name) == 0) return &files[i];
  return NULL;
}

/* A lone file may have been given another name. */
static const mw_record_file *made_as(const rebuild *r, const mw_record *made, const mw_record_file *file) {
  bool weights = r->record.weights && made->weights && mw_text_ends_with(file->name, ".safetensors");
  return weights && made->output_count ? &made->outputs[0] : file_of(made->outputs, made->output_count, file->name);
}

static bool compare_outputs(rebuild *r, mw_record *made, mw_error *err) {
  const mw_record *record = &r->record;
  for (size_t i = 0; i < record->output_count; i++) {
    const mw_record_file *file = &record->outputs[i], *other = made_as(r, made, file);
    const char *path = mw_record_place(made, other ? other : file, err);
    MW_TRY(path != NULL);
    r->run.facts->files++;
    r->run.facts->bytes += file->size;
    if (!other) mw_verify_find(&r->run, path, "missing", "was not made again");
    else if (!is_same(file, other)) mw_verify_find(&r->run, path, "changed", "is not the recorded one");
  }
  for (size_t i = 0; i < made->output_count && !made->weights; i++)
    if (!file_of(record->outputs, record->output_count, made->outputs[i].name)) {
      const char *path = mw_record_place(made, &made->outputs[i], err);
      MW_TRY(path != NULL);
      mw_verify_find(&r->run, path, "extra", "was not recorded");
    }
  return true;
}

/* The files of an input itself, or of an adapter. */
static bool compare_part(rebuild *r, const mw_record_input *part, const mw_record_input *made, const char *label, const char *path,
                         mw_error *err) {
  for (size_t k = 0; k < part->file_count; k++) {
    const mw_record_file *file = &part->files[k], *other = made ? file_of(made->files, made->file_count, file->name) : NULL;
    bool lone = made && part->file_count == 1 && made->file_count == 1; /* by whatever name */
    if (lone) other = &made->files[0];
    if (other && is_same(file, other)) continue;
    mw_text text = {0};
    mw_text_escaped shown, name;
    mw_text_format(&text, "%s of input %s is not the recorded one", mw_text_escape_z(&name, file->name), mw_text_escape_z(&shown, label));
    bool ok = mw_text_check(&text, err);
    if (ok) mw_verify_find(&r->run, path, "changed", text.bytes);
    mw_text_free(&text);
    MW_TRY(ok);
  }
  return true;
}

/* Inputs that are not those that were recorded explain the rest. */
static bool compare_inputs(rebuild *r, const mw_record *made, mw_error *err) {
  const mw_record *record = &r->record;
  for (size_t i = 0; i < record->input_count && i < made->input_count; i++)
    for (size_t p = 0; p <= record->inputs[i].adapter_count; p++) {
      const mw_record_input *input = &record->inputs[i], *other = &made->inputs[i];
      const mw_record_input *part = p ? &input->adapters[p - 1] : input;
      if (p) other = p <= other->adapter_count ? &other->adapters[p - 1] : NULL;
      MW_TRY(compare_part(r, part, other, input->label, r->placed[i].path, err));
    }
  return true;
}

/* When all files are the same, so is the lock, unless another version wrote it. */
static void compare_locks(rebuild *r, const mw_record *made) {
  if (made->length == r->record.length && memcmp(made->text, r->record.text, made->length) == 0) return;
  bool other = strcmp(made->version, r->record.version) != 0;
  mw_verify_find(&r->run, made->path, "changed", other ? "another version of moonweld made it" : "is not the recorded one");
}

static bool compare(rebuild *r, mw_error *err) {
  mw_record made;
  mw_text_escaped shown;
  bool ok = mw_record_open(r->options.output, &made, err) && compare_inputs(r, &made, err) && compare_outputs(r, &made, err);
  if (ok && !r->run.facts->findings && !made.weights) compare_locks(r, &made);
  size_t findings = r->run.facts->findings;
  if (ok && findings) {
    ok = mw_error_set(err, MW_DATA, "%s: %zu finding%s: it is not what the lock records", mw_text_escape_z(&shown, r->options.output),
                      findings, findings == 1 ? "" : "s");
    mw_error_hint(err, r->options.data_count ? "what is learned also depends on OpenBLAS's kernels, which the lock's \"learning\" names"
                                             : "the new output stays, to be looked at");
  }
  mw_record_close(&made);
  return ok;
}

static bool can(const rebuild *r, mw_error *err) {
  const mw_record *record = &r->record;
  mw_text_escaped shown;
  MW_TRY(mw_verify_can(record, err));
  if (record->edited) {
    mw_error_set(err, MW_DATA, "%s: its text is not the one that moonweld wrote", mw_text_escape_z(&shown, record->path));
    return mw_error_hint(err, "a lock that was edited proves nothing; ask for the original");
  }
  if (!record->typed || !record->recipe.text)
    return cannot(r, "does not hold all that was typed", "its \"command\" may be run by hand", err);
  if (record->profile != MW_LOCK_NUMERIC_PROFILE)
    return cannot(r, "was made with other arithmetic (\"numeric_profile\")", "use the version of moonweld that made it", err);
  return true;
}

bool mw_rebuild(const char *output, const mw_options *options, const mw_verify_options *how, mw_verified *facts, mw_error *err) {
  rebuild r = {.run = {.options = how, .facts = facts}};
  *facts = (mw_verified){0};
  r.run.record = &r.record;
  if (!options->output) return mw_error_set(err, MW_USAGE, "-o NEW is needed: what to make");
  bool ok = mw_record_open(output, &r.record, err) && can(&r, err) && mw_find_inputs_check(&r.record, how, err) &&
            take_options(&r, options, err) && take_arguments(&r, err) && place(&r, err) && merge(&r, err) && compare(&r, err);
  free(r.bindings);
  free(r.placed);
  free(r.required);
  mw_record_close(&r.record);
  return ok;
}
