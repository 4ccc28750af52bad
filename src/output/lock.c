/* lock.c: merge.lock.json. Keys stand in a fixed order and nothing depends on the time, the host or the folder we run
 * in, so that the same merge gives the same bytes. */
#include "output/lock.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json_writer.h"
#include "base/sha256.h"

#define NUMERIC_PROFILE 1
#define LARGEST (64u << 20)

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

static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static void put_file(mw_json_writer *json, const char *key, const char *name, const char *size_key, uint64_t size) {
  mw_json_writer_object(json, NULL);
  mw_json_writer_string(json, key, name);
  mw_json_writer_u64(json, size_key, size);
  mw_json_writer_end(json);
}

static void put_input(mw_json_writer *json, const mw_family_member *member) {
  const mw_model *model = member->model;
  mw_json_writer_object(json, NULL);
  mw_json_writer_string(json, "label", member->label);
  mw_json_writer_string(json, "where", model->where);
  mw_json_writer_string(json, "hub", model->hub);
  mw_json_writer_string(json, "commit", model->commit);
  mw_json_writer_list(json, "files");
  for (size_t i = 0; i < model->file_count; i++)
    put_file(json, "name", last_part(model->files[i].path), "size", model->files[i].size);
  mw_json_writer_end(json);
  mw_json_writer_end(json);
}

bool mw_lock_compose(const mw_layout *layout, const mw_family_member *members, size_t count, const mw_side_files_provenance *provenance,
                     mw_text *out, mw_error *err) {
  mw_json_writer json = {.out = out, .layout = MW_JSON_WRITER_INDENTED, .streamed = 1};
  mw_json_writer_object(&json, NULL);
  mw_json_writer_string(&json, "moonweld", MW_VERSION);
  mw_json_writer_u64(&json, "numeric_profile", NUMERIC_PROFILE);
  put_recipe(&json, provenance);
  mw_json_writer_raw(&json, "requires", provenance->required_json ? provenance->required_json : "[]");
  mw_json_writer_raw(&json, "arguments", provenance->arguments_json ? provenance->arguments_json : "{}");
  mw_json_writer_u64(&json, "seed", provenance->seed);
  mw_json_writer_raw(&json, "drawn", provenance->drawn_json ? provenance->drawn_json : "[]");
  if (provenance->scores_json) mw_json_writer_raw(&json, "scores", provenance->scores_json);
  if (provenance->learning_json) mw_json_writer_raw(&json, "learning", provenance->learning_json);
  mw_json_writer_string(&json, "command", provenance->command);
  mw_json_writer_list(&json, "inputs");
  for (size_t i = 0; i < count; i++) put_input(&json, &members[i]);
  mw_json_writer_end(&json);
  mw_json_writer_list(&json, "outputs");
  for (size_t i = 0; i < layout->shard_count; i++) put_file(&json, "file", layout->shards[i].name, "bytes", layout->shards[i].size);
  mw_json_writer_end(&json);
  mw_json_writer_end(&json);
  return mw_json_writer_finish(&json, err);
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
