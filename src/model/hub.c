/* hub.c: the cache's layout is models--ORG--NAME/{refs/REVISION, snapshots/COMMIT, blobs/HASH}; a snapshot's files are links
 * to blobs. Nothing is downloaded. */
#include "model/hub.h"
#include "format/tensor.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char repository_mark[] = "models--"; /* begins the folder of a model in the cache */

static bool is_word(const char *bytes, size_t length) {
  if (!length || length > 96 || bytes[0] == '.' || bytes[0] == '-') return false;
  return strspn(bytes, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") >= length;
}

bool mw_hub_is_id(const char *where) {
  const char *slash = strchr(where, '/');
  size_t length = strcspn(where, "@");
  if (!slash || where[0] == '.' || where[0] == '~' || slash == where || mw_file_exists(where)) return false;
  if (mw_tensor_ending(where)) return false;
  return slash < where + length && !memchr(slash + 1, '/', (size_t)(where + length - slash - 1));
}

static bool is_commit(const char *text) { return strlen(text) == 40 && strspn(text, "0123456789abcdef") == 40; }

/* The folder of the cache: the first variable that is set, and what must be added to its value. `~` is the home folder. */
static const char *cache(mw_arena *arena, mw_error *err) {
  static const struct { const char *variable, *below; } places[] = {
      {"HF_HUB_CACHE", ""}, {"HUGGINGFACE_HUB_CACHE", ""}, {"HF_HOME", "hub"}, {"XDG_CACHE_HOME", "huggingface/hub"},
      {"HOME", ".cache/huggingface/hub"}};
  const char *home = getenv("HOME");
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    const char *value = getenv(places[i].variable);
    if (!value || !*value) continue;
    if (value[0] == '~' && (value[1] == '/' || !value[1]) && home)
      value = mw_file_join(arena, home, value[1] ? value + 2 : "", err);
    return value && *places[i].below ? mw_file_join(arena, value, places[i].below, err) : value;
  }
  return mw_error_set(err, MW_MISSING, "no Hugging Face cache: neither HF_HUB_CACHE, HF_HOME nor HOME is set"), NULL;
}

static bool read_ref(const char *repository, const char *revision, mw_arena *arena, const char **commit, mw_error *err) {
  char *text;
  size_t length;
  const char *refs = mw_file_join(arena, repository, "refs", err);
  const char *path = refs ? mw_file_join(arena, refs, revision, err) : NULL;
  mw_text_escaped shown;
  if (!path || !mw_file_slurp(path, 4096, &text, &length, err)) return false;
  size_t start = strspn(text, " \t\r\n"), end = start + strcspn(text + start, " \t\r\n");
  text[end] = 0;
  *commit = mw_mem_copy(arena, text + start, end - start, err);
  bool ok = *commit && (is_commit(*commit) || mw_error_set(err, MW_DATA, "%s: found no commit of 40 hex digits",
                                                               mw_text_escape_z(&shown, path)));
  free(text);
  return ok;
}

/* The commit of the only snapshot, for caches that were copied or made without `refs`. Of several nobody can tell which is meant. */
static bool only_snapshot(const char *repository, mw_arena *arena, const char **commit, mw_error *err) {
  const char **names, *snapshots = mw_file_join(arena, repository, "snapshots", err);
  size_t count, found = 0;
  mw_text_escaped shown;
  if (!snapshots) return false;
  mw_text_escape_z(&shown, repository);
  if (!mw_file_is_folder(snapshots)) return mw_error_set(err, MW_MISSING, "%s: holds no snapshots", shown.bytes);
  MW_TRY(mw_file_list(snapshots, arena, &names, &count, err));
  for (size_t i = 0; i < count; i++)
    if (is_commit(names[i]) && !found++) *commit = names[i];
  if (found == 1) return true;
  if (!found) return mw_error_set(err, MW_MISSING, "%s: holds no snapshots", shown.bytes);
  mw_error_set(err, MW_USAGE, "%s: has no refs/main, and %zu snapshots", shown.bytes, found);
  return mw_error_hint(err, "say which: org/name@COMMIT, or the folder snapshots/COMMIT in it");
}

/* MW_MISSING where the cache lacks the revision. */
static bool find_snapshot(const char *repository, const char *revision, mw_arena *arena, const char **folder, const char **commit,
                          mw_error *err) {
  *commit = revision;
  *folder = NULL;
  if (!is_commit(revision) && !read_ref(repository, revision, arena, commit, err)) {
    if (err->status != MW_MISSING || strcmp(revision, "main") != 0) return false;
    MW_TRY(only_snapshot(repository, arena, commit, err));
  }
  const char *snapshots = mw_file_join(arena, repository, "snapshots", err);
  *folder = snapshots ? mw_file_join(arena, snapshots, *commit, err) : NULL;
  mw_text_escaped shown;
  if (!*folder || mw_file_is_folder(*folder)) return *folder != NULL;
  return mw_error_set(err, MW_MISSING, "%s: no such snapshot", mw_text_escape_z(&shown, *folder));
}

