/* prove.c: see prove.h. What the library tells meanwhile is written as a JSON document in the call, since a callback of the library may
 * not touch Lua's memory; when it has returned, the document becomes a table. */
#include "base/json_writer.h"
#include "module/given.h"
#include "module/json_table.h"
#include "module/prove.h"

/* What the callbacks of the library get. */
typedef struct telling {
  mw_call *call;
  mw_json_writer json;
} telling;

static bool progress(void *context, uint64_t done, uint64_t total, unsigned pass) {
  return mw_call_progress(((telling *)context)->call, done, total, pass);
}

static void found(void *context, const mw_finding *finding) {
  mw_json_writer *json = &((telling *)context)->json;
  mw_json_writer_object(json, NULL);
  mw_json_writer_string(json, "path", finding->path);
  mw_json_writer_string(json, "state", finding->state);
  mw_json_writer_string(json, "text", finding->text);
  mw_json_writer_end(json);
}

/* A call for the output that is the first argument, with options of these names. */
static telling begin(lua_State *L, const char *const *names, mw_given *given, const char **output) {
  *output = luaL_checkstring(L, 1);
  lua_settop(L, 2);
  telling t = {.call = mw_call_begin(L)};
  mw_given_options(t.call, 2, names, given);
  t.json.out = &t.call->document;
  given->proof.found = found;
  given->proof.progress = progress;
  return t;
}

/* The document as a table; `ok` says whether the work was done, with findings or not. */
static int give(telling *t, bool ok, const mw_error *err) {
  mw_error full;
  bool written = mw_json_writer_finish(&t->json, &full);
  if (!ok || t->call->failed) return mw_call_raise(t->call, err);
  if (!written) return mw_call_raise(t->call, &full);
  mw_json_table_push(t->call, t->call->document.bytes);
  return 1;
}

/* The document of `verify --json`, whose findings are told by `work`. */
static int check(telling *t, mw_given *given, const char *output,
                 bool (*work)(const mw_given *given, const char *output, mw_verified *facts, mw_error *err)) {
  mw_error err = {.status = MW_OK};
  mw_verified facts;
  given->proof.context = t;
  mw_json_writer_object(&t->json, NULL);
  mw_json_writer_list(&t->json, "findings");
  bool good = work(given, output, &facts, &err);
  mw_json_writer_end(&t->json);
  mw_json_writer_bool(&t->json, "good", good);
  mw_json_writer_u64(&t->json, "files", facts.files);
  mw_json_writer_u64(&t->json, "bytes", facts.bytes);
  mw_json_writer_u64(&t->json, "sealed", facts.sealed);
  mw_json_writer_end(&t->json);
  return give(t, good || (facts.findings && (err.status == MW_DATA || err.status == MW_MISSING)), &err);
}

static bool run_verify(const mw_given *given, const char *output, mw_verified *facts, mw_error *err) {
  return mw_verify(output, &given->proof, facts, err);
}

/* verify(output, { inputs =, models =, input = { "NAME=PATH" }, progress = }) */
static int verify(lua_State *L) {
  static const char *const names[] = {"inputs", "models", "input", "progress", NULL};
  mw_given given;
  const char *output;
  telling t = begin(L, names, &given, &output);
  return check(&t, &given, output, run_verify);
}

static bool run_rebuild(const mw_given *given, const char *output, mw_verified *facts, mw_error *err) {
  return mw_rebuild(output, &given->options, &given->proof, facts, err);
}

/* rebuild(output, { output =, models =, input =, threads =, force =, no_sync =, progress =, print = }) */
static int rebuild(lua_State *L) {
  static const char *const names[] = {"output", "models", "input", "threads", "force", "no_sync", "progress", "print", NULL};
  mw_given given;
  const char *output;
  telling t = begin(L, names, &given, &output);
  if (!given.options.output) return luaL_error(L, "option 'output' is needed: the folder to make, or NAME.safetensors");
  given.options.print = mw_call_print;
  given.options.print_context = t.call;
  return check(&t, &given, output, run_rebuild);
}

/* seal(output, { progress = }) */
static int seal(lua_State *L) {
  static const char *const names[] = {"progress", NULL};
  mw_given given;
  mw_error err;
  const char *output;
  char root[65];
  telling t = begin(L, names, &given, &output);
  given.proof.found = NULL;
  given.proof.context = &t;
  bool ok = mw_seal(output, &given.proof, root, &err);
  mw_json_writer_object(&t.json, NULL);
  mw_json_writer_string(&t.json, "sha256", ok ? root : NULL);
  mw_json_writer_end(&t.json);
  return give(&t, ok, &err);
}

static void removed(void *context, const char *path, uint64_t bytes) {
  mw_json_writer *json = &((telling *)context)->json;
  mw_json_writer_object(json, NULL);
  mw_json_writer_string(json, "path", path);
  mw_json_writer_u64(json, "bytes", bytes);
  mw_json_writer_end(json);
}

/* clean(output) */
static int clean(lua_State *L) {
  static const char *const names[] = {NULL};
  mw_given given;
  mw_error err;
  const char *output;
  telling t = begin(L, names, &given, &output);
  mw_json_writer_list(&t.json, NULL);
  bool ok = mw_clean_output(output, removed, &t, &err);
  mw_json_writer_end(&t.json);
  return give(&t, ok, &err);
}

static void said(void *context, const char *line) { mw_json_writer_string(&((telling *)context)->json, NULL, line); }

/* report(output, { html =, models =, input =, threads =, progress = }) */
static int report(lua_State *L) {
  static const char *const names[] = {"html", "models", "input", "threads", "progress", NULL};
  mw_given given;
  mw_error err;
  const char *output;
  telling t = begin(L, names, &given, &output);
  if (!given.html) return luaL_error(L, "option 'html' is needed: the page to write");
  mw_report_options how = {given.html, given.proof.models, given.proof.places, given.proof.place_count,
                           given.options.threads, progress, &t};
  mw_json_writer_list(&t.json, NULL);
  bool ok = mw_report_output(output, &how, said, &err);
  mw_json_writer_end(&t.json);
  return give(&t, ok, &err);
}

const luaL_Reg mw_prove_functions[] = {{"report", report}, {"verify", verify}, {"rebuild", rebuild},
                                      {"seal", seal},     {"clean", clean},   {NULL, NULL}};
