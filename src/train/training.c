/* training.c: see training.h. */
#include "train/training.h"
#include "base/sha256.h"
#include "train/checkpoint.h"
#include "train/coefficients.h"
#include "train/loss_terms.h"
#include "output/target.h"
#include "learn/train.h"
#include "num/gemm.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Between two checkpoints: at least so many seconds, and so many times as long as the last one took. */
enum { SECONDS_BETWEEN = 10, TIMES_BETWEEN = 50 };
/* Reading or writing an element takes as long as so many operations of products: measured on nine trainings, from 14 tokens
 * of a model of 1.7 million parameters to 768 of a SmolLM2, whose times it then tells to a fifth. */
enum { OPERATIONS_AN_ELEMENT = 32 };

struct mw_study {
  mw_study_job job;
  mw_training *trainings;
  mw_learned *learned;
  size_t learned_count, learned_total;
  mw_terms *terms;          /* of each training's loss */
  mw_checkpoint checkpoint; /* states and curves too */
  char coefficients[65];    /* hash of --coefficients, or "" */
  double written, took;     /* when the last checkpoint was, and how long it took */
  mw_arena arena;
};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static mw_train_world world_of(const mw_study_job *job) {
  return (mw_train_world){.graph = job->graph, .family = &job->inputs->family, .members = job->inputs->members,
                          .sets = (const mw_dataset *const *)job->data->sets, .set_count = job->data->count,
                          .threads = job->threads};
}

/* What a lesson will take, and how many numbers it learns; a lesson without steps takes nothing. */
static bool measure(const mw_study_job *job, const mw_lesson *lesson, mw_train_cost *cost, uint64_t *numbers, mw_error *err) {
  mw_train_world world = world_of(job);
  mw_node *nodes = mw_mem_new(lesson->count, sizeof *nodes, err);
  if (!nodes) return false;
  *cost = (mw_train_cost){0};
  *numbers = 0;
  for (size_t k = 0; k < lesson->count; k++) {
    nodes[k] = lesson->parts[k].node;
    *numbers += mw_graph_elements(job->graph, mw_graph_facts(job->graph, nodes[k]).shape);
  }
  bool ok = !lesson->loss || mw_train_measure(&world, lesson->loss, nodes, lesson->count, cost, err);
  free(nodes);
  return ok;
}

/* ---- making ready ---- */

/* Before anything is learned: all of it has room. */
static bool check_room(const mw_study_job *job, mw_error *err) {
  for (size_t i = 0; i < job->lesson_count; i++) {
    mw_train_cost cost;
    uint64_t numbers;
    MW_TRY(measure(job, &job->lessons[i], &cost, &numbers, err));
    if (!mw_train_fits(&cost, err)) return mw_error_wrap(err, "training %zu", i + 1);
  }
  return true;
}

static bool prepare_training(mw_study *study, size_t i, mw_error *err) {
  const mw_lesson *lesson = &study->job.lessons[i];
  mw_node *nodes = mw_mem_take(&study->arena, (lesson->count + 1) * sizeof *nodes, err);
  if (!nodes) return false;
  for (size_t k = 0; k < lesson->count; k++) nodes[k] = lesson->parts[k].node;
  study->trainings[i] = (mw_training){.loss = lesson->loss, .coefficients = nodes, .coefficient_count = lesson->count,
                                      .steps = lesson->steps, .rate = lesson->rate, .beta1 = 0.9, .beta2 = 0.999,
                                      .epsilon = 1e-8, .decay = lesson->decay, .clip = lesson->clip, .share = lesson->share,
                                      .seed = lesson->seed};
  study->learned_total += lesson->count;
  mw_curve *curve = &study->checkpoint.curves[i];
  mw_terms *terms = &study->terms[i];
  if (lesson->loss) MW_TRY(mw_terms_find(study->job.graph, lesson->loss, &study->arena, terms, err));
  study->trainings[i].terms = terms->nodes;
  study->trainings[i].term_count = terms->node_count;
  *curve = (mw_curve){.count = lesson->steps, .names = terms->names, .term_count = terms->count};
  curve->points = mw_mem_take(&study->arena, (curve->count + 1) * sizeof *curve->points, err);
  curve->terms = curve->points ? mw_mem_take(&study->arena, (curve->count * terms->count + 1) * sizeof *curve->terms, err) : NULL;
  return curve->terms && mw_train_state_new(&study->checkpoint.states[i], study->job.graph, &study->trainings[i], err);
}

