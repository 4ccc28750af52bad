/* hub.c: the cache's layout is models--ORG--NAME/{refs/REVISION, snapshots/COMMIT, blobs/HASH}; a snapshot's files are links
 * to blobs. Nothing is downloaded. */
#include "model/hub.h"
#include "format/tensor.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_word(const char *bytes, size_t length) {
  if (!length || length > 96 || bytes[0] == '.' || bytes[0] == '-') return false;
  for (size_t i = 0; i < length; i++)
    if (!isalnum((unsigned char)bytes[i]) && !strchr("-_.", bytes[i])) return false;
  return true;
}

bool mw_hub_is_id(const char *where) {
  const char *slash = strchr(where, '/');
  size_t length = strcspn(where, "@");
  if (!slash || where[0] == '.' || where[0] == '~' || slash == where || mw_file_exists(where)) return false;
  if (mw_tensor_ending(where)) return false;
  return slash < where + length && !memchr(slash + 1, '/', (size_t)(where + length - slash - 1));
}

static bool is_commit(const char *text) { return strlen(text) == 40 && strspn(text, "0123456789abcdef") == 40; }

/* `~` and the first of the variables that is set; "hub" is added where the variable names the home and not the cache. */
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
  snprintf(name, sizeof name, "models--%.*s--%.*s", (int)(slash - id), id, (int)(id + end - slash - 1), slash + 1);
  const char *root = cache(arena, err);
  const char *repository = root ? mw_file_join(arena, root, name, err) : NULL;
  if (!repository) return false;
  *commit = revision;
  bool found = is_commit(revision) || read_ref(repository, revision, arena, commit, err);
  if (!found && err->status != MW_MISSING) return false;
  const char *snapshots = found ? mw_file_join(arena, repository, "snapshots", err) : NULL;
  *folder = snapshots ? mw_file_join(arena, snapshots, *commit, err) : NULL;
  if (*folder && mw_file_is_folder(*folder)) return true;
  mw_text_escaped place;
  mw_error_set(err, MW_MISSING, "'%s' is neither a path that exists nor in the local cache %s", mw_text_escape_z(&shown, id),
               mw_text_escape_z(&place, root));
  return mw_error_hint(err, "download it first: moonweld never uses the network");
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
