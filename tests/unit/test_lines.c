/* test_lines.c: what the program says on standard error. A pipe of packets keeps apart what was written apart. */
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char program[4096]; /* BUILD/moonweld beside BUILD/unit/test_lines */

/* With these words the program ends with 66, and each of its writes to standard error is one of so many lines. */
static void says(int lines, char *const words[]) {
  char piece[8192];
  int ends[2], status, count = 0;
  ssize_t length;
  CHECK(pipe2(ends, O_DIRECT | O_CLOEXEC) == 0);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    execv(program, words);
    _exit(127);
  }
  CHECK(child > 0);
  close(ends[1]);
  for (; (length = read(ends[0], piece, sizeof piece)) > 0; count++)
    CHECK(memchr(piece, '\n', (size_t)length) == piece + length - 1);
  close(ends[0]);
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 66);
  CHECK(count == lines);
}

int main(void) {
  ssize_t length = readlink("/proc/self/exe", program, sizeof program - 32);
  CHECK(length > 0);
  for (int level = 0; level < 2; level++) *strrchr(program, '/') = 0;
  strcat(program, "/moonweld");
  CASE("an error and its hint are written a line at once");
  says(2, (char *[]){"moonweld", "inspect", "no/such/model", NULL});
  CASE("so is an event");
  says(1, (char *[]){"moonweld", "lerp", "--a", "no/such/model", "--b", "nor/this", "-o", "never", "--log-json", NULL});
  UNIT_END();
}
