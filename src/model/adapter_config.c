/* adapter_config.c: see adapter_config.h. Defaults are peft's. */
#include "model/adapter_config.h"
#include "format/json.h"
#include "model/adapter_pattern.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DEEPEST = 16, GREATEST_RANK = 65536 };

/* Keys that do not change what merging gives: how it was trained, and what the tensors themselves say. */
static const char *const harmless[] = {
    "task_type", "auto_mapping", "peft_version", "revision", "inference_mode", "target_modules", "exclude_modules", "lora_dropout",
    "bias", "lora_bias", "layers_to_transform", "layers_pattern", "megatron_config", "megatron_core", "loftq_config",
    "eva_config", "corda_config", "lora_ga_config", "runtime_config", "qalora_group_size", "unsloth_fixed",
    "rank_dropout", "module_dropout", "rank_dropout_scale", "init_weights", "decompose_both", "decompose_factor", "use_effective_conv2d",
    "feedforward_modules", "init_ia3_weights"};

/* Ways to begin that leave the base as it is. The others (PiSSA, OLoRA, CorDA, LoftQ ...) take a part out of the base's weights. */
static const char *const beginnings[] = {"gaussian", "eva", "orthogonal"};

typedef struct reader {
  const char *what, *part;
  mw_json root;
  mw_arena *arena;
  mw_adapter_config *out;
  mw_error *err;
} reader;

static bool refuse(const reader *r, const char *key, mw_json value, const char *expected) {
  mw_text_escaped shown;
  return mw_error_set(r->err, MW_DATA, "%s: %s: found %s, expected %s", r->what, key, mw_text_escape(&shown, value.bytes, value.length),
                      expected);
}

/* The member of that name; of a part, the member PART.name. */
static mw_json member(const reader *r, const char *name) {
  char whole[128];
  if (!r->part) return mw_json_member(r->root, name);
  snprintf(whole, sizeof whole, "%s.%s", r->part, name);
  return mw_json_member(r->root, whole);
}

static bool is_absent(mw_json value) { return value.kind == MW_JSON_END || value.kind == MW_JSON_NULL; }

static bool read_flag(const reader *r, const char *key, bool *out) {
  mw_json value = member(r, key);
  *out = value.kind == MW_JSON_TRUE;
  return is_absent(value) || *out || value.kind == MW_JSON_FALSE || refuse(r, key, value, "true or false");
}

static bool read_rank(const reader *r, const char *key, mw_json value, double *out) {
  uint64_t rank;
  if (value.kind != MW_JSON_NUMBER || !mw_json_u64(value, &rank) || !rank || rank > GREATEST_RANK)
    return refuse(r, key, value, "a rank, 1 to 65536");
  *out = (double)rank;
  return true;
}

static bool read_alpha(const reader *r, const char *key, mw_json value, double *out) {
  if (value.kind != MW_JSON_NUMBER || !mw_json_double(value, out) || !isfinite(*out)) return refuse(r, key, value, "a finite number");
  return true;
}

typedef bool number_reader(const reader *r, const char *key, mw_json value, double *out);

/* An object of patterns and numbers. Every pattern is tried once, so that a bad one is found whatever the modules are. */
static bool read_patterns(const reader *r, const char *name, number_reader *read, mw_adapter_config_pattern **out,
                          size_t *count) {
  mw_json object = member(r, name), key, value;
  size_t members = 0, length;
  bool ignored;
  if (is_absent(object)) return true;
  if (object.kind != MW_JSON_OBJECT) return refuse(r, name, object, "an object of module names");
  for (mw_json_walk walk = mw_json_enter(object); mw_json_next(&walk, &key, &value);) members++;
  if (!(*out = mw_mem_take(r->arena, (members + 1) * sizeof **out, r->err))) return false;
  for (mw_json_walk walk = mw_json_enter(object); mw_json_next(&walk, &key, &value); ++*count) {
    mw_adapter_config_pattern *entry = &(*out)[*count];
    MW_TRY(mw_json_string(key, r->arena, &entry->pattern, &length, r->err) && read(r, name, value, &entry->number));
    if (strlen(entry->pattern) != length) return refuse(r, name, key, "a module name");
    if (!mw_adapter_pattern_match(entry->pattern, "", &ignored, r->err)) return mw_error_wrap(r->err, "%s: %s", r->what, name);
  }
  return true;
}

