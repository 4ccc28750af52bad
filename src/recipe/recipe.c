/* recipe.c: the parent's side of a recipe. Its text is read once, and children inherit it. on_message takes each message of a child
 * and refuses what was not asked for: a child that describes may send a SIGNATURE, one that evaluates one GRAPH.
 *
 * `asking` is what the parent knows while a child runs: which of the two it was started for, where its result goes, and how many
 * scores it was told. The first member is what the child gets; fork() copies it with all other memory.
 *
 * A recipe that searches is evaluated twice (recipe.h). For example, a search over two candidates that prints "start", scores one,
 * prints "half", scores the other, and prints "end":
 *
 *   planning   start is shown; both scores are answered with 0; half and end are not shown, since they may tell of scores
 *   running    start is not shown again; both candidates are made and measured; half and end are shown
 *
 * An error of the first evaluation after a score says nothing either, for the score was not real: it is passed over, and the
 * recipe fails in the run if it fails at all. */
#include "recipe/recipe.h"
#include "base/option_table.h"
#include "recipe/builtins.h"
#include "recipe/child.h"
#include "recipe/conversion.h"
#include "recipe/homes.h"
#include "recipe/prelude_core.h"
#include "recipe/required.h"
#include "recipe/score_words.h"
#include "recipe/signature.h"
#include "recipe/source.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_CONFIGURATION = 256 << 10, MOST_WARNINGS = 1000, MOST_EXPLAINED = 256 << 20, MOST_PROMPTED = 4 << 20 };
/* Bytes of what is drawn: of any recipe, and more for each tensor, of which some recipes draw numbers by its name. */
enum { MOST_DRAWN = 1 << 20, MOST_DRAWN_EACH = 8 << 10 };

struct mw_recipe {
  char *name, *text;
  const char *folder; /* where `require` may look; NULL for a built-in */
  const mw_recipe_required *given; /* or the only recipes that it finds, where it was loaded from a text */
  size_t given_count;
  bool from_text, built_in;
  char chunk[256];
  size_t length;
  mw_signature signature;
  mw_interpreter template; /* opened once for all children */
  mw_conversion conversion; /* of a configuration of mergekit: what it says beside the recipe */
  bool converted;
  mw_arena arena;
};

typedef struct asking {
  mw_child_task child; /* must be first: the child takes the pointer as an mw_child_task */
  const mw_recipe *recipe;
  mw_recipe *described;       /* the recipe, if the child describes it, else NULL */
  mw_text *packed;            /* where its text with all that it requires goes, if the child packs it, else NULL */
  const mw_recipe_task *task; /* what the child evaluates, else NULL */
  mw_recipe_result *result;
  size_t scores;              /* how many scores were answered */
  mw_score_words scored;      /* what --score says */
  size_t drawn;               /* bytes of what was drawn */
  size_t sets;                /* data sets that the child knows of: files, then prompts */
  size_t prompted;            /* bytes of prompts */
} asking;

const char *mw_recipe_name(const mw_recipe *recipe) { return recipe->name; }
const char *mw_recipe_summary(const mw_recipe *recipe) { return recipe->signature.summary; }
const char *mw_recipe_paper(const mw_recipe *recipe) { return recipe->signature.paper; }
const char *mw_recipe_text(const mw_recipe *recipe) { return recipe->text; }
const char *mw_recipe_mergekit(const mw_recipe *recipe) { return recipe->signature.mergekit; }
const mw_conversion *mw_recipe_conversion(const mw_recipe *recipe) { return recipe->converted ? &recipe->conversion : NULL; }

size_t mw_recipe_notes(const mw_recipe *recipe, const char *const **lines) {
  *lines = (const char *const *)recipe->conversion.warnings.lines;
  return recipe->conversion.warnings.count;
}

size_t mw_recipe_args(const mw_recipe *recipe, const mw_arg **first) {
  *first = recipe->signature.args;
  return recipe->signature.count;
}

/* ---- texts ---- */

/* Finds the text: the built-in recipe of that name, an own one in a home, or a file. `chunk` is what Lua's errors call it:
 * "@lerp.lua", or the path. */
