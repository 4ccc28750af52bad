/* follow.c: stack by stack: which layers it has and where they are from; then every object of config.json that may speak of it, which is
 * the root and its parts (text_config ...), is searched for the keys of depth_keys.def. */
#include "merge/follow.h"
#include "merge/layer_lists.h"
#include "merge/stacks.h"
#include "model/prediction_layers.h"
#include "model/tied_head.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A stack, and what was found of it in one object of config.json. */
typedef struct stack {
  const mw_stacks_one *of;
  uint64_t further_before, further_after; /* so many of its layers, the last, are of multi-token prediction */
  bool said;                              /* a key of the depth was found */
} stack;

typedef struct following {
  const mw_input_set *inputs;
  const mw_recipe_candidate *made;
  const mw_alignment *vocabulary;
  const mw_family_member *donor;
  mw_stacks stacks;
  mw_config_edit_set *sets;
  size_t set_count, set_capacity;
  mw_arena *arena;
  mw_warning *warnings;
  mw_error *err;
} following;

/* ---- edits ---- */

/* Whether the recipe itself says what a key is. */
static bool is_taken(const following *f, const mw_config_edit_set *set) {
  for (size_t i = 0; i < f->set_count; i++)
    if (mw_config_edit_same(&f->sets[i], set)) return true;
  return false;
}

/* Whether the recipe itself says what a key of the root or a part is. */
static bool is_said(const following *f, const char *part, const char *key) {
  const mw_config_edit_set *recipe = f->made->layout.sets, own = {(const char *const[]){part ? part : key, key}, part ? 2 : 1, NULL};
  for (size_t i = 0; i < f->made->layout.set_count; i++)
    if (mw_config_edit_same(&recipe[i], &own)) return true;
  return false;
}

static bool set_key(following *f, const char *part, mw_json key, const char *json, size_t length) {
  const char **path = mw_mem_take(f->arena, 2 * sizeof *path, f->err), *text = mw_mem_copy(f->arena, json, length, f->err);
  size_t depth = 0, key_length;
  if (!path || !text) return false;
  if (part) path[depth++] = part;
  MW_TRY(mw_json_string(key, f->arena, &path[depth++], &key_length, f->err));
  const mw_config_edit_set set = {path, depth, text};
  if (is_taken(f, &set)) return true;
  MW_TRY(mw_mem_grow(&f->sets, &f->set_capacity, f->set_count + 1, sizeof *f->sets, f->err));
  f->sets[f->set_count++] = set;
  return true;
}

static bool set_number(following *f, const char *part, mw_json key, uint64_t number) {
  mw_text text = {0};
  mw_text_format(&text, "%llu", (unsigned long long)number);
  bool ok = mw_text_check(&text, f->err) && set_key(f, part, key, text.bytes, text.length);
  mw_text_free(&text);
  return ok;
}

/* Calls the function for the root of config.json and for each part of it (text_config ...). */
static bool each_object(following *f, bool (*act)(following *, const char *part, mw_json object, void *context), void *context) {
  const mw_json root = f->donor->model->config.root;
  mw_json key, value;
  const char *part;
  size_t length;
  MW_TRY(act(f, NULL, root, context));
  for (mw_json_walk walk = mw_json_enter(root); mw_json_next(&walk, &key, &value);)
    if (mw_config_is_part(key, value))
      MW_TRY(mw_json_string(key, f->arena, &part, &length, f->err) && act(f, part, value, context));
  return true;
}

/* The same object of another model's configuration. */
static mw_json object_of(const mw_family_member *member, const char *part) {
  static const mw_json none = {.kind = MW_JSON_OBJECT, .bytes = "{}", .length = 2};
  if (!member->model->config.text) return none;
  mw_json root = member->model->config.root, own = part ? mw_json_member(root, part) : root;
  return own.kind == MW_JSON_OBJECT ? own : root;
}

/* ---- layers of multi-token prediction (model/prediction_layers.h): those that are taken stay the last ---- */

