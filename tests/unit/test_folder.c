/* test_folder.c: folders under locks. A name may mean another folder from one call to the next, because another run published,
 * removed or made one: what is locked, and what is removed, is the folder that was opened or none. */
#include "format/folder.h"
#include "toys.h"
#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>

/* Stands in for the C library's: what another run does just before the lock is taken. */
static void (*meanwhile)(void);
int flock(int fd, int how) {
  void (*act)(void) = meanwhile;
  meanwhile = NULL;
  if (act) act();
  return (int)syscall(SYS_flock, fd, how);
}

static bool is_named(const char *name, int fd) {
  struct stat named, opened;
  return stat(name, &named) == 0 && fstat(fd, &opened) == 0 && named.st_ino == opened.st_ino;
}

static void locks(void) {
  mw_error err = {0};
  int one, two;
  CHECK(mw_folder_make(AT_FDCWD, "work", "out", &one, NULL, &err) && is_named("work", one));
  CHECK(!mw_folder_make(AT_FDCWD, "work", "out", &two, NULL, &err) && two == -1 && err.status == MW_CHANGED);
  CHECK_TEXT(err.text, "out: is being written by another run");
  close(one);
  put_text("work/left", "of a run that was killed");
  CHECK(mw_folder_make(AT_FDCWD, "work", "out", &two, NULL, &err) && access("work/left", F_OK) != 0);
  close(two);
  CHECK(mw_folder_lock(AT_FDCWD, "work", "out", &one, &err) && !mw_folder_lock(AT_FDCWD, "work", "out", &two, &err));
  close(one);
  CHECK(mw_folder_remove(AT_FDCWD, "work", &err) && access("work", F_OK) != 0 && mw_folder_remove(AT_FDCWD, "work", &err));
}

static void moved_away(void) { CHECK(rename("name", "old") == 0); }
static void replaced(void) { CHECK(rename("name", "old") == 0 && mkdir("name", 0777) == 0); }

/* A folder that lost its name before the lock came is not the one that somebody asked for. */
static void locked_another(void) {
  mw_error err = {0};
  int fd;
  CHECK(mkdir("name", 0777) == 0);
  meanwhile = replaced;
  CHECK(!mw_folder_lock(AT_FDCWD, "name", "out", &fd, &err) && fd == -1 && err.status == MW_CHANGED);
  CHECK_TEXT(err.text, "the output folder was replaced by another run meanwhile");
  CHECK(rmdir("old") == 0 && rmdir("name") == 0);
}

/* A new folder that lost its name is of no use: another one is made. */
static void made_another(void (*act)(void)) {
  mw_error err = {0};
  int fd;
  meanwhile = act;
  CHECK(mw_folder_make(AT_FDCWD, "name", "out", &fd, NULL, &err) && is_named("name", fd));
  close(fd);
  CHECK(rmdir("old") == 0 && rmdir("name") == 0);
}

/* A folder that looked left behind was published instead, and a third run has locked a new one of that name. */
static int third;
static void published_and_made_again(void) {
  CHECK(rename("name", "old") == 0 && mkdir("name", 0777) == 0);
  put_text("name/half", "of another run");
  third = open("name", O_RDONLY | O_DIRECTORY);
  CHECK(flock(third, LOCK_EX | LOCK_NB) == 0);
}

static void removed_nothing_of_others(void) {
  mw_error err = {0};
  int fd;
  CHECK(mkdir("name", 0777) == 0);
  put_text("name/whole", "what it published");
  meanwhile = published_and_made_again;
  CHECK(!mw_folder_make(AT_FDCWD, "name", "out", &fd, NULL, &err) && err.status == MW_CHANGED);
  CHECK(access("old/whole", F_OK) == 0 && access("name/half", F_OK) == 0);
  close(third);
}

/* What lies too deep is not removed, nor what has a name that none can have. */
static void deep(void) {
  mw_error err = {0};
  char name[400];
  memset(name, 'n', sizeof name);
  name[300] = 0;
  CHECK(!mw_folder_remove(AT_FDCWD, name, &err) && err.status == MW_IO);
  CHECK(system("d=deep; for i in $(seq 70); do d=$d/d; done; mkdir -p $d") == 0);
  CHECK(!mw_folder_remove(AT_FDCWD, "deep", &err) && strstr(err.text, "more than 64 deep"));
  CHECK(system("rm -r deep") == 0);
}

/* What another user has left is not gone on with. */
static void of_another(void) {
  mw_error err = {0};
  bool left = false;
  int fd;
  if (geteuid() != 0) return;
  CHECK(mkdir("name", 0777) == 0 && chown("name", 65534, 65534) == 0);
  put_text("name/half", "of another user");
  CHECK(mw_folder_make(AT_FDCWD, "name", "out", &fd, &left, &err) && !left && access("name/half", F_OK) != 0 && is_named("name", fd));
  close(fd);
  CHECK(rmdir("name") == 0);
}

int main(void) {
  toys_begin();
  RUN(deep());
  RUN(of_another());
  RUN(locks());
  RUN(locked_another());
  RUN(made_another(moved_away));
  RUN(made_another(replaced));
  RUN(removed_nothing_of_others());
  toys_end();
  UNIT_END();
}
