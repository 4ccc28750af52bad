/* Opening models and joining them: the rows I1-I16 and C1-C13 of the list of bad input, on toy folders made here. */
#include "io/family.h"
#include "io/hub.h"
#include "unit.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char root[64]; /* all folders lie here, and the process works in it */

/* ---- making toys ---- */

typedef struct toy {
  const char *name, *dtype;
  unsigned rows, columns, size; /* size: bytes of an element */
  char fill;
} toy;

static void put(const char *path, const void *bytes, size_t length) {
  FILE *file = fopen(path, "wb");
  CHECK(file && fwrite(bytes, 1, length, file) == length);
  if (file) fclose(file);
}

static void put_text(const char *path, const char *text) { put(path, text, strlen(text)); }

static void put_tensors(const char *path, const toy *toys, size_t count) {
  mw_text out = {0};
  unsigned at = 0;
  mw_text_add(&out, "\0\0\0\0\0\0\0\0{", 9);
  for (size_t i = 0; i < count; i++) {
    unsigned bytes = toys[i].rows * toys[i].columns * toys[i].size;
    mw_text_format(&out, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%u,%u],\"data_offsets\":[%u,%u]}", i ? "," : "", toys[i].name,
                   toys[i].dtype, toys[i].rows, toys[i].columns, at, at + bytes);
    at += bytes;
  }
  mw_text_format(&out, "}");
  for (int i = 0; i < 8; i++) out.bytes[i] = (char)((out.length - 8) >> (8 * i));
  for (size_t i = 0; i < count; i++)
    for (unsigned k = 0; k < toys[i].rows * toys[i].columns * toys[i].size; k++) mw_text_add(&out, &toys[i].fill, 1);
  put(path, out.bytes, out.length);
  mw_text_free(&out);
}

static const char llama[] = "{\"model_type\":\"llama\",\"architectures\":[\"LlamaForCausalLM\"],\"num_hidden_layers\":1,"
                            "\"hidden_size\":4,\"vocab_size\":6,\"num_attention_heads\":2,\"tie_word_embeddings\":%s}";
static const char any[] = "{\"model_type\":\"toy\"}";

/* FOLDER with model.safetensors and a config; empty but for the config where count is 0. */
static void put_model(const char *folder, const char *config, const toy *toys, size_t count) {
  char path[256];
  CHECK(mkdir(folder, 0755) == 0);
  snprintf(path, sizeof path, "%s/config.json", folder);
  if (config) put_text(path, config);
  snprintf(path, sizeof path, "%s/model.safetensors", folder);
  if (count) put_tensors(path, toys, count);
}

#define EMBED {"model.embed_tokens.weight", "F32", 6, 4, 4, 1}
#define LAYER {"model.layers.0.up.weight", "F32", 4, 4, 4, 2}
#define HEAD(fill) {"lm_head.weight", "F32", 6, 4, 4, fill}
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- opening ---- */

/* Opens and closes; where the status is not OK the text must hold the words. */
static void opens_at(const char *where, mw_status status, const char *words, const char *warning, int line) {
  mw_error err = {0};
  mw_note notes = {0};
  mw_model *model = NULL;
  bool ok = mw_model_open(where, &notes, &model, &err), warned = !warning;
  for (size_t i = 0; i < notes.count && warning; i++) warned |= strstr(notes.lines[i], warning) != NULL;
  bool good = ok == (status == MW_OK) && (ok || (err.status == status && (strstr(err.text, words) || strstr(err.hint, words)))) && warned;
  if (!good) printf("%s: %d %s (%s) %s\n", where, ok ? 0 : (int)err.status, err.text, err.hint, notes.count ? notes.lines[0] : "");
  unit_check(good, where, __FILE__, line);
  if (ok) mw_model_close(model);
  mw_note_free(&notes);
}
#define OPENS(where) opens_at(where, MW_OK, "", NULL, __LINE__)
#define WARNS(where, words) opens_at(where, MW_OK, "", words, __LINE__)
#define REFUSES(where, status, words) opens_at(where, status, words, NULL, __LINE__)

