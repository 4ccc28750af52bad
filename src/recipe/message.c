/* message.c: numbers are written and read by memcpy, in the byte order of the machine: both sides are one program that has forked.
 *
 * The reader expects any bytes at all, since a recipe that has taken over its process can send what it likes. It follows four rules:
 *
 *   1. Nothing is read beyond the end of the message (`take`). The first failure is kept in `failed`, so a caller may read several
 *      numbers and ask once.
 *   2. A count is compared with the bytes that are left before memory is allocated for it. For example, a message of 100 bytes
 *      cannot announce 4 billion outputs: one has at least 8 bytes. Nodes are at most as many as a graph may have (MW_GRAPH_NODES).
 *   3. A node refers to earlier nodes only: operand < id. So there can be no cycles, and no number that is out of range.
 *   4. Nodes are not copied but made again by the graph's constructors. What these refuse (shapes that do not fit, a rank that is
 *      too high) is refused here too, with their errors.
 *
 * Waiting is limited as well. The parent asks ten times a second whether the child has sent something, and counts only the time in
 * which the child neither did so nor was working (sandbox.c). */
#include "recipe/message.h"
#include "base/clock.h"
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void mw_message_put_u32(mw_text *out, uint32_t value) { mw_text_add(out, (const char *)&value, sizeof value); }
void mw_message_put_u64(mw_text *out, uint64_t value) { mw_text_add(out, (const char *)&value, sizeof value); }
void mw_message_put_double(mw_text *out, double value) { mw_text_add(out, (const char *)&value, sizeof value); }

void mw_message_put_text(mw_text *out, const char *bytes, size_t length) {
  mw_message_put_u32(out, (uint32_t)length);
  mw_text_add(out, bytes, length);
}

/* The next `length` bytes, or NULL if there are not so many. */
static const char *take(mw_message *in, size_t length) {
  if (in->failed || (size_t)(in->end - in->at) < length) {
    in->failed = true;
    return NULL;
  }
  const char *at = in->at;
  in->at += length;
  return at;
}

#define TAKE(type) type value = 0; const char *at = take(in, sizeof value); if (at) memcpy(&value, at, sizeof value); return value
uint32_t mw_message_u32(mw_message *in) { TAKE(uint32_t); }
uint64_t mw_message_u64(mw_message *in) { TAKE(uint64_t); }
double mw_message_double(mw_message *in) { TAKE(double); }

const char *mw_message_text(mw_message *in, size_t *length) {
  *length = mw_message_u32(in);
  const char *at = take(in, *length);
  if (!at) *length = 0;
  return at ? at : "";
}

/* Whether there is something to read before patience ends. What the other side does is asked for when a slice of time was waited, in one go
 * or in several. */
