/* fit.c: both configurations are laid flat (config_lines.h), and compared line by line; tokens are compared id by id. */
#include "model/fit.h"
#include "model/config_lines.h"
#include "text/vocab.h"
#include <stdlib.h>
#include <string.h>

enum { WRITTEN = 80 }; /* bytes of a value in a message */

/* ---- comparing ---- */

/* A value as its file has it, on one line: "Infinity" where a number stands in the text that is read. */
static const char *written(const mw_config *config, const mw_json *value, mw_text_escaped *buffer) {
  char line[WRITTEN + 1];
  size_t length = 0;
  if (!value) return "absent";
  const char *text = config->text + (value->bytes - config->plain), *end = text + value->length;
  for (const char *at = text; at < end && length < WRITTEN; at++) {
    if (*at != '\n' && *at != '\r') line[length++] = *at;
    else while (at + 1 < end && (at[1] == ' ' || at[1] == '\t')) at++; /* of a list over several lines: no text has such a break */
  }
  return mw_text_escape(buffer, line, length);
}

static void say(mw_text *list, const char *path, const mw_family_member *other, const mw_json *own, const mw_family_member *donor,
                const mw_json *donors) {
  mw_text_escaped here, there, key;
  mw_text_format(list, "%s%s is %.80s here and %.80s in %s", list->length ? ", " : "", mw_text_escape_z(&key, path),
                 written(&other->model->config, own, &here), written(&donor->model->config, donors, &there), donor->label);
}

/* A window that neither model uses may be of any width. */
static bool is_idle(const mw_config_lines *a, const mw_config_lines *b, const char *path) {
  const char *key = mw_config_lines_key(path);
  if (strcmp(key, "sliding_window") != 0 && strcmp(key, "max_window_layers") != 0) return false;
  const mw_json *one = mw_config_lines_beside(a, path, "use_sliding_window"), *two = mw_config_lines_beside(b, path, "use_sliding_window");
  return one && two && one->kind == MW_JSON_FALSE && two->kind == MW_JSON_FALSE;
}

/* How many layers there are is told by the tensors; and between models of different depth what is said of each layer is not
 * compared: no layer meets another unless a recipe says which (merge/follow.h). */
static bool is_of_depth(const mw_family_member *donor, const mw_family_member *other, const char *path) {
  static const char *const counts[] = {
#define MW_DEPTH_COUNT(key, word) #key,
#define MW_DEPTH_FURTHER(key) #key,
#include "model/depth_keys.def"
      NULL};
  static const char *const each[] = {
#define MW_DEPTH_LIST(key) #key,
#define MW_DEPTH_ROUND(key) #key,
#define MW_DEPTH_INDICES(key) #key,
#define MW_DEPTH_PREFIX(key, shift, with, unless) #key,
#include "model/depth_keys.def"
      NULL};
  const char *key = mw_config_lines_key(path);
  for (size_t i = 0; counts[i]; i++)
    if (strcmp(counts[i], key) == 0) return true;
  for (size_t i = 0; each[i] && donor->model->config.layers != other->model->config.layers; i++)
    if (strcmp(each[i], key) == 0) return true;
  return false;
}

/* "id2label.0": which class a row of a classifier stands for. transformers calls them LABEL_0 ... where nobody has named them. */
static bool is_label(const char *path) { return strncmp(path, "id2label.", 9) == 0; }
static bool is_named(mw_json label) { return strncmp(label.bytes, "\"LABEL_", 7) != 0; }

static bool has_label(const mw_config_lines *in, mw_json label) {
  for (size_t i = 0; i < in->count; i++)
    if (is_label(in->of[i].path) && mw_config_lines_same(in, in->of[i].value, label)) return true;
  return false;
}

typedef struct findings { mw_text wrong, odd; } findings;

/* What `from` has that `to` has otherwise, or lacks. */
static void compare(const mw_family_member *donor, const mw_family_member *other, const mw_config_lines *d, const mw_config_lines *o,
                    findings *out) {
  for (int side = 0; side < 2; side++) {
    const mw_config_lines *from = side ? o : d, *to = side ? d : o;
    for (size_t i = 0; i < from->count; i++) {
      const char *path = from->of[i].path;
      const mw_json *value = &from->of[i].value, *match = mw_config_lines_find(to, path);
      if (mw_config_lines_find(from, path) != value) continue; /* said again elsewhere */
      if (match ? side == 1 || mw_config_lines_same(to, *value, *match) : mw_config_lines_default(to, path, *value)) continue;
      if (is_idle(d, o, path) || is_of_depth(donor, other, path)) continue;
      if (is_label(path) && !(match && is_named(*value) && is_named(*match))) continue;
      bool wrong = is_label(path) ? has_label(to, *value) : mw_config_lines_means(to, path, match == NULL);
      say(wrong ? &out->wrong : &out->odd, path, other, side ? value : match, donor, side ? match : value);
    }
  }
}

