/* protobuf.c: the wire format of https://protobuf.dev/programming-guides/encoding: each field is a number and a kind in one varint,
 * then a varint, 4 or 8 bytes, or a length and as many bytes. */
#include "text/protobuf.h"

static bool bad(const mw_protobuf *walk, const char *found, mw_error *err) {
  return mw_error_set(err, MW_DATA, "%s: no protobuf message: %s", walk->what, found);
}

mw_protobuf mw_protobuf_enter(const char *what, const void *bytes, size_t length) {
  const unsigned char *at = bytes;
  return (mw_protobuf){.at = at, .end = length ? at + length : at, .what = what};
}

static bool varint(mw_protobuf *walk, uint64_t *out, mw_error *err) {
  *out = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    if (walk->at == walk->end) return bad(walk, "it ends within a number", err);
    unsigned char byte = *walk->at++;
    if (shift == 63 && byte > 1) break;
    *out |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return bad(walk, "a number of more than 64 bits", err);
}

static bool fixed(mw_protobuf *walk, unsigned size, mw_error *err) {
  if ((size_t)(walk->end - walk->at) < size) return bad(walk, "it ends within a number", err);
  walk->number = 0;
  for (unsigned i = 0; i < size; i++) walk->number |= (uint64_t)*walk->at++ << (8 * i);
  return true;
}

bool mw_protobuf_next(mw_protobuf *walk, bool *found, mw_error *err) {
  uint64_t key, length;
  *found = walk->at != walk->end;
  if (!*found) return true;
  MW_TRY(varint(walk, &key, err));
  if (key >> 3 == 0 || key >> 3 > 0x1fffffff) return bad(walk, "a field number out of range", err);
  walk->field = (uint32_t)(key >> 3);
  walk->kind = (mw_protobuf_kind)(key & 7);
  switch (key & 7) {
    case MW_PROTOBUF_VARINT: return varint(walk, &walk->number, err);
    case MW_PROTOBUF_EIGHT: return fixed(walk, 8, err);
    case MW_PROTOBUF_FOUR: return fixed(walk, 4, err);
    case MW_PROTOBUF_BYTES:
      MW_TRY(varint(walk, &length, err));
      if (length > (uint64_t)(walk->end - walk->at)) return bad(walk, "a field that is longer than the message", err);
      walk->bytes = walk->at;
      walk->length = (size_t)length;
      walk->at += length;
      return true;
    default: return bad(walk, "a field of a kind that is not in use", err);
  }
}

bool mw_protobuf_is(const mw_protobuf *walk, mw_protobuf_kind kind, mw_error *err) {
  if (walk->kind == kind) return true;
  return mw_error_set(err, MW_DATA, "%s: field %u: found wire type %u, expected %u", walk->what, (unsigned)walk->field,
                      (unsigned)walk->kind, (unsigned)kind);
}
