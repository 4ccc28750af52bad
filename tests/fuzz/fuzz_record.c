/* fuzz_record.c: any text of a lock is read or refused; what is read names files inside the folder only, and is told as edited unless its
 * last member is the checksum of the rest. */
#include "fuzz.h"
#include "format/file_checksum.h"
#include "output/lock.h"
#include "output/record.h"

/* A sound text around the bytes, so that what lies behind the first checks is reached, too. */
size_t fuzz_seed(unsigned number, uint8_t *room, size_t size) {
  static const char lock[] =
    "{\n  \"moonweld\": \"0.2.0\",\n  \"numeric_profile\": 1,\n  \"checksums\": \"xxh3\",\n  \"recipe\": {\"name\": \"lerp\", \"text\": \"return 1\"},\n"
    "  \"requires\": [{\"name\": \"ties\", \"text\": \"return 2\"}],\n  \"typed\": {\"arguments\": {\"a\": [\"x\"], \"t\": []}, \"options\": "
    "{\"dtype\": [\"bf16\"]}},\n  \"seed\": 7,\n  \"inputs\": [{\"label\": \"a\", \"where\": \"x\", \"hub\": null, \"commit\": null, \"files\": "
    "[{\"name\": \"model.safetensors\", \"size\": 9, \"xxh3\": \"99aa06d3014798d86001c324468d497f\"}]}],\n  \"outputs\": [{\"file\": \"moonweld/x\", "
    "\"bytes\": 5000000, \"xxh3\": \"99aa06d3014798d86001c324468d497f\", \"chunks\": \"0011223344556677\"}]\n}\n";
  if (number > 1 || size < sizeof lock + 64) return 0;
  if (number == 0) return memcpy(room, lock, sizeof lock - 1), sizeof lock - 1;
  mw_text text = {0};
  mw_error err;
  mw_text_add(&text, lock, sizeof lock - 1);
  size_t length = mw_lock_sign(&text, &err) ? text.length : 0;
  memcpy(room, text.bytes, length);
  mw_text_free(&text);
  return length;
}

static bool is_inside(const char *name) {
  return *name && *name != '/' && strcmp(name, "..") != 0 && strncmp(name, "../", 3) != 0 && !strstr(name, "/../") &&
         (strlen(name) < 3 || strcmp(name + strlen(name) - 3, "/..") != 0);
}

static void check_files(const mw_record_file *files, size_t count) {
  for (size_t i = 0; i < count; i++) {
    REQUIRE(is_inside(files[i].name));
    REQUIRE(!files[i].marks || strlen(files[i].marks) == mw_file_checksum_chunks_of(files[i].size) * MW_RECORD_MARK);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  mw_record record = {.path = "merge.lock.json", .folder = "."};
  mw_error err = {0};
  char *text = malloc(length + 1);
  REQUIRE(text != NULL);
  if (length) memcpy(text, bytes, length);
  text[length] = 0;
  if (mw_record_read(&record, text, length, &err)) {
    REQUIRE(record.version && record.recipe.name);
    check_files(record.outputs, record.output_count);
    for (size_t i = 0; i < record.input_count; i++) check_files(record.inputs[i].files, record.inputs[i].file_count);
    mw_text again = {0};
    size_t rest = length < 54 ? 0 : length - 54; /* what the last member and the end take */
    if (!record.silent && !record.edited) {
      mw_text_add(&again, text, rest);
      mw_text_add(&again, "\n}\n", 3);
      REQUIRE(mw_lock_sign(&again, &err) && again.length == length && memcmp(again.bytes, text, length) == 0);
    }
    mw_text_free(&again);
  } else REQUIRE(err.status == MW_DATA && err.text[0]);
  mw_record_close(&record);
  return 0;
}
