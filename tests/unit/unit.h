/* unit.h: the whole of our C test harness. A program is a list of cases: RUN(call) is a call as a case of that name, CASE(...)
 * begins one with a name made by printf's rules. What is counted are cases, not checks: a check in a loop over a million
 * elements is still one promise. A case fails where one of its checks does, which is printed with its place; what fails before
 * the first case is a case "set-up". A program ends with "NAME: N passed, N failed". */
#ifndef MW_UNIT_H
#define MW_UNIT_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define RUN(call) (unit_case("%s", #call), call)
#define CASE(...) unit_case(__VA_ARGS__)
#define CHECK(condition) unit_check((condition), #condition, __FILE__, __LINE__)
#define CHECK_TEXT(a, b) unit_text(a, b, __FILE__, __LINE__)
#define UNIT_END() return unit_end(__FILE__)

__attribute__((format(printf, 1, 2))) void unit_case(const char *format, ...);
void unit_check(bool good, const char *what, const char *file, int line);
void unit_text(const char *a, const char *b, const char *file, int line);
int unit_end(const char *program); /* the exit code */

#endif