static bool find(mw_recipe *recipe, const char *name, mw_error *err) {
  mw_text_escaped shown;
  const mw_embed *embedded = mw_builtins_find(name);
  const char *path = NULL;
  MW_TRY(mw_recipe_is_known(name, NULL, 0, err));
  recipe->name = mw_mem_copy(&recipe->arena, name, strlen(name), err);
  if (!recipe->name || (!embedded && !mw_homes_find(name, &recipe->arena, &path, &recipe->folder, err))) return false;
  if (!embedded) {
    const char *slash = strrchr(name, '/');
    if (!path) recipe->folder = slash ? mw_mem_copy(&recipe->arena, name, (size_t)(slash - name) + 1, err) : "./";
    if (!path) path = recipe->name;
    snprintf(recipe->chunk, sizeof recipe->chunk, "@%s", mw_text_escape_z(&shown, path));
    return recipe->folder && (mw_conversion_is_one(path) ? mw_file_slurp(path, LARGEST_CONFIGURATION, &recipe->text, &recipe->length, err)
                                                         : mw_source_read(path, NULL, &recipe->text, &recipe->length, err));
  }
  recipe->built_in = true;
  snprintf(recipe->chunk, sizeof recipe->chunk, "@%s.lua", embedded->name);
  recipe->length = embedded->length;
  recipe->text = mw_mem_new(embedded->length + 1, 1, err);
  if (recipe->text) memcpy(recipe->text, embedded->bytes, embedded->length);
  return recipe->text != NULL;
}

/* Replaces the text of a configuration by the recipe that it becomes. */
static bool convert(mw_recipe *recipe, const mw_options *options, mw_error *err) {
  char *text = recipe->text;
  recipe->converted = true;
  bool ok = mw_conversion_run(&recipe->template, mw_recipe_limits(options, 0), recipe->chunk + 1, text, recipe->length, options->strict,
                              &recipe->text, &recipe->length, &recipe->conversion, &recipe->arena, err);
  free(text);
  return ok;
}

/* ---- require ---- */

/* The child asked for the recipe `name`: answers its text, what errors call it and whether it is built in, or why there is none, which the
 * child raises as an error of the line that required it. What was found is recorded with its hash, for the lock file. */
static bool answer_require(const asking *ask, int fd, const char *name, mw_error *err) {
  mw_text answer = {0};
  mw_error refusal;
  const mw_recipe *recipe = ask->recipe;
  mw_required_place place = {recipe->name, recipe->folder, recipe->given, recipe->given_count, recipe->from_text};
  mw_required found;
  bool ok = mw_required_find(&place, name, &found, &refusal);
  bool known = ok || refusal.status != MW_MEMORY; /* which is no fault of the recipe's */
  if (!known) *err = refusal;
  mw_message_put_text(&answer, ok ? found.chunk : refusal.text, strlen(ok ? found.chunk : refusal.text));
  if (ok) mw_message_put_text(&answer, found.bytes, found.length);
  if (ok) mw_message_put_u32(&answer, found.built_in);
  bool done = known && (!ok || !ask->result || mw_required_record(ask->result, name, &found, err)) && mw_text_check(&answer, err) &&
              (mw_message_send(fd, ok ? MW_MESSAGE_REQUIRE : MW_MESSAGE_ERROR, answer.bytes, answer.length) ||
               mw_error_set(err, MW_DATA, "the recipe's process is gone"));
  mw_text_free(&answer);
  free(found.owned);
  return done;
}

/* ---- messages ---- */

static bool show_print(const mw_options *options, const char *bytes, size_t length, mw_error *err) {
  mw_text_escaped shown;
  if (!options->print || options->print(options->print_context, mw_text_escape(&shown, bytes, length))) return true;
  return mw_error_set(err, MW_INTERRUPTED, "interrupted; nothing was published");
}

static void take_warning(mw_warning *warnings, const char *bytes, size_t length) {
  mw_text_escaped shown;
  mw_warning_add(warnings, "%s", mw_text_escape(&shown, bytes, length));
}

