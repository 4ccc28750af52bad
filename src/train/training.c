/* training.c: runs the trainings of a plan one after the other. The identity of the run is a hash of everything on which the result
 * depends. If a checkpoint of that identity exists, its values are taken and the run continues there. While a training runs, a
 * checkpoint is written now and then, and at the end of each training. A training's result is the value of LEARNED nodes, which
 * later trainings may read. */
#include "train/training.h"
#include "base/clock.h"
#include "base/sha256.h"
#include "train/checkpoint.h"
#include "train/coefficients.h"
#include "train/loss_terms.h"
#include "model/fingerprint.h"
#include "output/target.h"
#include "learn/train.h"
#include "num/gemm.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Between two checkpoints at least so many seconds pass, and so many times the time that the last one took, but no more than a minute
 * (or a step, if that takes longer): so much is lost when the run is killed. */
enum { SECONDS_BETWEEN = 10, TIMES_BETWEEN = 50, SECONDS_MOST = 60 };

struct mw_training {
  mw_training_job job;
  mw_train_spec *trainings;
  mw_job_learned *learned;
  size_t learned_count, learned_total;
  mw_loss_terms *terms;          /* of each training's loss */
  mw_checkpoint checkpoint; /* states and curves too */
  char coefficients[65];    /* hash of --coefficients, or "" */
  double written, took;     /* when the last checkpoint was written, and how long that took */
  mw_arena arena;
};

static mw_train_world world_of(const mw_training_job *job) {
  return (mw_train_world){.graph = job->graph, .family = &job->inputs->family,
                          .sets = (const mw_dataset *const *)job->data->sets, .set_count = job->data->count,
                          .statistics = job->statistics, .statistic_count = job->statistic_count, .ranks = job->ranks,
                          .threads = job->threads};
}

/* Memory and time of a spec, and how many numbers it learns. A spec without steps takes nothing. */
static bool measure(const mw_training_job *job, const mw_learn_spec *spec, mw_train_cost *cost, uint64_t *numbers, mw_error *err) {
  mw_train_world world = world_of(job);
  mw_node *nodes = mw_mem_new(spec->count, sizeof *nodes, err);
  if (!nodes) return false;
  *cost = (mw_train_cost){0};
  *numbers = 0;
  for (size_t k = 0; k < spec->count; k++) {
    nodes[k] = spec->parts[k].node;
    *numbers += mw_graph_elements(job->graph, mw_graph_facts(job->graph, nodes[k]).shape);
  }
  bool ok = !spec->loss || mw_train_measure(&world, spec->loss, nodes, spec->count, cost, err);
  free(nodes);
  return ok;
}

/* ---- preparing ---- */

/* Allocates the values and curves of all trainings before the first one runs. */
static bool check_room(const mw_training_job *job, mw_error *err) {
  MW_TRY(mw_gemm_begin(err));
  for (size_t i = 0; i < job->spec_count; i++) {
    mw_train_cost cost;
    uint64_t numbers;
    MW_TRY(measure(job, &job->specs[i], &cost, &numbers, err));
    if (!mw_train_fits(&cost, job->threads, err)) return mw_error_wrap(err, "training %zu", i + 1);
  }
  return true;
}

