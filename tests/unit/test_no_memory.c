/* Where memory ends: errors tell bytes, what was begun is freed, and the arena gives aligned memory and texts without gaps. */
#include "memory.h"
#include "moonweld.h"
#include "base/mem.h"
#include "expr/schedule.h"
#include "format/json.h"
#include "merge/plan_identity.h"
#include "model/config_edit.h"
#include "model/family.h"
#include "model/marks.h"
#include "output/journal.h"
#include "text/pattern.h"
#include "toys.h"
#include "vocabulary/small_file.h"
#include <fcntl.h>
#include <pthread.h>

/* An error tells the bytes that were asked for, not the elements; a size that no number holds is the largest. */
static void growing(void) {
  uint64_t *array = NULL;
  size_t capacity = 0;
  mw_error err = {0};
  char bytes[64];
  CHECK(mw_mem_grow(&array, &capacity, 5, sizeof *array, &err) && capacity == 8);
  CHECK(!mw_mem_grow(&array, &capacity, (size_t)1 << 59, sizeof *array, &err) && err.status == MW_MEMORY);
  snprintf(bytes, sizeof bytes, "(%zu bytes", (size_t)1 << 62);
  CHECK(strstr(err.text, bytes) && capacity == 8);
  CHECK(!mw_mem_grow(&array, &capacity, SIZE_MAX / 2, sizeof *array, &err));
  snprintf(bytes, sizeof bytes, "(%zu bytes", SIZE_MAX);
  CHECK(strstr(err.text, bytes) && capacity == 8);
  free(array);
}

static void arena(void) {
  mw_arena one = {0};
  mw_error err;
  const char *a = mw_mem_copy(&one, "ab", 2, &err), *b = mw_mem_copy(&one, "c", 1, &err);
  CHECK(a && b == a + 3 && strcmp(a, "ab") == 0 && strcmp(b, "c") == 0);
  for (size_t size = 1; size < 3000; size += 7) {
    unsigned char *piece = mw_mem_take(&one, size, &err), used = 0;
    CHECK(piece && (uintptr_t)piece % 16 == 0);
    for (size_t i = 0; piece && i < size; i++) used |= piece[i], piece[i] = 0xff;
    char *text = mw_mem_text(&one, size, &err);
    for (size_t i = 0; text && i < size; i++) used |= (unsigned char)text[i], text[i] = 'x';
    CHECK(text && !used);
  }
  CHECK(!mw_mem_take(&one, SIZE_MAX, &err) && err.status == MW_MEMORY);
  mw_mem_release(&one);
}

/* Each call that asks for memory fails, with all that follow and then alone: none is passed over where something would be incomplete,
 * and nothing that was made before it stays. `attempt` looks at what it has made and frees it; it is called with `context`. */
static void each(bool (*attempt)(const void *context, mw_error *err), const void *context, long least) {
  mw_error err = {0};
  size_t before = memory_held;
  for (int once = 0; once < 2; once++) {
    long failing = 0;
    for (bool more = MEMORY_COUNTED; more; failing++) {
      memory_once = once;
      memory_left = failing;
      bool done = attempt(context, &err);
      more = (once ? memory_left < 0 : !done) && (done || err.status == MW_MEMORY); /* another error would come for ever */
      memory_once = false;
      memory_left = -1;
      if (!done) CHECK(err.status == MW_MEMORY && !strstr(err.text, "(0 bytes"));
      CHECK(memory_held == before);
    }
    CHECK(failing > least || !MEMORY_COUNTED);
  }
}

static bool compile_pattern(const void *regex, mw_error *err) {
  mw_pattern *out;
  bool done = mw_pattern_regex(regex, strlen(regex), &out, err);
  if (done) mw_pattern_free(out);
  return done;
}

static void pattern(void) { each(compile_pattern, "(?i:'s|'t)|[^\\r\\n\\p{L}]?\\p{L}+|\\s+(?!\\S)", 5); }

/* Escaped texts, and keys enough for the table of one object to grow. */
static bool read_json(const void *text, mw_error *err) {
  mw_json root;
  mw_arena arena = {0};
  const char *value;
  size_t length;
  bool done = mw_json_check("j", text, strlen(text), 8, &root, err) &&
              mw_json_string(mw_json_member(root, "text"), &arena, &value, &length, err);
  mw_mem_release(&arena);
  return done;
}

