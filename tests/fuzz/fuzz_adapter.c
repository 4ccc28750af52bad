/* fuzz_adapter.c: adapter_config.json, and the name of an adapter's tensor. The bytes up to the first line's end are a name, the others
 * the file. What is accepted has a rank and a finite alpha, and gives every module a finite scale; the same name is read the same. */
#include "fuzz.h"
#include "model/adapter_config.h"
#include "model/adapter_name.h"
#include <math.h>

static void try_config(const char *text, size_t length, const char *part, const char *module) {
  mw_arena arena = {0};
  mw_adapter_config config;
  mw_error err;
  uint64_t rank;
  double scale;
  if (!mw_adapter_config_read("adapter_config.json", text, length, part, &arena, &config, &err)) REQUIRE(err.status == MW_DATA && err.text[0]);
  else {
    REQUIRE(config.rank >= 1 && config.rank <= 65536 && isfinite(config.alpha));
    if (mw_adapter_config_scale(&config, module, &rank, &scale, &err)) REQUIRE(rank >= 1 && rank <= 65536 && isfinite(scale));
    else REQUIRE(err.status == MW_DATA && strlen(module) > 1000);
  }
  mw_mem_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  const uint8_t *end = memchr(bytes, '\n', length);
  size_t name_length = end ? (size_t)(end - bytes) : length;
  mw_arena arena = {0};
  mw_adapter_name name;
  mw_error err;
  char *text = malloc(name_length + 1);
  REQUIRE(text != NULL);
  memcpy(text, bytes, name_length);
  text[name_length] = 0;
  if (mw_adapter_name_read(text, &arena, &name, &err)) {
    REQUIRE(name.part && name.module && strlen(name.module) <= name_length + 2 && name.role <= MW_ADAPTER_NAME_WHOLE);
    REQUIRE(name.role == MW_ADAPTER_NAME_WHOLE || name.role == MW_ADAPTER_NAME_ALPHA || mw_adapter_name_is_factor(text));
  } else REQUIRE(err.status == MW_DATA && err.text[0]);
  if (end) {
    try_config((const char *)end + 1, length - name_length - 1, NULL, text);
    try_config((const char *)end + 1, length - name_length - 1, "unet", text);
  }
  mw_mem_release(&arena);
  free(text);
  return 0;
}
