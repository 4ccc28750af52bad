/* bad_input.h: the error for an input with NaN or infinities: which tensor of which file, how many there are, and where the first is. */
#ifndef MW_EXEC_BAD_INPUT_H
#define MW_EXEC_BAD_INPUT_H

#include "exec/job.h"

/* Reads the tensor, or those that a view is made of, a second time to count the bad values: a failing run has the time. Returns false
 * with an error; or true where they are all finite, so that what is not was computed. */
bool mw_bad_input_report(const mw_job *job, const mw_kernels *kernels, mw_node input, mw_error *err);

#endif