static void json(void) {
  mw_text text = {0};
  mw_text_format(&text, "%s", "{");
  for (int i = 0; i < 40; i++) mw_text_format(&text, "\"key %d\": [{\"a\": %d}], ", i, i);
  mw_text_format(&text, "%s", "\"text\": \"\\u00e9\\n\"}");
  each(read_json, text.bytes, 4);
  mw_text_free(&text);
}

static bool open_model(const void *folder, mw_error *err) {
  mw_model *model;
  bool done = mw_model_open(folder, NULL, &model, err);
  if (done) mw_model_close(model);
  return done;
}

/* Three models of one folder, which has no tokenizer. */
static bool join_family(const void *folder, mw_error *err) {
  mw_model *model = NULL;
  mw_family family = {0};
  mw_warning warnings = {0};
  bool done = mw_model_open(folder, NULL, &model, err);
  mw_family_member members[] = {{.model = model, .label = "base"}, {.model = model, .label = "b"}, {.model = model, .label = "c"}};
  done = done && mw_family_join(members, 3, 0, &(mw_family_rules){0}, &warnings, &family, err);
  mw_family_free(&family);
  mw_warning_free(&warnings);
  if (model) mw_model_close(model);
  return done;
}

static void family(void) {
  put_model("plain", "{\"model_type\": \"toy\"}", &(toy){.name = "w", .dtype = "F32", .rows = 2, .columns = 2, .size = 4}, 1);
  each(join_family, "plain", 20);
}

/* An edit is complete, or an error: its text, and what is told of it. */
/* Marks that differ are found, whatever fails: done is what refuses them. */
static bool tell_marks_apart(const void *unused, mw_error *err) {
  mw_model one = {.metadata = "{\"modelspec.prediction_type\": \"v\"}"}, two = {.metadata = "{\"modelspec.prediction_type\": \"epsilon\"}"};
  mw_family_member a = {.model = &one, .label = "a"}, b = {.model = &two, .label = "b"};
  mw_warning warnings = {0};
  (void)unused;
  bool fits = mw_marks_fit(&a, &b, false, &warnings, err);
  mw_warning_free(&warnings);
  CHECK(!fits);
  return !fits && err->status == MW_DATA;
}

/* A file of JSON is no absent one where memory ends. */
static bool read_small_file(const void *folder, mw_error *err) {
  mw_small_file file;
  bool done = mw_small_file_open(&file, folder, "config.json", err);
  CHECK(!done || file.bytes);
  mw_small_file_close(&file);
  return done;
}

static bool edit_config(const void *text, mw_error *err) {
  static const char *const paths[] = {"vision", "a key that is long enough to need memory of its own, as some are", "depth"};
  const mw_config_edit_set sets[] = {{paths, 3, "4"}, {paths, 1, "{}"}, {paths + 2, 1, "7"}};
  mw_config config = {0};
  mw_text edited = {0}, told = {0};
  mw_json_writer json = {.out = &told};
  char *copy = strdup(text);
  if (!copy) return mw_error_memory(err, strlen(text));
  bool done = mw_config_read(&config, copy, strlen(text), "c", err) &&
              mw_config_edit(&config, &(mw_config_edit_list){.sets = sets + 2, .set_count = 1}, &edited, err);
  if (done) mw_config_edit_tell(sets, 3, NULL, &json);
  done = mw_json_writer_finish(&json, err) && done;
  if (done) CHECK_TEXT(edited.bytes, "{\n      \"a\": 1,\n      \"depth\": 7\n}\n");
  if (done) CHECK(strstr(told.bytes, "\"vision.a key that is long enough to need memory of its own, as some are.depth\":4"));
  mw_text_free(&edited);
  mw_text_free(&told);
  mw_config_close(&config);
  return done;
}

/* Thresholds of tensors, votes above them, and outputs that turn by the sign of all votes: stages, guesses and batches. */
enum { TENSORS = 24 };
typedef struct voting {
  mw_graph *graph;
  mw_node outputs[TENSORS];
  size_t count;
} voting;

static mw_node apply(mw_graph *graph, mw_op op, mw_node a, mw_node b) {
  mw_node node = 0;
  mw_error err;
  CHECK(mw_graph_apply(graph, op, (mw_node[]){a, b}, b ? 2 : 1, op == MW_OP_KTH ? (uint64_t[]){30, 0} : NULL, &node, &err));
  return node;
}

static bool make_schedule(const void *context, mw_error *err) {
  const voting *v = context;
  mw_schedule schedule;
  bool done = mw_schedule_make(v->graph, NULL, v->outputs, v->count, &schedule, err);
  if (done) mw_schedule_free(&schedule);
  return done;
}