/* A list of texts; of modules_to_save anything else is left to peft, which has read it. */
static bool read_names(const reader *r, const char *key, bool strict, const char ***out, size_t *count) {
  mw_json list = member(r, key), index, value;
  size_t members = 0, length;
  if (list.kind != MW_JSON_ARRAY) return !strict || is_absent(list) || refuse(r, key, list, "a list of names");
  for (mw_json_walk walk = mw_json_enter(list); mw_json_next(&walk, &index, &value);) members++;
  if (!(*out = mw_mem_take(r->arena, (members + 1) * sizeof **out, r->err))) return false;
  for (mw_json_walk walk = mw_json_enter(list); mw_json_next(&walk, &index, &value);)
    if (value.kind == MW_JSON_STRING) MW_TRY(mw_json_string(value, r->arena, &(*out)[(*count)++], &length, r->err));
    else if (strict) return refuse(r, key, value, "a name");
  return true;
}

/* target_modules may be a pattern, too. It begins at the first character of a name, without saying so. */
static bool read_targets(const reader *r) {
  const mw_json value = member(r, "target_modules");
  const char *pattern;
  size_t length;
  if (value.kind != MW_JSON_STRING) return read_names(r, "target_modules", false, &r->out->targets, &r->out->target_count);
  if (mw_json_equals(value, "all-linear")) return true;
  MW_TRY(mw_json_string(value, r->arena, &pattern, &length, r->err));
  mw_text whole = {0};
  mw_text_format(&whole, "^(%s)", pattern);
  bool ok = mw_text_check(&whole, r->err) && (r->out->target_pattern = mw_mem_copy(r->arena, whole.bytes, whole.length, r->err)) != NULL;
  mw_text_free(&whole);
  return ok;
}

static bool read_ids(const reader *r, const char *name, mw_json list, mw_adapter_config_tokens *out) {
  mw_json index, value;
  size_t members = 0;
  if (list.kind != MW_JSON_ARRAY) return refuse(r, name, list, "a list of tokens");
  for (mw_json_walk walk = mw_json_enter(list); mw_json_next(&walk, &index, &value);) members++;
  if (!(out->ids = mw_mem_take(r->arena, (members + 1) * sizeof *out->ids, r->err))) return false;
  for (mw_json_walk walk = mw_json_enter(list); mw_json_next(&walk, &index, &value);)
    if (value.kind != MW_JSON_NUMBER || !mw_json_u64(value, &out->ids[out->count++]))
      return refuse(r, name, value, "the number of a token");
  return true;
}

/* A list is of the embedding, an object has a list for each module. */
static bool read_tokens(const reader *r, const char *name) {
  mw_json value = member(r, name), key, list;
  size_t members = 1, length;
  if (is_absent(value)) return true;
  for (mw_json_walk walk = mw_json_enter(value); value.kind == MW_JSON_OBJECT && mw_json_next(&walk, &key, &list);) members++;
  if (!(r->out->tokens = mw_mem_take(r->arena, members * sizeof *r->out->tokens, r->err))) return false;
  if (value.kind != MW_JSON_OBJECT) return read_ids(r, name, value, &r->out->tokens[r->out->token_count++]);
  for (mw_json_walk walk = mw_json_enter(value); mw_json_next(&walk, &key, &list);) {
    mw_adapter_config_tokens *one = &r->out->tokens[r->out->token_count++];
    MW_TRY(mw_json_string(key, r->arena, &one->module, &length, r->err) && read_ids(r, name, list, one));
  }
  return true;
}

/* Kinds of adapters that change no weight, and why nothing of them can be merged. */
static const struct { const char *type, *why; } weightless[] = {
    {"PROMPT_TUNING", "vectors that stand before the text"}, {"MULTITASK_PROMPT_TUNING", "vectors that stand before the text"},
    {"P_TUNING", "vectors that stand before the text"},      {"PREFIX_TUNING", "keys and values that every layer attends to"},
    {"CPT", "vectors that stand before the text"},           {"ADAPTION_PROMPT", "vectors that the last layers attend to"},
    {"XLORA", "a mixture of LoRAs that is another one for each token"}};

