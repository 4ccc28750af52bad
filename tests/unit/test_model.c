/* Opening models: the rows I1-I16, C1 and C2 of the list of bad input, on toy folders made here. */
#include "model/config_edit.h"
#include "model/hub.h"
#include "model/model.h"
#include "toys.h"
#include <time.h>

/* ---- opening ---- */

/* Opens and closes; where the status is not OK the text must hold the words. */
static void opens_at(const char *where, mw_status status, const char *words, const char *warning, int line) {
  mw_error err = {0};
  mw_warning warnings = {0};
  mw_model *model = NULL;
  bool ok = mw_model_open(where, &warnings, &model, &err), warned = !warning;
  for (size_t i = 0; i < warnings.count && warning; i++) warned |= strstr(warnings.lines[i], warning) != NULL;
  bool good = ok == (status == MW_OK) && (ok || (err.status == status && (strstr(err.text, words) || strstr(err.hint, words)))) && warned;
  if (!good) printf("%s: %d %s (%s) %s\n", where, ok ? 0 : (int)err.status, err.text, err.hint, warnings.count ? warnings.lines[0] : "");
  unit_check(good, where, __FILE__, line);
  if (ok) mw_model_close(model);
  mw_warning_free(&warnings);
}
#define OPENS(where) opens_at(where, MW_OK, "", NULL, __LINE__)
#define WARNS(where, words) opens_at(where, MW_OK, "", words, __LINE__)
#define REFUSES(where, status, words) opens_at(where, status, words, NULL, __LINE__)

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
  WARNS("half", "of the variant fp16");
  put_tensors("half/model.bf16.safetensors", first, 1);
  REFUSES("half", MW_DATA, "variants bf16 and fp16");
  OPENS("half/model.fp16.safetensors");
  put_model("named", any, NULL, 0);
  put_tensors("named/weights.safetensors", first, 1);
  REFUSES("named", MW_MISSING, "weights.safetensors");
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
  REFUSES("org/name@../x", MW_MISSING, "hub id");
  REFUSES("org/na me", MW_MISSING, "hub id");
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
  put_text("config/config.json", "{\"a\":[Infinity,-Infinity,NaN]}"); /* as Python writes them */
  OPENS("config");
  put_text("config/config.json", "{\"a\":Infinity2}");
  REFUSES("config", MW_DATA, "not JSON");
  put_text("config/config.json", "{\"a\":1Infinity}");
  REFUSES("config", MW_DATA, "not JSON");
}

static void edits_at(const char *before, const char *dtype, bool untie, bool plain, const char *after, int line) {
  mw_config config;
  mw_error err = {0};
  mw_text out = {0};
  put_text("edit/config.json", before);
  unit_check(mw_config_open(&config, "edit", &err) && mw_config_edit(&config, &(mw_config_edit_list){dtype, untie, plain, NULL, 0}, &out, &err), err.text, __FILE__, line);
  unit_text(out.bytes, after, __FILE__, line);
  mw_text_free(&out);
  mw_config_close(&config);
}
#define EDITS(before, dtype, untie, after) edits_at(before, dtype, untie, false, after, __LINE__)
#define BARES(before, dtype, after) edits_at(before, dtype, false, true, after, __LINE__)

static void test_edit(void) {
  CHECK(mkdir("edit", 0755) == 0);
  EDITS("{ \"b\":1e5,\"dtype\" : \"x\" ,\n\"a\":[1.0] }\n", "float16", false, "{ \"b\":1e5,\"dtype\" : \"float16\" ,\n\"a\":[1.0] }\n");
  EDITS("{\"torch_dtype\":null,\"text_config\":{\"dtype\":\"y\",\"z\":0}}", "float32", false,
        "{\"torch_dtype\":\"float32\",\"text_config\":{\"dtype\":\"float32\",\"z\":0}}");
  EDITS("{\n  \"a\": 1\n}\n", "bfloat16", false, "{\n  \"a\": 1,\n  \"torch_dtype\": \"bfloat16\",\n  \"dtype\": \"bfloat16\"\n}\n");
  EDITS("{}", NULL, true, "{\n  \"tie_word_embeddings\": false\n}");
  EDITS("{\"tie_word_embeddings\": true, \"dtype\":\"x\"}", NULL, true, "{\"tie_word_embeddings\": false, \"dtype\":\"x\"}");
  EDITS("{\"a\": \"dtype\"}", NULL, false, "{\"a\": \"dtype\"}");
  BARES("{\"quantization_config\":{\"bits\":4} \n\t }", "bfloat16", "{\"torch_dtype\": \"bfloat16\",\"dtype\": \"bfloat16\" \n\t }");
  BARES("{\"a\":1 , \"quantization_config\":{} ,\"compression_config\":[], \"quantization\":2,\"b\":3}", NULL, "{\"a\":1,\"b\":3}");
  BARES("{\"quantization_config\":{} , \"compression_config\":[],\"b\":3}", NULL, "{\"b\":3}");
  BARES("{ \"quantization_config\":{} , \"compression_config\":[] }", "float16", "{  \"torch_dtype\": \"float16\", \"dtype\": \"float16\" }");
}

int main(void) {
  toys_begin();
  RUN(test_index());
  RUN(test_folders());
  RUN(test_limits());
  RUN(test_hub());
  RUN(test_config());
  RUN(test_edit());
  toys_end();
  UNIT_END();
}
