/* test_message.c: graphs survive the trip over the wire, and hostile bytes do not survive the decoder: every truncation and
 * many random mutations of a valid message end in an error or in a graph that still obeys its own rules. */
#include "recipe/learn_spec.h"
#include "unit.h"
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MODELS = 3, ROWS = 4, MUTATIONS = 20000 };

static const uint64_t matrix[] = {6, 4}, vector[] = {4};

/* Rows 0 to 2 are matrices, the last is a vector; model 2 computes in f64. */
static bool find(const void *context, uint64_t model, uint64_t row, mw_dtype *dtype, const uint64_t **dims, unsigned *rank) {
  (void)context;
  if (model >= MODELS || row >= ROWS) return false;
  *dtype = model == 2 ? MW_DTYPE_F64 : MW_DTYPE_BF16;
  *dims = row == ROWS - 1 ? vector : matrix;
  *rank = row == ROWS - 1 ? 1 : 2;
  return true;
}

static const mw_message_inputs inputs = {NULL, find};

static mw_node input(mw_graph *graph, uint32_t model, uint32_t row) {
  mw_error err;
  mw_dtype dtype;
  const uint64_t *dims;
  unsigned rank;
  uint32_t shape;
  mw_node node = 0;
  CHECK(find(NULL, model, row, &dtype, &dims, &rank));
  CHECK(mw_graph_shape(graph, dims, rank, &shape, &err) && mw_graph_input(graph, model, row, dtype, shape, &node, &err));
  return node;
}

static mw_node number(mw_graph *graph, double value) {
  mw_error err;
  mw_node node = 0;
  CHECK(mw_graph_number(graph, value, &node, &err));
  return node;
}

static mw_node apply(mw_graph *graph, mw_op op, uint64_t extra, uint32_t count, const mw_node *operands) {
  mw_error err;
  mw_node node = 0;
  uint64_t extras[2] = {extra, op == MW_OP_BERNOULLI || op == MW_OP_NORMAL ? 77 : 0};
  CHECK(mw_graph_apply(graph, op, operands, count, extras, &node, &err));
  return node;
}

#define APPLY(op, extra, ...) \
  apply(graph, op, extra, (uint32_t)(sizeof((mw_node[]){__VA_ARGS__}) / sizeof(mw_node)), (mw_node[]){__VA_ARGS__})

/* One node of every class, and a selection wide enough to leave the decoder's small array. */
static void build(mw_graph *graph, mw_graph_output outputs[3]) {
  mw_node base = input(graph, 0, 0), expert = input(graph, 1, 0), wide = input(graph, 2, 1), bias = input(graph, 0, 3);
  mw_node delta = APPLY(MW_OP_SUB, 0, expert, base);
  mw_node mask = APPLY(MW_OP_BERNOULLI, 1234, delta, number(graph, 0.25));
  mw_node noise = APPLY(MW_OP_NORMAL, 99, delta);
  mw_node threshold = APPLY(MW_OP_KTH, 30, delta, noise);
  mw_node cut = APPLY(MW_OP_TIE, 0, delta, noise, threshold);
  mw_node top = APPLY(MW_OP_TOP, 24, delta, threshold, cut);
  mw_node many[20];
  for (uint32_t i = 0; i < 20; i++) many[i] = APPLY(MW_OP_MUL, 0, delta, number(graph, i + 2.5));
  mw_node low = apply(graph, MW_OP_QUANTILE, 5, 20, many);
  mw_node scaled = APPLY(MW_OP_COLUMNS, 0, delta, APPLY(MW_OP_VECTOR, 0, bias));
  mw_node dot = APPLY(MW_OP_DOT, 0, delta, base);
  mw_node chosen = APPLY(MW_OP_WHERE, 0, mask, scaled, APPLY(MW_OP_MUL, 0, top, APPLY(MW_OP_ADD, 0, low, dot)));
  mw_node coefficient = 0, learned = 0, tokens = 0;
  mw_error err;
  CHECK(mw_graph_coefficient(graph, 3, 4, 0.5, &coefficient, &err) && mw_graph_learned(graph, coefficient, 1, &learned, &err));
  CHECK(mw_graph_tokens(graph, 2, 8, 4, &tokens, &err));
  mw_node rows = APPLY(MW_OP_EMBED, 0, tokens, APPLY(MW_OP_COLUMNS, 0, base, APPLY(MW_OP_VECTOR, 0, coefficient)));
  APPLY(MW_OP_CROSS_ENTROPY, 0, APPLY(MW_OP_LINEAR, 0, rows, base), tokens);
  scaled = APPLY(MW_OP_COLUMNS, 0, scaled, APPLY(MW_OP_VECTOR, 0, learned));
  const uint32_t order[] = {5, 0, MW_GRAPH_NO_ROW, 2, 2, 1};
  const uint64_t turned[] = {4, 6};
  uint64_t table = 9;
  uint32_t shape = 0, matrix_shape = 0;
  mw_node reshaped = 0, filled = 0;
  CHECK(mw_graph_table(graph, order, 6, &table, &err) && table == 0 && mw_graph_table(graph, order, 5, &table, &err) && table == 1);
  CHECK(mw_graph_table(graph, order, 6, &table, &err) && table == 0);
  CHECK(mw_graph_shape(graph, turned, 2, &shape, &err) && mw_graph_shape(graph, matrix, 2, &matrix_shape, &err));
  CHECK(mw_graph_reshape(graph, expert, shape, &reshaped, &err) && mw_graph_fill(graph, dot, matrix_shape, &filled, &err));
  mw_node gathered = APPLY(MW_OP_GATHER, 0, APPLY(MW_OP_TRANSPOSE, 0, reshaped));
  mw_node top_half = 0;
  CHECK(!mw_graph_apply(graph, MW_OP_SLICE_ROWS, &gathered, 1, (uint64_t[]){3, 3}, &top_half, &err) && err.status == MW_DATA);
  CHECK(!mw_graph_apply(graph, MW_OP_GATHER, &gathered, 1, (uint64_t[]){7, 0}, &top_half, &err) && err.status == MW_DATA);
  CHECK(mw_graph_apply(graph, MW_OP_JOIN_ROWS, (mw_node[]){gathered, filled}, 2, NULL, &top_half, &err));
  CHECK(mw_graph_apply(graph, MW_OP_SLICE_ROWS, &top_half, 1, (uint64_t[]){6, 12}, &top_half, &err));
  chosen = APPLY(MW_OP_ADD, 0, chosen, top_half);
  outputs[0] = (mw_graph_output){"a.weight", APPLY(MW_OP_ADD, 0, base, chosen)};
  outputs[1] = (mw_graph_output){"b.weight", APPLY(MW_OP_TANH, 0, wide)};
  outputs[2] = (mw_graph_output){"c.bias", bias};
}

