/* side_files.c: which files of the donor go with the weights. The rule names what stays behind (weights, their indexes,
 * what describes the donor itself, code); every other small file of the folder's root goes along byte for byte, since a
 * tokenizer or a licence that we do not know by name is needed all the same. A link counts only if it stays in the
 * folder or leads to the blobs of the hub's cache; nothing else on this machine is ever copied. */
#include "output/side_files.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "output/card.h"
#include "output/lock.h"

#define TOKENIZER_LIMIT (128u << 20)
#define OTHER_LIMIT (64u << 20)
#define TEMPLATES "additional_chat_templates"

typedef struct copy {
  mw_writer *writer;
  const char *folder; /* of the donor */
  char *root, *blobs; /* where links may lead: resolved; blobs is NULL outside the hub's cache */
  bool code, template; /* whether code, and the donor's chat template, go along */
  mw_warning *warnings;
  mw_arena arena;
} copy;

/* In upper or lower case. */
static bool ends_like(const char *name, const char *end) {
  size_t length = strlen(name), tail = strlen(end);
  return length >= tail && !strcasecmp(name + length - tail, end);
}

static bool is_one_of(const char *name, const char *const *list, bool (*matches)(const char *, const char *)) {
  for (; *list; list++)
    if (matches(name, *list)) return true;
  return false;
}

static bool equals(const char *a, const char *b) { return !strcmp(a, b); }
static bool begins(const char *name, const char *start) { return !strncmp(name, start, strlen(start)); }

static bool stays_behind(const char *name) {
  static const char *const weights[] = {".bin", ".pt", ".pth", ".gguf", ".h5", ".msgpack", ".onnx",
                                        ".index.json", NULL};
  /* We write our own; a mergekit recipe would tell how the donor was made, not this model. */
  static const char *const own[] = {"config.json", "README.md", "merge.lock.json", "mergekit_config.yml", NULL};
  for (size_t i = 0; mw_tensor_formats[i]; i++)
    if (ends_like(name, mw_tensor_formats[i]->ending)) return true;
  return *name == '.' || is_one_of(name, weights, ends_like) || is_one_of(name, own, equals);
}

static uint64_t limit_of(const char *name) {
  static const char *const starts[] = {"tokenizer", "vocab", "merges", "spiece", "sentencepiece", "tekken",
                                       "added_tokens", "special_tokens", NULL};
  static const char *const ends[] = {".model", ".tiktoken", NULL};
  bool tokenizer = is_one_of(name, starts, begins) || is_one_of(name, ends, ends_like);
  return tokenizer ? TOKENIZER_LIMIT : OTHER_LIMIT;
}

static void skip(copy *job, const char *name, const char *why) {
  mw_text_escaped room;
  mw_warning_add(job->warnings, "%s is not copied: %s", mw_text_escape_z(&room, name), why);
}

/* Copies FOLDER/NAME to the output's NAME. `path` is its resolved place. */
static bool copy_checked(copy *job, const char *name, const char *path, mw_error *err) {
  struct stat status = {0};
  char *bytes;
  size_t length;
  if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) {
    if (!S_ISDIR(status.st_mode)) skip(job, name, "it is not a regular file");
    return true;
  }
  if ((uint64_t)status.st_size > limit_of(name)) {
    char room[64];
    strcpy(room, "it is larger than ");
    mw_text_size(room + strlen(room), (double)limit_of(name));
    skip(job, name, room);
    return true;
  }
  MW_TRY(mw_file_slurp(path, (size_t)limit_of(name), &bytes, &length, err));
  bool written = mw_writer_file(job->writer, name, bytes, length, err);
  free(bytes);
  return written;
}

static bool copy_file(copy *job, const char *name, mw_error *err) {
  const char *path = mw_file_join(&job->arena, job->folder, name, err);
  MW_TRY(path != NULL);
  char *resolved;
  MW_TRY(mw_file_resolve(path, &resolved, err));
  if (!resolved || (!mw_file_lies_in(resolved, job->root) && !mw_file_lies_in(resolved, job->blobs))) {
    skip(job, name, resolved ? "it is a link out of the model's folder" : "it cannot be found");
    free(resolved);
    return true;
  }
  bool done = copy_checked(job, name, resolved, err);
  free(resolved);
  return done;
}