static void add_number(mw_sha256 *sha, uint64_t number) { mw_sha256_add(sha, &number, sizeof number); }

/* Everything that decides about the result: the graph with its trainings, the data, the inputs, this program. */
static bool identify(mw_study *study, mw_error *err) {
  const mw_study_job *job = &study->job;
  mw_text text = {0};
  mw_sha256 sha;
  mw_text_format(&text, "%s %s %s ", MW_VERSION, mw_gemm_core(), study->coefficients);
  for (size_t i = 0; i < job->data->count; i++) mw_text_format(&text, "%s %u ", job->data->hashes[i], job->data->facts[i].length);
  MW_TRY(mw_wire_put_graph(&text, job->graph, job->outputs, job->output_count, NULL, err));
  mw_lesson_put(&text, job->lessons, job->lesson_count, NULL);
  MW_TRY(mw_text_check(&text, err));
  mw_sha256_init(&sha);
  mw_sha256_add(&sha, text.bytes, text.length);
  mw_text_free(&text);
  for (size_t m = 0; m < job->inputs->count; m++)
    for (size_t f = 0; f < job->inputs->members[m].model->file_count; f++) {
      const mw_file *file = &job->inputs->members[m].model->files[f];
      add_number(&sha, file->size);
      add_number(&sha, (uint64_t)file->modified_ns);
      add_number(&sha, file->inode);
    }
  mw_sha256_finish(&sha, study->checkpoint.identity);
  return true;
}

static bool place_checkpoint(mw_study *study, mw_error *err) {
  mw_checkpoint *checkpoint = &study->checkpoint;
  mw_target target;
  if (!study->job.output) return true;
  MW_TRY(mw_target_resolve(study->job.output, &study->arena, &target, err));
  size_t room = strlen(target.path) + sizeof ".learning";
  char *path = mw_mem_take(&study->arena, room, err);
  if (!path || !(checkpoint->part = mw_file_join(&study->arena, study->job.folder, "learning", err))) return false;
  snprintf(path, room, "%s.learning", target.path);
  checkpoint->path = path;
  return mw_checkpoint_read(checkpoint, err);
}

static bool load_coefficients(mw_study *study, mw_error *err) {
  const mw_study_job *job = &study->job;
  float **values = mw_mem_take(&study->arena, (job->lesson_count + 1) * sizeof *values, err);
  if (!values) return false;
  for (size_t i = 0; i < job->lesson_count; i++) values[i] = study->checkpoint.states[i].values;
  return mw_coefficients_load(job->options->coefficients, job->lessons, job->lesson_count, job->graph, values,
                              study->coefficients, err);
}

static bool make_ready(mw_study *study, mw_error *err) {
  const mw_study_job *job = &study->job;
  size_t count = job->lesson_count + 1;
  mw_checkpoint *checkpoint = &study->checkpoint;
  study->trainings = mw_mem_take(&study->arena, count * sizeof *study->trainings, err);
  study->terms = study->trainings ? mw_mem_take(&study->arena, count * sizeof *study->terms, err) : NULL;
  checkpoint->states = study->terms ? mw_mem_take(&study->arena, count * sizeof *checkpoint->states, err) : NULL;
  checkpoint->curves = checkpoint->states ? mw_mem_take(&study->arena, count * sizeof *checkpoint->curves, err) : NULL;
  if (!checkpoint->curves) return false;
  for (; checkpoint->count < job->lesson_count; checkpoint->count++) MW_TRY(prepare_training(study, checkpoint->count, err));
  study->learned = mw_mem_take(&study->arena, (study->learned_total + 1) * sizeof *study->learned, err);
  if (!study->learned) return false;
  if (job->options->coefficients) MW_TRY(load_coefficients(study, err));
  return identify(study, err) && place_checkpoint(study, err);
}

bool mw_study_open(const mw_study_job *job, mw_study **out, mw_error *err) {
  mw_study *study = mw_mem_new(1, sizeof *study, err);
  if (!study) return false;
  study->job = *job;
  bool ok = check_room(job, err) && make_ready(study, err);
  if (!ok) mw_study_free(study);
  *out = ok ? study : NULL;
  return ok;
}