static bool await(int fd, mw_message_patience *patience) {
  static const double slice = 0.1;
  while (patience->seconds > 0) {
    struct pollfd one = {.fd = fd, .events = POLLIN};
    double begun = mw_clock_now();
    int ready = poll(&one, 1, (int)ceil(1000 * fmin(slice, patience->seconds)));
    /* No more than the slice: this process may itself have been stopped (Ctrl-Z). */
    patience->waited += fmin(mw_clock_now() - begun, slice);
    if (ready == 0 || patience->waited >= slice) {
      if (!patience->works(patience->other)) patience->seconds -= fmin(patience->waited, slice);
      patience->waited = 0;
    }
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
  return false;
}

/* Without SIGPIPE, which would end a program that uses the library: that the other side is gone is an error like others. */
static bool put(int fd, const char *bytes, size_t length) {
  while (length) {
    ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes += n;
    length -= (size_t)n;
  }
  return true;
}

/* Without a patience poll is not called: a locked child may not call it. */
static bool get(int fd, char *bytes, size_t length, mw_message_patience *patience) {
  while (length) {
    if (patience && !await(fd, patience)) return false;
    ssize_t n = read(fd, bytes, length);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes += n;
    length -= (size_t)n;
  }
  return true;
}

bool mw_message_send(int fd, uint32_t kind, const char *bytes, size_t length) {
  uint64_t head[2] = {kind, length};
  return put(fd, (const char *)head, sizeof head) && put(fd, bytes, length);
}

/* A head of two u64, then the body. A length above the limit is refused before memory is asked for. */
static bool receive(int fd, size_t limit, mw_message_patience *patience, uint32_t *kind, char **bytes, size_t *length) {
  uint64_t head[2];
  errno = 0;
  if (!get(fd, (char *)head, sizeof head, patience) || head[1] > limit) return false;
  char *body = malloc((size_t)head[1] + 1);
  if (!body) return false;
  if (!get(fd, body, (size_t)head[1], patience)) return free(body), false;
  body[head[1]] = 0;
  *kind = (uint32_t)head[0];
  *bytes = body;
  *length = (size_t)head[1];
  return true;
}

bool mw_message_receive(int fd, size_t limit, uint32_t *kind, char **bytes, size_t *length) {
  return receive(fd, limit, NULL, kind, bytes, length);
}

bool mw_message_hear(int fd, size_t limit, mw_message_patience *patience, uint32_t *kind, char **bytes, size_t *length) {
  return receive(fd, limit, patience, kind, bytes, length);
}

/* ---- graphs ---- */

static void put_shape(mw_text *out, const mw_graph *graph, uint32_t shape) {
  mw_message_put_u32(out, mw_graph_rank(graph, shape));
  for (unsigned i = 0; i < mw_graph_rank(graph, shape); i++) mw_message_put_u64(out, mw_graph_dims(graph, shape)[i]);
}

static bool take_shape(mw_message *in, mw_graph *graph, uint32_t *shape, mw_error *err) {
  uint64_t dims[64];
  uint32_t rank = mw_message_u32(in);
  for (uint32_t i = 0; i < rank && rank <= 64; i++) dims[i] = mw_message_u64(in);
  if (in->failed) return mw_error_set(err, MW_DATA, "the recipe's process sent a broken graph");
  return mw_graph_shape(graph, dims, rank, shape, err);
}

/* An operation on a whole model is a node for each of its tensors, and the numbers of their operands grow by the same steps from one
 * to the next. Such nodes are sent as one: the first, how many more there are, and the step of each operand. */
enum { RUN_OPERANDS = 3 };

static bool may_run(mw_op op) { return mw_graph_op_class(op) == MW_CLASS_MAP || mw_graph_op_class(op) == MW_CLASS_SUM; }

/* How many nodes behind `id` are such. */
static uint32_t find_run(const mw_graph *graph, mw_node id, mw_graph_node_facts facts, const mw_message_choice *choice,
                         uint32_t steps[RUN_OPERANDS]) {
  uint32_t last[RUN_OPERANDS], more = 0, count;
  if (!may_run(facts.op) || facts.operands > RUN_OPERANDS || facts.extra[0] || facts.extra[1]) return 0;
  for (uint32_t i = 0; i < facts.operands; i++) last[i] = mw_message_node(choice, facts.operand[i]);
  while (++id <= mw_graph_count(graph) && mw_graph_op(graph, id) == facts.op && mw_message_node(choice, id)) {
    const mw_node *next = mw_graph_read(graph, id, &count); /* all operands of such an operation */
    if (count != facts.operands || mw_graph_has_extra(graph, id)) break;
    bool goes_on = true;
    for (uint32_t i = 0; i < count; i++) {
      const uint32_t operand = mw_message_node(choice, next[i]);
      if (!more) steps[i] = operand - last[i];
      goes_on &= operand - last[i] == steps[i];
      last[i] = operand;
    }
    if (!goes_on) break;
    more++;
  }
  return more;
}

/* Returns how many nodes it has put. Only a few operations have more than their extra, operands and steps: rows of TOKENS, the shape of a
 * COEFFICIENT, FILL or RESHAPE. */
static uint32_t put_nodes(mw_text *out, const mw_graph *graph, mw_node id, const mw_message_choice *choice, uint64_t *coefficients) {
  mw_graph_node_facts facts = mw_graph_facts(graph, id);
  uint32_t steps[RUN_OPERANDS], more = find_run(graph, id, facts, choice, steps);
  if (choice && facts.op == MW_OP_COEFFICIENT) facts.extra[0] = (*coefficients)++;
  if (choice && facts.op == MW_OP_LEARNED) facts.extra[0] = choice->trainings[facts.extra[0]] - 1;
  enum { FEW = 8, HEAD = 7 }; /* numbers of 32 bits: most nodes are written at once */
  uint32_t words[HEAD + FEW] = {facts.op, more}, some = facts.operands < FEW ? facts.operands : FEW;
  memcpy(words + 2, facts.extra, sizeof facts.extra);
  words[HEAD - 1] = facts.operands;
  for (uint32_t i = 0; i < some; i++) words[HEAD + i] = mw_message_node(choice, facts.operand[i]);
  mw_text_add(out, (const char *)words, (HEAD + some) * sizeof *words);
  for (uint32_t i = some; i < facts.operands; i++) mw_message_put_u32(out, mw_message_node(choice, facts.operand[i]));
  for (uint32_t i = 0; i < facts.operands && more; i++) mw_message_put_u32(out, steps[i]);
  if (facts.op == MW_OP_TOKENS) mw_message_put_u64(out, mw_graph_elements(graph, facts.shape));
  if (facts.op == MW_OP_COEFFICIENT || facts.op == MW_OP_FILL || facts.op == MW_OP_RESHAPE) put_shape(out, graph, facts.shape);
  return more + 1;
}

/* The tables of GATHER: how many, and for each the number of its rows and the rows. */
static void put_tables(mw_text *out, const mw_graph *graph) {
  mw_message_put_u32(out, (uint32_t)mw_graph_tables(graph));
  for (size_t i = 0; i < mw_graph_tables(graph); i++) {
    size_t count;
    const uint32_t *rows = mw_graph_rows(graph, i, &count);
    mw_message_put_text(out, (const char *)rows, count * sizeof *rows);
  }
}

/* Equal tables are one, so that a child's tables keep their numbers. */
static bool take_tables(mw_message *in, mw_graph *graph, mw_error *err) {
  for (uint32_t i = 0, tables = mw_message_u32(in); i < tables && !in->failed; i++) {
    size_t length;
    uint64_t table = 0;
    const char *bytes = mw_message_text(in, &length);
    uint32_t *rows = mw_mem_new(length / sizeof *rows + 1, sizeof *rows, err);
    if (!rows) return false;
    memcpy(rows, bytes, length / sizeof *rows * sizeof *rows);
    bool ok = mw_graph_table(graph, rows, length / sizeof *rows, &table, err);
    free(rows);
    if (!ok) return false;
    if (table != i || length % sizeof *rows) in->failed = true;
  }
  return !in->failed || mw_error_set(err, MW_DATA, "the recipe's process sent a broken graph");
}

/* With a choice (a candidate that is scored is a part of the recipe's graph), nodes that are not chosen are passed over, and the
 * others get the numbers 1, 2, 3 ... in the same order, so that operands still come before their users. */
bool mw_message_put_graph(mw_text *out, const mw_graph *graph, const mw_graph_output *outputs, size_t count,
                       const mw_message_choice *choice, mw_error *err) {
  uint32_t sent = 0;
  uint64_t coefficients = 0;
  put_tables(out, graph);
  for (mw_node id = 1; id <= mw_graph_count(graph); id++) sent += mw_message_node(choice, id) != 0;
  mw_message_put_u32(out, sent);
  for (mw_node id = 1; id <= mw_graph_count(graph);)
    id += mw_message_node(choice, id) ? put_nodes(out, graph, id, choice, &coefficients) : 1;
  mw_message_put_u32(out, (uint32_t)count);
  for (size_t i = 0; i < count; i++) {
    mw_message_put_text(out, outputs[i].name, strlen(outputs[i].name));
    mw_message_put_u32(out, mw_message_node(choice, outputs[i].node));
  }
  return mw_text_check(out, err);
}

/* An INPUT gets dtype and shape from the models, never from the message. */
static bool take_input(mw_graph *graph, mw_message_inputs inputs, const uint64_t extra[2], mw_node *out, mw_error *err) {
  mw_dtype dtype;
  const uint64_t *dims;
  unsigned rank;
  uint32_t shape;
  if (extra[0] > UINT32_MAX || extra[1] > UINT32_MAX || !inputs.find(inputs.context, extra[0], extra[1], &dtype, &dims, &rank))
    return mw_error_set(err, MW_DATA, "the recipe's process named an input tensor that is not there");
  return mw_graph_shape(graph, dims, rank, &shape, err) &&
         mw_graph_input(graph, (uint32_t)extra[0], (uint32_t)extra[1], dtype, shape, out, err);
}

static bool broken(mw_error *err) { return mw_error_set(err, MW_DATA, "the recipe's process sent a broken graph"); }

/* Reads the steps of a run, and makes its nodes: `first`, whose operands are numbers of the message, and `more`. */
static bool take_run(mw_message *in, mw_graph *graph, const mw_graph_node_facts *first, uint32_t more, mw_node *map, uint32_t id,
                     mw_error *err) {
  uint32_t steps[RUN_OPERANDS] = {0};
  mw_node operands[RUN_OPERANDS];
  if (!may_run(first->op) || first->operands > RUN_OPERANDS) return broken(err);
  for (uint32_t i = 0; i < first->operands; i++) steps[i] = mw_message_u32(in);
  for (uint32_t k = 0; k <= more; k++) {
    for (uint32_t i = 0; i < first->operands; i++) {
      const uint32_t operand = first->operand[i] + k * steps[i];
      if (operand == 0 || operand >= id + k) return broken(err);
      operands[i] = map[operand];
    }
    MW_TRY(mw_graph_apply(graph, first->op, operands, first->operands, first->extra, &map[id + k], err));
  }
  return true;
}

/* Reads node `id`, and perhaps `more` behind it, of `nodes` in all. They are made in the graph, where equal nodes are one: so its number
 * there, map[id], may be lower. Most nodes have few operands; a selection over all tensors of a model may have many, for which a list
 * is allocated. */
static bool take_nodes(mw_message *in, mw_graph *graph, mw_message_inputs inputs, mw_node *map, uint32_t id, uint32_t nodes, uint32_t *more,
                       mw_error *err) {
  uint32_t op = mw_message_u32(in);
  *more = mw_message_u32(in);
  uint64_t extra[2];
  extra[0] = mw_message_u64(in);
  extra[1] = mw_message_u64(in);
  uint32_t count = mw_message_u32(in);
  mw_node few[16], *operands = few;
  if (in->failed || count > MW_GRAPH_OPERANDS || count > (size_t)(in->end - in->at) / sizeof *operands || op >= MW_OP_COUNT)
    return broken(err);
  if (*more > nodes - id || (*more && !may_run((mw_op)op))) return broken(err);
  if (op == MW_OP_NUMBER) {
    double value;
    memcpy(&value, &extra[0], sizeof value);
    return mw_graph_number(graph, value, &map[id], err);
  }
  if (op == MW_OP_INPUT) return take_input(graph, inputs, extra, &map[id], err);
  if (op == MW_OP_COEFFICIENT) {
    double initial;
    uint32_t of;
    memcpy(&initial, &extra[1], sizeof initial);
    return take_shape(in, graph, &of, err) && mw_graph_coefficient_of(graph, extra[0], of, initial, &map[id], err);
  }
  if (op == MW_OP_TOKENS) return mw_graph_tokens(graph, extra[0], mw_message_u64(in), extra[1], &map[id], err);
  if (count > 16 && !(operands = mw_mem_new(count, sizeof *operands, err))) return false;
  for (uint32_t i = 0; i < count; i++) operands[i] = mw_message_u32(in);
  if (*more) {
    const mw_graph_node_facts first = {.op = (mw_op)op, .operands = count, .operand = operands, .extra = {extra[0], extra[1]}};
    bool made = take_run(in, graph, &first, *more, map, id, err);
    if (operands != few) free(operands);
    return made;
  }
  bool ok = true;
  for (uint32_t i = 0; i < count && ok; i++) {
    ok = operands[i] > 0 && operands[i] < id;
    operands[i] = ok ? map[operands[i]] : 0;
  }
  if (!ok) broken(err);
  uint32_t shape;
  if (op == MW_OP_FILL)
    ok = ok && take_shape(in, graph, &shape, err) && mw_graph_fill(graph, count == 1 ? operands[0] : 0, shape, &map[id], err);
  else if (op == MW_OP_RESHAPE)
    ok = ok && take_shape(in, graph, &shape, err) && mw_graph_reshape(graph, count == 1 ? operands[0] : 0, shape, &map[id], err);
  else if (op == MW_OP_SPREAD) ok = ok && mw_graph_spread(graph, count == 1 ? operands[0] : 0, &map[id], err);
  else if (op == MW_OP_LEARNED) ok = ok && mw_graph_learned(graph, count == 1 ? operands[0] : 0, extra[0], &map[id], err);
  else ok = ok && mw_graph_apply(graph, (mw_op)op, operands, count, extra, &map[id], err);
  if (operands != few) free(operands);
  return ok;
}

/* Reads the outputs. Names must be sorted, without duplicates. A break of the loop means a broken message. */
static bool take_outputs(mw_message *in, const mw_node *map, uint32_t nodes, mw_arena *arena, mw_graph_output **outputs,
                         size_t *count, mw_error *err) {
  *count = mw_message_u32(in);
  if (*count > (size_t)(in->end - in->at) / 8) in->failed = true;
  *outputs = in->failed ? NULL : mw_mem_take(arena, *count * sizeof **outputs + 1, err);
  for (size_t i = 0; i < *count && *outputs; i++) {
    size_t length;
    const char *name = mw_message_text(in, &length);
    uint32_t node = mw_message_u32(in);
    if (in->failed || node == 0 || node > nodes || memchr(name, 0, length)) break;
    (*outputs)[i].node = map[node];
    if (!((*outputs)[i].name = mw_mem_copy(arena, name, length, err))) return false;
    if (i && strcmp((*outputs)[i - 1].name, (*outputs)[i].name) >= 0) break;
    if (i + 1 == *count) return true;
  }
  return *count == 0 && !in->failed;
}

/* The error is set before each part is read: what finds something more exact replaces it. */
bool mw_message_take_graph(const char *bytes, size_t length, mw_message_inputs inputs, mw_message_rest rest, mw_arena *arena,
                        mw_graph **graph, mw_graph_output **outputs, size_t *count, mw_error *err) {
  mw_message in = {bytes, bytes + length, false};
  if (!mw_graph_new(graph, err)) return false;
  bool ok = take_tables(&in, *graph, err);
  uint32_t nodes = ok ? mw_message_u32(&in) : 0;
  if (ok && (in.failed || nodes > MW_GRAPH_NODES)) ok = broken(err);
  ok = ok && mw_graph_expect(*graph, nodes, err);
  mw_node *map = ok ? mw_mem_new(nodes + 1u, sizeof *map, err) : NULL;
  ok = map != NULL;
  for (uint32_t id = 1, more; id <= nodes && ok; id += 1 + more) ok = take_nodes(&in, *graph, inputs, map, id, nodes, &more, err);
  if (ok) {
    mw_error_set(err, MW_DATA, "the recipe's process sent broken outputs");
    ok = take_outputs(&in, map, nodes, arena, outputs, count, err) &&
         (!rest.take || rest.take(rest.context, &in, map, nodes, *graph, err)) &&
         (in.at == in.end || mw_error_set(err, MW_DATA, "the recipe's process sent more than a graph"));
  }
  free(map);
  if (!ok) {
    mw_graph_free(*graph);
    *graph = NULL;
  }
  return ok;
}
