/* input_set.h: the models of one merge: opened, labelled for messages, and joined to one family. */
#ifndef MW_MODEL_INPUT_SET_H
#define MW_MODEL_INPUT_SET_H

#include "model/family.h"

/* Which opened models an argument holds, one for each of its words: members of the set, by number. */
typedef struct mw_input_set_place {
  const char *argument;
  const size_t *members;
  size_t count;
} mw_input_set_place;

typedef struct mw_input_set {
  mw_family_member *members;
  size_t count, capacity;
  mw_input_set_place *places;
  size_t place_count, place_capacity;
  size_t donor;
  mw_family family;
  bool joined;
  mw_arena arena;
} mw_input_set;

/* Opens the models that the bindings give for the recipe's model arguments, and joins them to a family as the options say. */
bool mw_input_set_open(mw_input_set *inputs, const mw_arg *args, size_t arg_count, const mw_binding *bindings, size_t count,
                    const mw_options *options, mw_warning *warnings, mw_error *err);
/* Tensor `index` of model `model`, or false: for message.h, with an mw_input_set as its context. */
bool mw_input_set_find(const void *context, uint64_t model, uint64_t index, mw_dtype *dtype, const uint64_t **dims, unsigned *rank);
/* How many tensors all models have together. */
size_t mw_input_set_tensors(const mw_input_set *inputs);
void mw_input_set_close(mw_input_set *inputs);

#endif