/* `through`: what lets differences that count through, for the warning that they are then; NULL: they are an error. */
static bool fit_file(const mw_family_member *donor, const mw_family_member *other, const char *file, const char *through,
                     mw_warning *warnings, mw_error *err) {
  const mw_config *one = &donor->model->config, *two = &other->model->config;
  mw_config_lines d = {0}, o = {0};
  findings f = {0};
  if (!one->text || !two->text) return true;
  bool ok = mw_config_lines_lay(&d, one, two, err) && mw_config_lines_lay(&o, two, one, err);
  if (ok) compare(donor, other, &d, &o, &f);
  ok = ok && mw_text_check(&f.wrong, err) && mw_text_check(&f.odd, err);
  if (ok && f.odd.length)
    mw_warning_add(warnings, "%s: %s: %.700s; the output has %s's", other->label, file, f.odd.bytes, donor->label);
  if (ok && f.wrong.length && through)
    mw_warning_add(warnings, "%s: %s: %.700s; %sthe output computes with %s's", other->label, file, f.wrong.bytes,
                   through, donor->label);
  if (ok && f.wrong.length && !through) {
    ok = mw_error_set(err, MW_DATA, "%s: %s: %.700s: equal weights do not mean the same", other->label, file, f.wrong.bytes);
    mw_error_hint(err, "--allow config merges them all the same; the output then computes with %s's", donor->label);
  }
  mw_text_free(&f.wrong);
  mw_text_free(&f.odd);
  mw_config_lines_free(&d);
  mw_config_lines_free(&o);
  return ok;
}

bool mw_fit_config(const mw_family_member *donor, const mw_family_member *other, const char *file, bool allowed, mw_warning *warnings,
                   mw_error *err) {
  return fit_file(donor, other, file, allowed ? "let through by --allow config, " : NULL, warnings, err);
}

/* ---- files beside the weights ---- */

/* A file that is there and can be read; *broken: it is there and is no JSON object, which `why` tells. */
static bool open_beside(mw_model *model, const mw_model *of, const char *file, mw_error *why, bool *broken, mw_error *err) {
  *model = (mw_model){.folder = of->folder};
  *broken = false;
  if (mw_config_open_file(&model->config, of->folder, file, why)) return true;
  *broken = why->status == MW_DATA;
  return why->status != MW_MEMORY || mw_error_memory(err, 1 << 16);
}

static bool compare_file(const mw_family_member *donor, const mw_family_member *other, const char *file, mw_warning *warnings,
                         mw_error *err) {
  mw_model ours, theirs;
  mw_error why;
  bool broken, donors_broken;
  mw_family_member d = *donor, o = *other;
  MW_TRY(open_beside(&ours, donor->model, file, &why, &donors_broken, err));
  if (donors_broken) mw_warning_add(warnings, "%s: %s; the output has it", donor->label, why.text);
  if (!open_beside(&theirs, other->model, file, &why, &broken, err)) return mw_config_close(&ours.config), false;
  if (broken) mw_warning_add(warnings, "%s: %s", other->label, why.text);
  d.model = &ours;
  o.model = &theirs;
  bool ok = true, beside_weights = donor->model->config.text && theirs.config.text;
  if (ours.config.text && theirs.config.text) ok = fit_file(&d, &o, file, "", warnings, err);
  else if (beside_weights && !ours.config.text && !donors_broken)
    mw_warning_add(warnings, "%s has %s, which %s lacks: the output has none", other->label, file, donor->label);
  mw_config_close(&ours.config);
  mw_config_close(&theirs.config);
  return ok;
}

bool mw_fit_beside(const mw_family_member *donor, const mw_family_member *other, mw_warning *warnings, mw_error *err) {
  static const char *const files[] = {"preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json",
                                      "sentence_bert_config.json", "config_sentence_transformers.json"};
  if (!donor->model->folder || !other->model->folder || donor->model->folder == other->model->folder) return true;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) MW_TRY(compare_file(donor, other, files[i], warnings, err));
  return true;
}

/* ---- tokens ---- */

enum { SHOWN = 6 };

static void say_token(mw_text *list, size_t *count, size_t id, const mw_vocabulary_token *here, const mw_vocabulary_token *there,
                      const char *label) {
  mw_text_escaped a, b;
  if ((*count)++ >= SHOWN) return;
  mw_text_format(list, "%s%zu is '%.60s' here and '%.60s' in %s", list->length ? ", " : "", id, mw_text_escape(&a,
                                                                                                               here->text, here->length),
                 mw_text_escape(&b, there->text, there->length), label);
}

/* Tokenizers that cannot be compared: `why`, and what it means. */
static bool refuse_tokens(const mw_family_member *donor, const mw_family_member *other, const mw_error *why, bool allowed,
                          mw_warning *warnings, mw_error *err) {
  mw_error told = *why;
  if (allowed) {
    mw_warning_add(warnings, "%s: its tokenizer was not compared with %s's: %s; let through by --allow tokenizer", other->label,
                   donor->label, told.text);
    return true;
  }
  mw_error_set(err, MW_DATA, "%s: its tokenizer cannot be compared with %s's: %s", other->label, donor->label, told.text);
  return mw_error_hint(err, "%s%s--allow tokenizer merges without comparing; the output has %s's", told.hint, *told.hint ? "; " : "",
                       donor->label);
}

