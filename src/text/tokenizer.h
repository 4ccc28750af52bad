/* tokenizer.h: from text to token ids, exactly as the reference of each format: `tokenizer.json` (the tokenizers library 0.22,
 * byte-level and SentencePiece-style BPE) and `tokenizer.model` (SentencePiece 0.2, BPE). A feature that is not implemented is
 * refused by its name (MW_UNAVAILABLE), never skipped; a malformed file is MW_DATA. */
#ifndef MW_TEXT_TOKENIZER_H
#define MW_TEXT_TOKENIZER_H

#include "text/ids.h"

/* No file of a tokenizer is larger, none of its JSON is nested deeper. */
enum { MW_TOKENIZER_LARGEST = 256 << 20, MW_TOKENIZER_DEEPEST = 32 };

typedef struct mw_tokenizer mw_tokenizer;

/* `where` is a folder (its tokenizer.json, else its tokenizer.model) or one of these files: ".json" is the first form, any other
 * name the second. MW_MISSING if there is none. */
bool mw_tokenizer_open(const char *where, mw_tokenizer **out, mw_error *err);
/* The same from memory; `what` names the bytes in errors. */
bool mw_tokenizer_from_json(const char *what, const char *bytes, size_t length, mw_tokenizer **out, mw_error *err);
bool mw_tokenizer_from_model(const char *what, const char *bytes, size_t length, mw_tokenizer **out, mw_error *err);
void mw_tokenizer_free(mw_tokenizer *tokenizer);

/* Appends the ids of a text, which must be UTF-8 (MW_DATA if it is not). `special`: with the tokens that the
 * tokenizer puts before and after a text. Uses memory inside the tokenizer: one call at a time. */
bool mw_tokenizer_encode(mw_tokenizer *tokenizer, const char *text, size_t length, bool special, mw_ids *out, mw_error *err);

/* The ids of a text behind the text of a special token (NULL: none), without others. No space begins a text that something stands
 * before. */
bool mw_tokenizer_encode_behind(mw_tokenizer *tokenizer, const char *token, const char *text, size_t length, mw_ids *out, mw_error *err);

/* One more than the greatest id, added tokens and those of the template included. */
uint32_t mw_tokenizer_count(const mw_tokenizer *tokenizer);

#endif
