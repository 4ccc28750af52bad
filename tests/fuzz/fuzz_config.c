/* fuzz_config.c: a config that is read can be edited, and what comes out is one that is read the same. */
#include "model/config_edit.h"
#include "folder.h"
#include "model/config.h"
#include "format/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  mw_config config = {0}, again = {0};
  mw_error err;
  fuzz_put("config.json", bytes, length);
  if (mw_config_open(&config, fuzz_folder, &err)) {
    mw_text text = {0};
    REQUIRE(mw_config_edit(&config, &(mw_config_edit_list){"bfloat16", true, true, NULL, 0}, &text, &err));
    fuzz_put("config.json", text.bytes, text.length);
    REQUIRE(mw_config_open(&again, fuzz_folder, &err));
    REQUIRE(!strcmp(again.model_type, config.model_type) && again.layers == config.layers && again.hidden == config.hidden &&
            again.vocabulary == config.vocabulary && again.heads == config.heads && !again.tied);
    mw_config_close(&again);
    mw_text_free(&text);
  } else REQUIRE((err.status == MW_DATA || err.status == MW_MISSING) && err.text[0]);
  mw_config_close(&config);
  return 0;
}
