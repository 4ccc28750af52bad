/* Where memory ends: errors tell bytes, what was begun is freed, and the arena gives aligned memory and texts without gaps. */
#include "memory.h"
#include "moonweld.h"
#include "base/mem.h"
#include "text/pattern.h"
#include "toys.h"
#include <pthread.h>

/* An error tells the bytes that were asked for, not the elements; a size that no number holds is the largest. */
static void growing(void) {
  uint64_t *array = NULL;
  size_t capacity = 0;
  mw_error err = {0};
  char bytes[64];
  CHECK(mw_mem_grow(&array, &capacity, 5, sizeof *array, &err) && capacity == 8);
  CHECK(!mw_mem_grow(&array, &capacity, (size_t)1 << 59, sizeof *array, &err) && err.status == MW_MEMORY);
  snprintf(bytes, sizeof bytes, "(%zu bytes", (size_t)1 << 62);
  CHECK(strstr(err.text, bytes) && capacity == 8);
  CHECK(!mw_mem_grow(&array, &capacity, SIZE_MAX / 2, sizeof *array, &err));
  snprintf(bytes, sizeof bytes, "(%zu bytes", SIZE_MAX);
  CHECK(strstr(err.text, bytes) && capacity == 8);
  free(array);
}

static void arena(void) {
  mw_arena one = {0};
  mw_error err;
  const char *a = mw_mem_copy(&one, "ab", 2, &err), *b = mw_mem_copy(&one, "c", 1, &err);
  CHECK(a && b == a + 3 && strcmp(a, "ab") == 0 && strcmp(b, "c") == 0);
  for (size_t size = 1; size < 3000; size += 7) {
    unsigned char *piece = mw_mem_take(&one, size, &err), used = 0;
    CHECK(piece && (uintptr_t)piece % 16 == 0);
    for (size_t i = 0; piece && i < size; i++) used |= piece[i], piece[i] = 0xff;
    char *text = mw_mem_text(&one, size, &err);
    for (size_t i = 0; text && i < size; i++) used |= (unsigned char)text[i], text[i] = 'x';
    CHECK(text && !used);
  }
  CHECK(!mw_mem_take(&one, SIZE_MAX, &err) && err.status == MW_MEMORY);
  mw_mem_release(&one);
}

/* Each call that asks for memory fails once: none is passed over, and nothing that was made before it stays. */
static void pattern(void) {
  static const char regex[] = "(?i:'s|'t)|[^\\r\\n\\p{L}]?\\p{L}+|\\s+(?!\\S)";
  mw_pattern *out;
  mw_error err = {0};
  size_t before = memory_held;
  long failing = 0;
  for (bool done = !MEMORY_COUNTED; !done; failing++) {
    memory_left = failing;
    done = mw_pattern_regex(regex, sizeof regex - 1, &out, &err);
    memory_left = -1;
    if (done) mw_pattern_free(out);
    else CHECK(err.status == MW_MEMORY && !strstr(err.text, "(0 bytes"));
    CHECK(memory_held == before);
  }
  CHECK(failing > 5 || !MEMORY_COUNTED);
}

/* ---- a whole merge that learns ---- */

/* Plans and runs it; the folder is new each time. */
static bool learn(const char *const *models, const char *data, int number, mw_error *err) {
  char output[32];
  const char *by = "tensor", *steps = "1";
  const mw_binding bindings[] = {{"models", models, 2}, {"by", &by, 1}, {"steps", &steps, 1}};
  mw_recipe *recipe = NULL;
  mw_plan *plan = NULL;
  mw_options options;
  mw_options_init(&options);
  snprintf(output, sizeof output, "out%d", number);
  options.output = output, options.data = &data, options.data_count = 1, options.threads = 1;
  bool ok = mw_recipe_load("learned_soup", &options, &recipe, err) && mw_plan_make(recipe, bindings, 3, &options, &plan, err) &&
            mw_plan_run(plan, NULL, NULL, err);
  mw_plan_free(plan);
  mw_recipe_free(recipe);
  return ok;
}

static void spare_child(void) { memory_left = -1; }

/* After every failure of a call in this process all is freed. A run without one gives their number; some of them are tried. */
static void merge(const char *const *models) {
  mw_error err = {0};
  put_text("ids.jsonl", "[1, 20, 300, 4, 50, 7, 8, 900]\n");
  if (!MEMORY_COUNTED) return;
  pthread_atfork(NULL, NULL, spare_child);
  for (int i = 0; i < 2; i++) CHECK(learn(models, "ids.jsonl", i, &err)); /* libraries keep what they allocate at first */
  size_t before = memory_held;
  memory_left = 1L << 40;
  CHECK(learn(models, "ids.jsonl", 2, &err));
  long calls = (1L << 40) - memory_left, failures = 0;
  CHECK(memory_held == before);
  for (long failing = 0; failing < calls; failing += 1 + failing / 12 + calls / 400) {
    memory_left = failing;
    bool ok = learn(models, "ids.jsonl", 3 + (int)failures, &err);
    memory_left = -1;
    if (ok) continue; /* it was a call that can do without */
    failures++;
    if (memory_held != before) printf("call %ld of %ld: %zu bytes stay: %s\n", failing, calls, memory_held - before, err.text);
    CHECK(memory_held == before);
  }
  CHECK(failures > 20);
}

int main(void) {
  char *models[] = {realpath("tests/data/pico/kjv", NULL), realpath("tests/data/pico/py", NULL)};
  toys_begin();
  RUN(growing());
  RUN(arena());
  RUN(pattern());
  RUN(merge((const char *const *)models));
  toys_end();
  free(models[0]);
  free(models[1]);
  UNIT_END();
}
