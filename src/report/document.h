/* document.h: what every page of ours begins and ends with, and the parts that several pages have: one HTML file without scripts, which
 * may load nothing. Names of models are made safe here. */
#ifndef MW_REPORT_DOCUMENT_H
#define MW_REPORT_DOCUMENT_H

#include "base/text.h"
#include "base/warning.h"

/* How every page begins. A file that does not begin so is never replaced by a page. */
extern const char mw_document_mark[];

/* A model, or what else a page is about: "A" and where it lies; `colour` is a class of the style: "a", "b", "c". */
typedef struct mw_document_subject { const char *label, *colour, *where; } mw_document_subject;

/* All up to the title: "kjv and py" of the first `titled` subjects, then every subject with its path. `command`: "moonweld diff". */
void mw_document_begin(mw_text *out, const char *command, const mw_document_subject *subjects, size_t count, size_t titled);
/* The warnings, or where there are none, `well`. */
void mw_document_warnings(mw_text *out, const mw_warning *warnings, const char *well);
/* A box with a number, in a <dl class="tiles">. */
void mw_document_tile(mw_text *out, const char *label, double value, bool percent);
/* A heading, and a table that scrolls by itself; what is in it, <thead> and so on, follows until mw_document_end_table. */
void mw_document_begin_table(mw_text *out, const char *title, const char *id);
void mw_document_end_table(mw_text *out);
void mw_document_end(mw_text *out);

#endif
