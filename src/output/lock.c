/* lock.c: merge.lock.json. Keys stand in a fixed order and nothing depends on the time, the host or the folder we run
 * in, so that the same merge gives the same bytes. Nested JSON that others composed is only indented here. */
#include "output/lock.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/sha256.h"

#define NUMERIC_PROFILE 1
#define LARGEST (64u << 20)

/* A string or null. */
static void add_string(mw_text *text, const char *string) {
  if (string) mw_text_json(text, string, strlen(string));
  else mw_text_add(text, "null", 4);
}

static void add_member(mw_text *text, const char *indent, const char *key, const char *string, const char *end) {
  mw_text_format(text, "%s\"%s\": ", indent, key);
  add_string(text, string);
  mw_text_format(text, "%s\n", end);
}

static void add_line(mw_text *text, int depth) { mw_text_format(text, "\n%*s", 2 * depth, ""); }

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* Copies a string, quotes included, and returns what follows it. */
static const char *copy_string(mw_text *text, const char *at) {
  const char *begin = at++;
  while (*at && *at != '"') at += at[0] == '\\' && at[1] ? 2 : 1;
  if (*at) at++;
  mw_text_add(text, begin, (size_t)(at - begin));
  return at;
}

/* `"key": json,` with the JSON's own layout replaced by an indent of 2. */
static void add_json(mw_text *text, const char *key, const char *json) {
  int depth = 1;
  mw_text_format(text, "  \"%s\": ", key);
  for (const char *at = json; *at;) {
    if (*at == '"') {
      at = copy_string(text, at);
      continue;
    }
    char c = *at++;
    if (is_space(c)) continue;
    bool opens = c == '{' || c == '[', closes = c == '}' || c == ']';
    if (closes) add_line(text, --depth);
    mw_text_add(text, &c, 1);
    if (c == ':') mw_text_add(text, " ", 1);
    while (opens && is_space(*at)) at++;
    if (opens && (*at == '}' || *at == ']')) mw_text_add(text, at++, 1);
    else if (opens) add_line(text, ++depth);
    else if (c == ',') add_line(text, depth);
  }
  mw_text_add(text, ",\n", 2);
}

static void add_recipe(mw_text *text, const mw_side_files_provenance *provenance) {
  const char *recipe = provenance->recipe_text ? provenance->recipe_text : "";
  char hex[65];
  mw_sha256_of(recipe, strlen(recipe), hex);
  mw_text_format(text, "  \"recipe\": {\n");
  add_member(text, "    ", "name", provenance->recipe_name, ",");
  add_member(text, "    ", "summary", provenance->recipe_summary, ",");
  add_member(text, "    ", "paper", provenance->recipe_paper, ",");
  add_member(text, "    ", "sha256", hex, ",");
  add_member(text, "    ", "text", recipe, "");
  mw_text_format(text, "  },\n");
}

static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static void add_input(mw_text *text, const mw_family_member *member) {
  const mw_model *model = member->model;
  mw_text_format(text, "    {\n");
  add_member(text, "      ", "label", member->label, ",");
  add_member(text, "      ", "where", model->where, ",");
  add_member(text, "      ", "hub", model->hub, ",");
  add_member(text, "      ", "commit", model->commit, ",");
  mw_text_format(text, "      \"files\": [");
  for (size_t i = 0; i < model->file_count; i++) {
    mw_text_format(text, "%s\n        {\"name\": ", i ? "," : "");
    add_string(text, last_part(model->files[i].path));
    mw_text_format(text, ", \"size\": %llu}", (unsigned long long)model->files[i].size);
  }
  mw_text_format(text, "%s]\n    }", model->file_count ? "\n      " : "");
}

bool mw_lock_compose(const mw_layout *layout, const mw_family_member *members, size_t count, const mw_side_files_provenance *provenance,
                     mw_text *out, mw_error *err) {
  mw_text_format(out, "{\n  \"moonweld\": \"%s\",\n  \"numeric_profile\": %d,\n", MW_VERSION, NUMERIC_PROFILE);
  add_recipe(out, provenance);
  add_json(out, "requires", provenance->required_json ? provenance->required_json : "[]");
  add_json(out, "arguments", provenance->arguments_json ? provenance->arguments_json : "{}");
  mw_text_format(out, "  \"seed\": %llu,\n", (unsigned long long)provenance->seed);
  add_json(out, "drawn", provenance->drawn_json ? provenance->drawn_json : "[]");
  if (provenance->scores_json) add_json(out, "scores", provenance->scores_json);
  if (provenance->learning_json) add_json(out, "learning", provenance->learning_json);
  add_member(out, "  ", "command", provenance->command, ",");
  mw_text_format(out, "  \"inputs\": [");
  for (size_t i = 0; i < count; i++) {
    mw_text_format(out, i ? ",\n" : "\n");
    add_input(out, &members[i]);
  }
  mw_text_format(out, "%s],\n  \"outputs\": [", count ? "\n  " : "");
  for (size_t i = 0; i < layout->shard_count; i++)
    mw_text_format(out, "%s\n    {\"file\": \"%s\", \"bytes\": %llu}", i ? "," : "", layout->shards[i].name,
                   (unsigned long long)layout->shards[i].size);
  mw_text_format(out, "\n  ]\n}\n");
  return mw_text_check(out, err);
}

static bool look_into(const char *bytes, size_t length, bool *ours, mw_error *err) {
  mw_json root;
  bool valid = mw_json_check("merge.lock.json", bytes, length, 128, &root, err);
  if (!valid && err->status == MW_MEMORY) return false;
  *ours = valid && root.kind == MW_JSON_OBJECT && mw_json_member(root, "moonweld").kind == MW_JSON_STRING;
  return true;
}

bool mw_lock_is_ours(const char *folder, bool *ours, mw_error *err) {
  mw_arena arena = {0};
  struct stat status;
  char *bytes = NULL;
  size_t length;
  const char *path = mw_file_join(&arena, folder, "merge.lock.json", err);
  *ours = false;
  bool known = path != NULL;
  /* A link in its place is not what we wrote, nor is what we may not read or what is too large. */
  if (path && lstat(path, &status) == 0 && S_ISREG(status.st_mode)) {
    known = mw_file_slurp(path, LARGEST, &bytes, &length, err) ? look_into(bytes, length, ours, err)
                                                               : err->status == MW_DATA || err->status == MW_MISSING;
  }
  free(bytes);
  mw_mem_release(&arena);
  return known;
}
