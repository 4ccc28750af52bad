/* search.c: all candidates of a run are written under OUT.scoring-HASH, a folder that is locked while the run lives. It has a journal
 * too: a record is the SHA-256 of a candidate's identity and its score (f64). If a run is killed, the next one takes the scores of
 * its journal, if they depend on the same things, and removes what else it left there. Only measure() knows how a candidate is
 * measured. */
#include "merge/search.h"
#include "base/clock.h"
#include "base/sha256.h"
#include "merge/look_ahead.h"
#include "merge/score_commands.h"
#include "expr/identity.h"
#include "format/folder.h"
#include "output/target.h"
#include "report/candidates.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 10000, ASKED = 1000000, DEPTH = 8 };

typedef struct mw_search_entry {
  char identity[65], made[65]; /* with the score that was asked for, and of the candidate alone */
  double value;
  const char *json; /* what is recorded of it */
  size_t first, count; /* what was drawn for it, among all that was drawn */
} entry;

typedef struct mw_search_ahead {
  char identity[65];
  double value;
} ahead;

void mw_search_begin(mw_search *search) { search->parent = search->scratch = search->kept.journal.fd = -1; }

/* Whether the run has failed in such a way that the same command may go on with the scores: also where a command of a score has failed, but
 * not where the output has its name already. */
static bool keeps(const mw_search *search, mw_error *err) {
  size_t count = search->count + search->ahead_count;
  if (!err || !count || search->kept.journal.fd < 0 || err->status == MW_CHANGED) return false;
  if (!search->options->force && access(search->options->output, F_OK) == 0) return false;
  char hint[sizeof err->hint];
  memcpy(hint, err->hint, sizeof hint);
  mw_error_hint(err, "%.200s%sthe same command goes on from there: %zu scores are kept in %s", hint, *hint ? "; " : "", count,
                search->shown);
  return true;
}

void mw_search_end(mw_search *search, mw_error *err) {
  mw_error later;
  bool kept = keeps(search, err);
  mw_kept_scores_close(&search->kept);
  if (search->scratch >= 0) {
    if (!kept && !mw_folder_remove(search->parent, search->scratch_name, &later) && !err)
      mw_warning_add(search->warnings, "scores are left beside the output: %.300s; `moonweld clean` removes them", later.text);
    close(search->scratch);
  }
  if (search->parent >= 0) close(search->parent);
  mw_recipe_candidate_free(&search->first);
  free(search->entries);
  free(search->ahead);
  mw_text_free(&search->lines);
  mw_text_free(&search->json);
  mw_text_free(&search->plot);
  mw_mem_release(&search->arena);
}

/* ---- the identity of a candidate ---- */

static void hash_spec(mw_sha256 *hash, const mw_learn_spec *spec) {
  const double rates[] = {spec->rate, spec->decay, spec->clip, spec->share};
  const uint64_t counts[] = {spec->count, spec->steps, spec->windows, spec->seed};
  mw_sha256_add(hash, rates, sizeof rates);
  mw_sha256_add(hash, counts, sizeof counts);
}

/* The nodes that tell what a candidate computes: its outputs, and the losses and coefficients of its trainings. */
static bool hash_all(const mw_recipe_candidate *candidate, bool *models, size_t model_count, char identity[65], mw_error *err) {
  size_t outputs = candidate->output_count, count = outputs, most = outputs;
  for (size_t i = 0; i < candidate->spec_count; i++) most += 1 + candidate->specs[i].count;
  mw_node *nodes = mw_mem_new(most, sizeof *nodes, err);
  if (!nodes) return false;
  for (size_t i = 0; i < outputs; i++) nodes[i] = candidate->outputs[i].node;
  for (size_t i = 0; i < candidate->spec_count; i++) {
    const mw_learn_spec *spec = &candidate->specs[i];
    if (spec->loss) nodes[count++] = spec->loss;
    for (size_t k = 0; k < spec->count; k++) nodes[count++] = spec->parts[k].node;
  }
  bool ok = mw_identity_hash(candidate->graph, nodes, count, models, model_count, identity, err);
  free(nodes);
  mw_sha256 hash;
  mw_sha256_init(&hash);
  mw_sha256_add(&hash, identity, 64);
  for (size_t i = 0; i < candidate->spec_count; i++) hash_spec(&hash, &candidate->specs[i]);
  mw_sha256_finish(&hash, identity);
  return ok;
}

/* ---- what is known ---- */

