/* plan.h: what a plan consists of. plan.c makes a plan, plan_facts.c tells what it will take, run_plan.c runs it, and makes further
 * plans for the candidates of a search. */
#ifndef MW_MERGE_PLAN_H
#define MW_MERGE_PLAN_H

#include "merge/search.h"
#include "merge/provenance.h"
#include "train/calibration.h"
#include "train/found.h"
#include "exec/run.h"
#include "vocabulary/alignment.h"

struct mw_plan {
  const mw_recipe *recipe;
  mw_options options;    /* their texts and lists are in the arena */
  mw_warning warnings;
  mw_input_set inputs;
  mw_calibration data;
  mw_score_words wanted; /* what --score says; in the arena */
  mw_calibration judges; /* the data of all scores loss:FILE */
  mw_recipe_result result; /* graph, outputs, trainings */
  mw_node *nodes;        /* of every output that is computed, in the order of its name */
  size_t node_count;
  size_t shown_count;    /* behind them in nodes: scalars that are told when they are known (show) */
  double *shown;         /* their values, after the run; in the arena */
  uint32_t *places;
  mw_job_copy *copies;
  size_t copy_count;
  mw_expansion *expansion; /* of the graph, or NULL */
  mw_schedule schedule;
  mw_layout layout;
  const mw_config_edit_set *sets;   /* what config.json gets */
  size_t set_count;
  mw_text config;              /* the same as JSON; empty where there are none */
  mw_run_cost cost;
  mw_provenance_texts provenance;
  mw_text json;
  const char *chat_template;   /* of --chat-template, in the arena */
  mw_alignment *vocabulary;    /* of --tokenizer, else NULL */
  mw_side_files_seen side_files; /* of the donor, when the run began */
  size_t resumed;              /* tensors that an earlier run had made */
  uint8_t *spoiled;            /* of a run with --nonfinite keep: as in mw_job; in the arena */
  size_t candidates;           /* of a recipe that scores: counted while planning */
  mw_binding *bindings;        /* if there are candidates: copied, since the run evaluates the recipe again */
  size_t binding_count;
  const mw_search *scores;      /* while it runs */
  mw_file_checksum_memory checksums; /* of what is read and written */
  mw_arena arena;
  struct mw_components *components; /* NULL, or the inputs are whole pipelines: what follows from tensors is in the components' plans */
  mw_text prompted;            /* of several processes, rank 0's: the prompts of its recipe, for the others */
  const char *component;       /* NULL, or of such a plan the component's name */
  const char *made;            /* of such a plan, when it has run: the folder in which it is kept until the whole is complete */
  mw_side_files_rows rows;     /* of such a plan: what it adds to the lock file of the whole */
  mw_plan_training *trainings; /* in the arena */
  size_t training_count;
  mw_statistics_cost statistics; /* what is found from data; all 0 where nothing is */
  mw_learning learning;
  void *learner;
};

/* The merge of such a plan, for the executor. */
mw_job mw_plan_job(mw_plan *plan);
/* The trainings of a candidate, on the plan's models and data. Their steps are not reported, and no checkpoint is kept. */
mw_training_job mw_plan_open_training(const mw_plan *plan, const mw_recipe_candidate *made);
/* What the recipe is evaluated with. */
mw_recipe_task mw_plan_task(mw_plan *plan, const mw_binding *bindings, size_t count, mw_warning *warnings,
                            const mw_recipe_scorer *scorer);

#endif
