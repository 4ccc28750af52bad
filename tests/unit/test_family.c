/* Joining models: the rows C3-C13 of the list of bad input and all combinations of tied and untied heads. */
#include "model/buffers.h"
#include "model/family.h"
#include "toys.h"

static const char llama[] = "{\"model_type\":\"llama\",\"architectures\":[\"LlamaForCausalLM\"],\"num_hidden_layers\":1,"
                            "\"hidden_size\":4,\"vocab_size\":6,\"num_attention_heads\":2,\"tie_word_embeddings\":%s}";
#define HEAD(fill) {"lm_head.weight", "F32", 6, 4, 4, fill}

static char tied_config[300], untied_config[300];

/* What a join came to; `untie` and `tensors` are of a family that was made. */
typedef struct outcome {
  bool untie;
  size_t tensors; /* of the donor */
  const char *head_from[2]; /* name of the tensor that stands for each member's head, or NULL */
} outcome;

static outcome joins_at(const char *donor, const char *other, mw_family_rules rules, mw_status status, const char *words,
                        const char *warning, int line) {
  outcome result = {0};
  mw_error err = {0};
  mw_warning warnings = {0};
  mw_family family = {0};
  mw_model *models[2] = {NULL, NULL};
  static char names[2][64];
  bool opened = mw_model_open(donor, NULL, &models[0], &err) && (!other || mw_model_open(other, NULL, &models[1], &err));
  unit_check(opened, err.text, __FILE__, line);
  mw_family_member members[2] = {{.model = models[0], .label = "base"}, {.model = models[1], .label = "experts[2]"}};
  bool joined = opened && mw_family_join(members, other ? 2 : 1, 0, &rules, &warnings, &family, &err);
  bool ok = joined && mw_buffers_compare(&family, &warnings, &err), warned = !warning;
  for (size_t i = 0; i < warnings.count && warning; i++) warned |= strstr(warnings.lines[i], warning) != NULL;
  bool good = ok == (status == MW_OK) && (ok || (err.status == status && strstr(err.text, words))) && warned;
  if (!good) printf("%s + %s: %d %s\n", donor, other ? other : "", (int)err.status, err.text);
  unit_check(good, words, __FILE__, line);
  result.untie = family.untie;
  for (size_t m = 0; joined && m < family.count; m++) {
    const mw_family_member *member = &members[m];
    for (size_t i = 1; i < member->count; i++)
      if (strcmp(member->tensors[i - 1].name, member->tensors[i].name) >= 0) unit_check(0, "sorted tensors", __FILE__, line);
    const mw_tensor *head = mw_family_find(member, "lm_head.weight");
    for (size_t i = 0; head && i < member->model->tensor_count; i++)
      if (member->model->tensors[i].offset == head->offset) result.head_from[m] = strcpy(names[m], member->model->tensors[i].name);
  }
  result.tensors = joined ? members[0].count : 0;
  if (joined) mw_family_free(&family);
  mw_model_close(models[0]);
  mw_model_close(models[1]);
  mw_warning_free(&warnings);
  return result;
}
#define NO_RULES (mw_family_rules){0}
#define JOINS(donor, other, rules) joins_at(donor, other, rules, MW_OK, "", NULL, __LINE__)
#define JOINS_WARNED(donor, other, rules, warning) joins_at(donor, other, rules, MW_OK, "", warning, __LINE__)
#define JOIN_FAILS(donor, other, rules, words) joins_at(donor, other, rules, MW_DATA, words, NULL, __LINE__)

static void test_family_config(void) {
  snprintf(tied_config, sizeof tied_config, llama, "true");
  snprintf(untied_config, sizeof untied_config, llama, "false");
  put_model("tied", tied_config, whole, 2);
  JOINS("tied", NULL, NO_RULES);
  static const struct { const char *from, *to, *words; } changes[] = {
      {"layers\":1", "layers\":2", "num_hidden_layers"}, {"vocab_size\":6", "vocab_size\":7", "vocab_size"},
      {"hidden_size\":4", "hidden_size\":8", "hidden_size"}, {"heads\":2", "heads\":3", "num_attention_heads"},
      {"true", "false", "lm_head.weight"}, {"{\"model", "{\"quantization_config\":{},\"model", "quantised"}};
  put_model("wrong", any, whole, 2);
  for (size_t i = 0; i < COUNT(changes); i++) {
    char text[400];
    const char *at = strstr(tied_config, changes[i].from);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - tied_config), tied_config, changes[i].to, at + strlen(changes[i].from));
    put_text("wrong/config.json", text);
    JOIN_FAILS("wrong", NULL, NO_RULES, changes[i].words);
  }
  put_text("wrong/config.json", "{\"model_type\":\"llama\",\"architectures\":[\"LlamaForSequenceClassification\"]}");
  JOINS("wrong", NULL, NO_RULES);
  put_text("wrong/config.json", "{\"model_type\":\"\\u001b\",\"dtype\":\"bfloat16\",\"quantization_config\":null}");
  JOINS_WARNED("wrong", NULL, NO_RULES, "by name alone"); /* C5 */
  JOINS_WARNED("wrong", NULL, NO_RULES, "bfloat16");      /* C8 */
  static const toy gap[] = {{"model.layers.0.w", "F32", 1, 1, 4, 0}, {"model.layers.2.w", "F32", 1, 1, 4, 0}};
  put_model("gap", "{\"model_type\":\"llama\",\"num_hidden_layers\":3}", gap, 2);
  JOIN_FAILS("gap", NULL, NO_RULES, "2 layers");
  static const char *const marks[] = {"a.qweight", "a.weight.absmax", "a.SCB"}, *const scales[] = {"a.weight_scale", "a.weight_scale_inv"};
  for (size_t i = 0; i < COUNT(marks); i++) {
    const toy scaled[] = {{"a.weight", "F8_E4M3", 2, 2, 1, 0}, {marks[i], "F32", 1, 1, 4, 0}};
    put_tensors("scaled.safetensors", scaled, 2);
    JOIN_FAILS("scaled.safetensors", NULL, NO_RULES, marks[i]);
  }
  for (size_t i = 0; i < COUNT(scales); i++) { /* fp8 with its scale is a weight */
    const toy scaled[] = {{"a.weight", "F8_E4M3", 2, 2, 1, 0}, {scales[i], "F32", 1, 1, 4, 0}};
    put_tensors("scaled.safetensors", scaled, 2);
    CHECK(JOINS("scaled.safetensors", NULL, NO_RULES).tensors == 1);
  }
  const toy small[] = {{"a.weight", "F8_E4M3", 2, 2, 1, 0}};
  put_tensors("small.safetensors", small, 1);
  JOINS_WARNED("small.safetensors", NULL, NO_RULES, "lone file");
}

