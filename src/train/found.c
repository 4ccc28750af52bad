/* found.c: a statistic is written where its place in the file is, and the file is mapped when it is whole. Inputs are never mapped,
 * since others may shrink them while they are read (format/file.h); this file has no name, so nobody else has it. */
#include "train/found.h"
#include "format/file.h"
#include "output/target.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ALIGNED = 64 };

struct mw_found {
  const mw_training_job *job;
  mw_job_statistic *statistics;
  uint64_t *offsets; /* of each */
  size_t count;
  uint64_t bytes;
  int fd;
  const char *folder; /* for messages */
  void *map;
  mw_arena arena;
};

bool mw_found_nodes(const mw_training_job *job, mw_arena *arena, mw_node **nodes, size_t *count, mw_error *err) {
  uint32_t all = mw_graph_count(job->graph), last = all;
  *count = 0;
  while (last && mw_graph_op_class(mw_graph_op(job->graph, last)) != MW_CLASS_DATA) last--;
  if (!last) return (*nodes = mw_mem_take(arena, sizeof **nodes, err)) != NULL; /* as in most recipes */
  uint8_t *needed = mw_mem_new(all + 1u, sizeof *needed, err);
  if (!needed) return false;
  for (size_t i = 0; i < job->output_count; i++) needed[job->outputs[i].node] = 1;
  for (size_t i = 0; i < job->spec_count; i++) needed[job->specs[i].loss] = 1;
  for (mw_node id = all; id > 0; id--) {
    mw_graph_node_facts facts = mw_graph_facts(job->graph, id);
    if (needed[id] && mw_graph_op_class(facts.op) == MW_CLASS_DATA) ++*count;
    for (uint32_t i = mw_graph_op_first(facts.op); i < facts.operands && needed[id]; i++) needed[facts.operand[i]] = 1;
  }
  mw_node *next = *nodes = mw_mem_take(arena, (*count + 1) * sizeof **nodes, err);
  for (mw_node id = 1; id <= all && next; id++)
    if (needed[id] && mw_graph_op_class(mw_graph_facts(job->graph, id).op) == MW_CLASS_DATA) *next++ = id;
  free(needed);
  return *nodes != NULL;
}

static mw_train_world world_of(const mw_training_job *job) {
  return (mw_train_world){.graph = job->graph, .family = &job->inputs->family, .sets = (const mw_dataset *const *)job->data->sets,
                          .set_count = job->data->count, .finding = true, .ranks = job->ranks, .threads = job->threads};
}

bool mw_found_measure(const mw_training_job *job, mw_statistics_cost *cost, mw_error *err) {
  mw_arena arena = {0};
  mw_node *nodes;
  size_t count;
  mw_train_world world = world_of(job);
  *cost = (mw_statistics_cost){0};
  bool ok = mw_found_nodes(job, &arena, &nodes, &count, err) &&
            (!count || mw_statistics_measure(&world, nodes, count, MW_STATISTICS_ROOM, cost, err));
  mw_mem_release(&arena);
  return ok;
}

/* ---- the file ---- */

static bool refuse(const mw_found *found, const char *what, mw_error *err) {
  mw_text_escaped shown;
  return mw_error_set(err, MW_IO, "%s: cannot %s statistics of data there: %s", mw_text_escape_z(&shown, found->folder), what,
                      strerror(errno));
}

/* A file without a name; where the file system has none, one that is removed at once. */
static bool open_file(mw_found *found, mw_error *err) {
  found->fd = open(found->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (found->fd >= 0) return true;
  const char *path = mw_file_join(&found->arena, found->folder, ".moonweld-statistics-XXXXXX", err);
  if (!path) return false;
  found->fd = mkostemp((char *)(uintptr_t)path, O_CLOEXEC);
  if (found->fd < 0) return refuse(found, "keep", err);
  unlink(path);
  return true;
}

static size_t place_of(const mw_found *found, mw_node node) {
  size_t low = 0, high = found->count;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (found->statistics[middle].node <= node) low = middle;
    else high = middle;
  }
  return low;
}

static uint64_t bytes_of(const mw_found *found, size_t i) {
  const mw_graph *graph = found->job->graph;
  return mw_graph_elements(graph, mw_graph_facts(graph, found->statistics[i].node).shape) * sizeof(float);
}

static bool keep(void *context, mw_node node, const float *values, mw_error *err) {
  mw_found *found = context;
  size_t i = place_of(found, node);
  return mw_file_write(found->fd, found->folder, found->offsets[i], values, (size_t)bytes_of(found, i), err);
}

static bool goes_on(void *context, uint64_t done, uint64_t total) {
  const mw_training_job *job = ((const mw_found *)context)->job;
  mw_learning_facts facts = {.step = done, .steps = total};
  return !job->learning || job->learning(job->context, &facts);
}

static bool map(mw_found *found, mw_error *err) {
  if (!found->bytes) return true;
  found->map = mmap(NULL, (size_t)found->bytes, PROT_READ, MAP_SHARED, found->fd, 0);
  if (found->map == MAP_FAILED) return found->map = NULL, refuse(found, "read", err);
  for (size_t i = 0; i < found->count; i++)
    found->statistics[i].values = (const float *)((const char *)found->map + found->offsets[i]);
  return true;
}

static bool make(mw_found *found, const mw_node *nodes, mw_error *err) {
  mw_train_world world = world_of(found->job);
  mw_statistics_watch watch = {found, keep, goes_on};
  mw_target target;
  found->statistics = mw_mem_take(&found->arena, found->count * sizeof *found->statistics, err);
  found->offsets = found->statistics ? mw_mem_take(&found->arena, found->count * sizeof *found->offsets, err) : NULL;
  if (!found->offsets || !mw_target_resolve(found->job->options->output, &found->arena, &target, err)) return false;
  found->folder = target.parent;
  for (size_t i = 0; i < found->count; i++) {
    found->statistics[i].node = nodes[i];
    found->offsets[i] = found->bytes;
    found->bytes += (bytes_of(found, i) + ALIGNED - 1) / ALIGNED * ALIGNED;
  }
  MW_TRY(mw_target_room(&target, found->bytes, 0, err) && open_file(found, err));
  if (ftruncate(found->fd, (off_t)found->bytes) != 0) return refuse(found, "keep", err);
  return mw_statistics_find(&world, nodes, found->count, MW_STATISTICS_ROOM, &watch, err) && map(found, err);
}

bool mw_found_make(const mw_training_job *job, mw_found **out, mw_error *err) {
  mw_found *found = mw_mem_new(1, sizeof *found, err);
  mw_node *nodes;
  *out = NULL;
  if (!found) return false;
  *found = (mw_found){.job = job, .fd = -1};
  bool ok = mw_found_nodes(job, &found->arena, &nodes, &found->count, err) && (!found->count || make(found, nodes, err));
  found->job = NULL; /* the caller's */
  if (ok && found->count) *out = found;
  else mw_found_free(found);
  return ok;
}

const mw_job_statistic *mw_found_statistics(const mw_found *found, size_t *count) {
  *count = found ? found->count : 0;
  return found ? found->statistics : NULL;
}

void mw_found_free(mw_found *found) {
  if (!found) return;
  if (found->map) munmap(found->map, (size_t)found->bytes);
  if (found->fd >= 0) close(found->fd);
  mw_mem_release(&found->arena);
  free(found);
}
