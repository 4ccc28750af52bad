/* llama.h: Llama written with the graph's constructors, for tests and benchmarks of learning before any Lua. A weight is
 * whatever the caller makes of a name: a tensor of a model, or an expression over several. */
#ifndef MW_UNIT_LLAMA_H
#define MW_UNIT_LLAMA_H

#include "heads.h"
#include "base/mathx.h"
#include "model/family.h"
#include "learn/train.h"
#include "unit.h"
#include <stdlib.h>

typedef struct llama {
  mw_graph *graph;
  const mw_family *family;
  unsigned layers, heads, kv_heads, head;
  double theta, epsilon;
  /* The weight `name`, row `row` of the family. */
  mw_node (*weight)(struct llama *net, const char *name, uint32_t row);
  void *context;
} llama;

static mw_error llama_err;

static inline mw_node llama_apply(mw_graph *graph, mw_op op, uint64_t extra, uint64_t more, uint32_t count, const mw_node *operands) {
  mw_node node = 0;
  bool good = mw_graph_apply(graph, op, operands, count, (uint64_t[]){extra, more}, &node, &llama_err);
  if (!good) printf("%s: %s\n", mw_graph_op_name(op), llama_err.text);
  CHECK(good);
  return node;
}

#define LLAMA(op, extra, more, ...) \
  llama_apply(net->graph, MW_OP_##op, extra, more, (uint32_t)(sizeof((mw_node[]){__VA_ARGS__}) / sizeof(mw_node)), \
              (mw_node[]){__VA_ARGS__})

static inline uint64_t llama_bits(double value) {
  uint64_t word;
  memcpy(&word, &value, sizeof word);
  return word;
}

static inline uint32_t llama_row(const mw_family *family, const char *name) {
  uint32_t row = 0;
  while (row < family->members[0].count && strcmp(family->members[0].tensors[row].name, name)) row++;
  CHECK(row < family->members[0].count);
  return row;
}

static inline mw_node llama_input(llama *net, uint32_t model, uint32_t row) {
  const mw_tensor *tensor = &net->family->members[0].tensors[row];
  uint32_t shape;
  mw_node node = 0;
  CHECK(mw_graph_shape(net->graph, tensor->shape, tensor->rank, &shape, &llama_err) &&
        mw_graph_input(net->graph, model, row, (mw_dtype)tensor->dtype, shape, &node, &llama_err));
  return node;
}

static inline mw_node llama_weight(llama *net, int layer, const char *part) {
  char name[128];
  if (layer < 0) snprintf(name, sizeof name, "model.%s.weight", part);
  else snprintf(name, sizeof name, "model.layers.%d.%s.weight", layer, part);
  return net->weight(net, name, llama_row(net->family, name));
}

static inline mw_node llama_rope(llama *net, mw_node x, uint64_t length) {
  mw_node operands[257] = {x};
  for (unsigned j = 0; j < net->head / 2; j++)
    CHECK(mw_graph_number(net->graph, mw_mathx_pow(net->theta, -2.0 * j / net->head), &operands[1 + j], &llama_err));
  return llama_apply(net->graph, MW_OP_ROPE, length, net->head, 1 + net->head / 2, operands);
}

/* [rows, vocabulary], by a tied head. */
static inline mw_node llama_logits(llama *net, mw_node tokens) {
  uint64_t length = mw_graph_facts(net->graph, tokens).extra[1], eps = llama_bits(net->epsilon);
  mw_node table = llama_weight(net, -1, "embed_tokens"), x = LLAMA(EMBED, 0, 0, tokens, table);
  for (unsigned l = 0; l < net->layers; l++) {
    int layer = (int)l;
    mw_node n = LLAMA(RMS_NORM, eps, 0, x, llama_weight(net, layer, "input_layernorm"));
    mw_node q = LLAMA(LINEAR, 0, 0, n, llama_weight(net, layer, "self_attn.q_proj"));
    mw_node k = LLAMA(LINEAR, 0, 0, n, llama_weight(net, layer, "self_attn.k_proj"));
    mw_node v = LLAMA(LINEAR, 0, 0, n, llama_weight(net, layer, "self_attn.v_proj"));
    mw_node a = LLAMA(ATTENTION, length, packed_heads(net->heads, net->kv_heads, 0), llama_rope(net, q, length), llama_rope(net, k, length), v);
    x = LLAMA(ADD, 0, 0, x, LLAMA(LINEAR, 0, 0, a, llama_weight(net, layer, "self_attn.o_proj")));
    n = LLAMA(RMS_NORM, eps, 0, x, llama_weight(net, layer, "post_attention_layernorm"));
    mw_node gate = LLAMA(LINEAR, 0, 0, n, llama_weight(net, layer, "mlp.gate_proj"));
    mw_node up = LLAMA(LINEAR, 0, 0, n, llama_weight(net, layer, "mlp.up_proj"));
    mw_node inner = LLAMA(MUL, 0, 0, LLAMA(SILU, 0, 0, gate), up);
    x = LLAMA(ADD, 0, 0, x, LLAMA(LINEAR, 0, 0, inner, llama_weight(net, layer, "mlp.down_proj")));
  }
  return LLAMA(LINEAR, 0, 0, LLAMA(RMS_NORM, eps, 0, x, llama_weight(net, -1, "norm")), table);
}

#endif
