/* calibration.h: the files of --data, and prompts that a recipe holds. Files are opened before the recipe is evaluated; it is told only
 * how many there are, and how many windows of which length; the same of prompts when it asks for them. */
#ifndef MW_TRAIN_CALIBRATION_H
#define MW_TRAIN_CALIBRATION_H

#include "base/json_writer.h"
#include "recipe/learn_spec.h"
#include "model/family.h"
#include "text/prompts.h"

typedef struct mw_calibration {
  mw_dataset **sets;
  mw_learn_spec_set *facts; /* a window has as many positions as it predicts ids at most */
  char (*hashes)[65];   /* SHA-256 of each file */
  size_t count, files;  /* behind those of the files are the sets of prompts */
  mw_prompts *prompts;  /* opened by the first of these */
  mw_arena arena;
} mw_calibration;

/* Opens `count` files for a family: texts are tokenised by the donor's tokenizer, and every id must be in its vocabulary.
 * `window`: tokens a window of text; 0: 256. */
bool mw_calibration_open(mw_calibration *data, const char *const *paths, size_t count, uint32_t window,
                         const mw_family_member *donor, mw_error *err);
/* Adds texts of the recipe as a data set, read by the donor's tokenizer, or finds them if they are there: *index counts from 0. */
bool mw_calibration_add(mw_calibration *data, const mw_text_piece *texts, size_t count, const mw_family_member *donor, size_t *index,
                        mw_error *err);
/* Warns if a model's tokenizer file differs from the donor's: the same ids may then be other texts. */
void mw_calibration_compare(const mw_family_member *members, size_t count, size_t donor, mw_warning *warnings);
/* Adds to an object what a lock file says of it: the core type that products depend on, the window, the files. */
void mw_calibration_tell(const mw_calibration *data, uint32_t window, mw_json_writer *json);
void mw_calibration_close(mw_calibration *data);

#endif
