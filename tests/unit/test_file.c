/* An input file that shrinks, is replaced or is written to while it is read: nobody crashes, and it is noticed. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/file.h"
#include "toys.h"

static const char *const names[] = {"cut", "other", "whole"};

/* Clocks of file systems tick slowly: a change within one tick of the opening has no time of its own. */
static void tick(void) { usleep(30000); }

static void inside(void) {
  CHECK(mw_file_lies_in("/a/b/c.lua", "/a/b") && mw_file_lies_in("/a/b/c.lua", "/a") && mw_file_lies_in("/c.lua", "/"));
  CHECK(!mw_file_lies_in("/ab/c.lua", "/a") && !mw_file_lies_in("/a", "/a") && !mw_file_lies_in("/", "/") && !mw_file_lies_in("/a", "/a/b"));
  CHECK(!mw_file_lies_in(NULL, "/a") && !mw_file_lies_in("/a/b", NULL));
}

static void shrunk(void) {
  mw_error err = {0};
  mw_file file;
  char bytes[8];
  put_text("cut", "12345678");
  CHECK(mw_file_open(&file, "cut", &err));
  CHECK(truncate("cut", 5) == 0);
  CHECK(mw_file_read(&file, 0, bytes, 5, &err) && memcmp(bytes, "12345", 5) == 0);
  CHECK(!mw_file_read(&file, 0, bytes, 8, &err) && err.status == MW_CHANGED);
  CHECK(strstr(err.text, "cut: shrank while it was read: ends at byte 5, expected 8") != NULL);
  CHECK(!mw_file_unchanged(&file, &err) && err.status == MW_CHANGED);
  mw_file_close(&file);
}

/* Whoever had the file open reads the old one to its end, and is told that it is no longer the one of that name. */
static void replaced(void) {
  mw_error err = {0};
  mw_file file;
  char bytes[8];
  put_text("whole", "12345678");
  CHECK(mw_file_open(&file, "whole", &err) && mw_file_unchanged(&file, &err));
  tick();
  put_text("other", "abcdefgh");
  CHECK(rename("other", "whole") == 0);
  CHECK(mw_file_read(&file, 0, bytes, 8, &err) && memcmp(bytes, "12345678", 8) == 0);
  CHECK(!mw_file_unchanged(&file, &err) && err.status == MW_CHANGED);
  mw_file_close(&file);
}

/* The same size and the old time of modification: the time of the change itself cannot be set back. */
static void rewritten(void) {
  mw_error err = {0};
  mw_file file;
  struct stat before;
  put_text("whole", "12345678");
  CHECK(stat("whole", &before) == 0 && mw_file_open(&file, "whole", &err));
  tick();
  put_text("whole", "1234567!");
  CHECK(utimensat(AT_FDCWD, "whole", (struct timespec[2]){before.st_atim, before.st_mtim}, 0) == 0);
  CHECK(!mw_file_unchanged(&file, &err) && err.status == MW_CHANGED);
  mw_file_close(&file);
}

/* Blocks are read by several threads, from a file that may not be in memory: each gets its own bytes. */
static void in_turn(void) {
  enum { BLOCK = 256 << 10, BLOCKS = 24 };
  mw_error err = {0};
  mw_file file;
  char *bytes = malloc(BLOCK * BLOCKS);
  CHECK(bytes != NULL);
  for (size_t i = 0; i < BLOCK * BLOCKS; i++) bytes[i] = (char)(i * 2654435761u >> 13);
  int fd = open("long", O_WRONLY | O_CREAT | O_TRUNC, 0600), wrong = 0;
  CHECK(fd >= 0 && mw_file_write(fd, "long", 0, bytes, BLOCK * BLOCKS, &err) && fsync(fd) == 0 && close(fd) == 0);
  CHECK(mw_file_open(&file, "long", &err));
  for (int round = 0; round < 3; round++) {
    if (round) mw_file_let_go(&file, round == 1 ? 0 : 5 * BLOCK + 77, round == 1 ? BLOCK * BLOCKS : BLOCK);
#pragma omp parallel for schedule(dynamic, 1) num_threads(4) reduction(+ : wrong)
    for (int b = 0; b < BLOCKS; b++) {
      mw_error own;
      char *read = malloc(BLOCK);
      wrong += !read || !mw_file_read(&file, (uint64_t)b * BLOCK, read, BLOCK, &own) || memcmp(read, bytes + b * BLOCK, BLOCK) != 0;
      free(read);
    }
    CHECK(wrong == 0 && mw_file_is_ready(&file, 3 * BLOCK));
  }
  CHECK(truncate("long", BLOCK + 100) == 0);
  CHECK(mw_file_read(&file, 0, bytes, BLOCK, &err) && !mw_file_read(&file, BLOCK, bytes, BLOCK, &err) && err.status == MW_CHANGED);
  mw_file_close(&file);
  free(bytes);
}

static void hashed(void) {
  mw_error err = {0};
  mw_file file;
  char hex[65];
  put_text("whole", "abc");
  CHECK(mw_file_open(&file, "whole", &err) && mw_file_hash(&file, hex, &err));
  CHECK_TEXT(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  mw_file_close(&file);
}

/* Where descriptors are few, a file is opened again each time, and is still the same file, or that is said. */
static void few_descriptors(void) {
  mw_error err = {0};
  mw_file file;
  struct rlimit before, few;
  char bytes[8], *place, here[4096];
  put_text("whole", "12345678");
  CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
  few = (struct rlimit){6, before.rlim_max};
  CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
  CHECK(mw_file_open(&file, "whole", &err) && file.fd == -1);
  CHECK(mw_file_read(&file, 2, bytes, 4, &err) && memcmp(bytes, "3456", 4) == 0 && mw_file_unchanged(&file, &err));
  CHECK(mw_file_place(&file, &place, &err) && place && mw_file_lies_in(place, getcwd(here, sizeof here)));
  free(place);
  tick();
  put_text("other", "12345678");
  CHECK(rename("other", "whole") == 0);
  CHECK(!mw_file_read(&file, 0, bytes, 8, &err) && err.status == MW_CHANGED && strstr(err.text, "whole: changed while it was read"));
  CHECK(!mw_file_unchanged(&file, &err) && err.status == MW_CHANGED);
  CHECK(unlink("whole") == 0);
  CHECK(!mw_file_read(&file, 0, bytes, 8, &err) && err.status == MW_CHANGED && strstr(err.text, "whole: was removed while it was read"));
  mw_file_close(&file);
  CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

int main(void) {
  toys_begin();
  RUN(inside());
  RUN(shrunk());
  RUN(replaced());
  RUN(rewritten());
  RUN(in_turn());
  RUN(hashed());
  RUN(few_descriptors());
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) unlink(names[i]);
  toys_end();
  UNIT_END();
}