static bool copy_templates(copy *job, mw_error *err) {
  const char **names;
  size_t count;
  const char *folder = mw_file_join(&job->arena, job->folder, TEMPLATES, err);
  MW_TRY(folder != NULL);
  if (!mw_file_is_folder(folder)) return true;
  MW_TRY(mw_file_list(folder, &job->arena, &names, &count, err));
  for (size_t i = 0; i < count; i++) {
    if (*names[i] == '.' || !ends_like(names[i], ".jinja")) continue;
    const char *name = mw_file_join(&job->arena, TEMPLATES, names[i], err);
    MW_TRY(name != NULL && copy_file(job, name, err));
  }
  return true;
}

static bool copy_sides(copy *job, mw_error *err) {
  const char **names;
  size_t count;
  mw_text code = {0};
  mw_text_escaped room;
  MW_TRY(mw_file_list(job->folder, &job->arena, &names, &count, err));
  bool done = true;
  for (size_t i = 0; i < count && done; i++) {
    if (stays_behind(names[i]) || (!job->template && equals(names[i], "chat_template.jinja"))) continue;
    if (ends_like(names[i], ".py") && !job->code) {
      mw_text_format(&code, "%s%s", code.length ? ", " : "", mw_text_escape_z(&room, names[i]));
      continue;
    }
    done = copy_file(job, names[i], err);
  }
  if (code.length && !code.failed)
    mw_warning_add(job->warnings, "code of the model is not copied (--copy-code copies it): %.600s", code.bytes);
  mw_text_free(&code);
  return done && copy_templates(job, err);
}

/* A snapshot of the hub's cache is models--x/snapshots/COMMIT; its links lead to models--x/blobs. */
static bool find_roots(copy *job, mw_error *err) {
  mw_text_escaped room;
  MW_TRY(mw_file_resolve(job->folder, &job->root, err));
  if (!job->root)
    return mw_error_set(err, MW_MISSING, "%s: the folder is gone", mw_text_escape_z(&room, job->folder));
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

static bool copy_donor(mw_writer *writer, const char *folder, const mw_side_files_provenance *provenance,
                       mw_warning *warnings, mw_error *err) {
  copy job = {.writer = writer, .folder = folder, .code = provenance->copy_code, .template = !provenance->chat_template,
              .warnings = warnings};
  bool done = find_roots(&job, err) && copy_sides(&job, err);
  free(job.root);
  free(job.blobs);
  mw_mem_release(&job.arena);
  return done;
}

/* Writes a text that was composed, if it was, and frees it in any case. */
static bool write_text(mw_writer *writer, const char *name, bool composed, mw_text *text, mw_error *err) {
  bool done = composed && mw_writer_file(writer, name, text->bytes, text->length, err);
  mw_text_free(text);
  return done;
}

bool mw_side_files_write(mw_writer *writer, const mw_layout *layout, const mw_family *family,
                         const mw_side_files_provenance *provenance, mw_warning *warnings, mw_error *err) {
  const mw_family_member *members = family->members;
  const mw_model *donor = members[family->donor].model;
  size_t count = family->count;
  mw_text text = {0};
  if (donor->folder) MW_TRY(copy_donor(writer, donor->folder, provenance, warnings, err));
  if (provenance->chat_template)
    MW_TRY(mw_writer_file(writer, "chat_template.jinja", provenance->chat_template, strlen(provenance->chat_template), err));
  if (donor->config.text)
    MW_TRY(write_text(writer, "config.json", mw_config_edit(&donor->config, provenance->dtype, family->untie, &text, err),
                      &text, err));
  if (layout->shard_count > 1)
    MW_TRY(write_text(writer, "model" MW_SAFETENSORS_ENDING ".index.json", mw_layout_index(layout, &text, err), &text, err));
  if (provenance->scores_lines)
    MW_TRY(mw_writer_file(writer, "moonweld/scores.jsonl", provenance->scores_lines, strlen(provenance->scores_lines), err));
  MW_TRY(write_text(writer, "README.md", mw_card_compose(members, count, provenance, warnings, &text, err), &text, err));
  return write_text(writer, "merge.lock.json", mw_lock_compose(layout, members, count, provenance, &text, err), &text, err);
}