static bool prepare_training(mw_training *training, size_t i, mw_error *err) {
  const mw_learn_spec *spec = &training->job.specs[i];
  mw_node *nodes = mw_mem_take(&training->arena, (spec->count + 1) * sizeof *nodes, err);
  if (!nodes) return false;
  for (size_t k = 0; k < spec->count; k++) nodes[k] = spec->parts[k].node;
  training->trainings[i] = (mw_train_spec){.loss = spec->loss, .coefficients = nodes, .coefficient_count = spec->count,
                                      .steps = spec->steps, .rate = spec->rate, .beta1 = 0.9, .beta2 = 0.999,
                                      .epsilon = 1e-8, .decay = spec->decay, .clip = spec->clip, .share = spec->share,
                                      .seed = spec->seed};
  training->learned_total += spec->count;
  mw_training_log *curve = &training->checkpoint.curves[i];
  mw_loss_terms *terms = &training->terms[i];
  if (spec->loss) MW_TRY(mw_loss_terms_find(training->job.graph, spec->loss, &training->arena, terms, err));
  training->trainings[i].terms = terms->nodes;
  training->trainings[i].term_count = terms->node_count;
  *curve = (mw_training_log){.count = spec->steps, .names = terms->names, .term_count = terms->count};
  curve->points = mw_mem_take(&training->arena, (curve->count + 1) * sizeof *curve->points, err);
  curve->terms = curve->points ? mw_mem_take(&training->arena, (curve->count * terms->count + 1) * sizeof *curve->terms, err) : NULL;
  return curve->terms && mw_train_state_new(&training->checkpoint.states[i], training->job.graph, &training->trainings[i], err);
}

/* The hash of everything on which the result depends: the graph with its trainings, the data, the inputs, this program. */
static bool identify(mw_training *training, mw_error *err) {
  const mw_training_job *job = &training->job;
  mw_text text = {0};
  mw_sha256 sha;
  mw_text_format(&text, "%s %s %s ", MW_VERSION, mw_gemm_core(), training->coefficients);
  for (size_t i = 0; i < job->data->count; i++) mw_text_format(&text, "%s %u ", job->data->hashes[i], job->data->facts[i].length);
  bool ok = mw_message_put_graph(&text, job->graph, job->outputs, job->output_count, NULL, err);
  mw_learn_spec_put(&text, job->specs, job->spec_count, NULL);
  ok = ok && mw_fingerprint_inputs(job->inputs, &text, err) && mw_text_check(&text, err);
  mw_sha256_init(&sha);
  if (ok) mw_sha256_add(&sha, text.bytes, text.length);
  mw_text_free(&text);
  mw_sha256_finish(&sha, training->checkpoint.identity);
  return ok;
}

static bool place_checkpoint(mw_training *training, mw_error *err) {
  mw_checkpoint *checkpoint = &training->checkpoint;
  mw_target target;
  if (!training->job.output) return true;
  MW_TRY(mw_target_resolve(training->job.output, &training->arena, &target, err));
  size_t length = strlen(target.path) + sizeof ".learning";
  char *path = mw_mem_take(&training->arena, length, err);
  if (!path || !(checkpoint->part = mw_file_join(&training->arena, training->job.folder, "learning", err))) return false;
  snprintf(path, length, "%s.learning", target.path);
  checkpoint->path = path;
  return mw_checkpoint_read(checkpoint, err);
}

/* Between a number and its place in a row. */
static void pass(char **place, void *number, size_t size, bool taking) {
  memcpy(taking ? number : *place, taking ? *place : number, size);
  *place += size;
}

/* What a checkpoint has given to rank 0, for all: the numbers of all trainings, and how far they are. */
static bool share(mw_training *training, mw_error *err) {
  mw_checkpoint *c = &training->checkpoint;
  const mw_ranks *ranks = training->job.ranks;
  size_t bytes = (c->count + 1) * sizeof(uint64_t), count;
  for (size_t i = 0; i < c->count; i++) bytes += 3 * c->states[i].count * sizeof(float);
  uint64_t *numbers = mw_mem_new(count = (bytes + 7) / sizeof *numbers, sizeof *numbers, err);
  if (!numbers) return false;
  for (int taking = 0; taking < 2; taking++) {
    char *next = (char *)numbers;
    uint64_t current = c->current;
    pass(&next, &current, sizeof current, taking);
    c->current = (size_t)current;
    for (size_t i = 0; i < c->count; i++) {
      mw_train_state *state = &c->states[i];
      size_t size = state->count * sizeof(float);
      pass(&next, &state->step, sizeof state->step, taking);
      pass(&next, state->values, size, taking);
      pass(&next, state->momentum, size, taking);
      pass(&next, state->variance, size, taking);
    }
    if (taking) break;
    if (ranks->rank) memset(numbers, 0, count * sizeof *numbers);
    if (!ranks->combine(MW_RANKS_UNITE, numbers, count, err)) return free(numbers), false;
  }
  free(numbers);
  return true;
}

