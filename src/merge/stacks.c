/* stacks.c: see stacks.h. */
#include "merge/stacks.h"
#include "model/layer_name.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_LAYERS = 100000 };

const char *const mw_stacks_firsts[MW_STACKS_FIRSTS] = {
#define MW_DEPTH_FIRST(word) word,
#include "model/depth_keys.def"
};

/* ---- their layers ---- */

static mw_stacks_one *stack_of(mw_stacks *all, const char *name, size_t length, mw_error *err) {
  for (size_t i = 0; i < all->count; i++)
    if (all->of[i].length == length && memcmp(all->of[i].name, name, length) == 0) return &all->of[i];
  if (!mw_mem_grow(&all->of, &all->capacity, all->count + 1, sizeof *all->of, err)) return NULL;
  all->of[all->count] = (mw_stacks_one){.name = name, .length = length};
  return &all->of[all->count++];
}

/* The layer that a tensor is of; *out is NULL where it is of none. */
static bool layer_of(mw_stacks *all, const char *name, mw_layer_name *place, mw_stacks_one **in, mw_stacks_layer **out, mw_error *err) {
  *out = NULL;
  if (!mw_layer_name_read(name, place)) return true;
  mw_stacks_one *s = *in = stack_of(all, name, place->stack, err);
  if (!s) return false;
  if (place->layer > MOST_LAYERS) return mw_error_set(err, MW_DATA, "'%s': more than %d layers", name, MOST_LAYERS);
  const size_t needed = (size_t)place->layer + 1;
  if (needed > s->known) {
    MW_TRY(mw_mem_grow(&s->layers, &s->capacity, needed, sizeof *s->layers, err));
    memset(s->layers + s->known, 0, (needed - s->known) * sizeof *s->layers);
    s->known = needed;
  }
  *out = &s->layers[place->layer];
  return true;
}

static unsigned firsts_in(const char *rest) {
  unsigned found = 0;
  for (size_t i = 0; i < MW_STACKS_FIRSTS; i++) found |= strstr(rest, mw_stacks_firsts[i]) ? 1u << i : 0;
  return found;
}

const mw_tensor *mw_stacks_made_of(const mw_input_set *inputs, const mw_recipe_candidate *made, mw_node node,
                                   const mw_family_member **member) {
  for (;;) {
    mw_graph_node_facts facts = mw_graph_facts(made->graph, node);
    if (facts.op == MW_OP_INPUT) {
      *member = &inputs->members[facts.extra[0]];
      return &(*member)->tensors[facts.extra[1]];
    }
    uint32_t i = mw_graph_op_first(facts.op);
    while (i < facts.operands && !mw_graph_facts(made->graph, facts.operand[i]).shape) i++;
    if (i >= facts.operands) return NULL;
    node = facts.operand[i];
  }
}

static bool add_output(mw_stacks *all, const mw_graph_output *output, mw_error *err) {
  mw_layer_name place, from;
  const mw_family_member *member;
  mw_stacks_one *s;
  mw_stacks_layer *layer;
  MW_TRY(layer_of(all, output->name, &place, &s, &layer, err));
  if (!layer) return true;
  if (place.layer >= s->after) s->after = place.layer + 1;
  layer->there = true;
  layer->has |= firsts_in(place.rest);
  if (layer->member) return true;
  const mw_tensor *tensor = mw_stacks_made_of(all->inputs, all->made, output->node, &member);
  if (tensor && mw_layer_name_read(tensor->name, &from)) layer->member = member, layer->layer = from.layer;
  return true;
}

static bool add_donors(mw_stacks *all, const char *name, mw_error *err) {
  mw_layer_name place;
  mw_stacks_one *s;
  mw_stacks_layer *layer;
  MW_TRY(layer_of(all, name, &place, &s, &layer, err));
  if (!layer) return true;
  if (place.layer >= s->before) s->before = place.layer + 1;
  layer->was = true;
  layer->had |= firsts_in(place.rest);
  return true;
}

bool mw_stacks_find(mw_stacks *all, const mw_input_set *inputs, const mw_recipe_candidate *made, mw_error *err) {
  *all = (mw_stacks){.inputs = inputs, .made = made, .donor = &inputs->members[inputs->donor]};
  for (size_t i = 0; i < all->donor->count; i++) MW_TRY(add_donors(all, all->donor->tensors[i].name, err));
  for (size_t i = 0; i < made->output_count; i++) MW_TRY(add_output(all, &made->outputs[i], err));
  return true;
}

void mw_stacks_free(mw_stacks *all) {
  for (size_t i = 0; i < all->count; i++) free(all->of[i].layers);
  free(all->of);
}

bool mw_stacks_changed(const mw_stacks *all, const mw_stacks_one *s) {
  for (uint64_t l = 0; l < s->after; l++) {
    const mw_stacks_layer *own = &s->layers[l];
    if (own->there != own->was || (own->there && (own->member != all->donor || own->layer != l))) return true;
  }
  return s->before != s->after;
}

/* ---- which part of config.json speaks of which stack ---- */

static bool has(const mw_stacks_one *s, const char *word) { return memmem(s->name, s->length, word, strlen(word)) != NULL; }

