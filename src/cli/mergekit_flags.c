/* mergekit_flags.c: for example `OUT --out-shard-size 2B --cuda -j 4` becomes `--output=OUT --shard-size=2GB --threads=4`, and the note
 * names --cuda. */
#include "mergekit_flags.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct flag {
  const char *name, *here; /* ours, or NULL: it changes nothing here */
  bool value;              /* a word follows */
  const char *letters;     /* "-j", or NULL */
} flag;

/* Those of mergekit-yaml, mergekit-multi, mergekit-pytorch and mergekit-moe. */
static const flag flags[] = {
  { "out-path", "output", true, NULL },
  { "out-shard-size", "shard-size", true, NULL },
  { "random-seed", "seed", true, NULL },
  { "num-threads", "threads", true, "-j" },
  { "quiet", "quiet", false, NULL },
  { "allow-crimes", NULL, false, NULL },
  { "async-write", NULL, false, NULL },
  { "clone-tensors", NULL, false, NULL },
  { "copy-tokenizer", NULL, false, NULL },
  { "cuda", NULL, false, NULL },
  { "device", NULL, true, NULL },
  { "gpu-rich", NULL, false, NULL },
  { "i-understand-this-is-not-useful-without-training", NULL, false, NULL },
  { "intermediate-dir", NULL, true, "-I" },
  { "lazy", NULL, false, NULL },
  { "lazy-unpickle", NULL, false, NULL },
  { "load-in-4bit", NULL, false, NULL },
  { "load-in-8bit", NULL, false, NULL },
  { "lora-merge-cache", NULL, true, NULL },
  { "lora-merge-dtype", NULL, true, NULL },
  { "low-cpu-memory", NULL, false, NULL },
  { "multi-gpu", NULL, false, NULL },
  { "read-to-gpu", NULL, false, NULL },
  { "safe-serialization", NULL, false, NULL },
  { "tensor-intersection", NULL, false, "-i" },
  { "tensor-union", NULL, false, "-u" },
  { "transformers-cache", NULL, true, NULL },
  { "trust-remote-code", NULL, false, NULL },
  { "unsafe-truncate-embeddings", NULL, false, NULL },
  { "verbose", NULL, false, "-v" },
  { "write-model-card", NULL, false, NULL },
  { "write-threads", NULL, true, NULL },
};

bool mw_mergekit_flags_apply(const char *name) { return mw_text_ends_with(name, ".yml") || mw_text_ends_with(name, ".yaml"); }

/* The flag of a word such as "-j", "-j4" and "-vvv", or NULL; *value: the "4" of "-j4". */
static const flag *find_letter(const char *word, const char **value) {
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
    const char *letters = flags[i].letters;
    if (!letters || strncmp(word, letters, 2) != 0) continue;
    if (flags[i].value && word[2]) *value = word + 2;
    if (flags[i].value || strspn(word + 1, letters + 1) == strlen(word + 1)) return &flags[i];
  }
  return NULL;
}

/* The flag that a word is, "--cuda", "--no-cuda", "--seed=7" or "-j"; *value: what stands in the word behind its name, or NULL. */
static const flag *find(const char *word, const char **value) {
  *value = NULL;
  if (strncmp(word, "--", 2) != 0) return find_letter(word, value);
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
    static const flag output = { "output", "output", true, NULL };
    bool is_output = i == 0 && *words[i] && *words[i] != '-'; /* mergekit-yaml FILE.yml OUT */
    const flag *known = is_output ? &output : find(words[i], &value);
    if (is_output) value = words[i];
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
