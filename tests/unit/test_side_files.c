/* test_side_files.c: which files of a donor go along, and what the card and the lock file say. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/publish.h"
#include "output/side_files.h"
#include "output/lock.h"
#include "unit.h"

static void put(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
  close(fd);
}

static const char *get(const char *path) {
  static char bytes[8192];
  int fd = open(path, O_RDONLY);
  ssize_t length = fd < 0 ? 0 : read(fd, bytes, sizeof bytes - 1);
  if (fd >= 0) close(fd);
  bytes[length > 0 ? length : 0] = 0;
  return bytes;
}

static bool is_there(const char *path) { return access(path, F_OK) == 0; }

static bool noted(const mw_warning *warnings, const char *words) {
  for (size_t i = 0; i < warnings->count; i++)
    if (strstr(warnings->lines[i], words)) return true;
  return false;
}

/* A snapshot as the hub's cache has it, with links to its blobs and one that leads out. */
static void make_donor(void) {
  mkdir("blobs", 0777), mkdir("snapshots", 0777), mkdir("snapshots/c0", 0777);
  mkdir("snapshots/c0/additional_chat_templates", 0777), mkdir("other", 0777);
  put("blobs/t", "tokens"), put("secret.json", "secret");
  CHECK(symlink("../../blobs/t", "snapshots/c0/tokenizer.json") == 0);
  CHECK(symlink("../../secret.json", "snapshots/c0/added.json") == 0);
  CHECK(symlink("nowhere", "snapshots/c0/dangling.txt") == 0);
  put("snapshots/c0/LICENSE", "law"), put("snapshots/c0/vo\xff" "cab.txt", "bytes"), put("snapshots/c0/model.py", "code");
  put("snapshots/c0/model.safetensors", "w"), put("snapshots/c0/pytorch_model.bin.index.json", "w");
  put("snapshots/c0/.hidden", "h"), put("snapshots/c0/additional_chat_templates/tool.jinja", "{{}}");
  put("snapshots/c0/README.md", "---\nlanguage: en\nlicense: \"apache-2.0\"\n---\n");
  put("other/README.md", "---\r\nlicense: mit\r\n---\r\n");
  CHECK(mkfifo("snapshots/c0/pipe.json", 0666) == 0);
}

static const mw_side_files_provenance provenance = {
  .recipe_name = "ties", .recipe_summary = "Trims <b> and elects.", .recipe_paper = "arXiv:2306.01708",
  .recipe_text = "-- ```` four\nreturn 1", .arguments_json = "{\"t\":\"0.5\",\"models\":[\"a: {\",\"b\"],\"none\":[ ]}",
  .command = "moonweld ties", .seed = 7, .copy_code = false};

static const char lock_text[] =
  "  \"requires\": [],\n  \"arguments\": {\n    \"t\": \"0.5\",\n    \"models\": [\n      \"a: {\",\n      \"b\"\n    ],\n"
  "    \"none\": []\n  },\n  \"seed\": 7,\n  \"drawn\": [],\n  \"command\": \"moonweld ties\",\n  \"inputs\": [\n    {\n"
  "      \"label\": \"base\",\n      \"where\": \"org/a\",\n      \"hub\": \"org/a\",\n      \"commit\": null,\n"
  "      \"files\": []\n    },\n";

static const char front[] = "---\nbase_model:\n- \"org/a\"\nbase_model_relation: merge\nlibrary_name: transformers\n"
                            "tags:\n- merge\n- moonweld\nlicense: \"other\"\n---\n";

static void check_texts(void) {
  const char *card = get("out/README.md");
  CHECK(!strncmp(card, front, strlen(front)));
  CHECK(strstr(card, "\n`````lua\n-- ```` four\nreturn 1\n`````\n") != NULL);
  CHECK(strstr(card, "Trims &lt;b> and elects.") != NULL);
  const char *lock = get("out/merge.lock.json");
  CHECK(!strncmp(lock, "{\n  \"moonweld\": \"", 17) && strstr(lock, lock_text) != NULL);
  CHECK(strstr(lock, "\"checksums\": null,") && !strstr(lock, "\"xxh3\""));
  CHECK(strstr(lock, "\"outputs\": [\n    {\n      \"file\": \"model.safetensors\",\n      \"bytes\": 40\n    },\n") != NULL);
  CHECK(strstr(lock, "      \"file\": \"tokenizer.json\",\n      \"bytes\": 6\n") != NULL);
  char hex[33];
  const char *last = strstr(lock, MW_LOCK_LAST);
  CHECK(last && !strncmp(last + strlen(MW_LOCK_LAST), mw_checksum_hex(mw_checksum_of(lock, (size_t)(last - lock)), hex), 32));
  CHECK(last && !strcmp(last + strlen(MW_LOCK_LAST) + 32, "\"\n}\n"));
  mw_lock_kind kind;
  mw_error err;
  CHECK(mw_lock_look("out/merge.lock.json", &kind, &err) && kind == MW_LOCK_OURS);
  CHECK(mw_lock_look("other/merge.lock.json", &kind, &err) && kind == MW_LOCK_NONE);
}

