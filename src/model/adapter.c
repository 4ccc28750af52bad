/* adapter.c: factors are known by the names that peft, kohya's scripts and LyCORIS give them. */
#include "model/adapter.h"
#include <string.h>

static const char *const marks[] = {"lora_A", "lora_B", "lora_a.", "lora_b.", "lora_down", "lora_up", "lora_embedding_A",
                                    "lora_embedding_B", "lora_magnitude_vector", ".hada_w1", ".hada_w2", ".lokr_w1", ".lokr_w2", ".oft_"};

bool mw_adapter_refuse(const char *shown, mw_error *err) {
  mw_error_set(err, MW_DATA, "%s: a LoRA (PEFT) adapter, not a model: its factors cannot be merged by themselves", shown);
  return mw_error_hint(err, "merge it into its base first (peft's merge_and_unload, then save_pretrained), and give what that makes");
}

/* Whether a name can have any of the marks; most have none of these. */
static bool is_suspect(const char *name) {
  return strstr(name, "lora_") || strstr(name, ".hada_") || strstr(name, ".lokr_") || strstr(name, ".oft_");
}

bool mw_adapter_check(const mw_model *model, mw_error *err) {
  mw_text_escaped file, name;
  for (size_t i = 0; i < model->tensor_count; i++)
    for (size_t m = 0; is_suspect(model->tensors[i].name) && m < sizeof marks / sizeof *marks; m++) {
      const mw_tensor *tensor = &model->tensors[i];
      if (!strstr(tensor->name, marks[m])) continue;
      mw_adapter_refuse(mw_text_escape_z(&file, mw_model_path(model, tensor)), err);
      return mw_error_wrap(err, "tensor '%.100s'", mw_text_escape_z(&name, tensor->name));
    }
  return true;
}
