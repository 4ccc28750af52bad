/* yaml.c: the door to libyaml. Its events become nodes: a stack holds the lists and mappings that are open, and the top of it takes
 * each node that ends. An anchor is remembered when its node has ended, so no alias can stand within what it names. */
#include "mergekit/yaml.h"
#include "base/text.h"
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { LONGEST = 256 << 10, DEEPEST = 64, MOST_NODES = 1 << 17, MOST_ANCHORS = 4096 };

typedef struct anchor {
  const char *name;
  const mw_yaml_node *node; /* NULL: it is still open */
} anchor;

typedef struct reading {
  const char *name; /* of the file, for messages */
  const char *text; /* `length` bytes */
  size_t length;
  mw_yaml *out;
  mw_yaml_node *open[DEEPEST];
  size_t open_anchor[DEEPEST]; /* 1 + its number, or 0 */
  size_t depth;
  anchor *anchors;             /* of this document */
  size_t anchor_count, anchor_capacity;
  mw_error *err;
} reading;

/* libyaml's reader knows the byte alone. */
static yaml_mark_t place_of(const reading *r, size_t byte) {
  yaml_mark_t at = {0};
  for (size_t i = 0; i < byte && i < r->length; i++) {
    bool end = r->text[i] == '\n';
    at.line += end;
    at.column = end ? 0 : at.column + (((unsigned char)r->text[i] & 0xC0) != 0x80);
  }
  return at;
}

static bool refuse(const reading *r, yaml_mark_t at, const char *what) {
  return mw_error_set(r->err, MW_DATA, "%s:%zu:%zu: %s", r->name, at.line + 1, at.column + 1, what);
}

/* "did not find expected '-' indicator, while parsing a block collection, which begins in line 3" */
static bool refuse_syntax(const reading *r, const yaml_parser_t *parser) {
  if (parser->error == YAML_MEMORY_ERROR) return mw_error_memory(r->err, LONGEST);
  bool reader = parser->error == YAML_READER_ERROR;
  yaml_mark_t at = reader ? place_of(r, parser->problem_offset) : parser->problem_mark;
  mw_text text = {0};
  mw_text_format(&text, "no YAML: %s", parser->problem ? parser->problem : "cannot be read");
  if (parser->context) mw_text_format(&text, ", %s", parser->context);
  if (parser->context && parser->context_mark.line < at.line)
    mw_text_format(&text, " which begins in line %zu", parser->context_mark.line + 1);
  if (mw_text_check(&text, r->err)) refuse(r, at, text.bytes);
  mw_text_free(&text);
  if (parser->problem_mark.index + 2 < r->length && strncmp(r->text + parser->problem_mark.index, "```", 3) == 0)
    return mw_error_hint(r->err, "lines of ``` belong to the page that the file was copied from: leave them out");
  return mw_error_hint(r->err, reader ? "a configuration is a text in UTF-8"
                                      : "members of one list or mapping stand in one column, and tabs indent nothing");
}

/* ---- nodes ---- */

static mw_yaml_node *new_node(const reading *r, mw_yaml_kind kind, const yaml_event_t *event) {
  mw_yaml_node *node = mw_mem_take(&r->out->arena, sizeof *node, r->err);
  if (!node) return NULL;
  *node = (mw_yaml_node){.kind = kind, .line = (unsigned)event->start_mark.line + 1, .column = (unsigned)event->start_mark.column + 1,
                         .size = 1, .before = r->out->last};
  return r->out->last = node;
}

static bool add_document(reading *r, const mw_yaml_node *node) {
  mw_yaml *out = r->out;
  if (node->kind == MW_YAML_TEXT && node->plain && !node->length) return true; /* an empty one */
  MW_TRY(mw_mem_grow(&out->documents, &out->capacity, out->count + 1, sizeof *out->documents, r->err));
  out->documents[out->count++] = node;
  return true;
}

/* Gives a node that is complete to the innermost open one. */
static bool add(reading *r, const mw_yaml_node *node, yaml_mark_t at) {
  if (!r->depth) return add_document(r, node);
  mw_yaml_node *to = r->open[r->depth - 1];
  to->size += node->size;
  if (to->size > MOST_NODES) return refuse(r, at, "more than 131072 members, aliases written out; a merge needs far fewer");
  MW_TRY(mw_mem_grow(&to->items, &to->capacity, to->count + 1, sizeof *to->items, r->err));
  to->items[to->count++] = node;
  return true;
}

/* ---- anchors ---- */

static bool begin_anchor(reading *r, const yaml_char_t *name, yaml_mark_t at, size_t *number) {
  *number = 0;
  if (!name) return true;
  if (r->anchor_count == MOST_ANCHORS) return refuse(r, at, "more than 4096 anchors");
  MW_TRY(mw_mem_grow(&r->anchors, &r->anchor_capacity, r->anchor_count + 1, sizeof *r->anchors, r->err));
  const char *copy = mw_mem_copy(&r->out->arena, (const char *)name, strlen((const char *)name), r->err);
  r->anchors[r->anchor_count] = (anchor){copy, NULL};
  *number = ++r->anchor_count;
  return copy != NULL;
}

