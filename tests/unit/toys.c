/* toys.c: see toys.h. */
#include "toys.h"
#include <dirent.h>
#include <fcntl.h>
#include "base/text.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char toys_root[4096]; /* all folders lie here, and the process works in it */

void put(const char *path, const void *bytes, size_t length) {
  FILE *file = fopen(path, "wb");
  CHECK(file && fwrite(bytes, 1, length, file) == length);
  if (file) fclose(file);
}

void put_text(const char *path, const char *text) { put(path, text, strlen(text)); }

void put_tensors(const char *path, const toy *toys, size_t count) {
  mw_text out = {0};
  unsigned at = 0;
  mw_text_add(&out, "\0\0\0\0\0\0\0\0{", 9);
  for (size_t i = 0; i < count; i++) {
    unsigned bytes = toys[i].rows * toys[i].columns * toys[i].size;
    mw_text_format(&out, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%u,%u],\"data_offsets\":[%u,%u]}", i ? "," : "", toys[i].name,
                   toys[i].dtype, toys[i].rows, toys[i].columns, at, at + bytes);
    at += bytes;
  }
  mw_text_format(&out, "}");
  for (int i = 0; i < 8; i++) out.bytes[i] = (char)((out.length - 8) >> (8 * i));
  for (size_t i = 0; i < count; i++)
    for (unsigned k = 0; k < toys[i].rows * toys[i].columns * toys[i].size; k++) mw_text_add(&out, &toys[i].fill, 1);
  put(path, out.bytes, out.length);
  mw_text_free(&out);
}

void put_model(const char *folder, const char *config, const toy *toys, size_t count) {
  char path[256];
  CHECK(mkdir(folder, 0755) == 0);
  snprintf(path, sizeof path, "%s/config.json", folder);
  if (config) put_text(path, config);
  snprintf(path, sizeof path, "%s/model.safetensors", folder);
  if (count) put_tensors(path, toys, count);
}

void toys_begin(void) {
  const char *place = getenv("TMPDIR");
  snprintf(toys_root, sizeof toys_root, "%s/moonweld-unit-XXXXXX", place ? place : "/tmp");
  CHECK(mkdtemp(toys_root) != NULL && chdir(toys_root) == 0);
}

void toys_end(void) {
  char clean[4200];
  CHECK(chdir("/") == 0);
  snprintf(clean, sizeof clean, "rm -rf '%s'", toys_root);
  CHECK(system(clean) == 0);
}

int entries(const char *path) {
  int count = -2;
  DIR *stream = opendir(path);
  if (!stream) return -1;
  while (readdir(stream)) count++;
  closedir(stream);
  return count;
}

bool holds(const char *path, const char *text) {
  char bytes[256] = {0};
  int fd = open(path, O_RDONLY);
  ssize_t length = fd < 0 ? -1 : read(fd, bytes, sizeof bytes - 1);
  if (fd >= 0) close(fd);
  return length >= 0 && !strcmp(bytes, text);
}
