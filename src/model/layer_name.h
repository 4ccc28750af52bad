/* layer_name.h: which layer a tensor is of, by its name. The first number in a name is its layer, what precedes it the stack:
 * "decoder.block.3.layer.1.wo.weight" is of layer 3 of the stack "decoder.block", and is called "layer.1.wo.weight" there. */
#ifndef MW_MODEL_LAYER_NAME_H
#define MW_MODEL_LAYER_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mw_layer_name {
  size_t stack;     /* the stack is called by so many of the name's first bytes */
  uint64_t layer;   /* from 0 */
  const char *rest; /* behind the number and its dot */
} mw_layer_name;

/* False for a tensor of no layer. `head.0.weight` is no layer either: a member of a stack holds modules of its own
 * (`tower.0.norm.weight`), unless the stack is called "layer", "block" or "h". */
bool mw_layer_name_read(const char *name, mw_layer_name *out);

#endif
