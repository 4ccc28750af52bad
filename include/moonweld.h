/* moonweld.h: the public C interface. It reads in the order of a merge: load a recipe, look at its signature, bind
 * arguments, plan, run. Everything here is plain data and opaque handles; Lua, OpenMP and file formats stay behind it.
 *
 * Ownership: whoever calls a function that makes a handle (`_load`, `_make`, `_open`) calls its `_free`, and a text or list
 * that is returned lives as long as the handle it came from. What is passed in is borrowed for the call only, with one
 * exception: a plan uses its recipe, and the callbacks of its options with their contexts, until it is freed.
 * Errors: what can fail returns false and fills the mw_error it was given. The library never prints and never exits.
 * Callbacks come from the thread that called the library, one at a time. One that returns false asks to stop, as Ctrl-C does:
 * the call then fails with MW_INTERRUPTED. */
#ifndef MOONWELD_H
#define MOONWELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MW_VERSION "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default) /* what is declared here, and nothing else, is visible in the shared library */

/* ---- errors ---------------------------------------------------------------------------------------------------- */

/* Every way in which a call, or the program, can end: X(name, exit code, meaning). The codes are those of sysexits.h. */
#define MW_STATUS_MAP(X)                                                          \
  X(OK, 0, "done")                                                                \
  X(USAGE, 64, "wrong usage or recipe argument")                                  \
  X(DATA, 65, "malformed model, or a recipe that fails")                          \
  X(MISSING, 66, "an input that is not there or not readable")                    \
  X(UNAVAILABLE, 69, "a capability that is not there")                            \
  X(BUG, 70, "our own bug")                                                       \
  X(MEMORY, 71, "out of memory")                                                  \
  X(CANNOT_CREATE, 73, "the output cannot be created, or exists without --force") \
  X(IO, 74, "input or output error")                                              \
  X(CHANGED, 75, "an input changed meanwhile, or the output is in use")           \
  X(INTERRUPTED, 128, "ended by a signal: 128 + its number")

typedef enum mw_status {
#define MW_STATUS(name, code, meaning) MW_##name = code,
  MW_STATUS_MAP(MW_STATUS)
#undef MW_STATUS
} mw_status;

typedef struct mw_error {
  mw_status status;
  int signal;      /* for MW_INTERRUPTED: the signal that ended the work */
  char text[1000]; /* one line: file, field, found, expected */
  char hint[400];  /* what to do about it, or "" */
} mw_error;

/* ---- options of every merge ------------------------------------------------------------------------------------ */

/* A candidate that a recipe asked the score of. Borrowed for the call. */
typedef struct mw_scored {
  size_t candidate;      /* from 1, in the order in which they were scored */
  double score, seconds; /* greater is better; how long making and measuring it took */
  const char *made_of;   /* "models[1], models[3]; seed/m3:beta(0.5, 0.5) = 0.31": its models and what was drawn for it */
  const char *by;        /* which score, of those with names; else NULL */
} mw_scored;

/* An input that lies elsewhere than the word for it says. It is told of by that word, `hub` and `commit`. */
typedef struct mw_placed {
  const char *label;        /* "base", "experts[2]" */
  const char *path;         /* what is opened */
  const char *hub, *commit; /* or NULL */
  const char *file;         /* of a lone file, or an adapter: what its weights were called; else NULL */
  const char *base;         /* of MODEL+ADAPTER: what the model itself was called; else NULL */
  const struct mw_placed *adapters; /* and its adapters, in turn: the label of each is what it was called, its path is not read */
  size_t adapter_count;
  const struct mw_model *pipeline; /* NULL, or path is the name of a component of this pipeline, which is open: of merges of pipelines */
} mw_placed;

