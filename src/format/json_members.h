/* json_members.h: the members of one large JSON object in a file, one after the other, with no more of it in memory than a piece of
 * the file and the longest member. A header of 100 MB is read so. */
#ifndef MW_FORMAT_JSON_MEMBERS_H
#define MW_FORMAT_JSON_MEMBERS_H

#include "format/file.h"
#include "format/json.h"

typedef struct mw_json_members {
  const mw_file *file;
  uint64_t at, end; /* what is not read yet of the object's text */
  unsigned depth;   /* the deepest nesting that is allowed, as in mw_json_check */
  /* The rest is zero at first. */
  char *bytes; /* [length]: a piece of the text, from the separator before the next member on */
  size_t length, capacity, next;
  bool ended;
} mw_json_members;

/* The next member, as an object {"key": value} that has no other; it is valid until the next call. Its kind is MW_JSON_END behind
 * the last one. Everything that mw_json_check asks of the whole text is checked, but not that no two members have one key: that is
 * for the caller, who keeps the keys. MW_DATA if the text is not good: mw_json_check of the whole text then tells where. */
bool mw_json_members_next(mw_json_members *members, mw_json *member, mw_error *err);
/* What has been read of the text behind the separator, unchecked, where a first member was taken already: a caller that knows how members
 * are mostly spelt may read one from it by itself, and passes over its `length` bytes. False if no separator follows there: then the next
 * one is taken as above. NULL if there is nothing. */
const char *mw_json_members_peek(const mw_json_members *members, size_t *length);
bool mw_json_members_pass(mw_json_members *members, size_t length);
void mw_json_members_free(mw_json_members *members);

#endif
