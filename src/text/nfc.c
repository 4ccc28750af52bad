/* nfc.c: the door of utf8proc, which decomposes and composes characters. Three things are done here:
 *   - Most text has nothing that NFC could change; such parts are copied.
 *   - The reference does not know characters that are younger than Unicode 9, and leaves them as they are. So the text is cut before
 *     and after each of them.
 *   - Combining marks are sorted here: utf8proc needs a time that grows with the square of their number. */
#include "text/nfc.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/ranges.h"
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static const mw_ranges_range later[] = {
#define MW_UNICODE_NEWER(first, last) {0x##first, 0x##last},
#include "text/unicode_newer.def"
#undef MW_UNICODE_NEWER
};

enum { FIRST_MARK = 0x300, MOST = 18 }; /* no character below FIRST_MARK is changed by NFC; a decomposition has at most MOST characters */

/* Characters of one run, which NFC may join or reorder. */
typedef struct run {
  utf8proc_int32_t *codes;
  size_t count, capacity;
} run;

/* Whether NFC does not change this character, nor join others across it. U+11A7 composes with nothing, but utf8proc would join it to
 * the Hangul syllable before it. */
static bool is_inert(uint32_t code) {
  return code < FIRST_MARK || code == 0x11a7 || mw_ranges_hold(later, sizeof later / sizeof *later, code);
}

static unsigned class_of(utf8proc_int32_t code) { return (unsigned)utf8proc_get_property(code)->combining_class; }

/* Stable counting sort of codes[first, end) by class, of which there are 256. */
static bool order(utf8proc_int32_t *codes, size_t count, mw_error *err) {
  size_t starts[257] = {0};
  utf8proc_int32_t *sorted = mw_mem_new(count, sizeof *sorted, err);
  if (!sorted) return false;
  for (size_t i = 0; i < count; i++) starts[class_of(codes[i]) + 1]++;
  for (size_t i = 1; i < 257; i++) starts[i] += starts[i - 1];
  for (size_t i = 0; i < count; i++) sorted[starts[class_of(codes[i])]++] = codes[i];
  memcpy(codes, sorted, count * sizeof *codes);
  free(sorted);
  return true;
}

static bool order_all(run *r, mw_error *err) {
  for (size_t i = 0, end; i < r->count; i = end) {
    bool sorted = true;
    end = i + 1;
    if (class_of(r->codes[i]) == 0) continue;
    for (; end < r->count && class_of(r->codes[end]) != 0; end++)
      sorted = sorted && class_of(r->codes[end - 1]) <= class_of(r->codes[end]);
    if (!sorted) MW_TRY(order(r->codes + i, end - i, err));
  }
  return true;
}

static bool finish(run *r, mw_text *out, mw_error *err) {
  MW_TRY(order_all(r, err));
  utf8proc_ssize_t n = utf8proc_normalize_utf32(r->codes, (utf8proc_ssize_t)r->count, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  for (utf8proc_ssize_t i = 0; i < n; i++) {
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t length = utf8proc_encode_char(r->codes[i], bytes);
    mw_text_add(out, (const char *)bytes, (size_t)length);
  }
  r->count = 0;
  return true;
}

static bool add(run *r, uint32_t code, mw_error *err) {
  int ignored = 0;
  MW_TRY(mw_mem_grow(&r->codes, &r->capacity, r->count + MOST, sizeof *r->codes, err));
  utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)code, r->codes + r->count, MOST,
                                               UTF8PROC_STABLE | UTF8PROC_DECOMPOSE, &ignored);
  if (n < 0 || n > MOST) return mw_error_set(err, MW_BUG, "utf8proc decomposes U+%04X into %ld characters", (unsigned)code, (long)n);
  r->count += (size_t)n;
  return true;
}

bool mw_nfc_add(const char *text, size_t length, mw_text *out, mw_error *err) {
  run r = {0};
  bool ok = true;
  size_t from = 0, at = 0, last = 0; /* text[from, last) will be copied unchanged; text[last, at) is the last character */
  while (ok && at < length) {
    uint32_t code, n = mw_utf8_decode(text + at, 4, &code);
    if (is_inert(code)) {
      last = at, at += n;
      continue;
    }
    /* The character before the run may be joined with it, also if it is below FIRST_MARK. */
    uint32_t before = 0;
    if (last < at && mw_utf8_decode(text + last, 4, &before) && before >= FIRST_MARK) last = at;
    mw_text_add(out, text + from, last - from);
    for (at = last; ok && at < length; at += n) {
      n = mw_utf8_decode(text + at, 4, &code);
      if (at > last && is_inert(code)) break;
      ok = add(&r, code, err);
    }
    ok = ok && finish(&r, out, err);
    from = last = at;
  }
  mw_text_add(out, text + from, length - from);
  free(r.codes);
  return ok && mw_text_check(out, err);
}

bool mw_nfc_is_word(uint32_t code) {
  if (code < 0x80) return code == '_' || (code >= '0' && code <= '9') || ((code | 0x20) >= 'a' && (code | 0x20) <= 'z');
  if (code == 0x200c || code == 0x200d) return true; /* the joiners */
  switch (utf8proc_category((utf8proc_int32_t)code)) {
  case UTF8PROC_CATEGORY_LU: case UTF8PROC_CATEGORY_LL: case UTF8PROC_CATEGORY_LT: case UTF8PROC_CATEGORY_LM: case UTF8PROC_CATEGORY_LO:
  case UTF8PROC_CATEGORY_MN: case UTF8PROC_CATEGORY_MC: case UTF8PROC_CATEGORY_ME: case UTF8PROC_CATEGORY_ND: case UTF8PROC_CATEGORY_NL:
  case UTF8PROC_CATEGORY_PC: return true;
  default: return (code >= 0x24b6 && code <= 0x24e9) || (code >= 0x1f130 && code <= 0x1f189 && code != 0x1f14a); /* letters in circles */
  }
}
