/* yaml.h: YAML 1.1, read by libyaml into a tree in which everything knows its line and column. It is a stranger's text: at most 256 KiB,
 * 64 levels, and 2^17 nodes when every alias is written out. What a text without quotes means (a number, a truth value, nothing) is
 * decided by who reads the tree (lua/moonweld/mergekit/node.lua). */
#ifndef MW_MERGEKIT_YAML_H
#define MW_MERGEKIT_YAML_H

#include "base/mem.h"

typedef enum mw_yaml_kind { MW_YAML_TEXT, MW_YAML_LIST, MW_YAML_MAP } mw_yaml_kind;

typedef struct mw_yaml_node {
  mw_yaml_kind kind;
  bool plain;                        /* TEXT: without quotes and without a tag that says that it is text */
  unsigned line, column;             /* from 1 */
  const char *text;                  /* TEXT: `length` bytes of UTF-8, and a NUL */
  size_t length;
  const struct mw_yaml_node **items; /* LIST: the members; MAP: keys and values by turns */
  size_t count, capacity, size;      /* of items; nodes of this one when every alias is written out */
  struct mw_yaml_node *before;       /* the node that was made before this one */
} mw_yaml_node;

/* The documents of a text, without empty ones. A node may be the member of several others: *name stands for what &name marks. */
typedef struct mw_yaml {
  const mw_yaml_node **documents;
  size_t count, capacity;
  mw_yaml_node *last; /* of all nodes that were made */
  mw_arena arena;
} mw_yaml;

/* Parses `length` bytes. MW_DATA with "NAME:LINE:COLUMN: what was found"; `name` is safe to show. Free in any case. */
bool mw_yaml_parse(const char *name, const char *text, size_t length, mw_yaml *out, mw_error *err);
void mw_yaml_free(mw_yaml *yaml);

#endif
