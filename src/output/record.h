/* record.h: reads merge.lock.json, which lock.h writes: what an output was made of and what its files were. A lock may come from
 * anybody, so every value is checked; names of files stay inside the output. */
#ifndef MW_OUTPUT_RECORD_H
#define MW_OUTPUT_RECORD_H

#include "base/checksum.h"
#include "format/json.h"

typedef struct mw_record_file {
  const char *name; /* "model.safetensors", "moonweld/scores.jsonl" */
  uint64_t size;
  bool counted;     /* its checksum is known */
  mw_checksum checksum;
  const char *marks; /* NULL, or the first MW_RECORD_MARK digits of the checksum of each of its chunks */
} mw_record_file;

enum { MW_RECORD_MARK = 8 };

typedef struct mw_record_input {
  const char *label, *where; /* "experts[2]", and what was typed for it */
  const char *hub, *commit;  /* or NULL */
  mw_record_file *files;
  size_t file_count;
  const char *base;          /* of MODEL+ADAPTER: what the model itself was opened from; else NULL */
  struct mw_record_input *adapters; /* its adapters, in turn; they have no label */
  size_t adapter_count;
} mw_record_input;

/* The words that were typed for an argument or an option. */
typedef struct mw_record_words {
  const char *name;
  const char **words;
  size_t count;
} mw_record_words;

typedef struct mw_record_list {
  mw_record_words *items;
  size_t count;
} mw_record_list;

typedef struct mw_record_text {
  const char *name, *text; /* NULL where an older version kept only its hash */
  size_t length;
} mw_record_text;

typedef struct mw_record {
  /* Where it lies and what it is of. */
  const char *path, *folder;        /* of the lock file; the folder of the output's files */
  const char *weights, *card;       /* of a lone file: its path and its card's; else NULL */
  char *text;
  size_t length;
  bool edited;                      /* its text is not the one that was written */
  /* What it says. */
  const char *version;
  uint64_t profile;                 /* of numbers; 0 where it says nothing */
  bool sums;                        /* checksums were kept; `silent`: of a version that knew none */
  bool silent;
  mw_record_text recipe, *required;
  size_t required_count;
  bool typed;                       /* arguments and options can be read */
  mw_record_list arguments, options;
  uint64_t seed;
  mw_record_input *inputs;
  size_t input_count;
  mw_record_file *outputs;
  size_t output_count;
  mw_arena arena;
} mw_record;

/* Finds and reads the lock of an output: a folder, a lone file NAME.safetensors, or the lock file itself. MW_MISSING where there is
 * none, MW_DATA with the field that is not as we write it. */
bool mw_record_open(const char *where, mw_record *record, mw_error *err);
/* Reads the text of one, which it takes; `record->path` must be set. */
bool mw_record_read(mw_record *record, char *text, size_t length, mw_error *err);
void mw_record_close(mw_record *record);
/* Where a file of the output lies. */
const char *mw_record_place(mw_record *record, const mw_record_file *file, mw_error *err);

#endif