static bool find_further(const following *f, stack *s, const char *part) {
  const mw_json own = object_of(f->donor, part);
  s->further_before = s->further_after = 0;
  while (s->further_before < s->of->before && mw_prediction_layers_is(own, s->of->before - 1 - s->further_before)) s->further_before++;
  for (uint64_t l = 0; l < s->of->after; l++) {
    const mw_stacks_layer *o = &s->of->layers[l];
    bool further = o->member && mw_prediction_layers_is(object_of(o->member, part), o->layer);
    if (further) s->further_after++;
    if (further || !s->further_after) continue;
    mw_error_set(f->err, MW_DATA, "layer %llu of the result is a layer of multi-token prediction of %s, and is not the last",
                 (unsigned long long)l - 1, s->of->layers[l - 1].member->label);
    return mw_error_hint(f->err, "of %s take the layers before it alone: 0 to %llu", s->of->layers[l - 1].member->label,
                         (unsigned long long)s->of->layers[l - 1].layer);
  }
  return true;
}

/* Whether an output is made of a tensor of such a layer. */
static bool is_prediction(const following *f, const char *part, const mw_graph_output *output) {
  const mw_family_member *member = f->donor;
  const mw_tensor *tensor = mw_stacks_made_of(f->inputs, f->made, output->node, &member);
  return mw_prediction_layers_has(object_of(member, part), tensor ? tensor->name : output->name);
}

/* Training programs drop these layers and leave the number of them in config.json. Converters then look for tensors that are not there. */
static bool check_predictions(following *f, const char *part, mw_json object, void *unused) {
  mw_json key, value;
  (void)unused;
  if (!mw_prediction_layers_count(object)) return true;
  for (size_t i = 0; i < f->made->output_count; i++)
    if (is_prediction(f, part, &f->made->outputs[i])) return true;
  for (mw_json_walk walk = mw_json_enter(object); mw_json_next(&walk, &key, &value);) {
    const char *name = mw_prediction_layers_key(key);
    if (!name || is_said(f, part, name)) continue;
    mw_warning_add(f->warnings, "config.json: %s is %llu, but the result has no layer of multi-token prediction: it is written as 0", name,
                   (unsigned long long)mw_prediction_layers_count(object));
    MW_TRY(set_number(f, part, key, 0));
  }
  return true;
}

/* ---- lists ---- */

static bool no_element(const following *f, const stack *s, uint64_t layer, const char *key) {
  const mw_stacks_layer *o = &s->of->layers[layer];
  mw_text_escaped name;
  mw_text_escape(&name, s->of->name, s->of->length);
  if (!o->member)
    mw_error_set(f->err, MW_DATA, "config.json: %s: layer %llu of '%s' comes from no model, which could say what it is", key,
                 (unsigned long long)layer, name.bytes);
  else
    mw_error_set(f->err, MW_DATA, "%s: config.json: %s says nothing of layer %llu, which is layer %llu of the result",
                 o->member->label, key, (unsigned long long)o->layer, (unsigned long long)layer);
  return mw_error_hint(f->err, "m:with_config{%s = {...}} in the recipe says it", key);
}

/* What says something of each layer, written for all layers of the result: of those of its own model where there are several. */
static bool follow_list(following *f, const stack *s, const char *part, mw_json key, const char *name, mw_layer_lists_kind kind,
                        mw_json old) {
  const uint64_t length = mw_layer_lists_length(old, kind);
  if (!length || is_said(f, part, name)) return true;
  const bool all = kind == MW_LAYER_LISTS_ROUND || length == s->of->before; /* else only of those that are counted */
  if (!all && length != s->of->before - s->further_before) return true;
  const char *const *marks = mw_layer_lists_marks[kind];
  mw_text text = {0};
  mw_text_format(&text, "%s", marks[0]);
  bool ok = true;
  for (uint64_t l = 0; l < s->of->after - (all ? 0 : s->further_after) && ok; l++) {
    const mw_stacks_layer *o = &s->of->layers[l];
    mw_json own = o->member ? mw_json_member(object_of(o->member, part), name) : (mw_json){0};
    mw_json one = mw_layer_lists_element(own, kind, o->layer);
    ok = one.kind != MW_JSON_END || no_element(f, s, l, name);
    if (!ok) break;
    mw_text_format(&text, "%s", l ? marks[1] : "");
    mw_text_add(&text, one.bytes, one.length);
  }
  mw_text_format(&text, "%s", marks[2]);
  ok = ok && mw_text_check(&text, f->err) && set_key(f, part, key, text.bytes, text.length);
  mw_text_free(&text);
  return ok;
}

