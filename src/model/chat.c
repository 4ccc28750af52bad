/* chat.c: three small files of each model are read and compared by what they say, not by their bytes. */
#include "model/chat.h"
#include "base/utf8.h"
#include "format/file.h"
#include "format/recognise.h"
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 16 << 20, DEEPEST = 64 };

/* What one model says; texts are in the arena, NULL where it says nothing. */
typedef struct manners {
  const char *template, *ends, *reading, *settings;
  const char *broken; /* what is wrong with its files, of the first that cannot be read */
} manners;

/* FOLDER/NAME as a checked object, or kind MW_JSON_END; *broken says why a file that is there is none. */
static bool read_object(const char *folder, const char *name, mw_arena *arena, mw_json *root, const char **broken, mw_error *err) {
  char *bytes;
  size_t length;
  mw_error ignored;
  *root = (mw_json){.kind = MW_JSON_END};
  const char *path = mw_file_join(arena, folder, name, err);
  if (!path) return false;
  if (!mw_file_slurp(path, LARGEST, &bytes, &length, &ignored)) return ignored.status != MW_MEMORY || mw_error_memory(err, LARGEST);
  const char *kept = mw_mem_copy(arena, bytes, length, err);
  free(bytes);
  if (!kept) return false;
  bool good = length ? mw_json_check(name, kept, length, DEEPEST, root, &ignored)
                     : mw_recognise_refuse(name, mw_recognise("", "", 0), "", 0, "JSON", &ignored);
  if (good && root->kind != MW_JSON_OBJECT) good = mw_error_set(&ignored, MW_DATA, "%s: not JSON: expected an object", name);
  if (good) return true;
  if (ignored.status == MW_MEMORY) return mw_error_memory(err, length);
  root->kind = MW_JSON_END;
  return *broken || (*broken = mw_mem_copy(arena, ignored.text, strlen(ignored.text), err)) != NULL;
}

static mw_json member(mw_json object, const char *key) {
  return object.kind == MW_JSON_OBJECT ? mw_json_member(object, key) : (mw_json){.kind = MW_JSON_END};
}

static bool is_said(mw_json value) { return value.kind != MW_JSON_END && value.kind != MW_JSON_NULL; }

/* A template is a text of its own, or a member of tokenizer_config.json or chat_template.json: a text, or a list of which the one called
 * default counts. */
static bool read_template(const char *folder, mw_json tokenizer, mw_arena *arena, const char **out, const char **broken, mw_error *err) {
  char *bytes;
  size_t length;
  mw_error ignored;
  const char *path = mw_file_join(arena, folder, "chat_template.jinja", err);
  if (!path) return false;
  if (mw_file_slurp(path, LARGEST, &bytes, &length, &ignored)) {
    *out = mw_mem_copy(arena, bytes, length, err);
    free(bytes);
    return *out != NULL;
  }
  if (ignored.status == MW_MEMORY) return mw_error_memory(err, LARGEST);
  mw_json value = member(tokenizer, "chat_template"), key, entry, processor;
  if (!is_said(value)) {
    MW_TRY(read_object(folder, "chat_template.json", arena, &processor, broken, err)); /* of processors */
    value = member(processor, "chat_template");
  }
  if (value.kind == MW_JSON_ARRAY)
    for (mw_json_walk walk = mw_json_enter(value); mw_json_next(&walk, &key, &entry);)
      if (entry.kind == MW_JSON_OBJECT && mw_json_equals(mw_json_member(entry, "name"), "default")) value = mw_json_member(entry,
                                                                                                                           "template");
  return !mw_json_is_text(value) || mw_json_string(value, arena, out, &length, err);
}

/* "eos_token": a text or an object with its content. */
static mw_json token_of(mw_json tokenizer, const char *key) {
  mw_json value = member(tokenizer, key);
  return value.kind == MW_JSON_OBJECT ? mw_json_member(value, "content") : value;
}

