/* seal.c: writes and checks moonweld/seal.json, an unsigned in-toto statement as OpenSSF Model Signing v1.0 has it: whoever signs the
 * output signs these digests, and what verifies such signatures can verify this text. A lone file's seal is NAME.seal.json beside it
 * and vouches for the file alone. */
#include "merge/seal.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/json_writer.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "format/atomic_file.h"
#include "format/file.h"
#include "format/safetensors.h"
#include "output/resume.h"

#define MARK "{\n  \"_type\": \"https://in-toto.io/Statement/v1\""
enum { BLOCK = 64 << 10, LARGEST = 64 << 20, DEPTH = 16 };

typedef struct entry {
  const char *name;
  char sha256[65];
} entry;

/* ---- the text ---- */

static int by_name(const void *a, const void *b) { return strcmp(((const entry *)a)->name, ((const entry *)b)->name); }

static int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

/* SHA-256 of the raw digests in order. */
static void root_of(const entry *entries, size_t count, char root[65]) {
  mw_sha256 hash;
  mw_sha256_init(&hash);
  for (size_t i = 0; i < count; i++) {
    unsigned char raw[32];
    for (int k = 0; k < 32; k++) raw[k] = (unsigned char)(digit(entries[i].sha256[2 * k]) << 4 | digit(entries[i].sha256[2 * k + 1]));
    mw_sha256_add(&hash, raw, sizeof raw);
  }
  mw_sha256_finish(&hash, root);
}

/* The output's own name: "merged" of "x/merged/". */
static void put_subject(mw_json_writer *json, const char *out, const char *root) {
  size_t end = strlen(out), start;
  while (end > 1 && out[end - 1] == '/') end--;
  for (start = end; start && out[start - 1] != '/';) start--;
  mw_json_writer_list(json, "subject");
  mw_json_writer_object(json, NULL);
  mw_json_writer_bytes(json, "name", out + start, end - start);
  mw_json_writer_object(json, "digest");
  mw_json_writer_string(json, "sha256", root);
  for (int i = 0; i < 2; i++) mw_json_writer_end(json);
  mw_json_writer_end(json);
}

/* How the files were chosen. */
static void put_method(mw_json_writer *json) {
  mw_json_writer_object(json, "serialization");
  mw_json_writer_string(json, "method", "files");
  mw_json_writer_string(json, "hash_type", "sha256");
  mw_json_writer_bool(json, "allow_symlinks", true);
  mw_json_writer_list(json, "ignore_paths");
  for (size_t i = 0; mw_verify_foreign[i]; i++) mw_json_writer_string(json, NULL, mw_verify_foreign[i]);
  mw_json_writer_string(json, NULL, MW_SEAL_NAME);
  mw_json_writer_end(json);
  mw_json_writer_end(json);
}

/* Sorts the entries. */
static bool compose(const char *out, entry *entries, size_t count, char root[65], mw_text *text, mw_error *err) {
  for (size_t i = 0; i < count; i++) {
    mw_text_escaped folder, name;
    if (mw_utf8_valid(entries[i].name, strlen(entries[i].name))) continue;
    mw_error_set(err, MW_DATA, "%s: %s: a name that is no UTF-8 cannot be sealed", mw_text_escape_z(&folder, out),
                 mw_text_escape_z(&name, entries[i].name));
    return mw_error_hint(err, "rename the file in the donor's folder, and merge again");
  }
  mw_json_writer json = {.out = text, .layout = MW_JSON_WRITER_INDENTED, .streamed = 1};
  if (count) qsort(entries, count, sizeof *entries, by_name);
  root_of(entries, count, root);
  mw_json_writer_object(&json, NULL);
  mw_json_writer_string(&json, "_type", "https://in-toto.io/Statement/v1");
  put_subject(&json, out, root);
  mw_json_writer_string(&json, "predicateType", "https://model_signing/signature/v1.0");
  mw_json_writer_object(&json, "predicate");
  put_method(&json);
  mw_json_writer_list(&json, "resources");
  for (size_t i = 0; i < count; i++) {
    mw_json_writer_object(&json, NULL);
    mw_json_writer_string(&json, "name", entries[i].name);
    mw_json_writer_string(&json, "algorithm", "sha256");
    mw_json_writer_string(&json, "digest", entries[i].sha256);
    mw_json_writer_end(&json);
  }
  for (int i = 0; i < 3; i++) mw_json_writer_end(&json);
  return mw_json_writer_finish(&json, err);
}

/* ---- hashing ---- */

static bool hash(mw_verify_run *run, const char *path, char hex[65], mw_error *err) {
  unsigned char bytes[BLOCK];
  mw_sha256 sum;
  mw_file file;
  *hex = 0;
  MW_TRY(mw_file_open(&file, path, err));
  mw_sha256_init(&sum);
  bool ok = true;
  for (uint64_t at = 0; at < file.size && ok; at += BLOCK) {
    size_t n = (size_t)(file.size - at < BLOCK ? file.size - at : BLOCK);
    ok = mw_file_read(&file, at, bytes, n, err) && mw_verify_go_on(run, n, err);
    if (ok) mw_sha256_add(&sum, bytes, n);
  }
  mw_file_close(&file);
  mw_sha256_finish(&sum, hex);
  return ok;
}

