/* NFC against a plain implementation over the tables that were measured from the reference: every code point alone, and
 * many texts of those that decompose, compose or reorder, old and young. */
#include "base/utf8.h"
#include "format/file.h"
#include "format/json.h"
#include "text/nfc.h"
#include "unit.h"
#include <stdlib.h>
#include <time.h>

enum { CODES = 0x110000, PAIRS = 4096 };

static unsigned char class_of[CODES];
static uint32_t parts[CODES][4];  /* full canonical decompositions, 0-terminated where shorter */
static uint32_t pairs[PAIRS][3];
static size_t pair_count;
static uint32_t interesting[1 << 14];
static size_t interesting_count;

static size_t numbers(mw_json list, uint64_t out[8]) {
  mw_json number;
  size_t count = 0;
  for (mw_json_walk walk = mw_json_enter(list); count < 8 && mw_json_next(&walk, NULL, &number);) mw_json_u64(number, &out[count++]);
  return count;
}

static void load(void) {
  char *bytes = NULL;
  size_t length = 0;
  mw_error err = {0};
  mw_json root = {0}, entry;
  uint64_t n[8];
  CHECK(mw_file_slurp("tests/data/tokenizers/unicode-tables.json", 1 << 20, &bytes, &length, &err));
  CHECK(mw_json_check("tables", bytes, length, 8, &root, &err));
  for (mw_json_walk walk = mw_json_enter(mw_json_member(root, "ccc")); mw_json_next(&walk, NULL, &entry);)
    for (uint64_t c = numbers(entry, n) == 3 ? n[0] : 1; c <= n[1]; c++) {
      class_of[c] = (unsigned char)n[2];
      interesting[interesting_count++] = (uint32_t)c;
    }
  for (mw_json_walk walk = mw_json_enter(mw_json_member(root, "decomposition")); mw_json_next(&walk, NULL, &entry);) {
    size_t count = numbers(entry, n);
    CHECK(count >= 2 && count <= 5);
    for (size_t i = 1; i < count; i++) parts[n[0]][i - 1] = interesting[interesting_count++] = (uint32_t)n[i];
    interesting[interesting_count++] = (uint32_t)n[0];
  }
  for (mw_json_walk walk = mw_json_enter(mw_json_member(root, "composition")); mw_json_next(&walk, NULL, &entry); pair_count++)
    for (size_t i = 0; i < numbers(entry, n) && i < 3; i++) pairs[pair_count][i] = (uint32_t)n[i];
  CHECK(interesting_count > 5000 && pair_count == 940);
  static const uint32_t more[] = {0x1100, 0x1112, 0x1161, 0x1175, 0x11a7, 0x11a8, 0x11c2, 0xac00, 0xac01, 0xac1c, 0xd7a3, 'a', 'e', 'o', ' ',
                                  0x5c8, 0x897, 0x8d3, 0x9fe, 0xd3b, 0xd3c, 0x1ac0, 0x1df6, 0x11930, 0x11935, 0x11938, 0x1193d, 0x113c2,
                                  0x113c9, 0x16d67, 0x16d63, 0x105d2, 0x1e130, 0x10ffff, 0x4e00, 0x1f600};
  for (size_t k = 0; k < 40; k++)
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) interesting[interesting_count++] = more[i];
  free(bytes);
}

/* ---- the plain implementation ---- */

static size_t decompose(uint32_t c, uint32_t out[4]) {
  size_t n = 0;
  if (c >= 0xac00 && c < 0xd7a4) {
    uint32_t s = c - 0xac00;
    out[n++] = 0x1100 + s / 588, out[n++] = 0x1161 + s % 588 / 28;
    if (s % 28) out[n++] = 0x11a7 + s % 28;
    return n;
  }
  if (!parts[c][0]) return out[0] = c, 1;
  while (n < 4 && parts[c][n]) out[n] = parts[c][n], n++;
  return n;
}

