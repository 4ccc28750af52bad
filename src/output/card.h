/* card.h: README.md of an output, with the front matter that the Hub reads, and the licences that inputs declare. */
#ifndef MW_OUTPUT_CARD_H
#define MW_OUTPUT_CARD_H

#include "output/side_files.h"

bool mw_card_compose(const mw_family *family, const mw_side_files_provenance *provenance, mw_warning *warnings, mw_text *out,
                     mw_error *err);

#endif
