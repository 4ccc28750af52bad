/* listing.c: an inspection as a text for people. What differs only in the numbers of its names, as the layers and experts of a model
 * do, is one line:
 *
 *   LlamaForCausalLM: 32 layers, hidden size 4096, 32 heads, 32000 tokens
 *   BF16    model.layers.*.mlp.down_proj.weight [4096,14336]  x 32
 *
 * Groups are found by their lines. A model may have a million tensors, so a group remembers its first tensor and not its line, and
 * the text goes out in pieces. */
#include "report/inspection.h"
#include "base/hash.h"
#include "model/adapted.h"
#include "moonweld.h"
#include <stdlib.h>
#include <string.h>

enum { PIECE = 64 << 10 };

typedef struct group {
  uint64_t hash; /* of its line */
  size_t first;  /* of its tensors */
  uint64_t count;
} group;

typedef struct grouping {
  group *groups;
  size_t count, capacity;
  size_t *slots; /* numbers of groups and 1 more; 0: free */
  size_t slot_count;
} grouping;

/* ---- lines ---- */

/* The digits of a number that is a whole part of a name, which begins here; else 0. */
static size_t number_at(const char *at) {
  size_t digits = strspn(at, "0123456789");
  return at[digits] == '.' || !at[digits] ? digits : 0;
}

/* A name; of many, numbers between its dots are stars. */
static void put_name(mw_text *text, const char *name, bool many) {
  mw_text_escaped escaped;
  const char *at = mw_text_escape_z(&escaped, name);
  for (size_t length; *at; at += length) {
    size_t digits = many ? number_at(at) : 0;
    if (digits) mw_text_add(text, "*", 1), at += digits;
    length = strcspn(at, ".");
    length += at[length] == '.';
    mw_text_add(text, at, length);
  }
}

static void put_tensor(mw_text *text, const mw_tensor *tensor, bool many) {
  const char *dtype = mw_dtype_name((mw_dtype)mw_model_source(tensor)->dtype);
  size_t width = strlen(dtype);
  mw_text_add(text, dtype, width);
  mw_text_add(text, "        ", width < 7 ? 8 - width : 1);
  put_name(text, tensor->name, many);
  mw_text_add(text, " ", 1);
  mw_text_shape(text, tensor->shape, tensor->rank);
  static const char *const kinds[] = {"  + rank %llu",      "  + rank %llu (LoHa)", "  + rank %llu (LoKr)", "  + rank %llu for each expert",
                                      "  * (IA)3", "  %llu rows trained"};
  for (size_t i = 0; tensor->made == MW_TENSOR_ADAPTED && i < tensor->adapted->count; i++) {
    const mw_adapted_change *change = &tensor->adapted->changes[i];
    const bool dora = change->kind == MW_ADAPTED_LORA && change->magnitude;
    mw_text_format(text, dora ? "  + rank %llu (DoRA)" : kinds[change->kind], (unsigned long long)change->rank);
  }
}

static void put_stats(mw_text *text, const mw_inspection *inspection, size_t index) {
  if (!mw_inspect_measured(inspection, &inspection->model->tensors[index])) return;
  mw_inspection_figures f = mw_inspect_figures(inspection, index);
  uint64_t bad = inspection->stats[index].bad;
  mw_text_format(text, "  min %.4g  max %.4g  mean %.4g  norm %.4g", f.min, f.max, f.mean, f.norm);
  if (bad) mw_text_format(text, "  %llu NaN or infinite", (unsigned long long)bad);
}

/* ---- groups ---- */

static uint64_t hash_of(const mw_text *line, uint64_t secret) {
  uint64_t hash = line->length;
  for (size_t i = 0; i < line->length; i += 8) {
    uint64_t part = 0;
    memcpy(&part, line->bytes + i, line->length - i < 8 ? line->length - i : 8);
    hash = mw_hash_add(hash, secret, part);
  }
  return mw_hash_finish(hash);
}

