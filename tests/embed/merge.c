/* merge.c: a program of somebody who uses the library: merge A B OUT. */
#include <moonweld.h>
#include <stdio.h>

static bool show(void *context, uint64_t done, uint64_t total, unsigned pass) {
  (void)context;
  return printf("pass %u: %llu of %llu bytes\n", pass, (unsigned long long)done, (unsigned long long)total) > 0;
}

int main(int argc, char **argv) {
  mw_error err;
  mw_recipe *recipe = NULL;
  mw_plan *plan = NULL;
  mw_options options;
  if (argc != 4) return MW_USAGE;
  mw_options_init(&options);
  options.output = argv[3];
  const char *t = "0.3", *a = argv[1], *b = argv[2];
  const mw_binding bindings[] = {{"a", &a, 1}, {"b", &b, 1}, {"t", &t, 1}};
  bool ok = mw_recipe_load("slerp", &options, &recipe, &err) && mw_plan_make(recipe, bindings, 3, &options, &plan, &err) &&
            mw_plan_run(plan, show, NULL, &err);
  if (!ok) fprintf(stderr, "%s (%s)\n", err.text, err.hint);
  mw_plan_free(plan);
  mw_recipe_free(recipe);
  return ok ? 0 : err.status;
}
