/* checksum.h: XXH3-128, for bytes that are counted as they are read and written: it finds every accident, as fast as memory can be
 * read. Against somebody who changes bytes on purpose SHA-256 helps (sha256.h). The same on every machine. */
#ifndef MW_BASE_CHECKSUM_H
#define MW_BASE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the canonical order of xxHash: printed byte by byte it is what `xxhsum -H2` prints. */
typedef struct mw_checksum { uint8_t bytes[16]; } mw_checksum;

mw_checksum mw_checksum_of(const void *bytes, size_t length);

/* The same of bytes that come in pieces. */
typedef struct mw_checksum_state { _Alignas(64) uint8_t opaque[640]; } mw_checksum_state;
void mw_checksum_begin(mw_checksum_state *state);
void mw_checksum_add(mw_checksum_state *state, const void *bytes, size_t length);
mw_checksum mw_checksum_end(const mw_checksum_state *state);

bool mw_checksum_same(mw_checksum a, mw_checksum b);
/* 32 lower-case hex digits and a NUL; returns `hex`. */
const char *mw_checksum_hex(mw_checksum checksum, char hex[33]);
/* The other way: false unless the text is just 32 lower-case hex digits. */
bool mw_checksum_parse(const char *text, size_t length, mw_checksum *out);

/* The same functions for one instruction set. */
typedef struct mw_checksum_form {
  mw_checksum (*of)(const void *bytes, size_t length);
  void (*begin)(mw_checksum_state *state);
  void (*add)(mw_checksum_state *state, const void *bytes, size_t length);
  mw_checksum (*end)(const mw_checksum_state *state);
} mw_checksum_form;
extern const mw_checksum_form mw_checksum_base, mw_checksum_avx2; /* the second one on x86-64 only */

#endif