static void schedule(void) {
  voting v;
  mw_error err;
  uint32_t shape;
  mw_node votes[TENSORS], total = 0;
  CHECK(mw_graph_new(&v.graph, &err) && mw_graph_shape(v.graph, (uint64_t[]){100}, 1, &shape, &err));
  for (uint32_t i = 0; i < TENSORS; i++) {
    mw_node x;
    CHECK(mw_graph_input(v.graph, i % 2, i, MW_DTYPE_F32, shape, &x, &err));
    mw_node kept = apply(v.graph, MW_OP_LE, apply(v.graph, MW_OP_KTH, x, 0), apply(v.graph, MW_OP_ABS, x, 0));
    votes[i] = apply(v.graph, MW_OP_SIGN, apply(v.graph, MW_OP_MUL, x, kept), 0);
    mw_node sum = apply(v.graph, MW_OP_TOTAL, votes[i], 0);
    total = total ? apply(v.graph, MW_OP_ADD, total, sum) : sum;
  }
  for (int i = 0; i < TENSORS; i++) v.outputs[i] = apply(v.graph, MW_OP_MUL, votes[i], apply(v.graph, MW_OP_SIGN, total, 0));
  v.count = TENSORS;
  each(make_schedule, &v, 12);
  mw_graph_free(v.graph);
}

/* An expression so deep that every walk over it asks for more than its first memory: below a tensor of the result, below a matrix, below
 * a number, and where the votes of a tensor are guessed. */
static void deep_schedules(void) {
  voting v = {.count = 1};
  mw_error err;
  uint32_t shape;
  mw_node x[2], deep;
  CHECK(mw_graph_new(&v.graph, &err) && mw_graph_shape(v.graph, (uint64_t[]){10, 10}, 2, &shape, &err));
  for (uint32_t i = 0; i < 2; i++) CHECK(mw_graph_input(v.graph, 0, i, MW_DTYPE_F32, shape, &x[i], &err));
  deep = x[0];
  for (int i = 0; i < 30; i++) deep = apply(v.graph, i % 2 ? MW_OP_ADD : MW_OP_MUL, apply(v.graph, i % 3 ? MW_OP_ABS : MW_OP_NEG, deep, 0), deep);
  const mw_node total = apply(v.graph, MW_OP_TOTAL, deep, 0);
  const mw_node results[] = {deep, apply(v.graph, MW_OP_MATMUL, deep, x[1]), total,
                             apply(v.graph, MW_OP_MUL, deep, apply(v.graph, MW_OP_SIGN, total, 0))};
  for (size_t i = 0; i < COUNT(results); i++) {
    v.outputs[0] = results[i];
    each(make_schedule, &v, 8);
  }
  mw_graph_free(v.graph);
}

static bool keep_journal(const void *name, mw_error *err) {
  mw_journal journal;
  mw_arena arena = {0};
  unlink(name);
  bool done = mw_journal_new(AT_FDCWD, name, "what: this\n", &journal, err);
  done = done && mw_journal_add(&journal, (uint8_t[MW_JOURNAL_PAYLOAD]){1}, err);
  mw_journal_close(&journal);
  done = done && mw_journal_open(AT_FDCWD, name, &arena, &journal, err);
  if (done) mw_journal_close(&journal);
  mw_mem_release(&arena);
  return done;
}

/* ---- plans ---- */

typedef struct planning {
  const mw_recipe *recipe;
  mw_options options;
  const char *models[2];
  size_t given; /* arguments: none of a file of mergekit, which says all itself */
} planning;

static void spare_child(void) { memory_left = -1; }

/* Plans it, and tells what its output and its search depend on. */
static bool make_plan(const void *context, mw_error *err) {
  const planning *p = context;
  const mw_binding bindings[] = {{"a", &p->models[0], 1}, {"b", &p->models[1], 1}};
  mw_plan *made = NULL;
  mw_text output = {0}, search = {0};
  bool done = mw_plan_make(p->recipe, bindings, p->given, &p->options, &made, err);
  done = done && (made->components || (mw_plan_identity_compose(made, &output, err) && mw_plan_identity_search(made, &search, err)));
  mw_text_free(&output);
  mw_text_free(&search);
  mw_plan_free(made);
  return done;
}

static void each_plan(planning *p, const char *name) {
  mw_error err;
  mw_recipe *recipe;
  CHECK(mw_recipe_load(name, &p->options, &recipe, &err));
  p->recipe = recipe;
  each(make_plan, p, 50);
  mw_recipe_free(recipe);
}