typedef struct mw_options {
  const char *output;    /* folder to make, or NAME.safetensors: one file; NULL while only planning */
  const char *dtype;     /* "f32" "f16" "bf16" "f64", or NULL / "keep": the donor's dtype, tensor by tensor */
  uint64_t shard_size;   /* bytes of tensor data a file; default 5e9 */
  int threads;           /* 0: OMP_NUM_THREADS, else all cores */
  uint64_t seed;         /* default 0 */
  double recipe_seconds; /* CPU time a recipe may take; 0: 1 s + 1 ms an input tensor */
  double score_timeout;  /* seconds a score may take; 0: any time */
  uint64_t recipe_memory;/* bytes a recipe's Lua may take; 0: 256 MB */
  bool explain;          /* while planning, look for everything that does not fit, and keep what mw_plan_explained tells */
  bool force;            /* replace an output that Moonweld made */
  bool no_sync;          /* do not wait until the output is on the disk: a power cut soon after may spoil it */
  bool durable;          /* wait for it: the default, an error together with no_sync */
  bool no_hash;          /* no checksums of inputs and output in merge.lock.json */
  bool sha256;           /* a seal too, as mw_seal writes it */
  bool verify;           /* read files back before they are published: MW_IO where one is not what was written */
  bool copy_code;        /* carry *.py side files too */
  bool missing_base;     /* --missing base: tensors an input lacks are the donor's; tensors only it has are dropped */
  const char *donor;        /* NULL, or which input gives config, tokenizer and side files: "experts[1]", or as it was typed */
  const char *chat_template;/* NULL, or whose chat template the output has: an input, a file, a folder, or "auto" */
  const char *tokenizer; /* NULL, or whose tokenizer the output has: "base", "union", an input, or a model's folder */
  const char *tokens;    /* NULL, or rules for single tokens: JSON, or a file of it (README.md, "Vocabularies") */
  uint64_t pad_vocabulary; /* 0, or rows of the vocabulary are a multiple of it */
  const char *const *stand_in; /* "[embeddings:|heads:]MODEL": with `tokenizer`, whose rows stand in for those that another lacks */
  const char *const *allow; /* findings that are let through: "config" "tokenizer" "quantised" "empty" */
  const char *result;    /* NULL: the recipe's first result; else that of this name */
  const char *const *also; /* "NAME=OUT": further results, for mw_options_also; a plan is of one result */
  const char *const *rename; /* "[ARG[i]:]FROM=TO": other names for tensors of inputs, `*` in TO being what it matched in FROM */
  bool strict;           /* of a configuration of mergekit: keys that it ignores, and inputs that do not fit, are errors */
  bool donor_integers;   /* integer tensors and buffers may differ: the donor's are taken */
  bool nonfinite_keep;   /* NaN and infinities do not stop the merge */
  const char *score, *const *score_data; /* NULL, or a command that measures a candidate (README: Scores), or "loss:FILE" and more files;
                            with names, "math=COMMAND", several: their words follow in score_data */
  int score_jobs;        /* commands of `score` at once, of candidates that do not depend on each other's scores; 0: one */
  bool (*judge)(void *context, const char *folder, double *score); /* NULL, or what measures a candidate in the place of a command: `score`
                            is then what the lock calls it. Its scores are not kept for a later run: they depend on the program */
  bool (*scored)(void *context, const mw_scored *scored); /* told of every score as it comes; may be NULL */
  bool (*print)(void *context, const char *line); /* told of every line that a recipe prints, safe to show; may be NULL */
  void *judge_context, *scored_context, *print_context;
  const char *tied;      /* NULL, "untie", "ignore" or "store": what to do with a head that differs from a tied embedding */
  const char *const *data; /* files of token windows that a recipe learns from (recipes/README.md, "Calibration data") */
  size_t allow_count, also_count, rename_count, stand_in_count, data_count, score_data_count, placed_count;
  int window;            /* tokens a window where such a file is text; 0: 256 */
  const char *coefficients; /* NULL, or a coefficients.safetensors to start from instead of a recipe's initial values */
  const mw_placed *placed; /* inputs that lie elsewhere, as mw_rebuild finds them; read while the plan is made */
} mw_options;

