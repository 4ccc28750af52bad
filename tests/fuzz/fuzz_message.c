/* fuzz_message.c: the graph that a recipe's process sends. Whatever the bytes, what is taken obeys the graph's own rules,
 * says the same when it is sent again, and can be scheduled and compiled. The seeds are graphs grown at random from
 * every operation that there is, so that a new one is fuzzed from its first day. */
#include "recipe/message.h"
#include "expr/schedule.h"
#include "fuzz.h"

enum { MODELS = 3, ROWS = 4, POOL = 120, SEEDS = 12 };

static const uint64_t matrix[] = {6, 4}, vector[] = {4};

static bool find(const void *context, uint64_t model, uint64_t row, mw_dtype *dtype, const uint64_t **dims, unsigned *rank) {
  (void)context;
  if (model >= MODELS || row >= ROWS) return false;
  *dtype = model == 2 ? MW_DTYPE_F64 : MW_DTYPE_BF16;
  *dims = row == ROWS - 1 ? vector : matrix;
  *rank = row == ROWS - 1 ? 1 : 2;
  return true;
}

static const mw_message_inputs inputs = {NULL, find};

/* ---- seeds ---- */

static uint64_t state;

static uint64_t draw(uint64_t below) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (state >> 33) % below;
}

static void grow(mw_graph *graph, mw_node *pool, size_t *count) {
  mw_error err;
  uint32_t shape;
  for (uint32_t i = 0; i < MODELS * ROWS; i++) {
    mw_dtype dtype;
    const uint64_t *dims;
    unsigned rank;
    REQUIRE(find(NULL, i / ROWS, i % ROWS, &dtype, &dims, &rank) && mw_graph_shape(graph, dims, rank, &shape, &err));
    if (mw_graph_input(graph, i / ROWS, i % ROWS, dtype, shape, &pool[*count], &err)) ++*count;
  }
  for (int i = 0; i < 4; i++)
    if (mw_graph_number(graph, i * 0.75, &pool[*count], &err)) ++*count;
  if (mw_graph_coefficient(graph, 1, 4, 0.5, &pool[*count], &err)) ++*count;
  if (mw_graph_learned(graph, pool[*count - 1], 0, &pool[*count], &err)) ++*count;
  if (mw_graph_tokens(graph, 0, 8, 4, &pool[*count], &err)) ++*count;
  uint64_t table;
  for (int i = 0; i < 3; i++) /* of GATHER */
    REQUIRE(mw_graph_table(graph, (const uint32_t[]){3, 0, MW_GRAPH_NO_ROW, 3}, 2 + (size_t)i, &table, &err));
  for (int i = 0; i < 3; i++) {
    const uint64_t dims[] = {4, 6};
    REQUIRE(mw_graph_shape(graph, dims, 2, &shape, &err));
    if (mw_graph_reshape(graph, pool[draw(*count)], shape, &pool[*count], &err)) ++*count;
    if (mw_graph_fill(graph, pool[draw(*count)], shape, &pool[*count], &err)) ++*count;
  }
  for (int tries = 0; tries < 20000 && *count < POOL; tries++) {
    mw_op op = (mw_op)draw(MW_OP_COUNT);
    int wanted = mw_graph_op_operands(op);
    uint32_t operands = wanted >= 0 ? (uint32_t)wanted : 1 + (uint32_t)draw(6);
    mw_node chosen[8];
    uint64_t extra[2] = {draw(4), draw(2) * 77};
    if (operands > 8 || mw_graph_op_class(op) == MW_CLASS_LEAF || mw_graph_op_class(op) == MW_CLASS_FUSED) continue;
    for (uint32_t i = 0; i < operands; i++) chosen[i] = pool[draw(*count)];
    if (mw_graph_apply(graph, op, chosen, operands, extra, &pool[*count], &err)) ++*count;
  }
}

