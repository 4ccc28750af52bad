/* fuzz_adapted.c: an adapter, its tensors and its configuration, held against a base. The input is text:
 *
 *   llama tied                              the base's model_type; `tied`: its head is its embedding
 *   F32 model.layers.0.q_proj.weight 6 4    its tensors: type, name, dimensions
 *   -
 *   F32 base_model.model.model.layers.0.q_proj.lora_A.weight 2 4     those of the adapter
 *   {"r": 2}                                adapter_config.json, up to the end; none: the adapter is a lone file
 *
 * Whatever it says, the adapter is added or refused by a line. What is added leaves names and shapes as they were, and a tensor's elements
 * are the same bits, or the same error, read at once or in two pieces. */
#include "base/utf8.h"
#include "folder.h"
#include "model/adapted.h"
#include "model/adapter.h"
#include <sys/stat.h>

enum { DATA = 1 << 16, TENSORS = 64, ELEMENTS = 4096, FACTORS = 1 << 20 };

#define MODULE "model.layers.0.self_attn.q_proj"
#define PEFT "F32 base_model.model."
#define BASE "F32 " MODULE ".weight 6 4\nF32 " MODULE ".bias 6\nBF16 model.embed_tokens.weight 7 4\n"

static const char *const seeds[] = {
    "llama\n" BASE "-\n" PEFT MODULE ".lora_A.weight 2 4\n" PEFT MODULE ".lora_B.weight 6 2\n" PEFT MODULE ".lora_magnitude_vector 6\n"
    "{\"peft_type\": \"LORA\", \"r\": 8, \"rank_pattern\": {\"q_proj\": 2}, \"alpha_pattern\": {\"q\": 3}, \"lora_alpha\": 4, \"use_dora\": true}",
    "llama tied\n" BASE "-\n" PEFT "model.embed_tokens.lora_embedding_A 2 7\n" PEFT "model.embed_tokens.lora_embedding_B 4 2\n"
    PEFT "lm_head.lora_A.weight 2 4\n" PEFT "lm_head.lora_B.weight 7 2\n{\"peft_type\": \"LORA\", \"r\": 2, \"use_rslora\": true}",
    "llama tied\n" BASE "-\n" PEFT "model.embed_tokens.token_adapter.trainable_tokens_delta 2 4\n"
    "{\"peft_type\": \"TRAINABLE_TOKENS\", \"trainable_token_indices\": {\"embed_tokens\": [1, 6], \"lm_head\": [0]}}",
    "gpt2\n" BASE "-\n" PEFT MODULE ".ia3_l 6 1\n" PEFT "model.embed_tokens.weight 7 4\n"
    "{\"peft_type\": \"IA3\", \"fan_in_fan_out\": false, \"modules_to_save\": [\"embed_tokens\"]}",
    "qwen3_moe\nF32 m.mlp.experts.0.gate_proj.weight 2 3\nF32 m.mlp.experts.0.up_proj.weight 2 3\nF32 m.mlp.experts.1.gate_proj.weight 2 3\n"
    "F32 m.mlp.experts.1.up_proj.weight 2 3\n-\n" PEFT "m.mlp.experts.lora_A.weight 2 3\n" PEFT "m.mlp.experts.lora_B.weight 4 2\n"
    "{\"peft_type\": \"LORA\", \"r\": 1, \"target_parameters\": [\"mlp.experts.gate_up_proj\", \"experts.down_proj\"]}",
    "gpt_oss\nF32 m.mlp.experts.down_proj 3 4 4\nF32 m.mlp.experts.gate_up_proj 3 4 8\n-\n" PEFT "m.mlp.experts.lora_A.weight 6 4\n" PEFT
    "m.mlp.experts.lora_B.weight 4 6\n" PEFT "m.mlp.experts.base_layer.lora_A.weight 6 4\n" PEFT
    "m.mlp.experts.base_layer.lora_B.weight 8 6\n{\"peft_type\": \"LORA\", \"r\": 2, \"target_parameters\": [\"experts.down_proj\", \"experts.gate_up_proj\"]}",
    "llama\n" BASE "-\n" PEFT MODULE ".hada_w1_a 6 2\n" PEFT MODULE ".hada_w1_b 2 4\n" PEFT MODULE ".hada_w2_a 6 2\n" PEFT MODULE
    ".hada_w2_b 2 4\n{\"peft_type\": \"LOHA\", \"r\": 2, \"alpha\": 3}",
    "unet\nF16 down_blocks.0.attn.to_q.weight 6 4\nF32 conv.weight 4 2 3 3\n-\nF32 lora_unet_down_blocks_0_attn_to_q.lokr_w1 2 2\n"
    "F32 lora_unet_down_blocks_0_attn_to_q.lokr_w2_a 3 1\nF32 lora_unet_down_blocks_0_attn_to_q.lokr_w2_b 1 2\n"
    "F32 lora_unet_down_blocks_0_attn_to_q.alpha\nF32 lora_unet_conv.lora_down.weight 2 2 3 3\nF32 lora_unet_conv.lora_up.weight 4 2 1 1\n",
    "unet\nF16 mid.attn1.to_out.0.weight 6 4\n-\nF32 unet.mid.attn1.processor.to_out_lora.down.weight 2 4\nF32 unet.mid.attn1.processor.to_out_lora.up.weight 6 2\n",
};