/* Whether two tensors have one line, as far as a look at them tells: names of ASCII that are not cut, the same but for numbers. */
static bool are_alike(const mw_tensor *a, const mw_tensor *b) {
  enum { UNCUT = 200 };
  if (a->made != MW_TENSOR_STORED || b->made != MW_TENSOR_STORED || a->dtype != b->dtype || a->rank != b->rank) return false;
  if (a->shape != b->shape && memcmp(a->shape, b->shape, a->rank * sizeof *a->shape) != 0) return false;
  const char *x = a->name, *y = b->name;
  for (bool begins = true; *x && *y; x++, y++) {
    size_t digits = begins ? number_at(x) : 0, others = digits ? number_at(y) : 0;
    if (others) x += digits, y += others;
    if (*x != *y || *x < 0 || *x >= 0x7f) return false;
    if (!*x) break;
    if (*x < 0x20) return false;
    begins = *x == '.';
  }
  return *x == *y && x - a->name <= UNCUT && y - b->name <= UNCUT;
}

/* The group of a line, which is that of `tensor`. `spare` is for the line of another. */
static size_t *find(const grouping *g, const mw_model *model, const mw_tensor *tensor, uint64_t hash, const mw_text *line, mw_text *spare) {
  for (size_t at = (size_t)(hash >> 20) % g->slot_count;; at = (at + 1) % g->slot_count) {
    size_t *slot = &g->slots[at];
    if (!*slot) return slot;
    const group *other = &g->groups[*slot - 1];
    if (other->hash != hash) continue;
    if (are_alike(&model->tensors[other->first], tensor)) return slot;
    spare->length = 0;
    put_tensor(spare, &model->tensors[other->first], true);
    if (spare->length == line->length && memcmp(spare->bytes, line->bytes, line->length) == 0) return slot;
  }
}

static bool group_all(grouping *g, const mw_model *model, mw_error *err) {
  mw_text line = {0}, spare = {0};
  uint64_t secret = mw_hash_secret();
  bool ok = true;
  g->slot_count = 2 * model->tensor_count + 1;
  if (!(g->slots = mw_mem_new(g->slot_count, sizeof *g->slots, err))) return false;
  for (size_t i = 0; ok && i < model->tensor_count; i++) {
    line.length = 0;
    put_tensor(&line, &model->tensors[i], true);
    uint64_t hash = hash_of(&line, secret);
    size_t *slot = find(g, model, &model->tensors[i], hash, &line, &spare);
    if (*slot) {
      g->groups[*slot - 1].count++;
      continue;
    }
    ok = mw_mem_grow(&g->groups, &g->capacity, g->count + 1, sizeof *g->groups, err);
    if (ok) g->groups[g->count] = (group){hash, i, 1}, *slot = ++g->count;
  }
  ok = ok && mw_text_check(&line, err) && mw_text_check(&spare, err);
  mw_text_free(&line);
  mw_text_free(&spare);
  return ok;
}

/* ---- what stands above and below ---- */

static void put_fact(mw_text *text, const char **mark, uint64_t number, const char *before, const char *after) {
  if (!number) return;
  mw_text_format(text, "%s%s%llu%s", *mark, before, (unsigned long long)number, after);
  *mark = ", ";
}

/* What config.json says of the architecture. */
static void put_architecture(mw_text *text, const mw_model *model) {
  const mw_config *config = &model->config;
  const char *mark = ": ";
  mw_text_escaped shown;
  if (!config->text || !*config->model_type) return;
  mw_json list = mw_json_member(config->root, "architectures"), name;
  mw_json_walk walk = list.kind == MW_JSON_ARRAY ? mw_json_enter(list) : (mw_json_walk){0};
  bool named = list.kind == MW_JSON_ARRAY && mw_json_next(&walk, NULL, &name) && mw_json_is_text(name) && name.length > 2;
  const char *what = named ? mw_text_escape(&shown, name.bytes + 1, name.length - 2) : mw_text_escape_z(&shown, config->model_type);
  mw_text_format(text, "%s", what);
  put_fact(text, &mark, config->layers, "", config->layers == 1 ? " layer" : " layers");
  put_fact(text, &mark, config->hidden, "hidden size ", "");
  put_fact(text, &mark, config->heads, "", config->heads == 1 ? " head" : " heads");
  put_fact(text, &mark, config->vocabulary, "", " tokens");
  mw_text_format(text, "%s\n", config->tied ? ", tied head" : "");
}

