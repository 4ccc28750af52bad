/* tokenizer_files.h: which files of a tokenizer must say something else in the output, since tokens were added to it or have no row:
 * tokenizer.json with its added tokens, tokenizer_config.json, special_tokens_map.json, added_tokens.json. All other bytes stay. */
#ifndef MW_VOCABULARY_TOKENIZER_FILES_H
#define MW_VOCABULARY_TOKENIZER_FILES_H

#include "vocabulary/output_vocabulary.h"

/* In the file `name`, which then had `size` bytes, `text` goes in the place of the `length` bytes from `at` on. */
typedef struct mw_tokenizer_files_splice {
  const char *name, *text;
  size_t size, at, length, text_length;
} mw_tokenizer_files_splice;

typedef struct mw_tokenizer_files {
  const char *folder; /* whose tokenizer the output has, in the place of the donor's; NULL: the donor's own */
  mw_tokenizer_files_splice *edits;
  size_t count, capacity;
} mw_tokenizer_files;

/* Whether a file of this name belongs to a tokenizer: tokenizer.json, merges.txt, special_tokens_map.json ... */
bool mw_tokenizer_files_is(const char *name);
/* Adds the edits of the tokenizer's own files, in `folder`. */
bool mw_tokenizer_files_rewrite(mw_tokenizer_files *files, const char *folder, const mw_output_vocabulary *vocabulary, mw_arena *arena,
                                mw_warning *warnings, mw_error *err);
/* Adds an edit. */
bool mw_tokenizer_files_add(mw_tokenizer_files *files, const mw_tokenizer_files_splice *edit, mw_error *err);
/* Makes the edit of a file, if there is one: *bytes (of malloc) is replaced. MW_CHANGED if it has another size than before. */
bool mw_tokenizer_files_edit(const mw_tokenizer_files *files, const char *name, char **bytes, size_t *length, mw_error *err);
void mw_tokenizer_files_free(mw_tokenizer_files *files);

#endif
