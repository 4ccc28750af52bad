/* ids.c: see ids.h. */
#include "ids.h"
#include "base/text.h"
#include <stdlib.h>
#include <string.h>

const char *ids_of(ids_reader *reader, const char *what, const char *bytes, size_t length, const char *text) {
  static mw_text shown;
  mw_tokenizer *tokenizer;
  mw_error err = {0};
  mw_ids ids = {0};
  char *copy = malloc(length ? length : 1);
  mw_text_free(&shown);
  mw_text_add(&shown, "", 0);
  if (length) memcpy(copy, bytes, length);
  bool ok = reader(what, copy, length, &tokenizer, &err);
  free(copy);
  if (ok) {
    ok = mw_tokenizer_encode(tokenizer, text, strlen(text), true, &ids, &err);
    mw_tokenizer_free(tokenizer);
  }
  for (size_t i = 0; ok && i < ids.count; i++) mw_text_format(&shown, i ? " %lu" : "%lu", (unsigned long)ids.ids[i]);
  if (!ok) mw_text_format(&shown, "%d: %s", (int)err.status, err.text);
  free(ids.ids);
  return shown.bytes;
}
