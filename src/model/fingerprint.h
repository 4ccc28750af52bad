/* fingerprint.h: what tells whether models are still those of an earlier run, without reading their data. */
#ifndef MW_MODEL_FINGERPRINT_H
#define MW_MODEL_FINGERPRINT_H

#include "model/input_set.h"

/* Adds a line of every file of every model, "the file NAME of LABEL: size, inode and times", and of every model, "the tensors of
 * LABEL: HASH", for which
 * tensor lies where under which name: options may rename tensors, and leave some out. */
bool mw_fingerprint_inputs(const mw_input_set *inputs, mw_text *out, mw_error *err);
/* The same where other machines compute it, too: they know a shared file system by other numbers of a device. */
bool mw_fingerprint_shared(const mw_input_set *inputs, mw_text *out, mw_error *err);

#endif