typedef enum kind { TEXT, QFORMER, VISION, AUDIO } kind;
static kind kind_of(const char *name, size_t length) {
  static const struct { const char *word; kind kind; } words[] = {
      {"qformer", QFORMER}, {"vision", VISION}, {"visual", VISION}, {"image", VISION}, {"vit", VISION}, {"audio", AUDIO},
      {"speech", AUDIO}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (memmem(name, length, words[i].word, strlen(words[i].word))) return words[i].kind;
  return TEXT;
}

/* Of a model that has a text part and one that sees or hears, what encodes is that part's where no stack is called by it:
 * "encoder.layer" and "decoder.layer" of Pix2Struct. */
static bool encodes_other(const mw_stacks *all, const mw_stacks_one *s, kind other) {
  bool decoder = false, named = false;
  for (size_t i = 0; i < all->count; i++) {
    const mw_stacks_one *o = &all->of[i];
    decoder |= o->before && has(o, "decoder") && !has(o, "encoder");
    named |= o->before && kind_of(o->name, o->length) == other;
  }
  return decoder && !named && has(s, "encoder") && !has(s, "decoder");
}

/* Of which kind a stack is. Where no part of config.json is of another kind than the text, the root speaks of all, whatever the model is
 * called: "vit.layers", "speecht5.encoder". */
static kind kind_in(const mw_stacks *all, const mw_stacks_one *s) {
  mw_json key, value;
  kind other = TEXT;
  bool text = false;
  for (mw_json_walk walk = mw_json_enter(all->donor->model->config.root); mw_json_next(&walk, &key, &value);) {
    if (!mw_config_is_part(key, value)) continue;
    if (kind_of(key.bytes, key.length) != TEXT) other = kind_of(key.bytes, key.length);
    text |= mw_json_equals(key, "text_config");
  }
  if (other == TEXT) return TEXT;
  const kind own = kind_of(s->name, s->length);
  return own == TEXT && text && encodes_other(all, s, other) ? other : own;
}

/* What a part is called for: "text" of "text_config", "encoder". */
static size_t stem_length(const char *part, size_t length) {
  static const char end[] = "_config";
  const char *at = memmem(part, length, end, sizeof end - 1);
  return at ? (size_t)(at - part) : length;
}

/* Where a word of the stack's name begins so; SIZE_MAX: nowhere. */
static size_t place_of(const mw_stacks_one *s, const char *stem, size_t length) {
  for (size_t i = 0; length && i + length <= s->length; i++)
    if ((!i || s->name[i - 1] == '.' || s->name[i - 1] == '_') && memcmp(s->name + i, stem, length) == 0) return i;
  return SIZE_MAX;
}

/* The part that a stack is called by, if there is one: "projector_config" of "projector.qformer.encoder.layer", though there are
 * "qformer_config" and "encoder_config". NULL: none; else *length is the length of its stem. */
static const char *named_part(const mw_stacks *all, const mw_stacks_one *s, size_t *length) {
  const char *found = NULL;
  size_t first = SIZE_MAX;
  mw_json key, value;
  for (mw_json_walk walk = mw_json_enter(all->donor->model->config.root); mw_json_next(&walk, &key, &value);) {
    if (!mw_config_is_part(key, value)) continue;
    const char *own = key.bytes + 1;
    size_t stem = stem_length(own, key.length - 2), at = place_of(s, own, stem);
    if (at < first) found = own, *length = stem, first = at;
  }
  return found;
}

static bool is_called_by(const mw_stacks *all, const mw_stacks_one *s, const char *part) {
  size_t length = 0, own = part ? stem_length(part, strlen(part)) : 0;
  const char *named = named_part(all, s, &length);
  return named && part && own == length && memcmp(named, part, own) == 0;
}

static bool is_called_alike(const mw_stacks *all, const mw_stacks_one *s, const mw_stacks_one *other) {
  size_t a = 0, b = 0;
  const char *x = named_part(all, s, &a), *y = named_part(all, other, &b);
  return a == b && (!a || memcmp(x, y, a) == 0);
}

/* Of several stacks one is spoken of in the part that it is called by; else in a part of its kind by which no other is called. The root is
 * that of the text. */
bool mw_stacks_speaks(const mw_stacks *all, const char *part, const mw_stacks_one *s) {
  size_t stacks = 0, length = 0;
  for (size_t i = 0; i < all->count; i++) stacks += all->of[i].before > 0;
  if (stacks < 2) return true;
  if (named_part(all, s, &length)) return is_called_by(all, s, part);
  for (size_t i = 0; i < all->count; i++)
    if (all->of[i].before && is_called_by(all, &all->of[i], part)) return false;
  return kind_of(part ? part : "", part ? strlen(part) : 0) == kind_in(all, s);
}

/* A plain key counts an encoder's layers where there is a decoder, too: one of its kind and part, not that of what a text model sees. What
 * sees or hears is an encoder, whatever it is called. */
bool mw_stacks_counts(const mw_stacks *all, const char *part, const char *word, const mw_stacks_one *s) {
  bool encoder = false, decodes = has(s, "decoder");
  if (*word && has(s, word)) return true;
  if (*word) return strcmp(word, "encoder") == 0 && !decodes && part && kind_of(part, strlen(part)) != TEXT;
  for (size_t i = 0; i < all->count; i++) {
    const mw_stacks_one *other = &all->of[i];
    encoder |= other->before && has(other, "encoder") && !has(other, "decoder") && kind_in(all, other) == kind_in(all, s) &&
               is_called_alike(all, s, other);
  }
  return !(decodes && encoder);
}
