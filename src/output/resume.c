/* resume.c: a record's payload is the number of the tensor (u64), the XXH3-128 of its bytes and zeros. A tensor may have
 * several: it was found damaged, and made again, maybe by another process. It is there if it is as one of them says. */
#include "output/resume.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "format/file.h"
#include "format/sync.h"

enum { RUNNING, FINISHED, RECORDING, RECORDED, FOUND }; /* FOUND: recorded by an earlier run */
enum { SECONDS = 10, STEP = 256 << 10 };
static const uint64_t most_unrecorded = (uint64_t)1 << 30;
const char mw_resume_journal[] = "moonweld.journal";

bool mw_resume_is_journal(const char *name) {
  const size_t length = sizeof mw_resume_journal - 1;
  return strncmp(name, mw_resume_journal, length) == 0 && (!name[length] || name[length] == '-');
}

/* The name of this process's own. */
static const char *own_name(mw_resume *resume, mw_error *err) {
  char name[64];
  if (!resume->rank) return mw_resume_journal;
  snprintf(name, sizeof name, "%s-%u", mw_resume_journal, (unsigned)resume->rank);
  return mw_mem_copy(&resume->arena, name, strlen(name), err);
}

/* For tests MOONWELD_JOURNAL says after how many bytes records are written. */
static uint64_t bytes_between(void) {
  const char *set = getenv("MOONWELD_JOURNAL");
  uint64_t bytes;
  return set && mw_text_parse_u64(set, strlen(set), &bytes) ? bytes : most_unrecorded;
}

