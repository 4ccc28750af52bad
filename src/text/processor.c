/* processor.c: the template for a single text is read into the ids before and after the text. */
#include "text/processor.h"
#include <stdlib.h>
#include <string.h>

/* The ids of a special token, in the template's own table. */
static bool add_special(const mw_option *option, mw_json token, mw_ids *out) {
  mw_json name = mw_json_member(token, "id"), table, key, value, id;
  MW_TRY(mw_option_member(option, "special_tokens", MW_JSON_OBJECT, &table));
  for (mw_json_walk walk = mw_json_enter(table); name.kind == MW_JSON_STRING && mw_json_next(&walk, &key, &value);) {
    if (key.length != name.length || memcmp(key.bytes, name.bytes, name.length) != 0) continue;
    mw_json ids = mw_json_member(value, "ids");
    if (ids.kind != MW_JSON_ARRAY) return mw_option_refuse(option, "special_tokens", value, "\"ids\", a list");
    for (mw_json_walk inner = mw_json_enter(ids); mw_json_next(&inner, NULL, &id);) {
      uint64_t number;
      if (!mw_json_u64(id, &number) || number >= UINT32_MAX)
        return mw_option_refuse(option, "special_tokens", id, "an id from 0 to 4294967294");
      MW_TRY(mw_ids_add(out, (uint32_t)number, option->err));
    }
    return true;
  }
  return mw_option_refuse(option, "special_tokens", token, "a token that is listed");
}

static bool read_template(mw_processor *p, const mw_option *option) {
  mw_json single, item, key, value = {0};
  mw_ids before = {0};
  bool seen = false, ok = true;
  MW_TRY(mw_option_only(option, "single pair special_tokens") && mw_option_member(option, "single", MW_JSON_ARRAY, &single));
  for (mw_json_walk walk = mw_json_enter(single); ok && mw_json_next(&walk, NULL, &item);) {
    mw_json_walk inner = mw_json_enter(item);
    bool named = item.kind == MW_JSON_OBJECT && mw_json_next(&inner, &key, &value);
    if (named && mw_json_equals(key, "SpecialToken")) ok = add_special(option, value, seen ? &p->after : &before);
    else if (named && mw_json_equals(key, "Sequence") && !seen && mw_json_equals(mw_json_member(value, "id"), "A")) seen = true;
    else ok = mw_option_refuse(option, "single", item, "a SpecialToken, or the Sequence A once");
  }
  if (ok && !seen) ok = mw_option_refuse(option, "single", single, "the Sequence A");
  for (size_t i = before.count; ok && i-- > 0;) ok = mw_ids_add(&p->before, before.ids[i], option->err);
  free(before.ids);
  return ok;
}

bool mw_processor_read(mw_processor *p, const char *what, mw_json json, mw_arena *arena, mw_error *err) {
  mw_option option;
  mw_json list, part;
  if (json.kind == MW_JSON_END || json.kind == MW_JSON_NULL) return true;
  MW_TRY(mw_option_open(&option, what, json, NULL, arena, err));
  if (strcmp(option.type, "ByteLevel") == 0) return mw_option_only(&option, "add_prefix_space trim_offsets use_regex");
  if (strcmp(option.type, "TemplateProcessing") == 0) return read_template(p, &option);
  if (strcmp(option.type, "Sequence") != 0) return mw_option_unknown(&option);
  MW_TRY(mw_option_only(&option, "processors") && mw_option_member(&option, "processors", MW_JSON_ARRAY, &list));
  for (mw_json_walk walk = mw_json_enter(list); mw_json_next(&walk, NULL, &part);)
    MW_TRY(mw_processor_read(p, what, part, arena, err));
  return true;
}

void mw_processor_free(mw_processor *p) {
  free(p->before.ids);
  free(p->after.ids);
}