size_t fuzz_seed(unsigned number, uint8_t *room, size_t size) {
  return fuzz_text(seeds, sizeof seeds / sizeof *seeds, number, room, size);
}

/* ---- files ---- */

/* A safetensors file that is being made. */
typedef struct file { mw_text header, whole; uint64_t data; size_t count; } file;

static file base, adapter;

/* The next word of a line, up to a space. */
static size_t take_word(const char **at, const char *end, const char **word) {
  while (*at < end && **at == ' ') ++*at;
  *word = *at;
  while (*at < end && **at != ' ') ++*at;
  return (size_t)(*at - *word);
}

/* "F32 name 6 4"; what is no dimension ends it. */
static void add_tensor(file *f, const char *at, const char *end) {
  const char *type, *name, *word;
  const size_t type_length = take_word(&at, end, &type), name_length = take_word(&at, end, &name);
  mw_dtype dtype = MW_DTYPE_F32;
  uint64_t elements = 1, dim;
  if (f->count == TENSORS) return;
  mw_dtype_parse(type, type_length, &dtype);
  mw_text_format(&f->header, f->count++ ? "," : "{");
  mw_text_json(&f->header, name, name_length);
  mw_text_format(&f->header, ":{\"dtype\":\"%s\",\"shape\":[", mw_dtype_name(dtype));
  for (unsigned rank = 0; rank < 8; rank++) {
    const size_t length = take_word(&at, end, &word);
    if (!mw_text_parse_u64(word, length, &dim)) break;
    mw_text_format(&f->header, "%s%llu", rank ? "," : "", (unsigned long long)dim);
    elements *= dim;
  }
  const uint64_t next = f->data + (elements * (uint64_t)mw_dtype_bits(dtype) + 7) / 8;
  mw_text_format(&f->header, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)f->data, (unsigned long long)next);
  f->data = next;
}

/* Elements are a few small numbers, as f32 and as bf16; of a large file zeros. */
static void put(file *f, const char *name, const char *second) {
  static const float numbers[] = {-1.5f, 0.5f, 2, -0.25f, 1, 0.75f, 0};
  mw_text_format(&f->header, f->count ? "}" : "{}");
  const uint64_t length = f->header.length;
  f->whole.length = 0;
  mw_text_add(&f->whole, (const char *)&length, sizeof length);
  mw_text_add(&f->whole, f->header.bytes, f->header.length);
  for (uint64_t i = 0; i < f->data / 4 + 1 && f->data <= DATA; i++) mw_text_add(&f->whole, (const char *)&numbers[i % 7], 4);
  REQUIRE(!f->whole.failed && !f->header.failed);
  const uint64_t size = 8 + length + (f->data < (uint64_t)1 << 40 ? f->data : 0);
  const char *names[] = {name, second};
  for (int i = 0, fd; i < (second ? 2 : 1); i++) {
    const char *path = fuzz_file(names[i], &fd);
    fuzz_fill(fd, path, f->whole.bytes, f->whole.length < size ? f->whole.length : (size_t)size, size);
  }
}

