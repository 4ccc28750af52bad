/* card.c: the model card. Text from inputs (names, licences, recipes) must not be able to end the front matter or a code block and
 * add something of its own. So it is either restricted to a plain alphabet, or escaped, or in a code block whose fence is longer
 * than any run of backticks in the text. */
#include "output/card.h"

#include <stdlib.h>
#include <string.h>

#define FRONT_MATTER_BYTES 65536

static bool is_plain(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    char c = text[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && !strchr("._-/+", c ? c : ' ')) return false;
  }
  return length > 0 && length <= 200;
}

/* The value of a line "license: x" in the front matter of `bytes`; "" if there is none or it is not a plain word. */
static bool find_license(const char *bytes, size_t length, mw_arena *arena, const char **license, mw_error *err) {
  static const char key[] = "license:";
  const char *end = bytes + length;
  bool inside = false;
  for (const char *line = bytes, *next; line < end; line = next) {
    const char *stop = memchr(line, '\n', (size_t)(end - line));
    next = stop ? stop + 1 : end;
    size_t width = (size_t)((stop ? stop : end) - line);
    while (width && strchr(" \t\r", line[width - 1]) && line[width - 1]) width--;
    bool fence = width == 3 && !memcmp(line, "---", 3);
    if (!inside && !fence) return true;
    if (inside && fence) return true;
    inside = true;
    if (width < sizeof key || memcmp(line, key, sizeof key - 1) != 0) continue;
    const char *value = line + sizeof key - 1;
    size_t rest = width - (sizeof key - 1);
    while (rest && (*value == ' ' || *value == '\t')) value++, rest--;
    if (rest >= 2 && (*value == '"' || *value == '\'') && value[rest - 1] == *value) value++, rest -= 2;
    if (!is_plain(value, rest)) return true;
    *license = mw_mem_copy(arena, value, rest, err);
    return *license != NULL;
  }
  return true;
}

/* The licence that a model's README.md names, or "" where it names none. False only for want of memory. */
static bool license_of(const mw_model *model, mw_arena *arena, const char **license, mw_error *err) {
  mw_error ignored = {0};
  mw_file file;
  *license = "";
  if (!model->folder) return true;
  const char *path = mw_file_join(arena, model->folder, "README.md", err);
  MW_TRY(path != NULL);
  if (!mw_file_open(&file, path, &ignored)) return ignored.status != MW_MEMORY || mw_error_memory(err, strlen(path));
  size_t length = file.size < FRONT_MATTER_BYTES ? (size_t)file.size : FRONT_MATTER_BYTES;
  char *bytes = mw_mem_new(length + 1, 1, err);
  bool done = bytes != NULL;
  if (done && mw_file_read(&file, 0, bytes, length, &ignored)) done = find_license(bytes, length, arena, license, err);
  free(bytes);
  mw_file_close(&file);
  return done;
}

/* The licence that all models have, "other" if they differ, "" if none is known. */
static bool join_licenses(const mw_family_member *members, size_t count, mw_warning *warnings, mw_arena *arena,
                          const char **joined, mw_error *err) {
  const char *first = NULL, *first_label = "";
  bool differ = false, known = false;
  *joined = "";
  for (size_t i = 0; i < count; i++) {
    const char *license;
    mw_text_escaped escaped[2];
    MW_TRY(license_of(members[i].model, arena, &license, err));
    known = known || *license;
    if (first && strcmp(first, license) != 0) {
      differ = true;
      if (*first && *license)
        mw_warning_add(warnings, "licences differ: %s has %s, %s has %s; the card says \"other\"",
                    mw_text_escape_z(&escaped[0], first_label), first, mw_text_escape_z(&escaped[1], members[i].label), license);
    }
    if (!first || (!*first && *license)) {
      first = license;
      first_label = members[i].label;
    }
  }
  if (known) *joined = differ ? "other" : first;
  return true;
}

static bool is_repeated(const mw_family_member *members, size_t index) {
  for (size_t i = 0; i < index; i++)
    if (members[i].model->hub && !strcmp(members[i].model->hub, members[index].model->hub)) return true;
  return false;
}

/* The library that loads the output, as the hub spells it. */
static const char *library_of(const mw_model *donor) {
  if (donor->component_count) return "diffusers";
  if (donor->part_count) return "sentence-transformers";
  return strcmp(donor->stem, "model") == 0 ? "transformers" : "diffusers";
}

