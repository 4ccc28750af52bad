/* side_files.c: which files of the donor go with the weights. left_behind.def names what stays behind (weights, their
 * indexes, what a training left, what describes the donor itself), and code does; every other small file of the folder's
 * root goes along byte for byte, since a tokenizer or a licence that we do not know by name is needed all the same. A
 * link counts only if it stays in the folder or leads to a blob of a hub's cache; nothing else on this machine is ever
 * copied. */
#include "output/side_files.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model/quantised.h"
#include "model/hub.h"
#include "output/card.h"
#include "output/lock.h"

#define TOKENIZER_LIMIT (128u << 20)
#define OTHER_LIMIT (64u << 20)
#define TEMPLATES "additional_chat_templates"

typedef struct copy {
  mw_writer *writer; /* NULL: the files are only remembered, to be compared when they are copied */
  const char *folder; /* of the donor */
  const char *const *parts; /* [part_count] folders in it that are carried */
  size_t part_count;
  char *root, *blobs; /* where links may lead: resolved; blobs is NULL outside the hub's cache */
  bool code, template; /* whether code, and the donor's chat template, go along */
  const mw_tokenizer_files *tokenizer; /* NULL, or which of a tokenizer's files say something else, and whose they are */
  bool foreign;        /* this is its folder, not the donor's: nothing but the tokenizer goes along */
  mw_warning *warnings;
  mw_side_files_seen *seen;
  mw_arena arena;
} copy;

/* Compares without case. */
static bool ends_like(const char *name, const char *end) {
  size_t length = strlen(name), tail = strlen(end);
  return length >= tail && mw_text_is_same_word(name + length - tail, end);
}

enum {
#define MW_LEFT_BEHIND_KIND(kind, why, told) LEFT_##kind,
#include "output/left_behind.def"
  LEFT_KINDS
};

static const struct { const char *why; bool told; } left_kinds[LEFT_KINDS] = {
#define MW_LEFT_BEHIND_KIND(kind, why, told) {why, told},
#include "output/left_behind.def"
};

