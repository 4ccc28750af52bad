/* writer.c: makes an output folder and publishes it.
 *
 *   1. Everything is written into OUT.partial-<hash of its path>, a locked folder beside OUT. If the run is killed, a later run of
 *      the same output finds that folder without a lock and removes it.
 *   2. When all is written and closed without an error, one rename makes it OUT; if OUT exists and may be replaced, one exchange
 *      of the two names, after which the old folder is removed.
 *
 * So OUT is at every moment absent, the old output, or complete: after a power cut too, since the bytes of every file, then the
 * folders they lie in, are brought to the disk before the rename, and the rename before anybody says that the merge is done.
 * Weights are written back behind the merge (sync.h), so that this takes little longer than the disk needs. Without `sync` a
 * crash of the machine soon after the merge can lose data; a crash of the program cannot. */
#include "output/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sha256.h"
#include "format/folder.h"
#include "format/sync.h"
#include "output/target.h"

struct mw_writer {
  mw_target target;
  char *partial;       /* name of the temporary folder in the parent */
  char *aside;         /* temporary name of the old output, if the file system cannot exchange two names */
  const char *folder;  /* path of the temporary folder */
  int parent, root;    /* the open parent and temporary folder; the lock lies on `root` */
  bool force, sync, published;
  int *shards;         /* [shard_count] open files */
  mw_sync_behind *behind; /* [shard_count] */
  const char **shard_paths;
  size_t shard_count;
  mw_file *counted;    /* [shard_count] the shards, as their checksums see them; or NULL */
  mw_writer_small *files;
  size_t file_count, file_capacity;
  mw_arena arena;
};

bool mw_writer_allowed(const char *out, bool force, const char *const *inputs, size_t input_count, uint64_t bytes,
                       mw_error *err) {
  mw_arena arena = {0};
  mw_target target;
  bool exists;
  bool allowed = mw_target_resolve(out, &arena, &target, err) && mw_target_apart(&target, inputs, input_count, err) &&
                 mw_target_free(&target, force, &exists, err) && mw_target_room(&target, bytes, err);
  mw_mem_release(&arena);
  return allowed;
}

static bool fail(mw_error *err, const char *what, const char *path) {
  int number = errno;
  mw_text_escaped escaped;
  if (number == ENOMEM) return mw_error_memory(err, strlen(path));
  mw_error_set(err, MW_IO, "%s: %s: %s", mw_text_escape_z(&escaped, path), what, strerror(number));
  if (number == EMFILE) mw_error_hint(err, "raise the limit of open files (ulimit -n) or use a larger --shard-size");
  return false;
}

/* Reserves the file's space, so that a full disk is found before the work begins. */
static bool reserve(int fd, uint64_t size, const char *path, mw_error *err) {
  int result;
  while ((result = fallocate(fd, 0, 0, (off_t)size)) != 0 && errno == EINTR) continue;
  if (result != 0 && (errno == EOPNOTSUPP || errno == ENOSYS)) result = ftruncate(fd, (off_t)size);
  return result == 0 || fail(err, "cannot be made as large as it will be", path);
}

/* Makes the folder in which "sub/name" lies. */
static bool make_room(mw_writer *writer, const char *name, mw_error *err) {
  const char *slash = strchr(name, '/');
  if (!slash) return true;
  char *sub = mw_mem_copy(&writer->arena, name, (size_t)(slash - name), err);
  MW_TRY(sub != NULL);
  return mkdirat(writer->root, sub, 0777) == 0 || errno == EEXIST || fail(err, "cannot be made", sub);
}

static bool open_shard(mw_writer *writer, size_t index, const mw_layout_file *shard, mw_error *err) {
  const char *path = mw_file_join(&writer->arena, writer->folder, shard->name, err);
  MW_TRY(path != NULL && make_room(writer, shard->name, err));
  writer->shard_paths[index] = path;
  int fd = openat(writer->root, shard->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0) return fail(err, "cannot be made", path);
  writer->shards[index] = fd;
  MW_TRY(reserve(fd, shard->size, path, err));
  return mw_file_write(fd, path, 0, shard->header.bytes, shard->header.length, err);
}

