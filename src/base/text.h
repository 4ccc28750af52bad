/* text.h: growing text, text from files or users made safe to print, and numbers as people type them. All text is UTF-8; nothing
 * here depends on the locale. */
#ifndef MW_BASE_TEXT_H
#define MW_BASE_TEXT_H

#include "base/error.h"

/* Growing text; a zeroed one is empty. `bytes` is NUL-terminated as soon as something was added. An addition that fails sets
 * `failed`, and later ones do nothing, so that only the end must be checked. */
typedef struct mw_text {
  char *bytes;
  size_t length, capacity;
  bool failed;
} mw_text;

void mw_text_add(mw_text *text, const char *bytes, size_t length);
void mw_text_format(mw_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A JSON string with quotes, escaped as the reference writer of safetensors does (formats: " \ and below 0x20). A byte that
 * is no UTF-8 becomes U+FFFD. */
void mw_text_json(mw_text *text, const char *bytes, size_t length);
/* A shape: "[2,3]", "[]" of a scalar. */
void mw_text_shape(mw_text *text, const uint64_t *dims, size_t rank);
/* A word as a POSIX shell takes it back: plain ones as they are, others in single quotes; what is no UTF-8 by printf. */
void mw_text_shell(mw_text *text, const char *word);
/* False with MW_MEMORY if any addition failed. */
bool mw_text_check(const mw_text *text, mw_error *err);
void mw_text_free(mw_text *text);

/* A text somewhere, not NUL-terminated. */
typedef struct mw_text_piece {
  const char *bytes;
  size_t length;
} mw_text_piece;

/* The next character of a text from a file or user, of which `length` bytes are left. Returns how many bytes it has. If it must not
 * be printed (a control character: C0, DEL, C1, a mark of writing direction; or a byte that is no UTF-8), `escaped` is what to
 * print instead, as "\x1b" or "\u202e"; else it is empty. */
size_t mw_text_character(const char *bytes, size_t length, char escaped[16]);
/* Whether the text can be printed unchanged. */
bool mw_text_is_plain(const char *bytes, size_t length);

/* Text from a file or user, made safe for a message: escaped by mw_text_character's rule, and cut to 200 bytes with "...". The result
 * is in `buffer`. */
typedef struct mw_text_escaped { char bytes[256]; } mw_text_escaped;
const char *mw_text_escape(mw_text_escaped *buffer, const char *bytes, size_t length);
const char *mw_text_escape_z(mw_text_escaped *buffer, const char *string);
/* Whether a character is one of these control characters, with which a text could change a terminal. */
bool mw_text_is_control(uint32_t code);

/* "123" -> 123; false unless all of it is digits within u64. */
bool mw_text_parse_u64(const char *bytes, size_t length, uint64_t *out);
/* Bytes, 1 to 9e18: "1000", "5GB", "1.5 GB", "4GiB", "1e9". GB is 10^9 and GiB 2^30; of the unit only the i must be small. */
bool mw_text_parse_size(const char *string, uint64_t *out);
/* A number in C syntax, in any locale. False unless the whole text is a number and it is finite. */
bool mw_text_parse_number(const char *string, double *out);
/* The shortest decimal text that reads back as the same double; returns buffer. */
const char *mw_text_number(char buffer[32], double value);
/* Bytes for people, in units as they are typed: "999 B", "1.07 GB"; returns buffer. */
const char *mw_text_size(char buffer[32], double bytes);

/* Edit distance of two words, at most `limit` + 1: for did-you-mean. Two letters that changed places are one edit. */
unsigned mw_text_distance(const char *a, const char *b, unsigned limit);
/* The most similar of `count` words, or NULL if none is similar. */
const char *mw_text_nearest(const char *word, const char *const *words, size_t count);

/* Whether two words are the same but for the case of ASCII letters. */
bool mw_text_is_same_word(const char *a, const char *b);
bool mw_text_ends_with(const char *string, const char *end);

/* Whether a pattern with `*`, `?` and `[abc]` matches the whole string. Takes at most pattern length x string length steps. */
bool mw_text_glob(const char *pattern, const char *string);
/* Renames `name` by a pair such as "first.*" -> "second.*": the i-th `*` of `to` becomes what the i-th `*` of `from` matched. No other
 * character is special. All but the last `*` match as little as possible. False: `from` does not match, or `to` has more `*`. */
bool mw_text_rename(const char *name, const char *from, const char *to, mw_text *out);

#endif
