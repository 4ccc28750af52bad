/* config_lines.c: laying flat, by the tables of fit_keys.def; then values, and what their absence means. */
#include "model/config_lines.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum weight { UNKNOWN, NEUTRAL, MEANS } weight;

static const struct { const char *key; weight weight; const char *fallback; } known[] = {
#define MW_FIT_KEY(key, fallback) {#key, MEANS, fallback},
#define MW_FIT_NEUTRAL(key) {#key, NEUTRAL, ""},
#include "model/fit_keys.def"
};

static const struct { const char *name, *key; } names[] = {
#define MW_FIT_NAME(name, key) {#name, #key},
#include "model/fit_keys.def"
};

static const struct { const char *text, *means, *type; } words[] = {
#define MW_FIT_WORD(text, means, type) {text, means, type},
#include "model/fit_keys.def"
};

static const struct { const char *key, *value, *types; } defaults[] = {
#define MW_FIT_DEFAULT(key, value, types) {#key, value, types},
#include "model/fit_keys.def"
};

enum { DEEPEST = 8 };

const char *mw_config_lines_key(const char *path) {
  const char *dot = strrchr(path, '.');
  return dot ? dot + 1 : path;
}

static weight weight_of(const char *path, const char **fallback) {
  const char *key = mw_config_lines_key(path);
  *fallback = "";
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(known[i].key, key) == 0) return *fallback = known[i].fallback, known[i].weight;
  return UNKNOWN;
}

/* ---- what an absent key means ---- */

/* Whether a type is among those of a list, "gemma2 gemma3_text". */
static bool is_among(const char *type, const char *list) {
  size_t length = strlen(type);
  for (const char *at = list; length && (at = strstr(at, type)); at += length)
    if ((at == list || at[-1] == ' ') && (!at[length] || at[length] == ' ')) return true;
  return false;
}

/* The model_type of the object that a path lies in. Of the root there are two, "gemma3" and that of its text, "gemma3_text"; so there are
 * of text_config, if it does not say its own. */
static void types_of(const mw_config_lines *in, const char *path, char types[2][80]) {
  char part[64] = "";
  const char *dot = strchr(path, '.');
  if (dot && dot - path < (long)sizeof part) snprintf(part, sizeof part, "%.*s", (int)(dot - path), path);
  mw_json own = *part ? mw_json_member(mw_json_member(in->config->root, part), "model_type") : (mw_json){0};
  types[0][0] = types[1][0] = 0;
  if (own.kind == MW_JSON_STRING) snprintf(types[0], 80, "%.*s", own.length < 80 ? (int)own.length - 2 : 0, own.bytes + 1);
  else if (!*part || strcmp(part, "text_config") == 0) {
    snprintf(types[0], 80, "%s", in->config->model_type);
    snprintf(types[1], 80, "%s_text", in->config->model_type);
  }
}

/* What the key means where it is absent in this architecture, as JSON; NULL if it is as in others. */
static const char *own_default(const mw_config_lines *in, const char *path) {
  const char *key = mw_config_lines_key(path);
  char types[2][80];
  types_of(in, path, types);
  for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
    if (strcmp(defaults[i].key, key) == 0 && (is_among(types[0], defaults[i].types) || is_among(types[1], defaults[i].types)))
      return defaults[i].value;
  return NULL;
}

/* In this one or as in others; "" if that is not known. */
static const char *default_of(const mw_config_lines *in, const char *path) {
  const char *fallback, *own = own_default(in, path);
  weight_of(path, &fallback);
  return own ? own : fallback;
}

/* ---- laying flat ---- */

static bool is_rope(const char *key) { return strcmp(key, "rope_scaling") == 0 || strcmp(key, "rope_parameters") == 0; }

/* What a key is called in a line. Within the rope of sliding layers only its base has a name of its own. */
static const char *name_of(const char *name, bool rope, bool sliding) {
  if (rope && strcmp(name, "type") == 0) return "rope_type";
  if (sliding && strcmp(name, "rope_theta") == 0) return "rope_local_base_freq";
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i].name, name) == 0) return names[i].key;
  return name;
}