static bool open_shards(mw_writer *writer, const mw_layout *layout, mw_error *err) {
  writer->shards = mw_mem_take(&writer->arena, layout->shard_count * sizeof *writer->shards, err);
  MW_TRY(writer->shards != NULL);
  writer->shard_paths = mw_mem_take(&writer->arena, layout->shard_count * sizeof *writer->shard_paths, err);
  MW_TRY(writer->shard_paths != NULL);
  writer->behind = mw_mem_take(&writer->arena, layout->shard_count * sizeof *writer->behind, err);
  MW_TRY(writer->behind != NULL);
  for (size_t i = 0; i < layout->shard_count; i++) writer->shards[i] = -1;
  writer->shard_count = layout->shard_count;
  for (size_t i = 0; i < layout->shard_count; i++) MW_TRY(open_shard(writer, i, &layout->shards[i], err));
  return true;
}

/* Temporary names depend on the output's path only, so that two runs on the same output find each other's lock. */
static bool choose_names(mw_writer *writer, mw_error *err) {
  char hex[65];
  size_t length = strlen(writer->target.name) + sizeof ".replaced-01234567";
  mw_sha256_of(writer->target.path, strlen(writer->target.path), hex);
  writer->partial = mw_mem_take(&writer->arena, length, err);
  MW_TRY(writer->partial != NULL);
  writer->aside = mw_mem_take(&writer->arena, length, err);
  MW_TRY(writer->aside != NULL);
  snprintf(writer->partial, length, "%s.partial-%.8s", writer->target.name, hex);
  snprintf(writer->aside, length, "%s.replaced-%.8s", writer->target.name, hex);
  writer->folder = mw_file_join(&writer->arena, writer->target.parent, writer->partial, err);
  return writer->folder != NULL;
}

