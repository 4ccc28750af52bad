/* writer.c: makes the temporary folder, beside OUT, in which an output is written (publish.c gives it its name). If the run is killed, a
 * later run of the same plan finds that folder without a lock and goes on with it (resume.h); any other run of the same output
 * removes it. */
#include "output/writer.h"
#include "base/linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/sha256.h"
#include "format/aside.h"
#include "format/folder.h"
#include "output/left_overs.h"
#include "output/writer_state.h"

bool mw_writer_allowed(const char *out, bool force, const char *const *inputs, size_t input_count, uint64_t bytes,
                       mw_error *err) {
  mw_arena arena = {0};
  mw_target target;
  bool exists;
  bool allowed = mw_target_resolve(out, &arena, &target, err) && mw_target_apart(&target, inputs, input_count, err) &&
                 mw_target_free(&target, force, &exists, err) &&
                 mw_target_room(&target, bytes, mw_left_overs_bytes(&target), err);
  mw_mem_release(&arena);
  return allowed;
}

bool mw_writer_fail(mw_error *err, const char *what, const char *path) {
  int number = errno;
  mw_text_escaped escaped;
  if (number == ENOMEM) return mw_error_memory(err, strlen(path));
  mw_error_set(err, MW_IO, "%s: %s: %s", mw_text_escape_z(&escaped, path), what, strerror(number));
  if (number == EMFILE) mw_error_hint(err, "raise the limit of open files (ulimit -n) or use a larger --shard-size");
  return false;
}

/* Reserves the file's space, so that a full disk is found before the work begins. */
static bool reserve(int fd, uint64_t size, const char *path, mw_error *err) {
  int result = mw_linux_allocate(fd, size);
  if (result != 0 && (errno == EOPNOTSUPP || errno == ENOSYS)) result = ftruncate(fd, (off_t)size);
  return result == 0 || mw_writer_fail(err, "cannot be made as large as it will be", path);
}

/* Makes the folder in which "sub/name" lies. */
static bool make_room(mw_writer *writer, const char *name, mw_error *err) {
  const char *slash = strchr(name, '/');
  if (!slash) return true;
  char *sub = mw_mem_copy(&writer->arena, name, (size_t)(slash - name), err);
  MW_TRY(sub != NULL);
  return mkdirat(writer->root, sub, 0777) == 0 || errno == EEXIST || mw_writer_fail(err, "cannot be made", sub);
}

static bool open_shard(mw_writer *writer, size_t index, const mw_layout_file *shard, bool left, mw_error *err) {
  const char *path = mw_file_join(&writer->arena, writer->folder, shard->name, err);
  MW_TRY(path != NULL && (writer->how.rank || make_room(writer, shard->name, err)));
  writer->shard_paths[index] = path;
  bool joins = writer->how.rank > 0;
  int fd = openat(writer->root, shard->name, O_RDWR | (joins ? 0 : O_CREAT) | (joins || left ? 0 : O_EXCL) | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0) return mw_writer_fail(err, joins ? "cannot be opened" : "cannot be made", path);
  writer->shards[index] = fd;
  if (!joins)
    MW_TRY(reserve(fd, shard->size, path, err) && mw_file_write(fd, path, 0, shard->header.bytes, shard->header.length, err));
  return mw_file_keep(&writer->shards[index]) || mw_writer_fail(err, "cannot be closed", path);
}

/* With `left` there may be such files already. */
static bool open_shards(mw_writer *writer, const mw_layout *layout, bool left, mw_error *err) {
  writer->shards = mw_mem_take(&writer->arena, layout->shard_count * sizeof *writer->shards, err);
  MW_TRY(writer->shards != NULL);
  writer->shard_paths = mw_mem_take(&writer->arena, layout->shard_count * sizeof *writer->shard_paths, err);
  MW_TRY(writer->shard_paths != NULL);
  writer->behind = mw_mem_take(&writer->arena, layout->shard_count * sizeof *writer->behind, err);
  MW_TRY(writer->behind != NULL);
  for (size_t i = 0; i < layout->shard_count; i++) writer->shards[i] = -1;
  writer->shard_count = layout->shard_count;
  for (size_t i = 0; i < layout->shard_count; i++) MW_TRY(open_shard(writer, i, &layout->shards[i], left, err));
  return true;
}

