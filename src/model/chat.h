/* chat.h: what makes a model answer in a chat and stop: its chat template, its end tokens, its settings for generation. They
 * lie in files beside the weights, and the output has the donor's, so what other models have otherwise is said before a merge. */
#ifndef MW_MODEL_CHAT_H
#define MW_MODEL_CHAT_H

#include "model/family.h"

/* Warns, an input a line, where a model's template (unless one was `chosen`), end tokens, tokenizer's settings or generation settings are
 * not the donor's, and names the options that would take them. A file that cannot be read says nothing. MW_MEMORY alone fails. */
bool mw_chat_compare(const mw_family *family, bool chosen, mw_warning *warnings, mw_error *err);
/* The template that `word` names: an input ("experts[1]", or as it was typed), a file, another model's folder, a name of
 * chat_templates.def, a template itself (it has a '{'), or "auto": the one that most inputs have, of equals the first input's, NULL
 * where none has one. The text goes into the arena. MW_USAGE where there is none. */
bool mw_chat_template(const mw_family *family, const char *word, mw_arena *arena, const char **text, mw_error *err);

#endif