static bool same_facts(const mw_graph *a, mw_node x_id, const mw_graph *b, mw_node y_id) {
  mw_graph_node_facts x = mw_graph_facts(a, x_id), y = mw_graph_facts(b, y_id);
  return x.op == y.op && x.f64 == y.f64 && x.operands == y.operands && x.dtype == y.dtype && !x.shape == !y.shape &&
         mw_graph_elements(a, x.shape) == mw_graph_elements(b, y.shape);
}

static void round_trip(const mw_graph *graph, const mw_graph_output *sent, const mw_text *message) {
  mw_arena arena = {0};
  mw_graph *again = NULL;
  mw_graph_output *outputs = NULL;
  size_t count = 0;
  mw_error err;
  CHECK(mw_message_take_graph(message->bytes, message->length, inputs, (mw_message_rest){0}, &arena, &again, &outputs, &count, &err));
  CHECK(count == 3 && mw_graph_count(again) == mw_graph_count(graph));
  CHECK_TEXT(outputs[0].name, "a.weight");
  CHECK_TEXT(outputs[2].name, "c.bias");
  for (size_t i = 0; i < 3; i++) CHECK(same_facts(graph, sent[i].node, again, outputs[i].node));
  mw_text second = {0};
  CHECK(mw_message_put_graph(&second, again, outputs, count, NULL, &err));
  CHECK(second.length == message->length && memcmp(second.bytes, message->bytes, second.length) == 0);
  mw_text_free(&second);
  mw_graph_free(again);
  mw_mem_release(&arena);
}

/* What outputs do not need stays behind, and what they need is the same. */
static void trimmed(const mw_graph *graph, const mw_graph_output *sent) {
  mw_arena arena = {0};
  mw_graph *again = NULL;
  mw_graph_output *outputs = NULL;
  size_t count = 0;
  mw_error err;
  mw_text one = {0}, two = {0};
  mw_message_choice choice;
  CHECK(mw_learn_spec_choose(graph, sent + 1, 2, NULL, 0, &choice, &err));
  CHECK(mw_message_put_graph(&one, graph, sent + 1, 2, &choice, &err));
  free(choice.nodes);
  CHECK(mw_message_take_graph(one.bytes, one.length, inputs, (mw_message_rest){0}, &arena, &again, &outputs, &count, &err));
  CHECK(count == 2 && mw_graph_count(again) == 3); /* tanh, its input, and the bias */
  for (size_t i = 0; i < 2; i++) CHECK(same_facts(graph, sent[i + 1].node, again, outputs[i].node));
  CHECK(mw_message_put_graph(&two, again, outputs, count, NULL, &err));
  CHECK(one.length == two.length && memcmp(one.bytes, two.bytes, one.length) == 0);
  mw_text_free(&one);
  mw_text_free(&two);
  mw_graph_free(again);
  mw_mem_release(&arena);
}

