/* fuzz_yaml.c: whatever a configuration holds, the tree is complete or the error has the file's name, and no node is larger than what
 * is allowed when every alias is written out. */
#include "fuzz.h"
#include "mergekit/yaml.h"

static const char *const seeds[] = {
    "merge_method: ties\nmodels:\n  - model: a/b\n    parameters: {weight: 0.5, density: [0, 1]}\nbase_model: a/c\ndtype: bfloat16\n",
    "a: &x {w: .25}\nb: *x\nc: {<<: *x}\n", "%YAML 1.1\n---\n- |\n  text\n- >-\n  text\n...\n--- \nb: 'c'\n", "a: &a [*a]\n", "[[[[{a: [",
    "\xef\xbb\xbf" "a: \"\\x41\\u00e4\"\n", "? a\n: b\n", "!!str a: !x b\n", "a:\n\t- b\n", "\xff\xfe" "a",
};

size_t fuzz_seed(unsigned number, uint8_t *room, size_t size) {
  return fuzz_text(seeds, sizeof seeds / sizeof *seeds, number, room, size);
}

static void look(const mw_yaml_node *node, unsigned depth) {
  size_t size = 1;
  REQUIRE(depth <= 64 && node->line && node->column);
  if (node->kind == MW_YAML_TEXT) REQUIRE(node->text && strlen(node->text) == node->length);
  if (node->kind == MW_YAML_MAP) REQUIRE(node->count % 2 == 0);
  for (size_t i = 0; i < node->count; i++) {
    look(node->items[i], depth + 1);
    size += node->items[i]->size;
  }
  REQUIRE(size == node->size && size <= 1 << 17);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  mw_error err;
  mw_yaml tree;
  if (mw_yaml_parse("x.yml", (const char *)bytes, length, &tree, &err)) {
    for (size_t i = 0; i < tree.count; i++) look(tree.documents[i], 0);
  } else REQUIRE(strncmp(err.text, "x.yml:", 6) == 0);
  mw_yaml_free(&tree);
  return 0;
}