/* A list that no key of depth_keys.def is, but that has an element for each layer in all models: it follows, and that is told. */
static bool follow_unknown(following *f, const stack *s, const char *part, mw_json key, mw_json value) {
  const char *name;
  size_t length, l = 0;
  mw_text_escaped shown;
  MW_TRY(mw_json_string(key, f->arena, &name, &length, f->err));
  for (const mw_stacks_layer *o = s->of->layers; l < s->of->after && o->member; l++, o++)
    if (o->layer >= mw_layer_lists_length(mw_json_member(object_of(o->member, part), name), MW_LAYER_LISTS_PLAIN)) break;
  mw_warning_add(f->warnings, "config.json: %s, a key that is not known, has an element for each of the %llu layers of '%.*s': it %s",
                 mw_text_escape_z(&shown, name), (unsigned long long)s->of->before, (int)s->of->length, s->of->name,
                 l == s->of->after ? "is taken to speak of them, and follows" : "stays as it is, since not all models have one");
  return l < s->of->after || follow_list(f, s, part, key, name, MW_LAYER_LISTS_PLAIN, value);
}

/* A list of layers, of which the first is `from`: those whose origin is in the list of its own model. */
static bool follow_indices(following *f, const stack *s, const char *part, mw_json key, const char *name, unsigned from, mw_json old) {
  if (old.kind != MW_JSON_ARRAY) return true;
  mw_text text = {0};
  mw_text_format(&text, "[");
  for (uint64_t l = 0; l < s->of->after; l++) {
    const mw_stacks_layer *o = &s->of->layers[l];
    mw_json list = o->member ? mw_json_member(object_of(o->member, part), name) : (mw_json){0};
    if (list.kind == MW_JSON_ARRAY && mw_layer_lists_holds(list, o->layer + from))
      mw_text_format(&text, "%s%llu", text.length > 1 ? ", " : "", (unsigned long long)l + from);
  }
  mw_text_format(&text, "]");
  bool ok = mw_text_check(&text, f->err) && set_key(f, part, key, text.bytes, text.length);
  mw_text_free(&text);
  return ok;
}

/* ---- rules ---- */

typedef struct rule {
  const char *key, *with, *unless;
  bool prefix;
  int shift;
} rule;

static uint64_t number_in(mw_json object, const char *key, uint64_t absent) {
  mw_json value = *key ? mw_json_member(object, key) : (mw_json){0};
  uint64_t number;
  return value.kind == MW_JSON_NUMBER && mw_json_u64(value, &number) ? number : absent;
}

/* Whether the rule makes layer `l` one of the other kind. */
static bool is_other(const rule *r, mw_json object, uint64_t l) {
  uint64_t number = number_in(object, r->key, 0);
  mw_json unless = *r->unless ? mw_json_member(object, r->unless) : (mw_json){0};
  if (!number || number > INT32_MAX || unless.kind == MW_JSON_ARRAY) return false;
  if (r->prefix) return l < number + (uint64_t)r->shift && (!*r->with || mw_json_member(object, r->with).kind == MW_JSON_TRUE);
  const int64_t from = (int64_t)(l % number) - (int64_t)(number_in(object, r->with, 0) % number) - r->shift;
  return from % (int64_t)number == 0;
}

