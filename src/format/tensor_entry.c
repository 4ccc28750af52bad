/* tensor_entry.c: from the first byte to the last, each looked at once; the first that is unusual ends it. */
#include "format/tensor_entry.h"
#include <string.h>

typedef struct cursor {
  const char *at, *end;
} cursor;

/* Passes `sign`, and one space behind it. */
static bool pass(cursor *c, char sign) {
  if (c->at == c->end || *c->at != sign) return false;
  c->at++;
  if (c->at < c->end && *c->at == ' ') c->at++;
  return true;
}

/* Passes "word": with its quotes and colon. */
static bool pass_key(cursor *c, const char *word, size_t length) {
  if ((size_t)(c->end - c->at) < length || memcmp(c->at, word, length) != 0) return false;
  c->at += length;
  return pass(c, ':');
}
#define PASS_KEY(c, word) pass_key(c, "\"" word "\"", sizeof word + 1)

/* A text of characters that stand for themselves, all of ASCII. */
static bool read_text(cursor *c, const char **text, size_t *length) {
  if (c->at == c->end || *c->at != '"') return false;
  const char *first = ++c->at;
  while (c->at < c->end && *c->at != '"' && *c->at != '\\' && *c->at >= 0x20) c->at++; /* other bytes of UTF-8 are negative */
  if (c->at == c->end || *c->at != '"') return false;
  *text = first;
  *length = (size_t)(c->at++ - first);
  return true;
}

static bool read_number(cursor *c, uint64_t *number) {
  const char *first = c->at;
  uint64_t sum = 0;
  for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
    if (__builtin_mul_overflow(sum, 10u, &sum) || __builtin_add_overflow(sum, (uint64_t)(*c->at - '0'), &sum)) return false;
  *number = sum;
  return c->at > first && (*first != '0' || c->at == first + 1);
}

/* A list of at most `most` numbers. */
static bool read_numbers(cursor *c, uint64_t *numbers, unsigned most, unsigned *count, mw_json *spelt) {
  const char *first = c->at;
  *count = 0;
  if (c->at == c->end || *c->at != '[') return false;
  c->at++;
  if (c->at < c->end && *c->at != ']')
    do {
      if (*count == most || !read_number(c, &numbers[(*count)++])) return false;
    } while (pass(c, ','));
  if (c->at == c->end || *c->at != ']') return false;
  c->at++;
  *spelt = (mw_json){MW_JSON_ARRAY, first, (size_t)(c->at - first)};
  return true;
}

size_t mw_tensor_entry_read(const char *text, size_t length, mw_tensor_entry *out) {
  cursor c = {text, text + length};
  const char *dtype;
  size_t dtype_length;
  unsigned two;
  bool usual = read_text(&c, &out->name, &out->name_length) && out->name_length > 0 && out->name_length <= MW_TENSOR_ENTRY_NAME &&
               pass(&c, ':') && c.at < c.end && *c.at++ == '{' && PASS_KEY(&c, "dtype") && read_text(&c, &dtype, &dtype_length) &&
               mw_dtype_parse(dtype, dtype_length, &out->dtype) && pass(&c, ',') && PASS_KEY(&c, "shape") &&
               read_numbers(&c, out->dims, MW_TENSOR_ENTRY_DIMS, &out->rank, &out->shape) && pass(&c, ',') &&
               PASS_KEY(&c, "data_offsets") && read_numbers(&c, out->offsets, 2, &two, &out->data_offsets) && two == 2 &&
               c.at < c.end && *c.at++ == '}';
  return usual ? (size_t)(c.at - text) : 0;
}