static void test_family_names(void) {
  static const toy half[] = {EMBED, {"model.layers.0.up.weight", "F16", 4, 4, 2, 2}};
  static const toy whole_numbers[] = {EMBED, {"model.layers.0.up.weight", "I32", 4, 4, 4, 2}};
  static const toy ids[] = {{"ids", "I64", 2, 2, 8, 1}}, other_ids[] = {{"ids", "I64", 2, 2, 8, 3}};
  static const toy short_ids[] = {{"ids", "I32", 2, 2, 4, 1}};
  put_tensors("whole.safetensors", whole, 2);
  put_tensors("half.safetensors", half, 2);
  put_tensors("numbers.safetensors", whole_numbers, 2);
  put_tensors("ids.safetensors", ids, 1);
  put_tensors("other-ids.safetensors", other_ids, 1);
  put_tensors("short-ids.safetensors", short_ids, 1);
  JOIN_FAILS("whole.safetensors", "numbers.safetensors", NO_RULES, "a quantised input (I32 tensor");
  JOINS("whole.safetensors", "half.safetensors", NO_RULES); /* C12 */
  mw_family_rules integers = {.donor_integers = true};
  JOINS("ids.safetensors", "ids.safetensors", NO_RULES); /* C13 */
  JOIN_FAILS("ids.safetensors", "other-ids.safetensors", NO_RULES, "tensor 'ids' is no weight, and differs from base's: element 0 is ");
  JOIN_FAILS("ids.safetensors", "short-ids.safetensors", NO_RULES, "(I32) here and 7.23402e+16 (I64) there");
  JOINS("ids.safetensors", "other-ids.safetensors", integers);
}

static void test_heads(void) {
  static const toy alias[] = {EMBED, LAYER, HEAD(1)}, own[] = {EMBED, LAYER, HEAD(9)};
  const char *head = "lm_head.weight", *embedding = "model.embed_tokens.weight";
  mw_family_rules untie = {.tied = "untie"}, ignore = {.tied = "ignore"};
  put_model("alias", tied_config, alias, 3);
  put_model("odd", tied_config, own, 3);
  put_model("untied", untied_config, own, 3);
  put_tensors("own.safetensors", own, 3);
  CHECK(JOINS("tied", "alias", NO_RULES).tensors == 2);
  CHECK(JOINS("alias", "tied", NO_RULES).tensors == 2); /* an alias is dropped */
  JOIN_FAILS("tied", "odd", NO_RULES, "differs from the embedding");
  JOIN_FAILS("tied", "untied", NO_RULES, "in base");
  JOIN_FAILS("tied", "own.safetensors", NO_RULES, "differs from the embedding");
  outcome one = JOINS("tied", "odd", ignore);
  CHECK(one.tensors == 2 && !one.untie);
  one = JOINS("tied", "odd", untie); /* a head that the donor lacks is made from its embedding */
  CHECK(one.tensors == 3 && one.untie);
  CHECK_TEXT(one.head_from[0], embedding);
  CHECK_TEXT(one.head_from[1], head);
  one = JOINS("odd", "tied", untie);
  CHECK(one.tensors == 3 && one.untie);
  CHECK_TEXT(one.head_from[0], head);
  CHECK_TEXT(one.head_from[1], embedding);
  one = JOINS("untied", "tied", NO_RULES); /* an untied output keeps its head whatever the others are */
  CHECK(one.tensors == 3 && !one.untie);
  CHECK_TEXT(one.head_from[0], head);
  CHECK_TEXT(one.head_from[1], embedding);
  JOIN_FAILS("untied", "odd", NO_RULES, "experts[2]");
  CHECK_TEXT(JOINS("untied", "odd", ignore).head_from[1], embedding);
  CHECK_TEXT(JOINS("untied", "odd", untie).head_from[1], head);
  CHECK(JOINS("own.safetensors", "tied", NO_RULES).tensors == 3);
  CHECK(JOINS("whole.safetensors", "alias", NO_RULES).tensors == 2);
  put_model("bare", "{\"tie_word_embeddings\":true}", second, 1); /* nothing that a head could be made from */
  JOIN_FAILS("bare", "odd", untie, "nor an embedding");
}

int main(void) {
  toys_begin();
  RUN(test_family_config());
  RUN(test_family_names());
  RUN(test_heads());
  toys_end();
  UNIT_END();
}