static bool read_type(const reader *r) {
  mw_json type = member(r, "peft_type");
  const bool text = type.kind == MW_JSON_STRING;
  r->out->other = text && (mw_json_equals(type, "LOHA") || mw_json_equals(type, "LOKR") || mw_json_equals(type, "IA3") ||
                           mw_json_equals(type, "TRAINABLE_TOKENS"));
  if (r->out->other || (text && mw_json_equals(type, "LORA"))) return true;
  if (is_absent(type)) return mw_error_set(r->err, MW_DATA, "%s: peft_type: missing", r->what);
  refuse(r, "peft_type", type, "\"LORA\", \"LOHA\", \"LOKR\", \"IA3\" or \"TRAINABLE_TOKENS\"");
  for (size_t i = 0; text && i < sizeof weightless / sizeof *weightless; i++)
    if (mw_json_equals(type, weightless[i].type))
      return mw_error_hint(r->err, "it is %s, and changes no weight: no model can be made of it", weightless[i].why);
  return mw_error_hint(r->err, "merge it into its base with peft (merge_and_unload, then save_pretrained), and give that model");
}

static bool read_beginning(const reader *r) {
  mw_json value = member(r, "init_lora_weights");
  if (value.kind != MW_JSON_STRING) return true;
  for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
    if (mw_json_equals(value, beginnings[i])) return true;
  refuse(r, "init_lora_weights", value, "true, false, gaussian, eva or orthogonal");
  return mw_error_hint(r->err, "this one also changes the base's weights: save it with peft's path_initial_model_for_weight_conversion");
}

/* Whether the value is one that a variant has which is not used. */
static bool is_off(mw_json value) {
  mw_json key, inner;
  if (value.kind == MW_JSON_OBJECT || value.kind == MW_JSON_ARRAY) {
    mw_json_walk walk = mw_json_enter(value);
    return !mw_json_next(&walk, &key, &inner);
  }
  return value.kind == MW_JSON_NULL || value.kind == MW_JSON_FALSE || (value.kind == MW_JSON_STRING && mw_json_equals(value, ""));
}

/* Whether a key is of the part that is read; then without the part's name. Keys are compared as they are spelt: an escape in one makes
 * it unknown. */
static bool is_meant(const reader *r, mw_json *key) {
  size_t part = r->part ? strlen(r->part) + 1 : 0;
  if (part && (key->length < part + 2 || memcmp(key->bytes + 1, r->part, part - 1) != 0 || key->bytes[part] != '.')) return false;
  *key = (mw_json){MW_JSON_STRING, key->bytes + 1 + part, key->length - 2 - part};
  return true;
}

static bool is_named(mw_json key, const char *name) { return strlen(name) == key.length && memcmp(key.bytes, name, key.length) == 0; }

static bool check_others(const reader *r) {
  static const char *const read[] = {"peft_type", "base_model_name_or_path", "r", "lora_alpha", "use_rslora", "fan_in_fan_out", "use_dora",
                                     "rank_pattern", "alpha_pattern", "init_lora_weights", "ensure_weight_tying", "modules_to_save",
                                     "target_parameters", "trainable_token_indices"};
  mw_json key, value;
  mw_text_escaped name;
  for (mw_json_walk walk = mw_json_enter(r->root); mw_json_next(&walk, &key, &value);) {
    bool known = is_off(value) || !is_meant(r, &key);
    for (size_t i = 0; !known && i < sizeof read / sizeof *read; i++) known = is_named(key, read[i]);
    known = known || (r->out->other && (is_named(key, "alpha") || is_named(key, "token_indices")));
    for (size_t i = 0; !known && i < sizeof harmless / sizeof *harmless; i++) known = is_named(key, harmless[i]);
    if (known) continue;
    refuse(r, mw_text_escape(&name, key.bytes, key.length), value, "null or false");
    return mw_error_hint(r->err, "a variant of LoRA that is not known here; merge it with peft (merge_and_unload, then save_pretrained)");
  }
  return true;
}

