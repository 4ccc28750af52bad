/* document.c: the frame of a page. */
#include "report/document.h"
#include "moonweld.h"
#include "report/markup.h"
#include "report/style.h"
#include <string.h>

const char mw_document_mark[] = "<!doctype html>";

static void put_title(mw_text *out, const mw_document_subject *subjects, size_t titled, const char *before, const char *behind) {
  for (size_t i = 0; i < titled; i++) {
    if (i) mw_text_format(out, i + 1 < titled ? ", " : " %sand%s ", before, behind);
    mw_markup_last(out, subjects[i].where);
  }
}

void mw_document_begin(mw_text *out, const char *command, const mw_document_subject *subjects, size_t count, size_t titled) {
  mw_markup_raw(out, mw_document_mark);
  mw_markup_raw(out, "\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                     "<meta name=\"color-scheme\" content=\"light dark\">\n"
                     "<meta name=\"generator\" content=\"moonweld " MW_VERSION "\">\n"
                     "<meta http-equiv=\"Content-Security-Policy\" "
                     "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>");
  put_title(out, subjects, titled, "", "");
  mw_text_format(out, " \xc2\xb7 %s</title>\n<style>\n", command);
  mw_markup_raw(out, mw_style_text);
  mw_text_format(out, "</style>\n</head>\n<body>\n<main>\n<header>\n<p class=\"brand\">%s</p>\n<h1>", command);
  put_title(out, subjects, titled, "<span>", "</span>");
  mw_markup_raw(out, "</h1>\n<dl>\n");
  for (size_t i = 0; i < count; i++) {
    mw_text_format(out, "<div><dt class=\"%s\">", subjects[i].colour);
    mw_markup_put(out, subjects[i].label, strlen(subjects[i].label));
    mw_markup_raw(out, "</dt><dd>");
    mw_markup_path(out, subjects[i].where, strlen(subjects[i].where));
    mw_markup_raw(out, "</dd></div>\n");
  }
  mw_markup_raw(out, "</dl>\n</header>\n");
}

void mw_document_warnings(mw_text *out, const mw_warning *warnings, const char *well) {
  if (!warnings->count) {
    mw_text_format(out, "<p class=\"well\">%s</p>\n", well);
    return;
  }
  mw_markup_raw(out, "<section class=\"warnings\" aria-label=\"Warnings\">\n<ul>\n");
  for (size_t i = 0; i < warnings->count; i++) {
    mw_markup_raw(out, "<li>");
    mw_markup_line(out, warnings->lines[i]);
    mw_markup_raw(out, "</li>\n");
  }
  mw_markup_raw(out, "</ul>\n</section>\n");
}

void mw_document_tile(mw_text *out, const char *label, double value, bool percent) {
  mw_text_format(out, "<div><dt>%s</dt><dd>", label);
  mw_markup_number(out, value, percent);
  mw_markup_raw(out, "</dd></div>\n");
}

void mw_document_begin_table(mw_text *out, const char *title, const char *id) {
  mw_text_format(out,
                 "<section>\n<h2 id=\"%s\">%s</h2>\n<div class=\"scroll\" role=\"region\" aria-labelledby=\"%s\" tabindex=\"0\">\n"
                 "<table>\n",
                 id, title, id);
}

void mw_document_end_table(mw_text *out) { mw_markup_raw(out, "</table>\n</div>\n</section>\n"); }

void mw_document_end(mw_text *out) { mw_markup_raw(out, "<footer>moonweld " MW_VERSION "</footer>\n</main>\n</body>\n</html>\n"); }
