/* test_adapter.c: what an adapter says about itself: patterns of module names as peft means them, scales, and names of tensors. */
#include "model/adapter_config.h"
#include "model/adapter_name.h"
#include "model/adapter_pattern.h"
#include "unit.h"
#include <math.h>

static mw_error err;

static bool matches(const char *pattern, const char *module) {
  bool found = false;
  CHECK(mw_adapter_pattern_match(pattern, module, &found, &err));
  return found;
}

/* re.match("(.*\.)?(KEY)$", module) of Python. */
static void patterns(void) {
  const char *module = "model.layers.12.self_attn.q_proj";
  static const char *const yes[] = {"q_proj", "self_attn.q_proj", "model.layers.12.self_attn.q_proj", "layers\\.12\\.self_attn\\.q_proj",
    "layers\\.\\d+\\.self_attn\\.q_proj", ".*q_proj", ".*", "^model.*", "^model.layers.12.self_attn.q_proj$", "(k|q|v)_proj", "q_pro(j|x)",
    "layers\\.1[0-9]\\..*", "self_attn.(q_proj|v_proj)", "(self_attn\\.)?q_proj", "q_?proj", "q_+proj", "(?:a|(b|q))_proj", "layers.1\\d?.*"};
  static const char *const no[] = {"proj", "k_proj", "self_attn", "^q_proj", "layers\\.\\d\\.self_attn\\.q_proj", "layers\\.1[3-9]\\..*", "q_proj.",
    "", "(k|v)_proj", "q_projx?y", "(a)?_proj"};
  for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) CHECK(matches(yes[i], module));
  for (size_t i = 0; i < sizeof no / sizeof *no; i++) CHECK(!matches(no[i], module));
}

static void unsupported(void) {
  static const char *const words[] = {"(a+)+$", "(a)*", "a{2}", "(?=a)", "(?i)a", "a**", "a+?", "[^a]", "[a", "(a", "a)", "\\w+", "a$b", "*", "(((((((((a)))))))))"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    bool found;
    CHECK(!mw_adapter_pattern_match(words[i], "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", &found, &err) && err.status == MW_DATA);
    CHECK(strstr(err.text, "not supported") != NULL);
  }
}

/* What takes other matchers the age of the world: 500 stars that all could take everything. */
static void long_patterns(void) {
  char pattern[1010] = "", module[1001];
  bool found;
  for (int i = 0; i < 499; i++) strcat(pattern, ".*");
  strcat(pattern, "x");
  memset(module, 'a', 1000), module[1000] = 0;
  CHECK(mw_adapter_pattern_match(pattern, module, &found, &err) && !found);
  strcat(pattern, "xx");
  CHECK(!mw_adapter_pattern_match(pattern, module, &found, &err) && strstr(err.text, "too long"));
}

static double scale_of(const char *text, const char *module, uint64_t *rank) {
  mw_arena arena = {0};
  mw_adapter_config config;
  double scale = (double)NAN;
  CHECK(mw_adapter_config_read("adapter_config.json", text, strlen(text), NULL, &arena, &config, &err) &&
        mw_adapter_config_scale(&config, module, rank, &scale, &err));
  mw_mem_release(&arena);
  return scale;
}

static void scales(void) {
  uint64_t rank;
  CHECK(scale_of("{\"peft_type\": \"LORA\"}", "q", &rank) == 1 && rank == 8);
  CHECK(scale_of("{\"peft_type\": \"LORA\", \"r\": 4, \"lora_alpha\": 2}", "q", &rank) == 0.5 && rank == 4);
  CHECK(scale_of("{\"peft_type\": \"LORA\", \"r\": 4, \"lora_alpha\": 2, \"use_rslora\": true}", "q", &rank) == 1);
  CHECK(scale_of("{\"peft_type\": \"LORA\", \"r\": 4, \"rank_pattern\": {\"q\": 16}, \"alpha_pattern\": {\"x\": 3, \".q\": 5, \"q\": 7}}", "a.q", &rank) == 7.0 / 16);
}

static void names(void) {
  static const struct { const char *name, *part, *module; mw_adapter_name_role role; } known[] = {
    {"base_model.model.a.b.lora_A.weight", "", "a.b", MW_ADAPTER_NAME_A}, {"base_model.model.a.b.lora_B.default.weight", "", "a.b", MW_ADAPTER_NAME_B},
    {"base_model.model.a.lora_B.bias", "", "a", MW_ADAPTER_NAME_BIAS}, {"base_model.model.a.lora_embedding_A", "", "a", MW_ADAPTER_NAME_A},
    {"base_model.model.a.lora_magnitude_vector", "", "a", MW_ADAPTER_NAME_MAGNITUDE},
    {"base_model.model.lm_head.modules_to_save.default.weight", "", "lm_head.weight", MW_ADAPTER_NAME_WHOLE},
    {"base_model.model.a.base_layer.bias", "", "a.bias", MW_ADAPTER_NAME_WHOLE},
    {"unet.a.to_q.lora.down.weight", "unet", "a.to_q", MW_ADAPTER_NAME_A}, {"transformer.a.lora_B.weight", "transformer", "a", MW_ADAPTER_NAME_B},
    {"unet.a.processor.to_out_lora.up.weight", "unet", "a.to_out.0", MW_ADAPTER_NAME_B},
    {"text_encoder_2.a.lora_linear_layer.up.weight", "text_encoder_2", "a", MW_ADAPTER_NAME_B},
    {"base_model.model.a.hada_w2_b", "", "a", MW_ADAPTER_NAME_SECOND_A}, {"lora_unet_a.lokr_w1", "lora_unet", "a", MW_ADAPTER_NAME_FIRST},
    {"lora_unet_a.lokr_w2_a", "lora_unet", "a", MW_ADAPTER_NAME_SECOND_B},
    {"lora_te1_a_b.lora_down.weight", "lora_te1", "a_b", MW_ADAPTER_NAME_A}, {"lora_unet_a_b.alpha", "lora_unet", "a_b", MW_ADAPTER_NAME_ALPHA},
    {"base_model.model.embed.token_adapter.trainable_tokens_delta", "", "embed", MW_ADAPTER_NAME_ROWS},
    {"base_model.model.a.ia3_l", "", "a", MW_ADAPTER_NAME_GAINS}};
  static const char *const strange[] = {"a.weight", "base_model.model.a.hada_t1", "lora_unet_a.lokr_t2", "lora_unet_a.lora_mid.weight", "lora_unet_a.dora_scale",
    "base_model.model.embed.token_adapter.trainable_tokens_original.default", "a.lora_A.other.weight", ".lora_A.weight", "a.lora_A.bias"};
  mw_arena arena = {0};
  mw_adapter_name name;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    CHECK(mw_adapter_name_read(known[i].name, &arena, &name, &err) && name.role == known[i].role);
    CHECK_TEXT(name.part, known[i].part);
    CHECK_TEXT(name.module, known[i].module);
  }
  for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) CHECK(!mw_adapter_name_read(strange[i], &arena, &name, &err));
  mw_mem_release(&arena);
}

int main(void) {
  RUN(patterns());
  RUN(unsupported());
  RUN(long_patterns());
  RUN(scales());
  RUN(names());
  UNIT_END();
}
