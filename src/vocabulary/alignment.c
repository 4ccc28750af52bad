/* alignment.c: first whose tokenizer, then its tokens, then the tensors: all embeddings together, all heads of one name together. */
#include "vocabulary/alignment.h"
#include "model/hub.h"
#include "model/layer_name.h"
#include "model/tied_head.h"
#include "vocabulary/row_table.h"
#include "vocabulary/token_ids.h"
#include <stdlib.h>
#include <string.h>

typedef struct aligning {
  mw_alignment *out;
  mw_input_set *inputs;
  const mw_options *options;
  mw_model_tokens *tokens; /* [inputs->count], and behind them the tokenizer's where it is no input's */
  size_t opened, start;    /* start: whose tokenizer, of `tokens` */
  const char *folder;      /* of the tokenizer */
  mw_output_vocabulary vocabulary;
  mw_token_rules rules;
  mw_row_table table;      /* the last one: mostly that of the embeddings is the heads', too */
  uint64_t *rows;          /* [inputs->count] of the embeddings */
  mw_warning *warnings;
  mw_error *err;
} aligning;

static mw_family_member *member_of(const aligning *a, size_t m) { return &a->inputs->members[m]; }

/* ---- whose tokenizer ---- */

static size_t numbered(const aligning *a, const mw_family_member *member) { return (size_t)(member - a->inputs->members); }

/* The folder of a tokenizer that is no input's. */
static bool find_folder(aligning *a, const char *word) {
  const char *commit;
  mw_text_escaped shown;
  a->start = a->inputs->count;
  a->folder = word;
  a->out->tokenizer = mw_mem_copy(&a->out->arena, word, strlen(word), a->err);
  if (!a->out->tokenizer) return false;
  if (mw_file_is_folder(word)) return true;
  if (mw_hub_is_id(word)) return mw_hub_find(word, &a->out->arena, &a->folder, &commit, a->err);
  mw_error_set(a->err, MW_USAGE, "--tokenizer '%s' is none of base union, no input, and no folder of a model",
               mw_text_escape_z(&shown, word));
  return mw_error_hint(a->err, "an input is named by its argument, such as '%s', or as it was typed",
                       member_of(a, a->inputs->count - 1)->label);
}

static bool choose_start(aligning *a) {
  const char *word = a->options->tokenizer;
  bool own = strcmp(word, "base") == 0 || strcmp(word, "union") == 0;
  const mw_family_member *named = own ? member_of(a, a->inputs->donor) : mw_family_named(&a->inputs->family, word);
  if (!named) return find_folder(a, word);
  a->start = numbered(a, named);
  a->folder = named->model->folder;
  a->out->tokenizer = named->label;
  return true;
}

/* Whose rows stand in first: the argument `base`, or what --donor names; SIZE_MAX: nobody's. */
static size_t base_of(const aligning *a) {
  if (a->options->donor) return a->inputs->donor;
  for (size_t m = 0; m < a->inputs->count; m++)
    if (strcmp(member_of(a, m)->label, "base") == 0) return m;
  return SIZE_MAX;
}

/* ---- tokens ---- */

/* The folder of a model's tokenizer. With --allow tokenizer one that has none is taken to have the donor's, as mergekit does. */
static bool folder_of(const aligning *a, size_t m, const char **folder) {
  const mw_family_member *donor = member_of(a, a->inputs->donor);
  mw_vocabulary own = {0};
  *folder = member_of(a, m)->model->folder;
  if (m == a->inputs->donor || !a->inputs->family.rules.allow_tokenizer) return true;
  MW_TRY(!*folder || mw_vocabulary_open(&own, *folder, a->err));
  const bool none = !own.path;
  mw_vocabulary_close(&own);
  if (!none) return true;
  *folder = donor->model->folder;
  mw_warning_add(a->warnings, "%s has no tokenizer: taken to have that of %s, let through by --allow tokenizer", member_of(a, m)->label,
                 donor->label);
  return true;
}

