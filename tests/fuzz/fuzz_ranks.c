/* fuzz_ranks.c: what one process of a merge gets from another. The first byte says what the rest is, by its remainder of 4. 0: what rank 0
 * tells of its recipe, the number of candidates, prompts and graph; it is taken or refused. 2: what it asks for in a search, a candidate
 * and its folder; likewise. 1 and 3: in words of 8 bytes, what another rank has found in passes that look for a threshold, its ties, a sum
 * and a row of sums; whatever it says, the run comes to an end. */
#include "exec/run.h"
#include "merge/shared_plan.h"
#include "merge/shared_search.h"
#include "folder.h"
#include "fuzz.h"

static struct {
  mw_model *model;
  mw_family_member member;
  mw_family family;
  const uint8_t *words;
  size_t left; /* bytes of them */
} self;

/* ---- a model ---- */

static void open_model(void) {
  mw_error err;
  mw_family_rules rules = {0};
  static const char header[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[8,5],\"data_offsets\":[0,160]},"
                               "\"b\":{\"dtype\":\"F32\",\"shape\":[5],\"data_offsets\":[160,180]}}";
  uint8_t bytes[8 + sizeof header - 1 + 180] = {sizeof header - 1};
  memcpy(bytes + 8, header, sizeof header - 1);
  for (size_t i = 0; i < 45; i++) memcpy(bytes + sizeof bytes - 180 + 4 * i, &(float){(float)(i % 7) - 3}, 4);
  REQUIRE(mw_model_open(fuzz_write("m.safetensors", bytes, sizeof bytes), NULL, &self.model, &err));
  self.member = (mw_family_member){.model = self.model, .label = "model"};
  REQUIRE(mw_family_join(&self.member, 1, 0, &rules, NULL, &self.family, &err));
}

static mw_node input(mw_graph *graph, uint32_t row) {
  mw_error err;
  uint32_t shape;
  mw_node node;
  const mw_tensor *tensor = &self.member.tensors[row];
  REQUIRE(mw_graph_shape(graph, tensor->shape, tensor->rank, &shape, &err) && mw_graph_input(graph, 0, row, MW_DTYPE_F32, shape, &node, &err));
  return node;
}

static mw_node apply(mw_graph *graph, mw_op op, const mw_node *operands, uint32_t count, uint64_t extra) {
  mw_error err;
  mw_node node;
  REQUIRE(mw_graph_apply(graph, op, operands, count, (uint64_t[]){extra, 0}, &node, &err));
  return node;
}

/* ---- what another rank has found ---- */

static uint64_t next(void) {
  uint64_t word = 0;
  size_t n = self.left < sizeof word ? self.left : sizeof word;
  memcpy(&word, self.words, n);
  self.words += n, self.left -= n;
  return word;
}

static bool combine(mw_ranks_how how, uint64_t *numbers, size_t count, mw_error *err) {
  (void)err;
  for (size_t i = 0; i < count && self.left; i++) {
    uint64_t word = next();
    numbers[i] = how == MW_RANKS_ADD ? numbers[i] + word : how == MW_RANKS_UNITE ? numbers[i] | word : word < numbers[i] ? word : numbers[i];
  }
  return true;
}

static bool goes_on(void) { return true; }

static void run(void) {
  mw_error err = {0};
  mw_graph *graph;
  mw_schedule schedule;
  mw_layout nothing = {0};
  REQUIRE(mw_graph_new(&graph, &err));
  mw_node tensors[3] = {input(graph, 0), input(graph, 1)}, scalars[4];
  scalars[0] = apply(graph, MW_OP_KTH, tensors, 2, 20);
  tensors[2] = scalars[0];
  scalars[1] = apply(graph, MW_OP_TIE, tensors, 3, 0);
  scalars[2] = apply(graph, MW_OP_TOTAL, tensors, 1, 0);
  scalars[3] = apply(graph, MW_OP_KTH, tensors, 1, 3);
  REQUIRE(mw_schedule_make(graph, NULL, scalars, 4, &schedule, &err));
  const mw_ranks ranks = {.count = 2, .combine = combine, .goes_on = goes_on};
  REQUIRE(mw_ranks_divide(&schedule, NULL, NULL, 2, true, &err));
  mw_job job = {.graph = graph, .schedule = &schedule, .family = &self.family, .layout = &nothing, .threads = 1, .ranks = &ranks};
  double found[4];
  REQUIRE(mw_run_values(&job, scalars, 4, found, &err) || err.text[0]);
  mw_schedule_free(&schedule);
  mw_graph_free(graph);
}

/* ---- what rank 0 tells of its recipe ---- */

static mw_plan planned(void) {
  return (mw_plan){.inputs = {.members = &self.member, .count = 1, .family = self.family, .joined = true}, .wanted.count = 2};
}

static void take(const uint8_t *bytes, size_t length) {
  mw_error err = {0};
  mw_plan plan = planned();
  mw_recipe_task task = mw_plan_task(&plan, NULL, 0, &plan.warnings, NULL);
  char *copy = malloc(length + 1);
  REQUIRE(copy != NULL);
  memcpy(copy, bytes, length);
  REQUIRE(mw_shared_plan_take(&plan, &task, copy, length, &err) ? plan.result.made.graph != NULL : err.text[0] != 0);
  mw_recipe_release(&plan.result);
  mw_calibration_close(&plan.data);
  free(copy);
}

/* ---- what it asks for ---- */

static void take_request(const uint8_t *bytes, size_t length) {
  mw_error err = {0};
  mw_plan plan = planned();
  mw_shared_search_request request;
  mw_text again = {0};
  char *copy = malloc(length + 1);
  REQUIRE(copy != NULL);
  memcpy(copy, bytes, length);
  bool ok = mw_shared_search_take(&plan, copy, length, &request, &err);
  REQUIRE(ok ? request.made.graph && request.made.score < 2 && mw_shared_search_put(&request, &again, &err) : err.text[0] != 0);
  if (ok) mw_recipe_candidate_free(&request.made);
  mw_text_free(&again);
  free(copy);
}

size_t fuzz_seed(unsigned number, uint8_t *room, size_t size) {
  mw_error err;
  if (!self.model) open_model();
  if (number >= 5) return 0;
  if (number && number < 4) { /* zeros, small numbers, all bits */
    memset(room, number == 3 ? 0xff : 0, 8192);
    room[0] = 1;
    for (size_t i = 1; i < 8192 && number == 2; i += 8) room[i] = (uint8_t)(i % 5);
    return 8192;
  }
  mw_shared_search_request request = {.what = MW_SHARED_FOLDER, .folder = "out.scoring-01234567/candidate", .made.score = 1};
  REQUIRE(mw_graph_new(&request.made.graph, &err));
  mw_graph_output output = {"a", apply(request.made.graph, MW_OP_NEG, (mw_node[]){input(request.made.graph, 0)}, 1, 0)};
  request.made.outputs = &output, request.made.output_count = 1;
  mw_plan plan = {.candidates = 2, .result.made = request.made};
  mw_text text = {0};
  REQUIRE(number ? mw_shared_search_put(&request, &text, &err)
                 : mw_shared_plan_keep_prompts(&plan, (mw_text_piece[]){{"x y", 3}, {"", 0}}, 2, &err) && mw_shared_plan_put(&plan, &text, &err));
  REQUIRE(text.length < size);
  room[0] = number ? 2 : 0;
  memcpy(room + 1, text.bytes, text.length);
  size_t length = text.length + 1;
  mw_text_free(&text);
  mw_text_free(&plan.prompted);
  mw_graph_free(request.made.graph);
  return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  if (!self.model) open_model();
  if (!length) return 0;
  self.words = bytes + 1, self.left = length - 1;
  if (bytes[0] % 2) run();
  else if (bytes[0] % 4) take_request(bytes + 1, length - 1);
  else take(bytes + 1, length - 1);
  return 0;
}