static const toy first[] = {EMBED}, second[] = {LAYER}, whole[] = {EMBED, LAYER};

/* A folder of two shards whose index is `index`, with total_size 160 in good ones. */
static void put_sharded(const char *folder, const char *index) {
  char path[256];
  put_model(folder, any, NULL, 0);
  snprintf(path, sizeof path, "%s/a.safetensors", folder);
  put_tensors(path, first, 1);
  snprintf(path, sizeof path, "%s/b.safetensors", folder);
  put_tensors(path, second, 1);
  snprintf(path, sizeof path, "%s/model.safetensors.index.json", folder);
  put_text(path, index);
}

#define MAP(total, first, second) "{\"metadata\":{\"total_size\":" total "},\"weight_map\":{\"model.embed_tokens.weight\":" \
                                  first ",\"model.layers.0.up.weight\":" second "}}"

static void test_index(void) {
  static const struct { const char *index; mw_status status; const char *words; } bad[] = {
      {"nonsense", MW_DATA, "index.json"}, {"[1]", MW_DATA, "weight_map"}, {"{}", MW_DATA, "weight_map"},
      {"{\"weight_map\":{}}", MW_DATA, "weight_map"}, {"{\"weight_map\":[]}", MW_DATA, "weight_map"},
      {MAP("160", "\"a.safetensors\"", "7"), MW_DATA, "layers.0.up"}, {MAP("160", "\"\"", "\"b.safetensors\""), MW_DATA, "embed"},
      {MAP("160", "\"../a.safetensors\"", "\"b.safetensors\""), MW_DATA, "../a"},
      {MAP("160", "\"/etc/passwd\"", "\"b.safetensors\""), MW_DATA, "/etc/passwd"},
      {MAP("160", "\"..\"", "\"b.safetensors\""), MW_DATA, "embed"},
      {MAP("160", "\"a\\\\b\"", "\"b.safetensors\""), MW_DATA, "embed"},
      {MAP("160", "\"a\\u0000b\"", "\"b.safetensors\""), MW_DATA, "embed"},
      {MAP("160", "\"a.safetensors\"", "\"c.safetensors\""), MW_MISSING, "c.safetensors"},
      {MAP("160", "\"b.safetensors\"", "\"a.safetensors\""), MW_DATA, "places tensor"},
      {"{\"weight_map\":{\"x\":\"a.safetensors\",\"x\":\"a.safetensors\"}}", MW_DATA, "duplicate"},
      {"{\"weight_map\":{\"model.embed_tokens.weight\":\"a.safetensors\",\"gone\":\"b.safetensors\"}}", MW_DATA, "gone"}};
  char folder[32];
  for (size_t i = 0; i < COUNT(bad); i++) {
    snprintf(folder, sizeof folder, "index-%zu", i);
    put_sharded(folder, bad[i].index);
    REFUSES(folder, bad[i].status, bad[i].words);
  }
  static const char *const totals[] = {"7", "\"160\"", "99999999999999999999", "null"};
  put_sharded("good", MAP("160", "\"a.safetensors\"", "\"b.safetensors\""));
  OPENS("good");
  OPENS("good/model.safetensors.index.json");
  for (size_t i = 0; i < COUNT(totals); i++) {
    mw_text map = {0};
    snprintf(folder, sizeof folder, "total-%zu", i);
    mw_text_format(&map, "{\"metadata\":{\"total_size\":%s},\"weight_map\":{\"model.embed_tokens.weight\":\"a.safetensors\","
                         "\"model.layers.0.up.weight\":\"b.safetensors\"}}", totals[i]);
    put_sharded(folder, map.bytes);
    WARNS(folder, "total_size");
    mw_text_free(&map);
  }
  put_text("good/model-00006-of-00006.safetensors", "stale"); /* I11, I9 */
  WARNS("good", "model-00006-of-00006");
  put_tensors("good/b.safetensors", whole, 2); /* I6 */
  REFUSES("good", MW_DATA, "two shards");
  put_sharded("more", "{\"weight_map\":{\"model.embed_tokens.weight\":\"a.safetensors\"}}"); /* I5 */
  put_tensors("more/a.safetensors", whole, 2);
  REFUSES("more", MW_DATA, "not in the index");
}