static bool open_model(aligning *a, size_t m) {
  const mw_family_member *member = member_of(a, m);
  const mw_tensor *embedding = mw_tied_head_embedding(member->model);
  if (!embedding || embedding->rank != 2) {
    mw_error_set(a->err, MW_DATA, "%s: --tokenizer: it has no tensor that is known as its embeddings", member->label);
    return mw_error_hint(a->err, "known are model.embed_tokens.weight, transformer.wte.weight, shared.weight and their like");
  }
  a->rows[m] = embedding->shape[0];
  const char *folder;
  return folder_of(a, m, &folder) && mw_model_tokens_open(&a->tokens[m], member->label, folder, a->rows[m], a->warnings, a->err);
}

static bool open_tokens(aligning *a) {
  size_t count = a->inputs->count;
  a->tokens = mw_mem_new(count + 1, sizeof *a->tokens, a->err);
  a->rows = mw_mem_new(count, sizeof *a->rows, a->err);
  if (!a->tokens || !a->rows) return false;
  for (; a->opened < count; a->opened++) MW_TRY(open_model(a, a->opened));
  if (a->start < count) return true;
  a->opened++;
  return mw_model_tokens_open(&a->tokens[count], "--tokenizer", a->folder, UINT64_MAX, a->warnings, a->err);
}

static bool unite(aligning *a) {
  const bool all = strcmp(a->options->tokenizer, "union") == 0;
  if (all && !a->tokens[a->start].fast) {
    mw_error_set(a->err, MW_DATA, "%s: %s: --tokenizer union needs a tokenizer.json, to which tokens can be added",
                 a->tokens[a->start].label, a->tokens[a->start].vocabulary.path);
    return mw_error_hint(a->err, "write it first (transformers: save_pretrained of the fast tokenizer), or --tokenizer base");
  }
  MW_TRY(mw_output_vocabulary_start(&a->vocabulary, &a->tokens[a->start], a->err));
  for (size_t m = 0; m < a->inputs->count && all; m++)
    if (m != a->start) MW_TRY(mw_output_vocabulary_unite(&a->vocabulary, &a->tokens[m], a->err));
  for (size_t i = 0; i < a->rules.count; i++)
    MW_TRY(mw_output_vocabulary_add(&a->vocabulary, a->rules.rules[i].text, a->rules.rules[i].length, a->err));
  const uint64_t each = a->options->pad_vocabulary, over = each ? a->vocabulary.count % each : 0;
  a->out->tokens = a->vocabulary.count;
  a->out->added = a->vocabulary.added;
  a->out->rows = a->vocabulary.count + (over ? each - over : 0);
  return true;
}

/* ---- tensors ---- */

/* Whether two tensors are stored in one place, whatever is made of them. */
static bool is_place(const mw_tensor *a, const mw_tensor *b) {
  a = mw_model_source(a), b = mw_model_source(b);
  return a->file == b->file && a->offset == b->offset;
}

/* The dimension that counts tokens: the first one, or the second of a bias that is stored as one row (final_logits_bias). */
static unsigned axis_of(const mw_tensor *tensor) { return tensor->rank == 2 && tensor->shape[0] == 1 ? 1 : 0; }

static uint64_t width_of(const mw_tensor *tensor) { return mw_tensor_elements(tensor) / tensor->shape[axis_of(tensor)]; }

/* Whether a tensor counts as many of something as there are tokens, where nothing else explains that number: neither a layer, nor
 * positions, nor what the embeddings' rows are long. */
static bool counts_tokens(const mw_tensor *tensor, uint64_t rows, uint64_t width) {
  mw_layer_name layer;
  bool counts = false;
  for (unsigned d = 0; d < tensor->rank; d++) counts |= tensor->shape[d] == rows;
  return counts && rows != width && !mw_layer_name_read(tensor->name, &layer) && !strstr(tensor->name, "position") &&
         !strstr(tensor->name, "wpe");
}

/* Whether a name ends as those of heads do, from its start or from behind a dot. */
static bool is_called_head(const char *name) {
  for (const char *const *end = mw_architecture_heads; *end; end++) {
    size_t length = strlen(name), tail = strlen(*end);
    if (mw_text_ends_with(name, *end) && (length == tail || name[length - tail - 1] == '.')) return true;
  }
  return false;
}