/* What a graph that came out of the decoder must obey, whatever went in. */
static bool obeys(const mw_graph *graph, const mw_graph_output *outputs, size_t count) {
  for (mw_node id = 1; id <= mw_graph_count(graph); id++) {
    mw_graph_node_facts facts = mw_graph_facts(graph, id);
    if (mw_graph_op_class(facts.op) == MW_CLASS_FUSED) return false;
    for (uint32_t i = 0; i < facts.operands; i++)
      if (facts.operand[i] == 0 || facts.operand[i] >= id) return false;
    if (facts.op == MW_OP_INPUT && (facts.extra[0] >= MODELS || facts.extra[1] >= ROWS)) return false;
  }
  for (size_t i = 0; i < count; i++)
    if (outputs[i].node == 0 || outputs[i].node > mw_graph_count(graph)) return false;
  return true;
}

/* 1: refused with a message; 2: taken and sound; 0: neither. The bytes are copied to the heap, where a sanitizer sees
 * the first byte read beyond them. */
static int decode(const char *bytes, size_t length) {
  char *copy = malloc(length ? length : 1);
  if (!copy) return 0;
  memcpy(copy, bytes, length);
  mw_arena arena = {0};
  mw_graph *graph = NULL;
  mw_graph_output *outputs = NULL;
  size_t count = 0;
  mw_error err = {0};
  int result;
  if (!mw_message_take_graph(copy, length, inputs, (mw_message_rest){0}, &arena, &graph, &outputs, &count, &err)) result = err.text[0] != 0;
  else {
    result = obeys(graph, outputs, count) ? 2 : 0;
    mw_graph_free(graph);
  }
  mw_mem_release(&arena);
  free(copy);
  return result;
}

static void truncations(const mw_text *message) {
  bool refused = true;
  for (size_t length = 0; length < message->length; length++) refused = refused && decode(message->bytes, length) == 1;
  CHECK(refused);
  mw_text longer = {0};
  mw_text_add(&longer, message->bytes, message->length);
  mw_text_add(&longer, "x", 1);
  CHECK(decode(longer.bytes, longer.length) == 1);
  mw_text_free(&longer);
}

static void mutations(const mw_text *message) {
  static const uint32_t edges[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, MW_GRAPH_NODES + 1, MW_OP_COUNT, 0x10000};
  char *bytes = malloc(message->length);
  uint64_t random = 88172645463325252u;
  bool good = bytes != NULL;
  int taken = 0;
  for (int round = 0; round < MUTATIONS && good; round++) {
    memcpy(bytes, message->bytes, message->length);
    for (int change = 0; change <= round % 4; change++) {
      random ^= random << 13, random ^= random >> 7, random ^= random << 17; /* xorshift64 (Marsaglia 2003) */
      size_t at = (size_t)(random >> 16) % (message->length - 4);
      if (random & 1) memcpy(bytes + at, &edges[(random >> 1) & 7], 4);
      else bytes[at] = (char)(random >> 3);
    }
    int result = decode(bytes, message->length);
    good = result != 0;
    taken += result == 2;
  }
  CHECK(good);
  CHECK(taken > 0 && taken < MUTATIONS); /* else the mutations test one side only */
  free(bytes);
}

/* Messages made by worker, each wrong in one way. */
static void crafted(void) {
  mw_text text = {0};
  mw_message_put_u32(&text, 0xffffffff); /* a count of tables far beyond the bytes: nothing of that size may be reserved */
  CHECK(decode(text.bytes, text.length) == 1);
  mw_text_free(&text);
}

static void put_node(mw_text *out, uint32_t op, uint32_t more, uint64_t extra, uint32_t count, const uint32_t *words, uint32_t word_count) {
  mw_message_put_u32(out, op);
  mw_message_put_u32(out, more);
  mw_message_put_u64(out, extra);
  mw_message_put_u64(out, 0);
  mw_message_put_u32(out, count);
  for (uint32_t i = 0; i < word_count; i++) mw_message_put_u32(out, words[i]);
}

/* Tensor 0 of model 0, and a run of operations behind it: `more` beyond the first, whose operand is `first` and grows by `step`. */
static int decode_run(uint32_t nodes, uint32_t op, uint32_t more, uint32_t first, uint32_t step) {
  mw_text text = {0};
  mw_message_put_u32(&text, 0); /* tables */
  mw_message_put_u32(&text, nodes);
  put_node(&text, MW_OP_INPUT, 0, 0, 0, NULL, 0);
  put_node(&text, op, more, 0, 1, (uint32_t[]){first, step}, more ? 2 : 1);
  mw_message_put_u32(&text, 0); /* outputs */
  int result = decode(text.bytes, text.length);
  mw_text_free(&text);
  return result;
}