static bool identify_made(const mw_search *search, const mw_recipe_candidate *candidate, char identity[65], bool **models, mw_error *err) {
  *models = mw_mem_new(search->inputs->count, sizeof **models, err);
  return *models && hash_all(candidate, *models, search->inputs->count, identity, err);
}

/* Of the first score it is that of the candidate. */
static void add_score(uint32_t score, char identity[65]) {
  mw_sha256 hash;
  if (!score) return;
  mw_sha256_init(&hash);
  mw_sha256_add(&hash, identity, 64);
  mw_sha256_add(&hash, &score, sizeof score);
  mw_sha256_finish(&hash, identity);
}

bool mw_search_identify(const mw_search *search, const mw_recipe_candidate *candidate, char identity[65], bool **models, mw_error *err) {
  MW_TRY(identify_made(search, candidate, identity, models, err));
  add_score(candidate->score, identity);
  return true;
}

static const entry *known(const mw_search *search, const char *identity) {
  for (size_t i = 0; i < search->count; i++)
    if (strcmp(search->entries[i].identity, identity) == 0) return &search->entries[i];
  return NULL;
}

bool mw_search_known(const mw_search *search, const char *identity, double *value) {
  const entry *before = known(search, identity);
  if (before) *value = before->value;
  return before != NULL;
}

static ahead *find_ahead(const mw_search *search, const char *identity) {
  for (size_t i = 0; i < search->ahead_count; i++)
    if (strcmp(search->ahead[i].identity, identity) == 0) return &search->ahead[i];
  return NULL;
}

bool mw_search_measured(const mw_search *search, const char *identity, double *value) {
  const ahead *measured = find_ahead(search, identity);
  if (!measured) return mw_kept_scores_find(&search->kept, identity, value);
  *value = measured->value;
  return true;
}

bool mw_search_keep(mw_search *search, const char *identity, double value, mw_error *err) {
  MW_TRY(mw_mem_grow(&search->ahead, &search->ahead_capacity, search->ahead_count + 1, sizeof *search->ahead, err));
  ahead *new = &search->ahead[search->ahead_count++];
  memcpy(new->identity, identity, 65);
  new->value = value;
  return mw_kept_scores_add(&search->kept, identity, value, err);
}

/* One that is asked for is ahead no more. */
static bool take_measured(mw_search *search, const char *identity, double *value) {
  ahead *measured = find_ahead(search, identity);
  bool any = mw_search_measured(search, identity, value);
  if (measured) *measured = search->ahead[--search->ahead_count];
  return any;
}

/* ---- the folder of candidates ---- */

/* Removes all but the scores of what a killed run has left in the scratch folder. */
static bool sweep(mw_search *search, const char *path, mw_error *err) {
  const char **names;
  size_t count;
  MW_TRY(mw_file_list(path, &search->arena, &names, &count, err));
  for (size_t i = 0; i < count; i++)
    if (strcmp(names[i], mw_kept_scores_name) != 0 && unlinkat(search->scratch, names[i], 0) != 0)
      MW_TRY(mw_folder_remove(search->scratch, names[i], err));
  return true;
}

static bool open_scores(mw_search *search, mw_error *err) {
  bool other;
  if (search->options->judge) return true;
  search->kept.sync = !search->options->no_sync;
  MW_TRY(mw_kept_scores_open(&search->kept, search->scratch, search->identity, &search->arena, &other, err));
  if (other) mw_warning_add(search->warnings, "the scores in %s are of another search and are removed", search->shown);
  return true;
}

