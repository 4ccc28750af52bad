/* shared_search.c: a request is what is wanted and which score (u32), the folder, and the graph as in message.h, in one text of rank
 * 0's. */
#include "merge/shared_search.h"
#include "cluster/cluster.h"
#include "merge/outputs.h"
#include "merge/proof.h"
#include <string.h>

bool mw_shared_search_put(const mw_shared_search_request *request, mw_text *out, mw_error *err) {
  mw_message_put_u32(out, request->what);
  mw_message_put_u32(out, request->made.score);
  mw_message_put_text(out, request->folder, strlen(request->folder));
  return mw_recipe_send(&request->made, out, err);
}

static bool ask(mw_shared_search_what what, const mw_recipe_candidate *made, const char *folder, mw_error *err) {
  mw_text text = {0};
  bool ok = mw_shared_search_put(&(mw_shared_search_request){what, folder, *made}, &text, err) && mw_cluster_tell(&text, err);
  mw_text_free(&text);
  return ok;
}

bool mw_shared_search_ask(const mw_recipe_candidate *made, const char *folder, mw_error *err) {
  return ask(folder ? MW_SHARED_FOLDER : MW_SHARED_LOSS, made, folder ? folder : "", err);
}

bool mw_shared_search_done(const mw_plan *plan, mw_error *err) { return ask(MW_SHARED_RESULT, &plan->result.made, "", err); }

bool mw_shared_search_take(mw_plan *plan, const char *bytes, size_t count, mw_shared_search_request *out, mw_error *err) {
  mw_message in = {bytes, bytes + count, false};
  size_t length;
  *out = (mw_shared_search_request){.what = (mw_shared_search_what)mw_message_u32(&in)};
  const uint32_t score = mw_message_u32(&in);
  const char *folder = mw_message_text(&in, &length);
  mw_recipe_task task = mw_plan_task(plan, NULL, 0, &plan->warnings, NULL);
  task.set_count = plan->data.count; /* those of prompts, too */
  if (in.failed || out->what < MW_SHARED_FOLDER || out->what > MW_SHARED_RESULT || score >= plan->wanted.count)
    return mw_error_set(err, MW_DATA, "process 0 sent a broken candidate");
  MW_TRY(mw_recipe_receive(&task, in.at, (size_t)(in.end - in.at), &out->made, err));
  out->made.score = score;
  out->folder = mw_mem_copy(&out->made.arena, folder, length, err);
  if (!out->folder) mw_recipe_candidate_free(&out->made);
  return out->folder != NULL;
}

/* What was asked for. */
static bool receive(mw_plan *plan, mw_shared_search_request *request, mw_error *err) {
  mw_text text = {0};
  bool ok = mw_cluster_tell(&text, err) && mw_shared_search_take(plan, text.bytes, text.length, request, err);
  mw_text_free(&text);
  return ok;
}

bool mw_shared_search_follow(mw_plan *plan, mw_search_make make, mw_search_loss loss, void *context, mw_error *err) {
  for (;;) {
    mw_shared_search_request request;
    double unused;
    MW_TRY(receive(plan, &request, err));
    if (request.what == MW_SHARED_RESULT) {
      mw_outputs_free(plan);
      mw_recipe_candidate_free(&plan->result.made);
      plan->result.made = request.made;
      return mw_outputs_place(plan, err) && mw_proof_plan(plan, err);
    }
    bool ok = request.what == MW_SHARED_FOLDER ? make(context, &request.made, request.folder, err)
                                               : loss(context, &request.made, &unused, err);
    mw_recipe_candidate_free(&request.made);
    MW_TRY(ok);
  }
}