static bool load_coefficients(mw_training *training, mw_error *err) {
  const mw_training_job *job = &training->job;
  float **values = mw_mem_take(&training->arena, (job->spec_count + 1) * sizeof *values, err);
  if (!values) return false;
  for (size_t i = 0; i < job->spec_count; i++) values[i] = training->checkpoint.states[i].values;
  return mw_coefficients_load(job->options->coefficients, job->specs, job->spec_count, job->graph, values,
                              training->coefficients, err);
}

static bool make_ready(mw_training *training, mw_error *err) {
  const mw_training_job *job = &training->job;
  size_t count = job->spec_count + 1;
  mw_checkpoint *checkpoint = &training->checkpoint;
  training->trainings = mw_mem_take(&training->arena, count * sizeof *training->trainings, err);
  training->terms = training->trainings ? mw_mem_take(&training->arena, count * sizeof *training->terms, err) : NULL;
  checkpoint->states = training->terms ? mw_mem_take(&training->arena, count * sizeof *checkpoint->states, err) : NULL;
  checkpoint->curves = checkpoint->states ? mw_mem_take(&training->arena, count * sizeof *checkpoint->curves, err) : NULL;
  if (!checkpoint->curves) return false;
  for (; checkpoint->count < job->spec_count; checkpoint->count++) MW_TRY(prepare_training(training, checkpoint->count, err));
  training->learned = mw_mem_take(&training->arena, (training->learned_total + 1) * sizeof *training->learned, err);
  if (!training->learned) return false;
  if (job->options->coefficients) MW_TRY(load_coefficients(training, err));
  return identify(training, err) && place_checkpoint(training, err) && (!job->ranks || share(training, err));
}

bool mw_training_open(const mw_training_job *job, mw_training **out, mw_error *err) {
  mw_training *training = mw_mem_new(1, sizeof *training, err);
  if (!training) return false;
  training->job = *job;
  bool ok = check_room(job, err) && make_ready(training, err);
  if (!ok) mw_training_free(training);
  *out = ok ? training : NULL;
  return ok;
}

void mw_training_free(mw_training *training) {
  if (!training) return;
  for (size_t i = 0; i < training->checkpoint.count; i++) mw_train_state_free(&training->checkpoint.states[i]);
  mw_mem_release(&training->arena);
  free(training);
}

/* ---- running ---- */

static bool keep(mw_training *training, mw_error *err) {
  if (!training->job.output) return true;
  double begun = mw_clock_now();
  bool ok = mw_checkpoint_write(&training->checkpoint, err);
  training->written = mw_clock_now();
  training->took = training->written - begun;
  return ok;
}

/* For tests MOONWELD_CHECKPOINT says after how many seconds the next one is written. */
static double seconds_between(const mw_training *training) {
  const char *set = getenv("MOONWELD_CHECKPOINT");
  double seconds;
  if (set && mw_text_parse_number(set, &seconds)) return seconds;
  return fmin(SECONDS_MOST, fmax(SECONDS_BETWEEN, TIMES_BETWEEN * training->took));
}

static bool on_step(void *context, const mw_train_report *report, const mw_train_state *state, mw_error *err) {
  mw_training *training = context;
  mw_checkpoint *checkpoint = &training->checkpoint;
  (void)state; /* the checkpoint's own */
  mw_training_log *curve = &checkpoint->curves[checkpoint->current];
  curve->points[report->step - 1] = (mw_training_log_point){report->loss, report->gradient};
  mw_loss_terms_sum(&training->terms[checkpoint->current], report->terms, curve->terms + (report->step - 1) * curve->term_count);
  if (mw_clock_now() - training->written > seconds_between(training)) MW_TRY(keep(training, err));
  mw_learning_facts facts = {(unsigned)checkpoint->current + 1, (unsigned)checkpoint->count, report->step, report->steps, report->loss};
  return !training->job.learning || training->job.learning(training->job.context, &facts);
}