static void test_bundle(void) {
  char folder[] = "snapshots/c0", other[] = "other", hub[] = "org/a";
  mw_model donor = {.where = hub, .folder = folder, .stem = "model", .hub = hub}, second = {.where = other, .folder = other},
           again = {.where = hub, .hub = hub};
  mw_family_member members[] = {{.model = &donor, .label = "base"}, {.model = &second, .label = "models[1]"},
                                {.model = &again, .label = "models[2]"}};
  mw_family family = {.members = members, .count = 3};
  mw_error err = {0};
  mw_layout layout;
  mw_writer *writer = NULL;
  mw_warning warnings = {0};
  CHECK(mw_layout_make(NULL, 0, 1000, &(mw_layout_names){.stem = "model"}, &layout, &err) && mw_writer_open("out", &layout, &(mw_writer_how){.force = false}, &writer, &err));
  mw_side_files_seen seen = {0};
  CHECK(mw_side_files_look(&donor, false, true, NULL, &seen, &err) && seen.count == 4);
  CHECK(mw_side_files_write(writer, &layout, &family, &provenance, &seen, &warnings, &err));
  mw_side_files_forget(&seen);
  CHECK(mw_publish_output(writer, &err));
  mw_writer_close(writer);
  CHECK_TEXT(get("out/tokenizer.json"), "tokens");
  CHECK_TEXT(get("out/vo\xff" "cab.txt"), "bytes");
  CHECK_TEXT(get("out/LICENSE"), "law");
  CHECK_TEXT(get("out/additional_chat_templates/tool.jinja"), "{{}}");
  CHECK(!is_there("out/added.json") && !is_there("out/dangling.txt") && !is_there("out/model.py"));
  CHECK(!is_there("out/pytorch_model.bin.index.json") && !is_there("out/.hidden") && !is_there("out/pipe.json"));
  CHECK(noted(&warnings, "model.py") && noted(&warnings, "added.json") && noted(&warnings, "dangling.txt"));
  CHECK(noted(&warnings, "pipe.json") && noted(&warnings, "licences differ"));
  check_texts();
  mw_warning_free(&warnings);
  mw_layout_free(&layout);
}

/* What happens to the folder after it was looked at. */
static void check_changed(const char *what, void (*change)(void), const char *message) {
  char folder[4096];
  mw_model donor = {.where = "donor", .folder = realpath("snapshots/c0", folder), .stem = "model"};
  mw_family_member member = {.model = &donor, .label = "base"};
  mw_family family = {.members = &member, .count = 1};
  mw_error err = {0};
  mw_layout layout;
  mw_writer *writer = NULL;
  mw_warning warnings = {0};
  mw_side_files_seen seen = {0};
  CASE("%s", what);
  CHECK(mw_layout_make(NULL, 0, 1000, &(mw_layout_names){.stem = "model"}, &layout, &err) && mw_writer_open("out2", &layout, &(mw_writer_how){.force = false}, &writer, &err));
  CHECK(mw_side_files_look(&donor, false, true, NULL, &seen, &err));
  change();
  CHECK(!mw_side_files_write(writer, &layout, &family, &provenance, &seen, &warnings, &err) && err.status == MW_CHANGED);
  if (!strstr(err.text, message)) CHECK_TEXT(err.text, message);
  mw_writer_close(writer);
  CHECK(!is_there("out2"));
  mw_side_files_forget(&seen);
  mw_warning_free(&warnings);
  mw_layout_free(&layout);
}

static void write_again(void) { put("snapshots/c0/LICENSE", "wal"); }
static void swap_the_link(void) {
  put("blobs/u", "tokens");
  CHECK(unlink("snapshots/c0/tokenizer.json") == 0 && symlink("../../blobs/u", "snapshots/c0/tokenizer.json") == 0);
}
static void lead_out(void) { CHECK(unlink("snapshots/c0/LICENSE") == 0 && symlink("../../secret.json", "snapshots/c0/LICENSE") == 0); }
static void add_one(void) { put("snapshots/c0/NOTICE", "by"); }
static void remove_one(void) { CHECK(unlink("snapshots/c0/additional_chat_templates/tool.jinja") == 0); }

int main(void) {
  char folder[] = "/tmp/mw_side_files_XXXXXX", command[64];
  CHECK(mkdtemp(folder) != NULL && chdir(folder) == 0);
  make_donor();
  RUN(test_bundle());
  check_changed("a file that is written again, with the same size", write_again, "LICENSE: changed since the merge began");
  check_changed("a link that leads to another blob, with the same bytes", swap_the_link, "tokenizer.json: changed since");
  check_changed("a file that has appeared", add_one, "NOTICE: is new since");
  check_changed("a file in a folder that is gone", remove_one, "tool.jinja: is gone since");
  check_changed("a file that is a link out of the folder by now", lead_out, "LICENSE: is gone since");
  CHECK(chdir("/") == 0);
  snprintf(command, sizeof command, "rm -rf %s", folder);
  CHECK(system(command) == 0);
  UNIT_END();
}