bool mw_hub_find(const char *id, mw_arena *arena, const char **folder, const char **commit, mw_error *err) {
  mw_text_escaped shown;
  const char *slash = strchr(id, '/'), *at = strchr(id, '@');
  size_t end = at ? (size_t)(at - id) : strlen(id);
  const char *revision = at ? at + 1 : "main";
  if (!slash || !is_word(id, (size_t)(slash - id)) || !is_word(slash + 1, (size_t)(id + end - slash - 1)) ||
      !*revision || strstr(revision, "..") || revision[0] == '/')
    return mw_error_set(err, MW_MISSING, "'%s' is neither a path that exists nor a hub id org/name[@revision]",
                        mw_text_escape_z(&shown, id));
  char name[256];
  snprintf(name, sizeof name, "%s%.*s--%.*s", repository_mark, (int)(slash - id), id, (int)(id + end - slash - 1), slash + 1);
  const char *root = cache(arena, err);
  const char *repository = root ? mw_file_join(arena, root, name, err) : NULL;
  if (!repository) return false;
  if (find_snapshot(repository, revision, arena, folder, commit, err)) return true;
  if (err->status != MW_MISSING) return false;
  if (mw_file_is_folder(repository))
    return mw_error_hint(err, "the cache has the model, but not this revision: download it, or say which one: org/name@COMMIT");
  mw_text_escaped place;
  mw_error_set(err, MW_MISSING, "'%s' is neither a path that exists nor in the local cache %s", mw_text_escape_z(&shown, id),
               mw_text_escape_z(&place, root));
  return mw_error_hint(err, "download it first: moonweld never uses the network");
}

bool mw_hub_find_within(const char *where, mw_arena *arena, const char **id, const char **folder, const char **commit, mw_error *err) {
  size_t end = strcspn(where, "@"), start = end;
  mw_error ignored;
  *id = *folder = *commit = NULL;
  while (start > 0 && where[start - 1] != '/') start--;
  if (start < 2 || !is_word(where + start, end - start)) return true;
  char *whole = mw_mem_copy(arena, where, strlen(where), err), *name = mw_mem_copy(arena, where + start, end - start, err);
  if (!whole || !name) return false;
  memmove(whole + start - 1, whole + end, strlen(where + end) + 1);
  if (!mw_hub_is_id(whole)) return true;
  if (!mw_hub_find(whole, arena, folder, commit, &ignored)) return ignored.status != MW_MEMORY || mw_error_memory(err, strlen(where));
  *folder = mw_file_join(arena, *folder, name, err);
  *id = whole;
  if (*folder && !mw_file_is_folder(*folder)) *id = *folder = *commit = NULL;
  return *folder || !*id;
}

bool mw_hub_enter(const char *repository, mw_arena *arena, const char **id, const char **folder, const char **commit, mw_error *err) {
  size_t length = strlen(repository), mark = sizeof repository_mark - 1;
  *id = *folder = *commit = NULL;
  while (length > 1 && repository[length - 1] == '/') length--;
  size_t start = length;
  while (start > 0 && repository[start - 1] != '/') start--;
  const char *name = repository + start, *snapshots = mw_file_join(arena, repository, "snapshots", err);
  if (!snapshots) return false;
  if (length - start <= mark || memcmp(name, repository_mark, mark) != 0 || !mw_file_is_folder(snapshots)) return true;
  char *words = mw_mem_copy(arena, name + mark, length - start - mark, err);
  if (!words) return false;
  char *between = strstr(words, "--"); /* models--org--name; a model of no organisation has one part */
  if (between) {
    *between = '/';
    memmove(between + 1, between + 2, strlen(between + 2) + 1);
  }
  *id = words;
  return find_snapshot(repository, "main", arena, folder, commit, err);
}

/* `name` is an object's hash: git's SHA-1 for small files, SHA-256 for large ones. */
static bool is_hash(const char *name) {
  size_t length = strlen(name);
  return (length == 40 || length == 64) && strspn(name, "0123456789abcdef") == length;
}

bool mw_hub_is_blob(const char *resolved) {
  static const char folder[] = "/blobs/";
  const char *name = strrchr(resolved, '/');
  size_t length = sizeof folder - 1;
  if (!name || !is_hash(++name) || (size_t)(name - resolved) < length + 1 || memcmp(name - length, folder, length) != 0) return false;
  const char *start = name - length;
  while (start > resolved && start[-1] != '/') start--;
  return strncmp(start, repository_mark, sizeof repository_mark - 1) == 0;
}

bool mw_hub_verify(const char *path, bool *promised, mw_error *err) {
  char *blob, hex[65];
  mw_file file;
  mw_text_escaped shown;
  *promised = false;
  MW_TRY(mw_file_resolve(path, &blob, err));
  if (!blob) return true;
  const char *name = strrchr(blob, '/') + 1, *folder = "/blobs/";
  size_t before = (size_t)(name - blob), length = strlen(folder);
  *promised = strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64 && before >= length &&
              memcmp(name - length, folder, length) == 0;
  bool ok = !*promised || mw_file_open(&file, blob, err);
  if (ok && *promised) {
    ok = mw_file_hash(&file, hex, err);
    mw_file_close(&file);
    if (ok && strcmp(hex, name) != 0) {
      mw_error_set(err, MW_DATA, "%s: SHA-256: found %s, expected %s, its blob's name", mw_text_escape_z(&shown, path), hex, name);
      ok = mw_error_hint(err, "the cache's copy is damaged: remove it and download it again");
    }
  }
  free(blob);
  return ok;
}
