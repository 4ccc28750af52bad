/* lock.c: merge.lock.json. Keys stand in a fixed order and nothing depends on the time, the host or the folder we run
 * in, so that the same merge gives the same bytes. */
#include "output/lock.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json_writer.h"
#include "base/sha256.h"
#include "base/utf8.h"

#define LARGEST (64u << 20)
#define COUNTED "xxh3: XXH3-128 of each 4194304 bytes, then XXH3-128 of these checksums in order; chunks: the first 8 digits of each"
enum { MARK = 8 }; /* record.h reads them */

static void put_recipe(mw_json_writer *json, const mw_side_files_provenance *provenance) {
  const char *recipe = provenance->recipe_text ? provenance->recipe_text : "";
  char hex[65];
  mw_sha256_of(recipe, strlen(recipe), hex);
  mw_json_writer_object(json, "recipe");
  mw_json_writer_string(json, "name", provenance->recipe_name);
  mw_json_writer_string(json, "summary", provenance->recipe_summary);
  mw_json_writer_string(json, "paper", provenance->recipe_paper);
  mw_json_writer_string(json, "sha256", hex);
  mw_json_writer_string(json, "text", recipe);
  mw_json_writer_end(json);
}

/* "2_Dense/model.safetensors": what a file is called in the model's folder, or a lone file in its own. */
static const char *name_in(const mw_model *model, const char *path) {
  size_t length = model->folder ? strlen(model->folder) : 0;
  while (length && model->folder[length - 1] == '/') length--;
  if (length && strncmp(path, model->folder, length) == 0 && path[length] == '/') return path + length + strspn(path + length, "/");
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* "model.safetensors", or within a component "unet/model.safetensors". A text of JSON is UTF-8: of a name that is not, the bytes are
 * told too, as "file_hex": "766fff". */
static void put_name(mw_json_writer *json, const char *key, const char *within, const char *name) {
  mw_text whole = {0}, hex_key = {0}, hex = {0};
  mw_text_format(&whole, "%s%s%s", within ? within : "", within ? "/" : "", name);
  bool odd = !whole.failed && !mw_utf8_valid(whole.bytes, whole.length);
  if (odd) mw_text_format(&hex_key, "%s_hex", key);
  for (size_t i = 0; odd && i < whole.length; i++) mw_text_format(&hex, "%02x", (unsigned char)whole.bytes[i]);
  if (whole.failed || hex_key.failed || hex.failed) json->failed = true;
  else mw_json_writer_string(json, key, whole.bytes);
  if (odd && !json->failed) mw_json_writer_string(json, hex_key.bytes, hex.bytes);
  mw_text_free(&whole), mw_text_free(&hex_key), mw_text_free(&hex);
}

/* `chunks` are the checksums of the file's chunks, NULL where they are not counted. With `where` the first 8 digits of each are kept
 * too, by which a change is found. */
static void put_file(mw_json_writer *json, const char *key, const char *within, const char *name, const char *size_key, uint64_t size,
                     const mw_checksum *chunks, bool where) {
  char hex[33];
  size_t count = mw_file_checksum_chunks_of(size);
  mw_json_writer_object(json, NULL);
  put_name(json, key, within, name);
  mw_json_writer_u64(json, size_key, size);
  if (chunks) mw_json_writer_string(json, "xxh3", mw_checksum_hex(mw_file_checksum_total(chunks, count), hex));
  mw_text marks = {0};
  for (size_t i = 0; chunks && where && count > 1 && i < count; i++) mw_text_add(&marks, mw_checksum_hex(chunks[i], hex), MARK);
  if (marks.length) mw_json_writer_bytes(json, "chunks", marks.bytes, marks.length);
  if (marks.failed) json->failed = true;
  mw_text_free(&marks);
  mw_json_writer_end(json);
}

/* A file that is held in memory as a whole. */
static void put_small(mw_json_writer *json, const char *key, const char *within, const char *name, const char *size_key, uint64_t size,
                      mw_checksum checksum, bool counted) {
  char hex[33];
  mw_json_writer_object(json, NULL);
  put_name(json, key, within, name);
  mw_json_writer_u64(json, size_key, size);
  if (counted) mw_json_writer_string(json, "xxh3", mw_checksum_hex(checksum, hex));
  mw_json_writer_end(json);
}

static const mw_checksum *sums_of(const mw_file_checksum *checksum) { return checksum ? mw_file_checksum_chunks(checksum) : NULL; }

/* `called` may be NULL. */
static void put_model_file(mw_json_writer *json, const char *within, const mw_model *model, size_t file, const char *called) {
  const mw_file *f = &model->files[file];
  put_file(json, "name", within, called ? called : name_in(model, f->path), "size", f->size, sums_of(f->checksum), false);
}

static void put_input_files(mw_json_writer *json, const char *within, const mw_model *model, bool counted) {
  for (size_t i = 0; i < mw_model_own_files(model); i++) put_model_file(json, within, model, i, model->lone);
  const mw_config *config = &model->config;
  if (config->text)
    put_small(json, "name", within, "config.json", "size", config->length, mw_file_checksum_of(config->text, config->length), counted);
}

/* The weights, then every small file. */
static void put_output_files(mw_json_writer *json, const char *within, const mw_layout *layout, const mw_writer *writer) {
  const mw_writer_small *files;
  size_t count = mw_writer_files(writer, &files);
  for (size_t i = 0; i < layout->shard_count; i++)
    put_file(json, "file", within, layout->shards[i].name, "bytes", layout->shards[i].size, sums_of(mw_writer_checksum(writer, i)), true);
  for (size_t i = 0; i < count; i++)
    put_small(json, "file", within, files[i].name, "bytes", files[i].bytes, files[i].checksum, mw_writer_is_counted(writer));
}

bool mw_lock_add_files(const mw_layout *layout, const mw_family_member *members, size_t count, const mw_side_files_provenance *provenance,
                       const mw_writer *writer, mw_error *err) {
  mw_json_writer outputs = {.out = provenance->rows.outputs};
  put_output_files(&outputs, provenance->component, layout, writer);
  bool ok = mw_json_writer_finish(&outputs, err);
  for (size_t i = 0; i < count; i++) {
    mw_json_writer inputs = {.out = &provenance->rows.inputs[i]};
    put_input_files(&inputs, provenance->component, members[i].model, mw_writer_is_counted(writer));
    ok = mw_json_writer_finish(&inputs, err) && ok;
  }
  return ok;
}

/* What mw_lock_add_files has written: each line is an element of the list. */
static void put_rows(mw_json_writer *json, mw_text *rows) {
  for (char *line = rows ? rows->bytes : NULL, *end; line && (end = strchr(line, '\n')); line = end + 1) {
    *end = 0;
    mw_json_writer_raw(json, NULL, line);
    *end = '\n';
  }
}

static void put_adapters(mw_json_writer *json, const mw_model *model) {
  size_t file = mw_model_own_files(model);
  mw_json_writer_string(json, "base", model->base);
  mw_json_writer_list(json, "adapters");
  for (size_t i = 0; i < model->adapter_count; i++) {
    const mw_model_adapter *adapter = &model->adapters[i];
    mw_json_writer_object(json, NULL);
    mw_json_writer_string(json, "where", adapter->where);
    mw_json_writer_string(json, "hub", adapter->hub);
    mw_json_writer_string(json, "commit", adapter->commit);
    mw_json_writer_list(json, "files");
    for (size_t end = file + adapter->file_count; file < end; file++)
      put_model_file(json, NULL, model, file, file + 1 == end ? adapter->file : NULL); /* its weights are the last */
    mw_json_writer_end(json);
    mw_json_writer_end(json);
  }
  mw_json_writer_end(json);
}

static void put_input(mw_json_writer *json, const mw_family_member *member, mw_text *rows, bool counted) {
  const mw_model *model = member->model;
  mw_json_writer_object(json, NULL);
  mw_json_writer_string(json, "label", member->label);
  mw_json_writer_string(json, "where", model->where);
  mw_json_writer_string(json, "hub", model->hub);
  mw_json_writer_string(json, "commit", model->commit);
  if (model->adapter_count) put_adapters(json, model);
  mw_json_writer_list(json, "files");
  put_rows(json, rows);
  put_input_files(json, NULL, model, counted);
  mw_json_writer_end(json);
  mw_json_writer_end(json);
}

bool mw_lock_compose(const mw_layout *layout, const mw_family_member *members, size_t count, const mw_side_files_provenance *provenance,
                     const mw_writer *writer, mw_text *out, mw_error *err) {
  mw_json_writer json = {.out = out, .layout = MW_JSON_WRITER_INDENTED, .streamed = 1};
  bool counted = mw_writer_is_counted(writer);
  mw_json_writer_object(&json, NULL);
  mw_json_writer_string(&json, "moonweld", MW_VERSION);
  mw_json_writer_u64(&json, "numeric_profile", MW_LOCK_NUMERIC_PROFILE);
  mw_json_writer_string(&json, "checksums", counted ? COUNTED : NULL);
  put_recipe(&json, provenance);
  mw_json_writer_raw(&json, "requires", provenance->required_json ? provenance->required_json : "[]");
  mw_json_writer_raw(&json, "arguments", provenance->arguments_json ? provenance->arguments_json : "{}");
  if (provenance->typed_json) mw_json_writer_raw(&json, "typed", provenance->typed_json);
  mw_json_writer_u64(&json, "seed", provenance->seed);
  mw_json_writer_raw(&json, "drawn", provenance->drawn_json ? provenance->drawn_json : "[]");
  if (provenance->scores_json) mw_json_writer_raw(&json, "scores", provenance->scores_json);
  if (provenance->matrix_core) {
    mw_json_writer_object(&json, "matrices");
    mw_json_writer_string(&json, "blas_core", provenance->matrix_core);
    mw_json_writer_end(&json);
  }
  if (provenance->shown_json) mw_json_writer_raw(&json, "shown", provenance->shown_json);
  if (provenance->statistics_json) mw_json_writer_raw(&json, "statistics", provenance->statistics_json);
  if (provenance->learning_json) mw_json_writer_raw(&json, "learning", provenance->learning_json);
  if (provenance->set_count) mw_config_edit_tell(provenance->sets, provenance->set_count, "config", &json);
  if (provenance->vocabulary) mw_alignment_tell(provenance->vocabulary, "vocabulary", &json);
  mw_json_writer_string(&json, "command", provenance->command);
  mw_json_writer_list(&json, "inputs");
  for (size_t i = 0; i < count; i++)
    put_input(&json, &members[i], provenance->rows.inputs ? &provenance->rows.inputs[i] : NULL, counted);
  mw_json_writer_end(&json);
  if (provenance->components_json) mw_json_writer_raw(&json, "components", provenance->components_json);
  mw_json_writer_list(&json, "outputs");
  put_rows(&json, provenance->rows.outputs);
  put_output_files(&json, NULL, layout, writer);
  mw_json_writer_end(&json);
  mw_json_writer_end(&json);
  return mw_json_writer_finish(&json, err) && mw_lock_sign(out, err);
}

/* The last member is the checksum of all bytes before it, so that nobody edits a lock without being told of it. */
bool mw_lock_sign(mw_text *lock, mw_error *err) {
  char hex[33];
  lock->length -= strlen("\n}\n");
  mw_checksum_hex(mw_checksum_of(lock->bytes, lock->length), hex);
  mw_text_format(lock, MW_LOCK_LAST "%s\"\n}\n", hex);
  return mw_text_check(lock, err);
}

static bool is_spoiled(const char *bytes, size_t length) {
  static const char begin[] = "{\n  \"moonweld\":";
  size_t zeros = 0;
  while (zeros < length && !bytes[zeros]) zeros++;
  return zeros == length || (length >= sizeof begin && memcmp(bytes, begin, sizeof begin - 1) == 0);
}

static bool look_into(const char *bytes, size_t length, mw_lock_kind *kind, mw_error *err) {
  mw_json root;
  bool valid = mw_json_check("merge.lock.json", bytes, length, 128, &root, err);
  if (!valid && err->status == MW_MEMORY) return false;
  if (!valid) *kind = is_spoiled(bytes, length) ? MW_LOCK_SPOILED : MW_LOCK_NONE;
  else if (root.kind == MW_JSON_OBJECT && mw_json_member(root, "moonweld").kind == MW_JSON_STRING) *kind = MW_LOCK_OURS;
  return true;
}

bool mw_lock_look(const char *path, mw_lock_kind *kind, mw_error *err) {
  struct stat status;
  char *bytes = NULL;
  size_t length;
  *kind = MW_LOCK_NONE;
  bool known = true;
  /* We never write a link, nor a file that cannot be read or is so large. */
  if (lstat(path, &status) == 0 && S_ISREG(status.st_mode)) {
    known = mw_file_slurp(path, LARGEST, &bytes, &length, err) ? look_into(bytes, length, kind, err)
                                                               : err->status == MW_DATA || err->status == MW_MISSING;
  }
  free(bytes);
  return known;
}
