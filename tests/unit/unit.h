/* unit.h: the whole of our C test harness: a program checks, counts, and ends with "NAME: N passed, N failed". */
#ifndef MW_UNIT_H
#define MW_UNIT_H

#include <stdio.h>
#include <string.h>

static int unit_passed, unit_failed;

static inline void unit_check(int good, const char *what, const char *file, int line) {
  if (good) unit_passed++;
  else unit_failed++, printf("%s:%d: failed: %s\n", file, line, what);
}

static inline void unit_text(const char *a, const char *b, const char *file, int line) {
  int good = a && b && strcmp(a, b) == 0;
  if (good) unit_passed++;
  else unit_failed++, printf("%s:%d: found \"%s\", expected \"%s\"\n", file, line, a ? a : "(null)", b ? b : "(null)");
}

#define CHECK(condition) unit_check(!!(condition), #condition, __FILE__, __LINE__)
#define CHECK_TEXT(a, b) unit_text(a, b, __FILE__, __LINE__)
#define UNIT_END() return printf("%s: %d passed, %d failed\n", __FILE__, unit_passed, unit_failed), unit_failed != 0

#endif
