/* unit.c: see unit.h. */
#include "unit.h"
#include <stdarg.h>

enum { MOST_TOLD = 10 }; /* failed checks of a case that are printed */

static char name[200] = "set-up";
static bool begun; /* false: nothing but set-up until now */
static int passed, failed, wrong /* checks of this case */;

static void end_case(void) {
  if (wrong) printf("not ok: %s: %d checks failed\n", name, wrong), failed++;
  else if (begun) passed++;
  wrong = 0;
}

void unit_case(const char *format, ...) {
  va_list list;
  end_case();
  begun = true;
  va_start(list, format);
  vsnprintf(name, sizeof name, format, list);
  va_end(list);
}

void unit_check(bool good, const char *what, const char *file, int line) {
  if (!good && wrong++ < MOST_TOLD) printf("%s:%d: failed: %s\n", file, line, what);
}

void unit_text(const char *a, const char *b, const char *file, int line) {
  if (a && b && strcmp(a, b) == 0) return;
  if (wrong++ < MOST_TOLD) printf("%s:%d: found \"%s\", expected \"%s\"\n", file, line, a ? a : "(null)", b ? b : "(null)");
}

int unit_end(const char *program) {
  end_case();
  printf("%s: %d passed, %d failed\n", program, passed, failed);
  return failed != 0 || passed == 0;
}