static void test_folders(void) {
  put_model("plain", any, whole, 2);
  OPENS("plain");
  OPENS("plain/model.safetensors");
  put_text("plain/consolidated.safetensors", "");
  WARNS("plain", "consolidated");
  put_text("plain/model.safetensors.index.json", MAP("160", "\"a.safetensors\"", "\"b.safetensors\"")); /* I8 */
  REFUSES("plain", MW_DATA, "both");
  put_text("plain/model.safetensors.index.json", MAP("160", "\"model.safetensors\"", "\"model.safetensors\""));
  OPENS("plain");
  put_text("plain/model.safetensors.index.json", MAP("160", "\"twin.safetensors\"", "\"twin.safetensors\""));
  put_tensors("plain/twin.safetensors", whole, 2);
  OPENS("plain");
  static const toy longer[] = {EMBED, {"model.layers.0.up.weight", "F32", 5, 4, 4, 2}};
  put_tensors("plain/twin.safetensors", longer, 2);
  REFUSES("plain", MW_DATA, "both");

  put_model("counted", any, NULL, 0);
  put_tensors("counted/model-00001-of-00002.safetensors", first, 1);
  REFUSES("counted", MW_MISSING, "model-00002-of-00002");
  put_tensors("counted/model-00002-of-00002.safetensors", second, 1);
  OPENS("counted");
  put_tensors("counted/model-00001-of-00003.safetensors", first, 1);
  REFUSES("counted", MW_DATA, "two models");
  put_model("zero", any, NULL, 0);
  put_tensors("zero/model-00000-of-00000.safetensors", first, 1);
  REFUSES("zero", MW_MISSING, "no model.safetensors");

  put_model("half", any, NULL, 0);
  put_tensors("half/model.fp16.safetensors", first, 1);
  put_text("half/pytorch_model.bin", "");
  REFUSES("half", MW_MISSING, "model.fp16.safetensors");
  OPENS("half/model.fp16.safetensors");
  put_model("pickle", any, NULL, 0);
  put_text("pickle/pytorch_model.bin", ""); /* I10 */
  REFUSES("pickle", MW_DATA, "convert");
  put_model("empty", any, NULL, 0);
  REFUSES("empty", MW_MISSING, "empty");
  REFUSES("/nowhere/at/all", MW_MISSING, "/nowhere");

  put_model("lfs", any, NULL, 0); /* I16 */
  put_text("lfs/model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
  REFUSES("lfs", MW_DATA, "git-lfs");
  put_model("page", any, NULL, 0);
  put_text("page/model.safetensors", "<!DOCTYPE html><html><body>Not Found</body></html>");
  REFUSES("page", MW_DATA, "web page");

  put_model("pipe", any, NULL, 0); /* I13 */
  CHECK(mkfifo("pipe/model.safetensors", 0644) == 0);
  REFUSES("pipe", MW_DATA, "regular");
  put_model("loop", any, NULL, 0);
  CHECK(symlink("model.safetensors", "loop/model.safetensors") == 0);
  REFUSES("loop", MW_MISSING, "loop");
  put_model("nested", any, NULL, 0);
  CHECK(mkdir("nested/model.safetensors", 0755) == 0);
  REFUSES("nested", MW_DATA, "regular");
  put_model("secret", any, whole, 2); /* I14: root may read all */
  CHECK(chmod("secret/model.safetensors", 0) == 0);
  if (geteuid() != 0) REFUSES("secret", MW_MISSING, "denied");
}

/* I15: an index of 20 000 files and one of many tensors scattered over many files end soon. */
static void test_limits(void) {
  mw_text map = {0};
  put_model("many", any, NULL, 0);
  mw_text_format(&map, "{\"weight_map\":{\"t\":\"x\"");
  for (unsigned i = 0; i < 20000; i++) mw_text_format(&map, ",\"t%u\":\"s%u\"", i, i);
  mw_text_format(&map, "}}");
  put_text("many/model.safetensors.index.json", map.bytes);
  REFUSES("many", MW_DATA, "16384");
  map.length = 0;
  mw_text_format(&map, "{\"weight_map\":{\"t\":\"x\"");
  for (unsigned i = 0; i < 1000000; i++) mw_text_format(&map, ",\"t%u\":\"s%u\"", i, i * 7919 % 16000);
  mw_text_format(&map, "}}");
  put_text("many/model.safetensors.index.json", map.bytes);
  clock_t start = clock();
  REFUSES("many", MW_MISSING, "... and 15981 more");
  CHECK(clock() - start < 8 * CLOCKS_PER_SEC); /* below 2 s without sanitizers */
  mw_text_free(&map);

  enum { TENSORS = 20000 };
  char (*names)[40] = calloc(TENSORS, sizeof *names);
  toy *toys = calloc(TENSORS, sizeof *toys);
  for (unsigned i = 0; names && toys && i < TENSORS; i++) {
    snprintf(names[i], sizeof names[i], "model.layers.%u.mlp.weight", (i * 7919u) % TENSORS);
    toys[i] = (toy){names[i], "F32", 1, 1, 4, 0};
  }
  put_tensors("large.safetensors", toys, TENSORS);
  mw_model *model;
  mw_error err;
  start = clock();
  bool ok = mw_model_open("large.safetensors", NULL, &model, &err);
  printf("20 000 tensors opened in %.0f ms\n", 1e3 * (double)(clock() - start) / CLOCKS_PER_SEC);
  CHECK(ok && model->tensor_count == TENSORS);
  bool sorted = ok, found = ok;
  for (size_t i = 1; ok && i < model->tensor_count; i++) sorted &= strcmp(model->tensors[i - 1].name, model->tensors[i].name) < 0;
  for (unsigned i = 0; ok && i < TENSORS; i++) found &= mw_model_find(model, names[i]) != NULL;
  CHECK(sorted && found && mw_model_find(model, "model") == NULL);
  if (ok) mw_model_close(model);
  free(names);
  free(toys);
}

static void test_hub(void) {
  static const char commit[] = "0123456789abcdef0123456789abcdef01234567";
  mw_error err = {0};
  mw_model *model = NULL;
  char folder[256];
  setenv("HF_HUB_CACHE", "cache", 1);
  CHECK(!mw_hub_is_id("a@b/c") && !mw_hub_is_id("./a") && !mw_hub_is_id("a/b/c") && !mw_hub_is_id("name"));
  CHECK(mw_hub_is_id("org/name") && mw_hub_is_id("org/name@v1/x"));
  CHECK(mkdir("cache", 0755) == 0 && mkdir("cache/models--org--name", 0755) == 0);
  CHECK(mkdir("cache/models--org--name/refs", 0755) == 0 && mkdir("cache/models--org--name/snapshots", 0755) == 0);
  put_text("cache/models--org--name/refs/main", "0123456789abcdef0123456789abcdef01234567\n");
  put_text("cache/models--org--name/refs/broken", "../../../../etc");
  REFUSES("org/name", MW_MISSING, "cache");
  snprintf(folder, sizeof folder, "cache/models--org--name/snapshots/%s", commit);
  put_model(folder, any, whole, 2);
  CHECK(mw_model_open("org/name", NULL, &model, &err));
  if (model) {
    CHECK_TEXT(model->hub, "org/name");
    CHECK_TEXT(model->commit, commit);
    mw_model_close(model);
  }
  OPENS("org/name@0123456789abcdef0123456789abcdef01234567");
  REFUSES("org/name@broken", MW_DATA, "commit");
  REFUSES("org/name@absent", MW_MISSING, "cache");
  REFUSES("org/name@../x", MW_USAGE, "hub id");
  REFUSES("org/na me", MW_USAGE, "hub id");
  REFUSES("org/other", MW_MISSING, "never uses the network");
  unsetenv("HF_HUB_CACHE");
}

/* ---- config ---- */

static void test_config(void) {
  static const char *const sizes[] = {"-1", "0", "1e99", "\"4\"", "9223372036854775808", "1.6e1", "4.0", "[]", "true"};
  char text[256];
  put_model("config", NULL, whole, 2);
  REFUSES("config", MW_MISSING, "config.json");
  static const char *const malformed[] = {"", "nonsense", "[]", "\xef\xbb\xbf{}", "{} {}", "{\"a\":1,\"a\":2}"};
  for (size_t i = 0; i < COUNT(malformed); i++) {
    put_text("config/config.json", malformed[i]);
    REFUSES("config", MW_DATA, "config.json");
  }
  mw_text deep = {0};
  for (int i = 0; i < 100000; i++) mw_text_add(&deep, "[", 1);
  put_text("config/config.json", deep.bytes);
  REFUSES("config", MW_DATA, "nesting");
  mw_text_free(&deep);
  CHECK(truncate("config/config.json", 200 << 20) == 0);
  REFUSES("config", MW_DATA, "config.json");
  for (size_t i = 0; i < COUNT(sizes); i++) {
    snprintf(text, sizeof text, "{\"model_type\":\"llama\",\"hidden_size\":%s}", sizes[i]);
    put_text("config/config.json", text);
    REFUSES("config", MW_DATA, "hidden_size");
  }
  put_text("config/config.json", "{\"model_type\":\"llama\",\"num_attention_heads\":0}");
  REFUSES("config", MW_DATA, "num_attention_heads");
  put_text("config/config.json", "{\"model_type\":\"other\",\"hidden_size\":[1,2]}"); /* not ours to judge */
  OPENS("config");
}

static void edits_at(const char *before, const char *dtype, bool untie, const char *after, int line) {
  mw_config config;
  mw_error err = {0};
  mw_text out = {0};
  put_text("edit/config.json", before);
  unit_check(mw_config_open(&config, "edit", &err) && mw_config_edit(&config, dtype, untie, &out, &err), err.text, __FILE__, line);
  unit_text(out.bytes, after, __FILE__, line);
  mw_text_free(&out);
  mw_config_close(&config);
}
#define EDITS(before, dtype, untie, after) edits_at(before, dtype, untie, after, __LINE__)

static void test_edit(void) {
  CHECK(mkdir("edit", 0755) == 0);
  EDITS("{ \"b\":1e5,\"dtype\" : \"x\" ,\n\"a\":[1.0] }\n", "float16", false, "{ \"b\":1e5,\"dtype\" : \"float16\" ,\n\"a\":[1.0] }\n");
  EDITS("{\"torch_dtype\":null,\"text_config\":{\"dtype\":\"y\",\"z\":0}}", "float32", false,
        "{\"torch_dtype\":\"float32\",\"text_config\":{\"dtype\":\"float32\",\"z\":0}}");
  EDITS("{\n  \"a\": 1\n}\n", "bfloat16", false, "{\n  \"a\": 1,\n  \"torch_dtype\": \"bfloat16\",\n  \"dtype\": \"bfloat16\"\n}\n");
  EDITS("{}", NULL, true, "{\n  \"tie_word_embeddings\": false\n}");
  EDITS("{\"tie_word_embeddings\": true, \"dtype\":\"x\"}", NULL, true, "{\"tie_word_embeddings\": false, \"dtype\":\"x\"}");
  EDITS("{\"a\": \"dtype\"}", NULL, false, "{\"a\": \"dtype\"}");
}

/* ---- families ---- */

static char tied_config[300], untied_config[300];

/* What a join came to; `untie` and `rows` are of a family that was made. */
typedef struct outcome {
  bool untie;
  size_t rows;
  const char *head_from[2]; /* name of the tensor that stands for each member's head, or NULL */
} outcome;

static outcome joins_at(const char *donor, const char *other, mw_family_rules rules, mw_status status, const char *words,
                        const char *warning, int line) {
  outcome result = {0};
  mw_error err = {0};
  mw_note notes = {0};
  mw_family family = {0};
  mw_model *models[2] = {NULL, NULL};
  static char names[2][64];
  bool opened = mw_model_open(donor, NULL, &models[0], &err) && (!other || mw_model_open(other, NULL, &models[1], &err));
  unit_check(opened, err.text, __FILE__, line);
  mw_family_member members[2] = {{models[0], "base"}, {models[1], "experts[2]"}};
  bool joined = opened && mw_family_join(members, other ? 2 : 1, 0, &rules, &notes, &family, &err);
  bool ok = joined && mw_family_same_integers(&family, members, &rules, &err), warned = !warning;
  for (size_t i = 0; i < notes.count && warning; i++) warned |= strstr(notes.lines[i], warning) != NULL;
  bool good = ok == (status == MW_OK) && (ok || (err.status == status && strstr(err.text, words))) && warned;
  if (!good) printf("%s + %s: %d %s\n", donor, other ? other : "", (int)err.status, err.text);
  unit_check(good, words, __FILE__, line);
  result.untie = family.untie;
  result.rows = family.count;
  for (size_t row = 0; row < family.count; row++) {
    if (row && strcmp(family.donor[row - 1]->name, family.donor[row]->name) >= 0) unit_check(0, "sorted rows", __FILE__, line);
    if (strcmp(family.donor[row]->name, "lm_head.weight") != 0) continue;
    for (size_t m = 0; m < family.members; m++) {
      const mw_tensor *own = family.tensors[row * family.members + m];
      if (own) result.head_from[m] = strcpy(names[m], own->name);
    }
  }
  if (joined) mw_family_free(&family);
  mw_model_close(models[0]);
  mw_model_close(models[1]);
  mw_note_free(&notes);
  return result;
}
#define NO_RULES (mw_family_rules){0}
#define JOINS(donor, other, rules) joins_at(donor, other, rules, MW_OK, "", NULL, __LINE__)
#define JOINS_WARNED(donor, other, rules, warning) joins_at(donor, other, rules, MW_OK, "", warning, __LINE__)
#define JOIN_FAILS(donor, other, rules, words) joins_at(donor, other, rules, MW_DATA, words, NULL, __LINE__)

static void test_family_config(void) {
  snprintf(tied_config, sizeof tied_config, llama, "true");
  snprintf(untied_config, sizeof untied_config, llama, "false");
  put_model("tied", tied_config, whole, 2);
  JOINS("tied", NULL, NO_RULES);
  static const struct { const char *from, *to, *words; } changes[] = {
      {"layers\":1", "layers\":2", "num_hidden_layers"}, {"vocab_size\":6", "vocab_size\":7", "vocab_size"},
      {"hidden_size\":4", "hidden_size\":8", "hidden_size"}, {"heads\":2", "heads\":3", "num_attention_heads"},
      {"true", "false", "lm_head.weight"}, {"{\"model", "{\"quantization_config\":{},\"model", "quantised"}};
  put_model("wrong", any, whole, 2);
  for (size_t i = 0; i < COUNT(changes); i++) {
    char text[400];
    const char *at = strstr(tied_config, changes[i].from);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - tied_config), tied_config, changes[i].to, at + strlen(changes[i].from));
    put_text("wrong/config.json", text);
    JOIN_FAILS("wrong", NULL, NO_RULES, changes[i].words);
  }
  put_text("wrong/config.json", "{\"model_type\":\"llama\",\"architectures\":[\"LlamaForSequenceClassification\"]}");
  JOINS("wrong", NULL, NO_RULES);
  put_text("wrong/config.json", "{\"model_type\":\"\\u001b\",\"dtype\":\"bfloat16\",\"quantization_config\":null}");
  JOINS_WARNED("wrong", NULL, NO_RULES, "by name alone"); /* C5 */
  JOINS_WARNED("wrong", NULL, NO_RULES, "bfloat16");      /* C8 */
  static const toy gap[] = {{"model.layers.0.w", "F32", 1, 1, 4, 0}, {"model.layers.2.w", "F32", 1, 1, 4, 0}};
  put_model("gap", "{\"model_type\":\"llama\",\"num_hidden_layers\":3}", gap, 2);
  JOIN_FAILS("gap", NULL, NO_RULES, "2 layers");
  static const char *const marks[] = {"a.weight_scale", "a.weight_scale_inv", "a.qweight", "a.weight.absmax", "a.SCB"};
  for (size_t i = 0; i < COUNT(marks); i++) {
    const toy scaled[] = {{"a.weight", "F8_E4M3", 2, 2, 1, 0}, {marks[i], "F32", 1, 1, 4, 0}};
    put_tensors("scaled.safetensors", scaled, 2);
    JOIN_FAILS("scaled.safetensors", NULL, NO_RULES, marks[i]);
  }
  const toy small[] = {{"a.weight", "F8_E4M3", 2, 2, 1, 0}};
  put_tensors("small.safetensors", small, 1);
  JOINS_WARNED("small.safetensors", NULL, NO_RULES, "lone file");
}

