/* seal.h: the SHA-256 of every file of an output, and the one digest over them that OpenSSF Model Signing v1.0 signs (its section
 * 6.5.1): of the raw digests, in the order of the files' names by bytes. See mw_seal in moonweld.h. */
#ifndef MW_MERGE_SEAL_H
#define MW_MERGE_SEAL_H

#include "merge/verify.h"
#include "output/writer.h"

/* Where it lies in an output folder. It vouches for every other file there but for mw_verify_foreign. */
#define MW_SEAL_NAME MW_WRITER_SEAL

/* Writes the seal of an output that is about to be published, whose other files are all there. `out` is the output as it was typed. */
bool mw_seal_write(mw_writer *writer, const char *out, mw_error *err);
/* Holds the files of an output against its seal, if it has one. */
bool mw_seal_check(mw_verify_run *run, mw_error *err);

#endif
