/* json_members.c: cuts the text of an object at the commas that are inside no string and no other container, and gives each part to
 * the strict scan as an object of its own: its separators are overwritten by brackets.
 *   {"a": [1, 2], "b": {"c": 3}}
 *   {"a": [1, 2]}               the first comma at this depth has become a bracket
 *               {"b": {"c": 3}} and then the other one
 * So the cutting need not be strict: what it cuts in a wrong place is no JSON. */
#include "format/json_members.h"
#include <stdlib.h>
#include <string.h>

enum { PIECE = 64 << 10 };

static bool refuse(const mw_json_members *m, mw_error *err) {
  mw_text_escaped path;
  return mw_error_set(err, MW_DATA, "%s: not JSON", mw_text_escape_z(&path, m->file->path));
}

/* Where the member ends that begins behind the separator at `from`: at its ',' or '}', or `length` if there is neither. */
static size_t end_of(const mw_json_members *m, size_t from) {
  size_t inside = 0;
  for (size_t i = from + 1; i < m->length; i++) {
    char c = m->bytes[i];
    if (c == '"') {
      for (i++; i < m->length && m->bytes[i] != '"'; i++)
        if (m->bytes[i] == '\\') i++;
    } else if (c == '{' || c == '[') inside++;
    else if (inside == 0 && (c == ',' || c == '}')) return i;
    else if ((c == '}' || c == ']') && inside-- == 0) break;
  }
  return m->length;
}

/* Moves what is left to the front and reads on behind it; what fills all of the piece gets one of twice the length. */
static bool read_on(mw_json_members *m, mw_error *err) {
  size_t left = m->length - m->next;
  if (m->next) memmove(m->bytes, m->bytes + m->next, left);
  m->next = 0;
  m->length = left;
  if (left == m->capacity) MW_TRY(mw_mem_grow(&m->bytes, &m->capacity, left ? 2 * left : PIECE, 1, err));
  uint64_t all = m->end - m->at;
  size_t n = all < m->capacity - left ? (size_t)all : m->capacity - left;
  MW_TRY(mw_file_read(m->file, m->at, m->bytes + left, n, err));
  m->at += n;
  m->length += n;
  return true;
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* The first bracket; spaces may be before it. */
static bool begin(mw_json_members *m, mw_error *err) {
  while (m->next == m->length && m->at < m->end) {
    MW_TRY(read_on(m, err));
    while (m->next < m->length && is_space(m->bytes[m->next])) m->next++;
  }
  return (m->next < m->length && m->bytes[m->next] == '{') || refuse(m, err);
}

/* Behind the last bracket nothing but spaces may be. */
static bool check_rest(mw_json_members *m, mw_error *err) {
  for (;;) {
    while (m->next < m->length && is_space(m->bytes[m->next])) m->next++;
    if (m->next < m->length) return refuse(m, err);
    if (m->at == m->end) return true;
    MW_TRY(read_on(m, err));
  }
}

bool mw_json_members_next(mw_json_members *m, mw_json *member, mw_error *err) {
  bool first = !m->bytes;
  size_t end;
  *member = (mw_json){0};
  if (m->ended) return check_rest(m, err);
  if (first) MW_TRY(begin(m, err));
  while ((end = end_of(m, m->next)) == m->length) {
    if (m->at == m->end) return refuse(m, err);
    MW_TRY(read_on(m, err));
  }
  char *text = m->bytes + m->next;
  size_t length = end - m->next + 1;
  m->ended = m->bytes[end] == '}';
  *text = '{';
  m->bytes[end] = '}';
  m->next = m->ended ? end + 1 : end;
  MW_TRY(mw_json_check(m->file->path, text, length, m->depth, member, err));
  mw_json_walk walk = mw_json_enter(*member);
  mw_json key, value;
  if (mw_json_next(&walk, &key, &value)) return true;
  if (!first || !m->ended) return refuse(m, err); /* nothing between two commas */
  return *member = (mw_json){0}, check_rest(m, err);
}

const char *mw_json_members_peek(const mw_json_members *m, size_t *length) {
  bool any = m->bytes && !m->ended && m->next + 1 < m->length;
  *length = any ? m->length - m->next - 1 : 0;
  return any ? m->bytes + m->next + 1 : NULL;
}

bool mw_json_members_pass(mw_json_members *m, size_t length) {
  size_t end = m->next + 1 + length;
  if (end >= m->length || (m->bytes[end] != ',' && m->bytes[end] != '}')) return false;
  m->ended = m->bytes[end] == '}';
  m->next = m->ended ? end + 1 : end;
  return true;
}

void mw_json_members_free(mw_json_members *m) { free(m->bytes); }