static void test_family_names(void) {
  static const toy wide[] = {EMBED, {"model.layers.0.up.weight", "F32", 4, 5, 4, 2}};
  static const toy tall[] = {{"model.embed_tokens.weight", "F32", 7, 4, 4, 1}, LAYER};
  static const toy half[] = {EMBED, {"model.layers.0.up.weight", "F16", 4, 4, 2, 2}};
  static const toy whole_numbers[] = {EMBED, {"model.layers.0.up.weight", "I32", 4, 4, 4, 2}};
  static const toy extra[] = {EMBED, LAYER, {"zz", "F32", 1, 1, 4, 0}};
  static const toy ids[] = {{"ids", "I64", 2, 2, 8, 1}}, other_ids[] = {{"ids", "I64", 2, 2, 8, 3}};
  static const toy short_ids[] = {{"ids", "I32", 2, 2, 4, 1}};
  put_tensors("whole.safetensors", whole, 2);
  put_tensors("wide.safetensors", wide, 2);
  put_tensors("tall.safetensors", tall, 2);
  put_tensors("half.safetensors", half, 2);
  put_tensors("numbers.safetensors", whole_numbers, 2);
  put_tensors("extra.safetensors", extra, 3);
  put_tensors("first.safetensors", first, 1);
  put_tensors("ids.safetensors", ids, 1);
  put_tensors("other-ids.safetensors", other_ids, 1);
  put_tensors("short-ids.safetensors", short_ids, 1);
  JOIN_FAILS("whole.safetensors", "wide.safetensors", NO_RULES,
             "experts[2]: tensor 'model.layers.0.up.weight' is [4,5] here and [4,4] in base");
  JOIN_FAILS("whole.safetensors", "tall.safetensors", NO_RULES, "[7,4] here and [6,4] in base");
  JOIN_FAILS("whole.safetensors", "numbers.safetensors", NO_RULES, "I32 here and F32 in base");
  JOINS("whole.safetensors", "half.safetensors", NO_RULES); /* C12 */
  JOIN_FAILS("whole.safetensors", "first.safetensors", NO_RULES, "experts[2] lacks 1 tensor that base has");
  JOIN_FAILS("whole.safetensors", "extra.safetensors", NO_RULES, "base lacks 1 tensor that experts[2] has: 'zz'");
  mw_family_rules missing = {.missing_base = true}, integers = {.donor_integers = true};
  CHECK(JOINS_WARNED("whole.safetensors", "first.safetensors", missing, "1 tensors that it lacks").rows == 2);
  CHECK(JOINS_WARNED("whole.safetensors", "extra.safetensors", missing, "dropped").rows == 2);
  JOINS("ids.safetensors", "ids.safetensors", NO_RULES); /* C13 */
  JOIN_FAILS("ids.safetensors", "other-ids.safetensors", NO_RULES, "I64 tensor 'ids' differs");
  JOIN_FAILS("ids.safetensors", "short-ids.safetensors", NO_RULES, "'ids' differs");
  JOINS("ids.safetensors", "other-ids.safetensors", integers);
  toy many[30];
  char names[30][16];
  for (int i = 0; i < 30; i++) snprintf(names[i], sizeof names[i], "t%02d", i), many[i] = (toy){names[i], "F32", 1, 1, 4, 0};
  put_tensors("thirty.safetensors", many, 30);
  put_tensors("one.safetensors", many, 1);
  JOIN_FAILS("thirty.safetensors", "one.safetensors", NO_RULES, "'t20' ... and 9 more");
}