/* What was found wrong, which --allow config makes a warning. */
static bool allow(const following *f) {
  if (!f->inputs->family.rules.allow_config) return false;
  mw_warning_add(f->warnings, "%s, let through by --allow config", f->err->text);
  *f->err = (mw_error){0};
  return true;
}

static bool check_rule(const following *f, const stack *s, const char *part, const rule *r) {
  const mw_json own = object_of(f->donor, part);
  for (uint64_t l = 0; l < s->of->after - s->further_after; l++) {
    const mw_stacks_layer *o = &s->of->layers[l];
    if (!o->member || is_other(r, object_of(o->member, part), o->layer) == is_other(r, own, l)) continue;
    mw_error_set(f->err, MW_DATA, "config.json: %s = %llu makes layer %llu of the result another kind of layer than layer %llu of %s",
                 r->key, (unsigned long long)number_in(own, r->key, 0), (unsigned long long)l, (unsigned long long)o->layer,
                 o->member->label);
    if (r->prefix) mw_error_hint(f->err, "keep the first layers in their place, or --allow config");
    else mw_error_hint(f->err, "move layers by multiples of %llu, or --allow config", (unsigned long long)number_in(own, r->key, 0));
    return allow(f);
  }
  return true;
}

/* ---- what cannot be said ---- */

/* Where the first layer of the donor's alone has a tensor, or lacks one, so does that of the result. */
static bool check_firsts(const following *f, const mw_stacks_one *s) {
  unsigned others = 0;
  for (uint64_t l = 1; l < s->before; l++) others |= s->layers[l].had;
  for (uint64_t l = 0; l < s->after && s->before > 1; l++) {
    const mw_stacks_layer *o = &s->layers[l];
    const unsigned wrong = (s->layers[0].had ^ others) & (o->has ^ (l ? others : s->layers[0].had));
    size_t word = 0;
    if (!wrong) continue;
    while (!(wrong >> word & 1)) word++;
    mw_error_set(f->err, MW_DATA, "layer %llu of the result %s '%s', which layer 0 of '%.*s' alone %s", (unsigned long long)l,
                 o->has >> word & 1 ? "has" : "lacks", mw_stacks_firsts[word], (int)s->length, s->name,
                 s->layers[0].had >> word & 1 ? "has" : "lacks");
    mw_error_hint(f->err, "begin with a layer 0 and take none further, as in --parts A B:1-; or --allow config");
    return allow(f);
  }
  return true;
}

/* The numbers of a list with one for each: they are stages. */
static bool check_stages(const following *f, const mw_stacks_one *s, mw_json object) {
  const char *list = mw_layer_lists_of_stages(object, s->before);
  if (!list) return true;
  mw_error_set(f->err, MW_DATA, "config.json: %s has a number for each of the %llu '%.*s': they are stages of other shapes, not layers",
               list, (unsigned long long)s->before, (int)s->length, s->name);
  mw_error_hint(f->err, "stages cannot be stacked; --allow config does it all the same, and no program loads the result as it is");
  return allow(f);
}

static bool check_said(const following *f, const stack *s) {
  const mw_stacks_one *own = s->of;
  if (s->said || own->before == own->after) return true;
  mw_error_set(f->err, MW_DATA, "config.json does not say that '%.*s' has %llu layers: the result's %llu cannot be said either",
               (int)own->length, own->name, (unsigned long long)own->before, (unsigned long long)own->after);
  mw_error_hint(f->err, "m:with_config{...} in a recipe can say it; --allow config leaves config.json as it is");
  if (!f->made->layout.set_count) return allow(f);
  *f->err = (mw_error){0}; /* the recipe has said something itself */
  return true;
}