void mw_study_free(mw_study *study) {
  if (!study) return;
  for (size_t i = 0; i < study->checkpoint.count; i++) mw_train_state_free(&study->checkpoint.states[i]);
  mw_mem_release(&study->arena);
  free(study);
}

/* ---- running ---- */

static bool keep(mw_study *study, mw_error *err) {
  if (!study->job.output) return true;
  double begun = now();
  bool ok = mw_checkpoint_write(&study->checkpoint, err);
  study->written = now();
  study->took = study->written - begun;
  return ok;
}

static bool on_step(void *context, const mw_train_report *report, const mw_train_state *state, mw_error *err) {
  mw_study *study = context;
  mw_checkpoint *checkpoint = &study->checkpoint;
  (void)state; /* the checkpoint's own */
  mw_curve *curve = &checkpoint->curves[checkpoint->current];
  curve->points[report->step - 1] = (mw_curve_point){report->loss, report->gradient};
  mw_terms_sum(&study->terms[checkpoint->current], report->terms, curve->terms + (report->step - 1) * curve->term_count);
  if (now() - study->written > fmax(SECONDS_BETWEEN, TIMES_BETWEEN * study->took)) MW_TRY(keep(study, err));
  mw_learning_facts facts = {(unsigned)checkpoint->current + 1, (unsigned)checkpoint->count, report->step, report->steps, report->loss};
  return !study->job.learning || study->job.learning(study->job.context, &facts);
}

static int by_node(const void *a, const void *b) {
  const mw_learned *x = a, *y = b;
  return (x->coefficient > y->coefficient) - (x->coefficient < y->coefficient);
}

/* Training `i` has its values: they are what LEARNED(coefficient, i) is. */
static void conclude(mw_study *study, size_t i) {
  const mw_lesson *lesson = &study->job.lessons[i];
  const float *at = study->checkpoint.states[i].values;
  mw_learned *first = study->learned + study->learned_count;
  for (size_t k = 0; k < lesson->count; k++) {
    first[k] = (mw_learned){i, lesson->parts[k].node, at};
    at += mw_graph_elements(study->job.graph, mw_graph_facts(study->job.graph, lesson->parts[k].node).shape);
  }
  qsort(first, lesson->count, sizeof *first, by_node);
  study->learned_count += lesson->count;
}

static bool run_training(mw_study *study, size_t i, mw_error *err) {
  const mw_study_job *job = &study->job;
  mw_train_world world = world_of(job);
  world.learned = study->learned;
  world.learned_count = study->learned_count;
  mw_train_watch watch = {study, on_step};
  mw_train_state *state = &study->checkpoint.states[i];
  mw_shown shown;
  if (mw_train_run(&world, &study->trainings[i], state, &watch, err)) return true;
  if (err->status != MW_INTERRUPTED || !job->output) return false;
  mw_error kept;
  if (!keep(study, &kept)) return mw_error_wrap(err, "the training is lost (%s)", kept.text);
  mw_error_set(err, MW_INTERRUPTED, "stopped after step %llu of %u; %s keeps it", (unsigned long long)state->step,
               job->lessons[i].steps, mw_text_shown_z(&shown, study->checkpoint.path));
  return mw_error_hint(err, "the same command goes on from there");
}

bool mw_study_run(mw_study *study, mw_error *err) {
  mw_checkpoint *checkpoint = &study->checkpoint;
  bool trained = false;
  study->written = now();
  for (size_t i = 0; i < checkpoint->count; i++) {
    if (i > checkpoint->current) checkpoint->current = i;
    if (i == checkpoint->current && checkpoint->states[i].step < checkpoint->curves[i].count) {
      MW_TRY(run_training(study, i, err));
      trained = true;
    }
    conclude(study, i);
  }
  return !trained || keep(study, err); /* whatever happens to the output now */
}

const mw_learned *mw_study_learned(const mw_study *study, size_t *count) {
  *count = study->learned_count;
  return study->learned;
}

void mw_study_done(mw_study *study) {
  if (study->job.output) mw_checkpoint_remove(&study->checkpoint);
}

/* ---- what it costs ---- */

