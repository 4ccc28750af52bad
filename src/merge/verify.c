/* verify.c: holds the files of an output, and of its inputs, against what its lock recorded of them. */
#include "merge/verify.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "format/tensor.h"
#include "merge/find_inputs.h"
#include "merge/seal.h"
#include "model/model.h"
#include "output/writer.h"

enum { DEEPEST = 8 };

/* ---- findings ---- */

void mw_verify_find(mw_verify_run *run, const char *path, const char *state, const char *text) {
  run->facts->findings++;
  if (run->options->found) run->options->found(run->options->context, &(mw_finding){path, state, text});
}

bool mw_verify_go_on(mw_verify_run *run, uint64_t bytes, mw_error *err) {
  run->facts->bytes += bytes;
  const mw_verify_options *options = run->options;
  if (!options->progress || options->progress(options->context, run->facts->bytes, run->total, 1)) return true;
  return mw_error_set(err, MW_INTERRUPTED, "interrupted");
}

/* ---- one file ---- */

static uint64_t start_of(size_t chunk) { return (uint64_t)chunk * MW_FILE_CHECKSUM_CHUNK; }

static uint64_t end_of(const mw_file *file, size_t chunk) {
  uint64_t end = start_of(chunk + 1);
  return end < file->size ? end : file->size;
}

/* Which bytes have changed, and which tensors lie there if the header can still be read: "tensors 'a', 'b' and 3 more". */
static void tell_place(const mw_file *file, uint64_t from, uint64_t to, mw_text *text) {
  mw_arena arena = {0};
  mw_tensor_list list = {0};
  mw_error ignored;
  mw_text_escaped name;
  size_t met = 0;
  mw_text_format(text, ", first between bytes %llu and %llu", (unsigned long long)from, (unsigned long long)to - 1);
  bool read = mw_tensor_find(file, 0, &arena, &list, &ignored);
  for (size_t i = 0; i < list.count && read; i++) {
    const mw_tensor *t = &list.tensors[i];
    if (t->offset >= to || t->offset + mw_tensor_bytes(t) <= from) continue;
    if (met++ < 3) mw_text_format(text, "%s'%s'", met == 1 ? ": tensors " : ", ", mw_text_escape_z(&name, t->name));
  }
  if (met > 3) mw_text_format(text, " and %zu more", met - 3);
  free(list.tensors);
  mw_mem_release(&arena);
}

static bool check_open(mw_verify_run *run, const mw_file *file, const mw_record_file *recorded, mw_error *err) {
  mw_checksum_state state;
  mw_text text = {0};
  char hex[33];
  size_t count = mw_file_checksum_chunks_of(file->size), changed = count;
  if (file->size != recorded->size)
    mw_text_format(&text, "has %llu bytes, %llu were recorded", (unsigned long long)file->size, (unsigned long long)recorded->size);
  mw_checksum_begin(&state);
  bool ok = true;
  for (size_t i = 0; i < count && ok && !text.length; i++) {
    mw_checksum sum;
    ok = mw_file_checksum_read(file, i, &sum, err) && mw_verify_go_on(run, end_of(file, i) - start_of(i), err);
    if (!ok) break;
    mw_checksum_add(&state, sum.bytes, sizeof sum.bytes);
    bool marked = recorded->marks && changed == count;
    if (marked && memcmp(mw_checksum_hex(sum, hex), recorded->marks + i * MW_RECORD_MARK, MW_RECORD_MARK) != 0) changed = i;
  }
  if (ok && !text.length && recorded->counted && !mw_checksum_same(mw_checksum_end(&state), recorded->checksum)) {
    mw_text_format(&text, "its bytes are not those that were recorded");
    if (changed < count) tell_place(file, start_of(changed), end_of(file, changed), &text);
  }
  ok = ok && mw_text_check(&text, err);
  if (ok && text.length) mw_verify_find(run, file->path, "changed", text.bytes);
  mw_text_free(&text);
  return ok;
}

bool mw_verify_file(mw_verify_run *run, const char *path, const mw_record_file *recorded, mw_error *err) {
  mw_file file;
  if (!mw_file_exists(path)) return mw_verify_find(run, path, "missing", "is not there"), true;
  if (!mw_file_open(&file, path, err)) {
    if (err->status == MW_MEMORY) return false;
    mw_verify_find(run, path, "changed", "cannot be read");
    return true;
  }
  run->facts->files++;
  bool ok = check_open(run, &file, recorded, err);
  if (!ok && err->status == MW_CHANGED) mw_verify_find(run, path, "changed", "it changes while it is read"), ok = true;
  mw_file_close(&file);
  return ok;
}

