/* writer_state.h: what writer.c, which fills the temporary folder, and publish.c, which gives it its name, both know. */
#ifndef MW_OUTPUT_WRITER_STATE_H
#define MW_OUTPUT_WRITER_STATE_H

#include "format/sync.h"
#include "output/resume.h"
#include "output/target.h"
#include "output/writer.h"

struct mw_writer {
  mw_target target;
  char *partial;       /* name of the temporary folder in the parent */
  const char *aside;   /* temporary name of the old output, if the file system cannot exchange two names */
  const char *folder;  /* path of the temporary folder */
  int parent, root;    /* the open parent and temporary folder; the lock lies on `root` */
  mw_writer_how how;
  bool published, kept;
  const mw_layout *layout;
  mw_resume resume;
  int *shards;         /* [shard_count] open files */
  mw_sync_behind *behind; /* [shard_count] */
  const char **shard_paths;
  size_t shard_count;
  mw_file *counted;    /* [shard_count] the shards, as their checksums see them; or NULL */
  mw_writer_small *files;
  size_t file_count, file_capacity;
  mw_arena arena;
};

/* MW_IO with errno, "PATH: WHAT: Input/output error". */
bool mw_writer_fail(mw_error *err, const char *what, const char *path);
/* What a shard is called in the folder: "model.safetensors", "2_Dense/model.safetensors". */
const char *mw_writer_shard_name(const mw_writer *writer, size_t index);
/* A network file system may report a failed write only when the file is closed. */
bool mw_writer_close_shards(mw_writer *writer, mw_error *err);

#endif
