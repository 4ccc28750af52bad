/* find_inputs.c: an input is looked for from the surest place to the least sure one. A folder of models is searched a few levels deep,
 * which is enough for a hub's cache (models--org--name/snapshots/COMMIT). A file is read for its checksum only if its size is right. */
#include "merge/find_inputs.h"
#include <string.h>
#include <sys/stat.h>
#include "format/file_checksum.h"
#include "format/tensor.h"
#include "model/hub.h"

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

/* A lone file may have another name now, and an adapter's configuration lies beside it; an index is as good as its folder. */
const char *mw_find_inputs_file(const char *where, const mw_record_input *input, size_t index, mw_arena *arena, mw_error *err) {
  if (mw_file_is_folder(where)) return mw_file_join(arena, where, input->files[index].name, err);
  const char *slash = strrchr(where, '/');
  if (index + 1 == input->file_count && !mw_text_ends_with(where, ".index.json")) return where;
  const char *folder = slash ? mw_mem_copy(arena, where, (size_t)(slash - where), err) : ".";
  return folder ? mw_file_join(arena, folder, input->files[index].name, err) : NULL;
}

static bool fits_sizes(const char *where, const mw_record_input *input, mw_arena *arena, bool *fits, mw_error *err) {
  *fits = input->file_count > 0;
  for (size_t i = 0; i < input->file_count && *fits; i++) {
    const char *path = mw_find_inputs_file(where, input, i, arena, err);
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
    const char *path = mw_find_inputs_file(where, input, i, arena, err);
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
  bool lone = input->file_count && mw_tensor_ending(input->files[input->file_count - 1].name); /* a file, with what lies beside it */
  if (folder || lone) MW_TRY(fits_all(where, input, arena, &fits, err));
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

/* "org/name@commit", if the cache has that; of a folder in a snapshot, "org/name/unet", its path. */
static bool in_cache(const mw_record_input *input, mw_arena *arena, const char **where, mw_error *err) {
  mw_text id = {0};
  mw_error ignored;
  const char *folder, *commit;
  const size_t length = strlen(input->hub);
  bool within = strncmp(input->where, input->hub, length) == 0 && input->where[length] == '/', fits = false;
  mw_text_format(&id, "%s%s%s", input->hub, input->commit ? "@" : "", input->commit ? input->commit : "");
  bool ok = mw_text_check(&id, err);
  if (ok && mw_hub_find(id.bytes, arena, &folder, &commit, &ignored)) {
    const char *rest = input->where + length + 1, *sub = within ? mw_mem_copy(arena, rest, strcspn(rest, "@"), err) : NULL;
    if (within) ok = sub && (folder = mw_file_join(arena, folder, sub, err));
    ok = ok && fits_sizes(folder, input, arena, &fits, err);
    if (ok && fits) ok = (*where = within ? folder : mw_mem_copy(arena, id.bytes, id.length, err)) != NULL;
  }
  mw_text_free(&id);
  return ok;
}

static void tell_wanted(const mw_record_input *part, const char *called, mw_text *wanted) {
  mw_text_escaped room;
  char size[32], hex[33];
  mw_text_format(wanted, "%s%s", wanted->length ? "; " : "", mw_text_escape_z(&room, called));
  if (part->hub && strcmp(part->hub, called) != 0) mw_text_format(wanted, ", %s", mw_text_escape_z(&room, part->hub));
  if (part->commit) mw_text_format(wanted, " at commit %s", mw_text_escape_z(&room, part->commit));
  for (size_t i = 0; i < part->file_count && i < 3; i++) {
    const mw_record_file *file = &part->files[i];
    mw_text_format(wanted, "%s%s of %s", i ? ", " : ": ", mw_text_escape_z(&room, file->name), mw_text_size(size, (double)file->size));
    if (file->counted) mw_text_format(wanted, " with xxh3 %s", mw_checksum_hex(file->checksum, hex));
  }
  if (part->file_count > 3) mw_text_format(wanted, " and %zu more files", part->file_count - 3);
}

/* The model itself, or an adapter, which was `called` so. */
static bool find_part(const mw_record_input *part, const char *called, const mw_verify_options *options, mw_arena *arena,
                      const char **where, mw_error *err) {
  const char *found = NULL;
  bool fits = false, there = mw_file_exists(called);
  if (there) MW_TRY(fits_sizes(called, part, arena, &fits, err));
  if (fits) found = called;
  if (!found && part->hub) MW_TRY(in_cache(part, arena, &found, err));
  if (!found && options->models) MW_TRY(search(options->models, DEEPEST, part, arena, &found, err));
  *where = found ? found : there ? called : NULL;
  return true;
}

bool mw_find_inputs(const mw_record *record, size_t index, const mw_verify_options *options, mw_arena *arena, mw_find_inputs_place *place,
                    mw_text *wanted, mw_error *err) {
  const mw_record_input *input = &record->inputs[index];
  mw_text whole = {0};
  *place = (mw_find_inputs_place){.parts = mw_mem_take(arena, (1 + input->adapter_count) * sizeof *place->parts, err)};
  if (!place->parts || (place->where = place_of(options, input->label))) return place->parts != NULL;
  bool ok = true;
  for (size_t i = 0; i <= input->adapter_count && ok; i++) {
    const mw_record_input *part = i ? &input->adapters[i - 1] : input;
    const char *called = !i && input->base ? input->base : part->where;
    ok = find_part(part, called, options, arena, &place->parts[i], err);
    if (ok && place->parts[i]) mw_text_format(&whole, "%s%s", i ? "+" : "", place->parts[i]);
    else if (ok) tell_wanted(part, called, wanted);
  }
  ok = ok && mw_text_check(&whole, err) && mw_text_check(wanted, err);
  if (ok && !wanted->length) ok = (place->where = mw_mem_copy(arena, whole.bytes, whole.length, err)) != NULL;
  mw_text_free(&whole);
  return ok;
}