/* An adapter's base is the donor; a merge has them all. */
static void add_front(mw_text *out, const mw_family *family, bool adapter, const char *license) {
  const mw_family_member *members = family->members;
  size_t first = adapter ? family->donor : 0, end = adapter ? first + 1 : family->count;
  bool any = false;
  mw_text_format(out, "---\n");
  for (size_t i = first; i < end; i++) {
    const char *hub = members[i].model->hub;
    if (!hub || !is_plain(hub, strlen(hub)) || (!adapter && is_repeated(members, i))) continue;
    mw_text_format(out, "%s- \"%s\"\n", any ? "" : "base_model:\n", hub);
    any = true;
  }
  mw_text_format(out, "base_model_relation: %s\nlibrary_name: %s\ntags:\n- %s\n- moonweld\n", adapter ? "adapter" : "merge",
                 adapter ? "peft" : library_of(members[family->donor].model), adapter ? "lora" : "merge");
  if (*license) mw_text_format(out, "license: \"%s\"\n", license);
  mw_text_format(out, "---\n\n");
}

/* A code block whose fence is longer than any run of backticks in the text. */
static void add_block(mw_text *out, const char *language, const char *text) {
  size_t longest = 2, run = 0, length = strlen(text);
  for (size_t i = 0; i < length; i++) {
    run = text[i] == '`' ? run + 1 : 0;
    if (run > longest) longest = run;
  }
  for (size_t i = 0; i <= longest; i++) mw_text_add(out, "`", 1);
  mw_text_format(out, "%s\n", language);
  mw_text_add(out, text, length);
  if (length && text[length - 1] != '\n') mw_text_add(out, "\n", 1);
  for (size_t i = 0; i <= longest; i++) mw_text_add(out, "`", 1);
  mw_text_add(out, "\n", 1);
}

/* Text from an input within a line: characters that are markup in Markdown or HTML are escaped. */
static void add_words(mw_text *out, const char *words) {
  mw_text_escaped escaped;
  for (const char *at = mw_text_escape_z(&escaped, words); *at; at++) {
    if (*at == '<') mw_text_format(out, "&lt;");
    else if (*at == '&') mw_text_format(out, "&amp;");
    else mw_text_format(out, strchr("\\`*[]|", *at) ? "\\%c" : "%c", *at);
  }
}

/* Where the model is told by its hub id; else what was typed has the adapters too. */
static void add_adapter(mw_text *out, const mw_model_adapter *adapter) {
  mw_text_format(out, " + ");
  add_words(out, adapter->hub ? adapter->hub : adapter->where);
  if (adapter->commit) mw_text_format(out, " at %s", adapter->commit);
}

static void add_inputs(mw_text *out, const mw_family_member *members, size_t count) {
  mw_text_format(out, "\n## Inputs\n\n");
  for (size_t i = 0; i < count; i++) {
    const mw_model *model = members[i].model;
    mw_text_format(out, "* ");
    add_words(out, members[i].label);
    mw_text_format(out, ": ");
    add_words(out, model->hub ? model->hub : model->where);
    if (model->commit) mw_text_format(out, " at %s", model->commit);
    for (size_t a = 0; model->hub && a < model->adapter_count; a++) add_adapter(out, &model->adapters[a]);
    mw_text_format(out, "\n");
  }
}

bool mw_card_compose(const mw_family *family, const mw_side_files_provenance *provenance, mw_warning *warnings, mw_text *out,
                     mw_error *err) {
  mw_arena arena = {0};
  const char *license;
  bool joined = join_licenses(family->members, family->count, warnings, &arena, &license, err);
  if (joined) add_front(out, family, provenance->adapter, license);
  mw_mem_release(&arena);
  MW_TRY(joined);
  mw_text_format(out, "# %s by ", provenance->adapter ? "Adapter" : "Merge");
  add_words(out, provenance->recipe_name ? provenance->recipe_name : "recipe");
  mw_text_format(out, "\n\n%s with Moonweld %s. ", provenance->adapter ? "Made" : "Merged", MW_VERSION);
  if (provenance->recipe_summary) add_words(out, provenance->recipe_summary);
  if (provenance->recipe_paper && *provenance->recipe_paper) {
    mw_text_format(out, "\n\nPaper: ");
    add_words(out, provenance->recipe_paper);
  }
  mw_text_format(out, "\n");
  add_inputs(out, family->members, family->count);
  if (provenance->carried) {
    mw_text_format(out, "\nComponents that are not merged but %s's: ", family->members[family->donor].label);
    add_words(out, provenance->carried);
    mw_text_format(out, "\n");
  }
  if (provenance->drawn_text) {
    mw_text_format(out, "\nDrawn: ");
    add_words(out, provenance->drawn_text);
    mw_text_format(out, "\n");
  }
  if (provenance->command) {
    mw_text_format(out, "\n## Command\n\n");
    add_block(out, "sh", provenance->command);
  }
  if (provenance->recipe_text) {
    mw_text_format(out, "\n## Recipe\n\n");
    add_block(out, "lua", provenance->recipe_text);
  }
  mw_text_format(out, "\nHow to make it again stands in the lock file beside this card.\n");
  return mw_text_check(out, err);
}
