/* config_edit.h: edits of config.json in place: values that must change are replaced, and the rest of the file keeps its bytes, spaces
 * and order. */
#ifndef MW_MODEL_CONFIG_EDIT_H
#define MW_MODEL_CONFIG_EDIT_H

#include "base/json_writer.h"
#include "model/config.h"

/* A key, by the names of the objects that it lies in, and the value that it is to have, as JSON. For example
 * {"text_config", "num_hidden_layers"} and "48". Objects that are missing are made. */
typedef struct mw_config_edit_set {
  const char *const *path;
  size_t depth; /* of the path, at least 1 */
  const char *json; /* NULL: the key goes */
} mw_config_edit_set;

/* Whether one of the two keys is the other, or lies in it. */
bool mw_config_edit_same(const mw_config_edit_set *a, const mw_config_edit_set *b);

typedef struct mw_config_edit_list {
  const char *dtype; /* every dtype key (`torch_dtype`, `dtype`, nested ones too) says this, both are added where there is none;
                        NULL: they stay */
  bool untie;        /* tie_word_embeddings becomes false */
  bool plain;        /* without quantization_config unless it is null */
  const mw_config_edit_set *sets;
  size_t set_count;
} mw_config_edit_list;

/* The text of the file with these edits. Of two edits of one key the one in `sets` counts. */
bool mw_config_edit(const mw_config *config, const mw_config_edit_list *edits, mw_text *out, mw_error *err);
/* {"num_hidden_layers": 48}: what is set; keys of parts with a dot, "text_config.num_hidden_layers". */
void mw_config_edit_tell(const mw_config_edit_set *sets, size_t count, const char *key, mw_json_writer *json);

#endif
