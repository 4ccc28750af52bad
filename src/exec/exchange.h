/* exchange.h: what the ranks of a merge (ranks.h) tell each other: after a pass what it has found, at the end the checksums. */
#ifndef MW_EXEC_EXCHANGE_H
#define MW_EXEC_EXCHANGE_H

#include "exec/pass.h"

/* Before mw_pass_end, of a pass over a stage that all ranks do: every rank then knows its sums, vectors and counts, and which outputs
 * were not finite. */
bool mw_exchange_pass(mw_pass *pass, mw_values *values, mw_error *err);
/* Which outputs are not finite, of a job with nonfinite_keep. */
bool mw_exchange_spoiled(const mw_job *job, mw_error *err);
/* Who gives each chunk of a file's checksum: *who[mw_file_checksum_count], to be freed. A rank that has read or written all of a chunk,
 * or else any: that one must complete it. */
bool mw_exchange_chunks(const mw_ranks *ranks, const mw_file_checksum *checksum, uint64_t **who, mw_error *err);
/* When every rank has completed its own: all chunks are complete. */
bool mw_exchange_sums(const mw_ranks *ranks, mw_file_checksum *checksum, const uint64_t *who, mw_error *err);

#endif
