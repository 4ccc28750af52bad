/* search.c: one room for all candidates of a run: OUT.scoring-<hash of its path>, locked while the run lives; what a killed
 * run left there is removed by the next. How a candidate is measured is decided in measure() alone. */
#include "merge/search.h"
#include "base/sha256.h"
#include "merge/subprocess.h"
#include "expr/identity.h"
#include "format/folder.h"
#include "output/target.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 10000, ASKED = 1000000 };

typedef struct mw_score_entry {
  char identity[65];
  double value;
} entry;

void mw_score_begin(mw_score *score) { score->parent = score->room = -1; }

void mw_score_drop(mw_candidate *candidate) {
  mw_graph_free(candidate->graph);
  mw_mem_release(&candidate->arena);
  *candidate = (mw_candidate){0};
}

void mw_score_end(mw_score *score) {
  mw_error ignored;
  if (score->room >= 0) {
    mw_folder_remove(score->parent, score->room_name, &ignored);
    close(score->room);
  }
  if (score->parent >= 0) close(score->parent);
  mw_score_drop(&score->first);
  free(score->entries);
  mw_text_free(&score->lines);
  mw_text_free(&score->json);
  mw_mem_release(&score->arena);
}

/* ---- what a candidate is ---- */

static void hash_lesson(mw_sha256 *hash, const mw_lesson *lesson) {
  const double rates[] = {lesson->rate, lesson->decay, lesson->clip, lesson->share};
  const uint64_t counts[] = {lesson->count, lesson->steps, lesson->windows, lesson->seed};
  mw_sha256_add(hash, rates, sizeof rates);
  mw_sha256_add(hash, counts, sizeof counts);
}

/* What is computed: the outputs, and what is learned, by which losses and settings. */
static bool hash_all(const mw_candidate *candidate, bool *models, size_t model_count, char identity[65], mw_error *err) {
  size_t outputs = candidate->output_count, count = outputs, most = outputs;
  for (size_t i = 0; i < candidate->lesson_count; i++) most += 1 + candidate->lessons[i].count;
  mw_node *nodes = mw_mem_new(most, sizeof *nodes, err);
  if (!nodes) return false;
  for (size_t i = 0; i < outputs; i++) nodes[i] = candidate->outputs[i].node;
  for (size_t i = 0; i < candidate->lesson_count; i++) {
    const mw_lesson *lesson = &candidate->lessons[i];
    if (lesson->loss) nodes[count++] = lesson->loss;
    for (size_t k = 0; k < lesson->count; k++) nodes[count++] = lesson->parts[k].node;
  }
  bool ok = mw_identity_hash(candidate->graph, nodes, count, models, model_count, identity, err);
  free(nodes);
  mw_sha256 hash;
  mw_sha256_init(&hash);
  mw_sha256_add(&hash, identity, 64);
  for (size_t i = 0; i < candidate->lesson_count; i++) hash_lesson(&hash, &candidate->lessons[i]);
  mw_sha256_finish(&hash, identity);
  return ok;
}

/* Its identity, and the labels of the models that it is made of. */
static bool identify(const mw_score *score, const mw_candidate *candidate, char identity[65], mw_text *json, mw_text *words,
                     mw_error *err) {
  bool *models = mw_mem_new(score->inputs->count, sizeof *models, err);
  bool ok = models && hash_all(candidate, models, score->inputs->count, identity, err);
  for (size_t m = 0, seen = 0; m < score->inputs->count && ok; m++) {
    if (!models[m]) continue;
    const char *label = score->inputs->members[m].label;
    mw_text_format(json, seen ? ", " : "");
    mw_text_json(json, label, strlen(label));
    mw_text_format(words, "%s%s", seen++ ? ", " : "", label);
  }
  free(models);
  return ok;
}

static const entry *known(const mw_score *score, const char *identity) {
  for (size_t i = 0; i < score->count; i++)
    if (strcmp(score->entries[i].identity, identity) == 0) return &score->entries[i];
  return NULL;
}

/* ---- the room ---- */