/* The temporary name depends on the output's path and plan, so that a run of the same plan finds what an earlier one has left. */
static bool choose_names(mw_writer *writer, mw_error *err) {
  char hex[65];
  size_t length = strlen(writer->target.name) + sizeof ".partial-01234567";
  mw_sha256 hash;
  mw_sha256_init(&hash);
  mw_sha256_add(&hash, writer->target.path, strlen(writer->target.path));
  if (writer->how.plan) mw_sha256_add(&hash, writer->how.plan, strlen(writer->how.plan));
  mw_sha256_finish(&hash, hex);
  writer->partial = mw_mem_take(&writer->arena, length, err);
  MW_TRY(writer->partial != NULL);
  snprintf(writer->partial, length, "%s.partial-%.8s", writer->target.name, hex);
  writer->aside = mw_aside_name(writer->target.name, &writer->arena, err);
  MW_TRY(writer->aside != NULL);
  writer->folder = mw_file_join(&writer->arena, writer->target.parent, writer->partial, err);
  return writer->folder != NULL;
}

/* What resuming needs to read journals. */
static void prepare_resume(mw_writer *writer) {
  mw_resume *resume = &writer->resume;
  resume->root = writer->root;
  resume->parent = writer->parent;
  resume->folder = writer->folder;
  resume->rank = writer->how.rank;
  resume->plan = writer->how.plan;
  resume->sync = writer->how.sync;
}

/* Makes and locks the temporary folder, or takes the one that an earlier run of the same plan has *left: then its journals are open. */
static bool open_root(mw_writer *writer, bool *left, mw_error *err) {
  const char *shown = writer->target.typed;
  *left = false;
  MW_TRY(mw_folder_make(writer->parent, writer->partial, shown, &writer->root, writer->how.plan ? left : NULL, err));
  prepare_resume(writer);
  if (!*left) return true;
  MW_TRY(mw_resume_open(&writer->resume, left, err));
  if (*left) return true;
  close(writer->root);
  writer->resume.root = writer->root = -1;
  return mw_folder_make(writer->parent, writer->partial, shown, &writer->root, NULL, err);
}

/* Whether an entry of the temporary folder, or of the folder `sub` in it, is a shard or the folder of one. */
static bool is_of_shards(const mw_layout *layout, const char *sub, const char *name) {
  size_t length = *sub ? strlen(sub) + 1 : 0, more = strlen(name);
  for (size_t s = 0; s < layout->shard_count; s++) {
    const char *shard = layout->shards[s].name;
    if (length && (strncmp(shard, sub, length - 1) != 0 || shard[length - 1] != '/')) continue;
    if (strncmp(shard + length, name, more) == 0 && (!shard[length + more] || shard[length + more] == '/')) return true;
  }
  return false;
}

/* Whether an entry of the temporary folder is one of its parts', which is their writers' to go on with or remove. */
static bool is_of_parts(const mw_writer *writer, const char *name) {
  static const char ending[] = ".partial-";
  for (size_t i = 0; i < writer->how.part_count; i++) {
    const char *part = writer->how.parts[i];
    if (strncmp(name, part, strlen(part)) == 0 && strncmp(name + strlen(part), ending, sizeof ending - 1) == 0) return true;
  }
  return false;
}

