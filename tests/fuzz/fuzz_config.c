/* fuzz_config.c: a config that is read can be edited, and what comes out is one that is read the same; with keys that are set or left out,
 * too, it says what they are to be. */
#include "model/config_edit.h"
#include "folder.h"
#include "model/config.h"
#include "format/file.h"

static bool says(mw_json value, const char *json) { return value.length == strlen(json) && memcmp(value.bytes, json, value.length) == 0; }

static void check_set(const mw_config *config) {
  static const char *const paths[][2] = {{"num_hidden_layers"}, {"text_config", "vocab_size"}, {"layer_types"}, {"text_config", "dtype"}};
  const mw_config_edit_set sets[] = {{paths[0], 1, "48"}, {paths[1], 2, "49"}, {paths[2], 1, NULL}, {paths[3], 2, NULL}};
  mw_text text = {0};
  mw_config again = {0};
  mw_error err;
  REQUIRE(mw_config_edit(config, &(mw_config_edit_list){"float16", false, true, sets, sizeof sets / sizeof *sets}, &text, &err));
  fuzz_put("config.json", text.bytes, text.length);
  REQUIRE(mw_config_open(&again, fuzz_folder, &err));
  const mw_json part = mw_json_member(again.root, "text_config");
  REQUIRE(says(mw_json_member(again.root, "num_hidden_layers"), "48") && says(mw_json_member(part, "vocab_size"), "49"));
  REQUIRE(mw_json_member(again.root, "layer_types").kind == MW_JSON_END && mw_json_member(part, "dtype").kind == MW_JSON_END);
  mw_config_close(&again);
  mw_text_free(&text);
}

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
    check_set(&config);
    mw_config_close(&again);
    mw_text_free(&text);
  } else REQUIRE((err.status == MW_DATA || err.status == MW_MISSING) && err.text[0]);
  mw_config_close(&config);
  return 0;
}