/* ---- the command ---- */

/* NAME.seal.json of a lone file, else the folder's. */
static const char *place_of(mw_record *record, mw_error *err) {
  static const char ending[] = ".seal.json";
  if (!record->weights) return mw_file_join(&record->arena, record->folder, MW_SEAL_NAME, err);
  size_t stem = strlen(record->card) - strlen(".md");
  char *made = mw_mem_take(&record->arena, stem + sizeof ending, err);
  if (made) memcpy(made, record->card, stem), memcpy(made + stem, ending, sizeof ending);
  return made;
}

static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* Why an output's files are hashed: to seal it; to seal it while it is being made, when its journal, which goes before the output is
 * published, is none of them; to hold it against its seal, when one that cannot be read (a link to nowhere, a pipe) has the digest "". */
typedef enum purpose { SEALED, MADE, CHECKED } purpose;

/* Hashes all files of the output but the seal. */
static bool hash_all(mw_verify_run *run, purpose why, entry **entries, size_t *count, mw_error *err) {
  mw_record *record = run->record;
  mw_verify_list files = {0};
  *count = 0;
  bool ok = record->weights || mw_verify_files(record, &files, err);
  *entries = ok ? mw_mem_new(files.count + 1, sizeof **entries, err) : NULL;
  ok = *entries != NULL;
  if (ok && record->weights) {
    entry *only = &(*entries)[(*count)++];
    only->name = last_part(record->weights);
    ok = hash(run, record->weights, only->sha256, err);
  }
  for (size_t i = 0; i < files.count && ok; i++) {
    if (strcmp(files.names[i], MW_SEAL_NAME) == 0 || (why == MADE && mw_resume_is_journal(files.names[i]))) continue;
    const char *path = mw_file_join(&record->arena, record->folder, files.names[i], err);
    entry *next = &(*entries)[(*count)++];
    next->name = files.names[i];
    ok = path && (hash(run, path, next->sha256, err) || (why == CHECKED && (err->status == MW_MISSING || err->status == MW_DATA)));
  }
  free(files.names);
  return ok;
}

/* What a killed `seal` has left would be a file too many. */
static bool clear(mw_record *record, mw_error *err) {
  const char *path = place_of(record, err);
  if (path) mw_atomic_file_clear(path);
  return path != NULL;
}

static bool write_seal(mw_record *record, const mw_text *text, mw_error *err) {
  const char *path = place_of(record, err), *folder = NULL;
  MW_TRY(path != NULL);
  if (!record->weights) {
    folder = mw_file_join(&record->arena, record->folder, "moonweld", err);
    MW_TRY(folder && mw_file_make_folder(folder, err));
  }
  bool done = mw_atomic_file_write(path, MARK, text->bytes, text->length, err);
  if (!done && folder) rmdir(folder); /* only if nothing else is in it */
  return done;
}

/* Only what is as it was recorded is sealed. Of a lock without checksums nobody can tell. */
static bool check(mw_verify_run *run, const char *output, mw_error *err) {
  mw_text_escaped shown;
  if (!run->record->sums) return true;
  MW_TRY(mw_verify_outputs(run, err));
  if (!run->facts->findings) return true;
  mw_error_set(err, MW_DATA, "%s: is not as it was recorded, and is not sealed", mw_text_escape_z(&shown, output));
  return mw_error_hint(err, "`moonweld verify` tells what has changed");
}

bool mw_seal(const char *output, const mw_verify_options *options, char root[65], mw_error *err) {
  static const mw_verify_options plain;
  mw_verified facts = {0};
  mw_record record;
  entry *entries = NULL;
  size_t count;
  mw_text text = {0};
  mw_verify_run run = {.record = &record, .options = options ? options : &plain, .facts = &facts};
  bool ok = mw_record_open(output, &record, err);
  for (size_t i = 0; i < record.output_count && ok; i++) run.total += 2 * record.outputs[i].size;
  ok = ok && clear(&record, err) && check(&run, output, err) && hash_all(&run, SEALED, &entries, &count, err) &&
       compose(record.weights ? record.weights : record.folder, entries, count, root, &text, err) && write_seal(&record, &text, err);
  mw_text_free(&text);
  free(entries);
  mw_record_close(&record);
  return ok;
}

/* ---- at the end of a merge ---- */

bool mw_seal_write(mw_writer *writer, const char *out, mw_error *err) {
  static const mw_verify_options plain;
  mw_verified facts = {0};
  mw_record record = {.folder = mw_writer_folder(writer)};
  mw_verify_run run = {.record = &record, .options = &plain, .facts = &facts};
  bool lone = mw_text_ends_with(out, MW_SAFETENSORS_ENDING);
  entry *entries = NULL;
  size_t count;
  char root[65];
  mw_text text = {0};
  if (lone && !(record.weights = mw_file_join(&record.arena, record.folder, last_part(out), err))) return false;
  bool ok = hash_all(&run, MADE, &entries, &count, err) && compose(out, entries, count, root, &text, err) &&
            mw_writer_file(writer, MW_SEAL_NAME, text.bytes, text.length, err);
  free(entries);
  mw_text_free(&text);
  mw_mem_release(&record.arena);
  return ok;
}