static void put(mw_text *out, const char *key, mw_json value) {
  if (is_said(value)) mw_text_format(out, "%s%s %.*s", out->length ? ", " : "", key, (int)(value.length < 120
                                                                                           ? value.length : 120), value.bytes);
}

static bool keep(mw_text *text, mw_arena *arena, const char **out, mw_error *err) {
  bool ok = mw_text_check(text, err);
  if (ok && text->length) ok = (*out = mw_mem_copy(arena, text->bytes, text->length, err)) != NULL;
  mw_text_free(text);
  return ok;
}

static bool read_manners(const mw_model *model, mw_arena *arena, manners *out, mw_error *err) {
  static const char *const settings[] = {"do_sample", "temperature", "top_p", "top_k", "min_p", "repetition_penalty", "max_new_tokens",
                                         "num_beams", "no_repeat_ngram_size", "length_penalty", "stop_strings", "suppress_tokens",
                                         "begin_suppress_tokens", "bad_words_ids", "forced_bos_token_id", "forced_eos_token_id",
                                         "forced_decoder_ids", "decoder_start_token_id"};
  static const char *const readings[] = {"pad_token", "add_bos_token", "add_eos_token", "padding_side", "truncation_side", "do_lower_case",
                                         "model_max_length"};
  mw_json tokenizer, map, generation, eos;
  mw_text ends = {0}, reading = {0}, said = {0};
  *out = (manners){0};
  if (!model->folder) return true;
  MW_TRY(read_object(model->folder, "tokenizer_config.json", arena, &tokenizer, &out->broken, err));
  MW_TRY(read_object(model->folder, "generation_config.json", arena, &generation, &out->broken, err));
  MW_TRY(read_template(model->folder, tokenizer, arena, &out->template, &out->broken, err));
  eos = member(generation, "eos_token_id");
  MW_TRY(read_object(model->folder, "special_tokens_map.json", arena, &map, &out->broken, err));
  put(&ends, "eos_token", token_of(is_said(token_of(tokenizer, "eos_token")) ? tokenizer : map, "eos_token"));
  put(&ends, "eos_token_id", is_said(eos) ? eos : model->config.text ? member(model->config.root, "eos_token_id") : eos);
  put(&ends, "bos_token", token_of(is_said(token_of(tokenizer, "bos_token")) ? tokenizer : map, "bos_token"));
  for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) put(&reading, readings[i], token_of(tokenizer, readings[i]));
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) put(&said, settings[i], member(generation, settings[i]));
  bool ok = keep(&ends, arena, &out->ends, err);
  ok = keep(&reading, arena, &out->reading, err) && ok;
  return keep(&said, arena, &out->settings, err) && ok;
}

static bool differ(const char *a, const char *b) { return a && (!b || strcmp(a, b) != 0); }

static void tell_texts(mw_text *text, const char *what, const char *own, const char *donors, const char *whose) {
  mw_text_escaped a, b;
  if (!differ(own, donors)) return;
  mw_text_format(text, "%sother %s (%s; %s has %s)", text->length ? ", " : "", what, mw_text_escape_z(&a, own), whose,
                 donors ? mw_text_escape_z(&b, donors) : "none");
}

/* `chosen`: the user has said which template the output has. */
static void tell(const mw_family *family, size_t m, const manners *donor, const manners *own, bool chosen, mw_warning *warnings) {
  const char *label = family->members[m].label, *whose = family->members[family->donor].label;
  bool template = !chosen && differ(own->template, donor->template);
  mw_text text = {0}, take = {0};
  if (template) mw_text_format(&text, donor->template ? "another chat template than %s" : "a chat template, which %s lacks", whose);
  tell_texts(&text, "end tokens", own->ends, donor->ends, whose);
  tell_texts(&text, "settings of the tokenizer", own->reading, donor->reading, whose);
  tell_texts(&text, "generation settings", own->settings, donor->settings, whose);
  if (template) mw_text_format(&take, ", --chat-template '%s' its template", label);
  if (text.length && !text.failed && !take.failed)
    mw_warning_add(warnings, "%s has %s: the output has those of %s; --donor '%s' takes config, tokenizer and side files of %s%s", label,
                   text.bytes, whose, label, label, take.bytes ? take.bytes : "");
  mw_text_free(&take);
  mw_text_free(&text);
}

