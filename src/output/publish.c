/* publish.c: when all is written and closed without an error, one rename makes the temporary folder OUT; if OUT exists and may be
 * replaced, one exchange of the two names, after which the old folder is removed.
 *
 * So OUT is at every moment absent, the old output, or complete: after a power cut too, since the bytes of every file, then the
 * folders they lie in, are brought to the disk before the rename, and the rename before anybody says that the merge is done.
 * Weights are written back behind the merge (format/sync.h), so that this takes little longer than the disk needs. Without `sync` a
 * crash of the machine soon after the merge can lose data; a crash of the program cannot. */
#include "output/publish.h"
#include "base/linux.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "format/folder.h"
#include "output/writer_state.h"

/* Syncs the folder below the root in which "sub/name" lies. */
static bool sync_room(const mw_writer *writer, const char *name, mw_error *err) {
  const char *slash = strchr(name, '/');
  if (!slash) return true;
  char sub[NAME_MAX + 1];
  snprintf(sub, sizeof sub, "%.*s", (int)(slash - name), name);
  int fd = openat(writer->root, sub, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return mw_writer_fail(err, "cannot be opened again", sub);
  bool done = mw_sync_folder(fd, sub, err);
  close(fd);
  return done;
}

static bool sync_file(const mw_writer *writer, const char *name, mw_error *err) {
  int fd = openat(writer->root, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return mw_writer_fail(err, "cannot be opened again", name);
  bool done = mw_sync_file(fd, name, err);
  close(fd);
  return done && sync_room(writer, name, err);
}

/* Syncs the parent: the names in it are then on the disk. */
static bool sync_parent(const mw_writer *writer, mw_error *err) {
  return !writer->how.sync || mw_sync_folder(writer->parent, writer->target.parent, err);
}

/* Syncs all files and folders. The journal goes when all that it tells of, and more, is on the disk; that of a part stays, complete. */
static bool sync_all(mw_writer *writer, mw_error *err) {
  bool sync = writer->how.sync;
  for (size_t i = 0; sync && i < writer->shard_count; i++) {
    MW_TRY(mw_sync_kept(writer->shards[i], writer->shard_paths[i], err));
    MW_TRY(sync_room(writer, mw_writer_shard_name(writer, i), err));
  }
  for (size_t i = 0; sync && i < writer->file_count; i++) MW_TRY(sync_file(writer, writer->files[i].name, err));
  MW_TRY(writer->how.part ? mw_resume_record(&writer->resume, err) : mw_resume_remove(&writer->resume, err));
  mw_resume_end(&writer->resume);
  return !sync || mw_sync_folder(writer->root, writer->folder, err);
}

static bool lacks_flag(int number) { return number == EINVAL || number == ENOSYS || number == EOPNOTSUPP; }

static bool publish_new(mw_writer *writer, mw_error *err) {
  int parent = writer->parent;
  const char *name = writer->target.name;
  int result = mw_linux_rename_new(parent, writer->partial, parent, name);
  if (result != 0 && lacks_flag(errno)) result = renameat(parent, writer->partial, parent, name);
  if (result == 0) return writer->published = true;
  mw_text_escaped escaped;
  if (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR)
    return mw_error_set(err, MW_CHANGED, "%s: something else took its name meanwhile",
                        mw_text_escape_z(&escaped, writer->target.typed));
  return mw_writer_fail(err, "cannot be given its name", writer->target.typed);
}

/* Replaces by two renames, if the file system cannot exchange names. Between them OUT is absent, and the old output has its temporary
 * name. */
static bool publish_aside(mw_writer *writer, mw_error *err) {
  int parent = writer->parent;
  const char *name = writer->target.name;
  MW_TRY(mw_folder_remove(parent, writer->aside, err));
  if (renameat(parent, name, parent, writer->aside) != 0)
    return mw_writer_fail(err, "cannot be moved aside", writer->target.typed);
  if (renameat(parent, writer->partial, parent, name) == 0) return writer->published = true;
  mw_writer_fail(err, "cannot be given its name", writer->target.typed);
  if (renameat(parent, writer->aside, parent, name) != 0)
    mw_error_hint(err, "the old one is still there, with \".replaced-\" in its name");
  return false;
}

static const char *last_part(const char *path) { return strrchr(path, '/') + 1; }

static bool name_company(const mw_writer *writer, const char *from, const char *to, mw_error *err) {
  return renameat(writer->root, from, writer->parent, last_part(to)) == 0 || mw_writer_fail(err, "cannot be given its name", to);
}

static bool name_weights(mw_writer *writer, bool exists, mw_error *err) {
  const mw_target *target = &writer->target;
  int parent = writer->parent;
  const char *from = mw_writer_shard_name(writer, 0);
  int result = exists ? -1 : mw_linux_rename_new(writer->root, from, parent, target->name);
  if (exists || (result != 0 && lacks_flag(errno))) result = renameat(writer->root, from, parent, target->name);
  mw_text_escaped escaped;
  if (result != 0 && errno == EEXIST)
    return mw_error_set(err, MW_CHANGED, "%s: something else took its name meanwhile", mw_text_escape_z(&escaped, target->typed));
  if (result != 0) return mw_writer_fail(err, "cannot be given its name", target->typed);
  return writer->published = true;
}

/* Publishes a lone file: one rename gives the weights their name, so that NAME.safetensors is at every moment absent, the old one, or
 * complete. Lock and card follow, whatever the disk says meanwhile; if the run is killed before, the next command that names the
 * file finishes it (format/lone.h). */
static bool publish_lone(mw_writer *writer, bool exists, mw_error *err) {
  const mw_target *target = &writer->target;
  bool sealed = false;
  for (size_t i = 0; i < writer->file_count; i++) sealed |= strcmp(writer->files[i].name, MW_WRITER_SEAL) == 0;
  MW_TRY(name_weights(writer, exists, err));
  if (!sealed) unlinkat(writer->parent, last_part(target->seal), 0); /* of an older output */
  mw_error second;
  bool synced = sync_parent(writer, err);
  mw_error *told = synced ? err : &second;
  bool named = name_company(writer, "merge.lock.json", target->lock, told) && name_company(writer, "README.md", target->card, told) &&
               (!sealed || name_company(writer, MW_WRITER_SEAL, target->seal, told)) &&
               (unlinkat(writer->parent, writer->partial, AT_REMOVEDIR) == 0 || mw_folder_remove(writer->parent, writer->partial, told));
  return synced && named;
}

/* Removes the old folder. It has the temporary folder's name now, and is locked meanwhile, so that another run does not remove it
 * too. */
static bool publish_over(mw_writer *writer, mw_error *err) {
  int parent = writer->parent, old;
  const char *name = writer->target.name, *left = writer->partial;
  MW_TRY(mw_folder_lock(parent, name, writer->target.typed, &old, err));
  bool done = mw_linux_exchange(parent, writer->partial, name) == 0;
  if (done) writer->published = true;
  else if (!lacks_flag(errno)) mw_writer_fail(err, "cannot be replaced", writer->target.typed);
  else if ((done = publish_aside(writer, err))) left = writer->aside;
  /* The new output must be on the disk before the old one is removed. */
  if (done) done = sync_parent(writer, err);
  if (done && !mw_folder_remove(parent, left, err))
    done = mw_error_wrap(err, "the output is complete, but what it replaced could not all be removed");
  close(old);
  return done;
}

bool mw_publish_part(mw_writer *writer, const char *partial, const char *name, mw_error *err) {
  int fd = openat(writer->root, partial, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return mw_writer_fail(err, "cannot be opened again", partial);
  bool gone = unlinkat(fd, mw_resume_journal, 0) == 0 || errno == ENOENT;
  bool done = gone ? !writer->how.sync || mw_sync_folder(fd, partial, err) : mw_writer_fail(err, "its journal cannot be removed", partial);
  close(fd);
  return done && (renameat(writer->root, partial, writer->root, name) == 0 || mw_writer_fail(err, "cannot be given its name", name));
}

bool mw_publish_output(mw_writer *writer, mw_error *err) {
  bool exists;
  MW_TRY(mw_target_free(&writer->target, writer->how.force, &exists, err));
  MW_TRY(sync_all(writer, err) && mw_writer_close_shards(writer, err));
  if (writer->how.part) return writer->kept = true;
  if (exists && !writer->target.card) return publish_over(writer, err);
  MW_TRY(writer->target.card ? publish_lone(writer, exists, err) : publish_new(writer, err));
  return sync_parent(writer, err);
}
