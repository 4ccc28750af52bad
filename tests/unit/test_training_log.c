/* test_training_log.c: the log and the chart of trainings: a line a step, a chart a training, numbers as JSON and SVG have them. */
#include "train/training_log.h"
#include "unit.h"
#include <math.h>
#include <string.h>

static int count(const char *text, const char *word) {
  int n = 0;
  for (const char *at = text; (at = strstr(at, word)); at += strlen(word)) n++;
  return n;
}

int main(void) {
  static mw_training_log_point many[5000];
  for (int i = 0; i < 5000; i++) many[i] = (mw_training_log_point){2.5 - 0.0001 * i, 1};
  mw_training_log_point few[] = {{1.5, 0.25}, {1e-7, 3}}, one[] = {{0.5, 1}}, wild[] = {{NAN, INFINITY}};
  const char *const names[] = {"kl data[1]", "coefficients"};
  double terms[] = {1.25, 0.25, 1e-7, NAN};
  const mw_training_log curves[] = {{few, 2, names, terms, 2}, {.count = 0}, {one, 1, NULL, NULL, 0}, {many, 5000, NULL, NULL, 0}};
  const mw_training_log runaway = {wild, 1, NULL, NULL, 0};
  mw_text text = {0};
  mw_error err;
  CASE("lines");
  CHECK(mw_training_log_lines(curves, 3, &text, &err));
  CHECK_TEXT(text.bytes, "{\"training\":1,\"step\":1,\"loss\":1.5,\"gradient\":0.25,\"terms\":{\"kl data[1]\":1.25,\"coefficients\":0.25}}\n"
                         "{\"training\":1,\"step\":2,\"loss\":1e-07,\"gradient\":3,\"terms\":{\"kl data[1]\":1e-07,\"coefficients\":null}}\n"
                         "{\"training\":3,\"step\":1,\"loss\":0.5,\"gradient\":1,\"terms\":{}}\n");
  mw_text_free(&text);
  CASE("lines without numbers");
  CHECK(mw_training_log_lines(&runaway, 1, &text, &err));
  CHECK_TEXT(text.bytes, "{\"training\":1,\"step\":1,\"loss\":null,\"gradient\":null,\"terms\":{}}\n");
  mw_text_free(&text);
  CASE("chart");
  CHECK(mw_training_log_chart(curves, 4, &text, &err));
  CHECK(count(text.bytes, "<polyline") == 6); /* each training as it was and its trend; what took no step has no chart */
  CHECK(count(text.bytes, "<svg") == 1 && count(text.bytes, "</svg>") == 1);
  CHECK(!strstr(text.bytes, "nan") && !strstr(text.bytes, "inf"));
  CHECK(strstr(text.bytes, "step 5000<") && text.length < 60000); /* a long training does not make a large file */
  mw_text_free(&text);
  CASE("losses that differ by rounding alone");
  mw_training_log_point flat[] = {{3.0, 1}, {3.0000000000000004, 1}, {3.0, 1}}, zero[] = {{0, 0}, {0, 0}}, huge[] = {{-3e38, 1}, {3e38, 1}},
                        near[] = {{2.0, 1}, {2.00000001, 1}};
  const mw_training_log odd[] = {{flat, 3, NULL, NULL, 0}, {zero, 2, NULL, NULL, 0}, {huge, 2, NULL, NULL, 0}, {near, 2, NULL, NULL, 0}};
  CHECK(mw_training_log_chart(odd, 4, &text, &err));
  CHECK(count(text.bytes, "class=\"grid\" d") >= 16 && count(text.bytes, "class=\"grid\" d") <= 32);
  CHECK(!strstr(text.bytes, "nan") && !strstr(text.bytes, "inf"));
  CHECK(strstr(text.bytes, ">2.000000005<")); /* neighbouring lines have different labels */
  mw_text_free(&text);
  UNIT_END();
}