/* What a tensor with a row for each token is called among all models: "" for embeddings, else its name; NULL: it is none. */
static const char *role_of(const aligning *a, size_t m, const mw_tensor *tensor) {
  const mw_tensor *embedding = mw_tied_head_embedding(member_of(a, m)->model);
  if (!tensor->rank || tensor->shape[axis_of(tensor)] != a->rows[m]) return NULL;
  if (strcmp(tensor->name, mw_tied_head_name) != 0 && is_place(tensor, embedding)) return "";
  if (is_called_head(tensor->name)) return tensor->name;
  const uint64_t width = width_of(tensor), whole = width_of(embedding);
  return (width == 1 || width == whole) && counts_tokens(tensor, a->rows[m], whole) ? tensor->name : NULL;
}

typedef struct group {
  size_t *members; /* [count] that have such a tensor */
  mw_tensor **tensors;
  uint64_t *rows;
  size_t count;
  mw_gathered_source *sources; /* in the arena */
} group;

static bool collect(const aligning *a, const char *role, group *g) {
  g->count = 0;
  for (size_t m = 0; m < a->inputs->count; m++) {
    mw_family_member *member = member_of(a, m);
    for (size_t i = 0; i < member->count; i++) {
      const char *own = role_of(a, m, &member->tensors[i]);
      if (!own || strcmp(own, role) != 0) continue;
      g->members[g->count] = m;
      g->rows[g->count] = a->rows[m];
      g->tensors[g->count++] = &member->tensors[i];
      break;
    }
  }
  for (size_t k = 1; k < g->count; k++) {
    mw_text_escaped name;
    if (width_of(g->tensors[k]) == width_of(g->tensors[0])) continue;
    return mw_error_set(a->err, MW_DATA, "%s: a row of '%s' has %llu values here and %llu in %s: rows cannot stand in for one another",
                        member_of(a, g->members[k])->label, mw_text_escape_z(&name, g->tensors[k]->name),
                        (unsigned long long)width_of(g->tensors[k]), (unsigned long long)width_of(g->tensors[0]),
                        member_of(a, g->members[0])->label);
  }
  if (!(g->sources = mw_mem_take(&a->out->arena, (g->count + 1) * sizeof *g->sources, a->err))) return false;
  for (size_t k = 0; k < g->count; k++)
    g->sources[k] = (mw_gathered_source){member_of(a, g->members[k])->model, *g->tensors[k]};
  return true;
}

/* Whether a model's rows stand already where they are to be. */
static bool stands(const aligning *a, const mw_gathered_rows *rows, const group *g, size_t k) {
  if (a->out->rows != g->rows[k] || a->out->rows != rows->count) return false;
  for (size_t i = 0; i < rows->count; i++)
    if (rows->rows[i].source != k || rows->rows[i].row != i) return false;
  return true;
}

/* The dtype of the elements: that of all rows, where it is one. */
static mw_dtype dtype_of(const aligning *a, const mw_gathered_rows *rows, const group *g) {
  bool mixed = a->out->rows != rows->count, wide = false;
  int one = -1;
  for (size_t k = 0; k < g->count; k++) wide |= g->tensors[k]->dtype == MW_DTYPE_F64;
  for (size_t i = 0; i < rows->count; i++) {
    const uint32_t source = rows->rows[i].source;
    const int dtype = source < g->count ? (int)g->sources[source].tensor.dtype : one;
    mixed |= source == MW_GATHERED_MEAN || (one >= 0 && dtype != one);
    one = dtype;
  }
  return !mixed && one >= 0 ? (mw_dtype)one : wide ? MW_DTYPE_F64 : MW_DTYPE_F32;
}