size_t fuzz_seed(unsigned number, uint8_t *room, size_t size) {
  if (number >= SEEDS) return 0;
  mw_graph *graph;
  mw_error err;
  mw_node pool[POOL + 8];
  mw_graph_output outputs[4];
  char names[4][8];
  mw_text message = {0};
  size_t count = 0, output_count = 0;
  state = number + 1;
  REQUIRE(mw_graph_new(&graph, &err));
  grow(graph, pool, &count);
  for (size_t i = count; i-- > 0 && output_count < 4;) {
    if (!mw_graph_facts(graph, pool[i]).shape) continue;
    snprintf(names[output_count], sizeof *names, "t%zu", output_count);
    outputs[output_count] = (mw_graph_output){names[output_count], pool[i]};
    output_count++;
  }
  REQUIRE(mw_message_put_graph(&message, graph, outputs, output_count, NULL, &err) && message.length <= size);
  memcpy(room, message.bytes, message.length);
  size_t length = message.length;
  mw_text_free(&message);
  mw_graph_free(graph);
  return length;
}

/* ---- the target ---- */

static void check_nodes(const mw_graph *graph, const mw_graph_output *outputs, size_t count) {
  for (mw_node id = 1; id <= mw_graph_count(graph); id++) {
    mw_graph_node_facts facts = mw_graph_facts(graph, id);
    REQUIRE(mw_graph_op_class(facts.op) != MW_CLASS_FUSED);
    for (uint32_t i = 0; i < facts.operands; i++) REQUIRE(facts.operand[i] > 0 && facts.operand[i] < id);
    if (facts.op == MW_OP_INPUT) REQUIRE(facts.extra[0] < MODELS && facts.extra[1] < ROWS);
  }
  for (size_t i = 0; i < count; i++) REQUIRE(outputs[i].node > 0 && outputs[i].node <= mw_graph_count(graph));
}

static void compile(mw_graph *graph, const mw_graph_output *outputs, size_t count) {
  mw_node *nodes = malloc((count + 1) * sizeof *nodes);
  mw_schedule schedule = {0};
  mw_program program = {0};
  mw_error err;
  REQUIRE(nodes != NULL);
  for (size_t i = 0; i < count; i++) nodes[i] = outputs[i].node;
  mw_expansion *expansion = NULL;
  if (mw_expansion_make(graph, nodes, count, &expansion, &err) && mw_schedule_make(graph, expansion, nodes, count, &schedule, &err))
    for (size_t t = 0; t < schedule.task_count; t++) {
      const mw_schedule_task *task = &schedule.tasks[t];
      REQUIRE(task->first_root + task->root_count <= schedule.root_count);
      if (!mw_program_compile(&program, graph, schedule.roots + task->first_root, task->root_count, &err)) continue;
      for (size_t i = 0; i < program.length; i++) REQUIRE(program.code[i].dst <= program.registers);
    }
  mw_program_free(&program);
  mw_schedule_free(&schedule);
  mw_expansion_free(expansion);
  free(nodes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  mw_arena arenas[2] = {{0}, {0}};
  mw_graph *graph = NULL, *again = NULL;
  mw_graph_output *outputs = NULL, *same = NULL;
  size_t count = 0, same_count = 0;
  mw_error err;
  char *message = malloc(length + 1);
  REQUIRE(message != NULL);
  if (length) memcpy(message, bytes, length);
  if (mw_message_take_graph(message, length, inputs, (mw_message_rest){0}, &arenas[0], &graph, &outputs, &count, &err)) {
    mw_text sent = {0}, second = {0};
    check_nodes(graph, outputs, count);
    REQUIRE(mw_message_put_graph(&sent, graph, outputs, count, NULL, &err));
    REQUIRE(mw_message_take_graph(sent.bytes, sent.length, inputs, (mw_message_rest){0}, &arenas[1], &again, &same, &same_count, &err));
    REQUIRE(same_count == count && mw_message_put_graph(&second, again, same, same_count, NULL, &err));
    REQUIRE(second.length == sent.length && !memcmp(second.bytes, sent.bytes, sent.length));
    compile(graph, outputs, count);
    mw_text_free(&sent);
    mw_text_free(&second);
    mw_graph_free(graph);
    mw_graph_free(again);
  } else REQUIRE(err.text[0] && !graph);
  mw_mem_release(&arenas[0]);
  mw_mem_release(&arenas[1]);
  free(message);
  return 0;
}
