/* checkpoint.c: the file is, one after the other: a magic word; the identity of the run; the number of the current training and its
 * step; of every training that is done its values and curve; of the current one values, momentum, variance and the curve so far;
 * and the hash of all before it. All sizes follow from the run, so a file of another size belongs to another run. */
#include "train/checkpoint.h"
#include "base/linux.h"
#include "base/sha256.h"
#include "format/file.h"
#include "format/sync.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAGIC = 8, HASH = 64 };
static const char magic[MAGIC + 1] = "MWLEARN2";

/* One function goes through the parts of the file, for writing and for reading. */
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
  pass(w, c->curves[i].points, (size_t)steps * sizeof *c->curves->points);
  pass(w, c->curves[i].terms, (size_t)steps * c->curves[i].term_count * sizeof *c->curves->terms);
  state->step = steps;
}

/* Writes or reads everything but the hash. False when reading: the file belongs to another run. */
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
  if (current >= c->count || step > c->curves[current].count) return false;
  c->current = (size_t)current;
  for (size_t i = 0; i < c->current; i++) pass_training(w, c, i, c->curves[i].count, false);
  pass_training(w, c, c->current, step, true);
  return !w->failed;
}

static bool write_part(const char *path, const mw_text *text, mw_error *err) {
  mw_text_escaped shown;
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd < 0) return mw_error_set(err, MW_CANNOT_CREATE, "%s: %s", mw_text_escape_z(&shown, path), strerror(errno));
  bool ok = mw_file_write(fd, path, 0, text->bytes, text->length, err) && mw_sync_file(fd, path, err);
  if (close(fd) != 0 && ok) ok = mw_error_set(err, MW_IO, "%s: %s", mw_text_escape_z(&shown, path), strerror(errno));
  if (!ok) unlink(path);
  return ok;
}

/* The first checkpoint of a run needs a free name; later ones replace it. */
static bool place(mw_checkpoint *checkpoint, mw_error *err) {
  mw_text_escaped shown;
  struct stat there;
  int result = checkpoint->ours ? -1 : mw_linux_rename_new(AT_FDCWD, checkpoint->part, AT_FDCWD, checkpoint->path);
  bool lacks_flag = errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP;
  if (checkpoint->ours || (result != 0 && lacks_flag && lstat(checkpoint->path, &there) != 0))
    result = rename(checkpoint->part, checkpoint->path);
  if (result == 0) return (checkpoint->ours = true) && mw_sync_folder_of(checkpoint->path, err);
  mw_error_set(err, errno == EEXIST ? MW_CANNOT_CREATE : MW_IO, "%s: cannot keep the training there: %s",
               mw_text_escape_z(&shown, checkpoint->path), strerror(errno));
  unlink(checkpoint->part);
  return false;
}

bool mw_checkpoint_write(mw_checkpoint *checkpoint, mw_error *err) {
  mw_text text = {0};
  char hex[65];
  walk w = {.out = &text};
  pass_all(&w, checkpoint);
  bool ok = mw_text_check(&text, err);
  if (ok) {
    mw_sha256_of(text.bytes, text.length, hex);
    mw_text_add(&text, hex, HASH);
    ok = mw_text_check(&text, err) && write_part(checkpoint->part, &text, err) && place(checkpoint, err);
  }
  mw_text_free(&text);
  return ok;
}

/* The largest size of a checkpoint of this run. */
static size_t largest(const mw_checkpoint *c) {
  size_t bytes = MAGIC + 64 + 16 + HASH;
  for (size_t i = 0; i < c->count; i++)
    bytes += c->states[i].count * 12 +
             c->curves[i].count * (sizeof *c->curves->points + c->curves[i].term_count * sizeof *c->curves->terms);
  return bytes;
}

/* Reads the file, if it belongs to this run and is complete; else false. */
static bool take(mw_checkpoint *checkpoint, const char *bytes, size_t length) {
  char hex[65];
  if (length <= HASH) return false;
  walk w = {.at = bytes, .end = bytes + length - HASH};
  mw_sha256_of(bytes, length - HASH, hex);
  return memcmp(hex, w.end, HASH) == 0 && pass_all(&w, checkpoint) && w.at == w.end;
}

bool mw_checkpoint_read(mw_checkpoint *checkpoint, mw_error *err) {
  char *bytes = NULL;
  size_t length;
  mw_text_escaped shown;
  struct stat there = {0};
  if (lstat(checkpoint->path, &there) != 0 && errno == ENOENT) return true;
  if (S_ISREG(there.st_mode) && (uint64_t)there.st_size <= largest(checkpoint)) {
    MW_TRY(mw_file_slurp(checkpoint->path, largest(checkpoint), &bytes, &length, err));
    checkpoint->ours = take(checkpoint, bytes, length);
    free(bytes);
    if (checkpoint->ours) return true;
  }
  mw_error_set(err, MW_CANNOT_CREATE, "%s keeps a training that was stopped, of another command or other files",
               mw_text_escape_z(&shown, checkpoint->path));
  return mw_error_hint(err, "finish it by its own command, or remove the file to begin anew");
}

void mw_checkpoint_remove(const mw_checkpoint *checkpoint) {
  if (checkpoint->ours) unlink(checkpoint->path);
}
