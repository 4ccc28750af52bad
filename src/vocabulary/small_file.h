/* small_file.h: a file of JSON beside a model, read whole, in which single members change. */
#ifndef MW_VOCABULARY_SMALL_FILE_H
#define MW_VOCABULARY_SMALL_FILE_H

#include "model/config_edit.h"
#include "vocabulary/tokenizer_files.h"

typedef struct mw_small_file {
  char *bytes; /* NULL: there is no such file, or it holds no JSON object */
  size_t length;
  mw_json root;
} mw_small_file;

/* FOLDER/NAME. Fails for memory, and where a file cannot be read; what is no JSON object is as good as absent. */
bool mw_small_file_open(mw_small_file *file, const char *folder, const char *name, mw_error *err);
void mw_small_file_close(mw_small_file *file);
/* The file with these members set, as an edit of the file. Nothing where there are none. */
bool mw_small_file_edit(const mw_small_file *file, const char *name, const mw_config_edit_set *sets, size_t count, mw_arena *arena,
                        mw_tokenizer_files *files, mw_error *err);

#endif
