/* find_inputs.c: an input is looked for from the surest place to the least sure one. A folder of models is searched a few levels deep,
 * which is enough for a hub's cache (models--org--name/snapshots/COMMIT). A file is read for its checksum only if its size is right. */
#include "merge/find_inputs.h"
#include <string.h>
#include <sys/stat.h>
#include "model/model.h"

enum { DEEPEST = 4 };

/* ---- --input LABEL=PATH ---- */

static const char *place_of(const mw_verify_options *options, const char *label) {
  size_t length = strlen(label);
  for (size_t i = 0; i < options->place_count; i++)
    if (strncmp(options->places[i], label, length) == 0 && options->places[i][length] == '=') return options->places[i] + length + 1;
  return NULL;
}

bool mw_find_inputs_check(const mw_record *record, const mw_verify_options *options, mw_error *err) {
  mw_text_escaped shown, example;
  for (size_t i = 0; i < options->place_count; i++) {
    const char *word = options->places[i];
    bool known = false;
    for (size_t k = 0; k < record->input_count && !known; k++) {
      size_t length = strlen(record->inputs[k].label);
      known = strncmp(word, record->inputs[k].label, length) == 0 && word[length] == '=' && word[length + 1];
    }
    if (known) continue;
    mw_error_set(err, MW_USAGE, "--input '%s' names no input of the lock", mw_text_escape_z(&shown, word));
    return record->input_count ? mw_error_hint(err, "it is NAME=PATH, such as %s=PATH", mw_text_escape_z(&example, record->inputs[0].label))
                               : false;
  }
  return true;
}

/* ---- by sizes and checksums ---- */

static bool has_size(const char *path, uint64_t size) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
}

/* Where a file of the input would lie, if `where` is the input: a folder, or a lone file. */
static const char *file_at(const char *where, const mw_record_file *file, mw_arena *arena, mw_error *err) {
  return mw_file_is_folder(where) ? mw_file_join(arena, where, file->name, err) : where;
}

static bool fits_sizes(const char *where, const mw_record_input *input, mw_arena *arena, bool *fits, mw_error *err) {
  *fits = input->file_count > 0;
  for (size_t i = 0; i < input->file_count && *fits; i++) {
    const char *path = file_at(where, &input->files[i], arena, err);
    MW_TRY(path != NULL);
    *fits = has_size(path, input->files[i].size);
  }
  return true;
}

/* Whether a file has the checksum; one that cannot be read has not. */
static bool fits_checksum(const char *path, const mw_record_file *recorded, bool *fits, mw_error *err) {
  mw_file file;
  mw_checksum_state state;
  *fits = false;
  if (!mw_file_open(&file, path, err)) return err->status != MW_MEMORY;
  mw_checksum_begin(&state);
  bool ok = true;
  for (size_t i = 0; i < mw_file_checksum_chunks_of(file.size) && ok; i++) {
    mw_checksum chunk;
    ok = mw_file_checksum_read(&file, i, &chunk, err);
    if (ok) mw_checksum_add(&state, chunk.bytes, sizeof chunk.bytes);
  }
  mw_file_close(&file);
  *fits = ok && mw_checksum_same(mw_checksum_end(&state), recorded->checksum);
  return true;
}

static bool fits_all(const char *where, const mw_record_input *input, mw_arena *arena, bool *fits, mw_error *err) {
  MW_TRY(fits_sizes(where, input, arena, fits, err));
  for (size_t i = 0; i < input->file_count && *fits; i++) {
    const char *path = file_at(where, &input->files[i], arena, err);
    MW_TRY(path != NULL);
    if (input->files[i].counted) MW_TRY(fits_checksum(path, &input->files[i], fits, err));
  }
  return true;
}

/* Looks at a folder or file, and at what is in it. */
static bool search(const char *where, unsigned depth, const mw_record_input *input, mw_arena *arena, const char **found, mw_error *err) {
  const char **names;
  size_t count;
  bool folder = mw_file_is_folder(where), fits = false;
  if (folder || input->file_count == 1) MW_TRY(fits_all(where, input, arena, &fits, err));
  if (fits) *found = where;
  if (fits || !folder || !depth) return true;
  if (!mw_file_list(where, arena, &names, &count, err)) return err->status != MW_MEMORY; /* a folder that may not be read */
  for (size_t i = 0; i < count && !*found; i++) {
    if (*names[i] == '.') continue;
    const char *path = mw_file_join(arena, where, names[i], err);
    MW_TRY(path && search(path, depth - 1, input, arena, found, err));
  }
  return true;
}

/* ---- the places in turn ---- */

/* "org/name@commit", if the cache has that. */
static bool in_cache(const mw_record_input *input, mw_arena *arena, const char **where, mw_error *err) {
  mw_text id = {0};
  mw_warning warnings = {0};
  mw_model *model = NULL;
  mw_error ignored;
  mw_text_format(&id, "%s%s%s", input->hub, input->commit ? "@" : "", input->commit ? input->commit : "");
  bool ok = mw_text_check(&id, err), fits = false;
  if (ok && mw_model_open(id.bytes, &warnings, &model, &ignored)) ok = fits_sizes(model->folder, input, arena, &fits, err);
  if (ok && fits) ok = (*where = mw_mem_copy(arena, id.bytes, id.length, err)) != NULL;
  mw_model_close(model);
  mw_warning_free(&warnings);
  mw_text_free(&id);
  return ok;
}

static void tell_wanted(const mw_record_input *input, mw_text *wanted) {
  mw_text_escaped room;
  char size[32], hex[33];
  mw_text_format(wanted, "%s", mw_text_escape_z(&room, input->where));
  if (input->hub && strcmp(input->hub, input->where) != 0) mw_text_format(wanted, ", %s", mw_text_escape_z(&room, input->hub));
  if (input->commit) mw_text_format(wanted, " at commit %s", mw_text_escape_z(&room, input->commit));
  for (size_t i = 0; i < input->file_count && i < 3; i++) {
    const mw_record_file *file = &input->files[i];
    mw_text_format(wanted, "%s%s of %s", i ? ", " : ": ", mw_text_escape_z(&room, file->name), mw_text_size(size, (double)file->size));
    if (file->counted) mw_text_format(wanted, " with xxh3 %s", mw_checksum_hex(file->checksum, hex));
  }
  if (input->file_count > 3) mw_text_format(wanted, " and %zu more files", input->file_count - 3);
}

bool mw_find_inputs(const mw_record *record, size_t index, const mw_verify_options *options, mw_arena *arena, const char **where,
                    mw_text *wanted, mw_error *err) {
  const mw_record_input *input = &record->inputs[index];
  const char *found = NULL;
  bool fits = false;
  tell_wanted(input, wanted);
  if (!mw_text_check(wanted, err)) return false;
  if ((*where = place_of(options, input->label))) return true;
  bool there = mw_file_exists(input->where);
  if (there) MW_TRY(fits_sizes(input->where, input, arena, &fits, err));
  if (fits) return (*where = input->where) != NULL;
  if (input->hub) MW_TRY(in_cache(input, arena, &found, err));
  if (!found && options->models) MW_TRY(search(options->models, DEEPEST, input, arena, &found, err));
  *where = found ? found : there ? input->where : NULL;
  return true;
}
