/* adapter_pattern.c: the pattern is read from left to right, with the set of all places of the module that the part read so far
 * can end at. An atom moves every place of the set at once, so nothing is tried twice and no pattern takes long: `(a+)+$` and its
 * like are not even needed. Example: of "layers.12.q", the pattern `\d+\.q` begins at 0, 7 and 10 (behind the dots), is at 8 and 9
 * after `\d+`, at 10 after `\.`, and at 11, the end, after `q`. */
#include "model/adapter_pattern.h"
#include "base/text.h"
#include <string.h>

enum { MOST = 1000, DEEPEST = 8 };

/* on[i]: the part read so far can end before byte i of the module. */
typedef struct places { bool on[MOST + 1]; } places;

typedef struct matcher {
  const char *pattern, *at; /* at: what is read next */
  const char *module;
  size_t length; /* of the module */
  mw_error *err;
} matcher;

/* Which bytes an atom takes. */
typedef struct atom { bool takes[256]; } atom;

static bool refuse(const matcher *m) {
  mw_text_escaped shown;
  return mw_error_set(m->err, MW_DATA, "'%s' is a pattern that is not supported, from its character %zu on",
                      mw_text_escape_z(&shown, m->pattern), (size_t)(m->at - m->pattern) + 1);
}

static void take_range(atom *a, int first, int last) {
  for (int c = first; c <= last; c++) a->takes[c] = true;
}

/* `[a-z_0-9]`; without `^` and escapes. */
static bool read_class(matcher *m, atom *a) {
  for (m->at++; *m->at != ']'; m->at++) {
    int first = (unsigned char)m->at[0];
    if (!first || strchr("\\^[", first)) return refuse(m);
    bool range = m->at[1] == '-' && m->at[2] && m->at[2] != ']';
    if (range) m->at += 2;
    take_range(a, first, (unsigned char)*m->at);
  }
  m->at++;
  return true;
}

static bool read_atom(matcher *m, atom *a) {
  *a = (atom){0};
  int c = (unsigned char)*m->at;
  if (c == '[') return read_class(m, a);
  if (c == '.') take_range(a, 1, 255);
  else if (c == '\\' && m->at[1] == 'd') take_range(a, '0', '9'), m->at++;
  else if (c == '\\' && m->at[1] && strchr(".-_\\", m->at[1])) a->takes[(unsigned char)*++m->at] = true;
  else if (!strchr("\\^$*+?{}()|]", c)) a->takes[c] = true;
  else return refuse(m);
  m->at++;
  return true;
}

/* Moves every place over one byte that the atom takes; several times with `*` and `+`, perhaps not at all with `*` and `?`. */
static void move(matcher *m, const atom *a, char quantifier, places *p) {
  places moved = {0};
  bool again = quantifier == '*' || quantifier == '+';
  for (size_t i = 0; i < m->length; i++)
    if (a->takes[(unsigned char)m->module[i]] && (p->on[i] || (again && moved.on[i]))) moved.on[i + 1] = true;
  for (size_t i = 0; i <= m->length && (quantifier == '*' || quantifier == '?'); i++) moved.on[i] |= p->on[i];
  *p = moved;
}

static char read_quantifier(matcher *m) { return *m->at && strchr("*+?", *m->at) ? *m->at++ : 0; }

static bool read_alternatives(matcher *m, places *p, unsigned depth);

/* `(a|b)` or `(?:a|b)`, perhaps with `?` behind. */
static bool read_group(matcher *m, places *p, unsigned depth) {
  places before = *p;
  m->at += strncmp(m->at, "(?:", 3) == 0 ? 3 : 1;
  if (depth == DEEPEST) return refuse(m);
  MW_TRY(read_alternatives(m, p, depth + 1));
  if (*m->at != ')') return refuse(m);
  m->at++;
  if (*m->at == '?') {
    for (size_t i = 0; i <= m->length; i++) p->on[i] |= before.on[i];
    m->at++;
  }
  return !(*m->at && strchr("*+?{", *m->at)) || refuse(m);
}

static bool read_sequence(matcher *m, places *p, unsigned depth) {
  atom a;
  while (*m->at && *m->at != '|' && *m->at != ')') {
    if (*m->at == '(') MW_TRY(read_group(m, p, depth));
    else {
      MW_TRY(read_atom(m, &a));
      move(m, &a, read_quantifier(m), p);
      if (*m->at && strchr("*+?{", *m->at)) return refuse(m);
    }
    if (m->at[0] == '$' && !m->at[1]) m->at++; /* the end is the end in any case */
  }
  return true;
}

static bool read_alternatives(matcher *m, places *p, unsigned depth) {
  places from = *p, all = {0};
  for (;; m->at++) {
    *p = from;
    MW_TRY(read_sequence(m, p, depth));
    for (size_t i = 0; i <= m->length; i++) all.on[i] |= p->on[i];
    if (*m->at != '|') break;
  }
  *p = all;
  return true;
}

bool mw_adapter_pattern_match(const char *pattern, const char *module, bool *matches, mw_error *err) {
  matcher m = {.pattern = pattern, .at = pattern, .module = module, .length = strlen(module), .err = err};
  places p = {.on = {true}};
  mw_text_escaped shown;
  if (m.length > MOST || strlen(pattern) > MOST)
    return mw_error_set(err, MW_DATA, "'%s' is too long for a pattern or a module, at most %d bytes",
                        mw_text_escape_z(&shown, m.length > MOST ? module : pattern), MOST);
  if (*m.at == '^') m.at++;
  else
    for (size_t i = 0; i < m.length; i++) p.on[i + 1] = module[i] == '.';
  MW_TRY(read_alternatives(&m, &p, 0));
  *matches = p.on[m.length];
  return !*m.at || refuse(&m);
}
