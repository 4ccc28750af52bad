/* Reports: where one may be written, what it replaces, and that a failure leaves what was there. */
#include "format/atomic_file.h"
#include "toys.h"
#include <fcntl.h>
#include <sys/file.h>

static const char mark[] = "<!doctype html>";
static mw_error err;

static char *content(const char *path) {
  static char text[100];
  FILE *file = fopen(path, "rb");
  size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
  if (file) fclose(file);
  text[length] = 0;
  return text;
}

static bool write_page(const char *path) { return mw_atomic_file_write(path, mark, "<!doctype html>new", 18, &err); }

static void refuses(const char *path, const char *words) {
  CHECK(!mw_atomic_file_allowed(path, mark, &err));
  CHECK(err.status == MW_CANNOT_CREATE && strstr(err.text, words));
  CHECK(!write_page(path) && err.status == MW_CANNOT_CREATE);
}

static void test_report_new(void) {
  struct stat st;
  umask(027);
  CHECK(mw_atomic_file_allowed("new.html", mark, &err) && access("new.html", F_OK) != 0);
  CHECK(write_page("new.html"));
  CHECK_TEXT(content("new.html"), "<!doctype html>new");
  CHECK(stat("new.html", &st) == 0 && (st.st_mode & 0777) == 0640);
  CHECK(system("test \"$(ls -A | wc -l)\" = 1") == 0); /* nothing is left beside it */
}

static void test_report_replaces_reports_only(void) {
  put_text("old.html", "<!doctype html>old, and much longer than the new one");
  CHECK(write_page("old.html"));
  CHECK_TEXT(content("old.html"), "<!doctype html>new");
  put_text("empty", "");
  CHECK(write_page("empty"));
  put_text("notes.txt", "years of work");
  refuses("notes.txt", "is not a report");
  CHECK_TEXT(content("notes.txt"), "years of work");
  put_text("short", "<!doc");
  refuses("short", "is not a report");
}

/* What killed runs have left goes, but not what one writes now, nor what is called otherwise. */
static void test_report_leftovers(void) {
  static const char *const stay[] = {"a.html.new-1-", "a.html.new-1", "a.html.new--1", "a.html.new-1-2x", "b.html.new-1-2", "xa.html.new-1-2", "a.htm.new-1-2"};
  put_text("a.html.new-123-0", "<!doc");
  put_text("a.html.new-123-44", "");
  put_text("a.html.new-77-1", "<!doctype");
  int fd = open("a.html.new-77-1", O_WRONLY);
  CHECK(fd >= 0 && flock(fd, LOCK_EX) == 0);
  for (size_t i = 0; i < sizeof stay / sizeof *stay; i++) put_text(stay[i], "mine");
  CHECK(symlink("b.html.new-1-2", "a.html.new-5-5") == 0 && mkfifo("a.html.new-6-6", 0644) == 0 && mkdir("a.html.new-7-7", 0755) == 0);
  CHECK(write_page("a.html"));
  CHECK(access("a.html.new-123-0", F_OK) != 0 && access("a.html.new-123-44", F_OK) != 0 && access("a.html.new-77-1", F_OK) == 0);
  for (size_t i = 0; i < sizeof stay / sizeof *stay; i++) CHECK_TEXT(content(stay[i]), "mine");
  CHECK(access("a.html.new-5-5", F_OK) == 0 && access("a.html.new-6-6", F_OK) == 0 && access("a.html.new-7-7", F_OK) == 0);
  CHECK(close(fd) == 0 && mkdir("in", 0755) == 0);
  put_text("in/a.html.new-123-0", "<!doc");
  CHECK(write_page("in/a.html") && system("test \"$(ls -A in)\" = a.html") == 0);
  CHECK(write_page("a.html") && access("a.html.new-77-1", F_OK) != 0);
}

static void test_report_places(void) {
  CHECK(mkdir("folder", 0755) == 0 && symlink("old.html", "link") == 0 && mkfifo("pipe", 0644) == 0);
  refuses("folder", "is a folder");
  refuses("folder/", "a file's name");
  refuses("", "a file's name");
  refuses("link", "no regular file");
  refuses("pipe", "no regular file");
  refuses("nowhere/page.html", "nothing can be written");
  refuses("old.html/page.html", "Not a directory");
}

int main(void) {
  toys_begin();
  RUN(test_report_new());
  RUN(test_report_replaces_reports_only());
  RUN(test_report_leftovers());
  RUN(test_report_places());
  toys_end();
  UNIT_END();
}