/* States are read and written by all threads. */
static unsigned state_of(const mw_resume *resume, size_t i) { return __atomic_load_n(&resume->state[i], __ATOMIC_ACQUIRE); }
static void set_state(mw_resume *resume, size_t i, unsigned state) {
  __atomic_store_n(&resume->state[i], (uint8_t)state, __ATOMIC_RELEASE);
}
static bool turn(mw_resume *resume, size_t i, unsigned from, unsigned to) {
  uint8_t is = (uint8_t)from;
  return __atomic_compare_exchange_n(&resume->state[i], &is, (uint8_t)to, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static uint64_t milliseconds(void) { return (uint64_t)(mw_clock_now() * 1e3); }

/* The checksum of a tensor's bytes in its shard. */
static bool sum_up(const mw_resume *resume, size_t index, mw_checksum *sum, mw_error *err) {
  const mw_tensor *tensor = &resume->layout->tensors[index];
  const mw_file shard = {.fd = resume->shards[tensor->file], .path = (char *)resume->shard_paths[tensor->file],
                         .size = resume->layout->shards[tensor->file].size};
  uint64_t total = mw_tensor_bytes(tensor);
  unsigned char *bytes = mw_mem_new(STEP, 1, err);
  mw_checksum_state state;
  mw_checksum_begin(&state);
  bool ok = bytes != NULL;
  for (uint64_t at = 0; at < total && ok; at += STEP) {
    size_t n = (size_t)(total - at < STEP ? total - at : STEP);
    if ((ok = mw_file_read(&shard, tensor->offset + at, bytes, n, err))) mw_checksum_add(&state, bytes, n);
  }
  free(bytes);
  *sum = mw_checksum_end(&state);
  return ok;
}

/* Checks one record, if none before it was good for its tensor. One that names no tensor of ours, which a good journal of this plan never
 * has, is passed over. */
static bool find(mw_resume *resume, const uint8_t *payload, mw_error *err) {
  uint64_t index;
  mw_checksum told, found;
  memcpy(&index, payload, sizeof index);
  memcpy(told.bytes, payload + sizeof index, sizeof told.bytes);
  if (index >= resume->layout->count || resume->state[index] == FOUND) return true;
  bool read = sum_up(resume, (size_t)index, &found, err);
  if (!read && err->status != MW_IO) return false; /* what cannot be read is made again */
  resume->state[index] = read && mw_checksum_same(told, found) ? FOUND : RUNNING;
  return true;
}

static bool is_ours(const mw_resume *resume, const mw_journal *journal) {
  return journal->fd >= 0 && strcmp(journal->text, resume->plan) == 0;
}

/* Reads the journals of other processes. */
static bool open_others(mw_resume *resume, mw_error *err) {
  const char **names;
  size_t count;
  resume->other_count = 0;
  MW_TRY(mw_file_list(resume->folder, &resume->arena, &names, &count, err));
  for (size_t i = 0; i < count; i++) {
    mw_journal journal;
    if (!mw_resume_is_journal(names[i]) || strcmp(names[i], mw_resume_journal) == 0) continue;
    MW_TRY(mw_journal_open(resume->root, names[i], &resume->arena, &journal, err));
    bool ours = is_ours(resume, &journal);
    mw_journal_close(&journal);
    if (!ours) continue;
    MW_TRY(mw_mem_grow(&resume->others, &resume->other_capacity, resume->other_count + 1, sizeof *resume->others, err));
    resume->others[resume->other_count++] = journal;
  }
  return true;
}

bool mw_resume_open(mw_resume *resume, bool *found, mw_error *err) {
  const char *name = own_name(resume, err);
  MW_TRY(name && mw_journal_open(resume->root, name, &resume->arena, &resume->journal, err));
  if (!is_ours(resume, &resume->journal)) {
    mw_journal_close(&resume->journal);
    unlinkat(resume->root, name, 0); /* to make place for a new one */
  }
  MW_TRY(resume->rank || open_others(resume, err));
  *found = resume->journal.fd >= 0 || resume->other_count;
  return true;
}

static bool find_all(mw_resume *resume, const mw_journal *journal, mw_error *err) {
  for (size_t i = 0; i < journal->count; i++) MW_TRY(find(resume, journal->records[i], err));
  return true;
}

void mw_resume_found(mw_resume *resume, size_t index) {
  if (resume->state && turn(resume, index, RUNNING, FOUND)) resume->left--;
}

bool mw_resume_begin(mw_resume *resume, mw_error *err) {
  resume->recorded = milliseconds();
  if (!resume->plan) return true;
  MW_TRY((resume->state = mw_mem_new(resume->layout->count, 1, err)) != NULL);
  bool ok = resume->rank || resume->journal.fd < 0 || find_all(resume, &resume->journal, err);
  for (size_t j = 0; j < resume->other_count && ok; j++) ok = find_all(resume, &resume->others[j], err);
  for (size_t i = 0; i < resume->layout->count; i++) resume->left += resume->state[i] == RUNNING;
  return ok;
}

bool mw_resume_has(const mw_resume *resume, size_t index) { return resume->state && state_of(resume, index) == FOUND; }

/* Syncs the shards that have tensors of state RECORDING. */
static bool sync_shards(const mw_resume *resume, mw_error *err) {
  const mw_layout *layout = resume->layout;
  bool *touched = mw_mem_new(layout->shard_count, sizeof *touched, err), ok = touched != NULL;
  for (size_t i = 0; ok && i < layout->count; i++)
    if (state_of(resume, i) == RECORDING) touched[layout->tensors[i].file] = true;
  for (size_t s = 0; ok && s < layout->shard_count; s++)
    if (touched[s]) ok = mw_sync_kept(resume->shards[s], resume->shard_paths[s], err);
  free(touched);
  return ok;
}

/* The first records need a journal, and names of folder and files that are on the disk. */
static bool open_journal(mw_resume *resume, mw_error *err) {
  if (resume->journal.fd >= 0) return true;
  const char *name = own_name(resume, err);
  MW_TRY(name && mw_journal_new(resume->root, name, resume->plan, &resume->journal, err));
  return !resume->sync || (mw_sync_folder(resume->root, "the temporary folder", err) &&
                           mw_sync_folder(resume->parent, "the folder of the output", err));
}

bool mw_resume_start(mw_resume *resume, mw_error *err) {
  return open_journal(resume, err) && (!resume->sync || mw_sync_file(resume->journal.fd, resume->journal.name, err));
}

static bool add_records(mw_resume *resume, mw_error *err) {
  if (resume->sync) MW_TRY(sync_shards(resume, err));
  MW_TRY(open_journal(resume, err));
  for (size_t i = 0; i < resume->layout->count; i++) {
    uint8_t payload[MW_JOURNAL_PAYLOAD] = {0};
    uint64_t index = i;
    mw_checksum sum;
    if (state_of(resume, i) != RECORDING) continue;
    MW_TRY(sum_up(resume, i, &sum, err));
    memcpy(payload, &index, sizeof index);
    memcpy(payload + sizeof index, sum.bytes, sizeof sum.bytes);
    MW_TRY(mw_journal_add(&resume->journal, payload, err));
    set_state(resume, i, RECORDED);
  }
  return !resume->sync || mw_sync_file(resume->journal.fd, resume->journal.name, err);
}

/* Records all tensors that are finished; others may be finished meanwhile. Only one thread is here at a time. */
static bool record(mw_resume *resume, mw_error *err) {
  bool any = false;
  if (resume->failed) return true;
  for (size_t i = 0; i < resume->layout->count; i++) {
    if (!turn(resume, i, FINISHED, RECORDING)) continue;
    __atomic_fetch_sub(&resume->finished, mw_tensor_bytes(&resume->layout->tensors[i]), __ATOMIC_RELAXED);
    any = true;
  }
  resume->failed = any && !add_records(resume, err);
  __atomic_store_n(&resume->recorded, milliseconds(), __ATOMIC_RELAXED);
  return !resume->failed;
}

bool mw_resume_done(mw_resume *resume, size_t index, mw_error *err) {
  if (!resume->plan) return true;
  /* Its bytes count before its state does, or a thread that records it might take away what is not there yet. */
  uint64_t bytes = mw_tensor_bytes(&resume->layout->tensors[index]);
  uint64_t finished = __atomic_add_fetch(&resume->finished, bytes, __ATOMIC_RELAXED);
  if (!turn(resume, index, RUNNING, FINISHED)) {
    __atomic_fetch_sub(&resume->finished, bytes, __ATOMIC_RELAXED);
    return true;
  }
  bool last = __atomic_sub_fetch(&resume->left, 1, __ATOMIC_RELAXED) == 0;
  bool late = milliseconds() - __atomic_load_n(&resume->recorded, __ATOMIC_RELAXED) >= SECONDS * 1000;
  if (last || (finished < bytes_between() && !late)) return true;
  if (__atomic_exchange_n(&resume->recording, true, __ATOMIC_ACQUIRE)) return true; /* another thread is at it */
  bool ok = record(resume, err);
  __atomic_store_n(&resume->recording, false, __ATOMIC_RELEASE);
  return ok;
}

bool mw_resume_record(mw_resume *resume, mw_error *err) { return !resume->state || record(resume, err); }

/* What other processes have recorded is not checked here: a later run will. */
bool mw_resume_keep(mw_resume *resume, size_t *kept, mw_error *err) {
  *kept = 0;
  if (!resume->state) return true;
  bool ok = record(resume, err) && open_others(resume, err);
  for (size_t j = 0; j < resume->other_count; j++)
    for (size_t i = 0; i < resume->others[j].count; i++) {
      uint64_t index;
      memcpy(&index, resume->others[j].records[i], sizeof index);
      if (index < resume->layout->count) turn(resume, (size_t)index, RUNNING, FOUND);
    }
  for (size_t i = 0; i < resume->layout->count; i++) *kept += state_of(resume, i) >= RECORDED;
  return ok;
}

void mw_resume_end(mw_resume *resume) {
  mw_journal_close(&resume->journal);
  free(resume->state);
  free(resume->others);
  mw_mem_release(&resume->arena);
  resume->state = NULL;
  resume->others = NULL;
  resume->other_count = resume->other_capacity = 0;
}

bool mw_resume_remove(mw_resume *resume, mw_error *err) {
  const char **names;
  size_t count;
  mw_text_escaped shown;
  MW_TRY(mw_file_list(resume->folder, &resume->arena, &names, &count, err));
  for (size_t i = 0; i < count; i++)
    if (mw_resume_is_journal(names[i]) && unlinkat(resume->root, names[i], 0) != 0 && errno != ENOENT)
      return mw_error_set(err, MW_IO, "%s: cannot be removed: %s", mw_text_escape_z(&shown, names[i]), strerror(errno));
  return true;
}
