/* json_writer.c: cJSON builds the trees and prints them without spaces; its text is then copied into the layout of the writer
 * (compact, lines, indented). Memory is checked in few places: for every item when it is added, and when a tree is printed. */
#include "base/json_writer.h"
#include "base/mem.h"
#include "base/utf8.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 64 << 10 };

typedef struct mw_json_writer_level {
  cJSON *item; /* the container; NULL if it is streamed */
  bool list;
  bool filled; /* streamed, it has an element */
} level;

static bool is_stopped(const mw_json_writer *w) { return w->failed || w->refused; }
static mw_text *text_of(mw_json_writer *w) { return w->out ? w->out : &w->piece; }

/* ---- layout ---- */

/* A container is spread over lines if so many are around it. */
static bool is_spread(const mw_json_writer *w, size_t around) {
  return w->layout == MW_JSON_WRITER_INDENTED || (w->layout == MW_JSON_WRITER_LINES && around == 0);
}

static void begin_line(mw_json_writer *w) {
  mw_text_add(text_of(w), "\n", 1);
  for (size_t i = 0; i < w->indent && w->layout == MW_JSON_WRITER_INDENTED; i++) mw_text_add(text_of(w), "  ", 2);
}

static void add_escape(mw_text *out, uint32_t code) {
  if (code < 0x10000) mw_text_format(out, "\\u%04x", (unsigned)code);
  else mw_text_format(out, "\\u%04x\\u%04x", (unsigned)(0xd800 + ((code - 0x10000) >> 10)), (unsigned)(0xdc00 + (code & 0x3ff)));
}

/* Adds a string that cJSON has printed, with quotes, '\' and control characters escaped. Returns the place after it. */
static const char *lay_out_string(mw_json_writer *w, const char *at) {
  const char *begin = at++;
  while (*at != '"') {
    uint32_t code = ' ';
    size_t n = *at == '\\' ? 2 : (unsigned char)*at < 0x7f ? 1 : mw_utf8_decode(at, 4, &code);
    if ((w->ascii && code > '~') || mw_text_is_control(code)) {
      mw_text_add(text_of(w), begin, (size_t)(at - begin));
      add_escape(text_of(w), code);
      begin = at + n;
    }
    at += n;
  }
  mw_text_add(text_of(w), begin, (size_t)(++at - begin));
  return at;
}

/* One of { } [ ] , : outside strings. */
static void lay_out_mark(mw_json_writer *w, char c) {
  bool closes = c == '}' || c == ']', opens = c == '{' || c == '[';
  if (closes) w->indent--;
  if (closes && !w->fresh && is_spread(w, w->indent)) begin_line(w);
  mw_text_add(text_of(w), &c, 1);
  if (opens) w->indent++;
  if (c == ',' && is_spread(w, w->indent - 1)) begin_line(w);
  if (c == ':' && w->layout == MW_JSON_WRITER_INDENTED) mw_text_add(text_of(w), " ", 1);
  w->fresh = opens;
}

static bool is_space(char c) { return c == ' ' || c == '\n'; }
static bool is_mark(char c) { return c == '{' || c == '}' || c == '[' || c == ']' || c == ',' || c == ':'; }

/* Adds JSON in the layout of the writer; its own spaces are dropped. A piece of JSON must not end inside a word or string. */
static void lay_out(mw_json_writer *w, const char *json) {
  for (const char *at = json, *word; *at; at = word) {
    for (word = at; *word && *word != '"' && !is_mark(*word) && !is_space(*word);) word++;
    if (is_space(*at)) {
      word++;
      continue;
    }
    if (w->fresh && *at != '}' && *at != ']') {
      w->fresh = false;
      if (is_spread(w, w->indent - 1)) begin_line(w);
    }
    if (word > at) mw_text_add(text_of(w), at, (size_t)(word - at));
    else if (*at == '"') word = lay_out_string(w, at);
    else lay_out_mark(w, *word++);
  }
}

/* ---- trees ---- */

static void print(mw_json_writer *w, const cJSON *item) {
  char *printed = cJSON_PrintUnformatted(item);
  if (printed) lay_out(w, printed);
  else w->failed = true;
  cJSON_free(printed);
}

/* The bytes as a string for cJSON: valid UTF-8 without NUL; everything else becomes U+FFFD. */
static const char *make_safe(mw_json_writer *w, mw_text *buffer, const char *bytes, size_t length) {
  uint32_t code;
  buffer->length = 0;
  mw_text_add(buffer, "", 0);
  for (size_t i = 0, n; i < length; i += n) {
    n = mw_utf8_decode(bytes + i, length - i, &code);
    bool good = code && code != MW_UTF8_BAD;
    mw_text_add(buffer, good ? bytes + i : "\xef\xbf\xbd", good ? n : 3);
  }
  w->failed = w->failed || buffer->failed;
  return buffer->failed ? "" : buffer->bytes;
}

/* In a streamed container: writes what comes before its next element (a comma, a key). */
static void begin_element(mw_json_writer *w, const char *key) {
  level *inner = w->depth ? &w->levels[w->depth - 1] : NULL;
  if (!inner) return;
  if (inner->filled) lay_out(w, ",");
  inner->filled = true;
  if (inner->list) return;
  cJSON *name = cJSON_CreateString(make_safe(w, &w->key, key, strlen(key)));
  print(w, name);
  cJSON_Delete(name);
  lay_out(w, ":");
}

