/* protobuf.h: a walk over a message of Protocol Buffers that may be hostile: its fields in order, with bounds checked. Only what
 * SentencePiece models use: no groups. */
#ifndef MW_TEXT_PROTOBUF_H
#define MW_TEXT_PROTOBUF_H

#include "base/error.h"

typedef enum mw_protobuf_kind { MW_PROTOBUF_VARINT, MW_PROTOBUF_EIGHT, MW_PROTOBUF_BYTES, MW_PROTOBUF_FOUR = 5 } mw_protobuf_kind;

typedef struct mw_protobuf {
  const unsigned char *at, *end;
  const char *what; /* names the message in errors */
  /* The field that was read last. */
  uint32_t field;
  mw_protobuf_kind kind;
  uint64_t number;            /* VARINT; FOUR and EIGHT: the bits */
  const unsigned char *bytes; /* BYTES */
  size_t length;
} mw_protobuf;

mw_protobuf mw_protobuf_enter(const char *what, const void *bytes, size_t length);
/* The next field; *found is false at the end. MW_DATA if the bytes are not a message. */
bool mw_protobuf_next(mw_protobuf *walk, bool *found, mw_error *err);
/* MW_DATA unless the field that was read last has this kind. */
bool mw_protobuf_is(const mw_protobuf *walk, mw_protobuf_kind kind, mw_error *err);

#endif
