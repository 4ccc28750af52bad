/* json_writer.h: writes JSON; the door of cJSON. A document is written from its beginning to its end. Values in an object have a
 * key; values in a list, and the document itself, have the key NULL.
 *
 *   mw_json_writer json = {.out = &text};
 *   mw_json_writer_object(&json, NULL);
 *   mw_json_writer_string(&json, "dtype", "F32");
 *   mw_json_writer_list(&json, "shape");
 *   for (unsigned i = 0; i < rank; i++) mw_json_writer_u64(&json, NULL, shape[i]);
 *   mw_json_writer_end(&json);
 *   mw_json_writer_end(&json);
 *   return mw_json_writer_finish(&json, err);   ->   {"dtype":"F32","shape":[2,3]}
 *
 * A value is built as a tree of cJSON, which is printed and freed when the value is complete. The tree of a long document would
 * need several times the memory of its text, so the outermost levels of such a document may be `streamed`: their brackets and
 * commas are written at once, and each of their elements is a tree of its own. With a sink their text is not held either.
 *
 * Numbers are spelled here and are raw text for cJSON, so that every u64 and double reads back as the same number in any
 * locale; a double that is not finite is null. Strings are always valid UTF-8: what is none, or a NUL, becomes U+FFFD, and
 * characters that steer a terminal are written as \uXXXX. */
#ifndef MW_BASE_JSON_WRITER_H
#define MW_BASE_JSON_WRITER_H

#include "base/text.h"

typedef enum mw_json_writer_layout {
  MW_JSON_WRITER_COMPACT,  /* {"a":[1,2]} */
  MW_JSON_WRITER_LINES,    /* as compact, each element of the outermost container on a line of its own */
  MW_JSON_WRITER_INDENTED  /* as Python's json.dumps(indent=2): every element on a line of its own */
} mw_json_writer_layout;

/* A zeroed writer with an `out` or a sink is ready. It may write several documents, one after the other; each ends with a newline. */
typedef struct mw_json_writer {
  mw_text *out;  /* what is written is added here */
  mw_sink sink;  /* takes the text in pieces; NULL: all of it stays in `out` */
  void *context; /* of the sink */
  mw_json_writer_layout layout;
  bool ascii;        /* strings have no character beyond '~': as json.dumps writes them unless it is told otherwise */
  unsigned streamed; /* so many outermost levels are streamed; 0: the document is one tree */

  /* Its own: */
  bool failed, refused; /* memory was exhausted; the sink refused a piece. After either nothing is written */
  struct mw_json_writer_level *levels; /* the containers that are open, the outermost first */
  size_t depth, capacity;
  mw_text key, string; /* made safe */
  mw_text piece;       /* where there is no `out` */
  size_t indent;       /* of the layout: brackets that are open in what was written */
  bool fresh;          /* and whether the last thing written was an opening one */
} mw_json_writer;

void mw_json_writer_object(mw_json_writer *writer, const char *key);
void mw_json_writer_list(mw_json_writer *writer, const char *key);
/* Ends the object or list that was begun last. */
void mw_json_writer_end(mw_json_writer *writer);

/* null for NULL. */
void mw_json_writer_string(mw_json_writer *writer, const char *key, const char *string);
void mw_json_writer_bytes(mw_json_writer *writer, const char *key, const char *bytes, size_t length);
void mw_json_writer_u64(mw_json_writer *writer, const char *key, uint64_t number);
/* null where it is not finite. */
void mw_json_writer_number(mw_json_writer *writer, const char *key, double number);
void mw_json_writer_bool(mw_json_writer *writer, const char *key, bool value);
/* A document that another writer has made, in the layout of this one. null for NULL. */
void mw_json_writer_raw(mw_json_writer *writer, const char *key, const char *json);

/* Frees what the writer holds, and says whether everything was written: MW_MEMORY, or MW_IO where
 * the sink refused. To be called in any case. */
bool mw_json_writer_finish(mw_json_writer *writer, mw_error *err);

#endif
