/* markup.c: the only place that escapes text for HTML. */
#include "report/markup.h"
#include <math.h>
#include <string.h>

void mw_markup_raw(mw_text *out, const char *html) { mw_text_add(out, html, strlen(html)); }

void mw_markup_line(mw_text *out, const char *line) {
  for (const char *c = line; *c; c++)
    switch (*c) {
    case '&': mw_markup_raw(out, "&amp;"); break;
    case '<': mw_markup_raw(out, "&lt;"); break;
    case '>': mw_markup_raw(out, "&gt;"); break;
    case '"': mw_markup_raw(out, "&quot;"); break;
    case '\'': mw_markup_raw(out, "&#39;"); break;
    default: mw_text_add(out, c, 1);
    }
}

void mw_markup_put(mw_text *out, const char *bytes, size_t length) {
  mw_text_escaped shown;
  mw_markup_line(out, mw_text_escape(&shown, bytes, length));
}

/* A line may be broken behind each `mark`. */
static void put_parts(mw_text *out, const char *bytes, size_t length, char mark) {
  mw_text_escaped shown;
  for (const char *part = mw_text_escape(&shown, bytes, length); *part;) {
    char *at = strchr(part, mark), kept = at ? at[1] : 0;
    if (at) at[1] = 0;
    mw_markup_line(out, part);
    if (!at) return;
    mw_markup_raw(out, "<wbr>");
    at[1] = kept;
    part = at + 1;
  }
}

void mw_markup_name(mw_text *out, const char *bytes, size_t length) { put_parts(out, bytes, length, '.'); }
void mw_markup_path(mw_text *out, const char *bytes, size_t length) { put_parts(out, bytes, length, '/'); }

void mw_markup_module(mw_text *out, const char *name) {
  size_t weight = mw_text_ends_with(name, ".weight") ? strlen(".weight") : 0;
  mw_markup_put(out, name, strlen(name) - weight);
}

void mw_markup_last(mw_text *out, const char *path) {
  size_t end = strlen(path), begin;
  while (end > 1 && path[end - 1] == '/') end--;
  for (begin = end; begin > 0 && path[begin - 1] != '/'; begin--) continue;
  mw_markup_put(out, path + begin, end - begin);
}

void mw_markup_number(mw_text *out, double value, bool percent) {
  const char *sign = value < 0 ? "\xe2\x88\x92" : "";
  if (isnan(value)) mw_markup_raw(out, "\xe2\x80\x93");
  else if (!percent) mw_text_format(out, "%s%.3f", fabs(value) < 0.0005 ? "" : sign, fabs(value));
  else if (value > 0 && value < 5e-5) mw_markup_raw(out, "&lt;0.01&#8201;%");
  else if (value >= 100) mw_text_format(out, "%.3g&#215;", value);
  else mw_text_format(out, "%.*f&#8201;%%", value >= 0.9995 ? 0 : value >= 0.0995 ? 1 : 2, 100 * value);
}
