/* pretokenizer.c: every component is read into some simple steps. Each piece that a step cuts off goes through all later steps at
 * once (push), so no lists of pieces are kept. */
#include "text/pretokenizer.h"
#include "base/utf8.h"
#include <string.h>

/* The pattern of GPT-2, which ByteLevel uses. */
static const char gpt2[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
static const char behaviors[] = "Isolated Removed MergedWithPrevious MergedWithNext Contiguous";

/* ---- reading ---- */

static bool add(mw_pretokenizer *p, const mw_option *option, mw_pretokenizer_step step) {
  if (p->count == MW_PRETOKENIZER_MOST) {
    mw_pattern_free(step.pattern);
    return mw_error_set(option->err, MW_UNAVAILABLE, "%s: more than %d steps", option->where, MW_PRETOKENIZER_MOST);
  }
  p->steps[p->count++] = step;
  return true;
}

static bool add_split(mw_pretokenizer *p, const mw_option *option, const char *regex, mw_pretokenizer_behavior behavior) {
  mw_pretokenizer_step step = {.kind = MW_PRETOKENIZER_SPLIT, .behavior = behavior};
  MW_TRY(mw_pattern_regex(regex, strlen(regex), &step.pattern, option->err));
  return add(p, option, step);
}

static bool read_bytes(mw_pretokenizer *p, const mw_option *option) {
  bool prefix, regex;
  MW_TRY(mw_option_only(option, "add_prefix_space trim_offsets use_regex"));
  MW_TRY(mw_option_flag(option, "add_prefix_space", true, &prefix) && mw_option_flag(option, "use_regex", true, &regex));
  mw_pretokenizer_step space = {.kind = MW_PRETOKENIZER_PREFIX, .mark = " ", .length = 1};
  if (prefix) MW_TRY(add(p, option, space));
  if (regex) MW_TRY(add_split(p, option, gpt2, MW_PRETOKENIZER_ISOLATED));
  return add(p, option, (mw_pretokenizer_step){.kind = MW_PRETOKENIZER_BYTES});
}

static bool read_metaspace(mw_pretokenizer *p, const mw_option *option) {
  enum { ALWAYS, NEVER, FIRST };
  mw_json old = mw_json_member(option->json, "add_prefix_space");
  const char *mark;
  size_t length;
  bool split, prefix;
  unsigned scheme;
  MW_TRY(mw_option_only(option, "replacement add_prefix_space prepend_scheme split str_rep"));
  MW_TRY(mw_option_text(option, "replacement", &mark, &length) && mw_option_flag(option, "split", true, &split) &&
         mw_option_flag(option, "add_prefix_space", true, &prefix) &&
         mw_option_word(option, "prepend_scheme", "always never first", ALWAYS, &scheme));
  size_t characters = 0;
  for (size_t i = 0; i < length; i++) characters += !mw_utf8_continues(mark[i]);
  if (characters != 1)
    return mw_option_refuse(option, "replacement", mw_json_member(option->json, "replacement"), "one character");
  if (old.kind == MW_JSON_TRUE && scheme == NEVER)
    return mw_option_refuse(option, "add_prefix_space", old, "false, as prepend_scheme is never");
  if (!prefix) scheme = NEVER;
  mw_pretokenizer_step step = {.kind = MW_PRETOKENIZER_SPACES, .mark = mark, .length = length, .first_only = scheme == FIRST};
  MW_TRY(add(p, option, step));
  step.kind = MW_PRETOKENIZER_PREFIX;
  if (scheme != NEVER) MW_TRY(add(p, option, step));
  if (!split) return true;
  step = (mw_pretokenizer_step){.kind = MW_PRETOKENIZER_SPLIT, .behavior = MW_PRETOKENIZER_WITH_NEXT};
  MW_TRY(mw_pattern_literal(mark, length, &step.pattern, option->err));
  return add(p, option, step);
}

static bool read_split(mw_pretokenizer *p, const mw_option *option) {
  mw_pretokenizer_step step = {.kind = MW_PRETOKENIZER_SPLIT};
  unsigned behavior;
  mw_json given = mw_json_member(option->json, "behavior");
  MW_TRY(mw_option_only(option, "pattern behavior invert"));
  if (given.kind != MW_JSON_STRING) return mw_option_refuse(option, "behavior", given, "a word");
  MW_TRY(mw_option_word(option, "behavior", behaviors, 0, &behavior));
  MW_TRY(mw_option_flag(option, "invert", false, &step.invert) && mw_pattern_read(option, &step.pattern));
  step.behavior = (mw_pretokenizer_behavior)behavior;
  return add(p, option, step);
}

static bool read_delimiter(mw_pretokenizer *p, const mw_option *option) {
  mw_pretokenizer_step step = {.kind = MW_PRETOKENIZER_SPLIT, .behavior = MW_PRETOKENIZER_REMOVED};
  const char *text;
  size_t length;
  MW_TRY(mw_option_only(option, "delimiter") && mw_option_text(option, "delimiter", &text, &length));
  MW_TRY(mw_pattern_literal(text, length, &step.pattern, option->err));
  return add(p, option, step);
}

bool mw_pretokenizer_read(mw_pretokenizer *p, const char *what, mw_json json, mw_arena *arena, mw_error *err) {
  mw_option option;
  mw_json list, part;
  bool each;
  if (json.kind == MW_JSON_END || json.kind == MW_JSON_NULL) return true;
  MW_TRY(mw_option_open(&option, what, json, NULL, arena, err));
  if (strcmp(option.type, "ByteLevel") == 0) return read_bytes(p, &option);
  if (strcmp(option.type, "Metaspace") == 0) return read_metaspace(p, &option);
  if (strcmp(option.type, "Split") == 0) return read_split(p, &option);
  if (strcmp(option.type, "CharDelimiterSplit") == 0) return read_delimiter(p, &option);
  if (strcmp(option.type, "WhitespaceSplit") == 0)
    return mw_option_only(&option, "") && add_split(p, &option, "\\s", MW_PRETOKENIZER_REMOVED);
  if (strcmp(option.type, "Digits") == 0)
    return mw_option_only(&option, "individual_digits") && mw_option_flag(&option, "individual_digits", false, &each) &&
           add_split(p, &option, "\\p{N}", each ? MW_PRETOKENIZER_ISOLATED : MW_PRETOKENIZER_CONTIGUOUS);
  if (strcmp(option.type, "Sequence") != 0) return mw_option_unknown(&option);
  MW_TRY(mw_option_only(&option, "pretokenizers") && mw_option_member(&option, "pretokenizers", MW_JSON_ARRAY, &list));
  for (mw_json_walk walk = mw_json_enter(list); mw_json_next(&walk, NULL, &part);)
    MW_TRY(mw_pretokenizer_read(p, what, part, arena, err));
  return true;
}

void mw_pretokenizer_free(mw_pretokenizer *p) {
  for (size_t i = 0; i < p->count; i++) {
    mw_pattern_free(p->steps[i].pattern);
    mw_text_free(&p->steps[i].scratch);
  }
}

/* ---- cutting ---- */

typedef struct run {
  mw_pretokenizer *pretokenizer;
  mw_pretokenizer_sink sink;
  void *context;
  mw_error *err;
} run;

static bool pass(const run *r, size_t step, const char *text, size_t length, bool first);

/* The last part of a split, which may still be joined with the next one. */
typedef struct pending {
  size_t begin, end;
  bool there, match; /* match: the last that was joined to it is one */
} pending;

static bool flush(const run *r, size_t step, const char *text, bool first, const pending *p) {
  if (!p->there || (p->match && r->pretokenizer->steps[step].behavior == MW_PRETOKENIZER_REMOVED)) return true;
  return pass(r, step + 1, text + p->begin, p->end - p->begin, first && p->begin == 0);
}

/* Takes a match, or the text between two matches. */
static bool fragment(const run *r, size_t step, const char *text, bool first, pending *p, size_t begin, size_t end, bool match) {
  bool join = false;
  if (r->pretokenizer->steps[step].invert) match = !match;
  switch (r->pretokenizer->steps[step].behavior) {
    case MW_PRETOKENIZER_WITH_PREVIOUS: join = match && !p->match; break;
    case MW_PRETOKENIZER_WITH_NEXT: join = p->match && !match; break;
    case MW_PRETOKENIZER_CONTIGUOUS: join = p->match == match; break;
    case MW_PRETOKENIZER_ISOLATED: case MW_PRETOKENIZER_REMOVED: break;
  }
  join = join && p->there;
  if (!join) MW_TRY(flush(r, step, text, first, p));
  *p = (pending){join ? p->begin : begin, end, true, match};
  return true;
}

static bool split(const run *r, size_t step, const char *text, size_t length, bool first) {
  mw_pattern *pattern = r->pretokenizer->steps[step].pattern;
  mw_pattern_walk walk = mw_pattern_enter(pattern, text, length);
  pending p = {0};
  size_t from = 0;
  for (bool found;; from = walk.end) {
    MW_TRY(mw_pattern_next(pattern, &walk, &found, r->err));
    if (!found) break;
    if (walk.begin > from) MW_TRY(fragment(r, step, text, first, &p, from, walk.begin, false));
    MW_TRY(fragment(r, step, text, first, &p, walk.begin, walk.end, true));
  }
  if (from < length) MW_TRY(fragment(r, step, text, first, &p, from, length, false));
  return flush(r, step, text, first, &p);
}

/* GPT-2 writes every byte as a printable character: bytes that are printable in Latin-1 as themselves, the others, in order, as
 * U+0100, U+0101 ... */
static bool put_bytes(mw_text *out, const char *text, size_t length, mw_error *err) {
  MW_TRY(mw_mem_grow(&out->bytes, &out->capacity, 2 * length, 1, err));
  for (size_t i = 0; i < length; i++) {
    unsigned b = (unsigned char)text[i], code = b;
    if (b <= 0x20) code = 0x100 + b;
    else if (b >= 0x7f && b <= 0xa0) code = 0x121 + (b - 0x7f);
    else if (b == 0xad) code = 0x143;
    out->length += mw_utf8_encode(code, out->bytes + out->length);
  }
  return true;
}

static void put_spaces(mw_text *out, const mw_pretokenizer_step *step, const char *text, size_t length) {
  for (const char *end = text + length, *space; text < end; text = space) {
    if (*text == ' ') {
      mw_text_add(out, step->mark, step->length);
      space = text + 1;
      continue;
    }
    if (!(space = memchr(text, ' ', (size_t)(end - text)))) space = end;
    mw_text_add(out, text, (size_t)(space - text));
  }
}

/* Sends the piece through this step and all later ones. */
static bool pass(const run *r, size_t at, const char *text, size_t length, bool first) {
  if (length == 0) return true;
  if (at == r->pretokenizer->count) return r->sink(r->context, text, length, r->err);
  mw_pretokenizer_step *step = &r->pretokenizer->steps[at];
  mw_text *scratch = &step->scratch;
  scratch->length = 0;
  switch (step->kind) {
    case MW_PRETOKENIZER_SPLIT: return split(r, at, text, length, first);
    case MW_PRETOKENIZER_BYTES: MW_TRY(put_bytes(scratch, text, length, r->err)); break;
    case MW_PRETOKENIZER_SPACES: put_spaces(scratch, step, text, length); break;
    case MW_PRETOKENIZER_PREFIX: {
      bool begins = length >= step->length && memcmp(text, step->mark, step->length) == 0;
      if (begins || (step->first_only && !first)) return pass(r, at + 1, text, length, first);
      mw_text_add(scratch, step->mark, step->length);
      mw_text_add(scratch, text, length);
      break;
    }
  }
  return mw_text_check(scratch, r->err) && pass(r, at + 1, scratch->bytes, scratch->length, first);
}

bool mw_pretokenizer_run(mw_pretokenizer *p, const char *text, size_t length, bool first, mw_pretokenizer_sink sink,
                         void *context, mw_error *err) {
  run r = {p, sink, context, err};
  return pass(&r, 0, text, length, first);
}
