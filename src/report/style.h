/* style.h: how our HTML pages look: one text for the page's <style>, for light and dark screens, wide and narrow. */
#ifndef MW_REPORT_STYLE_H
#define MW_REPORT_STYLE_H

extern const char mw_style_text[];

#endif
