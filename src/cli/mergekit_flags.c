/* mergekit_flags.c: for example `--out-shard-size 2B --cuda --random-seed=7` becomes `--shard-size=2GB --seed=7`, and the note names
 * --cuda. */
#include "mergekit_flags.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct flag {
  const char *name, *here; /* ours, or NULL: it changes nothing here */
  bool value;              /* a word follows */
} flag;

static const flag flags[] = {
  { "out-shard-size", "shard-size", true },  { "random-seed", "seed", true },         { "num-threads", "threads", true },
  { "quiet", "quiet", false },               { "copy-tokenizer", NULL, false },       { "allow-crimes", NULL, false },
  { "lazy-unpickle", NULL, false },          { "cuda", NULL, false },                 { "low-cpu-memory", NULL, false },
  { "trust-remote-code", NULL, false },      { "clone-tensors", NULL, false },        { "write-model-card", NULL, false },
  { "safe-serialization", NULL, false },     { "verbose", NULL, false },              { "read-to-gpu", NULL, false },
  { "multi-gpu", NULL, false },              { "gpu-rich", NULL, false },             { "async-write", NULL, false },
  { "lora-merge-cache", NULL, true },        { "lora-merge-dtype", NULL, true },      { "transformers-cache", NULL, true },
  { "device", NULL, true },                  { "write-threads", NULL, true },         { "intermediate-dir", NULL, true },
};

bool mw_mergekit_flags_apply(const char *name) { return mw_text_ends_with(name, ".yml") || mw_text_ends_with(name, ".yaml"); }

/* The flag that a word is, "--cuda", "--no-cuda" or "--seed=7"; *value: what stands behind its '=', or NULL. */
static const flag *find(const char *word, const char **value) {
  if (strncmp(word, "--", 2) != 0) return NULL;
  const char *name = word + 2, *equals = strchr(name, '=');
  size_t length = equals ? (size_t)(equals - name) : strlen(name);
  *value = equals ? equals + 1 : NULL;
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
    size_t negated = !flags[i].value && strncmp(name, "no-", 3) == 0 ? 3 : 0;
    if (strlen(flags[i].name) == length - negated && strncmp(name + negated, flags[i].name, length - negated) == 0) return &flags[i];
  }
  return NULL;
}

/* "2B" and "500M", which count bytes there as well. */
static const char *size_of(const char *value, char buffer[32]) {
  size_t length = strlen(value);
  char last = length ? value[length - 1] : 0;
  if (length > 20 || !strchr("kKmMbB", last ? last : ' ')) return value;
  const char *unit = last == 'b' || last == 'B' ? "GB" : last == 'm' || last == 'M' ? "MB" : "KB";
  snprintf(buffer, 32, "%.*s%s", (int)length - 1, value, unit);
  return buffer;
}

bool mw_mergekit_flags_translate(char *const *words, size_t count, char ***out, size_t *out_count, char note[400], mw_error *err) {
  char **list = calloc(count + 1, sizeof *list), buffer[32];
  size_t used = 0;
  note[0] = 0;
  *out = list;
  *out_count = 0;
  if (!list) return mw_term_fail(err, MW_MEMORY, "no memory for the command line");
  for (size_t i = 0; i < count; i++) {
    const char *value = NULL;
    const flag *known = find(words[i], &value);
    if (known && known->value && !value && i + 1 < count) value = words[++i];
    if (known && !known->here) {
      if (used < 300) used += (size_t)snprintf(note + used, 400 - used, "%s--%s", used ? " " : "", known->name);
      continue;
    }
    if (value && known && strcmp(known->name, "out-shard-size") == 0) value = size_of(value, buffer);
    size_t room = strlen(known ? known->here : words[i]) + (value ? strlen(value) : 0) + 8;
    char *word = list[*out_count] = malloc(room);
    if (!word) return mw_term_fail(err, MW_MEMORY, "no memory for the command line");
    if (!known) snprintf(word, room, "%s", words[i]);
    else snprintf(word, room, value ? "--%s=%s" : "--%s", known->here, value);
    ++*out_count;
  }
  if (used) snprintf(note + used, 400 - used, ": what mergekit's program is told so changes nothing here");
  return true;
}

void mw_mergekit_flags_free(char **words) {
  for (size_t i = 0; words && words[i]; i++) free(words[i]);
  free(words);
}
