/* search.h: the candidates of a recipe that searches, and their scores. A candidate is made as a whole model folder, which the user's
 * command measures; or its loss is measured. Scores are remembered by the identity of what a candidate computes, so that nothing
 * is measured twice: not by one run, nor by the same command again after a run that was killed or stopped. */
#ifndef MW_MERGE_SEARCH_H
#define MW_MERGE_SEARCH_H

#include "merge/kept_scores.h"
#include "recipe/recipe.h"
#include "recipe/score_words.h"
#include "train/calibration.h"

/* Writes a candidate as a model folder; `folder` does not exist yet. */
typedef bool (*mw_search_make)(void *context, const mw_recipe_candidate *candidate, const char *folder, mw_error *err);

/* Measures a candidate without writing it. */
typedef bool (*mw_search_loss)(void *context, const mw_recipe_candidate *candidate, double *value, mw_error *err);

/* Evaluates the recipe once more, with this scorer, and tells nobody of anything. Its errors say nothing. */
typedef void (*mw_search_evaluate)(void *context, const mw_recipe_scorer *scorer);

typedef struct mw_search {
  const mw_options *options;  /* --score-timeout, -o; who is told of scores */
  const mw_score_words *wanted; /* --score */
  const mw_input_set *inputs;
  mw_search_make make;         /* NULL while planning: every candidate then scores 0, and only their number counts */
  mw_search_loss loss;         /* of scores loss:FILE, in the place of a command */
  mw_search_evaluate evaluate; /* with --score-jobs, to find out what is asked for next */
  mw_progress progress;       /* asked whether to go on while a command runs; may be NULL */
  void *context;              /* of all four */
  size_t count;               /* of different candidates */
  struct mw_search_entry *entries;
  size_t capacity;
  uint64_t asked;             /* how often a score was asked for, also of the same candidate */
  size_t drawn;               /* numbers that the recipe has drawn for all of these, in turn */
  size_t chosen_first, chosen_count; /* after mw_search_choose: those of the chosen candidate among them */
  mw_recipe_candidate first;         /* while planning: until it is taken */
  int parent, scratch;          /* scratch: the folder beside the output in which candidates are made; -1 before the first */
  const char *scratch_name, *shown, *folder; /* its name, the same to be printed; the path of the candidate in it */
  const char *identity;       /* what the scores depend on beside the candidate */
  mw_kept_scores kept;        /* in the scratch folder */
  struct mw_search_ahead *ahead; /* scores that this run has measured before they were asked for */
  size_t ahead_count, ahead_capacity;
  mw_warning *warnings;
  const mw_calibration *judges; /* what losses are measured on, for the lock file; empty where there are none */
  mw_text lines, json, plot;  /* after mw_search_choose: a JSON line for each candidate; for the lock file; their picture (SVG) */
  mw_arena arena;
} mw_search;

void mw_search_begin(mw_search *search);
/* What a candidate computes, and which score of it is asked for (64 hex digits), and of which models it is made: models[inputs->count],
 * to be freed. */
bool mw_search_identify(const mw_search *search, const mw_recipe_candidate *candidate, char identity[65], bool **models, mw_error *err);
/* Whether the recipe has asked for this score before. */
bool mw_search_known(const mw_search *search, const char *identity, double *value);
/* A score that was measured before it is asked for, by this run or an earlier one. */
bool mw_search_measured(const mw_search *search, const char *identity, double *value);
/* Keeps one. */
bool mw_search_keep(mw_search *search, const char *identity, double value, mw_error *err);
/* Answers a recipe out of the search. */
mw_recipe_scorer mw_search_scorer(mw_search *search);
/* While planning: puts the first candidate in the place of a result that depends on scores, if one was asked for. */
void mw_search_take_first(mw_search *search, mw_recipe_candidate *made);
/* Which candidate the result is, if any; composes `json`. */
bool mw_search_choose(mw_search *search, const mw_recipe_candidate *result, mw_error *err);
/* Removes the folder of candidates, but where the run has failed with `err` (else NULL) and scores were measured: then it keeps these
 * for the same command, and the error's hint says so. Frees everything. */
void mw_search_end(mw_search *search, mw_error *err);

#endif
