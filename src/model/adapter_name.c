/* adapter_name.c: see adapter_name.h. A name is cut at the first of `marks` that it has; what follows the mark is at most the
 * adapter's own name ("default", as peft keeps it while it trains) and the word "weight" or "bias". */
#include "model/adapter_name.h"
#include "base/text.h"
#include <string.h>

static const char peft_start[] = "base_model.model.";

static const struct {
  const char *text;
  mw_adapter_name_role role;
  bool embedding;
} marks[] = {
    {".lora_A", MW_ADAPTER_NAME_A, false},           {".lora_B", MW_ADAPTER_NAME_B, false},
    {".lora_embedding_A", MW_ADAPTER_NAME_A, true},  {".lora_embedding_B", MW_ADAPTER_NAME_B, true},
    {".lora_magnitude_vector", MW_ADAPTER_NAME_MAGNITUDE, false},
    {".lora_down", MW_ADAPTER_NAME_A, false},        {".lora_up", MW_ADAPTER_NAME_B, false},
    {".lora.down", MW_ADAPTER_NAME_A, false},        {".lora.up", MW_ADAPTER_NAME_B, false},
    {"_lora.down", MW_ADAPTER_NAME_A, false},        {"_lora.up", MW_ADAPTER_NAME_B, false},
    {".lora_linear_layer.down", MW_ADAPTER_NAME_A, false}, {".lora_linear_layer.up", MW_ADAPTER_NAME_B, false},
    {".hada_w1_b", MW_ADAPTER_NAME_A, false},        {".hada_w1_a", MW_ADAPTER_NAME_B, false},
    {".hada_w2_b", MW_ADAPTER_NAME_SECOND_A, false}, {".hada_w2_a", MW_ADAPTER_NAME_SECOND_B, false},
    {".lokr_w1_b", MW_ADAPTER_NAME_A, false},        {".lokr_w1_a", MW_ADAPTER_NAME_B, false},
    {".lokr_w2_b", MW_ADAPTER_NAME_SECOND_A, false}, {".lokr_w2_a", MW_ADAPTER_NAME_SECOND_B, false},
    {".lokr_w1", MW_ADAPTER_NAME_FIRST, false},      {".lokr_w2", MW_ADAPTER_NAME_SECOND, false},
    {".ia3_l", MW_ADAPTER_NAME_GAINS, false},        {".token_adapter.trainable_tokens_delta", MW_ADAPTER_NAME_ROWS, false},
    {".trainable_tokens_delta", MW_ADAPTER_NAME_ROWS, false},
    {".alpha", MW_ADAPTER_NAME_ALPHA, false}};
enum { MARKS = sizeof marks / sizeof *marks };

/* Of adapters that are other products, or of more matrices. */
static const char *const others[] = {".hada_t", ".lokr_t", ".oft_", ".lora_mid", ".lora_E", "lora_a.", "lora_b."};

/* The parts of a pipeline by which names begin: with a dot behind, and flat with an underscore. */
static const char *const parts[] = {"unet", "transformer", "text_encoder", "text_encoder_2", "text_encoder_3", "diffusion_model"};
static const char *const flat_parts[] = {"lora_unet", "lora_te", "lora_te1", "lora_te2", "lora_te3", "lora_transformer"};

static bool begins(const char *name, const char *word, char behind) {
  size_t length = strlen(word);
  return strncmp(name, word, length) == 0 && name[length] == behind;
}

/* Takes the part off the name; NULL where it begins with none. */
static const char *take_part(const char **name, const char *const *words, size_t count, char behind) {
  for (size_t i = 0; i < count; i++)
    if (begins(*name, words[i], behind)) return *name += strlen(words[i]) + 1, words[i];
  return NULL;
}

/* What may stand behind a mark: ".default", then ".weight" or ".bias". */
static bool read_end(const char *end, bool *bias) {
  if (strncmp(end, ".default", 8) == 0) end += 8;
  *bias = strcmp(end, ".bias") == 0;
  return *bias || !*end || strcmp(end, ".weight") == 0;
}

/* Removes every `word` from the text. */
static void drop(char *text, const char *word) {
  for (char *at; (at = strstr(text, word));) memmove(at, at + strlen(word), strlen(at + strlen(word)) + 1);
}

