/* side_files.h: everything of an output folder that is not weights: the donor's side files (tokenizer, templates, licence
 * ...), config.json, the index, the model card, merge.lock.json. */
#ifndef MW_OUTPUT_SIDE_FILES_H
#define MW_OUTPUT_SIDE_FILES_H

#include "model/config_edit.h"
#include "model/family.h"
#include "output/writer.h"
#include "vocabulary/alignment.h"

/* What a component of a pipeline adds to the lock file of the whole: files, each a line of JSON with its place in the whole. */
typedef struct mw_side_files_rows {
  mw_text *outputs, *inputs; /* inputs: a text for each of the component's models */
} mw_side_files_rows;

/* The facts of a merge for the card and the lock file. Texts are borrowed. */
typedef struct mw_side_files_provenance {
  const char *recipe_name, *recipe_summary, *recipe_paper;
  const char *recipe_text;      /* the file, or the built-in's text */
  const char *mergekit;         /* the configuration that it was made of, or "" */
  const char *arguments_json;   /* {"t": "0.5", "models": ["a", "b"]}: as typed or by default */
  const char *typed_json;       /* {"arguments": {"t": ["0.5"]}, "options": {"dtype": ["bf16"]}}: the words as typed */
  const char *drawn_json;       /* [{"what": "seed:beta(0.5, 0.5)", "value": 0.31}] */
  const char *drawn_text;       /* the same for people, where it is few numbers; else NULL */
  const char *scores_json;      /* {"candidates": [...], "chosen": 2}, or NULL where nothing was scored */
  const char *scores_lines;     /* the candidates as JSON lines, for moonweld/scores.jsonl, or NULL */
  const char *scores_plot;      /* and as a picture, for moonweld/scores.svg, or NULL */
  const char *required_json;    /* [{"name": "ties", "sha256": "...", "text": "..."}] */
  const char *command;          /* a command line that makes the same output again */
  const char *matrix_core;      /* OpenBLAS's core type, where functions of whole matrices were computed; else NULL */
  const char *shown_json;       /* a list of numbers that the recipe shows; NULL where there are none */
  const char *statistics_json;  /* data of which statistics were found; NULL where there are none */
  const char *learning_json;    /* settings, data and course of trainings; NULL where nothing was learned */
  uint64_t seed;
  const char *dtype;            /* "bfloat16" for config.json, or NULL: as the donor's */
  bool copy_code;
  const char *chat_template;    /* in the place of the donor's, or NULL */
  const mw_alignment *vocabulary; /* of --tokenizer: which files of a tokenizer are other ones, or NULL */
  const mw_config_edit_set *sets;    /* what config.json gets: by the recipe, and by what the tensors are */
  size_t set_count;
  bool adapter;                 /* the output is an adapter of the donor, and `sets` are all of its adapter_config.json */
  const char *component;        /* NULL, or its name, "unet": of a component of a pipeline, which has no card and lock of its own */
  const char *components_json;  /* of a pipeline: [{"name": "unet", "carried": null}], or NULL */
  const char *carried;          /* of a pipeline: "vae (the same in all inputs)", or NULL */
  mw_side_files_rows rows;      /* of a component: it adds to them; of a pipeline: what all have added */
} mw_side_files_provenance;

/* Whether a file of this name holds weights, in whatever form. */
bool mw_side_files_are_weights(const char *name);

/* The donor's side files as they were when the merge began. */
typedef struct mw_side_files_file {
  const char *name;
  mw_file file; /* its state; closed */
  bool copied;
} mw_side_files_file;

typedef struct mw_side_files_seen {
  mw_side_files_file *files;
  size_t count, capacity;
  mw_arena arena;
} mw_side_files_seen;

/* Looks at the side files that will go along (`code`: Python files, `template`: the chat template too; `tokenizer`: NULL, or whose
 * tokenizer), before a merge. MW_DATA where a tokenizer's file is a link that is not followed. `seen` is zeroed. */
bool mw_side_files_look(const mw_model *donor, bool code, bool template, const mw_tokenizer_files *tokenizer, mw_side_files_seen *seen,
                        mw_error *err);
void mw_side_files_forget(mw_side_files_seen *seen);
/* The output's config.json: the donor's, which must have one, with what follows from the merge. */
bool mw_side_files_config(const mw_layout *layout, const mw_family *family, const mw_side_files_provenance *provenance, mw_text *out,
                          mw_error *err);
/* Writes them all into the writer's folder. MW_CHANGED where a side file is not as it was seen. */
bool mw_side_files_write(mw_writer *writer, const mw_layout *layout, const mw_family *family, const mw_side_files_provenance *provenance,
                         mw_side_files_seen *seen, mw_warning *warnings, mw_error *err);

#endif