/* Why a file of this name stays where it is, or LEFT_KINDS: it goes along. */
static unsigned left_behind(const char *name) {
  static const struct { unsigned kind; const char *pattern; } table[] = {
#define MW_LEFT_BEHIND(kind, pattern) {LEFT_##kind, pattern},
#include "output/left_behind.def"
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (fnmatch(table[i].pattern, name, FNM_CASEFOLD) == 0) return table[i].kind;
  for (size_t i = 0; mw_tensor_formats[i]; i++)
    if (ends_like(name, mw_tensor_formats[i]->ending)) return LEFT_WEIGHTS;
  return LEFT_KINDS;
}

bool mw_side_files_are_weights(const char *name) { return left_behind(name) == LEFT_WEIGHTS; }

static uint64_t limit_of(const char *name) { return mw_tokenizer_files_is(name) ? TOKENIZER_LIMIT : OTHER_LIMIT; }

static void skip(copy *job, const char *name, const char *why) {
  mw_text_escaped escaped;
  if (!job->writer) return;
  mw_warning_add(job->warnings, "%s is not copied: %s", mw_text_escape_z(&escaped, name), why);
}

/* Whether an open file of the folder is one that may be copied; else `why` not. */
static bool may_go_along(const copy *job, const mw_file *file, const char *name, bool *may, char why[64], mw_error *err) {
  char *place;
  MW_TRY(mw_file_place(file, &place, err));
  bool ours = place && (mw_file_lies_in(place, job->root) || mw_file_lies_in(place, job->blobs) || mw_hub_is_blob(place));
  free(place);
  *may = ours && file->size <= limit_of(name);
  if (!ours) strcpy(why, "it is a link out of the model's folder");
  else if (!*may) mw_text_size(strcpy(why, "it is larger than ") + strlen(why), (double)limit_of(name));
  return true;
}

static bool changed(const copy *job, const char *name, const char *how, mw_error *err) {
  mw_text_escaped escaped[2];
  mw_error_set(err, MW_CHANGED, "%s/%s: %s since the merge began", mw_text_escape_z(&escaped[0], job->folder),
               mw_text_escape_z(&escaped[1], name), how);
  return mw_error_hint(err, "run it again when nothing writes to the inputs");
}

/* Remembers a file as it is now. */
static bool remember(copy *job, const char *name, const mw_file *file, mw_error *err) {
  mw_side_files_seen *seen = job->seen;
  MW_TRY(mw_mem_grow(&seen->files, &seen->capacity, seen->count + 1, sizeof *seen->files, err));
  mw_side_files_file *new = &seen->files[seen->count];
  *new = (mw_side_files_file){.name = mw_mem_copy(&seen->arena, name, strlen(name), err), .file = *file};
  if (!new->name) return false;
  seen->count++;
  return true;
}

/* Copies an open file to the output's NAME, as it was when the merge began. */
static bool copy_open(copy *job, const char *name, const mw_file *file, mw_error *err) {
  char *bytes;
  size_t length;
  mw_side_files_file *before = NULL;
  for (size_t i = 0; i < job->seen->count && !before; i++)
    if (strcmp(job->seen->files[i].name, name) == 0) before = &job->seen->files[i];
  if (!before) return changed(job, name, "is new", err);
  if (!mw_file_is_same(&before->file, file)) return changed(job, name, "changed", err);
  MW_TRY(mw_file_slurp_open(file, (size_t)limit_of(name), &bytes, &length, err));
  bool written = mw_file_unchanged(file, err) && (!job->tokenizer || mw_tokenizer_files_edit(job->tokenizer, name, &bytes, &length, err)) &&
                 mw_writer_file(job->writer, name, bytes, length, err);
  free(bytes);
  before->copied = true;
  return written;
}

/* What the output would miss stops a merge before it begins; anything else is told of when it is not copied. */
static bool leave(copy *job, const char *name, const char *why, mw_error *err) {
  mw_text_escaped escaped[2];
  skip(job, name, why);
  if (job->writer || !mw_tokenizer_files_is(name)) return true;
  mw_error_set(err, MW_DATA, "%s/%s: %s, and the output would have no tokenizer", mw_text_escape_z(&escaped[0], job->folder),
               mw_text_escape_z(&escaped[1], name), why);
  return mw_error_hint(err, "put the file itself in its place, or remove the link");
}

/* Opened once: what is asked of the file, and what is read, are of the same one, whatever the path leads to meanwhile. */
static bool copy_file(copy *job, const char *name, mw_error *err) {
  char why[64];
  mw_file file;
  mw_error problem;
  bool may;
  const char *path = mw_file_join(&job->arena, job->folder, name, err);
  MW_TRY(path != NULL);
  if (!mw_file_open(&file, path, &problem)) {
    if (problem.status != MW_MISSING && problem.status != MW_DATA) return *err = problem, false;
    if (mw_file_is_folder(path)) return true;
    if (problem.status == MW_DATA) return skip(job, name, "it is not a regular file"), true;
    return leave(job, name, "it cannot be found", err);
  }
  bool done = may_go_along(job, &file, name, &may, why, err) &&
              (!may ? leave(job, name, why, err) : job->writer ? copy_open(job, name, &file, err) : remember(job, name, &file, err));
  mw_file_close(&file);
  return done;
}

/* The files of FOLDER/NAME that `wanted` lets through; a folder that is not there has none. */
static bool copy_folder(copy *job, const char *folder, bool (*wanted)(const char *name), mw_error *err) {
  const char **names;
  size_t count;
  const char *path = mw_file_join(&job->arena, job->folder, folder, err);
  MW_TRY(path != NULL);
  if (!mw_file_is_folder(path)) return true;
  MW_TRY(mw_file_list(path, &job->arena, &names, &count, err));
  for (size_t i = 0; i < count; i++) {
    if (!wanted(names[i])) continue;
    const char *name = mw_file_join(&job->arena, folder, names[i], err);
    MW_TRY(name != NULL && copy_file(job, name, err));
  }
  return true;
}

static bool is_template(const char *name) { return *name != '.' && ends_like(name, ".jinja"); }

/* A part has a config.json of its own, which describes it and not its weights. */
static bool is_of_part(const char *name) {
  unsigned left = left_behind(name);
  return !ends_like(name, ".py") && (left == LEFT_KINDS || left == LEFT_OWN);
}

/* What belongs to a tokenizer goes along from whose it is, with its chat templates. */
static bool is_elsewhere(const copy *job, const char *name) {
  bool whole = mw_tokenizer_files_is(name) || strncmp(name, "chat_template.", strlen("chat_template.")) == 0;
  return job->tokenizer && job->tokenizer->folder && whole != job->foreign;
}

static bool copy_folders(copy *job, mw_error *err) {
  for (size_t i = 0; i < job->part_count; i++) MW_TRY(copy_folder(job, job->parts[i], is_of_part, err));
  return is_elsewhere(job, "chat_template.jinja") || copy_folder(job, TEMPLATES, is_template, err);
}

static bool copy_sides(copy *job, mw_error *err) {
  const char **names;
  size_t count;
  mw_text code = {0};
  mw_text_escaped escaped;
  MW_TRY(mw_file_list(job->folder, &job->arena, &names, &count, err));
  bool done = true;
  for (size_t i = 0; i < count && done; i++) {
    unsigned left = left_behind(names[i]);
    if (is_elsewhere(job, names[i])) continue;
    if (left < LEFT_KINDS && left_kinds[left].told) skip(job, names[i], left_kinds[left].why);
    if (left < LEFT_KINDS || (!job->template && !strcmp(names[i], "chat_template.jinja"))) continue;
    if (ends_like(names[i], ".py") && !job->code) {
      mw_text_format(&code, "%s%s", code.length ? ", " : "", mw_text_escape_z(&escaped, names[i]));
      continue;
    }
    done = copy_file(job, names[i], err);
  }
  if (code.length && !code.failed)
    mw_warning_add(job->warnings, "code of the model is not copied (--copy-code copies it): %.600s", code.bytes);
  mw_text_free(&code);
  return done && copy_folders(job, err);
}

/* A snapshot of the hub's cache is models--x/snapshots/COMMIT; its links lead to models--x/blobs. */
static bool find_roots(copy *job, mw_error *err) {
  mw_text_escaped escaped;
  MW_TRY(mw_file_resolve(job->folder, &job->root, err));
  if (!job->root)
    return mw_error_set(err, MW_MISSING, "%s: the folder is gone", mw_text_escape_z(&escaped, job->folder));
  const char *above = mw_file_join(&job->arena, job->root, "..", err);
  MW_TRY(above != NULL);
  char *parent;
  MW_TRY(mw_file_resolve(above, &parent, err));
  bool cached = parent && ends_like(parent, "/snapshots");
  free(parent);
  if (!cached) return true;
  const char *blobs = mw_file_join(&job->arena, job->root, "../../blobs", err);
  MW_TRY(blobs != NULL);
  return mw_file_resolve(blobs, &job->blobs, err);
}

static void end_copy(copy *job) {
  free(job->root);
  free(job->blobs);
  mw_mem_release(&job->arena);
}

/* The donor's files, and then those of a tokenizer that is another model's. */
static bool copy_all(copy *job, mw_error *err) {
  MW_TRY(find_roots(job, err) && copy_sides(job, err));
  if (!job->tokenizer || !job->tokenizer->folder) return true;
  copy other = {.writer = job->writer, .folder = job->tokenizer->folder, .template = job->template, .tokenizer = job->tokenizer,
                .foreign = true, .warnings = job->warnings, .seen = job->seen};
  bool done = find_roots(&other, err) && copy_sides(&other, err);
  end_copy(&other);
  return done;
}

static bool copy_donor(mw_writer *writer, const mw_model *donor, const mw_side_files_provenance *provenance, mw_side_files_seen *seen,
                       mw_warning *warnings, mw_error *err) {
  copy job = {.writer = writer, .folder = donor->folder, .parts = donor->parts, .part_count = donor->part_count,
              .code = provenance->copy_code, .template = !provenance->chat_template, .warnings = warnings, .seen = seen,
              .tokenizer = provenance->vocabulary ? &provenance->vocabulary->files : NULL};
  for (size_t i = 0; i < seen->count; i++) seen->files[i].copied = false;
  bool done = copy_all(&job, err);
  for (size_t i = 0; i < seen->count && done; i++)
    if (!seen->files[i].copied) done = changed(&job, seen->files[i].name, "is gone", err);
  end_copy(&job);
  return done;
}

/* What config.json is to say of the output's dtype: what the user asked for; where the donor's words fit no tensor, the dtype of
 * most elements; NULL where they may stay. */
static const char *dtype_word(const mw_layout *layout, const mw_config *config, const char *wanted) {
  bool held[MW_DTYPE_COUNT] = {false};
  uint64_t elements[MW_DTYPE_COUNT] = {0};
  const char *most_word = NULL;
  uint64_t most = 0;
  if (wanted) return wanted;
  for (size_t i = 0; i < layout->count; i++) {
    mw_dtype dtype = (mw_dtype)layout->tensors[i].dtype;
    const char *word = mw_dtype_torch(dtype);
    held[dtype] = true;
    elements[dtype] += mw_tensor_elements(&layout->tensors[i]);
    if (word && elements[dtype] > most) most = elements[dtype], most_word = word;
  }
  return most_word && mw_config_absent_dtype(config, held) ? most_word : NULL;
}

bool mw_side_files_config(const mw_layout *layout, const mw_family *family, const mw_side_files_provenance *provenance, mw_text *out,
                          mw_error *err) {
  const mw_family_member *donor = &family->members[family->donor];
  const char *dtype = dtype_word(layout, &donor->model->config, provenance->dtype);
  mw_text_escaped escaped;
  bool ignored, plain = !mw_quantised_mark(donor, true, &ignored, &escaped);
  const mw_config_edit_list edits = {dtype, family->untie, plain, provenance->sets, provenance->set_count};
  return mw_config_edit(&donor->model->config, &edits, out, err);
}

bool mw_side_files_look(const mw_model *donor, bool code, bool template, const mw_tokenizer_files *tokenizer, mw_side_files_seen *seen,
                        mw_error *err) {
  mw_warning none = {0};
  copy job = {.folder = donor->folder, .parts = donor->parts, .part_count = donor->part_count, .code = code, .template = template,
              .warnings = &none, .seen = seen, .tokenizer = tokenizer};
  bool sound = !donor->folder || copy_all(&job, err);
  end_copy(&job);
  mw_warning_free(&none);
  return sound;
}

void mw_side_files_forget(mw_side_files_seen *seen) {
  free(seen->files);
  mw_mem_release(&seen->arena);
  *seen = (mw_side_files_seen){0};
}

/* Writes a text that was composed, if it was, and frees it in any case. */
static bool write_text(mw_writer *writer, const char *name, bool composed, mw_text *text, mw_error *err) {
  bool done = composed && mw_writer_file(writer, name, text->bytes, text->length, err);
  mw_text_free(text);
  return done;
}

/* {"peft_type": "LORA", ...} */
static bool compose_adapter(const mw_side_files_provenance *provenance, mw_text *out, mw_error *err) {
  mw_json_writer json = {.out = out, .layout = MW_JSON_WRITER_INDENTED};
  mw_config_edit_tell(provenance->sets, provenance->set_count, NULL, &json);
  return mw_json_writer_finish(&json, err);
}

/* What a model has beside its weights: the donor's side files and config.json. */
static bool write_model(mw_writer *writer, const mw_layout *layout, const mw_family *family, const mw_side_files_provenance *provenance,
                        mw_side_files_seen *seen, mw_warning *warnings, mw_error *err) {
  const mw_model *donor = family->members[family->donor].model;
  mw_text text = {0};
  if (donor->folder) MW_TRY(copy_donor(writer, donor, provenance, seen, warnings, err));
  if (provenance->chat_template)
    MW_TRY(mw_writer_file(writer, "chat_template.jinja", provenance->chat_template, strlen(provenance->chat_template), err));
  return !donor->config.text ||
         write_text(writer, "config.json", mw_side_files_config(layout, family, provenance, &text, err), &text, err);
}

bool mw_side_files_write(mw_writer *writer, const mw_layout *layout, const mw_family *family, const mw_side_files_provenance *provenance,
                         mw_side_files_seen *seen, mw_warning *warnings, mw_error *err) {
  const mw_family_member *members = family->members;
  size_t count = family->count;
  mw_text text = {0};
  bool lone = layout->names.lone;
  if (provenance->adapter)
    MW_TRY(write_text(writer, "adapter_config.json", compose_adapter(provenance, &text, err), &text, err));
  else if (!lone) MW_TRY(write_model(writer, layout, family, provenance, seen, warnings, err));
  else if (provenance->chat_template) mw_warning_add(warnings, "--chat-template: an output of one file has no place for it");
  if (layout->root_count > 1) {
    char name[80];
    snprintf(name, sizeof name, "%s" MW_SAFETENSORS_ENDING ".index.json", layout->names.stem);
    MW_TRY(write_text(writer, name, mw_layout_index(layout, &text, err), &text, err));
  }
  if (provenance->scores_lines && !lone)
    MW_TRY(mw_writer_file(writer, "moonweld/scores.jsonl", provenance->scores_lines, strlen(provenance->scores_lines), err));
  if (provenance->scores_plot && !lone)
    MW_TRY(mw_writer_file(writer, "moonweld/scores.svg", provenance->scores_plot, strlen(provenance->scores_plot), err));
  if (provenance->component) return mw_lock_add_files(layout, members, count, provenance, writer, err);
  if (provenance->mergekit && *provenance->mergekit && !lone)
    MW_TRY(mw_writer_file(writer, "mergekit_config.yml", provenance->mergekit, strlen(provenance->mergekit), err));
  MW_TRY(write_text(writer, "README.md", mw_card_compose(family, provenance, warnings, &text, err), &text, err));
  return write_text(writer, "merge.lock.json", mw_lock_compose(layout, members, count, provenance, writer, &text, err), &text, err);
}