/* Called when an element of a streamed container, or the document, is complete: gives the text to the sink. */
static void end_element(mw_json_writer *w) {
  mw_text *text = text_of(w);
  if (!w->depth) mw_text_add(text, "\n", 1);
  w->failed = w->failed || text->failed;
  if (w->failed || !w->sink || (w->depth && text->length < PIECE)) return;
  w->refused = !w->sink(w->context, text->bytes, text->length);
  text->length = 0;
}

/* The container to which a new item is added; NULL: the item is a tree of its own. */
static cJSON *around(const mw_json_writer *w) { return w->depth ? w->levels[w->depth - 1].item : NULL; }

/* Adds an item to the container around it, which then owns it. NULL: there was no memory for the item. */
static void add_item(mw_json_writer *w, const char *key, cJSON *item) {
  cJSON *container = around(w);
  if (item && (w->levels[w->depth - 1].list ? cJSON_AddItemToArray(container, item)
                                            : cJSON_AddItemToObject(container, make_safe(w, &w->key, key, strlen(key)), item)))
    return;
  w->failed = true;
  cJSON_Delete(item);
}

/* ---- containers ---- */

static void begin(mw_json_writer *w, const char *key, bool list) {
  mw_error ignored;
  bool inner = around(w), tree = inner || w->depth >= w->streamed;
  if (is_stopped(w)) return;
  if (!mw_mem_grow(&w->levels, &w->capacity, w->depth + 1, sizeof *w->levels, &ignored)) {
    w->failed = true;
    return;
  }
  cJSON *item = !tree ? NULL : list ? cJSON_CreateArray() : cJSON_CreateObject();
  if (inner) add_item(w, key, item);
  else begin_element(w, key);
  if (!tree) lay_out(w, list ? "[" : "{");
  else if (!item) w->failed = true;
  if (!w->failed) w->levels[w->depth++] = (level){.item = item, .list = list};
  else if (!inner) cJSON_Delete(item);
}

void mw_json_writer_object(mw_json_writer *writer, const char *key) { begin(writer, key, false); }
void mw_json_writer_list(mw_json_writer *writer, const char *key) { begin(writer, key, true); }

void mw_json_writer_end(mw_json_writer *writer) {
  if (is_stopped(writer)) return;
  level done = writer->levels[--writer->depth];
  if (around(writer)) return;
  if (done.item) print(writer, done.item);
  else lay_out(writer, done.list ? "]" : "}");
  cJSON_Delete(done.item);
  end_element(writer);
}

/* ---- values ---- */

void mw_json_writer_bytes(mw_json_writer *writer, const char *key, const char *bytes, size_t length) {
  if (is_stopped(writer)) return;
  cJSON *item = cJSON_CreateString(make_safe(writer, &writer->string, bytes, length));
  if (around(writer)) {
    add_item(writer, key, item);
    return;
  }
  begin_element(writer, key);
  print(writer, item);
  cJSON_Delete(item);
  end_element(writer);
}

void mw_json_writer_string(mw_json_writer *writer, const char *key, const char *string) {
  if (string) mw_json_writer_bytes(writer, key, string, strlen(string));
  else mw_json_writer_raw(writer, key, NULL);
}

/* Raw text: cJSON prints it unchanged, so without a tree around it no item is needed. */
void mw_json_writer_raw(mw_json_writer *writer, const char *key, const char *json) {
  if (is_stopped(writer)) return;
  if (!json) json = "null";
  if (around(writer)) {
    add_item(writer, key, cJSON_CreateRaw(json));
    return;
  }
  begin_element(writer, key);
  lay_out(writer, json);
  end_element(writer);
}

void mw_json_writer_u64(mw_json_writer *writer, const char *key, uint64_t number) {
  char buffer[21], *at = buffer + sizeof buffer - 1; /* by hand: a document may consist of numbers, and printf is slow */
  *at = 0;
  do *--at = (char)('0' + number % 10); while (number /= 10);
  mw_json_writer_raw(writer, key, at);
}

void mw_json_writer_number(mw_json_writer *writer, const char *key, double number) {
  char buffer[32];
  mw_json_writer_raw(writer, key, isfinite(number) ? mw_text_number(buffer, number) : NULL);
}

void mw_json_writer_bool(mw_json_writer *writer, const char *key, bool value) {
  mw_json_writer_raw(writer, key, value ? "true" : "false");
}

bool mw_json_writer_finish(mw_json_writer *w, mw_error *err) {
  cJSON *tree = NULL; /* left by a failure: the outermost container owns all the others */
  for (size_t i = 0; i < w->depth && !tree; i++) tree = w->levels[i].item;
  cJSON_Delete(tree);
  free(w->levels);
  mw_text_free(&w->key);
  mw_text_free(&w->string);
  mw_text_free(&w->piece);
  if (w->refused) return mw_error_set(err, MW_IO, "what was written is not taken");
  return !w->failed || mw_error_memory(err, 0);
}
