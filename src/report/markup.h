/* markup.h: pieces of HTML. All text from a model's files or from the command line is made safe to show, and escaped, here. */
#ifndef MW_REPORT_MARKUP_H
#define MW_REPORT_MARKUP_H

#include "base/text.h"

/* Our own words, unchanged. */
void mw_markup_raw(mw_text *out, const char *html);
/* Text from elsewhere: by mw_text_escape, then escaped for HTML. */
void mw_markup_put(mw_text *out, const char *bytes, size_t length);
/* A tensor's name, which may be broken after its dots. */
void mw_markup_name(mw_text *out, const char *bytes, size_t length);
/* A tensor's name within its layer, without a ".weight" at its end. */
void mw_markup_module(mw_text *out, const char *name);
/* A path, or a text that may be one, which may be broken after its slashes. */
void mw_markup_path(mw_text *out, const char *bytes, size_t length);
/* The last part of a path. */
void mw_markup_last(mw_text *out, const char *path);
/* A line that is already safe to show: only escaped for HTML. */
void mw_markup_line(mw_text *out, const char *line);
/* A number for people, as it is or in per cent; NAN is a dash. */
void mw_markup_number(mw_text *out, double value, bool percent);

#endif
