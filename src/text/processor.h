/* processor.h: the `post_processor` of tokenizer.json: the tokens that are put before and after a text.
 * TemplateProcessing, ByteLevel (which moves offsets only), and Sequence of them. */
#ifndef MW_TEXT_PROCESSOR_H
#define MW_TEXT_PROCESSOR_H

#include "text/ids.h"
#include "text/option.h"

typedef struct mw_processor {
  mw_ids before, after; /* `before` from the text outwards */
} mw_processor;

/* `json` may be null or absent: then there are none. Free it also after a failure. */
bool mw_processor_read(mw_processor *processor, const char *what, mw_json json, mw_arena *arena, mw_error *err);
void mw_processor_free(mw_processor *processor);

#endif