void mw_options_init(mw_options *options);
/* The options that write further result `i` of `also`: its name, which is put into `name`, and its folder. MW_USAGE: it is no NAME=OUT. */
bool mw_options_also(const mw_options *options, size_t i, char name[64], mw_options *out, mw_error *err);

/* ---- recipes --------------------------------------------------------------------------------------------------- */

typedef struct mw_recipe mw_recipe;

typedef enum mw_arg_kind {
  MW_ARG_NUMBER, MW_ARG_STRING, MW_ARG_FLAG, MW_ARG_MAYBE, MW_ARG_CHOICE, MW_ARG_EACH, MW_ARG_MODEL, MW_ARG_MODELS,
  MW_ARG_WORDS, MW_ARG_PARTS, MW_ARG_SEED, MW_ARG_SCORE, MW_ARG_CALIBRATION
} mw_arg_kind;

/* One argument of a recipe, as declared (recipes/README.md describes the forms). */
typedef struct mw_arg {
  const char *name, *doc;
  mw_arg_kind kind;
  const char *fallback;       /* the default as one would type it; "" where there is none */
  bool optional;              /* may be left out: has a default, or is a model declared { optional = true } */
  bool whole;                 /* counts only */
  bool adapter;               /* of MODEL and MODELS: adapters are typed, and each is the base with it added */
  bool has_min, has_max;      /* limits: of the value, or for MODELS of how many */
  double min, max;
  const char *const *choices; /* NULL-terminated; NULL but for CHOICE and WORDS (some of them) */
  const char *const *profiled;/* NULL, or the default under each choice of the argument `profile`, in their order */
} mw_arg;

/* Whether a name is a built-in recipe's, an own one's in a home, or a file's: it has a '/' or a '.'. If not: MW_USAGE, with what was
 * probably meant; `words` (`count` of them, or NULL and 0) may have been meant too. */
bool mw_recipe_is_known(const char *name, const char *const *words, size_t count, mw_error *err);
/* Loads a built-in or an own recipe by name, or a file, in a locked child process. NAME.yml and NAME.yaml are configurations of
 * mergekit: each becomes a recipe, and gives its models, dtype and the like to every plan, where neither bindings nor options say
 * otherwise. */
bool mw_recipe_load(const char *name, const mw_options *options, mw_recipe **out, mw_error *err);
/* The same of a text of `length` bytes, which errors and the lock call `name`. Of what it requires, only what is built in is found. */
bool mw_recipe_of_text(const char *name, const char *text, size_t length, const mw_options *options, mw_recipe **out, mw_error *err);
void mw_recipe_free(mw_recipe *recipe);
const char *mw_recipe_name(const mw_recipe *recipe);
const char *mw_recipe_summary(const mw_recipe *recipe); /* its doc sentence */
const char *mw_recipe_paper(const mw_recipe *recipe);   /* "" where none is given */
size_t mw_recipe_args(const mw_recipe *recipe, const mw_arg **first);
/* Its text; of a configuration of mergekit, that of the recipe which it became: its first comment is the command line that runs it. */
const char *mw_recipe_text(const mw_recipe *recipe);
/* What is to be said of a configuration of mergekit, such as keys that it ignores: warnings, one line each. Plans tell them too. */
size_t mw_recipe_notes(const mw_recipe *recipe, const char *const **lines);

/* Names of the built-in recipes, sorted, NULL-terminated. */
const char *const *mw_recipe_builtins(void);
/* Summary and formula of a built-in recipe, which need not be loaded for that; NULL where none is so called. */
const char *mw_recipe_builtin_summary(const char *name);
const char *mw_recipe_builtin_formula(const char *name);
/* Own recipes lie in homes: the folders of $MOONWELD_PATH, with ':' between them, then $XDG_CONFIG_HOME/moonweld/recipes (mostly
 * ~/.config/moonweld/recipes). NAME.lua in a home is the recipe NAME, unless a home before it or the program has one of that name. */