static uint32_t compose(uint32_t a, uint32_t b) {
  if (a >= 0x1100 && a < 0x1113 && b >= 0x1161 && b < 0x1176) return 0xac00 + (a - 0x1100) * 588 + (b - 0x1161) * 28;
  if (a >= 0xac00 && a < 0xd7a4 && (a - 0xac00) % 28 == 0 && b > 0x11a7 && b < 0x11c3) return a + b - 0x11a7;
  for (size_t i = 0; i < pair_count; i++)
    if (pairs[i][0] == a && pairs[i][1] == b) return pairs[i][2];
  return 0;
}

static size_t plain_nfc(const uint32_t *text, size_t length, uint32_t *out) {
  size_t n = 0, kept = 0;
  for (size_t i = 0; i < length; i++) {
    size_t first = n;
    n += decompose(text[i], out + n);
    for (size_t k = first; k < n; k++) /* each mark to its place */
      for (size_t j = k; j > 0 && class_of[out[j]] && class_of[out[j - 1]] > class_of[out[j]]; j--) {
        uint32_t swap = out[j];
        out[j] = out[j - 1], out[j - 1] = swap;
      }
  }
  size_t starter = SIZE_MAX;
  int last = -1; /* the class of the last character kept behind the starter */
  for (size_t i = 0; i < n; i++) {
    uint32_t c = out[i], joined = 0;
    if (starter != SIZE_MAX && (last < class_of[c] || last == -1)) joined = compose(out[starter], c);
    if (joined) {
      out[starter] = joined;
      continue;
    }
    last = class_of[c];
    if (class_of[c] == 0) starter = kept, last = -1;
    out[kept++] = c;
  }
  return kept;
}

/* ---- comparison ---- */

static bool agrees(const uint32_t *text, size_t length) {
  static mw_text found;
  uint32_t normal[256];
  char bytes[256], wanted[1024];
  size_t n = 0, m = 0;
  mw_error err;
  for (size_t i = 0; i < length; i++) n += mw_utf8_encode(text[i], bytes + n);
  size_t count = plain_nfc(text, length, normal);
  for (size_t i = 0; i < count; i++) m += mw_utf8_encode(normal[i], wanted + m);
  found.length = 0;
  return mw_nfc_add(bytes, n, &found, &err) && found.length == m && memcmp(found.bytes, wanted, m) == 0;
}

static void every_code_point(void) {
  size_t wrong = 0;
  for (uint32_t c = 0; c < CODES; c++)
    if (!(c >= 0xd800 && c < 0xe000) && !agrees(&c, 1) && wrong++ < 5) printf("U+%04X differs\n", (unsigned)c);
  CHECK(wrong == 0);
}

static void many_texts(void) {
  size_t wrong = 0;
  uint64_t state = 1;
  for (int round = 0; round < 100000; round++) {
    uint32_t text[10];
    size_t length = 2 + round % 9;
    for (size_t i = 0; i < length; i++) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      text[i] = interesting[(state >> 33) % interesting_count];
    }
    if (agrees(text, length) || wrong++ >= 5) continue;
    for (size_t i = 0; i < length; i++) printf("U+%04X ", (unsigned)text[i]);
    printf("differs\n");
  }
  CHECK(wrong == 0);
}

/* Marks in the worst order, a million of them: utf8proc's own sort would take minutes. */
static void hostile(void) {
  mw_text text = {0}, out = {0};
  mw_error err;
  for (int i = 0; i < 500000; i++) mw_text_add(&text, "\xcc\x81\xcc\xa3", 4); /* classes 230 and 220 */
  clock_t begun = clock();
  CHECK(mw_nfc_add(text.bytes, text.length, &out, &err) && out.length == text.length);
  CHECK((double)(clock() - begun) / CLOCKS_PER_SEC < 10);
  CHECK(memcmp(out.bytes, "\xcc\xa3\xcc\xa3", 4) == 0 && memcmp(out.bytes + out.length - 4, "\xcc\x81\xcc\x81", 4) == 0);
  mw_text_free(&text);
  mw_text_free(&out);
}

int main(void) {
  load();
  RUN(every_code_point());
  RUN(many_texts());
  RUN(hostile());
  UNIT_END();
}