static bool replace(aligning *a, const group *g, size_t k, const mw_gathered_rows *rows) {
  mw_tensor *tensor = g->tensors[k];
  mw_alignment *out = a->out;
  mw_dtype dtype = dtype_of(a, rows, g);
  if (stands(a, rows, g, k)) return true;
  MW_TRY(mw_mem_grow(&out->tensors, &out->tensor_capacity, out->tensor_count + 1, sizeof *out->tensors, a->err));
  mw_gathered *gathered = mw_mem_take(&out->arena, sizeof *gathered, a->err);
  uint64_t *shape = mw_mem_take(&out->arena, tensor->rank * sizeof *shape, a->err);
  if (!gathered || !shape) return false;
  *gathered = (mw_gathered){.sources = g->sources, .source_count = g->count, .own = k, .rows = rows, .width = width_of(tensor)};
  memcpy(shape, tensor->shape, tensor->rank * sizeof *shape);
  shape[axis_of(tensor)] = out->rows;
  tensor->shape = shape;
  tensor->gathered = gathered;
  tensor->made = MW_TENSOR_GATHERED;
  tensor->dtype = (uint8_t)dtype;
  out->tensors[out->tensor_count++] = (mw_alignment_tensor){gathered, tensor};
  return true;
}

/* What is said of each model: by its embeddings. */
static void count_rows(aligning *a, const group *g, const mw_gathered_rows *of) {
  for (size_t k = 0; k < g->count; k++) {
    mw_alignment_model *model = &a->out->models[g->members[k]];
    const mw_model_tokens *tokens = &a->tokens[g->members[k]];
    for (size_t i = 0; i < of[k].count; i++) {
      if (!a->vocabulary.tokens[i].text) continue;
      if (of[k].rows[i].source == k) model->own++;
      else model->filled++;
    }
    for (size_t id = 0; id < tokens->vocabulary.count; id++) {
      const mw_vocabulary_token *token = &tokens->vocabulary.tokens[id];
      uint32_t there;
      model->left += token->text && !mw_vocab_find(&a->vocabulary.ids, token->text, token->length, &there);
    }
  }
}

/* Whether --stand-in names the models whose rows stand in for those of others, in this role; those are marked. */
static bool mark_named(const aligning *a, const char *role, const group *g, bool *counts, bool *any) {
  *any = false;
  for (size_t i = 0; i < a->options->stand_in_count; i++) {
    const char *word = a->options->stand_in[i];
    const bool embeddings = strncmp(word, "embeddings:", 11) == 0, heads = strncmp(word, "heads:", 6) == 0;
    mw_text_escaped shown;
    if (*role ? embeddings : heads) continue;
    word += embeddings ? 11 : heads ? 6 : 0;
    const mw_family_member *named = mw_family_named(&a->inputs->family, word);
    if (!named) {
      mw_error_set(a->err, MW_USAGE, "--stand-in '%s' is no input", mw_text_escape_z(&shown, word));
      return mw_error_hint(a->err, "an input is named by its argument, such as '%s', or as it was typed", member_of(a, 0)->label);
    }
    for (size_t k = 0; k < g->count; k++) counts[k] |= g->members[k] == numbered(a, named);
    *any = true;
  }
  return true;
}

/* The table for a group of models. */
static bool make_table(aligning *a, const char *role, const group *g) {
  mw_row_table *t = &a->table;
  size_t *members = mw_mem_take(&a->out->arena, (g->count + 1) * sizeof *members, a->err);
  bool *counts = mw_mem_take(&a->out->arena, g->count + 1, a->err), any = false;
  if (!members || !counts) return false;
  memset(counts, 0, g->count);
  MW_TRY(mark_named(a, role, g, counts, &any));
  if (!any) memset(counts, true, g->count);
  if (t->count == g->count && memcmp(t->members, g->members, g->count * sizeof *g->members) == 0 &&
      memcmp(t->counts, counts, g->count) == 0) return true;
  memcpy(members, g->members, g->count * sizeof *members);
  *t = (mw_row_table){.vocabulary = &a->vocabulary, .rules = &a->rules, .tokens = a->tokens, .members = members, .rows = g->rows,
                      .counts = counts, .count = g->count, .base = base_of(a), .start = a->start < a->inputs->count ? a->start : SIZE_MAX};
  return mw_row_table_make(t, &a->out->arena, a->err);
}

