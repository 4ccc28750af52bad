/* checkpoint.c: see checkpoint.h. The layout follows from the run, so that a file of another size is of another run: magic,
 * identity, current training and its step; of every training that is done values and points; of the current one values,
 * momentum, variance and the points so far; the hash of all before it. */
#include "bind/checkpoint.h"
#include "base/sha256.h"
#include "io/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAGIC = 8, HASH = 64 };
static const char magic[MAGIC + 1] = "MWLEARN1";

/* One walk serves both directions: `at` is read from or written to. */
typedef struct walk {
  mw_text *out;   /* writing; NULL: reading */
  const char *at, *end;
  bool failed;
} walk;

static void pass(walk *w, void *bytes, size_t length) {
  if (w->out) {
    mw_text_add(w->out, bytes, length);
    return;
  }
  if (w->failed || (size_t)(w->end - w->at) < length) {
    w->failed = true;
    return;
  }
  if (length) memcpy(bytes, w->at, length);
  w->at += length;
}

static void pass_training(walk *w, const mw_checkpoint *c, size_t i, uint64_t steps, bool whole) {
  mw_train_state *state = &c->states[i];
  pass(w, state->values, state->count * sizeof *state->values);
  if (whole) pass(w, state->momentum, state->count * sizeof *state->momentum);
  if (whole) pass(w, state->variance, state->count * sizeof *state->variance);
  pass(w, c->points[i], (size_t)steps * sizeof **c->points);
  state->step = steps;
}

/* Everything but the hash. False while reading: this is not of this run. */
static bool pass_all(walk *w, mw_checkpoint *c) {
  char head[MAGIC], identity[64];
  memcpy(head, magic, MAGIC);
  memcpy(identity, c->identity, 64);
  uint64_t current = c->current, step = w->out ? c->states[c->current].step : 0;
  pass(w, head, MAGIC);
  pass(w, identity, 64);
  pass(w, &current, sizeof current);
  pass(w, &step, sizeof step);
  if (w->failed || memcmp(head, magic, MAGIC) != 0 || memcmp(identity, c->identity, 64) != 0) return false;
  if (current >= c->count || step > c->steps[current]) return false;
  c->current = (size_t)current;
  for (size_t i = 0; i < c->current; i++) pass_training(w, c, i, c->steps[i], false);
  pass_training(w, c, c->current, step, true);
  return !w->failed;
}

static void hash_of(const char *bytes, size_t length, char hex[65]) {
  mw_sha256 sha;
  mw_sha256_init(&sha);
  mw_sha256_add(&sha, bytes, length);
  mw_sha256_finish(&sha, hex);
}

static bool put_file(const char *path, const mw_text *text, mw_error *err) {
  mw_text part = {0};
  mw_shown shown;
  mw_text_format(&part, "%s.part", path);
  MW_TRY(mw_text_check(&part, err));
  int fd = open(part.bytes, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
  bool ok = fd >= 0 || mw_error_set(err, MW_CANNOT_CREATE, "%s: %s", mw_text_shown_z(&shown, part.bytes), strerror(errno));
  ok = ok && mw_file_write(fd, part.bytes, 0, text->bytes, text->length, err);
  bool safe = fd < 0 || fsync(fd) == 0;
  if (fd >= 0) safe = close(fd) == 0 && safe;
  if (ok && !safe)
    ok = mw_error_set(err, MW_IO, "%s: %s", mw_text_shown_z(&shown, part.bytes), strerror(errno));
  if (ok && rename(part.bytes, path) != 0)
    ok = mw_error_set(err, MW_IO, "%s: %s", mw_text_shown_z(&shown, path), strerror(errno));
  if (!ok && fd >= 0) unlink(part.bytes);
  mw_text_free(&part);
  return ok;
}

bool mw_checkpoint_write(const mw_checkpoint *checkpoint, mw_error *err) {
  mw_text text = {0};
  char hex[65];
  mw_checkpoint copy = *checkpoint;
  walk w = {.out = &text};
  pass_all(&w, &copy);
  bool ok = mw_text_check(&text, err);
  if (ok) {
    hash_of(text.bytes, text.length, hex);
    mw_text_add(&text, hex, HASH);
    ok = mw_text_check(&text, err) && put_file(checkpoint->path, &text, err);
  }
  mw_text_free(&text);
  return ok;
}

/* The most that a checkpoint of this run may be long. */
static size_t largest(const mw_checkpoint *c) {
  size_t bytes = MAGIC + 64 + 16 + HASH;
  for (size_t i = 0; i < c->count; i++) bytes += c->states[i].count * 12 + (size_t)c->steps[i] * sizeof **c->points;
  return bytes;
}

bool mw_checkpoint_read(mw_checkpoint *checkpoint, bool *found, mw_error *err) {
  char *bytes, hex[65];
  size_t length;
  mw_shown shown;
  *found = mw_file_exists(checkpoint->path);
  if (!*found) return true;
  MW_TRY(mw_file_slurp(checkpoint->path, largest(checkpoint), &bytes, &length, err));
  walk w = {.at = bytes, .end = bytes + length};
  bool ok = length > HASH;
  if (ok) {
    w.end -= HASH;
    hash_of(bytes, length - HASH, hex);
    ok = memcmp(hex, w.end, HASH) == 0 && pass_all(&w, checkpoint) && w.at == w.end;
  }
  free(bytes);
  if (ok) return true;
  mw_error_set(err, MW_CANNOT_CREATE, "%s keeps a training that was stopped, of another command or other files",
               mw_text_shown_z(&shown, checkpoint->path));
  return mw_error_hint(err, "finish it by its own command, or remove the file to begin anew");
}

void mw_checkpoint_remove(const mw_checkpoint *checkpoint) { unlink(checkpoint->path); }