/* ---- the output ---- */

/* What other tools put into such a folder: git's files, the hub's cache, a signature. */
const char *const mw_verify_foreign[] = {".cache", ".git", ".gitattributes", ".github", ".gitignore", "model.sig", NULL};

static bool is_foreign(const char *name) {
  for (size_t i = 0; mw_verify_foreign[i]; i++)
    if (strcmp(name, mw_verify_foreign[i]) == 0) return true;
  return false;
}

static bool is_recorded(const mw_record *record, const char *name) {
  for (size_t i = 0; i < record->output_count; i++)
    if (strcmp(record->outputs[i].name, name) == 0) return true;
  return strcmp(name, "merge.lock.json") == 0 || strcmp(name, MW_SEAL_NAME) == 0;
}

/* Adds the files of a folder of the output; `within` is "" or "moonweld". */
static bool list(mw_record *record, const char *within, unsigned depth, mw_verify_list *out, mw_error *err) {
  const char **names, *folder = *within ? mw_file_join(&record->arena, record->folder, within, err) : record->folder;
  size_t count;
  MW_TRY(folder && mw_file_list(folder, &record->arena, &names, &count, err));
  for (size_t i = 0; i < count; i++) {
    const char *name = *within ? mw_file_join(&record->arena, within, names[i], err) : names[i];
    const char *path = mw_file_join(&record->arena, folder, names[i], err);
    MW_TRY(name && path);
    if (!*within && is_foreign(name)) continue;
    if (mw_file_is_folder(path) && depth) {
      MW_TRY(list(record, name, depth - 1, out, err));
      continue;
    }
    MW_TRY(mw_mem_grow(&out->names, &out->capacity, out->count + 1, sizeof *out->names, err));
    out->names[out->count++] = name;
  }
  return true;
}

bool mw_verify_files(mw_record *record, mw_verify_list *out, mw_error *err) {
  *out = (mw_verify_list){0};
  return list(record, "", DEEPEST, out, err);
}

/* What a file that was not recorded is. A killed `seal` leaves one (format/atomic_file.h). */
static const char *extra(const char *name) {
  static const char left[] = MW_SEAL_NAME ".new-";
  if (strncmp(name, left, sizeof left - 1) == 0) return "was left by a `seal` that did not end: the next one removes it, or you may";
  return "was not recorded";
}

static bool find_extra(mw_verify_run *run, mw_error *err) {
  mw_verify_list files;
  bool ok = mw_verify_files(run->record, &files, err);
  for (size_t i = 0; i < files.count && ok; i++) {
    if (is_recorded(run->record, files.names[i])) continue;
    const char *path = mw_file_join(&run->record->arena, run->record->folder, files.names[i], err);
    if ((ok = path != NULL)) mw_verify_find(run, path, "extra", extra(files.names[i]));
  }
  free(files.names);
  return ok;
}

bool mw_verify_outputs(mw_verify_run *run, mw_error *err) {
  mw_record *record = run->record;
  if (record->edited) mw_verify_find(run, record->path, "edited", "its text is not the one that moonweld wrote");
  for (size_t i = 0; i < record->output_count; i++) {
    const mw_record_file *file = &record->outputs[i];
    const char *path = mw_record_place(record, file, err);
    MW_TRY(path && mw_verify_file(run, path, file, err));
  }
  return record->weights || find_extra(run, err);
}

/* ---- the inputs ---- */

/* Checks the files of an input itself, or of an adapter, at `where`. */
static bool check_part(mw_verify_run *run, const mw_record_input *part, const char *where, mw_error *err) {
  mw_arena arena = {0};
  bool ok = true;
  for (size_t i = 0; i < part->file_count && ok; i++) {
    const char *path = mw_find_inputs_file(where, part, i, &arena, err);
    ok = path && mw_verify_file(run, path, &part->files[i], err);
  }
  mw_mem_release(&arena);
  return ok;
}

static bool find_missing(mw_verify_run *run, const mw_record_input *input, const char *wanted, mw_error *err) {
  mw_text text = {0};
  mw_text_escaped label;
  mw_text_format(&text, "input %s is not here; wanted is %s", mw_text_escape_z(&label, input->label), wanted);
  bool ok = mw_text_check(&text, err);
  if (ok) mw_verify_find(run, input->where, "missing", text.bytes);
  mw_text_free(&text);
  return ok;
}

