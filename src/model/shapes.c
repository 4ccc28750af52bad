/* shapes.c: first what the whole model has, then each tensor by how its name ends. */
#include "model/shapes.h"
#include "model/tied_head.h"
#include <string.h>

typedef enum number {
  VECTOR,
#define MW_SHAPE_NUMBER(name, called, value) name,
#include "model/shapes.def"
  NUMBERS
} number;

static const char *const called[NUMBERS] = {
#define MW_SHAPE_NUMBER(name, text, value) [name] = text,
#include "model/shapes.def"
};

static const struct { const char *ending; size_t length; number axis[2]; } shapes[] = {
#define MW_SHAPE(ending, rows, columns) {ending, sizeof ending - 1, {rows, columns}},
#include "model/shapes.def"
};

static uint64_t count_of(const mw_config *config, const char *key) {
  mw_json value = mw_json_member(config->root, key);
  uint64_t count;
  return value.kind == MW_JSON_NUMBER && mw_json_u64(value, &count) && count < (1u << 31) ? count : 0;
}

/* Some architectures have a default of their own for head_dim: then it is not known where the key is absent. */
static uint64_t width_of(const mw_config *config) {
  uint64_t width = count_of(config, "head_dim");
  if (width || config->architecture->head_dim || !config->heads) return width;
  return config->hidden % config->heads ? 0 : config->hidden / config->heads;
}

static void read_numbers(const mw_config *c, uint64_t numbers[NUMBERS]) {
  const uint64_t inner = count_of(c, "intermediate_size"), groups = count_of(c, "num_key_value_heads"),
                 experts = count_of(c, "num_local_experts"), width = width_of(c);
  numbers[VECTOR] = 0;
#define MW_SHAPE_NUMBER(name, called, value) numbers[name] = value;
#include "model/shapes.def"
}

static bool check_tensor(const mw_tensor *tensor, const uint64_t numbers[NUMBERS], const char *label, mw_error *err) {
  const size_t length = strlen(tensor->name);
  mw_text_escaped name;
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
    if (length < shapes[s].length || memcmp(tensor->name + length - shapes[s].length, shapes[s].ending, shapes[s].length) != 0) continue;
    const number *axis = shapes[s].axis;
    bool real = mw_dtype_kind_of((mw_dtype)tensor->dtype) == MW_DTYPE_KIND_REAL;
    if (!real || tensor->rank != (axis[1] == VECTOR ? 1 : 2) || !mw_tensor_elements(tensor)) return true;
    for (unsigned i = 0; i < tensor->rank; i++)
      if (numbers[axis[i]] && numbers[axis[i]] != tensor->shape[i])
        return mw_error_set(err, MW_DATA, "%s: config.json: %s: found %llu, but '%s' has %llu %s", label, called[axis[i]],
                            (unsigned long long)numbers[axis[i]], mw_text_escape_z(&name, tensor->name),
                            (unsigned long long)tensor->shape[i], tensor->rank == 1 ? "elements" : i ? "columns" : "rows");
    return true;
  }
  return true;
}

/* The layers that names speak of: 1 + the largest N of "layers.N.", or fewer where there are gaps between them. Names
 * are sorted, so a layer's tensors stand together. */
static uint64_t layers_present(const mw_model *model) {
  uint64_t layers = 0, distinct = 0, n, last = UINT64_MAX;
  for (size_t i = 0; i < model->tensor_count; i++) {
    const char *at = strstr(model->tensors[i].name, "layers.");
    size_t digits = at ? strspn(at + 7, "0123456789") : 0;
    if (!digits || at[7 + digits] != '.' || !mw_text_parse_u64(at + 7, digits, &n) || n == UINT64_MAX) continue;
    if (n >= layers) layers = n + 1;
    if (n != last) distinct++;
    last = n;
  }
  return distinct < layers ? distinct : layers;
}

/* C4. */
static bool check_heads(const mw_config *config, const char *label, mw_error *err) {
  mw_json own = mw_json_member(config->root, "head_dim");
  bool given = own.kind != MW_JSON_END && own.kind != MW_JSON_NULL;
  if (given || config->architecture->head_dim || !config->heads || config->hidden % config->heads == 0) return true;
  return mw_error_set(err, MW_DATA, "%s: config.json: num_attention_heads: found %llu, which does not divide hidden_size %llu", label,
                      (unsigned long long)config->heads, (unsigned long long)config->hidden);
}

/* Whether the model ends in a classifier or reward head: then it needs no lm_head. */
static bool wants_head(const mw_config *config) {
  mw_json list = mw_json_member(config->root, "architectures");
  return list.kind != MW_JSON_ARRAY || memmem(list.bytes, list.length, "ForCausalLM", 11);
}

/* Whether there is a head, also under a name that some tool has wrapped: names are compared where a recipe combines models. */
static bool has_head(const mw_model *model) {
  for (size_t i = 0; i < model->tensor_count; i++)
    if (strstr(model->tensors[i].name, "lm_head.")) return true;
  return false;
}

static bool check_head(const mw_model *model, const char *label, mw_error *err) {
  const mw_config *config = &model->config;
  if (config->tied || !wants_head(config) || !mw_tied_head_embedding(model) || has_head(model)) return true;
  bool given = mw_json_member(config->root, "tie_word_embeddings").kind == MW_JSON_FALSE;
  mw_error_set(err, MW_DATA, "%s: config.json: tie_word_embeddings is %s, but there is no '%s'", label,
               given ? "false" : "absent, which means false here", mw_tied_head_name);
  return mw_error_hint(err, "the head is missing from the files, or the key should be true");
}

bool mw_shapes_check(const mw_model *model, const char *label, mw_error *err) {
  const mw_config *config = &model->config;
  if (!config->text || !config->architecture) return true;
  uint64_t present = layers_present(model), numbers[NUMBERS];
  if (config->layers && present != config->layers)
    return mw_error_set(err, MW_DATA, "%s: config.json: num_hidden_layers: found %llu, but the tensors have %llu layers", label,
                        (unsigned long long)config->layers, (unsigned long long)present);
  MW_TRY(check_heads(config, label, err));
  read_numbers(config, numbers);
  const mw_tensor *embedding = mw_tied_head_embedding(model);
  MW_TRY(!embedding || check_tensor(embedding, numbers, label, err));
  for (size_t i = 0; i < model->tensor_count; i++) MW_TRY(check_tensor(&model->tensors[i], numbers, label, err));
  return check_head(model, label, err);
}