/* One number cannot say how many layers two stacks have that have not equally many any more; nor what stands between which. */
static bool check_other(const following *f, const mw_stacks_one *s, const char *part, const char *key, const char *word) {
  for (size_t i = 0; i < f->stacks.count; i++) {
    const mw_stacks_one *o = &f->stacks.of[i];
    if (o == s || o->before != s->before || o->after == s->after || !o->layers[0].was || !mw_stacks_speaks(&f->stacks, part, o) ||
        !mw_stacks_counts(&f->stacks, part, word, o))
      continue;
    mw_error_set(f->err, MW_DATA, "config.json: %s says how many layers both '%.*s' and '%.*s' have: %llu and %llu cannot be said", key,
                 (int)s->length, s->name, (int)o->length, o->name, (unsigned long long)s->after, (unsigned long long)o->after);
    mw_error_hint(f->err, "take the same layers of both, in a recipe, by m:layers(first, end, {of = ...}); or --allow config");
    return allow(f);
  }
  return true;
}

/* What config.json says by which the layers of a stack would compute otherwise among others. */
static bool check_among_others(const following *f, const mw_stacks_one *s, mw_json object) {
  static const struct { const char *key, *type, *why; } hindrances[] = {
#define MW_DEPTH_BETWEEN(key) {#key, NULL, "layers of another stack stand between those of '%.*s', and would stand elsewhere"},
#define MW_DEPTH_COMPUTES(type) {"model_type", type, "what a layer of '%.*s' computes depends on its number or on how many there are"},
#include "model/depth_keys.def"
  };
  for (size_t i = 0; i < sizeof hindrances / sizeof *hindrances; i++) {
    const char *key = hindrances[i].key, *type = hindrances[i].type;
    const mw_json value = mw_json_member(object, key);
    if (type ? value.kind != MW_JSON_STRING || !mw_json_equals(value, type) : number_in(object, key, 1) < 2) continue;
    char why[160];
    snprintf(why, sizeof why, hindrances[i].why, (int)s->length, s->name);
    mw_error_set(f->err, MW_DATA, "config.json: %s = %.*s: %s", key, (int)value.length, value.bytes, why);
    mw_error_hint(f->err, "--allow config does it all the same");
    return allow(f);
  }
  return true;
}

/* A tensor outside of the layers that has a part for each of them, as Gemma 3n's embeddings, is that of the donor's layers. */
static bool check_across(const following *f, const mw_stacks_one *s, const char *part) {
  static const char *const words[] = {
#define MW_DEPTH_ACROSS(word) word,
#include "model/depth_keys.def"
  };
  mw_text_escaped name;
  for (size_t i = 0; i < f->made->output_count; i++) {
    const mw_graph_output *output = &f->made->outputs[i];
    const mw_family_member *member = f->donor;
    bool one = false;
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) one |= mw_text_ends_with(output->name, words[w]);
    const mw_tensor *tensor = one ? mw_stacks_made_of(f->inputs, f->made, output->node, &member) : NULL;
    const uint32_t shape = mw_graph_facts(f->made->graph, output->node).shape;
    if (!tensor || !mw_stacks_counts(&f->stacks, part, "", s) || mw_graph_rank(f->made->graph, shape) != tensor->rank ||
        memcmp(mw_graph_dims(f->made->graph, shape), tensor->shape, tensor->rank * sizeof *tensor->shape) != 0)
      continue; /* the recipe has made it another one itself */
    mw_error_set(f->err, MW_DATA, "'%s' has a part for each layer of '%.*s' side by side, and is that of %s",
                 mw_text_escape_z(&name, output->name), (int)s->length, s->name, member->label);
    mw_error_hint(f->err, "a recipe can make it of slices of the models' (x:slice, join); --allow config leaves it as it is");
    return allow(f);
  }
  return true;
}

/* ---- config.json ---- */