typedef struct mw_recipe_homes mw_recipe_homes;
bool mw_recipe_homes_open(mw_recipe_homes **out, mw_error *err);
void mw_recipe_homes_free(mw_recipe_homes *homes);
/* The first home, with a '/' at its end, which need not be there yet; NULL where the environment names none. */
const char *mw_recipe_homes_folder(const mw_recipe_homes *homes);
/* How many own recipes there are; their names, sorted in each home, and their files are borrowed. */
size_t mw_recipe_homes_own(const mw_recipe_homes *homes, const char *const **names, const char *const **paths);

/* The text of a recipe's file with all own recipes and modules that it requires, at any depth, put into it; free() *text. MW_DATA for
 * a `require` whose name is not written out. */
bool mw_recipe_pack(const char *name, const mw_options *options, char **text, mw_error *err);
/* One argument of a recipe that takes several values in turn, as they are typed. */
typedef struct mw_sweep_axis {
  const char *name;
  const char *const *values;
  size_t count;
} mw_sweep_axis;
/* The recipe of that name or file as one that tries every combination of the axes' values, the last axis fastest, and gives the one of
 * the greatest score. It takes the same arguments, and prints "sweep N SCORE" of each combination, N from 0. MW_USAGE for what is no
 * argument with such values, and for recipes that ask for scores themselves. */
bool mw_recipe_sweep(const char *name, const mw_sweep_axis *axes, size_t count, const mw_options *options, mw_recipe **out, mw_error *err);
/* A commented recipe to begin with, called `name`; free() *text. MW_USAGE where that cannot be a recipe's name, or is built in. */
bool mw_recipe_begin(const char *name, char **text, mw_error *err);

/* The nearest of `count` words to `word`, or NULL where none is near: for did-you-mean. */
const char *mw_recipe_nearest(const char *word, const char *const *words, size_t count);

/* ---- plans ----------------------------------------------------------------------------------------------------- */

/* The words typed for one argument. `--t 0,0.5,1` is one word, `--weight 1 2 3` three. */
typedef struct mw_binding {
  const char *name;
  const char *const *words;
  size_t count;
} mw_binding;

typedef struct mw_plan mw_plan;

/* Opens the models that the bindings name, evaluates the recipe in a second locked child, checks its graph, and lays
 * out passes and output files. Reads headers only and writes nothing. *out is NULL if there can be no plan; with options->explain
 * it then has mw_plan_notes, all that is wrong with the inputs but what err says, and is freed as any other. */
bool mw_plan_make(const mw_recipe *recipe, const mw_binding *bindings, size_t count, const mw_options *options,
                  mw_plan **out, mw_error *err);
void mw_plan_free(mw_plan *plan);

typedef struct mw_plan_facts {
  unsigned passes;        /* the longest chain of passes over the inputs, the output pass included */
  uint64_t bytes_read;    /* over all passes */
  uint64_t bytes_written; /* weights with their headers */
  uint64_t peak_memory;   /* private bytes, an upper bound */
  uint64_t matrix_memory; /* of that, for functions of whole matrices (svd, matmul ...); 0: there are none */
  double matrix_flops;    /* floating-point operations of these */
  uint64_t statistic_memory; /* what finding statistics of data (gram, fisher ...) takes, before the passes; 0: there are none */
  uint64_t statistic_bytes;  /* of the statistics, in a file without a name beside the output while it runs */
  uint64_t statistic_batches; /* of data that networks run on for them */
  double statistic_flops;    /* floating-point operations of matrix products in these */
  size_t tensors;         /* of the output */
  size_t files;           /* of the output */
  const char *donor;      /* whose model gives config, tokenizer and side files: "base", "models[1]"; borrowed from the plan */
  bool adapter;           /* the output is no model but an adapter of the donor, a folder of peft */
  const char *vocabulary; /* what --tokenizer makes: "152 tokens of models[1], 2 of them added; 160 rows"; else NULL */
  const char *config;     /* what its config.json gets beside the donor's, a JSON object; of an adapter, adapter_config.json; else NULL */
  const char *drawn;      /* what the recipe has drawn by its seed for the output, where it is few numbers: "seed/m3:beta(0.5, 0.5) = 0.31";
                             of candidates only after the run; else NULL */
  const char *carried;    /* of a merge of whole pipelines: which components are the donor's as they are, and why; else NULL */
  const char *adapters;   /* of the same: which part of each adapter goes to which component; else NULL */
  size_t candidates;      /* 0, or so many are scored while it runs, if all score alike; the other facts are the first one's */
  size_t resumed;         /* after a run: tensors of the output that an earlier run, which was stopped, had made */
} mw_plan_facts;