/* More numbers for the lock file; one that is not finite tells nothing, and has no place in JSON. */
static bool take_drawn(asking *ask, const char *bytes, size_t length, mw_error *err) {
  mw_message in = {bytes, bytes + length, false};
  mw_recipe_result *result = ask->result;
  size_t most = MOST_DRAWN + (ask->task ? mw_input_set_tensors(ask->task->inputs) : 0) * MOST_DRAWN_EACH;
  if ((ask->drawn += length + 16) > most) {
    mw_error_set(err, MW_DATA, "the recipe draws too many numbers: more than %zu bytes of them for the lock file", most);
    return mw_error_hint(err, "draw a number for each tensor or layer, and elements by x:normal(seed) or x:bernoulli(p, seed)");
  }
  while (result && in.at < in.end) {
    size_t text_length;
    const char *text = mw_message_text(&in, &text_length);
    double value = mw_message_double(&in);
    if (in.failed) return mw_error_set(err, MW_DATA, "the recipe's process sent a broken draw");
    if (value - value != 0) continue;
    MW_TRY(mw_mem_grow(&result->drawn, &result->drawn_capacity, result->drawn_count + 1, sizeof *result->drawn, err));
    const char *what = mw_mem_copy(&result->arena, text, text_length, err);
    if (!what) return false;
    result->drawn[result->drawn_count++] = (mw_recipe_drawn){what, value};
  }
  return true;
}

/* One more line of --explain. */
static bool take_explained(mw_recipe_result *result, const char *bytes, size_t length, mw_error *err) {
  mw_message in = {bytes, bytes + length, false};
  size_t argument_length, tensor_length;
  const char *argument = mw_message_text(&in, &argument_length), *tensor = mw_message_text(&in, &tensor_length);
  double number = mw_message_double(&in);
  if (in.failed) return mw_error_set(err, MW_DATA, "the recipe's process sent a broken explanation");
  if ((result->explained_bytes += length) > MOST_EXPLAINED)
    return mw_error_set(err, MW_DATA, "the recipe has more than %d bytes to explain: let fewer arguments vary", MOST_EXPLAINED);
  MW_TRY(mw_mem_grow(&result->explained, &result->explained_capacity, result->explained_count + 1, sizeof *result->explained, err));
  mw_plan_number *new = &result->explained[result->explained_count++];
  *new = (mw_plan_number){.number = number};
  return (new->argument = mw_mem_copy(&result->arena, argument, argument_length, err)) &&
         (new->tensor = mw_mem_copy(&result->arena, tensor, tensor_length, err));
}

void mw_recipe_drawn_tell(const mw_recipe_drawn *drawn, mw_json_writer *json) {
  mw_json_writer_object(json, NULL);
  mw_json_writer_string(json, "what", drawn->what);
  mw_json_writer_number(json, "value", drawn->value);
  mw_json_writer_end(json);
}

/* Has the texts of a message read as prompts; answers the number of their data set and its facts, or why they cannot be read. */
static bool answer_prompts(asking *ask, int fd, const char *bytes, size_t length, mw_error *err) {
  const mw_recipe_task *task = ask->task;
  mw_message in = {bytes, bytes + length, false};
  uint32_t count = mw_message_u32(&in);
  mw_text answer = {0};
  mw_error refusal;
  size_t index = 0;
  if ((ask->prompted += length) > MOST_PROMPTED)
    return mw_error_set(err, MW_DATA, "the recipe has more than %d bytes of prompts", MOST_PROMPTED);
  if (count > length) return mw_error_set(err, MW_DATA, "the recipe's process sent broken prompts");
  mw_text_piece *texts = mw_mem_new(count + 1u, sizeof *texts, err);
  if (!texts) return false;
  for (uint32_t i = 0; i < count; i++) texts[i].bytes = mw_message_text(&in, &texts[i].length);
  bool ok = !in.failed && task->prompts.read(task->prompts.context, texts, count, &index, &refusal);
  free(texts);
  if (in.failed) return mw_error_set(err, MW_DATA, "the recipe's process sent broken prompts");
  if (!ok && refusal.status == MW_MEMORY) return *err = refusal, false;
  if (ok && index >= ask->sets) ask->sets = index + 1;
  if (ok) {
    const mw_learn_spec_set *set = &task->sets[index];
    const uint64_t facts[] = {index, set->windows, set->length, set->tokens};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) mw_message_put_u64(&answer, facts[i]);
  } else mw_message_put_text(&answer, refusal.text, strlen(refusal.text));
  bool sent = mw_text_check(&answer, err) &&
              (mw_message_send(fd, ok ? MW_MESSAGE_PROMPTS : MW_MESSAGE_ERROR, answer.bytes, answer.length) ||
               mw_error_set(err, MW_DATA, "the recipe's process is gone"));
  mw_text_free(&answer);
  return sent;
}

typedef struct taking {
  const mw_recipe_task *task;
  size_t sets;
  mw_recipe_candidate *to;
} taking;

