/* settings.h: the options of every merge, from text to mw_options, as options.def declares them. A value that is not understood is an
 * error that shows the word and says what is expected. */
#ifndef MW_CLI_SETTINGS_H
#define MW_CLI_SETTINGS_H

#include "base/option_table.h"

/* Sets an option that takes a value, or adds the value to its list. A list is allocated for `most` words by its first one. */
bool mw_settings_set(mw_options *options, const mw_option_table_row *row, const char *value, size_t most, mw_error *err);
/* Frees the lists. */
void mw_settings_free(mw_options *options);

#endif
