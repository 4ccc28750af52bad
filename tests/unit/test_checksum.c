/* test_checksum.c: XXH3-128 against the answers of xxHash's own tests, whole and in pieces. */
#include "base/checksum.h"
#include "unit.h"
#include <stdlib.h>

enum { MOST = 2367 };

/* The bytes that xxHash's tests make. */
static void fill(unsigned char *bytes, size_t length) {
  uint64_t generator = UINT64_C(2654435761);
  for (size_t i = 0; i < length; i++, generator *= UINT64_C(11400714785074694797)) bytes[i] = (unsigned char)(generator >> 56);
}

static void check_answers(const unsigned char *bytes) {
  static const struct { size_t length; const char *hex; } answers[] = {
    { 0, "99aa06d3014798d86001c324468d497f" },    { 1, "a6cd5e9392000f6ac44bdff4074eecdb" },
    { 6, "082afe0b8162d12a3e7039bdda43cfc6" },    { 12, "6e3efd8fc7802b18061a192713f69ad9" },
    { 24, "0ce966e4678d37611e7044d28b1b901d" },   { 48, "a002ac4e5478227ef942219aed80f67b" },
    { 81, "4952f58181ab00425e8bafb9f95fb803" },   { 222, "337e09641b948717f1aebd597cec6b3a" },
    { 403, "1b6de21e332dd73dcdeb804d65c6dea4" },  { 512, "18d2d110dcc9bca1617e49599013cb6b" },
    { 2048, "f736557fd47073a5dd59e2c3a5f038e0" }, { 2240, "ccb134fbfa7ce49d6e73a90539cf2948" },
    { 2367, "e89c0f6ff369b427cb37aeb9e5d361ed" },
  };
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
    char hex[33];
    CASE("the answer for %zu bytes", answers[i].length);
    CHECK_TEXT(mw_checksum_hex(mw_checksum_of(bytes, answers[i].length), hex), answers[i].hex);
  }
}

static void check_pieces(const unsigned char *bytes) {
  mw_checksum whole = mw_checksum_of(bytes, MOST);
  for (size_t step = 1; step < MOST; step += 97) {
    mw_checksum_state state;
    mw_checksum_begin(&state);
    for (size_t at = 0; at < MOST; at += step) mw_checksum_add(&state, bytes + at, MOST - at < step ? MOST - at : step);
    CHECK(mw_checksum_same(mw_checksum_end(&state), whole));
  }
}

static void check_a_changed_bit(unsigned char *bytes) {
  mw_checksum whole = mw_checksum_of(bytes, MOST);
  for (size_t at = 0; at < MOST; at++) {
    bytes[at] ^= 1;
    CHECK(!mw_checksum_same(mw_checksum_of(bytes, MOST), whole));
    bytes[at] ^= 1;
  }
}

static void check_text(const unsigned char *bytes) {
  char hex[33];
  mw_checksum sum = mw_checksum_of(bytes, 5), back;
  mw_checksum_hex(sum, hex);
  CHECK(mw_checksum_parse(hex, 32, &back) && mw_checksum_same(sum, back));
  CHECK(!mw_checksum_parse(hex, 31, &back));
  hex[7] = 'g';
  CHECK(!mw_checksum_parse(hex, 32, &back));
  hex[7] = 'A';
  CHECK(!mw_checksum_parse(hex, 32, &back));
  hex[7] = 0;
  CHECK(!mw_checksum_parse(hex, 32, &back));
}

/* Whatever this machine chooses, the form for all of them gives the same. */
static void check_forms(const unsigned char *bytes) {
  for (size_t length = 0; length <= MOST; length++)
    CHECK(mw_checksum_same(mw_checksum_of(bytes, length), mw_checksum_base.of(bytes, length)));
}

int main(void) {
  unsigned char bytes[MOST];
  fill(bytes, MOST);
  check_answers(bytes);
  RUN(check_pieces(bytes));
  RUN(check_a_changed_bit(bytes));
  RUN(check_forms(bytes));
  RUN(check_text(bytes));
  UNIT_END();
}