/* Reads the trainings and the layout, which follow the graph in the message. */
static bool take_specs(void *context, mw_message *in, const mw_node *map, uint32_t nodes, const mw_graph *graph, mw_error *err) {
  const taking *t = context;
  mw_recipe_candidate *to = t->to;
  MW_TRY(mw_learn_spec_take(in, map, nodes, graph, t->task->sets, t->sets, &to->arena, &to->specs, &to->spec_count, err));
  MW_TRY(mw_result_layout_take(in, graph, map, nodes, &to->arena, &to->layout, err));
  size_t all = to->output_count + to->layout.shown_count;
  mw_graph_output *needed = mw_mem_take(&to->arena, (all + 1) * sizeof *needed, err);
  if (!needed) return false;
  memcpy(needed, to->outputs, to->output_count * sizeof *needed);
  memcpy(needed + to->output_count, to->layout.shown, to->layout.shown_count * sizeof *needed);
  return mw_learn_spec_applied(graph, needed, all, to->specs, to->spec_count, err) &&
         mw_learn_spec_needed(graph, needed, all, to->specs, to->spec_count, err);
}

/* Makes a model of a message: its graph, outputs and trainings, all checked. */
static bool take_candidate(const asking *ask, const char *bytes, size_t length, mw_recipe_candidate *out, mw_error *err) {
  taking t = {ask->task, ask->sets, out};
  *out = (mw_recipe_candidate){0};
  if (mw_message_take_graph(bytes, length, (mw_message_inputs){ask->task->inputs, mw_input_set_find}, (mw_message_rest){&t, take_specs},
                         &out->arena, &out->graph, &out->outputs, &out->output_count, err)) return true;
  mw_mem_release(&out->arena);
  return false;
}

/* A searching recipe runs twice; print each of its lines once: up to the first score when planning, after it when running. */
static bool is_first_time(const asking *ask) {
  const mw_recipe_scorer *scorer = ask->task->scorer;
  return !scorer || (ask->scores > 0) == scorer->real;
}

/* Has the candidate scored, which may take minutes, and sends the number. */
static bool answer_score(asking *ask, int fd, const char *bytes, size_t length, mw_error *err) {
  mw_recipe_result *result = ask->result;
  mw_recipe_candidate candidate;
  mw_text answer = {0};
  double value;
  mw_message in = {bytes, bytes + length, false};
  const uint32_t score = mw_message_u32(&in);
  if (in.failed || score >= ask->scored.count) return mw_error_set(err, MW_DATA, "the recipe's process asked for a score that is none");
  MW_TRY(take_candidate(ask, in.at, (size_t)(in.end - in.at), &candidate, err));
  candidate.score = score;
  mw_recipe_draws drawn = {.count = result->drawn_count - result->drawn_before};
  if (drawn.count) drawn.first = &result->drawn[result->drawn_before];
  const mw_recipe_scorer *scorer = ask->task->scorer;
  MW_TRY(scorer->ask(scorer->context, &candidate, drawn, &value, err));
  ask->scores++;
  result->drawn_before = result->drawn_count;
  mw_message_put_double(&answer, value);
  bool ok = mw_text_check(&answer, err) && (mw_message_send(fd, MW_MESSAGE_SCORE, answer.bytes, answer.length) ||
                                            mw_error_set(err, MW_DATA, "the recipe's process is gone"));
  mw_text_free(&answer);
  return ok;
}

/* Takes a message of the child; false ends it. */
static bool on_message(void *context, int fd, uint32_t kind, char *bytes, size_t length, mw_error *err) {
  asking *ask = context;
  switch (kind) {
  case MW_MESSAGE_SIGNATURE:
    if (ask->described)
      return mw_signature_take(&ask->described->signature, &ask->described->arena, bytes, length, err);
    if (!ask->packed) break;
    mw_text_add(ask->packed, bytes, length);
    return mw_text_check(ask->packed, err);
  case MW_MESSAGE_GRAPH:
    if (!ask->result || ask->result->made.graph) break;
    return take_candidate(ask, bytes, length, &ask->result->made, err);
  case MW_MESSAGE_PRINT:
    return !ask->result || !is_first_time(ask) || show_print(ask->task->options, bytes, length, err);
  case MW_MESSAGE_WARNING:
    if (ask->result && ask->task->warnings->count < MOST_WARNINGS) take_warning(ask->task->warnings, bytes, length);
    return true;
  case MW_MESSAGE_SCORE:
    if (!ask->result || !ask->task->scorer) break;
    return answer_score(ask, fd, bytes, length, err);
  case MW_MESSAGE_DRAWN: return take_drawn(ask, bytes, length, err);
  case MW_MESSAGE_EXPLAINED:
    if (ask->task && !ask->task->options->explain) break;
    return !ask->result || take_explained(ask->result, bytes, length, err);
  case MW_MESSAGE_PROMPTS:
    if (!ask->task || !ask->task->prompts.read) break;
    return answer_prompts(ask, fd, bytes, length, err);
  case MW_MESSAGE_REQUIRE: return answer_require(ask, fd, bytes, err);
  default: break;
  }
  return mw_error_set(err, MW_DATA, "the recipe's process sent what was not asked for");
}