/* An empty list is as good as none, and so is null, but where an absent key means something in this architecture. */
static bool is_absent(const mw_config_lines *in, const char *path, mw_json value) {
  mw_json key, first;
  mw_json_walk walk = mw_json_enter(value);
  if (value.kind == MW_JSON_ARRAY) return !mw_json_next(&walk, &key, &first);
  return value.kind == MW_JSON_NULL && !own_default(in, path);
}

/* Where a line is of: its object's path, and what it says of. */
typedef struct place {
  const char *path;
  bool rope, sliding; /* within rope_parameters; and of its "sliding_attention" */
  unsigned depth;
} place;

static bool lay(mw_config_lines *out, mw_json object, place in, bool text_apart, mw_error *err) {
  mw_json key, value;
  for (mw_json_walk walk = mw_json_enter(object); mw_json_next(&walk, &key, &value);) {
    const char *name, *fallback;
    size_t length;
    char whole[512];
    if (!mw_json_is_text(key)) continue;
    MW_TRY(mw_json_string(key, &out->arena, &name, &length, err));
    name = name_of(name, in.rope, in.sliding);
    if (strlen(in.path) + strlen(name) + 32 > sizeof whole) continue;
    const bool object_here = value.kind == MW_JSON_OBJECT && in.depth < DEEPEST;
    const bool full = in.rope && strcmp(name, "full_attention") == 0, sliding = in.rope && strcmp(name, "sliding_attention") == 0;
    const bool same_object = is_rope(name) || full || sliding || (!text_apart && !in.depth && strcmp(name, "text_config") == 0);
    const bool local = in.sliding && strcmp(name, "rope_local_base_freq") != 0;
    if (object_here && same_object) snprintf(whole, sizeof whole, "%s", in.path);
    else snprintf(whole, sizeof whole, "%s%s%s%s", in.path, *in.path ? "." : "", local ? "sliding_attention." : "", name);
    if (weight_of(same_object ? name : whole, &fallback) == NEUTRAL) continue;
    if (object_here) {
      place within = {whole, is_rope(name) || full || sliding, sliding, in.depth + 1};
      MW_TRY(lay(out, value, within, text_apart, err));
      continue;
    }
    if (is_rope(name) || is_absent(out, whole, value)) continue;
    MW_TRY(mw_mem_grow(&out->of, &out->capacity, out->count + 1, sizeof *out->of, err));
    const char *kept = mw_mem_copy(&out->arena, whole, strlen(whole), err);
    if (!kept) return false;
    out->of[out->count++] = (mw_config_line){kept, value, in.rope};
  }
  return true;
}

static bool has_text(const mw_config *config) { return mw_json_member(config->root, "text_config").kind == MW_JSON_OBJECT; }

bool mw_config_lines_lay(mw_config_lines *out, const mw_config *config, const mw_config *other, mw_error *err) {
  out->config = config;
  return lay(out, config->root, (place){.path = ""}, has_text(config) == has_text(other), err);
}

void mw_config_lines_free(mw_config_lines *lines) {
  mw_mem_release(&lines->arena);
  free(lines->of);
}

const mw_json *mw_config_lines_find(const mw_config_lines *in, const char *path) {
  const mw_json *found = NULL;
  for (size_t i = 0; i < in->count; i++)
    if (strcmp(in->of[i].path, path) == 0 && (!found || in->of[i].rope)) found = &in->of[i].value;
  return found;
}

const mw_json *mw_config_lines_beside(const mw_config_lines *in, const char *path, const char *key) {
  char whole[640];
  snprintf(whole, sizeof whole, "%.*s%s", (int)(mw_config_lines_key(path) - path), path, key);
  return mw_config_lines_find(in, whole);
}

/* ---- values ---- */

/* A text as its oldest name has it: "silu" for "swish". Its quotes are left out. */
static void meant(const mw_config_lines *of, mw_json text, const char **bytes, size_t *length) {
  *bytes = text.bytes + 1;
  *length = text.length - 2;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (*length == strlen(words[i].text) && memcmp(*bytes, words[i].text, *length) == 0 &&
        (!*words[i].type || strcmp(words[i].type, of->config->model_type) == 0)) {
      *bytes = words[i].means;
      *length = strlen(*bytes);
      return;
    }
}