bool mw_chat_compare(const mw_family *family, bool chosen, mw_warning *warnings, mw_error *err) {
  mw_arena arena = {0};
  manners donor, own;
  const char *whose = family->members[family->donor].label;
  bool ok = read_manners(family->members[family->donor].model, &arena, &donor, err);
  if (ok && donor.broken) mw_warning_add(warnings, "%s: %s; the output has this file, which no loader will read", whose, donor.broken);
  for (size_t m = 0; m < family->count && ok; m++) {
    if (m == family->donor || !family->members[m].model->folder) continue;
    ok = read_manners(family->members[m].model, &arena, &own, err);
    if (ok && own.broken) mw_warning_add(warnings, "%s: %s: not compared with %s's", family->members[m].label, own.broken, whose);
    if (ok) tell(family, m, &donor, &own, chosen, warnings);
  }
  mw_mem_release(&arena);
  return ok;
}

/* ---- choosing a template ---- */

static bool most_common(const mw_family *family, mw_arena *arena, const char **text, mw_error *err) {
  const char **all = mw_mem_take(arena, (family->count + 1) * sizeof *all, err);
  size_t most = 0;
  if (!all) return false;
  for (size_t m = 0; m < family->count; m++) {
    manners own;
    MW_TRY(read_manners(family->members[m].model, arena, &own, err));
    all[m] = own.template;
  }
  for (size_t m = 0; m < family->count; m++) {
    size_t count = 0;
    for (size_t k = 0; k < family->count && all[m]; k++) count += all[k] && strcmp(all[k], all[m]) == 0;
    if (count > most) most = count, *text = all[m];
  }
  return true;
}

/* A template by its name, or NULL. */
static const char *known_template(const char *word) {
#define MW_CHAT_TEMPLATE(name, text) if (strcmp(word, #name) == 0) return text;
#include "model/chat_templates.def"
#undef MW_CHAT_TEMPLATE
  return NULL;
}

bool mw_chat_template(const mw_family *family, const char *word, mw_arena *arena, const char **text, mw_error *err) {
  mw_text_escaped shown;
  char *bytes;
  size_t length;
  mw_json tokenizer;
  *text = NULL;
  const mw_family_member *named = mw_family_named(family, word);
  if (strcmp(word, "auto") == 0) return most_common(family, arena, text, err);
  if (!named && (known_template(word) || strchr(word, '{'))) {
    const char *literal = known_template(word) ? known_template(word) : word;
    return (*text = mw_mem_copy(arena, literal, strlen(literal), err)) != NULL;
  }
  if (named || mw_file_is_folder(word)) {
    const char *folder = named ? named->model->folder : word;
    const char *broken = NULL;
    if (folder) MW_TRY(read_object(folder, "tokenizer_config.json", arena, &tokenizer, &broken, err) &&
                       read_template(folder, tokenizer, arena, text, &broken, err));
    if (!*text && broken) return mw_error_set(err, MW_DATA, "--chat-template '%s': %s", mw_text_escape_z(&shown, word), broken);
  } else {
    MW_TRY(mw_file_slurp(word, LARGEST, &bytes, &length, err));
    bool sound = length && strlen(bytes) == length && mw_utf8_valid(bytes, length);
    if (sound) *text = mw_mem_copy(arena, bytes, length, err);
    else
      mw_error_set(err, MW_DATA, "--chat-template '%s': %s, expected a template, which is a text in UTF-8",
                   mw_text_escape_z(&shown, word), length ? "found other bytes" : "the file is empty");
    free(bytes);
    return *text != NULL;
  }
  return *text || mw_error_set(err, MW_USAGE, "--chat-template '%s': there is no chat template", mw_text_escape_z(&shown, word));
}
