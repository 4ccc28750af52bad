/* small_file.c: see small_file.h. */
#include "vocabulary/small_file.h"
#include "format/file.h"
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 64 << 20, DEEPEST = 64 };

bool mw_small_file_open(mw_small_file *file, const char *folder, const char *name, mw_error *err) {
  mw_arena arena = {0};
  mw_error broken = {0};
  *file = (mw_small_file){0};
  const char *path = mw_file_join(&arena, folder, name, err);
  bool ok = path && (!mw_file_exists(path) || mw_file_slurp(path, LARGEST, &file->bytes, &file->length, err));
  if (ok && file->bytes && (!mw_json_check(name, file->bytes, file->length, DEEPEST, &file->root, &broken) ||
                            file->root.kind != MW_JSON_OBJECT))
    mw_small_file_close(file);
  mw_mem_release(&arena);
  return ok && (broken.status != MW_MEMORY || mw_error_memory(err, LARGEST));
}

void mw_small_file_close(mw_small_file *file) {
  free(file->bytes);
  *file = (mw_small_file){0};
}

bool mw_small_file_edit(const mw_small_file *file, const char *name, const mw_config_edit_set *sets, size_t count, mw_arena *arena,
                        mw_tokenizer_files *files, mw_error *err) {
  const mw_config config = {.text = file->bytes, .plain = file->bytes, .length = file->length, .root = file->root};
  const mw_config_edit_list edits = {.sets = sets, .set_count = count};
  mw_text text = {0};
  if (!count) return true;
  bool ok = mw_config_edit(&config, &edits, &text, err);
  mw_tokenizer_files_splice edit = {.name = name, .size = file->length, .length = file->length, .text_length = text.length};
  ok = ok && (edit.text = mw_mem_copy(arena, text.bytes, text.length, err)) != NULL && mw_tokenizer_files_add(files, &edit, err);
  mw_text_free(&text);
  return ok;
}
