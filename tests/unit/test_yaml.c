/* test_yaml.c: YAML as a tree: both styles, anchors, documents, places in the file; and what a stranger's file may not do. */
#include "mergekit/yaml.h"
#include "unit.h"
#include <stdlib.h>

static mw_yaml tree;
static mw_error err;

static bool parse(const char *text) {
  mw_yaml_free(&tree);
  return mw_yaml_parse("a.yml", text, strlen(text), &tree, &err);
}

/* Writes a node as one line: {key: value}, [a, b], and a text in quotes if it is not plain. */
static void write(const mw_yaml_node *node, char *out, size_t size) {
  size_t used = strlen(out);
  if (node->kind == MW_YAML_TEXT) {
    snprintf(out + used, size - used, node->plain ? "%s" : "'%s'", node->text);
    return;
  }
  bool map = node->kind == MW_YAML_MAP;
  strncat(out, map ? "{" : "[", size - strlen(out) - 1);
  for (size_t i = 0; i < node->count; i++) {
    if (i) strncat(out, map && i % 2 ? ": " : ", ", size - strlen(out) - 1);
    write(node->items[i], out, size);
  }
  strncat(out, map ? "}" : "]", size - strlen(out) - 1);
}

static const char *read(const char *text) {
  static char out[1000];
  out[0] = 0;
  if (!parse(text)) return err.text;
  for (size_t i = 0; i < tree.count; i++) {
    if (i) strncat(out, " --- ", sizeof out - strlen(out) - 1);
    write(tree.documents[i], out, sizeof out);
  }
  return out;
}

static void reads(void) {
  CHECK_TEXT(read("a: 1\nb: [x, 'y', \"z\"]\n"), "{a: 1, b: [x, 'y', 'z']}");
  CHECK_TEXT(read("models:\n- model: a # said\n- {model: b}\n"), "{models: [{model: a}, {model: b}]}");
  CHECK_TEXT(read("a: &x {w: 0.5}\nb: *x\nc: {<<: *x, v: 1}\n"), "{a: {w: 0.5}, b: {w: 0.5}, c: {<<: {w: 0.5}, v: 1}}");
  CHECK_TEXT(read("a: &x 1\nb: &x 2\nc: *x\n"), "{a: 1, b: 2, c: 2}");
  CHECK_TEXT(read("t: |\n  one\n  two\nu: >-\n  one\n  two\n"), "{t: 'one\ntwo\n', u: 'one two'}");
  CHECK_TEXT(read("p: E:\\models\\x\nq: 'it''s'\n"), "{p: E:\\models\\x, q: 'it's'}");
  CHECK_TEXT(read("n: !!str 5\nf: !!float 1e-5\ng: ! 7\n"), "{n: '5', f: 1e-5, g: '7'}");
  CHECK_TEXT(read("%YAML 1.1\n---\na: 1\n...\n---\n# nothing\n---\nb: 2\n"), "{a: 1} --- {b: 2}");
  CHECK_TEXT(read("\xef\xbb\xbf" "a: \xc3\xa4\n"), "{a: \xc3\xa4}");
  CHECK_TEXT(read("# only a comment\n"), "");
  CHECK_TEXT(read(""), "");
}

static void places(void) {
  CHECK(parse("a: 1\nlist:\n  - x\n  -   y\n"));
  const mw_yaml_node *list = tree.documents[0]->items[3];
  CHECK(list->line == 3 && list->column == 3);
  CHECK(list->items[1]->line == 4 && list->items[1]->column == 7);
}

static void refuses(void) {
  CHECK(strstr(read("a:\n  - b: 1\n   - c: 2\n"), "a.yml:3:4: no YAML: ") == err.text);
  CHECK(strstr(read("a: [1, 2\nb: 3\n"), "a.yml:2:") == err.text);
  CHECK(strstr(read("a:\n\tb: 1\n"), "a.yml:2:1: no YAML: found character that cannot start any token") == err.text);
  CHECK_TEXT(read("a: *b\n"), "a.yml:1:4: an alias of an anchor that is not above it");
  CHECK_TEXT(read("a: &a [1, *a]\n"), "a.yml:1:11: an alias stands within what it names");
  CHECK_TEXT(read("--- &a\nb: 1\n--- \nc: *a\n"), "a.yml:4:4: an alias of an anchor that is not above it");
  CHECK(strstr(read("a: !!python/object/apply:os.system ['true']\n"), "a tag that no configuration needs"));
  CHECK(strstr(read("a: !mine 5\n"), "a tag that no configuration needs"));
  CHECK(strstr(read("a: !!binary gIGC\n"), "a tag that no configuration needs"));
  CHECK(strstr(read("a: \"\\0\"\n"), "a NUL character within a text"));
  CHECK(strstr(read("a: \xff\n"), "a.yml:1:4: no YAML: "));
  CHECK(!strstr(read("a: \x01\n"), "\x01"));
}

/* "a: &a [x, x, ...]", and each next line nine aliases of the one before: 9 to the power of the lines. */
static void limits(void) {
  char text[4096] = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n", line[200];
  for (int i = 1; i < 12; i++) {
    snprintf(line, sizeof line, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1, i - 1, i - 1,
             i - 1, i - 1, i - 1, i - 1, i - 1);
    strcat(text, line);
  }
  CHECK(strstr(read(text), "more than 131072 members") != NULL);
  char deep[400] = "a: ";
  memset(deep + 3, '[', 100);
  CHECK(strstr(read(deep), "more than 64 levels") != NULL);
  size_t length = (256 << 10) + 1;
  char *large = calloc(length, 1);
  memset(large, '#', length);
  mw_yaml_free(&tree);
  CHECK(large && !mw_yaml_parse("a.yml", large, length, &tree, &err) && strstr(err.text, "at most 262144 are read"));
  free(large);
}

int main(void) {
  RUN(reads());
  RUN(places());
  RUN(refuses());
  RUN(limits());
  mw_yaml_free(&tree);
  UNIT_END();
}