bool mw_config_lines_same(const mw_config_lines *of, mw_json a, mw_json b) {
  double x, y;
  if (a.kind != b.kind) return false;
  if (a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0) return true; /* also what is no finite number */
  if (a.kind == MW_JSON_NUMBER)
    return mw_json_double(a, &x) && mw_json_double(b, &y) && fabs(x - y) <= 1e-6 * fmax(fabs(x), fabs(y));
  if (a.kind == MW_JSON_STRING) {
    const char *one, *two;
    size_t n, m;
    meant(of, a, &one, &n);
    meant(of, b, &two, &m);
    return n == m && memcmp(one, two, n) == 0;
  }
  if (a.kind != MW_JSON_ARRAY) return false;
  mw_json_walk one = mw_json_enter(a), two = mw_json_enter(b);
  mw_json key;
  for (;;) {
    bool more = mw_json_next(&one, &key, &a);
    if (mw_json_next(&two, &key, &b) != more) return false;
    if (!more) return true;
    if (!mw_config_lines_same(of, a, b)) return false;
  }
}

/* ---- comparing ---- */

static uint64_t number_beside(const mw_config_lines *in, const char *path, const char *key) {
  const mw_json *value = mw_config_lines_beside(in, path, key);
  uint64_t number;
  return value && value->kind == MW_JSON_NUMBER && mw_json_u64(*value, &number) ? number : 0;
}

/* Kinds of layers that follow from other keys: every p-th is global, or all are. */
static bool is_usual_kinds(const mw_config_lines *lacking, const char *path, mw_json list) {
  static const char full[] = "\"full_attention\"", sliding[] = "\"sliding_attention\"";
  char pattern[600];
  snprintf(pattern, sizeof pattern, "%.*ssliding_window_pattern", (int)(mw_config_lines_key(path) - path), path);
  uint64_t period = number_beside(lacking, path, "sliding_window_pattern");
  if (!period) period = strtoull(default_of(lacking, pattern), NULL, 10);
  const mw_json *windows = mw_config_lines_beside(lacking, path, "use_sliding_window");
  if (!period && windows && windows->kind == MW_JSON_TRUE) return false;
  mw_json key, kind;
  uint64_t layer = 1;
  for (mw_json_walk walk = mw_json_enter(list); mw_json_next(&walk, &key, &kind); layer++) {
    const char *usual = period && layer % period ? sliding : full;
    if (kind.length != strlen(usual) || memcmp(kind.bytes, usual, kind.length) != 0) return false;
  }
  return true;
}

bool mw_config_lines_default(const mw_config_lines *lacking, const char *path, mw_json value) {
  const char *key = mw_config_lines_key(path), *fallback = default_of(lacking, path);
  uint64_t number, heads = number_beside(lacking, path, "num_attention_heads"), hidden = number_beside(lacking, path, "hidden_size");
  bool count = value.kind == MW_JSON_NUMBER && mw_json_u64(value, &number);
  if (!heads && key == path) heads = lacking->config->heads, hidden = lacking->config->hidden;
  if (count && strcmp(key, "head_dim") == 0) return heads && number * heads == hidden;
  if (count && strcmp(key, "num_key_value_heads") == 0) return number == heads;
  if (value.kind == MW_JSON_ARRAY && strcmp(key, "layer_types") == 0) return is_usual_kinds(lacking, path, value);
  if (strcmp(key, "sliding_window_pattern") == 0 && mw_config_lines_beside(lacking, path, "layer_types")) return true; /* said by it */
  const mw_json *projection = mw_config_lines_beside(lacking, path, "feed_forward_proj"); /* "gated-gelu" is said twice */
  if (projection && strcmp(key, "is_gated_act") == 0)
    return (value.kind == MW_JSON_TRUE) == (projection->length > 6 && strncmp(projection->bytes, "\"gated", 6) == 0);
  if (!*fallback) return false;
  mw_json absent;
  mw_error ignored;
  return mw_json_check("default", fallback, strlen(fallback), 4, &absent, &ignored) && mw_config_lines_same(lacking, value, absent);
}

bool mw_config_lines_means(const mw_config_lines *in, const char *path, bool absent) {
  const char *fallback;
  return weight_of(path, &fallback) == MEANS && (!absent || *default_of(in, path));
}