/* A search, whose words are kept for the run, a file of mergekit, and pipelines. */
static void plans(void) {
  planning p = {.models = {"a", "b"}, .given = 2};
  mw_options_init(&p.options);
  p.options.threads = 1, p.options.score = "true {dir}";
  for (int i = 0; i < 2; i++) {
    put_model(p.models[i], any, second, 1);
    put_text(i ? "b/tokenizer_config.json" : "a/tokenizer_config.json", "{\"chat_template\": \"x\", \"eos_token\": \"y\"}");
  }
  put_text("search.lua", "return recipe { \"A search.\", arg.model(\"a\", \"a model\"), arg.model(\"b\", \"a model\"), arg.score(),\n"
                         "function(a) a.score(a.b) return a.a end }");
  each_plan(&p, "./search.lua");
  put_text("linear.yml", "merge_method: linear\nmodels: [{model: a}, {model: b}]\nparameters: {weight: 1}\n");
  p.given = 0, p.options.score = NULL;
  each_plan(&p, "linear.yml");
  for (int i = 0; i < 2; i++) {
    mkdir(i ? "pb" : "pa", 0700);
    put_model(i ? "pb/unet" : "pa/unet", any, second, 1);
    put_text(i ? "pb/model_index.json" : "pa/model_index.json", "{\"unet\": [\"diffusers\", \"X\"]}");
  }
  p.models[0] = "pa", p.models[1] = "pb", p.given = 2;
  each_plan(&p, "lerp");
}

/* ---- a whole merge that learns ---- */

/* Plans and runs it; the folder is new each time. */
static bool learn(const char *const *models, const char *data, int number, mw_error *err) {
  char output[32];
  const char *by = "tensor", *steps = "1";
  const mw_binding bindings[] = {{"models", models, 2}, {"by", &by, 1}, {"steps", &steps, 1}};
  mw_recipe *recipe = NULL;
  mw_plan *plan = NULL;
  mw_options options;
  mw_options_init(&options);
  snprintf(output, sizeof output, "out%d", number);
  options.output = output, options.data = &data, options.data_count = 1, options.threads = 1;
  bool ok = mw_recipe_load("learned_soup", &options, &recipe, err) && mw_plan_make(recipe, bindings, 3, &options, &plan, err) &&
            mw_plan_run(plan, NULL, NULL, err);
  mw_plan_free(plan);
  mw_recipe_free(recipe);
  return ok;
}

/* After every failure of a call in this process all is freed. A run without one gives their number; some of them are tried. */
static void merge(const char *const *models) {
  mw_error err = {0};
  put_text("ids.jsonl", "[1, 20, 300, 4, 50, 7, 8, 900]\n");
  if (!MEMORY_COUNTED) return;
  for (int i = 0; i < 2; i++) CHECK(learn(models, "ids.jsonl", i, &err)); /* libraries keep what they allocate at first */
  size_t before = memory_held;
  memory_left = 1L << 40;
  CHECK(learn(models, "ids.jsonl", 2, &err));
  long calls = (1L << 40) - memory_left, failures = 0;
  CHECK(memory_held == before);
  for (long failing = 0; failing < calls; failing += 1 + failing / 12 + calls / 400) {
    memory_left = failing;
    bool ok = learn(models, "ids.jsonl", 3 + (int)failures, &err);
    memory_left = -1;
    if (ok) continue; /* it was a call that can do without */
    failures++;
    if (memory_held != before) printf("call %ld of %ld: %zu bytes stay: %s\n", failing, calls, memory_held - before, err.text);
    CHECK(memory_held == before);
  }
  CHECK(failures > 20);
}

int main(void) {
  char *models[] = {realpath("tests/data/pico/kjv", NULL), realpath("tests/data/pico/py", NULL)};
  toys_begin();
  pthread_atfork(NULL, NULL, spare_child);
  RUN(growing());
  RUN(arena());
  const size_t usual = mw_mem_largest_block;
  mw_mem_largest_block = 1; /* every piece of an arena can fail */
  RUN(pattern());
  RUN(json());
  RUN(each(open_model, models[0], 20));
  RUN(family());
  RUN(each(tell_marks_apart, NULL, 2));
  RUN(each(read_small_file, models[0], 2));
  RUN(each(edit_config, "{\n      \"a\": 1\n}\n", 8));
  RUN(schedule());
  RUN(deep_schedules());
  RUN(each(keep_journal, "journal", 2));
  RUN(plans());
  mw_mem_largest_block = usual;
  RUN(merge((const char *const *)models));
  toys_end();
  free(models[0]);
  free(models[1]);
  UNIT_END();
}