mw_plan_facts mw_plan_measure(const mw_plan *plan);

/* A component of whole pipelines of diffusers (folders with a model_index.json): a merge of its own. */
typedef struct mw_plan_component {
  const char *name;    /* "unet" */
  const char *carried; /* NULL: it is merged; or why the donor's passes through as it is. One that is the same in all inputs
                          passes through too, which only the run finds out */
  mw_plan_facts facts;
} mw_plan_component;

/* The components of a merge of pipelines, whose sums the plan's facts are; none of a merge of models. */
size_t mw_plan_components(const mw_plan *plan, const mw_plan_component **first);
void mw_plan_file(const mw_plan *plan, size_t index, const char **name, uint64_t *bytes);
/* The whole plan as the JSON document of `plan --json`; borrowed from the plan. */
const char *mw_plan_json(const mw_plan *plan);
/* Warnings gathered so far, one line each without a prefix. */
size_t mw_plan_notes(const mw_plan *plan, const char *const **lines);

/* What a training of the plan will take. */
typedef struct mw_plan_training {
  uint64_t steps, windows;       /* windows of every data file in a step */
  uint64_t coefficients;         /* numbers learned */
  uint64_t tokens;               /* positions of all batches of a step */
  uint64_t memory;               /* bytes at its peak, an upper bound: */
  uint64_t weights, activations; /* of it merged weights in f32, and what grows with the tokens */
  double flops, seconds;         /* a step: operations of matrix products, and about how long on this machine */
} mw_plan_training;

/* The number that an argument which varies over the model, such as `--t 0,0.5,1`, gives a tensor of the output. */
typedef struct mw_plan_number {
  const char *argument, *tensor; /* "t", or "weight[2]" where each model has a number of its own */
  double number;
} mw_plan_number;

/* Of a plan with options.explain: a number for each such argument and tensor that is computed, in the order of both; integer
 * tensors, which are carried as they are, have none. */
size_t mw_plan_explained(const mw_plan *plan, const mw_plan_number **first);

/* The trainings, in the order in which they run; none for a recipe that learns nothing. */
size_t mw_plan_trainings(const mw_plan *plan, const mw_plan_training **first);

/* Called now and then, from one thread at a time. Returning false asks the run to stop (as Ctrl-C does). While a score is
 * measured there is nothing to show but whether to go on: bytes_total is 0. */
typedef bool (*mw_progress)(void *context, uint64_t bytes_done, uint64_t bytes_total, unsigned pass);

/* How a training goes: step `step` of `steps`, from 1, of training `training` of `trainings`; the loss before the step. While statistics
 * of data are found `trainings` is 0, and steps are batches. */
typedef struct mw_learning_facts {
  unsigned training, trainings;
  uint64_t step, steps;
  double loss;
} mw_learning_facts;

/* Called after every step. False asks to stop: OUT.learning then keeps the training, and the same plan goes on from there. */
typedef bool (*mw_learning)(void *context, const mw_learning_facts *facts);

/* Who is told of the steps of this plan's trainings; a plan of a recipe that learns nothing has none. */
void mw_plan_watch(mw_plan *plan, mw_learning learning, void *context);

/* Runs the plan: the trainings, then all passes, the output folder, its publication. A recipe that scores is evaluated again for that, each
 * candidate is made beside the output, measured and removed, and what the recipe then returns is written. */
