/* made.h: how an output was made, as sections of a page: everything here stands in its lock, which may come from anybody. */
#ifndef MW_PAGES_MADE_H
#define MW_PAGES_MADE_H

#include "output/record.h"

/* The lock as JSON, to be read beside the record. */
bool mw_made_open(const mw_record *record, mw_json *lock, mw_error *err);
/* The recipe in a sentence, its arguments, and what was drawn. */
bool mw_made_put_arguments(const mw_record *record, mw_json lock, mw_text *out, mw_error *err);
/* Where candidates were scored: the scores, over the number that each has drawn where it is one, else in their order. */
bool mw_made_put_scores(mw_json lock, mw_text *out, mw_error *err);
/* The inputs with the checksums of their files. */
void mw_made_put_inputs(const mw_record *record, mw_text *out);
/* How the output is verified and made again, and the texts of the recipe and of what it requires. */
bool mw_made_put_recipe(const mw_record *record, const char *output, mw_json lock, mw_text *out, mw_error *err);

#endif
