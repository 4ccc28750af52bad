/* shared_plan.c: see shared_plan.h. What must be the same in all processes is the identity of the plan (plan_identity.h), which names every
 * number of the graph, every byte of the output's headers, and size, inode and times of each file. */
#include "merge/shared_plan.h"
#include "cluster/cluster.h"
#include "merge/plan_identity.h"
#include <stdlib.h>
#include <string.h>

/* ---- what rank 0 tells of the recipe ---- */

/* A list of prompts is their number, a u32, and each with its length. */
bool mw_shared_plan_keep_prompts(mw_plan *plan, const mw_text_piece *texts, size_t count, mw_error *err) {
  mw_message_put_u32(&plan->prompted, (uint32_t)count);
  for (size_t i = 0; i < count; i++) mw_message_put_text(&plan->prompted, texts[i].bytes, texts[i].length);
  return mw_text_check(&plan->prompted, err);
}

static bool take_prompts(mw_plan *plan, mw_message *in, mw_error *err) {
  size_t index;
  const uint32_t count = mw_message_u32(in);
  const size_t left = (size_t)(in->end - in->at);
  mw_text_piece *texts = count <= left ? mw_mem_new(count + 1u, sizeof *texts, err) : NULL;
  for (uint32_t i = 0; texts && i < count; i++) texts[i].bytes = mw_message_text(in, &texts[i].length);
  bool ok = texts && !in->failed && mw_calibration_add(&plan->data, texts, count, &plan->inputs.members[plan->inputs.donor], &index, err);
  if (count > left || in->failed) ok = mw_error_set(err, MW_DATA, "process 0 sent broken prompts");
  free(texts);
  return ok;
}

/* The number of candidates, the bytes of prompts and these, the graph. */
bool mw_shared_plan_put(const mw_plan *plan, mw_text *out, mw_error *err) {
  mw_message_put_u64(out, plan->candidates);
  mw_message_put_text(out, plan->prompted.bytes, plan->prompted.length);
  return mw_recipe_send(&plan->result.made, out, err);
}

bool mw_shared_plan_take(mw_plan *plan, const mw_recipe_task *task, const char *bytes, size_t count, mw_error *err) {
  mw_message in = {bytes, bytes + count, false};
  size_t length;
  plan->candidates = mw_message_u64(&in);
  const char *prompts = mw_message_text(&in, &length);
  mw_message lists = {prompts, prompts ? prompts + length : NULL, false};
  if (in.failed) return mw_error_set(err, MW_DATA, "process 0 sent a broken plan");
  while (lists.at < lists.end) MW_TRY(take_prompts(plan, &lists, err));
  mw_recipe_task own = *task;
  own.set_count = plan->data.count;
  return mw_recipe_receive(&own, in.at, (size_t)(in.end - in.at), &plan->result.made, err);
}

bool mw_shared_plan_receive(mw_plan *plan, const mw_recipe_task *task, mw_error *err) {
  const mw_ranks *ranks = mw_cluster_ranks();
  mw_text text = {0};
  bool ok = (ranks->rank || mw_shared_plan_put(plan, &text, err)) && mw_cluster_start(err) && mw_cluster_tell(&text, err) &&
            (!ranks->rank || mw_shared_plan_take(plan, task, text.bytes, text.length, err));
  mw_text_free(&text);
  return ok;
}

/* ---- what all have in common ---- */

/* The first line that another text has not, up to its colon: "the file model.safetensors of base". */
static void first_difference(const char *ours, const char *theirs, char *what, size_t room) {
  size_t line = 0;
  for (size_t i = 0; ours[i] && ours[i] == theirs[i]; i++)
    if (ours[i] == '\n') line = i + 1;
  size_t length = strcspn(ours + line, ":\n");
  if (length >= room) length = room - 1;
  memcpy(what, ours + line, length);
  what[length] = 0;
}

bool mw_shared_plan_same(const mw_text *own, mw_error *err) {
  mw_text first = {0};
  if (!mw_cluster_ranks()->rank) mw_text_add(&first, own->bytes, own->length);
  bool ok = mw_cluster_tell(&first, err);
  if (ok && (own->length != first.length || memcmp(own->bytes, first.bytes, own->length) != 0)) {
    char what[300];
    first_difference(own->bytes, first.bytes, what, sizeof what);
    ok = mw_error_set(err, MW_CHANGED, "what this process finds is not what process 0 has found: %s", what);
    mw_error_hint(err, "all need the same program, inputs on one file system, and for matrices processors of one core type of OpenBLAS");
  }
  mw_text_free(&first);
  return ok;
}

bool mw_shared_plan_compare(const mw_plan *plan, mw_error *err) {
  mw_text own = {0};
  bool ok = mw_plan_identity_shared(plan, &own, err) && mw_shared_plan_same(&own, err);
  mw_text_free(&own);
  return ok;
}

bool mw_shared_plan_identity(const mw_plan *plan, mw_text *identity, mw_error *err) {
  return (mw_cluster_ranks()->rank || mw_plan_identity_compose(plan, identity, err)) && mw_cluster_tell(identity, err);
}

bool mw_shared_plan_open(const char *out, const mw_layout *layout, const mw_writer_how *how, mw_writer **writer, mw_error *err) {
  const mw_ranks *ranks = mw_cluster_ranks();
  mw_writer_how own = *how;
  if (!ranks) return mw_writer_open(out, layout, how, writer, err);
  own.rank = ranks->rank;
  if (ranks->rank) return mw_cluster_meet(err) && mw_writer_open(out, layout, &own, writer, err);
  MW_TRY(mw_writer_open(out, layout, &own, writer, err));
  if (mw_cluster_meet(err)) return true;
  mw_writer_keep(*writer, err); /* what an earlier run has made */
  mw_writer_close(*writer);
  *writer = NULL;
  return false;
}

bool mw_shared_plan_resume(const mw_plan *plan, mw_writer *writer, mw_error *err) {
  const mw_ranks *ranks = mw_cluster_ranks();
  uint64_t *found = mw_mem_new(plan->layout.count + 1, sizeof *found, err);
  if (!found) return false;
  for (size_t i = 0; i < plan->layout.count; i++) found[i] = !ranks->rank && mw_writer_has(writer, i);
  bool ok = ranks->combine(MW_RANKS_UNITE, found, plan->layout.count, err);
  for (size_t i = 0; i < plan->layout.count && ok; i++)
    if (found[i]) mw_writer_found(writer, i);
  free(found);
  return ok;
}

bool mw_shared_plan_divide(mw_plan *plan, const mw_writer *writer, mw_job *job, mw_error *err) {
  const mw_layout *layout = &plan->layout;
  job->ranks = mw_cluster_ranks();
  uint32_t *owners = mw_mem_take(&plan->arena, (layout->count + 1) * sizeof *owners, err);
  uint64_t *bytes = mw_mem_take(&plan->arena, (layout->count + 1) * sizeof *bytes, err);
  if (!owners || !bytes) return false;
  for (size_t i = 0; i < layout->count; i++) bytes[i] = mw_writer_has(writer, i) ? 0 : mw_tensor_bytes(&layout->tensors[i]);
  MW_TRY(mw_ranks_share(layout, bytes, job->ranks->count, owners, err));
  MW_TRY(mw_ranks_divide(&plan->schedule, plan->places, owners, job->ranks->count, plan->shown_count > 0, err));
  job->owners = owners;
  return true;
}