static int by_node(const void *a, const void *b) {
  const mw_job_learned *x = a, *y = b;
  return (x->coefficient > y->coefficient) - (x->coefficient < y->coefficient);
}

/* Training i has ended: its values become those of LEARNED(coefficient, i). */
static void conclude(mw_training *training, size_t i) {
  const mw_learn_spec *spec = &training->job.specs[i];
  const float *at = training->checkpoint.states[i].values;
  mw_job_learned *first = training->learned + training->learned_count;
  for (size_t k = 0; k < spec->count; k++) {
    first[k] = (mw_job_learned){i, spec->parts[k].node, at};
    at += mw_graph_elements(training->job.graph, mw_graph_facts(training->job.graph, spec->parts[k].node).shape);
  }
  qsort(first, spec->count, sizeof *first, by_node);
  training->learned_count += spec->count;
}

static bool run_training(mw_training *training, size_t i, mw_error *err) {
  const mw_training_job *job = &training->job;
  mw_train_world world = world_of(job);
  world.learned = training->learned;
  world.learned_count = training->learned_count;
  mw_train_watch watch = {training, on_step};
  mw_train_state *state = &training->checkpoint.states[i];
  mw_text_escaped shown;
  if (mw_train_run(&world, &training->trainings[i], state, &watch, err)) return true;
  if (err->status != MW_INTERRUPTED || !job->output) return false;
  mw_error kept;
  if (!keep(training, &kept)) return mw_error_wrap(err, "the training is lost (%s)", kept.text);
  mw_error_set(err, MW_INTERRUPTED, "stopped after step %llu of %u; %s keeps it", (unsigned long long)state->step,
               job->specs[i].steps, mw_text_escape_z(&shown, training->checkpoint.path));
  return mw_error_hint(err, "the same command goes on from there");
}

bool mw_training_run(mw_training *training, mw_error *err) {
  mw_checkpoint *checkpoint = &training->checkpoint;
  bool trained = false;
  training->written = mw_clock_now();
  for (size_t i = 0; i < checkpoint->count; i++) {
    if (i > checkpoint->current) checkpoint->current = i;
    if (i == checkpoint->current && checkpoint->states[i].step < checkpoint->curves[i].count) {
      MW_TRY(run_training(training, i, err));
      trained = true;
    }
    conclude(training, i);
  }
  return !trained || keep(training, err); /* kept even if the merge fails now */
}

void mw_training_hint(const mw_training *training, mw_error *err) {
  mw_text_escaped shown;
  if (!training->checkpoint.ours || *err->hint || (err->status != MW_INTERRUPTED && err->status != MW_IO)) return;
  mw_error_hint(err, "%s keeps the training: the same command goes on from there", mw_text_escape_z(&shown, training->checkpoint.path));
}

const mw_job_learned *mw_training_learned(const mw_training *training, size_t *count) {
  *count = training->learned_count;
  return training->learned;
}

void mw_training_done(mw_training *training) {
  if (training->job.output) mw_checkpoint_remove(&training->checkpoint);
}

/* ---- time and memory ---- */

/* How many floating-point operations a second one thread of this machine does in matrix products: the best of a few short runs. */
static double speed_of_products(mw_error *err) {
  enum { SIZE = 256, RUNS = 6 };
  bool ready = mw_gemm_begin(err) && mw_gemm_fits(1, 3 * SIZE * SIZE * sizeof(float), err);
  float *a = ready ? mw_mem_new(3 * SIZE * SIZE, sizeof *a, err) : NULL;
  double best = 0;
  for (int i = 0; a && i < RUNS; i++) {
    mw_gemm_matrix x = {a, SIZE}, y = {a + SIZE * SIZE, SIZE};
    double begun = mw_clock_now();
    mw_gemm_nt(SIZE, SIZE, SIZE, 1, x, y, 0, a + 2 * SIZE * SIZE, SIZE);
    double speed = 2.0 * SIZE * SIZE * SIZE / fmax(mw_clock_now() - begun, 1e-9);
    if (speed > best) best = speed;
  }
  free(a);
  return best;
}