static bool follow_key(following *f, stack *s, const char *part, mw_json key, mw_json value) {
  static const struct { const char *key, *word; } depths[] = {
#define MW_DEPTH_COUNT(key, word) {#key, word},
#include "model/depth_keys.def"
  };
  static const struct { const char *key; mw_layer_lists_kind kind; } lists[] = {
#define MW_DEPTH_LIST(key) {#key, MW_LAYER_LISTS_PLAIN},
#define MW_DEPTH_ROUND(key) {#key, MW_LAYER_LISTS_ROUND},
#define MW_DEPTH_TEXT(key) {#key, MW_LAYER_LISTS_TEXT},
#define MW_DEPTH_TYPES(key) {#key, MW_LAYER_LISTS_TYPES},
#include "model/depth_keys.def"
  };
  static const struct { const char *key; unsigned from; } indices[] = {
#define MW_DEPTH_INDICES(key) {#key, 0},
#define MW_DEPTH_NUMBERS(key) {#key, 1},
#include "model/depth_keys.def"
  };
  uint64_t number;
  bool known = false;
  for (size_t i = 0; i < sizeof depths / sizeof *depths; i++)
    if (mw_json_equals(key, depths[i].key) && value.kind == MW_JSON_NUMBER && mw_json_u64(value, &number) &&
        number == s->of->before - s->further_before && mw_stacks_counts(&f->stacks, part, depths[i].word, s->of)) {
      s->said = true;
      MW_TRY(check_other(f, s->of, part, depths[i].key, depths[i].word));
      return s->of->after - s->further_after == number || set_number(f, part, key, s->of->after - s->further_after);
    }
  mw_text stages = {0};
  if (mw_layer_lists_stages(key, value, s->of->before, s->of->after, &stages)) {
    const bool ok = mw_text_check(&stages, f->err) && set_key(f, part, key, stages.bytes, stages.length);
    mw_text_free(&stages);
    return ok;
  }
  if (s->further_before != s->further_after && mw_prediction_layers_key(key)) return set_number(f, part, key, s->further_after);
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    if (mw_json_equals(key, lists[i].key) && (known = true) && mw_stacks_counts(&f->stacks, part, "", s->of)) {
      const bool round = lists[i].kind == MW_LAYER_LISTS_ROUND;
      s->said |= !round && mw_layer_lists_length(value, lists[i].kind) == s->of->before - s->further_before;
      MW_TRY(follow_list(f, s, part, key, lists[i].key, lists[i].kind, value));
    }
  for (size_t i = 0; i < sizeof indices / sizeof *indices; i++)
    if (mw_json_equals(key, indices[i].key) && (known = true))
      MW_TRY(follow_indices(f, s, part, key, indices[i].key, indices[i].from, value));
  if (known || !mw_layer_lists_unknown(key, value, s->of->before) || !mw_stacks_counts(&f->stacks, part, "", s->of)) return true;
  return follow_unknown(f, s, part, key, value);
}

static bool follow_object(following *f, const char *part, mw_json object, void *context) {
  stack *s = context;
  static const rule rules[] = {
#define MW_DEPTH_PERIOD(key, offset, shift, unless) {#key, offset, unless, false, shift},
#define MW_DEPTH_PREFIX(key, shift, with, unless) {#key, with, unless, true, shift},
#include "model/depth_keys.def"
  };
  mw_json key, value;
  if (!mw_stacks_speaks(&f->stacks, part, s->of)) return true;
  MW_TRY(check_stages(f, s->of, object) && check_among_others(f, s->of, object) && check_across(f, s->of, part));
  MW_TRY(find_further(f, s, part));
  for (mw_json_walk walk = mw_json_enter(object); mw_json_next(&walk, &key, &value);) MW_TRY(follow_key(f, s, part, key, value));
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) MW_TRY(check_rule(f, s, part, &rules[i]));
  return true;
}

static bool follow_stack(following *f, const mw_stacks_one *own) {
  stack s = {.of = own};
  for (uint64_t l = 0; l < own->after; l++)
    if (!own->layers[l].there && (own->layers[l].was || l >= own->before))
      return mw_error_set(f->err, MW_DATA, "the result has no tensors of layer %llu of '%.*s', but of later ones", (unsigned long long)l,
                          (int)own->length, own->name);
  return each_object(f, follow_object, &s) && check_said(f, &s) && check_firsts(f, own);
}

