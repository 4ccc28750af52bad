/* prompts.h: texts as prompts: each one is a window of its own, whole, behind the BOS token of its model's tokenizer, as chats begin.
 * For example "Write code" of a Llama is <s>, "Write", ... : 1 + its own tokens. */
#ifndef MW_TEXT_PROMPTS_H
#define MW_TEXT_PROMPTS_H

#include "base/text.h"
#include "text/dataset.h"

typedef struct mw_prompts mw_prompts;

/* Opens the tokenizer of a model's folder; which token is BOS, tokenizer_config.json or special_tokens_map.json says, else what the
 * tokenizer itself puts before a text. */
bool mw_prompts_open(const char *folder, mw_prompts **out, mw_error *err);
/* The texts as a data set called "prompts", a window each, of one id or more. `vocabulary`: as in a source of dataset.h. MW_DATA: a
 * text without a token, one that is not UTF-8, or an id beyond the vocabulary. */
bool mw_prompts_read(mw_prompts *prompts, const mw_text_piece *texts, size_t count, uint64_t vocabulary, mw_dataset **out, mw_error *err);
void mw_prompts_free(mw_prompts *prompts);

#endif