static void make_folders(void) {
  static const char *const names[] = {"base", "adapter"};
  for (int i = 0; i < 2; i++) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", fuzz_make_folder(), names[i]);
    REQUIRE(mkdir(path, 0700) == 0);
  }
}

/* ---- what is added ---- */

static void check_elements(const mw_model *model, const mw_tensor *tensor) {
  static float whole[ELEMENTS], pieces[ELEMENTS];
  const size_t length = (size_t)mw_tensor_bytes(tensor), cut = length / 3 / sizeof(float) * sizeof(float);
  mw_error err, other;
  const bool read = mw_model_read(model, tensor, 0, whole, length, &err);
  const bool same = mw_model_read(model, tensor, 0, pieces, cut, &other) &&
                    mw_model_read(model, tensor, cut, pieces + cut / sizeof(float), length - cut, &other);
  REQUIRE(read == same);
  if (read) REQUIRE(memcmp(whole, pieces, length) == 0);
  else REQUIRE(err.status == MW_DATA && err.text[0]);
}

static void check_added(const mw_model *model, const mw_tensor *plain, size_t count) {
  REQUIRE(model->tensor_count >= count && model->tensor_count <= count + 1);
  for (size_t i = 0, k = 0; i < model->tensor_count; i++) {
    const mw_tensor *tensor = &model->tensors[i], *old = k < count ? &plain[k] : NULL;
    if (old && strcmp(old->name, tensor->name) == 0) {
      REQUIRE(old->rank == tensor->rank && memcmp(old->shape, tensor->shape, old->rank * sizeof *old->shape) == 0);
      k++;
    } else REQUIRE(strcmp(tensor->name, "lm_head.weight") == 0);
    if (tensor->made == MW_TENSOR_ADAPTED && mw_tensor_elements(tensor) <= ELEMENTS && mw_adapted_bytes(tensor->adapted) <= FACTORS)
      check_elements(model, tensor);
  }
}

static void try_adapter(const char *folder, const char *where) {
  mw_warning warnings = {0};
  mw_model *model;
  mw_error err;
  if (mw_model_open(folder, &warnings, &model, &err)) {
    mw_tensor plain[TENSORS];
    const size_t count = model->tensor_count;
    REQUIRE(count <= TENSORS);
    if (count) memcpy(plain, model->tensors, count * sizeof *plain);
    if (mw_adapter_add(model, where, &warnings, &err)) check_added(model, plain, count);
    else REQUIRE((err.status == MW_DATA || err.status == MW_UNAVAILABLE) && err.text[0]);
    mw_model_close(model);
  } else REQUIRE(err.status == MW_DATA && err.text[0]);
  mw_warning_free(&warnings);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  static mw_text config;
  const char *at = (const char *)bytes, *end = at + length, *type;
  file *now = &base;
  if (!fuzz_folder[0]) make_folders();
  base.header.length = adapter.header.length = base.count = adapter.count = config.length = 0;
  base.data = adapter.data = 0;
  for (bool first = true; at < end && *at != '{'; first = false) {
    const char *line = memchr(at, '\n', (size_t)(end - at));
    if (!line) line = end;
    if (first) {
      const size_t n = take_word(&at, line, &type);
      mw_text_format(&config, "{\"tie_word_embeddings\":%s,\"model_type\":", line - at >= 5 && memcmp(line - 5, " tied", 5) == 0 ? "true" : "false");
      mw_text_json(&config, type, n);
      mw_text_format(&config, "}");
    } else if (line - at == 1 && *at == '-') now = &adapter;
    else if (line > at) add_tensor(now, at, line);
    at = line < end ? line + 1 : end;
  }
  if (!config.length) mw_text_format(&config, "{}");
  put(&base, "base/model.safetensors", NULL);
  put(&adapter, "adapter/adapter_model.safetensors", "lone.safetensors");
  fuzz_put("base/config.json", config.bytes, config.length);
  fuzz_put("adapter/adapter_config.json", at, (size_t)(end - at));
  char folder[128], where[128];
  snprintf(folder, sizeof folder, "%s/base", fuzz_folder);
  snprintf(where, sizeof where, "%s/%s", fuzz_folder, at < end ? "adapter" : "lone.safetensors");
  try_adapter(folder, where);
  return 0;
}