static const mw_graph_output *output_called(const following *f, const char *name) {
  for (size_t i = 0; i < f->made->output_count; i++)
    if (strcmp(f->made->outputs[i].name, name) == 0) return &f->made->outputs[i];
  return NULL;
}

typedef struct change {
  const char *key;
  uint64_t before, after;
} change;

/* A key whose value is `before`. */
static bool follow_number(following *f, const char *part, mw_json object, void *context) {
  const change *c = context;
  mw_json key, value;
  for (mw_json_walk walk = mw_json_enter(object); mw_json_next(&walk, &key, &value);)
    if (mw_json_equals(key, c->key) && number_in(object, c->key, c->after) == c->before) MW_TRY(set_number(f, part, key, c->after));
  return true;
}

/* The vocabulary's size is the embedding's; a head of its own is tied no more, and one that is missing is the embedding. */
static bool follow_vocabulary(following *f) {
  static const char tie[] = "tie_word_embeddings";
  const mw_config *config = &f->donor->model->config;
  const mw_tensor *embedding = mw_tied_head_embedding(f->donor->model);
  const mw_graph_output *output = embedding ? output_called(f, embedding->name) : NULL;
  if (!output) return true;
  uint32_t shape = mw_graph_facts(f->made->graph, output->node).shape;
  uint64_t rows = mw_graph_rank(f->made->graph, shape) == 2 ? mw_graph_dims(f->made->graph, shape)[0] : 0;
  if (rows && embedding->rank == 2 && rows != embedding->shape[0])
    MW_TRY(each_object(f, follow_number, &(change){"vocab_size", embedding->shape[0], rows}));
  if (!f->made->layout.own) return true;
  bool head = output_called(f, mw_tied_head_name) != NULL, had = mw_family_find(f->donor, mw_tied_head_name) != NULL;
  if (head == had || (head && !config->tied)) return true;
  const mw_json key = {MW_JSON_STRING, "\"tie_word_embeddings\"", sizeof tie + 1};
  return set_key(f, NULL, key, head ? "false" : "true", head ? 5 : 4);
}

static bool take_sets(following *f, const mw_config_edit_set *sets, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (is_taken(f, &sets[i])) continue;
    MW_TRY(mw_mem_grow(&f->sets, &f->set_capacity, f->set_count + 1, sizeof *f->sets, f->err));
    f->sets[f->set_count++] = sets[i];
  }
  return true;
}

static bool follow(following *f) {
  MW_TRY(take_sets(f, f->made->layout.sets, f->made->layout.set_count));
  if (f->vocabulary) MW_TRY(take_sets(f, f->vocabulary->sets, f->vocabulary->set_count));
  if (!f->donor->model->config.text) return true;
  if (f->made->layout.own) MW_TRY(mw_stacks_find(&f->stacks, f->inputs, f->made, f->err));
  for (size_t i = 0; i < f->stacks.count; i++) {
    const mw_stacks_one *own = &f->stacks.of[i];
    if (own->before && own->after && mw_stacks_changed(&f->stacks, own)) MW_TRY(follow_stack(f, own));
  }
  return follow_vocabulary(f) && each_object(f, check_predictions, NULL);
}

bool mw_follow_config(const mw_input_set *inputs, const mw_recipe_candidate *made, const mw_alignment *vocabulary, mw_arena *arena,
                      mw_warning *warnings, const mw_config_edit_set **sets, size_t *count, mw_error *err) {
  following f = {.inputs = inputs, .made = made, .vocabulary = vocabulary, .donor = &inputs->members[inputs->donor], .arena = arena,
                 .warnings = warnings, .err = err};
  bool ok = follow(&f);
  mw_config_edit_set *kept = ok ? mw_mem_take(arena, (f.set_count + 1) * sizeof *kept, err) : NULL;
  ok = ok && kept;
  if (ok && f.set_count) memcpy(kept, f.sets, f.set_count * sizeof *kept);
  *sets = kept;
  *count = ok ? f.set_count : 0;
  mw_stacks_free(&f.stacks);
  free(f.sets);
  return ok;
}