static void runs(void) {
  CHECK(decode_run(2, MW_OP_NEG, 0, 1, 0) == 2);
  CHECK(decode_run(2, MW_OP_NEG, 0, 2, 0) == 1); /* an operand that is itself, the next node, no node */
  CHECK(decode_run(2, MW_OP_NEG, 0, 3, 0) == 1);
  CHECK(decode_run(2, MW_OP_NEG, 0, 0, 0) == 1);
  CHECK(decode_run(9, MW_OP_NEG, 7, 1, 1) == 2);  /* each of the one before */
  CHECK(decode_run(9, MW_OP_NEG, 7, 1, 0) == 2);  /* all of the first: one node */
  CHECK(decode_run(9, MW_OP_NEG, 7, 1, 2) == 1);  /* of what comes later */
  CHECK(decode_run(9, MW_OP_NEG, 7, 1, UINT32_MAX) == 1); /* of no node */
  CHECK(decode_run(9, MW_OP_NEG, 8, 1, 1) == 1);  /* more than there are */
  CHECK(decode_run(9, MW_OP_NEG, UINT32_MAX, 1, 0) == 1);
  CHECK(decode_run(9, MW_OP_TRANSPOSE, 7, 1, 1) == 1); /* no such runs */
  CHECK(decode_run(5 << 20, MW_OP_NEG, (5 << 20) - 2, 1, 1) == 1); /* more than a graph has */
}

/* Outputs must be in strict order, so that a name cannot come twice; a name with a NUL would be cut by C. */
static void names(const mw_graph *graph, mw_node node) {
  const mw_graph_output twice[] = {{"a", node}, {"a", node}}, turned[] = {{"b", node}, {"a", node}};
  mw_text text = {0};
  mw_error err;
  CHECK(mw_message_put_graph(&text, graph, twice, 2, NULL, &err));
  CHECK(decode(text.bytes, text.length) == 1);
  mw_text_free(&text);
  text = (mw_text){0};
  CHECK(mw_message_put_graph(&text, graph, turned, 2, NULL, &err));
  CHECK(decode(text.bytes, text.length) == 1);
  mw_text_free(&text);
  text = (mw_text){0};
  CHECK(mw_message_put_graph(&text, graph, twice, 1, NULL, &err));
  CHECK(decode(text.bytes, text.length) == 2);
  text.bytes[text.length - 5] = 0; /* the name's only byte */
  CHECK(decode(text.bytes, text.length) == 1);
  mw_text_free(&text);
}

static void sockets(void) {
  int ends[2];
  uint32_t kind;
  char *bytes;
  size_t length;
  bool open = socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0;
  CHECK(open);
  if (!open) return;
  CHECK(mw_message_send(ends[1], MW_MESSAGE_PRINT, "hello", 5));
  CHECK(mw_message_receive(ends[0], 100, &kind, &bytes, &length));
  CHECK(kind == MW_MESSAGE_PRINT && length == 5);
  CHECK_TEXT(bytes, "hello");
  free(bytes);
  CHECK(mw_message_send(ends[1], MW_MESSAGE_PRINT, "too long", 8));
  CHECK(!mw_message_receive(ends[0], 7, &kind, &bytes, &length));
  close(ends[0]);
  CHECK(!mw_message_send(ends[1], MW_MESSAGE_PRINT, "nobody", 6)); /* and SIGPIPE does not end the process */
  close(ends[1]);
  open = socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0;
  CHECK(open);
  if (!open) return;
  CHECK(write(ends[1], "short", 5) == 5);
  close(ends[1]);
  CHECK(!mw_message_receive(ends[0], 100, &kind, &bytes, &length));
  close(ends[0]);
}

int main(void) {
  mw_graph *graph;
  mw_error err;
  mw_graph_output outputs[3];
  mw_text message = {0};
  if (!mw_graph_new(&graph, &err)) return 1;
  build(graph, outputs);
  CHECK(mw_message_put_graph(&message, graph, outputs, 3, NULL, &err));
  RUN(round_trip(graph, outputs, &message));
  RUN(trimmed(graph, outputs));
  RUN(truncations(&message));
  RUN(mutations(&message));
  RUN(crafted());
  RUN(runs());
  RUN(names(graph, outputs[0].node));
  RUN(sockets());
  mw_text_free(&message);
  mw_graph_free(graph);
  UNIT_END();
}