static bool open_scratch(mw_search *search, mw_error *err) {
  mw_target target;
  char hex[65];
  if (search->scratch >= 0) return true;
  MW_TRY(mw_target_resolve(search->options->output, &search->arena, &target, err));
  mw_sha256_of(target.path, strlen(target.path), hex);
  size_t length = strlen(target.name) + sizeof ".scoring-01234567";
  char *name = mw_mem_take(&search->arena, length, err);
  if (!name) return false;
  snprintf(name, length, "%s.scoring-%.8s", target.name, hex);
  search->scratch_name = name;
  const char *path = mw_file_join(&search->arena, target.parent, name, err);
  if (!path || !(search->folder = mw_file_join(&search->arena, path, "candidate", err))) return false;
  if (search->parent < 0) search->parent = open(target.parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (search->parent < 0) return mw_error_set(err, MW_IO, "the output's folder cannot be opened: %s", strerror(errno));
  mw_text_escaped escaped;
  const char *shown = mw_text_escape_z(&escaped, name);
  search->shown = mw_mem_copy(&search->arena, shown, strlen(shown), err);
  bool left;
  MW_TRY(search->shown && mw_folder_make(search->parent, name, target.typed, &search->scratch, &left, err));
  return (!left || sweep(search, path, err)) && open_scores(search, err);
}

/* ---- measuring ---- */

static bool ask_judge(const mw_search *search, const char *what, double *value, mw_error *err) {
  if (!search->options->judge(search->options->judge_context, search->folder, value))
    return mw_error_set(err, MW_INTERRUPTED, "interrupted; nothing was published");
  return isfinite(*value) || mw_error_set(err, MW_DATA, "%s is no finite number", what);
}

/* Makes the candidate's folder, has the judge look at it and removes it. */
static bool judge(mw_search *search, const mw_recipe_candidate *candidate, const char *what, double *value, mw_error *err) {
  if (!search->make(search->context, candidate, search->folder, err)) return mw_error_wrap(err, "%s", what);
  mw_error later;
  bool ok = ask_judge(search, what, value, err);
  return mw_folder_remove(search->scratch, "candidate", ok ? err : &later) && ok;
}

/* By a command, and with --score-jobs the next candidates too, whose scores are then kept. */
static bool run_commands(mw_search *search, const mw_recipe_candidate *candidate, const char *identity, double *value, mw_error *err) {
  mw_look_ahead next;
  bool ok = mw_look_ahead_find(search, candidate, identity, &next, err) && mw_score_commands_run(search, next.all, next.count, err);
  mw_look_ahead_free(&next);
  return ok && take_measured(search, identity, value);
}

/* A score is measured once: by this run or an earlier one that was stopped. A loss is measured without a folder. */
static bool find_or_measure(mw_search *search, const mw_recipe_candidate *candidate, const char *identity, const char *what,
                            double *value, mw_error *err) {
  MW_TRY(open_scratch(search, err));
  if (search->options->judge) return judge(search, candidate, what, value, err);
  if (take_measured(search, identity, value)) return true;
  if (search->wanted->all[candidate->score].command) return run_commands(search, candidate, identity, value, err);
  if (!search->loss(search->context, candidate, value, err)) return mw_error_wrap(err, "%s", what);
  return mw_kept_scores_add(&search->kept, identity, *value, err);
}

/* ---- what is told of a candidate ---- */

static bool record(mw_search *search, size_t number, const bool *models, mw_recipe_draws drawn, const char *name, double value,
                   const char **out, mw_error *err) {
  mw_text text = {0};
  mw_json_writer json = {.out = &text};
  mw_json_writer_object(&json, NULL);
  mw_json_writer_u64(&json, "candidate", number);
  mw_json_writer_list(&json, "models");
  for (size_t m = 0; m < search->inputs->count; m++)
    if (models[m]) mw_json_writer_string(&json, NULL, search->inputs->members[m].label);
  mw_json_writer_end(&json);
  mw_json_writer_list(&json, "drawn");
  for (size_t i = 0; i < drawn.count; i++) mw_recipe_drawn_tell(&drawn.first[i], &json);
  mw_json_writer_end(&json);
  if (name) mw_json_writer_string(&json, "by", name);
  mw_json_writer_number(&json, "score", value);
  mw_json_writer_end(&json);
  bool ok = mw_json_writer_finish(&json, err) && (*out = mw_mem_copy(&search->arena, text.bytes, text.length, err));
  mw_text_free(&text);
  return ok;
}

/* "models[1], models[2]; seed/m3:beta(0.5, 0.5) = 0.31" */
static bool tell(const mw_search *search, const bool *models, mw_recipe_draws drawn, mw_scored facts, mw_error *err) {
  mw_text words = {0};
  mw_text_escaped what;
  if (!search->options->scored) return true;
  for (size_t m = 0; m < search->inputs->count; m++)
    if (models[m]) mw_text_format(&words, "%s%s", words.length ? ", " : "", search->inputs->members[m].label);
  for (size_t i = 0; i < drawn.count; i++)
    mw_text_format(&words, "%s%s = %.6g", i ? ", " : "; ", mw_text_escape_z(&what, drawn.first[i].what), drawn.first[i].value);
  facts.made_of = words.bytes ? words.bytes : "";
  bool ok = mw_text_check(&words, err) && (search->options->scored(search->options->scored_context, &facts) ||
                                           mw_error_set(err, MW_INTERRUPTED, "interrupted; nothing was published"));
  mw_text_free(&words);
  return ok;
}

/* A new candidate: its number, its line, and whoever wants to hear of it. */
static bool take(mw_search *search, const mw_recipe_candidate *candidate, const char *identity, const bool *models, mw_recipe_draws drawn,
                 double *value, mw_error *err) {
  char what[64];
  size_t number = search->count + 1;
  if (number > MOST) return mw_error_set(err, MW_DATA, "the recipe asks for the scores of more than %d candidates", MOST);
  MW_TRY(mw_mem_grow(&search->entries, &search->capacity, number, sizeof *search->entries, err));
  entry *new = &search->entries[search->count];
  snprintf(what, sizeof what, "the score of candidate %zu", number);
  double begun = mw_clock_now();
  *value = 0;
  if (search->make) MW_TRY(find_or_measure(search, candidate, identity, what, value, err));
  const char *name = search->wanted->all[candidate->score].name;
  bool *again;
  bool ok = identify_made(search, candidate, new->made, &again, err);
  free(again);
  memcpy(new->identity, identity, 65);
  new->value = *value;
  MW_TRY(ok && record(search, number, models, drawn, name, *value, &new->json, err));
  new->first = search->drawn - drawn.count, new->count = drawn.count;
  search->count = number;
  return !search->make || tell(search, models, drawn, (mw_scored){number, *value, mw_clock_now() - begun, NULL, name}, err);
}

static bool answer(void *context, mw_recipe_candidate *candidate, mw_recipe_draws drawn, double *value, mw_error *err) {
  mw_search *search = context;
  char identity[65];
  bool *models = NULL;
  search->drawn += drawn.count;
  bool ok = search->asked++ < ASKED || mw_error_set(err, MW_DATA, "the recipe asks for more than %d scores", ASKED);
  ok = ok && mw_search_identify(search, candidate, identity, &models, err);
  const entry *before = ok ? known(search, identity) : NULL;
  if (before) *value = before->value;
  else ok = ok && take(search, candidate, identity, models, drawn, value, err);
  free(models);
  if (ok && !search->make && search->count == 1 && !before) search->first = *candidate;
  else mw_recipe_candidate_free(candidate);
  return ok;
}

mw_recipe_scorer mw_search_scorer(mw_search *search) { return (mw_recipe_scorer){search, answer, search->make != NULL}; }

void mw_search_take_first(mw_search *search, mw_recipe_candidate *made) {
  if (!search->first.graph) return;
  mw_recipe_candidate_free(made);
  *made = search->first;
  search->first = (mw_recipe_candidate){0};
}

static bool draw(mw_search *search, mw_error *err) {
  mw_json scores;
  size_t drawn;
  return mw_json_check("scores", search->json.bytes, search->json.length, DEPTH, &scores, err) &&
         mw_candidates_draw(mw_json_member(scores, "candidates"), true, &search->plot, &drawn, err);
}

bool mw_search_choose(mw_search *search, const mw_recipe_candidate *result, mw_error *err) {
  char identity[65];
  bool *models;
  bool ok = identify_made(search, result, identity, &models, err);
  free(models);
  if (!ok) return false;
  const entry *chosen = NULL;
  for (size_t i = 0; i < search->count && !chosen; i++)
    if (strcmp(search->entries[i].made, identity) == 0) chosen = &search->entries[i];
  search->chosen_first = chosen ? chosen->first : 0, search->chosen_count = chosen ? chosen->count : 0;
  mw_json_writer json = {.out = &search->json, .streamed = 2};
  mw_json_writer_object(&json, NULL);
  if (search->judges->count) {
    mw_json_writer_object(&json, "judges");
    mw_calibration_tell(search->judges, search->options->window, &json);
    mw_json_writer_end(&json);
  }
  mw_json_writer_list(&json, "candidates");
  for (size_t i = 0; i < search->count; i++) {
    mw_json_writer_raw(&json, NULL, search->entries[i].json);
    mw_text_add(&search->lines, search->entries[i].json, strlen(search->entries[i].json));
  }
  mw_json_writer_end(&json);
  if (chosen) mw_json_writer_u64(&json, "chosen", (uint64_t)(chosen - search->entries) + 1);
  else mw_json_writer_string(&json, "chosen", NULL);
  mw_json_writer_end(&json);
  return mw_json_writer_finish(&json, err) && mw_text_check(&search->lines, err) && draw(search, err);
}