bool mw_plan_run(mw_plan *plan, mw_progress progress, void *context, mw_error *err);
/* Before the first result is made: whether the recipe gives every further one of options->also, and each may be written where it says. */
bool mw_plan_check_also(const mw_recipe *recipe, const mw_binding *bindings, size_t count, const mw_options *options, mw_error *err);
/* For a signal handler that is about to end the process: ends the command of --score that runs now, with all that it started.
 * False while one is just being started: then whoever asked the run to stop goes on, and it stops at once. */
bool mw_plan_abandon(void);

/* ---- what an output was made of, and whether it still is that ----------------------------------------------------- */

/* A file that is not as it was. */
typedef struct mw_finding {
  const char *path;
  const char *state; /* "changed", "missing", "extra", or of a lock "edited" */
  const char *text;  /* what was found, safe to show: "has 40 bytes, 48 were written" */
} mw_finding;

typedef struct mw_verify_options {
  bool inputs;                     /* the inputs too */
  const char *models;              /* a folder below which inputs are looked for, if they are not where they were; or NULL */
  const char *const *places;       /* "LABEL=PATH": where an input lies now */
  size_t place_count;
  void (*found)(void *context, const mw_finding *finding); /* told of every finding; may be NULL */
  mw_progress progress;            /* or NULL */
  void *context;                   /* of both */
} mw_verify_options;

typedef struct mw_verified {
  size_t files, findings, sealed; /* files that were read; how many of them a seal vouches for too */
  uint64_t bytes;
} mw_verified;

/* Holds an output (a folder, NAME.safetensors, or its lock file) against its merge.lock.json: every file by its checksum, none missing,
 * none too many; and against its seal, where it has one. MW_DATA where there are findings, MW_MISSING where these are inputs alone
 * that are not here, MW_UNAVAILABLE where the lock holds no checksums (--no-hash, or of version 0.1.0). `facts` is set in any case. */
bool mw_verify(const char *output, const mw_verify_options *options, mw_verified *facts, mw_error *err);

/* Writes OUT/moonweld/seal.json (NAME.seal.json of a lone file): the SHA-256 of every file, and the root digest that OpenSSF Model
 * Signing v1.0 signs, as an unsigned in-toto statement; `root` becomes that digest in hex. First all is held against the lock's
 * checksums: what has changed is not sealed (MW_DATA). `options` may be NULL. */
bool mw_seal(const char *output, const mw_verify_options *options, char root[65], mw_error *err);

/* Makes an output again from its lock (found as above) alone: the recipes' texts and all arguments are the lock's, and its inputs are
 * found where they were, by --input's words in options->places, in the hub's cache, or by their checksums below options->models. The
 * new output's bytes are then held against the recorded ones; MW_DATA names what differs, by findings. `merge` gives threads, force
 * and the like: output must be set, and what the lock records must not. */
bool mw_rebuild(const char *output, const mw_options *merge, const mw_verify_options *options, mw_verified *facts, mw_error *err);

/* ---- evaluation ------------------------------------------------------------------------------------------------ */

/* How well a causal model predicts a data set. */
typedef struct mw_evaluation {
  double loss;     /* cross-entropy in nats a predicted token; perplexity is its exponential */
  uint64_t tokens; /* predicted: every token of a window but its first */
} mw_evaluation;

/* Evaluates `count` models on options->data: model m on file d is results[m * data_count + d]. config.json chooses the forward pass;
 * MW_UNAVAILABLE names what has none. `progress` (may be NULL) counts batches as steps and data sets as trainings. */
bool mw_eval_models(const char *const *models, size_t count, const mw_options *options, mw_learning progress, void *context,
                    mw_evaluation *results, mw_error *err);

/* Removes what runs that were killed or stopped have left beside the output OUT: what the same command would go on with, candidates,
 * a training that is not finished. `removed` is told of each folder or file and the bytes that it took on the disk
 * (UINT64_MAX: they cannot be known). What a living run has is MW_CHANGED. */