bool mw_training_measure(const mw_training_job *job, mw_plan_training *costs, mw_error *err) {
  double speed = job->spec_count ? speed_of_products(err) : 1;
  MW_TRY(speed > 0);
  for (size_t i = 0; i < job->spec_count; i++) {
    const mw_learn_spec *spec = &job->specs[i];
    mw_train_cost cost;
    uint64_t numbers;
    MW_TRY(measure(job, spec, &cost, &numbers, err));
    costs[i] = (mw_plan_training){.steps = spec->steps, .windows = spec->windows, .coefficients = numbers,
                                  .tokens = cost.tokens, .memory = cost.memory, .weights = cost.weights,
                                  .activations = cost.activations, .flops = cost.products};
    costs[i].seconds = (cost.products + MW_TRAIN_OPERATIONS * cost.touched) / (speed * job->threads);
  }
  return true;
}

/* ---- files of the output ---- */

static bool put(mw_writer *writer, const char *name, bool composed, mw_text *text, mw_error *err) {
  bool ok = composed && (!text->length || mw_writer_file(writer, name, text->bytes, text->length, err));
  mw_text_free(text);
  return ok;
}

bool mw_training_write(const mw_training *training, mw_writer *writer, mw_error *err) {
  const mw_training_job *job = &training->job;
  size_t count = job->spec_count;
  bool trained = false;
  mw_text text = {0};
  float **values = mw_mem_new(count, sizeof *values, err);
  const mw_training_log *curves = training->checkpoint.curves;
  bool ok = values != NULL;
  for (size_t i = 0; ok && i < count; i++) {
    values[i] = training->checkpoint.states[i].values;
    trained |= curves[i].count > 0;
  }
  ok = ok && put(writer, "moonweld/coefficients" MW_SAFETENSORS_ENDING,
                 mw_coefficients_compose(job->specs, count, job->graph, values, &text, err), &text, err);
  if (trained)
    ok = ok && put(writer, "moonweld/training.jsonl", mw_training_log_lines(curves, count, &text, err), &text, err) &&
         put(writer, "moonweld/loss.svg", mw_training_log_chart(curves, count, &text, err), &text, err);
  free(values);
  return ok;
}

static void put_training(mw_json_writer *json, const mw_training *training, size_t i) {
  const mw_learn_spec *spec = &training->job.specs[i];
  const mw_training_log_point *points = training->checkpoint.curves[i].points;
  mw_json_writer_object(json, NULL);
  mw_json_writer_u64(json, "coefficients", training->checkpoint.states[i].count);
  mw_json_writer_u64(json, "steps", spec->steps);
  mw_json_writer_u64(json, "windows", spec->windows);
  mw_json_writer_number(json, "rate", spec->rate);
  mw_json_writer_number(json, "decay", spec->decay);
  mw_json_writer_number(json, "clip", spec->clip);
  mw_json_writer_number(json, "share", spec->share);
  if (spec->steps) {
    mw_json_writer_number(json, "first_loss", points[0].loss);
    mw_json_writer_number(json, "last_loss", points[spec->steps - 1].loss);
  }
  mw_json_writer_end(json);
}

bool mw_training_tell(const mw_training *training, mw_text *out, mw_error *err) {
  const mw_training_job *job = &training->job;
  mw_json_writer json = {.out = out};
  mw_json_writer_object(&json, NULL);
  mw_calibration_tell(job->data, job->options->window, &json);
  mw_json_writer_string(&json, "coefficients", *training->coefficients ? training->coefficients : NULL);
  mw_json_writer_list(&json, "trainings");
  for (size_t i = 0; i < job->spec_count; i++) put_training(&json, training, i);
  mw_json_writer_end(&json);
  mw_json_writer_end(&json);
  return mw_json_writer_finish(&json, err);
}