static void test_heads(void) {
  static const toy alias[] = {EMBED, LAYER, HEAD(1)}, own[] = {EMBED, LAYER, HEAD(9)};
  const char *head = "lm_head.weight", *embedding = "model.embed_tokens.weight";
  mw_family_rules untie = {.tied = "untie"}, ignore = {.tied = "ignore"};
  put_model("alias", tied_config, alias, 3);
  put_model("odd", tied_config, own, 3);
  put_model("untied", untied_config, own, 3);
  put_tensors("own.safetensors", own, 3);
  CHECK(JOINS("tied", "alias", NO_RULES).rows == 2);
  CHECK(JOINS("alias", "tied", NO_RULES).rows == 2); /* an alias is dropped */
  JOIN_FAILS("tied", "odd", NO_RULES, "differs from the embedding");
  JOIN_FAILS("tied", "untied", NO_RULES, "in base");
  JOIN_FAILS("tied", "own.safetensors", NO_RULES, "differs from the embedding");
  outcome one = JOINS("tied", "odd", ignore);
  CHECK(one.rows == 2 && !one.untie);
  one = JOINS("tied", "odd", untie); /* a head that the donor lacks is made from its embedding */
  CHECK(one.rows == 3 && one.untie);
  CHECK_TEXT(one.head_from[0], embedding);
  CHECK_TEXT(one.head_from[1], head);
  one = JOINS("odd", "tied", untie);
  CHECK(one.rows == 3 && one.untie);
  CHECK_TEXT(one.head_from[0], head);
  CHECK_TEXT(one.head_from[1], embedding);
  one = JOINS("untied", "tied", NO_RULES); /* an untied output keeps its head whatever the others are */
  CHECK(one.rows == 3 && !one.untie);
  CHECK_TEXT(one.head_from[0], head);
  CHECK_TEXT(one.head_from[1], embedding);
  JOIN_FAILS("untied", "odd", NO_RULES, "experts[2]");
  CHECK_TEXT(JOINS("untied", "odd", ignore).head_from[1], embedding);
  CHECK_TEXT(JOINS("untied", "odd", untie).head_from[1], head);
  CHECK(JOINS("own.safetensors", "tied", NO_RULES).rows == 3);
  CHECK(JOINS("whole.safetensors", "alias", NO_RULES).rows == 2);
}

int main(void) {
  char clean[128];
  strcpy(root, "/tmp/moonweld-unit-XXXXXX");
  CHECK(mkdtemp(root) != NULL && chdir(root) == 0);
  test_index();
  test_folders();
  test_limits();
  test_hub();
  test_config();
  test_edit();
  test_family_config();
  test_family_names();
  test_heads();
  CHECK(chdir("/") == 0);
  snprintf(clean, sizeof clean, "rm -rf %s", root);
  CHECK(system(clean) == 0);
  UNIT_END();
}
