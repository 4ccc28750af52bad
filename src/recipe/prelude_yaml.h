/* prelude_yaml.h: YAML as tables of Lua (mergekit/yaml.h reads it). */
#ifndef MW_RECIPE_PRELUDE_YAML_H
#define MW_RECIPE_PRELUDE_YAML_H

#include "recipe/interpreter.h"

/* Adds yaml(text, name) to the table `core` on top of the stack. It gives a list of documents; each node of them is
 *   { kind = "text", text =, plain =, line =, column = }
 *   { kind = "list", line =, column =, node, node, ... }
 *   { kind = "map", line =, column =, key, value, key, value, ... } */
void mw_prelude_yaml_fill(lua_State *L);

#endif
