/* Every file of the corpus of malformed and valid safetensors behaves as its expect.tsv says. */
#include "io/safetensors.h"
#include "unit.h"
#include <stdlib.h>
#include <unistd.h>

static bool reads(const char *path, mw_error *err) {
  mw_file file;
  mw_arena arena = {0};
  mw_tensor *tensors = NULL;
  size_t count = 0, capacity = 0;
  if (!mw_file_open(&file, path, err)) return false;
  bool ok = mw_safetensors_read(&file, 0, &arena, &tensors, &count, &capacity, err);
  free(tensors);
  mw_mem_release(&arena);
  mw_file_close(&file);
  return ok;
}

static void try_file(const char *path, bool accept, const char *word) {
  mw_error err = {0};
  bool ok = reads(path, &err);
  if (ok == accept && (ok || (err.status == MW_DATA && strstr(err.text, word) && strstr(err.text, path)))) {
    unit_passed++;
    return;
  }
  unit_failed++;
  printf("%s: %s, expected %s naming '%s': %s\n", path, ok ? "read" : "refused", accept ? "to be read" : "a refusal", word,
         ok ? "" : err.text);
}

/* The two largest files of the corpus are made here: a header of 100 000 brackets, a shape of a million dimensions. */
static void try_built(const char *before, const char *piece, int times, const char *after, const char *word) {
  char path[] = "/tmp/moonweld-unit-XXXXXX";
  int fd = mkstemp(path);
  mw_text text = {0};
  mw_text_add(&text, "\0\0\0\0\0\0\0\0", 8);
  mw_text_format(&text, "%s", before);
  for (int i = 0; i < times; i++) mw_text_format(&text, "%s", piece);
  mw_text_format(&text, "%s", after);
  for (int i = 0; i < 8; i++) text.bytes[i] = (char)((text.length - 8) >> (8 * i));
  mw_text_add(&text, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
  CHECK(write(fd, text.bytes, text.length) == (ssize_t)text.length);
  close(fd);
  try_file(path, false, word);
  unlink(path);
  mw_text_free(&text);
}

int main(void) {
  FILE *expect = fopen("tests/data/corpus/expect.tsv", "r");
  char line[512], path[600];
  CHECK(expect != NULL);
  while (expect && fgets(line, sizeof line, expect)) {
    char *verdict = strchr(line, '\t'), *word = verdict ? strchr(verdict + 1, '\t') : NULL;
    if (!word) continue;
    *verdict++ = *word++ = 0;
    word[strcspn(word, "\n")] = 0;
    snprintf(path, sizeof path, "tests/data/corpus/%s.safetensors", line);
    try_file(path, strcmp(verdict, "accept") == 0, word);
  }
  if (expect) fclose(expect);
  try_built("{\"t\":", "[", 100000, "", "nesting");
  try_built("{\"t\":{\"dtype\":\"F32\",\"data_offsets\":[0,16],\"shape\":[", "1,", 1000000, "4]}}", "shape");
  UNIT_END();
}