static const char *plural(uint64_t count) { return count == 1 ? "" : "s"; }

/* "BF16 3.50 MB, F32 2.1 kB": where there are several. */
static void put_dtypes(mw_text *text, const mw_model *model) {
  uint64_t bytes[MW_DTYPE_COUNT] = {0};
  size_t kinds = 0;
  char size[32];
  for (size_t i = 0; i < model->tensor_count; i++) {
    const mw_tensor *source = mw_model_source(&model->tensors[i]);
    kinds += !bytes[source->dtype];
    bytes[source->dtype] += mw_tensor_bytes(source);
  }
  if (kinds < 2) return;
  const char *mark = "";
  for (size_t d = 0; d < MW_DTYPE_COUNT; d++)
    if (bytes[d]) mw_text_format(text, "%s%s %s", mark, mw_dtype_name((mw_dtype)d), mw_text_size(size, (double)bytes[d])), mark = ", ";
  mw_text_add(text, "\n", 1);
}

static void put_sum(mw_text *text, const mw_inspection *inspection) {
  const mw_model *model = inspection->model;
  char size[32];
  put_dtypes(text, model);
  mw_text_format(text, "%zu tensor%s, %llu parameter%s, %s in %zu file%s\n", model->tensor_count, plural(model->tensor_count),
                 (unsigned long long)inspection->parameters, plural(inspection->parameters), mw_text_size(size, (double)inspection->bytes),
                 model->file_count, plural(model->file_count));
  if (inspection->verified) mw_text_format(text, "%zu of its files have the SHA-256 that the cache knows them by\n", inspection->verified);
}

/* ---- the text ---- */

typedef struct writing {
  mw_text text;
  mw_sink sink;
  void *context;
} writing;

/* Hands on what has come together, if it is enough. */
static bool flow(writing *w, size_t enough, mw_error *err) {
  if (w->text.length < enough) return true;
  MW_TRY(mw_text_check(&w->text, err));
  if (w->text.length && !w->sink(w->context, w->text.bytes, w->text.length)) return mw_error_set(err, MW_IO, "the text is not taken");
  w->text.length = 0;
  return true;
}

static bool write_groups(writing *w, const mw_inspection *inspection, mw_error *err) {
  grouping g = {0};
  bool ok = group_all(&g, inspection->model, err);
  for (size_t i = 0; ok && i < g.count; i++) {
    put_tensor(&w->text, &inspection->model->tensors[g.groups[i].first], g.groups[i].count > 1);
    if (g.groups[i].count > 1) mw_text_format(&w->text, "  x %llu", (unsigned long long)g.groups[i].count);
    mw_text_add(&w->text, "\n", 1);
    ok = flow(w, PIECE, err);
  }
  free(g.groups);
  free(g.slots);
  return ok;
}

static bool write_each(writing *w, const mw_inspection *inspection, const char *pattern, mw_error *err) {
  size_t found = 0;
  for (size_t i = 0; i < inspection->model->tensor_count; i++) {
    if (!mw_text_glob(pattern, inspection->model->tensors[i].name)) continue;
    found++;
    put_tensor(&w->text, &inspection->model->tensors[i], false);
    put_stats(&w->text, inspection, i);
    mw_text_add(&w->text, "\n", 1);
    MW_TRY(flow(w, PIECE, err));
  }
  if (found || strcmp(pattern, "*") == 0) return true;
  mw_text_escaped shown;
  mw_error_set(err, MW_USAGE, "no tensor is called like '%s'", mw_text_escape_z(&shown, pattern));
  return mw_error_hint(err, "* stands for any text, as in '*.layers.0.*'; without --tensors the names are shown, alike ones in one line");
}

bool mw_inspect_write_text(const mw_inspection *inspection, const char *pattern, mw_sink sink, void *context, mw_error *err) {
  writing w = {.sink = sink, .context = context};
  if (!pattern && inspection->stats) pattern = "*";
  put_architecture(&w.text, inspection->model);
  bool ok = pattern ? write_each(&w, inspection, pattern, err) : write_groups(&w, inspection, err);
  if (ok) put_sum(&w.text, inspection);
  ok = ok && flow(&w, 0, err);
  mw_text_free(&w.text);
  return ok;
}
