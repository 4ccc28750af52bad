/* test_subprocess.c: the last number of what a command prints, and commands that fail, hang, talk, and leave others behind. */
#include "base/clock.h"
#include "merge/subprocess.h"
#include "unit.h"

#include <time.h>
#include <unistd.h>

static void last(const char *text, double wanted) {
  double value = -12345;
  bool found = mw_subprocess_number(text, &value);
  if (!found || value != wanted) printf("\"%s\": %d %.17g\n", text, found, value);
  CHECK(found && value == wanted);
}

static void none(const char *text) {
  double value;
  if (mw_subprocess_number(text, &value)) printf("\"%s\": %.17g\n", text, value);
  CHECK(!mw_subprocess_number(text, &value));
}

static void numbers(void) {
  last("0.25\n", 0.25);
  last("step 3\nscore: -1.5e-3", -1.5e-3);
  last("accuracy=81.5%", 81.5);
  last("[1, 2, 3.]", 3);
  last("ends with a full stop 0.5.", 0.5);
  last("+.5", 0.5);
  last("top5 of model_7: 0.5 (done)", 0.5);
  last("nan first, then 4", 4);
  last("{\"score\":0.125}", 0.125);
  last("3 infinite", 3);
  last("0.5 /tmp/42/out.scoring-8e7/candidate", 0.5);
  last("\033[1;32m0.81\033[0;39m\n", 0.81);
  last("\033]0;step 9\a0.5\033]0;7\033\\ \033(0\033[K\033=", 0.5);
  last("\r 10 %\b\a\t0.5", 0.5);
  last("\u22120.5, so -0.25, no \u22120.125", -0.125);
  none("0.5 \001");
  none("\0337");
  none("\033[1;31");
  none("0.5 \177 7");
  none("");
  none("no number here");
  none("version 1.2.3");
  none("0x10");
  none("812/1000");
  none("0.5 then nan");
  none("-inf");
  none("1e999");
  none("5 Infinity");
}

static bool never(void *context) {
  ++*(int *)context;
  return false;
}

/* Runs it; the message holds `wanted` ("" for success). */
static void runs(const char *command, double seconds, const char *wanted, const char *printed) {
  mw_text output = {0};
  mw_error err = {0};
  bool ok = mw_subprocess_run("the score", command, (mw_subprocess_watch){.seconds = seconds}, &output, &err);
  if (ok != !*wanted || (!ok && !strstr(err.text, wanted))) printf("%s: %d %s\n", command, ok, ok ? "" : err.text);
  CHECK(ok == !*wanted && (ok || (strstr(err.text, wanted) && err.status == MW_DATA)));
  if (printed) CHECK_TEXT(output.bytes ? output.bytes : "", printed);
  mw_text_free(&output);
}

int main(void) {
  mw_text output = {0};
  mw_error err = {0};
  int asked = 0;
  RUN(numbers());
  RUN(runs("echo 1; echo 2", 0, "", "1\n2\n"));
  RUN(runs("cat", 0, "", "")); /* its input is empty */
  RUN(runs("exit 3", 0, "code 3", NULL));
  RUN(runs("no-such-program-at-all 2>/dev/null", 0, "code 127", NULL));
  RUN(runs("kill -9 $$", 0, "signal 9", NULL));
  double begun = mw_clock_now();
  RUN(runs("sleep 600", 0.2, "--score-timeout", NULL));
  RUN(runs("sleep 600 & sleep 600", 0.2, "--score-timeout", NULL));
  RUN(runs("sleep 600 & echo 7", 0, "", "7\n")); /* what it leaves behind is ended, not waited for */
  RUN(runs("trap '' TERM; sleep 600", 0.2, "--score-timeout", NULL));
  CASE("a command that is no longer wanted");
  CHECK(!mw_subprocess_run("the score", "sleep 600", (mw_subprocess_watch){0, never, &asked}, &output, &err));
  CHECK(err.status == MW_INTERRUPTED && asked == 1);
  CHECK(mw_clock_now() - begun < 300); /* nobody waited for a sleep to end, and a busy machine has time enough */
  CASE("much output");
  /* Much output is read, and its end kept. */
  CHECK(mw_subprocess_run("the score", "head -c 1000000 /dev/zero | tr '\\0' x; echo ' 0.5'", (mw_subprocess_watch){0}, &output, &err));
  double value = 0;
  CHECK(output.length < 200000 && mw_subprocess_number(output.bytes, &value) && value == 0.5);
  mw_text_free(&output);
  CASE("a NUL, and a long line");
  /* A NUL ends nothing, and a long line of digits takes no long time. */
  CHECK(mw_subprocess_run("the score", "printf '1\\0 2'", (mw_subprocess_watch){0}, &output, &err));
  CHECK(mw_subprocess_number(output.bytes, &value) && value == 2);
  mw_text_free(&output);
  CHECK(mw_subprocess_run("the score", "head -c 100000 /dev/zero | tr '\\0' 7", (mw_subprocess_watch){0}, &output, &err));
  clock_t start = clock();
  CHECK(!mw_subprocess_number(output.bytes, &value) && clock() - start < 10 * CLOCKS_PER_SEC);
  mw_text_free(&output);
  UNIT_END();
}
