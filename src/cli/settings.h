/* settings.h: the options of every merge, from text to mw_options. A value that is not understood is an error that shows the word and
 * says what is expected. */
#ifndef MW_CLI_SETTINGS_H
#define MW_CLI_SETTINGS_H

#include "options.h"

/* Sets a COUNT, SIZE or SECONDS of options.def, whose range it has. */
bool mw_settings_number(mw_options_line *line, const char *name, const char *value, mw_error *err);
bool mw_settings_output(mw_options_line *line, const char *value, mw_error *err);
bool mw_settings_dtype(mw_options_line *line, const char *value, mw_error *err);
bool mw_settings_missing(mw_options_line *line, const char *value, mw_error *err);
bool mw_settings_nonfinite(mw_options_line *line, const char *value, mw_error *err);
bool mw_settings_tied(mw_options_line *line, const char *value, mw_error *err);
bool mw_settings_score(mw_options_line *line, const char *value, mw_error *err);
bool mw_settings_data(mw_options_line *line, const char *value, mw_error *err); /* one of several words */
bool mw_settings_donor(mw_options_line *line, const char *value, mw_error *err);
bool mw_settings_chat_template(mw_options_line *line, const char *value, mw_error *err);
bool mw_settings_allow(mw_options_line *line, const char *value, mw_error *err); /* likewise */
bool mw_settings_rename(mw_options_line *line, const char *value, mw_error *err); /* one of several words */
bool mw_settings_coefficients(mw_options_line *line, const char *value, mw_error *err);

#endif
