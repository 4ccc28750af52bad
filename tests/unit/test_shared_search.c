/* test_shared_search.c: what a process does with the candidates that rank 0 sends it. Here rank 0 is this test: it takes the place of
 * MPI's door, and sends what it likes. A folder, a loss by the score that was asked for, and every cut and changed head of a request. */
#include "cluster/cluster.h"
#include "merge/shared_search.h"
#include "unit.h"
#include <stdlib.h>

static mw_text requests[3]; /* what comes next */
static size_t request;
static bool receiving;      /* false: what the process would send is the request */

bool mw_cluster_tell(mw_text *text, mw_error *err) {
  if (receiving && request == sizeof requests / sizeof *requests) return mw_error_set(err, MW_IO, "there is no more");
  if (receiving) mw_text_add(text, requests[request].bytes, requests[request].length);
  else mw_text_add(&requests[request], text->bytes, text->length);
  request++;
  return mw_text_check(text, err);
}
const mw_ranks *mw_cluster_ranks(void) { return NULL; }
bool mw_cluster_start(mw_error *err) { return mw_error_set(err, MW_BUG, "nothing starts here"); }
bool mw_cluster_meet(mw_error *err) { return mw_cluster_start(err); }
bool mw_cluster_agree(bool good, mw_error *err) { return (void)err, good; }
bool mw_cluster_begin(int (*caught)(void), mw_error *err) { return (void)caught, mw_cluster_start(err); }
void mw_cluster_end(bool good) { (void)good; }
mw_cluster_told mw_cluster_has_told(void) { return (mw_cluster_told){0, 0}; }

typedef struct done {
  char folder[64];
  size_t folders, losses;
  uint32_t score;
} done;

static bool make(void *context, const mw_recipe_candidate *made, const char *folder, mw_error *err) {
  done *d = context;
  (void)made, (void)err;
  snprintf(d->folder, sizeof d->folder, "%s", folder);
  d->folders++;
  return true;
}

static bool loss(void *context, const mw_recipe_candidate *made, double *value, mw_error *err) {
  done *d = context;
  (void)err;
  d->score = made->score;
  d->losses++;
  *value = 1;
  return true;
}

/* Rank 0 asks for score `score` of an empty candidate; NULL: its loss. */
static void ask(uint32_t score, const char *folder) {
  mw_error err;
  mw_recipe_candidate made = {.score = score};
  mw_node node;
  CHECK(mw_graph_new(&made.graph, &err) && mw_graph_number(made.graph, 0.5, &node, &err));
  receiving = false;
  CHECK(mw_shared_search_ask(&made, folder, &err));
  mw_recipe_candidate_free(&made);
}

static void clear(void) {
  for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) mw_text_free(&requests[i]);
  request = 0;
}

/* What the process has done when it meets the first request that fails. */
static done follow(size_t scores, mw_error *err) {
  mw_plan plan = {.wanted.count = scores};
  done d = {0};
  receiving = true;
  request = 0;
  CHECK(!mw_shared_search_follow(&plan, make, loss, &d, err));
  return d;
}

static void asked_in_turn(void) {
  mw_error err;
  ask(1, NULL);
  ask(0, "out.scoring/candidate");
  ask(0, NULL);
  done d = follow(2, &err);
  CHECK(d.losses == 2 && d.folders == 1 && d.score == 0);
  CHECK_TEXT(d.folder, "out.scoring/candidate");
  CHECK_TEXT(err.text, "there is no more");
  clear();
}

static void a_score_that_there_is_not(void) {
  mw_error err;
  for (uint32_t score = 0; score < 4; score++) {
    ask(score, score % 2 ? "folder" : NULL);
    done d = follow(2, &err);
    CHECK(d.losses + d.folders == (score < 2) && (!d.losses || d.score == score));
    if (score >= 2) CHECK_TEXT(err.text, "process 0 sent a broken candidate");
    clear();
  }
  ask(UINT32_MAX, NULL);
  CHECK(follow(2, &err).losses == 0);
  CHECK_TEXT(err.text, "process 0 sent a broken candidate");
  clear();
}

static void something_else_is_wanted(void) {
  mw_error err;
  for (int wanted = 0; wanted < 256; wanted += wanted == 4 ? 251 : 1) {
    if (wanted >= 1 && wanted <= 3) continue; /* 3 is the result, which ends a search */
    ask(0, NULL);
    requests[0].bytes[0] = (char)wanted;
    done d = follow(1, &err);
    CHECK(d.losses + d.folders == 0 && err.status == MW_DATA);
    CHECK_TEXT(err.text, "process 0 sent a broken candidate");
    clear();
  }
}

static void cut_anywhere(void) {
  mw_error err;
  ask(0, "folder");
  const size_t whole = requests[0].length;
  for (size_t length = 0; length < whole; length++) {
    requests[0].length = length;
    done d = follow(1, &err);
    CHECK(d.losses + d.folders == 0 && err.status != MW_BUG && *err.text);
  }
  clear();
}

int main(void) {
  RUN(asked_in_turn());
  RUN(a_score_that_there_is_not());
  RUN(something_else_is_wanted());
  RUN(cut_anywhere());
  UNIT_END();
}
