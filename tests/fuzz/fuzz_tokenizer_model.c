/* fuzz_tokenizer_model.c: a tokenizer.model (SentencePiece, Protocol Buffers) that is taken encodes any text, into ids that it has. */
#include "tokenized.h"

static size_t put(uint8_t *room, size_t at, uint8_t tag, const void *bytes, size_t length) {
  room[at] = tag;
  room[at + 1] = (uint8_t)length;
  memcpy(room + at + 2, bytes, length);
  return at + 2 + length;
}

/* A piece: text (field 1), score (2, a float), type (3). */
static size_t put_piece(uint8_t *room, size_t at, const char *text, float score, uint8_t type) {
  uint8_t piece[64];
  size_t n = put(piece, 0, 0x0a, text, strlen(text));
  piece[n++] = 0x15;
  memcpy(piece + n, &score, 4);
  n += 4;
  piece[n++] = 0x18, piece[n++] = type;
  return put(room, at, 0x0a, piece, n);
}

size_t fuzz_seed(unsigned number, uint8_t *room, size_t size) {
  if (number > 1 || size < 4096) return 0;
  size_t at = put_piece(room, 0, "<unk>", 0, 2);
  at = put_piece(room, at, "<s>", 0, 3);
  at = put_piece(room, at, "</s>", 0, 3);
  if (number) {
    for (unsigned i = 0; i < 256; i++) {
      char text[8];
      snprintf(text, sizeof text, "<0x%02X>", i);
      at = put_piece(room, at, text, 0, 6);
    }
  }
  at = put_piece(room, at, "\xe2\x96\x81", -1, 1);
  at = put_piece(room, at, "a", -2, 1);
  at = put_piece(room, at, "ab", -3, 1);
  at = put_piece(room, at, "user", 0, 4);
  /* trainer_spec (field 2): model_type (3) 2 is BPE, byte_fallback (35); normalizer_spec (field 3): name (1), add_dummy_prefix (3),
   * remove_extra_whitespaces (4), escape_whitespaces (5). */
  const uint8_t trainer[] = {0x18, 2, 0x98, 0x02, (uint8_t)number};
  const uint8_t normalizer[] = {0x0a, 8, 'i', 'd', 'e', 'n', 't', 'i', 't', 'y', 0x18, 1, 0x20, 0, 0x28, 1};
  at = put(room, at, 0x12, trainer, sizeof trainer);
  return put(room, at, 0x1a, normalizer, sizeof normalizer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  mw_tokenizer *tokenizer;
  mw_error err;
  if (mw_tokenizer_from_model("tokenizer.model", (const char *)bytes, length, &tokenizer, &err)) {
    encode(tokenizer, "");
    encode(tokenizer, "ab a\n\tuserb_ab \xc3\xa9\xe2\x82\xac aaaa 12'll");
    mw_tokenizer_free(tokenizer);
  } else REQUIRE((err.status == MW_DATA || err.status == MW_UNAVAILABLE) && err.text[0]);
  return 0;
}