static bool open_room(mw_score *score, mw_error *err) {
  mw_target target;
  mw_sha256 hash;
  char hex[65];
  if (score->room >= 0) return true;
  MW_TRY(mw_target_resolve(score->options->output, &score->arena, &target, err));
  mw_sha256_init(&hash);
  mw_sha256_add(&hash, target.path, strlen(target.path));
  mw_sha256_finish(&hash, hex);
  size_t length = strlen(target.name) + sizeof ".scoring-01234567";
  char *name = mw_mem_take(&score->arena, length, err);
  if (!name) return false;
  snprintf(name, length, "%s.scoring-%.8s", target.name, hex);
  score->room_name = name;
  const char *path = mw_file_join(&score->arena, target.parent, name, err);
  if (!path || !(score->folder = mw_file_join(&score->arena, path, "candidate", err))) return false;
  if (score->parent < 0) score->parent = open(target.parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (score->parent < 0) return mw_error_set(err, MW_IO, "the output's folder cannot be opened: %s", strerror(errno));
  return mw_folder_make(score->parent, name, target.typed, &score->room, err);
}

/* ---- measuring ---- */

static bool go_on(void *context) {
  const mw_score *score = context;
  return !score->progress || score->progress(score->context, 0, 0, 0);
}

/* The command with every {dir} replaced by the folder, quoted for the shell. */
static bool fill_in(const char *command, const char *folder, mw_text *out, mw_error *err) {
  for (const char *at = command, *next; *at; at = next) {
    const char *mark = strstr(at, "{dir}");
    next = mark ? mark + 5 : at + strlen(at);
    mw_text_add(out, at, (size_t)((mark ? mark : next) - at));
    if (mark) mw_text_shell(out, folder);
  }
  return mw_text_check(out, err);
}

/* The last line that says something, cut out of the text. */
static const char *last_line(char *text) {
  size_t end = strlen(text);
  while (end && strchr(" \t\r\n", text[end - 1])) text[--end] = 0;
  const char *line = strrchr(text, '\n');
  return line ? line + 1 : text;
}

static bool run_command(mw_score *score, const char *what, double *value, mw_error *err) {
  mw_text command = {0}, output = {0};
  mw_shown room;
  mw_command_watch watch = {score->options->score_timeout, go_on, score};
  bool ok = fill_in(score->options->score, score->folder, &command, err) &&
            mw_command_run(what, command.bytes, watch, &output, err);
  if (ok && !output.length) ok = mw_error_set(err, MW_DATA, "%s is missing: its command printed nothing", what);
  if (ok && !(ok = mw_command_number(output.bytes, value)))
    mw_error_set(err, MW_DATA, "%s is no finite number; its command ended with: %s", what,
                 mw_text_shown_z(&room, last_line(output.bytes)));
  if (!ok && err->status == MW_DATA && !*err->hint)
    mw_error_hint(err, "--score is a command that prints one number last, greater is better");
  mw_text_free(&command);
  mw_text_free(&output);
  return ok;
}

/* Makes the candidate, measures it, removes it; a loss needs none of that. */
static bool measure(mw_score *score, const mw_candidate *candidate, const char *what, double *value, mw_error *err) {
  if (score->loss) return score->loss(score->context, candidate, value, err) || mw_error_wrap(err, "%s", what);
  MW_TRY(open_room(score, err));
  if (!score->make(score->context, candidate, score->folder, err)) return mw_error_wrap(err, "%s", what);
  mw_error later;
  bool ok = run_command(score, what, value, err);
  return mw_folder_remove(score->room, "candidate", ok ? err : &later) && ok;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A new candidate: its number, its line, and whoever wants to hear of it. */
static bool take(mw_score *score, const mw_candidate *candidate, const char *identity, const mw_text labels[2],
                 const char *drawn_json, const char *drawn_words, double *value, mw_error *err) {
  char what[64], number[32];
  if (score->count >= MOST) return mw_error_set(err, MW_DATA, "the recipe asks for the scores of more than %d candidates", MOST);
  MW_TRY(mw_mem_grow(&score->entries, &score->capacity, score->count + 1, sizeof *score->entries, err));
  snprintf(what, sizeof what, "the score of candidate %zu", score->count + 1);
  double begun = now();
  *value = 0;
  if (score->make) MW_TRY(measure(score, candidate, what, value, err));
  memcpy(score->entries[score->count].identity, identity, 65);
  score->entries[score->count++].value = *value;
  mw_text_format(&score->lines, "{\"candidate\": %zu, \"models\": [%s], \"drawn\": [%s], \"score\": %s}\n", score->count,
                 labels[0].bytes ? labels[0].bytes : "", drawn_json, mw_text_number(number, *value));
  mw_text of = {0};
  mw_text_format(&of, "%s%s%s", labels[1].bytes ? labels[1].bytes : "", *drawn_words ? "; " : "", drawn_words);
  if (score->make && score->options->scored && !of.failed)
    score->options->scored(score->options->scored_context,
                           &(mw_scored){score->count, *value, now() - begun, of.bytes ? of.bytes : ""});
  mw_text_free(&of);
  return mw_text_check(&score->lines, err);
}

bool mw_score_ask(mw_score *score, mw_candidate *candidate, const char *drawn_json, const char *drawn_words, double *value,
                  mw_error *err) {
  char identity[65];
  mw_text labels[2] = {{0}, {0}};
  bool ok = score->asked++ < ASKED || mw_error_set(err, MW_DATA, "the recipe asks for more than %d scores", ASKED);
  ok = ok && identify(score, candidate, identity, &labels[0], &labels[1], err) && mw_text_check(&labels[0], err) &&
       mw_text_check(&labels[1], err);
  const entry *before = ok ? known(score, identity) : NULL;
  if (before) *value = before->value;
  else ok = ok && take(score, candidate, identity, labels, drawn_json, drawn_words, value, err);
  mw_text_free(&labels[0]);
  mw_text_free(&labels[1]);
  if (ok && !score->make && score->count == 1 && !before) score->first = *candidate;
  else mw_score_drop(candidate);
  return ok;
}

bool mw_score_choose(mw_score *score, const mw_candidate *result, mw_error *err) {
  char identity[65];
  mw_text labels[2] = {{0}, {0}};
  bool ok = identify(score, result, identity, &labels[0], &labels[1], err);
  mw_text_free(&labels[0]);
  mw_text_free(&labels[1]);
  if (!ok) return false;
  const entry *chosen = known(score, identity);
  mw_text_format(&score->json, "{");
  if (score->judges) mw_text_format(&score->json, "\"judges\": {%s}, ", score->judges);
  mw_text_format(&score->json, "\"candidates\": [");
  for (const char *line = score->lines.bytes; line && *line;) {
    size_t length = strcspn(line, "\n");
    mw_text_add(&score->json, line, length);
    line += length + 1;
    if (*line) mw_text_format(&score->json, ", ");
  }
  if (chosen) mw_text_format(&score->json, "], \"chosen\": %zu}", (size_t)(chosen - score->entries) + 1);
  else mw_text_format(&score->json, "], \"chosen\": null}");
  return mw_text_check(&score->json, err);
}