static bool align_role(aligning *a, const char *role, group *g) {
  MW_TRY(collect(a, role, g) && make_table(a, role, g));
  if (*role && !is_called_head(role)) {
    mw_text_escaped name;
    mw_warning_add(a->warnings, "--tokenizer: '%s' has a row for each token and is taken for a head", mw_text_escape_z(&name, role));
  }
  if (!*role) count_rows(a, g, a->table.of), a->out->zeros = a->table.zeros;
  for (size_t k = 0; k < g->count; k++) MW_TRY(replace(a, g, k, &a->table.of[k]));
  return true;
}

/* The roles of all models, each once. */
static bool align_tensors(aligning *a) {
  const size_t count = a->inputs->count;
  group g = {.members = mw_mem_new(count, sizeof *g.members, a->err), .tensors = mw_mem_new(count, sizeof *g.tensors, a->err),
             .rows = mw_mem_new(count, sizeof *g.rows, a->err)};
  const char **roles = NULL;
  size_t role_count = 0, capacity = 0;
  bool ok = g.members && g.tensors && g.rows;
  for (size_t m = 0; m < count && ok; m++)
    for (size_t i = 0; i < member_of(a, m)->count && ok; i++) {
      const char *role = role_of(a, m, &member_of(a, m)->tensors[i]);
      size_t known = 0;
      while (role && known < role_count && strcmp(roles[known], role) != 0) known++;
      if (!role || known < role_count) continue;
      ok = mw_mem_grow(&roles, &capacity, role_count + 1, sizeof *roles, a->err);
      if (ok) roles[role_count++] = role;
    }
  for (size_t r = 0; r < role_count && ok; r++) ok = align_role(a, roles[r], &g);
  free(roles);
  free(g.members);
  free(g.tensors);
  free(g.rows);
  return ok;
}

/* What counts tokens and is neither an embedding, a head nor a bias: it would keep its own order, under embeddings in the output's. */
static bool check_others(const aligning *a, size_t m) {
  const mw_family_member *member = member_of(a, m);
  const uint64_t width = width_of(mw_tied_head_embedding(member->model));
  mw_text_escaped name;
  bool moved = false;
  for (size_t i = 0; i < member->count; i++) moved |= member->tensors[i].made == MW_TENSOR_GATHERED;
  for (size_t i = 0; i < member->count && moved; i++) {
    const mw_tensor *tensor = &member->tensors[i];
    if (tensor->made == MW_TENSOR_GATHERED || role_of(a, m, tensor) || !counts_tokens(tensor, a->rows[m], width)) continue;
    mw_text_escape_z(&name, tensor->name);
    if (a->inputs->family.rules.allow_tokenizer) {
      mw_warning_add(a->warnings, "%s: '%s' counts as many as there are tokens and stays as it is, let through by --allow tokenizer",
                     member->label, name.bytes);
      continue;
    }
    mw_error_set(a->err, MW_DATA, "%s: --tokenizer: '%s' counts as many as there are tokens (%llu), but has no row for each", member->label,
                 name.bytes, (unsigned long long)a->rows[m]);
    return mw_error_hint(a->err, "where its numbers have nothing to do with tokens, --allow tokenizer keeps it as it is");
  }
  return true;
}

/* ---- files ---- */

static bool follow_files(aligning *a) {
  mw_alignment *out = a->out;
  const mw_family_member *donor = member_of(a, a->inputs->donor);
  const mw_model_tokens *own = &a->tokens[a->inputs->donor];
  const mw_token_ids ids = {own, &a->vocabulary, donor->model->folder, a->folder};
  if (a->start != a->inputs->donor) {
    if (!(out->files.folder = mw_mem_copy(&out->arena, a->folder, strlen(a->folder), a->err))) return false;
    MW_TRY(!donor->model->config.text ||
           mw_token_ids_config(&ids, donor->model->config.root, &out->arena, a->warnings, &out->sets, &out->set_count, a->err));
    MW_TRY(!donor->model->folder || mw_token_ids_generation(&ids, &out->arena, a->warnings, &out->files, a->err));
  }
  return !a->folder || mw_tokenizer_files_rewrite(&out->files, a->folder, &a->vocabulary, &out->arena, a->warnings, a->err);
}