static bool refuse(const char *name, mw_error *err) {
  mw_text_escaped shown;
  mw_error_set(err, MW_DATA, "tensor '%s' is of no kind of adapter that is known here", mw_text_escape_z(&shown, name));
  return mw_error_hint(err, "LoRA, DoRA, LoHa, LoKr and (IA)3 can be added to a model; merge other kinds with the tool that made them");
}

/* "mid.attn1.processor.to_q", as diffusers once named it -> "mid.attn1.to_q"; its to_out is a list whose first is meant. */
static bool mend_processor(char **module, mw_arena *arena, mw_error *err) {
  if (!strstr(*module, ".processor.")) return true;
  drop(*module, ".processor");
  if (!mw_text_ends_with(*module, ".to_out")) return true;
  size_t length = strlen(*module);
  char *longer = mw_mem_take(arena, length + 3, err);
  if (!longer) return false;
  memcpy(longer, *module, length);
  memcpy(longer + length, ".0", 3);
  *module = longer;
  return true;
}

static bool read_factor(const char *name, const char *rest, mw_arena *arena, mw_adapter_name *out, mw_error *err) {
  for (size_t m = 0; m < MARKS; m++) {
    const char *at = strstr(rest, marks[m].text);
    bool bias;
    if (!at || at == rest || !read_end(at + strlen(marks[m].text), &bias)) continue;
    char *module = mw_mem_copy(arena, rest, (size_t)(at - rest), err);
    if (!module || !mend_processor(&module, arena, err)) return false;
    out->module = module;
    out->role = marks[m].role;
    out->embedding = marks[m].embedding;
    out->letter = marks[m].text[1] == 'h' ? 'h' : strncmp(marks[m].text, ".lokr", 5) == 0 ? 'k' : 0;
    if (bias && out->role != MW_ADAPTER_NAME_B) return refuse(name, err);
    if (bias) out->role = MW_ADAPTER_NAME_BIAS;
    return true;
  }
  return refuse(name, err);
}

bool mw_adapter_name_read(const char *name, mw_arena *arena, mw_adapter_name *out, mw_error *err) {
  const char *rest = name;
  *out = (mw_adapter_name){.part = "", .peft = strncmp(name, peft_start, sizeof peft_start - 1) == 0};
  if (!out->peft && (out->part = take_part(&rest, flat_parts, sizeof flat_parts / sizeof *flat_parts, '_'))) out->flat = true;
  else if (!out->peft) out->part = take_part(&rest, parts, sizeof parts / sizeof *parts, '.');
  if (!out->part) out->part = "";
  if (out->peft) rest = name + sizeof peft_start - 1;
  if (!out->peft || mw_adapter_name_is_factor(name)) return read_factor(name, rest, arena, out, err);
  char *whole = mw_mem_copy(arena, rest, strlen(rest), err);
  if (!whole) return false;
  drop(whole, ".modules_to_save.default");
  drop(whole, ".modules_to_save");
  drop(whole, ".token_adapter.base_layer");
  drop(whole, ".base_layer");
  if (strstr(whole, "token_adapter") || strstr(whole, "trainable_tokens") || strstr(whole, "original_module")) return refuse(name, err);
  out->module = whole;
  out->role = MW_ADAPTER_NAME_WHOLE;
  return true;
}

/* Whether "lor", "lok", "had", "oft", "ia3" or "ns_d" is in a name: one look, by which nearly all of a model's names are known to be no
 * factor's. */
static bool may_be_factor(const char *name) {
  for (; *name; name++)
    if ((name[0] == 'l' && name[1] == 'o' && (name[2] == 'r' || name[2] == 'k')) || (name[0] == 'h' && name[1] == 'a' && name[2] == 'd') ||
        (name[0] == 'o' && name[1] == 'f' && name[2] == 't') || (name[0] == 'i' && name[1] == 'a' && name[2] == '3') ||
        (name[0] == 'n' && name[1] == 's' && name[2] == '_' && name[3] == 'd')) return true;
  return false;
}

bool mw_adapter_name_is_factor(const char *name) {
  if (!may_be_factor(name)) return false;
  for (size_t i = 0; i < MARKS; i++)
    if (marks[i].role != MW_ADAPTER_NAME_ALPHA && strstr(name, marks[i].text)) return true;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (strstr(name, others[i])) return true;
  return false;
}
