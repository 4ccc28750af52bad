/* prediction_layers.c: layers of multi-token prediction, by the keys of depth_keys.def and by names. */
#include "model/prediction_layers.h"
#include "model/layer_name.h"
#include <string.h>

static const char *const keys[] = {
#define MW_DEPTH_FURTHER(key) #key,
#include "model/depth_keys.def"
};

const char *mw_prediction_layers_key(mw_json key) {
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (mw_json_equals(key, keys[i])) return keys[i];
  return NULL;
}

static bool number_in(mw_json object, const char *key, uint64_t *number) {
  mw_json value = mw_json_member(object, key);
  return value.kind == MW_JSON_NUMBER && mw_json_u64(value, number);
}

uint64_t mw_prediction_layers_count(mw_json object) {
  uint64_t count = 0;
  for (size_t i = 0; i < sizeof keys / sizeof *keys && !count; i++)
    if (!number_in(object, keys[i], &count)) count = 0;
  return count;
}

bool mw_prediction_layers_is(mw_json object, uint64_t layer) {
  uint64_t counted;
  return number_in(object, "num_hidden_layers", &counted) && layer >= counted && layer - counted < mw_prediction_layers_count(object);
}

bool mw_prediction_layers_named(const char *name) {
  for (const char *part = name; part; part = strchr(part, '.'), part += part != NULL)
    if (strncmp(part, "mtp", 3) == 0 || strncmp(part, "nextn", 5) == 0) return true;
  return false;
}

bool mw_prediction_layers_has(mw_json object, const char *tensor) {
  mw_layer_name place;
  if (mw_prediction_layers_named(tensor)) return true;
  return mw_layer_name_read(tensor, &place) && mw_prediction_layers_is(object, place.layer);
}
