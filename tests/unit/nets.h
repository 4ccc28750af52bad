/* nets.h: small worlds for the tests of learning: models of random numbers, data sets by worker, and shorthand for graphs. */
#ifndef MW_UNIT_NETS_H
#define MW_UNIT_NETS_H

#include "model/family.h"
#include "learn/tape.h"
#include "toys.h"
#include <math.h>
#undef EMBED /* of toys.h */
#undef LAYER

enum { NET_MODELS = 2, NET_TENSORS = 12, NET_SETS = 3 };

/* A tensor of the random models: row i of the family, since names are in order. */
typedef struct net_tensor {
  const char *name;
  unsigned rows, columns; /* columns 0: a vector */
} net_tensor;

static mw_graph *graph;
static mw_error err;
static mw_model *net_models[NET_MODELS];
static mw_family_member net_members[NET_MODELS];
static mw_family net_family;
static const mw_dataset *net_sets[NET_SETS];

static inline double net_random(uint64_t *state) { /* in (-1, 1) */
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(int64_t)(*state >> 11) * 0x1p-52 - 1;
}

static inline void net_put(const char *folder, const net_tensor *tensors, size_t count, uint64_t seed) {
  mw_text out = {0};
  size_t at = 0;
  char path[256];
  mw_text_add(&out, "\0\0\0\0\0\0\0\0{", 9);
  for (size_t i = 0; i < count; i++) {
    size_t elements = (size_t)tensors[i].rows * (tensors[i].columns ? tensors[i].columns : 1);
    mw_text_format(&out, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%u", i ? "," : "", tensors[i].name, tensors[i].rows);
    if (tensors[i].columns) mw_text_format(&out, ",%u", tensors[i].columns);
    mw_text_format(&out, "],\"data_offsets\":[%zu,%zu]}", at, at + 4 * elements);
    at += 4 * elements;
  }
  mw_text_format(&out, "}");
  for (int i = 0; i < 8; i++) out.bytes[i] = (char)((out.length - 8) >> (8 * i));
  for (size_t i = 0; i < at / 4; i++) {
    float value = (float)net_random(&seed);
    mw_text_add(&out, (const char *)&value, sizeof value);
  }
  CHECK(mkdir(folder, 0755) == 0);
  snprintf(path, sizeof path, "%s/config.json", folder);
  put_text(path, any);
  snprintf(path, sizeof path, "%s/model.safetensors", folder);
  put(path, out.bytes, out.length);
  mw_text_free(&out);
}

/* Opens NET_MODELS models of these tensors, and an empty graph. */
static inline void net_begin(const net_tensor *tensors, size_t count) {
  static const char *const folders[NET_MODELS] = {"one", "two"};
  static const mw_family_rules rules;
  mw_warning warnings = {0};
  toys_begin();
  for (size_t m = 0; m < NET_MODELS; m++) {
    net_put(folders[m], tensors, count, 77 + m);
    CHECK(mw_model_open(folders[m], &warnings, &net_models[m], &err));
    net_members[m] = (mw_family_member){.model = net_models[m], .label = folders[m]};
  }
  CHECK(mw_family_join(net_members, NET_MODELS, 0, &rules, &warnings, &net_family, &err));
  CHECK(net_family.members[0].count == count && mw_graph_new(&graph, &err));
  mw_warning_free(&warnings);
}

static inline void net_end(void) {
  mw_graph_free(graph);
  mw_family_free(&net_family);
  for (size_t m = 0; m < NET_MODELS; m++) mw_model_close(net_models[m]);
  toys_end();
}

static inline mw_train_world net_world(int threads) {
  return (mw_train_world){.graph = graph, .family = &net_family, .sets = net_sets,
                          .set_count = NET_SETS, .threads = threads};
}

/* ---- shorthand for graphs: a node, or a failed check ---- */

static inline uint64_t bits(double value) {
  uint64_t word;
  memcpy(&word, &value, sizeof word);
  return word;
}

static inline mw_node number(double value) {
  mw_node node = 0;
  CHECK(mw_graph_number(graph, value, &node, &err));
  return node;
}

static inline mw_node input(uint32_t model, uint32_t row) {
  mw_node node = 0;
  uint32_t shape;
  const mw_tensor *tensor = &net_family.members[0].tensors[row];
  CHECK(mw_graph_shape(graph, tensor->shape, tensor->rank, &shape, &err) &&
        mw_graph_input(graph, model, row, (mw_dtype)tensor->dtype, shape, &node, &err));
  return node;
}

static inline mw_node apply(mw_op op, uint64_t extra, uint64_t more, uint32_t count, const mw_node *operands) {
  mw_node node = 0;
  bool good = mw_graph_apply(graph, op, operands, count, (uint64_t[]){extra, more}, &node, &err);
  if (!good) printf("%s: %s\n", mw_graph_op_name(op), err.text);
  CHECK(good);
  return node;
}

#define WITH(op, extra, more, ...) \
  apply(MW_OP_##op, extra, more, (uint32_t)(sizeof((mw_node[]){__VA_ARGS__}) / sizeof(mw_node)), (mw_node[]){__VA_ARGS__})
#define DO(op, ...) WITH(op, 0, 0, __VA_ARGS__)

static inline mw_node coefficient(uint64_t ordinal, uint64_t elements, double initial) {
  mw_node node = 0;
  CHECK(mw_graph_coefficient(graph, ordinal, elements, initial, &node, &err));
  return node;
}

static inline mw_node tokens(uint64_t set, uint64_t rows, uint64_t length) {
  mw_node node = 0;
  CHECK(mw_graph_tokens(graph, set, rows, length, &node, &err));
  return node;
}

#endif