static bool begin(mw_writer *writer, const char *out, const mw_layout *layout, mw_error *err) {
  bool exists;
  MW_TRY(mw_target_resolve(out, &writer->arena, &writer->target, err));
  MW_TRY(mw_target_free(&writer->target, writer->force, &exists, err));
  MW_TRY(choose_names(writer, err));
  writer->parent = open(writer->target.parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (writer->parent < 0) return fail(err, "cannot be opened", writer->target.parent);
  MW_TRY(mw_folder_make(writer->parent, writer->partial, writer->target.typed, &writer->root, err));
  return open_shards(writer, layout, err);
}

bool mw_writer_open(const char *out, const mw_layout *layout, bool force, bool sync, mw_writer **writer, mw_error *err) {
  *writer = NULL;
  mw_writer *made = mw_mem_new(1, sizeof *made, err);
  MW_TRY(made != NULL);
  made->parent = made->root = -1;
  made->force = force;
  made->sync = sync;
  if (!begin(made, out, layout, err)) {
    mw_writer_close(made);
    return false;
  }
  *writer = made;
  return true;
}

bool mw_writer_write(mw_writer *writer, uint32_t shard, uint64_t offset, const void *bytes, size_t length,
                     mw_error *err) {
  int fd = writer->shards[shard];
  const char *path = writer->shard_paths[shard];
  MW_TRY(mw_file_write(fd, path, offset, bytes, length, err));
  if (writer->counted) mw_file_checksum_add(writer->counted[shard].checksum, offset, bytes, length);
  return !writer->sync || mw_sync_behind_written(&writer->behind[shard], length, fd, path, err);
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
  if (fd < 0) return fail(err, "cannot be made", path);
  writer->files[writer->file_count++] = (mw_writer_small){kept, length, mw_file_checksum_of(bytes, length)};
  bool written = mw_file_write(fd, path, 0, bytes, length, err);
  if (writer->sync) mw_sync_start(fd);
  if (close(fd) != 0 && written) written = fail(err, "cannot be closed", path);
  return written;
}

const char *mw_writer_folder(const mw_writer *writer) { return writer->folder; }

/* Syncs the folder below the root in which "sub/name" lies. */
static bool sync_room(const mw_writer *writer, const char *name, mw_error *err) {
  const char *slash = strchr(name, '/');
  if (!slash) return true;
  char sub[NAME_MAX + 1];
  snprintf(sub, sizeof sub, "%.*s", (int)(slash - name), name);
  int fd = openat(writer->root, sub, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return fail(err, "cannot be opened again", sub);
  bool done = mw_sync_folder(fd, sub, err);
  close(fd);
  return done;
}

static bool sync_file(const mw_writer *writer, const char *name, mw_error *err) {
  int fd = openat(writer->root, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return fail(err, "cannot be opened again", name);
  bool done = mw_sync_file(fd, name, err);
  close(fd);
  return done && sync_room(writer, name, err);
}

/* What a shard is called in the folder: "model.safetensors", "2_Dense/model.safetensors". */
static const char *shard_name(const mw_writer *writer, size_t index) { return writer->shard_paths[index] + strlen(writer->folder) + 1; }

/* Syncs the parent: the names in it are then on the disk. */
static bool sync_parent(const mw_writer *writer, mw_error *err) {
  return !writer->sync || mw_sync_folder(writer->parent, writer->target.parent, err);
}

static bool sync_all(const mw_writer *writer, mw_error *err) {
  if (!writer->sync) return true;
  for (size_t i = 0; i < writer->shard_count; i++) {
    MW_TRY(mw_sync_file(writer->shards[i], writer->shard_paths[i], err));
    MW_TRY(sync_room(writer, shard_name(writer, i), err));
  }
  for (size_t i = 0; i < writer->file_count; i++) MW_TRY(sync_file(writer, writer->files[i].name, err));
  return mw_sync_folder(writer->root, writer->folder, err);
}

/* A network file system may report a failed write only when the file is closed. */
static bool close_shards(mw_writer *writer, mw_error *err) {
  bool done = true;
  for (size_t i = 0; i < writer->shard_count; i++) {
    int fd = writer->shards[i];
    writer->shards[i] = -1;
    if (fd >= 0 && close(fd) != 0 && done) done = fail(err, "cannot be closed", writer->shard_paths[i]);
  }
  return done;
}

static bool lacks_flag(int number) { return number == EINVAL || number == ENOSYS || number == EOPNOTSUPP; }

static bool publish_new(mw_writer *writer, mw_error *err) {
  int parent = writer->parent;
  const char *name = writer->target.name;
  int result = renameat2(parent, writer->partial, parent, name, RENAME_NOREPLACE);
  if (result != 0 && lacks_flag(errno)) result = renameat(parent, writer->partial, parent, name);
  if (result == 0) return writer->published = true;
  mw_text_escaped escaped;
  if (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR)
    return mw_error_set(err, MW_CHANGED, "%s: something else took its name meanwhile",
                        mw_text_escape_z(&escaped, writer->target.typed));
  return fail(err, "cannot be given its name", writer->target.typed);
}

/* Replaces by two renames, if the file system cannot exchange names. Between them OUT is absent, and the old output has its temporary
 * name. */
static bool publish_aside(mw_writer *writer, mw_error *err) {
  int parent = writer->parent;
  const char *name = writer->target.name;
  MW_TRY(mw_folder_remove(parent, writer->aside, err));
  if (renameat(parent, name, parent, writer->aside) != 0)
    return fail(err, "cannot be moved aside", writer->target.typed);
  if (renameat(parent, writer->partial, parent, name) == 0) return writer->published = true;
  fail(err, "cannot be given its name", writer->target.typed);
  if (renameat(parent, writer->aside, parent, name) != 0)
    mw_error_hint(err, "the old one is still there, with \".replaced-\" in its name");
  return false;
}

static const char *last_part(const char *path) { return strrchr(path, '/') + 1; }

static bool name_company(const mw_writer *writer, const char *from, const char *to, mw_error *err) {
  return renameat(writer->root, from, writer->parent, last_part(to)) == 0 || fail(err, "cannot be given its name", to);
}

static bool name_weights(mw_writer *writer, bool exists, mw_error *err) {
  const mw_target *target = &writer->target;
  int parent = writer->parent;
  const char *from = shard_name(writer, 0);
  int result = renameat2(writer->root, from, parent, target->name, exists ? 0 : RENAME_NOREPLACE);
  if (result != 0 && lacks_flag(errno)) result = renameat(writer->root, from, parent, target->name);
  mw_text_escaped escaped;
  if (result != 0 && errno == EEXIST)
    return mw_error_set(err, MW_CHANGED, "%s: something else took its name meanwhile", mw_text_escape_z(&escaped, target->typed));
  if (result != 0) return fail(err, "cannot be given its name", target->typed);
  return writer->published = true;
}

/* Publishes a lone file: one rename gives the weights their name, so that NAME.safetensors is at every moment absent, the old one, or
 * complete. Lock and card follow, whatever the disk says meanwhile; if the run is killed before, the next command that names the
 * file finishes it (format/lone.h). */
static bool publish_lone(mw_writer *writer, bool exists, mw_error *err) {
  const mw_target *target = &writer->target;
  MW_TRY(name_weights(writer, exists, err));
  mw_error second;
  bool synced = sync_parent(writer, err);
  mw_error *told = synced ? err : &second;
  bool named = name_company(writer, "merge.lock.json", target->lock, told) && name_company(writer, "README.md", target->card, told) &&
               (unlinkat(writer->parent, writer->partial, AT_REMOVEDIR) == 0 || mw_folder_remove(writer->parent, writer->partial, told));
  return synced && named;
}

/* Removes the old folder. It has the temporary folder's name now, and is locked meanwhile, so that another run does not remove it
 * too. */
static bool publish_over(mw_writer *writer, mw_error *err) {
  int parent = writer->parent, old;
  const char *name = writer->target.name, *left = writer->partial;
  MW_TRY(mw_folder_lock(parent, name, writer->target.typed, &old, err));
  bool done = renameat2(parent, writer->partial, parent, name, RENAME_EXCHANGE) == 0;
  if (done) writer->published = true;
  else if (!lacks_flag(errno)) fail(err, "cannot be replaced", writer->target.typed);
  else if ((done = publish_aside(writer, err))) left = writer->aside;
  /* The new output must be on the disk before the old one is removed. */
  if (done) done = sync_parent(writer, err);
  if (done && !mw_folder_remove(parent, left, err))
    done = mw_error_wrap(err, "the output is complete, but what it replaced could not all be removed");
  close(old);
  return done;
}

bool mw_writer_publish(mw_writer *writer, mw_error *err) {
  bool exists;
  MW_TRY(mw_target_free(&writer->target, writer->force, &exists, err));
  MW_TRY(sync_all(writer, err) && close_shards(writer, err));
  if (exists && !writer->target.card) return publish_over(writer, err);
  MW_TRY(writer->target.card ? publish_lone(writer, exists, err) : publish_new(writer, err));
  return sync_parent(writer, err);
}

/* Removes what was not published. Needs no memory, since all names are known. */
static void discard(mw_writer *writer) {
  mw_error ignored = {0};
  for (size_t i = 0; i < writer->shard_count; i++)
    if (writer->shard_paths[i]) unlinkat(writer->root, shard_name(writer, i), 0);
  for (size_t i = 0; i < writer->file_count; i++) {
    char *name = writer->files[i].name, *slash = strchr(name, '/');
    unlinkat(writer->root, name, 0);
    if (!slash) continue;
    *slash = 0;
    unlinkat(writer->root, name, AT_REMOVEDIR);
  }
  if (unlinkat(writer->parent, writer->partial, AT_REMOVEDIR) != 0)
    mw_folder_remove(writer->parent, writer->partial, &ignored);
}

void mw_writer_close(mw_writer *writer) {
  if (!writer) return;
  mw_error ignored = {0};
  close_shards(writer, &ignored);
  if (!writer->published && writer->root >= 0) discard(writer);
  if (writer->root >= 0) close(writer->root);
  if (writer->parent >= 0) close(writer->parent);
  for (size_t i = 0; writer->counted && i < writer->shard_count; i++) mw_file_checksum_free(writer->counted[i].checksum);
  free(writer->files);
  mw_mem_release(&writer->arena);
  free(writer);
}