bool mw_clean_output(const char *out, void (*removed)(void *context, const char *path, uint64_t bytes), void *context, mw_error *err);

/* ---- inspection ------------------------------------------------------------------------------------------------ */

typedef struct mw_inspection mw_inspection;

/* Opens a model or file, applying every input check. `stats` also reads the data, and refuses (MW_DATA) files of the hub's
 * cache whose contents have another SHA-256 than their blobs' names. */
bool mw_inspect_open(const char *path, bool stats, mw_inspection **out, mw_error *err);
void mw_inspect_free(mw_inspection *inspection);
/* Takes a piece of a long text, about 64 KB, and returns whether it could: else what writes it ends with MW_IO. */
typedef bool (*mw_sink)(void *context, const char *bytes, size_t length);
/* One line of JSON, or a text for people, in pieces: a model may have a million tensors. `pattern`: NULL, and tensors that differ only in
 * the numbers of their names are one line (none with stats); or a glob of names, and each is one; MW_USAGE where none is so called. */
bool mw_inspect_write_json(const mw_inspection *inspection, mw_sink sink, void *context, mw_error *err);
bool mw_inspect_write_text(const mw_inspection *inspection, const char *pattern, mw_sink sink, void *context, mw_error *err);
/* All of the JSON at once; NULL where there is no memory for it. */
const char *mw_inspect_json(mw_inspection *inspection);
size_t mw_inspect_notes(const mw_inspection *inspection, const char *const **lines);

/* What a tensor is; borrowed of the inspection. */
typedef struct mw_tensor_facts {
  const char *name, *dtype; /* dtype as the file has it: "BF16" */
  const uint64_t *shape;
  size_t rank;
  uint64_t elements;
} mw_tensor_facts;
/* Up to `count` names from the tensor of number `first` on, in byte order, borrowed; returns how many tensors there are. */
size_t mw_inspect_names(const mw_inspection *inspection, size_t first, const char **names, size_t count);
/* MW_USAGE with the nearest name where there is no such tensor. */
bool mw_inspect_tensor(const mw_inspection *inspection, const char *name, mw_tensor_facts *out, mw_error *err);
/* `count` elements from `first` on, in the order of the file (rows one behind the other), as double. MW_USAGE beyond the tensor, MW_DATA
 * for a dtype that is no real number. */
bool mw_inspect_values(const mw_inspection *inspection, const char *name, uint64_t first, size_t count, double *values, mw_error *err);

/* ---- plots ----------------------------------------------------------------------------------------------------- */

/* Curves over one list of values: numbers lie where they are, other words one beside the other. A NAN is no point. */
typedef struct mw_plot {
  const char *x, *y;          /* what the axes are called */
  const char *const *values;  /* of x, `count` of them */
  size_t count;
  const char *const *labels;  /* one a curve; "" for a curve alone */
  const double *figures;      /* [curves][count] */
  size_t curves;
} mw_plot;
/* Whether FILE can be written: MW_CANNOT_CREATE where it cannot, or where something else than such a picture is in its place. */
bool mw_plot_allowed(const char *file, mw_error *err);
/* Writes an SVG picture, light or dark as the reader's screen is. */
bool mw_plot_write(const mw_plot *plot, const char *file, mw_error *err);

/* ---- difference ------------------------------------------------------------------------------------------------ */

typedef struct mw_diff mw_diff;

typedef struct mw_diff_options {
  const char *base;     /* the model that both come from; NULL: none is given, A and B are compared as they are */
  const char *html;     /* where an HTML page goes, or NULL. Asked before any data is read; replaces an older page only */
  int threads;          /* 0: OMP_NUM_THREADS, else all cores; the numbers do not depend on it */
  mw_progress progress; /* or NULL */
  void *context;        /* of progress */
} mw_diff_options;

/* Compares two models tensor by tensor, in one pass over their files: how far they lie apart, the angle between their
 * task vectors (their differences from the base), where those disagree in sign, what share of the elements changed.
 * What only one of them has, or has in another shape, is part of the answer. `options` may be NULL. */