/* ---- running children ---- */

mw_sandbox_limits mw_recipe_limits(const mw_options *options, size_t tensors) {
  return (mw_sandbox_limits){options->recipe_seconds > 0 ? options->recipe_seconds : 1 + (double)tensors / 1000,
                           options->recipe_memory ? options->recipe_memory : 256000000, 0};
}

/* Whether the second error is the first one with its line before it. */
static bool is_same_with_line(const mw_error *first, const mw_error *second) {
  size_t n = strlen(first->text), m = strlen(second->text);
  return first->status == second->status && m > n && strcmp(second->text + m - n, first->text) == 0;
}

/* Where a tail call hides an error's line, the recipe runs once more within the same limits and with a line hook, only to
 * find it; without it the file is named. Not after a score, which would be measured again. While
 * planning, scores are not real: what a recipe makes of them is no error. */
static bool run(asking *ask, mw_interpreter *state, mw_sandbox_limits limits, mw_sandbox_work work, mw_error *err) {
  bool hidden, ok = mw_sandbox_run(state, limits, work, on_message, ask, &hidden, err);
  bool scored = ask->scores > 0;
  if (ok || (scored && !ask->task->scorer->real && err->status == MW_DATA)) return true;
  if (scored || !hidden) return false;
  mw_error traced;
  state->trace = true;
  ask->result = NULL;
  ask->drawn = 0;
  bool found = !mw_sandbox_run(state, limits, work, on_message, ask, NULL, &traced) && is_same_with_line(err, &traced);
  const char *file = ask->recipe->chunk + 1;
  if (found) *err = traced;
  else if (!ask->recipe->converted && strncmp(err->text, file, strlen(file)) != 0) /* what Lua cannot read names it */
    mw_error_wrap(err, "%s", file);
  return false;
}

/* Lets a child describe the recipe, whose text is known. Frees it if that fails. */
static bool describe(mw_recipe *recipe, const mw_options *options, mw_recipe **out, mw_error *err) {
  bool ok = mw_interpreter_open(&recipe->template, &mw_prelude_core, err) &&
            (recipe->from_text || !mw_conversion_is_one(recipe->name) || convert(recipe, options, err));
  if (ok) {
    asking ask = {.recipe = recipe, .described = recipe, .child = {recipe->text, recipe->chunk, recipe->length, NULL, 0}};
    recipe->template.built_in = recipe->built_in || recipe->converted; /* what a configuration becomes requires built-in recipes alone */
    recipe->template.converted = recipe->converted;
    mw_interpreter state = recipe->template;
    state.seed = options->seed;
    mw_sandbox_limits limits = mw_recipe_limits(options, 0);
    ok = run(&ask, &state, limits, mw_child_describe, err);
  }
  if (!ok) mw_recipe_free(recipe);
  else *out = recipe;
  return ok;
}

bool mw_recipe_load(const char *name, const mw_options *options, mw_recipe **out, mw_error *err) {
  mw_recipe *recipe = mw_mem_new(1, sizeof *recipe, err);
  if (!recipe) return false;
  if (mw_option_table_check(options, err) && find(recipe, name, err)) return describe(recipe, options, out, err);
  mw_recipe_free(recipe);
  return false;
}

/* Loads a recipe that is new from a text. */
static bool load(mw_recipe *recipe, const char *name, const char *text, size_t length, const mw_options *options, mw_recipe **out,
                 mw_error *err) {
  mw_text_escaped shown;
  recipe->length = length;
  snprintf(recipe->chunk, sizeof recipe->chunk, "@%s", mw_text_escape_z(&shown, name));
  bool ok = mw_option_table_check(options, err) && mw_source_check("", shown.bytes, text, length, err) &&
            (recipe->name = mw_mem_copy(&recipe->arena, name, strlen(name), err)) && (recipe->text = mw_mem_new(length + 1, 1, err));
  if (ok) {
    memcpy(recipe->text, text, length);
    return describe(recipe, options, out, err);
  }
  mw_recipe_free(recipe);
  return false;
}

