/* search.h: candidates that a recipe wants to know the worth of. A candidate is made as a whole model folder, the user's
 * command measures it (or we do, by its loss), and its number is remembered by what the candidate computes, so that
 * nothing is measured twice. The recipe chooses the candidate and nothing else. */
#ifndef MW_MERGE_SEARCH_H
#define MW_MERGE_SEARCH_H

#include "model/input_set.h"
#include "recipe/learn_spec.h"

/* A model as a recipe has made it: what is computed, and what is to be learned before that. */
typedef struct mw_candidate {
  mw_graph *graph;
  mw_wire_output *outputs; /* sorted by name */
  size_t output_count;
  mw_lesson *lessons;      /* in the order in which they are learned */
  size_t lesson_count;
  mw_arena arena;          /* of the outputs' names and the lessons */
} mw_candidate;

void mw_score_drop(mw_candidate *candidate);

/* Writes a candidate as a model folder; `folder` does not exist yet. */
typedef bool (*mw_score_make)(void *context, const mw_candidate *candidate, const char *folder, mw_error *err);

/* Measures a candidate without writing it. */
typedef bool (*mw_score_loss)(void *context, const mw_candidate *candidate, double *value, mw_error *err);

typedef struct mw_score {
  const mw_options *options;  /* --score, --score-timeout, -o; who is told of scores */
  const mw_inputs *inputs;
  mw_score_make make;         /* NULL while planning: every candidate then scores 0, and only their number counts */
  mw_score_loss loss;         /* of --score loss:FILE, in the place of a command; else NULL */
  mw_progress progress;       /* asked whether to go on while a command runs; may be NULL */
  void *context;              /* of all three */
  size_t count;               /* of different candidates */
  struct mw_score_entry *entries;
  size_t capacity;
  uint64_t asked;             /* how often, repeated ones included */
  mw_candidate first;         /* while planning: until it is taken */
  int parent, room;           /* the folder beside the output in which candidates are made; -1 before the first */
  const char *room_name, *folder; /* of the room, of the candidate in it */
  const char *judges;         /* of the lock file: what a loss was measured on, members of a JSON object; NULL: a command measures */
  mw_text lines;              /* a JSON line for each candidate */
  mw_text json;               /* of the lock file, after mw_score_choose */
  mw_arena arena;
} mw_score;

void mw_score_begin(mw_score *score);
/* A candidate's number; the candidate is kept or dropped. `drawn` is what was drawn since the last one: JSON objects with
 * commas between, and for people. */
bool mw_score_ask(mw_score *score, mw_candidate *candidate, const char *drawn_json, const char *drawn_words, double *value,
                  mw_error *err);
/* Which candidate the result is, if any; composes `json`. */
bool mw_score_choose(mw_score *score, const mw_candidate *result, mw_error *err);
/* Removes what lies on the disk and frees everything. */
void mw_score_end(mw_score *score);

#endif