/* How many tokens of `o` have a text that `d` has not. */
static bool count_new(const mw_vocabulary *d, const mw_vocabulary *o, size_t *count, mw_error *err) {
  mw_vocab texts = {0};
  bool ok = mw_vocab_make(&texts, d->count, err), there;
  uint32_t id;
  *count = 0;
  for (size_t i = 0; i < d->count && ok; i++)
    ok = !d->tokens[i].text || mw_vocab_add(&texts, d->tokens[i].text, d->tokens[i].length, (uint32_t)i, &there, err) || there;
  for (size_t i = 0; i < o->count && ok; i++)
    *count += o->tokens[i].text && !mw_vocab_find(&texts, o->tokens[i].text, o->tokens[i].length, &id);
  mw_vocab_free(&texts);
  return ok;
}

/* What --tokenizer would do to this merge. */
static void hint_tokens(const mw_family_member *donor, const mw_family_member *other, const mw_vocabulary *d, const mw_vocabulary *o,
                        mw_error *err) {
  size_t count;
  mw_error ignored;
  if (!count_new(d, o, &count, &ignored)) return;
  mw_error_hint(err, "--tokenizer union lines up the vocabularies by the text of their tokens, with %zu more from %s; --tokenizer base"
                " without them; --allow tokenizer mixes rows of different tokens, with %s's tokenizer", count, other->label, donor->label);
}

static bool compare_tokens(const mw_family_member *donor, const mw_family_member *other, const mw_vocabulary *d, const mw_vocabulary *o,
                           bool allowed, mw_warning *warnings, mw_error *err) {
  mw_text ordinary = {0}, added = {0};
  size_t wrong = 0, odd = 0, count = d->count < o->count ? d->count : o->count;
  for (size_t id = 0; id < count; id++) {
    const mw_vocabulary_token *a = &o->tokens[id], *b = &d->tokens[id];
    if (!a->text || !b->text || (a->length == b->length && memcmp(a->text, b->text, a->length) == 0)) continue;
    if (a->added || b->added) say_token(&added, &odd, id, a, b, donor->label);
    else say_token(&ordinary, &wrong, id, a, b, donor->label);
  }
  bool ok = mw_text_check(&ordinary, err) && mw_text_check(&added, err);
  if (ok && odd)
    mw_warning_add(warnings, "%s: tokenizer: %zu added token%s at equal ids: %s%s; the output has %s's", other->label, odd,
                   odd == 1 ? " differs" : "s differ", added.bytes, odd > SHOWN ? " ..." : "", donor->label);
  if (ok && wrong && allowed)
    mw_warning_add(warnings, "%s: tokenizer: %zu of %zu ordinary tokens differ at equal ids: %s%s; let through by --allow tokenizer",
                   other->label, wrong, count, ordinary.bytes, wrong > SHOWN ? " ..." : "");
  if (ok && wrong && !allowed) {
    ok = mw_error_set(err, MW_DATA, "%s: tokenizer: %zu of %zu ordinary tokens differ at equal ids: %s%s", other->label, wrong, count,
                      ordinary.bytes, wrong > SHOWN ? " ..." : "");
    hint_tokens(donor, other, d, o, err);
  }
  mw_text_free(&ordinary);
  mw_text_free(&added);
  return ok;
}

bool mw_fit_tokens(const mw_family_member *donor, const mw_family_member *other, mw_vocabulary *tokens, bool allowed,
                   mw_warning *warnings, mw_error *err) {
  mw_vocabulary o = {0};
  bool equal = false;
  if (!donor->model->folder || !other->model->folder) return true;
  bool ok = mw_vocabulary_equal(donor->model->folder, other->model->folder, &equal, err);
  if (ok && !equal) {
    bool read = (tokens->path || mw_vocabulary_open(tokens, donor->model->folder, err)) &&
                mw_vocabulary_open(&o, other->model->folder, err) &&
                (mw_vocabulary_same(tokens, &o) || (mw_vocabulary_skim(tokens, err) && mw_vocabulary_skim(&o, err)));
    if (!read) ok = err->status == MW_DATA && refuse_tokens(donor, other, err, allowed, warnings, err);
    else if (!tokens->path && o.path)
      mw_warning_add(warnings, "%s has a tokenizer, which %s lacks: the output has none; --donor '%s' takes config and tokenizer of %s",
                     other->label, donor->label, other->label, other->label);
    else if (tokens->path && o.path && tokens->own != o.own)
      mw_warning_add(warnings, "%s: its tokenizer was not compared with %s's: %s and %s count tokens in different ways", other->label,
                     donor->label, o.path, tokens->path);
    else ok = compare_tokens(donor, other, tokens, &o, allowed, warnings, err);
  }
  mw_vocabulary_close(&o);
  return ok;
}
