/* shared_search.c: a request is what is wanted and which score (u32), the folder, and the graph as in message.h, in one text of rank
 * 0's. */
#include "merge/shared_search.h"
#include "cluster/cluster.h"
#include "merge/outputs.h"
#include "merge/proof.h"
#include <string.h>

typedef enum wanted { FOLDER = 1, LOSS, RESULT } wanted;

static bool ask(wanted what, const mw_recipe_candidate *made, const char *folder, mw_error *err) {
  mw_text text = {0};
  mw_message_put_u32(&text, what);
  mw_message_put_u32(&text, made->score);
  mw_message_put_text(&text, folder, strlen(folder));
  bool ok = mw_recipe_send(made, &text, err) && mw_cluster_tell(&text, err);
  mw_text_free(&text);
  return ok;
}

bool mw_shared_search_ask(const mw_recipe_candidate *made, const char *folder, mw_error *err) {
  return ask(folder ? FOLDER : LOSS, made, folder ? folder : "", err);
}

bool mw_shared_search_done(const mw_plan *plan, mw_error *err) { return ask(RESULT, &plan->result.made, "", err); }

/* What was asked for. The folder is in the candidate's arena. */
static bool receive(mw_plan *plan, wanted *what, const char **folder, mw_recipe_candidate *made, mw_error *err) {
  mw_text text = {0};
  size_t length;
  MW_TRY(mw_cluster_tell(&text, err));
  mw_message in = {text.bytes, text.bytes + text.length, false};
  *what = (wanted)mw_message_u32(&in);
  const uint32_t score = mw_message_u32(&in);
  const char *bytes = mw_message_text(&in, &length);
  mw_recipe_task task = mw_plan_task(plan, NULL, 0, &plan->warnings, NULL);
  task.set_count = plan->data.count; /* those of prompts, too */
  const bool sound = !in.failed && *what >= FOLDER && *what <= RESULT && score < plan->wanted.count;
  bool ok = sound || mw_error_set(err, MW_DATA, "process 0 sent a broken candidate");
  ok = ok && mw_recipe_receive(&task, in.at, (size_t)(in.end - in.at), made, err);
  made->score = score;
  if (ok && !(*folder = mw_mem_copy(&made->arena, bytes, length, err))) mw_recipe_candidate_free(made), ok = false;
  mw_text_free(&text);
  return ok;
}

bool mw_shared_search_follow(mw_plan *plan, mw_search_make make, mw_search_loss loss, void *context, mw_error *err) {
  for (;;) {
    mw_recipe_candidate made = {0};
    const char *folder;
    wanted what;
    double unused;
    MW_TRY(receive(plan, &what, &folder, &made, err));
    if (what == RESULT) {
      mw_outputs_free(plan);
      mw_recipe_candidate_free(&plan->result.made);
      plan->result.made = made;
      return mw_outputs_place(plan, err) && mw_proof_plan(plan, err);
    }
    bool ok = what == FOLDER ? make(context, &made, folder, err) : loss(context, &made, &unused, err);
    mw_recipe_candidate_free(&made);
    MW_TRY(ok);
  }
}