/* Removes all but shards, parts and journal of what an earlier run has left: side files are written again. */
static bool sweep(mw_writer *writer, const mw_layout *layout, const char *sub, mw_error *err) {
  const char **names;
  size_t count;
  const char *folder = *sub ? mw_file_join(&writer->arena, writer->folder, sub, err) : writer->folder;
  MW_TRY(folder && mw_file_list(folder, &writer->arena, &names, &count, err));
  for (size_t i = 0; i < count; i++) {
    const char *path = *sub ? mw_file_join(&writer->arena, sub, names[i], err) : names[i];
    MW_TRY(path != NULL);
    if (!*sub && mw_resume_is_journal(path)) continue;
    struct stat st;
    bool is_folder = fstatat(writer->root, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
    bool keep = is_of_shards(layout, sub, names[i]);
    if (is_folder && !*sub && is_of_parts(writer, path)) continue;
    if (!is_folder && keep && S_ISREG(st.st_mode) && st.st_nlink == 1) continue;
    if (!is_folder && unlinkat(writer->root, path, 0) != 0) return mw_writer_fail(err, "cannot be removed", path);
    if (is_folder) MW_TRY(keep && !*sub ? sweep(writer, layout, path, err) : mw_folder_remove(writer->root, path, err));
  }
  return true;
}

static uint64_t bytes_of(const mw_layout *layout) {
  uint64_t bytes = 0;
  for (size_t s = 0; s < layout->shard_count; s++) bytes += layout->shards[s].size;
  return bytes;
}

static bool begin_resume(mw_writer *writer, const mw_layout *layout, mw_error *err) {
  mw_resume *resume = &writer->resume;
  prepare_resume(writer);
  resume->layout = layout;
  resume->shards = writer->shards;
  resume->shard_paths = writer->shard_paths;
  return mw_resume_begin(resume, err);
}

/* Opens the folder that another process has made. A network file system may take a moment to show it. */
static bool join(mw_writer *writer, const mw_layout *layout, mw_error *err) {
  enum { TRIES = 100 };
  for (int i = 0; i < TRIES && writer->root < 0; i++) {
    writer->root = openat(writer->parent, writer->partial, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (writer->root < 0 && errno != ENOENT) break;
    if (writer->root < 0) nanosleep(&(struct timespec){0, 100000000}, NULL);
  }
  if (writer->root < 0) {
    mw_writer_fail(err, "cannot be opened", writer->folder);
    return mw_error_hint(err, "the output must lie on a file system that all processes share");
  }
  bool found;
  prepare_resume(writer);
  return (!writer->how.plan || mw_resume_open(&writer->resume, &found, err)) && open_shards(writer, layout, true, err) &&
         begin_resume(writer, layout, err);
}

static bool begin(mw_writer *writer, const char *out, const mw_layout *layout, mw_error *err) {
  bool exists;
  mw_target *target = &writer->target;
  const mw_writer_how *how = &writer->how;
  MW_TRY(mw_target_resolve(out, &writer->arena, target, err));
  MW_TRY(how->rank || mw_target_free(target, how->force, &exists, err));
  MW_TRY(choose_names(writer, err));
  writer->parent = open(target->parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (writer->parent < 0) return mw_writer_fail(err, "cannot be opened", target->parent);
  if (how->rank) return join(writer, layout, err);
  bool left;
  MW_TRY(open_root(writer, &left, err) && mw_left_overs_drop(writer->parent, target, writer->partial, how->plan, how->warnings, err));
  if (left) MW_TRY(sweep(writer, layout, "", err));
  uint64_t there = left ? mw_left_overs_bytes_below(writer->root, writer->folder) : 0;
  MW_TRY(mw_target_room(target, bytes_of(layout), there, err) && open_shards(writer, layout, left, err));
  return begin_resume(writer, layout, err) && (!how->part_count || mw_resume_start(&writer->resume, err));
}

bool mw_writer_has(const mw_writer *writer, size_t index) { return mw_resume_has(&writer->resume, index); }

void mw_writer_found(mw_writer *writer, size_t index) { mw_resume_found(&writer->resume, index); }

bool mw_writer_done(mw_writer *writer, size_t index, mw_error *err) { return mw_resume_done(&writer->resume, index, err); }

bool mw_writer_open(const char *out, const mw_layout *layout, const mw_writer_how *how, mw_writer **writer, mw_error *err) {
  *writer = NULL;
  mw_writer *made = mw_mem_new(1, sizeof *made, err);
  MW_TRY(made != NULL);
  made->parent = made->root = -1;
  made->resume.journal.fd = -1;
  made->how = *how;
  made->layout = layout;
  if (!begin(made, out, layout, err)) {
    mw_writer_close(made);
    return false;
  }
  *writer = made;
  return true;
}

bool mw_writer_write(mw_writer *writer, uint32_t shard, uint64_t offset, const void *bytes, size_t length,
                     mw_error *err) {
  const char *path = writer->shard_paths[shard];
  int fd = mw_file_borrow(writer->shards[shard], path, err);
  bool done = fd >= 0 && mw_file_write(fd, path, offset, bytes, length, err);
  if (done && writer->counted) mw_file_checksum_add(writer->counted[shard].checksum, offset, bytes, length);
  done = done && (!writer->how.sync || mw_sync_behind_written(&writer->behind[shard], length, fd, path, err));
  if (!mw_file_give_back(writer->shards[shard], fd) && done) done = mw_writer_fail(err, "cannot be closed", path);
  return done;
}

bool mw_writer_count(mw_writer *writer, const mw_layout *layout, mw_file_checksum_memory *memory, mw_error *err) {
  writer->counted = mw_mem_take(&writer->arena, (layout->shard_count + 1) * sizeof *writer->counted, err);
  MW_TRY(writer->counted != NULL);
  for (size_t i = 0; i < layout->shard_count; i++) {
    const mw_layout_file *shard = &layout->shards[i];
    writer->counted[i] = (mw_file){.path = (char *)(uintptr_t)writer->shard_paths[i], .fd = writer->shards[i], .size = shard->size};
    MW_TRY(mw_file_checksum_new(&writer->counted[i], true, memory, &writer->counted[i].checksum, err));
    mw_file_checksum_add(writer->counted[i].checksum, 0, shard->header.bytes, shard->header.length);
  }
  return true;
}

bool mw_writer_is_counted(const mw_writer *writer) { return writer->counted != NULL; }

mw_file_checksum *mw_writer_checksum(const mw_writer *writer, size_t shard) {
  return writer->counted ? writer->counted[shard].checksum : NULL;
}

static bool is_read_back(const char *path, bool same, mw_error *err) {
  mw_text_escaped room;
  if (same) return true;
  mw_error_set(err, MW_IO, "%s: what is read back is not what was written", mw_text_escape_z(&room, path));
  return mw_error_hint(err, "nothing was published; the disk or the memory of this machine is not to be trusted");
}

/* Where the system lets go of what it holds of the file, the disk is read. */
static bool let_go(const mw_file *shard, mw_error *err) {
  int fd = mw_file_borrow(shard->fd, shard->path, err);
  bool synced = fd >= 0 && mw_sync_file(fd, shard->path, err);
  if (synced) posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  mw_file_give_back(shard->fd, fd);
  return synced;
}

static bool verify_shard(const mw_file *shard, mw_error *err) {
  const mw_checksum *written = mw_file_checksum_chunks(shard->checksum);
  MW_TRY(let_go(shard, err));
  for (size_t i = 0; i < mw_file_checksum_count(shard->checksum); i++) {
    mw_checksum read;
    MW_TRY(mw_file_checksum_read(shard, i, &read, err) && is_read_back(shard->path, mw_checksum_same(read, written[i]), err));
  }
  return true;
}

static bool verify_small(mw_writer *writer, const mw_writer_small *small, mw_error *err) {
  char *bytes;
  size_t length;
  const char *path = mw_file_join(&writer->arena, writer->folder, small->name, err);
  MW_TRY(path && mw_file_slurp(path, SIZE_MAX, &bytes, &length, err));
  mw_checksum read = mw_file_checksum_of(bytes, length);
  free(bytes);
  return is_read_back(path, length == small->bytes && mw_checksum_same(read, small->checksum), err);
}

bool mw_writer_verify(mw_writer *writer, mw_error *err) {
  for (size_t i = 0; i < writer->shard_count && writer->counted; i++) MW_TRY(verify_shard(&writer->counted[i], err));
  for (size_t i = 0; i < writer->file_count; i++) MW_TRY(verify_small(writer, &writer->files[i], err));
  return true;
}

bool mw_writer_settle(mw_writer *writer, mw_error *err) {
  for (size_t i = 0; writer->how.sync && i < writer->shard_count; i++)
    MW_TRY(mw_sync_kept(writer->shards[i], writer->shard_paths[i], err));
  return mw_writer_close_shards(writer, err);
}

size_t mw_writer_files(const mw_writer *writer, const mw_writer_small **first) {
  *first = writer->files;
  return writer->file_count;
}

/* Checks a name, which is ours or from the listing of a folder: at most one '/', and never "..". */
static bool is_name_sound(const char *name) {
  const char *slash = strchr(name, '/');
  const char *last = slash ? slash + 1 : name;
  if (!*last || *name == '/' || strchr(last, '/') || !strcmp(last, ".") || !strcmp(last, "..")) return false;
  return !slash || (strncmp(name, "./", 2) != 0 && strncmp(name, "../", 3) != 0);
}

bool mw_writer_file(mw_writer *writer, const char *name, const void *bytes, size_t length, mw_error *err) {
  mw_text_escaped escaped;
  if (!is_name_sound(name))
    return mw_error_set(err, MW_BUG, "\"%s\" is no name of an output file", mw_text_escape_z(&escaped, name));
  MW_TRY(make_room(writer, name, err));
  const char *path = mw_file_join(&writer->arena, writer->folder, name, err);
  MW_TRY(path != NULL);
  MW_TRY(mw_mem_grow(&writer->files, &writer->file_capacity, writer->file_count + 1, sizeof *writer->files, err));
  char *kept = mw_mem_copy(&writer->arena, name, strlen(name), err);
  MW_TRY(kept != NULL);
  int fd = openat(writer->root, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0) return mw_writer_fail(err, "cannot be made", path);
  writer->files[writer->file_count++] = (mw_writer_small){kept, length, mw_file_checksum_of(bytes, length)};
  bool written = mw_file_write(fd, path, 0, bytes, length, err);
  if (writer->how.sync) mw_sync_start(fd);
  if (close(fd) != 0 && written) written = mw_writer_fail(err, "cannot be closed", path);
  return written;
}

const char *mw_writer_folder(const mw_writer *writer) { return writer->folder; }

const char *mw_writer_shard_name(const mw_writer *writer, size_t index) { return writer->shard_paths[index] + strlen(writer->folder) + 1; }

bool mw_writer_close_shards(mw_writer *writer, mw_error *err) {
  bool done = true;
  for (size_t i = 0; i < writer->shard_count; i++) {
    int fd = writer->shards[i];
    writer->shards[i] = -1;
    if (fd >= 0 && close(fd) != 0 && done) done = mw_writer_fail(err, "cannot be closed", writer->shard_paths[i]);
  }
  return done;
}

void mw_writer_record(mw_writer *writer) {
  mw_error ignored;
  mw_resume_record(&writer->resume, &ignored);
}

/* Whether some part is there, finished or not. */
static bool has_parts(mw_writer *writer) {
  mw_error ignored;
  const char **names;
  size_t count;
  bool has = false;
  if (!writer->how.part_count || !mw_file_list(writer->folder, &writer->arena, &names, &count, &ignored)) return false;
  for (size_t i = 0; i < count; i++) has = has || is_of_parts(writer, names[i]);
  return has;
}

void mw_writer_keep(mw_writer *writer, mw_error *err) {
  mw_error later = {0};
  size_t kept;
  mw_text_escaped escaped[2];
  if (err->status != MW_INTERRUPTED && err->status != MW_IO && err->status != MW_MEMORY) return;
  if (writer->published) return;
  mw_resume_keep(&writer->resume, &kept, &later);
  writer->kept = kept || has_parts(writer);
  if (writer->how.part) return; /* the whole says it */
  if (!writer->kept && writer->how.plan && err->status == MW_INTERRUPTED && !*err->hint)
    mw_error_hint(err, "no tensor was finished: the same command begins anew");
  if (!writer->kept) return;
  const char *partial = mw_text_escape_z(&escaped[0], writer->partial), *typed = mw_text_escape_z(&escaped[1], writer->target.typed);
  if (!kept)
    mw_error_hint(err, "the same command goes on from there: what is finished is kept in %s; `moonweld clean %s` removes it", partial,
                  typed);
  else mw_error_hint(err, "the same command goes on from there: %zu of %zu tensors are kept in %s; `moonweld clean %s` removes them", kept,
                     writer->layout->count, partial, typed);
}

/* Removes what was not published. Needs no memory, since all names are known. */
static void discard(mw_writer *writer) {
  mw_error ignored = {0};
  for (size_t i = 0; i < writer->shard_count; i++)
    if (writer->shard_paths[i]) unlinkat(writer->root, mw_writer_shard_name(writer, i), 0);
  for (size_t i = 0; i < writer->file_count; i++) {
    char *name = writer->files[i].name, *slash = strchr(name, '/');
    unlinkat(writer->root, name, 0);
    if (!slash) continue;
    *slash = 0;
    unlinkat(writer->root, name, AT_REMOVEDIR);
  }
  unlinkat(writer->root, mw_resume_journal, 0);
  if (unlinkat(writer->parent, writer->partial, AT_REMOVEDIR) != 0)
    mw_folder_remove(writer->parent, writer->partial, &ignored);
}

void mw_writer_close(mw_writer *writer) {
  if (!writer) return;
  mw_error ignored = {0};
  mw_writer_close_shards(writer, &ignored);
  mw_resume_end(&writer->resume);
  if (!writer->published && !writer->kept && !writer->how.rank && writer->root >= 0) discard(writer);
  if (writer->root >= 0) close(writer->root);
  if (writer->parent >= 0) close(writer->parent);
  for (size_t i = 0; writer->counted && i < writer->shard_count; i++) mw_file_checksum_free(writer->counted[i].checksum);
  free(writer->files);
  mw_mem_release(&writer->arena);
  free(writer);
}