bool mw_diff_make(const char *a, const char *b, const mw_diff_options *options, mw_diff **out, mw_error *err);
/* The same of 2 to 26 models. Of more than two, each pair of them is compared, and the JSON is a list with an object a pair: "model_a" and
 * "model_b", figures of the whole, and "tensors", such a list as above. */
bool mw_diff_models(const char *const *models, size_t count, const mw_diff_options *options, mw_diff **out, mw_error *err);
void mw_diff_free(mw_diff *diff);
/* `diff --json`: a list with an object a tensor. Keys: "tensor"; "relative_delta" |B - A| / |A|; "changed", the share of
 * elements in which A and B differ; "cosine" and "sign_conflict" of the task vectors, without a base of the weights;
 * with a base "delta_a" |A - base| / |base| and "changed_a", "delta_b" and "changed_b"; "layer", the layer or module;
 * "state": same, differs, only_a, only_b, only_base, no_base, shape, dtype; "a", "b" (and "base"): dtype and shape, null
 * where the model has no such tensor. A number that is not known is null, never NaN. */
const char *mw_diff_json(const mw_diff *diff);
const char *mw_diff_text(const mw_diff *diff); /* layers and the tensors that differ most, for people */
/* Warnings: models that are not of one family, deltas too long to merge, what a merge would refuse. */
size_t mw_diff_notes(const mw_diff *diff, const char *const **lines);

/* ---- reports ---------------------------------------------------------------------------------------------------- */

typedef struct mw_report_options {
  const char *html, *models; /* where the page goes: it replaces an older page only; and as mw_verify_options has it, like the next two */
  const char *const *places;
  size_t place_count;
  int threads;               /* 0: OMP_NUM_THREADS, else all cores */
  mw_progress progress;      /* or NULL */
  void *context;             /* of progress and `said` */
} mw_report_options;

/* Writes a page about an output (a folder, NAME.safetensors, or its lock): what it was made of and by; what the merge did to each input;
 * how it is made again. An input that is not here is named, and the rest is told. `said` is called with each warning; it may be NULL. */
bool mw_report_output(const char *output, const mw_report_options *options, void (*said)(void *context, const char *line), mw_error *err);

/* ---- tokens ---------------------------------------------------------------------------------------------------- */

typedef struct mw_tokens mw_tokens;

/* Opens a model's tokenizer: `where` is a folder (tokenizer.json before tokenizer.model), one of these files, or the name
 * of a model in the local hub cache. What a tokenizer asks for and is not implemented is MW_UNAVAILABLE, by its name. */
bool mw_tokens_open(const char *where, mw_tokens **out, mw_error *err);
void mw_tokens_free(mw_tokens *tokens);
/* One line of {"text": ...}, without its end, to the token ids of its text: a JSON array, NUL-terminated, which is
 * borrowed until the next call. `special`: with the tokens that the tokenizer puts before and behind a text.
 * MW_DATA for a line that is no such object; `line_name` is where errors begin ("lines.jsonl: line 3"). */
bool mw_tokens_line(mw_tokens *tokens, const char *line_name, const char *line, size_t length, bool special,
                    const char **json, size_t *json_length, mw_error *err);

/* ---- the build -------------------------------------------------------------------------------------------------- */

/* This build, and what it can do on this machine. The texts are constants. */
typedef struct mw_build {
  const char *version; /* MW_VERSION of the library, which may be newer than the header's */
  const char *kernels; /* the instruction set in use: "base", "avx2" or "avx512"; or what is wrong with MOONWELD_ISA */
  const char *lua;     /* "Lua 5.4.4": what recipes run in */
  const char *sandbox; /* what holds them: "seccomp" or "resource limits" */
} mw_build;

mw_build mw_version(void);

/* Opens the trusted, in-process Lua module (a lua_CFunction for package.preload). */
struct lua_State;
int luaopen_moonweld(struct lua_State *L);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