static void end_anchor(reading *r, size_t number, const mw_yaml_node *node) {
  if (number) r->anchors[number - 1].node = node;
}

/* The last anchor of that name counts. */
static bool add_alias(reading *r, const yaml_event_t *event) {
  const char *name = (const char *)event->data.alias.anchor;
  for (size_t i = r->anchor_count; i-- > 0;) {
    if (strcmp(r->anchors[i].name, name) != 0) continue;
    if (!r->anchors[i].node) return refuse(r, event->start_mark, "an alias stands within what it names");
    return add(r, r->anchors[i].node, event->start_mark);
  }
  return refuse(r, event->start_mark, "an alias of an anchor that is not above it");
}

/* ---- events ---- */

/* Tags of YAML itself are what a value would be without them, but for !!str. Any other asks for an object of a program,
 * and !!binary for bytes. */
static bool check_tag(const reading *r, const yaml_char_t *tag, const yaml_event_t *event, bool *text) {
  static const char own[] = "tag:yaml.org,2002:";
  const char *name = (const char *)tag;
  *text = name && (strcmp(name, "!") == 0 || strcmp(name, "tag:yaml.org,2002:str") == 0);
  if (!name || *text) return true;
  const char *kind = strncmp(name, own, sizeof own - 1) == 0 ? name + sizeof own - 1 : NULL;
  if (kind && !strchr(kind, '/') && strcmp(kind, "binary") != 0) return true;
  return refuse(r, event->start_mark, "a tag that no configuration needs: values are texts, numbers, lists and mappings");
}

static bool take_text(reading *r, const yaml_event_t *event) {
  size_t number, length = event->data.scalar.length;
  bool tagged;
  mw_yaml_node *node = new_node(r, MW_YAML_TEXT, event);
  MW_TRY(node && check_tag(r, event->data.scalar.tag, event, &tagged));
  node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !tagged;
  node->length = length;
  if (memchr(event->data.scalar.value, 0, length)) return refuse(r, event->start_mark, "a NUL character within a text");
  MW_TRY(node->text = mw_mem_copy(&r->out->arena, (const char *)event->data.scalar.value, length, r->err));
  MW_TRY(begin_anchor(r, event->data.scalar.anchor, event->start_mark, &number));
  end_anchor(r, number, node);
  return add(r, node, event->start_mark);
}

static bool take_start(reading *r, mw_yaml_kind kind, const yaml_char_t *name, const yaml_char_t *tag, const yaml_event_t *event) {
  bool ignored;
  if (r->depth == DEEPEST) return refuse(r, event->start_mark, "more than 64 levels of lists and mappings");
  MW_TRY(check_tag(r, tag, event, &ignored) && begin_anchor(r, name, event->start_mark, &r->open_anchor[r->depth]));
  return (r->open[r->depth++] = new_node(r, kind, event)) != NULL;
}

static bool take_end(reading *r, const yaml_event_t *event) {
  mw_yaml_node *node = r->open[--r->depth];
  end_anchor(r, r->open_anchor[r->depth], node);
  return add(r, node, event->start_mark);
}

static bool take(reading *r, const yaml_event_t *event) {
  switch (event->type) {
  case YAML_DOCUMENT_START_EVENT: r->anchor_count = 0; return true;
  case YAML_SCALAR_EVENT: return take_text(r, event);
  case YAML_ALIAS_EVENT: return add_alias(r, event);
  case YAML_SEQUENCE_START_EVENT:
    return take_start(r, MW_YAML_LIST, event->data.sequence_start.anchor, event->data.sequence_start.tag, event);
  case YAML_MAPPING_START_EVENT:
    return take_start(r, MW_YAML_MAP, event->data.mapping_start.anchor, event->data.mapping_start.tag, event);
  case YAML_SEQUENCE_END_EVENT:
  case YAML_MAPPING_END_EVENT: return take_end(r, event);
  default: return true;
  }
}

bool mw_yaml_parse(const char *name, const char *text, size_t length, mw_yaml *out, mw_error *err) {
  bool marked = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0; /* by some editors */
  text += marked ? 3 : 0, length -= marked ? 3 : 0;
  reading r = {.name = name, .text = text, .length = length, .out = out, .err = err};
  yaml_parser_t parser;
  yaml_event_t event;
  *out = (mw_yaml){0};
  if (length > LONGEST) return mw_error_set(err, MW_DATA, "%s: %zu bytes, at most %d are read", name, length, LONGEST);
  if (!yaml_parser_initialize(&parser)) return mw_error_memory(err, LONGEST);
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
  yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
  bool ok = true, end = false;
  while (ok && !end) {
    if (!yaml_parser_parse(&parser, &event)) ok = refuse_syntax(&r, &parser);
    else {
      end = event.type == YAML_STREAM_END_EVENT;
      ok = take(&r, &event);
      yaml_event_delete(&event);
    }
  }
  yaml_parser_delete(&parser);
  free(r.anchors);
  return ok;
}

void mw_yaml_free(mw_yaml *yaml) {
  for (mw_yaml_node *node = yaml->last; node; node = node->before) free(node->items);
  free(yaml->documents);
  mw_mem_release(&yaml->arena);
  *yaml = (mw_yaml){0};
}