/* ---- checking ---- */

static bool is_digest(const char *hex) { return strlen(hex) == 64 && strspn(hex, "0123456789abcdef") == 64; }

/* A text of the seal, or NULL. */
static const char *text_of(mw_json value, mw_arena *arena, mw_error *err) {
  const char *text;
  size_t length;
  return mw_json_is_text(value) && mw_json_string(value, arena, &text, &length, err) && strlen(text) == length ? text : NULL;
}

/* The entries and the root of a seal's text; false where it is not as we write it. */
static bool read_entries(mw_json root, mw_arena *arena, entry **entries, size_t *count, const char **digest, mw_error *err) {
  mw_json key, element, resources = mw_json_member(mw_json_member(root, "predicate"), "resources");
  mw_json_walk subjects = mw_json_enter(mw_json_member(root, "subject"));
  size_t capacity = 0;
  *digest = NULL;
  if (mw_json_next(&subjects, &key, &element))
    *digest = text_of(mw_json_member(mw_json_member(element, "digest"), "sha256"), arena, err);
  if (!*digest || !is_digest(*digest) || resources.kind != MW_JSON_ARRAY) return false;
  for (mw_json_walk walk = mw_json_enter(resources); mw_json_next(&walk, &key, &element);) {
    const char *name = text_of(mw_json_member(element, "name"), arena, err);
    const char *sha256 = text_of(mw_json_member(element, "digest"), arena, err);
    if (!name || !sha256 || !is_digest(sha256)) return false;
    MW_TRY(mw_mem_grow(entries, &capacity, *count + 1, sizeof **entries, err));
    (*entries)[*count].name = name;
    memcpy((*entries)[(*count)++].sha256, sha256, 65);
  }
  return true;
}

static const entry *entry_of(const entry *sorted, size_t count, const char *name) {
  entry key = {.name = name};
  return count ? bsearch(&key, sorted, count, sizeof key, by_name) : NULL;
}

/* What is sealed and what is there are two lists of the same names and digests; a lone file may have been renamed. */
static bool compare(mw_verify_run *run, entry *sealed, size_t sealed_count, entry *here, size_t count, mw_error *err) {
  mw_record *record = run->record;
  if (record->weights && sealed_count == 1) sealed[0].name = here[0].name;
  if (sealed_count) qsort(sealed, sealed_count, sizeof *sealed, by_name);
  if (count) qsort(here, count, sizeof *here, by_name);
  for (size_t i = 0; i < count; i++) {
    const entry *other = entry_of(sealed, sealed_count, here[i].name);
    const char *path = record->weights ? record->weights : mw_file_join(&record->arena, record->folder, here[i].name, err);
    MW_TRY(path != NULL);
    if (!other) mw_verify_find(run, path, "extra", "is not in the seal");
    else if (strcmp(other->sha256, here[i].sha256) != 0) mw_verify_find(run, path, "changed", "its SHA-256 is not the sealed one");
    else run->facts->sealed++;
  }
  for (size_t i = 0; i < sealed_count; i++) {
    const char *path = mw_file_join(&record->arena, record->folder, sealed[i].name, err);
    MW_TRY(path != NULL);
    if (!entry_of(here, count, sealed[i].name)) mw_verify_find(run, path, "missing", "is in the seal and not there");
  }
  return true;
}

bool mw_seal_check(mw_verify_run *run, mw_error *err) {
  mw_record *record = run->record;
  const char *path = place_of(record, err), *digest = NULL;
  char *bytes, root[65];
  size_t length, sealed_count = 0, count = 0;
  entry *sealed = NULL, *here = NULL;
  mw_json json;
  mw_error wrong = {0};
  MW_TRY(path != NULL);
  if (!mw_file_exists(path) || (record->weights && !mw_file_exists(record->weights))) return true;
  MW_TRY(mw_file_slurp(path, LARGEST, &bytes, &length, err));
  for (size_t i = 0; i < record->output_count; i++) run->total += record->outputs[i].size;
  bool good = mw_json_check("seal", bytes, length, DEPTH, &json, &wrong) && json.kind == MW_JSON_OBJECT &&
              read_entries(json, &record->arena, &sealed, &sealed_count, &digest, &wrong);
  if (good) root_of(sealed, sealed_count, root);
  good = good && strcmp(root, digest) == 0;
  if (!good) mw_verify_find(run, path, "edited", "is no seal, or its digests do not make its root digest");
  bool ok = wrong.status != MW_MEMORY || mw_error_memory(err, length);
  ok = ok && (!good || (hash_all(run, CHECKED, &here, &count, err) && compare(run, sealed, sealed_count, here, count, err)));
  free(sealed);
  free(here);
  free(bytes);
  return ok;
}
