/* variances.c: a running variance has a number a channel, so all of them are few. */
#include "output/variances.h"
#include <stdlib.h>

static bool check(const mw_tensor *tensor, const unsigned char *bytes, mw_error *err) {
  size_t each = mw_dtype_size((mw_dtype)tensor->dtype), below = 0;
  uint64_t elements = mw_tensor_elements(tensor);
  double least = 0;
  for (uint64_t i = 0; i < elements; i++) {
    double value = mw_dtype_number((mw_dtype)tensor->dtype, bytes + i * each);
    below += value < 0;
    if (value < least) least = value;
  }
  if (!below) return true;
  mw_text_escaped name;
  mw_error_set(err, MW_DATA, "tensor '%s' of the result: %zu of %llu variances are below 0, the least %g",
               mw_text_escape_z(&name, tensor->name), below, (unsigned long long)elements, least);
  return mw_error_hint(err, "the merge goes beyond its models; a smaller scale or weight stays among them");
}

bool mw_variances_check(const mw_layout *layout, const char *folder, mw_error *err) {
  mw_arena arena = {0};
  bool ok = true;
  for (size_t i = 0; i < layout->count && ok; i++) {
    const mw_tensor *tensor = &layout->tensors[i];
    mw_file file;
    bool number = tensor->dtype == MW_DTYPE_F64 || tensor->dtype == MW_DTYPE_F32 || tensor->dtype == MW_DTYPE_BF16 ||
                  tensor->dtype == MW_DTYPE_F16;
    if (!number || !mw_text_ends_with(tensor->name, "running_var")) continue;
    size_t length = (size_t)mw_tensor_bytes(tensor);
    unsigned char *bytes = mw_mem_new(length, 1, err);
    const char *path = bytes ? mw_file_join(&arena, folder, layout->shards[tensor->file].name, err) : NULL;
    ok = path && mw_file_open(&file, path, err);
    if (ok) {
      ok = mw_file_read(&file, tensor->offset, bytes, length, err) && check(tensor, bytes, err);
      mw_file_close(&file);
    }
    free(bytes);
  }
  mw_mem_release(&arena);
  return ok;
}