/* What one thread of this machine does in matrix products, in operations a second: the best of a few short runs. */
static double speed_of_products(mw_error *err) {
  enum { SIZE = 256, RUNS = 6 };
  float *a = mw_mem_new(3 * SIZE * SIZE, sizeof *a, err);
  double best = 0;
  mw_gemm_begin();
  for (int i = 0; a && i < RUNS; i++) {
    mw_matrix x = {a, SIZE}, y = {a + SIZE * SIZE, SIZE};
    double begun = now();
    mw_gemm_nt(SIZE, SIZE, SIZE, 1, x, y, 0, a + 2 * SIZE * SIZE, SIZE);
    double speed = 2.0 * SIZE * SIZE * SIZE / fmax(now() - begun, 1e-9);
    if (speed > best) best = speed;
  }
  free(a);
  return best;
}

bool mw_study_measure(const mw_study_job *job, mw_plan_training *costs, mw_error *err) {
  double speed = job->lesson_count ? speed_of_products(err) : 1;
  MW_TRY(speed > 0);
  for (size_t i = 0; i < job->lesson_count; i++) {
    const mw_lesson *lesson = &job->lessons[i];
    mw_train_cost cost;
    uint64_t numbers;
    MW_TRY(measure(job, lesson, &cost, &numbers, err));
    costs[i] = (mw_plan_training){.steps = lesson->steps, .windows = lesson->windows, .coefficients = numbers,
                                  .tokens = cost.tokens, .memory = cost.memory, .weights = cost.weights,
                                  .activations = cost.activations, .flops = cost.products};
    costs[i].seconds = (cost.products + OPERATIONS_AN_ELEMENT * cost.touched) / (speed * job->threads);
  }
  return true;
}

/* ---- what it leaves ---- */

static bool put(mw_writer *writer, const char *name, bool composed, mw_text *text, mw_error *err) {
  bool ok = composed && (!text->length || mw_writer_file(writer, name, text->bytes, text->length, err));
  mw_text_free(text);
  return ok;
}

bool mw_study_write(const mw_study *study, mw_writer *writer, mw_error *err) {
  const mw_study_job *job = &study->job;
  size_t count = job->lesson_count;
  bool trained = false;
  mw_text text = {0};
  float **values = mw_mem_new(count, sizeof *values, err);
  const mw_curve *curves = study->checkpoint.curves;
  bool ok = values != NULL;
  for (size_t i = 0; ok && i < count; i++) {
    values[i] = study->checkpoint.states[i].values;
    trained |= curves[i].count > 0;
  }
  ok = ok && put(writer, "moonweld/coefficients.safetensors",
                 mw_coefficients_compose(job->lessons, count, job->graph, values, &text, err), &text, err);
  if (trained)
    ok = ok && put(writer, "moonweld/training.jsonl", mw_curve_lines(curves, count, &text, err), &text, err) &&
         put(writer, "moonweld/loss.svg", mw_curve_chart(curves, count, &text, err), &text, err);
  free(values);
  return ok;
}

bool mw_study_tell(const mw_study *study, mw_text *json, mw_error *err) {
  const mw_study_job *job = &study->job;
  char rate[32], decay[32], clip[32], share[32], first[32], last[32];
  mw_text_format(json, "{");
  mw_calibration_tell(job->data, job->options->window, json);
  mw_text_format(json, ", \"coefficients\": %s%s%s, \"trainings\": [", *study->coefficients ? "\"" : "",
                 *study->coefficients ? study->coefficients : "null", *study->coefficients ? "\"" : "");
  for (size_t i = 0; i < job->lesson_count; i++) {
    const mw_lesson *lesson = &job->lessons[i];
    const mw_curve_point *points = study->checkpoint.curves[i].points;
    mw_text_format(json,
                   "%s{\"coefficients\": %zu, \"steps\": %u, \"windows\": %u, \"rate\": %s, \"decay\": %s, "
                   "\"clip\": %s, \"share\": %s",
                   i ? ", " : "", study->checkpoint.states[i].count, lesson->steps, lesson->windows,
                   mw_text_number(rate, lesson->rate), mw_text_number(decay, lesson->decay),
                   mw_text_number(clip, lesson->clip), mw_text_number(share, lesson->share));
    if (lesson->steps)
      mw_text_format(json, ", \"first_loss\": %s, \"last_loss\": %s", mw_text_number(first, points[0].loss),
                     mw_text_number(last, points[lesson->steps - 1].loss));
    mw_text_format(json, "}");
  }
  mw_text_format(json, "]}");
  return mw_text_check(json, err);
}
