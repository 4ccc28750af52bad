/* card.h: README.md of an output, with the front matter that the Hub reads, and the licences that inputs declare. */
#ifndef MW_OUTPUT_CARD_H
#define MW_OUTPUT_CARD_H

#include "output/side_files.h"

/* The licence that a model's README.md names, or "" where it names none. False only for want of memory. */
bool mw_card_license(const mw_model *model, mw_arena *arena, const char **license, mw_error *err);
bool mw_card_compose(const mw_family_member *members, size_t count, const mw_side_files_provenance *provenance,
                     mw_warning *warnings, mw_text *out,
                     mw_error *err);

#endif