bool mw_adapter_config_check(const char *what, const char *text, size_t length, mw_error *err) {
  mw_adapter_config unused = {0};
  reader r = {.what = what, .out = &unused, .err = err};
  return mw_json_check(what, text, length, DEEPEST, &r.root, err) &&
         (r.root.kind == MW_JSON_OBJECT || mw_error_set(err, MW_DATA, "%s: found no object", what)) && read_type(&r);
}

bool mw_adapter_config_read(const char *what, const char *text, size_t length, const char *part, mw_arena *arena, mw_adapter_config *out,
                            mw_error *err) {
  mw_json value;
  size_t ignored;
  double rank = 8;
  *out = (mw_adapter_config){.alpha = 8};
  reader r = {.what = what, .part = part, .arena = arena, .out = out, .err = err};
  MW_TRY(mw_json_check(what, text, length, DEEPEST, &r.root, err));
  if (r.root.kind != MW_JSON_OBJECT) return mw_error_set(err, MW_DATA, "%s: found no object", what);
  MW_TRY(read_type(&r) && read_beginning(&r) && check_others(&r));
  value = member(&r, "base_model_name_or_path");
  MW_TRY(value.kind != MW_JSON_STRING || mw_json_string(value, arena, &out->base, &ignored, err));
  value = member(&r, "r");
  MW_TRY(is_absent(value) || read_rank(&r, "r", value, &rank));
  out->rank = (uint64_t)rank;
  const char *alpha = out->other ? "alpha" : "lora_alpha";
  value = member(&r, alpha);
  MW_TRY(is_absent(value) || read_alpha(&r, alpha, value, &out->alpha));
  return read_flag(&r, "use_rslora", &out->rslora) && read_flag(&r, "fan_in_fan_out", &out->turned) &&
         read_flag(&r, "use_dora", &out->dora) && read_flag(&r, "ensure_weight_tying", &out->tying) &&
         read_targets(&r) &&
         read_names(&r, "modules_to_save", false, &out->saved, &out->saved_count) &&
         read_names(&r, "target_parameters", true, &out->parameters, &out->parameter_count) &&
         read_tokens(&r, "trainable_token_indices") && (out->tokens || read_tokens(&r, "token_indices")) &&
         read_patterns(&r, "rank_pattern", read_rank, &out->ranks, &out->rank_count) &&
         read_patterns(&r, "alpha_pattern", read_alpha, &out->alphas, &out->alpha_count);
}

bool mw_adapter_config_targets(const mw_adapter_config *config, const char *module) {
  const size_t length = strlen(module);
  mw_error unread;
  bool matches;
  if (config->target_pattern) return !mw_adapter_pattern_match(config->target_pattern, module, &matches, &unread) || matches;
  for (size_t i = 0; i < config->target_count; i++) {
    const size_t own = strlen(config->targets[i]);
    if (mw_text_ends_with(module, config->targets[i]) && (own == length || module[length - own - 1] == '.')) return true;
  }
  return !config->target_count;
}

bool mw_adapter_config_saves(const mw_adapter_config *config, const char *tensor) {
  const size_t length = strlen(tensor), end = mw_text_ends_with(tensor, ".weight") ? length - strlen(".weight") : length;
  for (size_t i = 0; i < config->saved_count; i++) {
    const size_t own = strlen(config->saved[i]);
    if (own && own <= end && memcmp(tensor + end - own, config->saved[i], own) == 0) return true;
  }
  return false;
}

static bool look_up(const mw_adapter_config_pattern *patterns, size_t count, const char *module, double *out, mw_error *err) {
  bool matches = false;
  for (size_t i = 0; i < count && !matches; i++) {
    MW_TRY(mw_adapter_pattern_match(patterns[i].pattern, module, &matches, err));
    if (matches) *out = patterns[i].number;
  }
  return true;
}

bool mw_adapter_config_scale(const mw_adapter_config *config, const char *module, uint64_t *rank, double *scale, mw_error *err) {
  double r = (double)config->rank, alpha = config->alpha;
  MW_TRY(look_up(config->ranks, config->rank_count, module, &r, err) && look_up(config->alphas, config->alpha_count, module, &alpha, err));
  *rank = (uint64_t)r;
  *scale = alpha / (config->rslora ? sqrt(r) : r);
  return true;
}
