/* json.h: reads JSON that may be hostile. One strict scan without recursion checks the whole text first: UTF-8, grammar, depth,
 * duplicate keys, no byte order mark, no trailing bytes. Then the text can be walked value by value; numbers keep their
 * spelling, so a u64 loses nothing. Nothing is allocated for a value. A very large object is read member by member, without its
 * whole text (json_members.h). */
#ifndef MW_FORMAT_JSON_H
#define MW_FORMAT_JSON_H

#include "base/mem.h"
#include "base/text.h"

typedef enum mw_json_kind {
  MW_JSON_END, /* no value: the end of what is walked */
  MW_JSON_OBJECT, MW_JSON_ARRAY, MW_JSON_STRING, MW_JSON_NUMBER, MW_JSON_TRUE, MW_JSON_FALSE, MW_JSON_NULL
} mw_json_kind;

/* A value in a checked text: `bytes[0, length)` is its text, with quotes or brackets. */
typedef struct mw_json {
  mw_json_kind kind;
  const char *bytes;
  size_t length;
} mw_json;

/* Checks the whole of `bytes` and returns its one value. `what` names the text in errors ("header", "config.json").
 * Errors are MW_DATA and say UTF-8, JSON, nesting or duplicate. Duplicate keys are found after unescaping. */
bool mw_json_check(const char *what, const char *bytes, size_t length, unsigned depth, mw_json *root, mw_error *err);

/* Walking a checked object or array. */
typedef struct mw_json_walk { const char *at, *end; } mw_json_walk;
mw_json_walk mw_json_enter(mw_json container);
/* The next member (key is a STRING) or element (key may be NULL); false at the end. */
bool mw_json_next(mw_json_walk *walk, mw_json *key, mw_json *value);
/* The member of that name; its kind is MW_JSON_END if there is none. */
mw_json mw_json_member(mw_json object, const char *name);

/* The member of that name, spelt without escapes, of an object whose text was not checked: only strings and brackets are followed,
 * which takes a fraction of the time. What it returns lies within the text, may be anything, and is given to mw_json_check before
 * it is used. For large documents of which a part is read, such as the vocabulary of tokenizer.json. */
mw_json mw_json_skim(mw_json object, const char *name);
/* The same, but the value's end is not looked for: its length reaches to the end of `object`. */
mw_json mw_json_skim_open(mw_json object, const char *name);
/* The next member of an unchecked object if it is plain: a string and an unsigned number of at most 15 digits. False for anything else;
 * then walk->at stands at the end, or at the '}' of an object that has ended. */
bool mw_json_skim_number(mw_json_walk *walk, mw_json *key, uint64_t *number);

/* Unescaped text of a STRING into the arena; *length counts bytes, since text may hold NUL. Fails only for memory or a
 * lone surrogate (MW_DATA "lone surrogate"). */
bool mw_json_string(mw_json string, mw_arena *arena, const char **text, size_t *length, mw_error *err);
/* Whether it is a STRING without a lone surrogate, so that mw_json_string can fail for memory only. */
bool mw_json_is_text(mw_json string);
/* Whether a STRING, unescaped, equals `text`. */
bool mw_json_equals(mw_json string, const char *text);
/* A NUMBER spelt as an unsigned integer within u64 (no sign, fraction or exponent). */
bool mw_json_u64(mw_json number, uint64_t *out);
/* A NUMBER as a double, in any locale. */
bool mw_json_double(mw_json number, double *out);

#endif