/* "152 tokens of 'models[1]', 2 of them added; 160 rows" */
static bool put_in_words(aligning *a) {
  mw_alignment *out = a->out;
  mw_text text = {0};
  mw_text_escaped shown;
  mw_text_format(&text, "%zu tokens of %s", out->tokens, mw_text_escape_z(&shown, out->tokenizer));
  if (out->added) mw_text_format(&text, ", %zu of them added", out->added);
  mw_text_format(&text, "; %llu rows", (unsigned long long)out->rows);
  bool ok = mw_text_check(&text, a->err) && (out->told = mw_mem_copy(&out->arena, text.bytes, text.length, a->err)) != NULL;
  mw_text_free(&text);
  return ok;
}

static bool align(aligning *a) {
  const mw_options *o = a->options;
  mw_alignment *out = a->out;
  out->model_count = a->inputs->count;
  out->models = mw_mem_take(&out->arena, out->model_count * sizeof *out->models, a->err);
  if (!out->models) return false;
  for (size_t m = 0; m < out->model_count; m++) out->models[m].label = member_of(a, m)->label;
  MW_TRY(choose_start(a) && open_tokens(a));
  MW_TRY(!o->tokens || mw_token_rules_read(o->tokens, &a->inputs->family, &out->arena, &a->rules, a->err));
  MW_TRY(unite(a) && align_tensors(a));
  for (size_t m = 0; m < a->inputs->count; m++) MW_TRY(check_others(a, m));
  MW_TRY(follow_files(a) && put_in_words(a));
  if (out->zeros)
    mw_warning_add(a->warnings, "%zu token%s of the output %s in no model: %s zeros; --tokens can say from where they come", out->zeros,
                   out->zeros == 1 ? "" : "s", out->zeros == 1 ? "is" : "are", out->zeros == 1 ? "its row is" : "their rows are");
  return true;
}

bool mw_alignment_make(mw_input_set *inputs, const mw_options *options, mw_warning *warnings, mw_alignment **out, mw_error *err) {
  mw_alignment *made = mw_mem_new(1, sizeof *made, err);
  if (!made) return false;
  aligning a = {.out = made, .inputs = inputs, .options = options, .warnings = warnings, .err = err};
  bool ok = align(&a);
  mw_output_vocabulary_free(&a.vocabulary);
  for (size_t i = 0; i < a.opened; i++) mw_model_tokens_close(&a.tokens[i]);
  free(a.tokens);
  free(a.rows);
  if (ok) *out = made;
  else mw_alignment_free(made);
  return ok;
}

bool mw_alignment_ready(mw_alignment *alignment, mw_error *err) {
  for (size_t i = 0; i < alignment->tensor_count; i++)
    MW_TRY(mw_gathered_ready(alignment->tensors[i].gathered, alignment->tensors[i].tensor, &alignment->arena, err));
  return true;
}

void mw_alignment_tell(const mw_alignment *alignment, const char *key, mw_json_writer *json) {
  mw_json_writer_object(json, key);
  mw_json_writer_string(json, "tokenizer", alignment->tokenizer);
  mw_json_writer_u64(json, "tokens", alignment->tokens);
  mw_json_writer_u64(json, "added", alignment->added);
  mw_json_writer_u64(json, "rows", alignment->rows);
  mw_json_writer_u64(json, "zeros", alignment->zeros);
  mw_json_writer_list(json, "models");
  for (size_t m = 0; m < alignment->model_count; m++) {
    const mw_alignment_model *model = &alignment->models[m];
    mw_json_writer_object(json, NULL);
    mw_json_writer_string(json, "label", model->label);
    mw_json_writer_u64(json, "own", model->own);
    mw_json_writer_u64(json, "filled", model->filled);
    mw_json_writer_u64(json, "left", model->left);
    mw_json_writer_end(json);
  }
  mw_json_writer_end(json);
  mw_json_writer_end(json);
}

void mw_alignment_free(mw_alignment *alignment) {
  if (!alignment) return;
  for (size_t i = 0; i < alignment->tensor_count; i++) mw_gathered_close(alignment->tensors[i].gathered);
  free(alignment->tensors);
  mw_tokenizer_files_free(&alignment->files);
  mw_mem_release(&alignment->arena);
  free(alignment);
}