bool mw_recipe_load_text(const char *name, const char *text, size_t length, const mw_recipe_required *required, size_t count,
                         const mw_options *options, mw_recipe **out, mw_error *err) {
  mw_recipe *recipe = mw_mem_new(1, sizeof *recipe, err);
  if (!recipe) return false;
  recipe->given = required, recipe->given_count = count, recipe->from_text = true;
  return load(recipe, name, text, length, options, out, err);
}

bool mw_recipe_of_text(const char *name, const char *text, size_t length, const mw_options *options, mw_recipe **out, mw_error *err) {
  mw_recipe *recipe = mw_mem_new(1, sizeof *recipe, err);
  return recipe && load(recipe, name, text, length, options, out, err);
}

bool mw_recipe_pack(const char *name, const mw_options *options, char **text, mw_error *err) {
  mw_recipe *recipe, *alone = NULL;
  mw_text packed = {0};
  MW_TRY(mw_recipe_load(name, options, &recipe, err));
  asking ask = {.recipe = recipe, .packed = &packed, .child = {recipe->text, recipe->chunk, recipe->length, NULL, 0}};
  mw_interpreter state = recipe->template;
  bool ok = run(&ask, &state, mw_recipe_limits(options, 0), mw_child_pack, err) &&
            mw_recipe_of_text("the packed recipe", packed.bytes, packed.length, options, &alone, err);
  mw_recipe_free(alone);
  mw_recipe_free(recipe);
  if (ok) *text = packed.bytes;
  else mw_text_free(&packed);
  return ok;
}

void mw_recipe_free(mw_recipe *recipe) {
  if (!recipe) return;
  mw_sandbox_settle();
  mw_interpreter_close(&recipe->template);
  mw_conversion_free(&recipe->conversion);
  free(recipe->text);
  mw_mem_release(&recipe->arena);
  free(recipe);
}

/* The interpreter is a copy of the opened template: a child may change what it likes of it. */
bool mw_recipe_evaluate(const mw_recipe *recipe, const mw_recipe_task *task, mw_recipe_result *out, mw_error *err) {
  asking ask = {.recipe = recipe, .task = task, .result = out, .sets = task->set_count,
                .child = {recipe->text, recipe->chunk, recipe->length, task->bindings, task->binding_count}};
  mw_interpreter state = recipe->template;
  state.inputs = task->inputs;
  state.sets = task->sets;
  state.set_count = task->set_count;
  state.seed = task->options->seed;
  mw_arena words = {0};
  bool ok = !task->scorer || mw_score_words_read(task->options, &words, &ask.scored, err);
  state.scores = task->scorer ? &ask.scored : NULL;
  state.explain = task->options->explain;
  state.asked = task->options->result;
  mw_sandbox_limits limits = mw_recipe_limits(task->options, mw_input_set_tensors(task->inputs));
  if (task->scorer && task->options->recipe_seconds <= 0) limits.seconds *= 10; /* a search builds many candidates */
  ok = ok && run(&ask, &state, limits, mw_child_evaluate, err);
  mw_mem_release(&words);
  return ok;
}

bool mw_recipe_send(const mw_recipe_candidate *made, mw_text *out, mw_error *err) {
  MW_TRY(mw_message_put_graph(out, made->graph, made->outputs, made->output_count, NULL, err));
  mw_learn_spec_put(out, made->specs, made->spec_count, NULL);
  mw_result_layout_put(out, &made->layout, NULL);
  return mw_text_check(out, err);
}

bool mw_recipe_receive(const mw_recipe_task *task, const char *bytes, size_t length, mw_recipe_candidate *out, mw_error *err) {
  return take_candidate(&(asking){.task = task, .sets = task->set_count}, bytes, length, out, err);
}

void mw_recipe_candidate_free(mw_recipe_candidate *candidate) {
  mw_graph_free(candidate->graph);
  mw_mem_release(&candidate->arena);
  *candidate = (mw_recipe_candidate){0};
}

void mw_recipe_release(mw_recipe_result *result) {
  mw_recipe_candidate_free(&result->made);
  free(result->drawn);
  free(result->explained);
  free(result->required);
  mw_mem_release(&result->arena);
}