/* Checks an input whose model can be opened or not. */
static bool check_input(mw_verify_run *run, const mw_record_input *input, const mw_find_inputs_place *place, mw_error *err) {
  mw_warning warnings = {0};
  mw_model *model = NULL;
  mw_error broken;
  bool opened = mw_model_open(place->where, &warnings, &model, &broken), ok = opened || broken.status != MW_MEMORY;
  if (!ok) *err = broken;
  const char *own = !opened ? place->parts[0] : model->folder ? model->folder : model->files[0].path;
  ok = ok && check_part(run, input, own ? own : place->where, err);
  for (size_t i = 0; i < input->adapter_count && ok; i++) {
    const char *where = opened && i < model->adapter_count ? model->adapters[i].place : place->parts[1 + i];
    if (where) ok = check_part(run, &input->adapters[i], where, err);
    else mw_verify_find(run, input->adapters[i].where, "missing", "this adapter was not found beside its base");
  }
  if (opened) mw_model_close(model);
  mw_warning_free(&warnings);
  return ok;
}

static bool check_inputs(mw_verify_run *run, size_t *missing, mw_error *err) {
  mw_record *record = run->record;
  bool ok = true;
  for (size_t i = 0; i < record->input_count && ok; i++) {
    mw_find_inputs_place place;
    mw_text wanted = {0};
    ok = mw_find_inputs(record, i, run->options, &record->arena, &place, &wanted, err);
    if (ok && place.where) ok = check_input(run, &record->inputs[i], &place, err);
    else if (ok) ok = find_missing(run, &record->inputs[i], wanted.bytes, err), ++*missing;
    mw_text_free(&wanted);
  }
  return ok;
}

/* ---- all of it ---- */

bool mw_verify_can(const mw_record *record, mw_error *err) {
  mw_text_escaped path, version;
  if (record->sums) return true;
  mw_text_escape_z(&path, record->path);
  if (record->silent)
    mw_error_set(err, MW_UNAVAILABLE, "%s: was made by version %s, which recorded no checksums: nothing can be verified", path.bytes,
                 mw_text_escape_z(&version, record->version));
  else mw_error_set(err, MW_UNAVAILABLE, "%s: was made with --no-hash and holds no checksums: nothing can be verified", path.bytes);
  return mw_error_hint(err, "merge again to get an output that can be");
}

static uint64_t total_of_part(const mw_record_input *part) {
  uint64_t total = 0;
  for (size_t k = 0; k < part->file_count; k++) total += part->files[k].size;
  return total;
}

/* Bytes that will be read. */
static uint64_t total_of(const mw_record *record, bool inputs) {
  uint64_t total = 0;
  for (size_t i = 0; i < record->output_count; i++) total += record->outputs[i].size;
  for (size_t i = 0; i < record->input_count && inputs; i++)
    for (size_t p = 0; p <= record->inputs[i].adapter_count; p++)
      total += total_of_part(p ? &record->inputs[i].adapters[p - 1] : &record->inputs[i]);
  return total;
}

bool mw_verify(const char *output, const mw_verify_options *options, mw_verified *facts, mw_error *err) {
  mw_record record;
  size_t missing = 0;
  *facts = (mw_verified){0};
  mw_verify_run run = {.record = &record, .options = options, .facts = facts};
  bool ok = mw_record_open(output, &record, err) && mw_find_inputs_check(&record, options, err) && mw_verify_can(&record, err);
  run.total = ok ? total_of(&record, options->inputs) : 0;
  ok = ok && mw_verify_outputs(&run, err) && mw_seal_check(&run, err) &&
       (!options->inputs || check_inputs(&run, &missing, err));
  if (ok && facts->findings) {
    mw_text_escaped shown;
    size_t found = facts->findings;
    ok = mw_error_set(err, found == missing ? MW_MISSING : MW_DATA, "%s: %zu finding%s: not all is as it was recorded",
                      mw_text_escape_z(&shown, output), found, found == 1 ? "" : "s");
    if (missing) mw_error_hint(err, "--models DIR looks for inputs below DIR, --input NAME=PATH says where one lies");
  }
  mw_record_close(&record);
  return ok;
}
