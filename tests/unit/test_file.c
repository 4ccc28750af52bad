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
  RUN(hashed());
  RUN(few_descriptors());
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) unlink(names[i]);
  toys_end();
  UNIT_END();
}
